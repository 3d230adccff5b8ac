//! Reads that are older than what the client wrote itself.

use std::time::Duration;

use futures_util::StreamExt;

use octoseal::{
    Access, Client, Error, Receipt, Visibility,
    registries::{PrivateRegistriesScope, RegistryAuth},
};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{ACME, acme, client, scope};
use tokio::time::sleep;

const LAG: Duration = Duration::from_secs(2);

/// Reads show for good what was there so long before.
fn lagging(github: &GitHub, lag: Duration) {
    github.inject(Fault::stale_read(lag).always());
}

async fn keep(client: &Client) -> Result<Receipt, Error> {
    client.secrets(scope(ACME)).put("KEY", "new").send().await
}

fn ids(github: &GitHub) -> Vec<u64> {
    let secret = github.secret(ACME, "KEY").unwrap();
    secret.selected_repository_ids.into_iter().collect()
}

#[tokio::test(start_paused = true)]
async fn access_that_is_kept_is_not_widened_by_a_read_from_before_our_own_put() {
    let github = acme();
    let client = client(&github);
    github.seed(ACME, "KEY", "old").visibility("all");
    for wait in [Duration::ZERO, Duration::from_millis(900), LAG] {
        sleep(Duration::from_secs(60)).await;
        let put = client.secrets(scope(ACME)).put("KEY", "one");
        put.access(Visibility::All).send().await.unwrap();
        sleep(Duration::from_secs(60)).await;
        lagging(&github, LAG);
        let put = client.secrets(scope(ACME)).put("KEY", "two");
        put.access(Visibility::Private).send().await.unwrap();
        sleep(wait).await;
        keep(&client).await.unwrap();
        let stored = github.secret(ACME, "KEY").unwrap();
        assert_eq!(stored.visibility.as_deref(), Some("private"), "{wait:?}");
        assert_eq!(github.plaintext(ACME, "KEY").unwrap(), b"new");
        github.clear_faults();
    }
}

