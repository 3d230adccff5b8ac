//! What one call may take, where it is said otherwise than for the whole client; and what a dropped one leaves behind.

use std::time::Duration;

use futures_util::StreamExt;
use octoseal::api::operations;
use octoseal::{Client, RetryPolicy, Visibility, secrets::NewSecret};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{ACME, acme, client, put, scope};
use tokio::time::{Instant, advance, timeout};

const SOON: Duration = Duration::from_secs(20);
const MINUTE: Duration = Duration::from_secs(60);

/// A client whose limits are closed for a minute.
async fn limited() -> (GitHub, Client) {
    let github = acme();
    let client = client(&github);
    put(&client, "OLD", "value").await.unwrap();
    github.inject(
        Fault::secondary_limit()
            .header("retry-after", "60")
            .times(1),
    );
    let impatient = client.deadline(Duration::from_secs(1)).secrets(scope(ACME));
    impatient.get("OLD").await.unwrap_err();
    github.clear_requests();
    (github, client)
}

fn new(name: &str) -> NewSecret {
    NewSecret::new(name, "value").access(Visibility::Private)
}

#[tokio::test(start_paused = true)]
async fn a_call_with_a_deadline_of_its_own_does_not_wait_for_a_limit_that_lasts_longer() {
    let (github, client) = limited().await;
    let began = Instant::now();
    let secrets = client.secrets(scope(ACME)).deadline(SOON);
    let errors = [
        secrets.get("OLD").await.unwrap_err(),
        secrets.delete("OLD").await.unwrap_err(),
        secrets.list().all().await.unwrap_err(),
        secrets.list().next().await.unwrap().unwrap_err(),
        secrets.public_key().await.unwrap_err(),
        secrets.put("NEW", "value").send().await.unwrap_err(),
        client
            .secrets(scope(ACME))
            .put("NEW", "value")
            .deadline(SOON)
            .send()
            .await
            .unwrap_err(),
        client
            .call(operations::REPOS_GET, async |api| {
                api.repos_get("acme", "api").await
            })
            .deadline(SOON)
            .send()
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert!(
            error.is_rate_limited() && error.retry_at().is_some(),
            "{error}"
        );
    }
    assert_eq!(
        (began.elapsed(), github.request_count()),
        (Duration::ZERO, 0)
    );
    // The client's own deadline is longer.
    client.secrets(scope(ACME)).get("OLD").await.unwrap();
    assert!(began.elapsed() > SOON);
}

#[tokio::test(start_paused = true)]
async fn a_batch_with_a_deadline_gives_back_untried_what_it_had_no_time_for() {
    let (github, client) = limited().await;
    let began = Instant::now();
    let batch = (0..200).map(|n| new(&format!("KEY_{n}")));
    let outcomes = client.secrets(scope(ACME)).deadline(SOON).put_all(batch);
    let outcomes: Vec<_> = outcomes.collect().await;
    assert_eq!((outcomes.len(), github.request_count()), (200, 0));
    assert!(began.elapsed() <= SOON);
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.result.as_ref().unwrap_err().is_untried())
    );
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_batch_is_one_for_all_of_it() {
    let github = acme();
    github.configure(|settings| settings.count_limits = false);
    github.set_latency(Duration::from_millis(40));
    let client = client(&github).deadline(Duration::from_secs(90));
    let began = Instant::now();
    // 180 writes a minute.
    let batch = (0..900).map(|n| (scope(ACME), new(&format!("KEY_{n}"))));
    let outcomes: Vec<_> = client.put_all(batch).collect().await;
    let stored = outcomes
        .iter()
        .filter(|outcome| outcome.result.is_ok())
        .count();
    assert_eq!(outcomes.len(), 900);
    assert!((300..=400).contains(&stored), "{stored}");
    assert!(
        began.elapsed() <= Duration::from_secs(91),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_with_a_policy_of_its_own_makes_as_many_attempts_as_it_says() {
    let github = acme();
    let client = client(&github);
    put(&client, "KEY", "value").await.unwrap();
    github.inject(Fault::service_unavailable().always());
    let attempts = |attempts| RetryPolicy::default().attempts(attempts);
    let secrets = client.secrets(scope(ACME));
    let once = secrets
        .put("KEY", "value")
        .access(Visibility::All)
        .retry(attempts(1));
    assert_eq!(once.send().await.unwrap_err().attempts(), 1);
    let thrice = secrets.clone().retry(attempts(3)).get("KEY").await;
    assert_eq!(thrice.unwrap_err().attempts(), 3);
    let call = client.call(operations::REPOS_GET, async |api| {
        api.repos_get("acme", "api").await
    });
    assert_eq!(
        call.retry(attempts(2)).send().await.unwrap_err().attempts(),
        2
    );
    assert_eq!(secrets.get("KEY").await.unwrap_err().attempts(), 5);
    let batch = secrets.retry(attempts(2)).put_all([new("KEY")]);
    let outcomes: Vec<_> = batch.collect().await;
    assert_eq!(outcomes[0].result.as_ref().unwrap_err().attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_gives_up_early_does_not_give_up_the_key_for_those_that_wait_with_it() {
    let github = acme();
    let client = client(&github);
    github.inject(Fault::service_unavailable().on("GET").times(2));
    let secrets = client.secrets(scope(ACME));
    let put = |name| secrets.put(name, "value").access(Visibility::All);
    let once = put("ONE").retry(RetryPolicy::default().attempts(1));
    let (one, two) = tokio::join!(once.send(), put("TWO").send());
    let gave_up = one.unwrap_err();
    assert!(gave_up.is_server_error(), "{gave_up}");
    two.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_put_dropped_while_it_waits_leaves_nothing_behind() {
    let (github, client) = limited().await;
    let waiting = put(&client, "NEW", "value");
    assert!(timeout(SOON, waiting).await.is_err());
    advance(2 * MINUTE).await;
    assert_eq!(github.request_count(), 0);
    put(&client, "NEXT", "value").await.unwrap();
    assert!(github.secret(ACME, "NEW").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_put_dropped_under_way_leaves_the_new_value_or_the_old_one_and_the_client_as_it_was() {
    let github = acme();
    let client = client(&github);
    put(&client, "KEY", "old").await.unwrap();
    github.set_latency(Duration::from_secs(2));
    for _ in 0..120 {
        // More than may be under way at once: what a dropped call held is free again.
        let under_way = put(&client, "KEY", "new");
        assert!(timeout(Duration::from_secs(1), under_way).await.is_err());
    }
    github.set_latency(Duration::ZERO);
    let value = github.plaintext(ACME, "KEY").unwrap();
    assert!(value == b"old" || value == b"new");
    put(&client, "NEXT", "value").await.unwrap();
}