#[tokio::test(start_paused = true)]
async fn repositories_selected_at_once_and_one_by_one_are_kept_through_older_reads() {
    let github = acme();
    let (api, web) = (
        github.add_repository("acme", "api"),
        github.add_repository("acme", "web"),
    );
    let client = client(&github);
    let secrets = client.secrets(scope(ACME));
    github.seed(ACME, "KEY", "old").selected([api]);
    sleep(Duration::from_secs(60)).await;
    lagging(&github, LAG);

    secrets.add_selected_repository("KEY", web).await.unwrap();
    keep(&client).await.unwrap();
    assert_eq!(ids(&github), [api, web]);

    secrets
        .remove_selected_repository("KEY", api)
        .await
        .unwrap();
    keep(&client).await.unwrap();
    assert_eq!(ids(&github), [web]);

    secrets
        .set_selected_repositories("KEY", [api])
        .await
        .unwrap();
    keep(&client).await.unwrap();
    assert_eq!(ids(&github), [api]);

    let added = secrets.put("KEY", "new").access(Access::add([web]));
    added.send().await.unwrap();
    keep(&client).await.unwrap();
    assert_eq!(ids(&github), [api, web]);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_was_just_created_or_deleted_is_taken_as_it_is_now() {
    let github = acme();
    let client = client(&github);
    let secrets = client.secrets(scope(ACME));
    sleep(Duration::from_secs(60)).await;
    lagging(&github, LAG);
    let put = secrets.put("KEY", "one").access(Visibility::Private);
    put.send().await.unwrap();
    keep(&client).await.unwrap();

    sleep(Duration::from_secs(60)).await;
    secrets.delete("KEY").await.unwrap();
    let error = keep(&client).await.unwrap_err();
    assert!(error.to_string().contains("does not exist yet"), "{error}");
    assert!(github.secret(ACME, "KEY").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_read_that_stays_older_is_an_error_in_the_end_and_nothing_is_written() {
    let github = acme();
    let client = client(&github);
    github.seed(ACME, "KEY", "old").visibility("all");
    sleep(Duration::from_secs(60)).await;
    lagging(&github, Duration::from_secs(50));
    let put = client.secrets(scope(ACME)).put("KEY", "one");
    put.access(Visibility::Private).send().await.unwrap();
    github.clear_requests();

    let error = keep(&client).await.unwrap_err();
    assert!(error.is_unexpected_reply(), "{error}");
    assert!(error.to_string().contains("has just written"), "{error}");
    assert!(
        github
            .requests()
            .iter()
            .all(|request| request.method == "GET")
    );
    assert_eq!(github.plaintext(ACME, "KEY").unwrap(), b"one");
}

#[tokio::test(start_paused = true)]
async fn what_another_changes_afterwards_is_kept_as_they_left_it() {
    let github = acme();
    let (ours, other) = (client(&github), client(&github));
    let put = ours.secrets(scope(ACME)).put("KEY", "one");
    put.access(Visibility::All).send().await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let put = other.secrets(scope(ACME)).put("KEY", "two");
    put.access(Visibility::Private).send().await.unwrap();
    github.clear_requests();
    keep(&ours).await.unwrap();
    let stored = github.secret(ACME, "KEY").unwrap();
    assert_eq!(stored.visibility.as_deref(), Some("private"));
    assert_eq!(github.requests().len(), 2, "it is read once");
}

#[tokio::test(start_paused = true)]
async fn two_writes_of_one_secret_by_one_client_follow_each_other() {
    let github = acme();
    github.set_latency(Duration::from_secs(1));
    let client = client(&github);
    let secrets = client.secrets(scope(ACME));
    let all = secrets.put("KEY", "one").access(Visibility::All);
    let private = secrets.put("key", "two").access(Visibility::Private);
    let (first, second) = tokio::join!(all.send(), private.send());
    first.and(second).unwrap();
    let writes = github.requests();
    let mut writes = writes.iter().filter(|request| request.method == "PUT");
    let (first, second) = (writes.next().unwrap(), writes.next().unwrap());
    assert!(second.at - first.at >= Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_registry_is_not_read_to_be_written_so_that_an_older_read_changes_nothing() {
    let github = acme();
    let registries =
        client(&github).private_registries(PrivateRegistriesScope::new("acme").unwrap());
    let create = registries.create("npm_registry", "https://npm.example", Visibility::All);
    let token = RegistryAuth::Token {
        token: "t0ken".into(),
    };
    let created = create.auth(token).send().await.unwrap();
    let name = created.registry.name;
    let private = registries.update(&name).access(Visibility::Private);
    private.send().await.unwrap();
    lagging(&github, LAG);
    let update = registries.update(&name).url("https://npm2.example");
    update.send().await.unwrap();
    let sent = github.requests().last().unwrap().json();
    assert_eq!(sent, serde_json::json!({ "url": "https://npm2.example" }));
    github.clear_faults();
    let visibility = registries.get(&name).await.unwrap().visibility;
    assert_eq!(visibility, "private");
}

/// A stand-in without limits, and a client without pacing.
fn unpaced() -> (GitHub, Client) {
    let github = acme();
    github.configure(|settings| settings.count_limits = false);
    let pacing = octoseal::limits::Pacing::concurrency_only();
    let client = octoseal_tests::builder(&github).pacing(pacing);
    (github, client.build().unwrap())
}

#[tokio::test(start_paused = true)]
async fn what_was_just_written_is_remembered_however_many_other_places_are_asked_for() {
    let (github, client) = unpaced();
    github.seed(ACME, "KEY", "old").visibility("all");
    sleep(Duration::from_secs(60)).await;
    lagging(&github, LAG);
    let put = client.secrets(scope(ACME)).put("KEY", "two");
    put.access(Visibility::Private).send().await.unwrap();
    for n in 0..4_200 {
        let there = client
            .secrets(scope(ACME))
            .exists(format!("OTHER_{n}"))
            .await;
        assert!(!there.unwrap());
    }
    keep(&client).await.unwrap();
    let stored = github.secret(ACME, "KEY").unwrap();
    assert_eq!(stored.visibility.as_deref(), Some("private"));
}

#[tokio::test(start_paused = true)]
async fn of_more_places_written_at_once_than_are_remembered_those_written_last_are_kept_in_mind() {
    let (github, client) = unpaced();
    github.set_latency(Duration::from_millis(1));
    github.seed(ACME, "KEY", "old").visibility("all");
    sleep(Duration::from_secs(60)).await;
    let secrets = client.secrets(scope(ACME));
    let others = |numbers: std::ops::Range<u32>| {
        let others = numbers.map(|n| (format!("OTHER_{n}"), "value", Visibility::All));
        secrets.put_all(others).collect::<Vec<_>>()
    };
    others(0..4_090).await;
    lagging(&github, LAG);
    let put = secrets.put("KEY", "two").access(Visibility::Private);
    put.send().await.unwrap();
    others(4_090..4_110).await;
    keep(&client).await.unwrap();
    let stored = github.secret(ACME, "KEY").unwrap();
    assert_eq!(stored.visibility.as_deref(), Some("private"));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_dropped_after_it_left_makes_no_later_one_fail() {
    type Write = fn(&octoseal::secrets::Secrets<octoseal::Scope>, u64) -> Dropped;
    type Dropped = std::pin::Pin<Box<dyn Future<Output = Result<Receipt, Error>> + Send>>;
    let writes: [Write; 4] = [
        |secrets, web| {
            let secrets = secrets.clone();
            Box::pin(async move { secrets.add_selected_repository("KEY", web).await })
        },
        |secrets, web| {
            let secrets = secrets.clone();
            Box::pin(async move { secrets.set_selected_repositories("KEY", [web]).await })
        },
        |secrets, web| {
            let put = secrets.put("KEY", "dropped").access([web]);
            Box::pin(async move { put.send().await })
        },
        |secrets, web| {
            let put = secrets.put("KEY", "dropped").access(Access::add([web]));
            Box::pin(async move { put.send().await })
        },
    ];
    for (n, write) in writes.into_iter().enumerate() {
        let github = acme();
        let [api, web] = ["api", "web"].map(|name| github.add_repository("acme", name));
        let client = client(&github);
        let secrets = client.secrets(scope(ACME));
        let first = secrets.put("KEY", "one").access([api]);
        first.send().await.unwrap();
        github.inject(Fault::slow(Duration::from_secs(5)).on("PUT").times(1));
        let dropped = tokio::time::timeout(Duration::from_secs(1), write(&secrets, web)).await;
        assert!(dropped.is_err(), "{n}");
        let left = ids(&github);
        assert!(left.contains(&web), "{n}: GitHub carried it out");
        let began = tokio::time::Instant::now();
        keep(&client).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(1), "{n}");
        assert_eq!(ids(&github), left, "{n}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_dropped_before_it_left_does_not_make_an_older_read_count() {
    let github = acme();
    let pacing = octoseal::limits::Pacing::writes_as_content().content_per_minute(2);
    let client = octoseal_tests::builder(&github);
    let client = client.pacing(pacing).build().unwrap();
    github.seed(ACME, "KEY", "old").visibility("all");
    sleep(Duration::from_secs(60)).await;
    octoseal_tests::put(&client, "WARM", "v").await.unwrap();
    sleep(Duration::from_secs(50)).await;
    lagging(&github, Duration::from_secs(15));
    octoseal_tests::put(&client, "KEY", "one").await.unwrap();
    let waits = octoseal_tests::put(&client, "KEY", "two");
    let dropped = tokio::time::timeout(Duration::from_secs(1), waits).await;
    assert!(dropped.is_err());
    keep(&client).await.unwrap();
    let stored = github.secret(ACME, "KEY").unwrap();
    assert_eq!(stored.visibility.as_deref(), Some("private"));
}
