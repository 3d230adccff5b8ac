//! Public keys that rotate, are refused, or are none.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use futures_util::future::join_all;
use octoseal::registries::PrivateRegistriesScope;
use octoseal::{Applied, RetryPolicy, Visibility, Written};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{ACME, acme, builder, client, put, scope};

use crate::faults::arrivals;

const IMPROPER: &str =
    r#"{"message":"Bad request - validation failed due to an improperly encrypted secret"}"#;

fn counts(github: &GitHub) -> (usize, usize) {
    (arrivals(github, "GET").len(), arrivals(github, "PUT").len())
}

#[tokio::test(start_paused = true)]
async fn an_improperly_encrypted_value_is_sealed_again_with_the_key_fetched_again_once() {
    let github = acme();
    github.inject(Fault::reply(422, IMPROPER).on("PUT"));
    assert_eq!(
        put(&client(&github), "KEY", "value").await.unwrap().written,
        Written::Created
    );
    assert_eq!(counts(&github), (2, 2));
    let sealed: Vec<_> = github
        .requests()
        .iter()
        .filter(|request| request.method == "PUT")
        .map(|request| request.json()["encrypted_value"].clone())
        .collect();
    assert_ne!(sealed[0], sealed[1], "the same box was sent twice");

    // Once: a second refusal is the answer.
    let github = acme();
    github.inject(Fault::reply(422, IMPROPER).on("PUT").always());
    let error = put(&client(&github), "KEY", "value").await.unwrap_err();
    assert!(error.is_validation(), "{error}");
    assert_eq!((counts(&github), error.applied()), ((2, 2), Applied::No));
}

fn valid_key() -> String {
    octoseal_sealing::SecretKey::generate()
        .public_key()
        .to_base64()
}

#[tokio::test(start_paused = true)]
async fn a_keys_id_that_may_be_a_secret_is_refused_before_anything_is_sealed() {
    let (token, long) = ("github_pat_11ABCDEFG0123456789", "1".repeat(65));
    let shifted = STANDARD.encode(format!("x{token}"));
    let hex: String = token.bytes().map(|byte| format!("{byte:02x}")).collect();
    for id in [
        token,
        &token[11..],
        &token.to_lowercase(),
        &shifted,
        &hex,
        "",
        " ",
        "hunter 2",
        "clef-d\u{e9}",
        "line\nbreak",
        "https://x:y@ghe.example",
        &long,
    ] {
        let github = acme();
        github.inject(Fault::public_key(id, &valid_key()).always());
        let client = octoseal::Client::builder().token(token);
        let client = client.transport(github.clone()).build().unwrap();
        let key = client.secrets(scope(ACME)).public_key().await.unwrap_err();
        let registries = PrivateRegistriesScope::new("acme").unwrap();
        let registry = client.private_registries(registries).public_key().await;
        let put = put(&client, "KEY", "value").await.unwrap_err();
        for error in [key, registry.unwrap_err(), put] {
            assert!(error.is_public_key(), "{id}: {error}");
            let told = format!("{error} {error:?}");
            assert!(id.len() < 3 || !told.contains(id), "{told}");
        }
        assert_eq!(arrivals(&github, "PUT").len(), 0, "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_keys_id_is_whatever_else_a_server_calls_it() {
    for id in ["012345678912345678", "-1", "key-1_a.b=", &"9".repeat(64)] {
        let github = acme();
        github.inject(Fault::public_key(id, &valid_key()).always());
        let secrets = client(&github).secrets(scope(ACME));
        assert_eq!(secrets.public_key().await.unwrap().key_id(), id);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_rotates_between_get_and_put_is_met_by_sealing_again() {
    let github = acme();
    github.inject(Fault::rotated_key().on("PUT"));
    put(&client(&github), "KEY", "value").await.unwrap();
    assert_eq!(github.plaintext(ACME, "KEY").unwrap(), b"value");
    assert_eq!(counts(&github), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_stale_key_refused_in_other_words_is_met_by_sealing_again_too() {
    let github = acme();
    let client = client(&github);
    put(&client, "WARM", "value").await.unwrap();
    github.rotate_key(ACME);
    // GitHub's words for an old key_id are not documented.
    github.inject(Fault::reply(422, r#"{"message":"The key_id is not current."}"#).on("PUT"));
    put(&client, "KEY", "value").await.unwrap();
    assert_eq!(github.plaintext(ACME, "KEY").unwrap(), b"value");
    assert_eq!(counts(&github), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_422_of_unknown_meaning_under_an_unchanged_key_is_final() {
    let github = acme();
    github.inject(
        Fault::reply(422, r#"{"message":"Too many secrets."}"#)
            .on("PUT")
            .always(),
    );
    let error = put(&client(&github), "KEY", "value").await.unwrap_err();
    assert!(error.is_validation(), "{error}");
    assert_eq!(arrivals(&github, "PUT").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn callers_at_the_same_time_share_one_fetch_also_after_a_rotation() {
    let github = acme();
    github.set_latency(Duration::from_millis(40));
    let client = client(&github);
    let wave = |from: usize| {
        let client = client.clone();
        join_all((from..from + 40).map(move |n| {
            let client = client.clone();
            async move { put(&client, &format!("KEY_{n}"), "value").await.unwrap() }
        }))
    };
    wave(0).await;
    assert_eq!(arrivals(&github, "GET").len(), 1);
    github.rotate_key(ACME);
    wave(40).await;
    assert_eq!(arrivals(&github, "GET").len(), 2);
    assert_eq!(github.secrets(ACME).len(), 80);
}

#[tokio::test(start_paused = true)]
async fn callers_share_a_failed_fetch_instead_of_failing_one_after_the_other() {
    let github = acme();
    github.inject(Fault::hang().on("GET").always());
    let client = client(&github);
    let began = tokio::time::Instant::now();
    let results = join_all((0..40).map(|n| {
        let client = client.clone();
        async move { put(&client, &format!("KEY_{n}"), "value").await }
    }))
    .await;
    assert!(
        results
            .iter()
            .all(|result| result.as_ref().unwrap_err().is_timeout())
    );
    assert!(began.elapsed().as_secs() <= 28, "{:?}", began.elapsed());
    assert!(github.request_count() <= 3, "{}", github.request_count());
}

#[tokio::test(start_paused = true)]
async fn a_caller_with_little_time_does_not_make_a_batch_fail() {
    let github = acme();
    github.inject(Fault::slow(Duration::from_secs(8)).on("GET"));
    let policy = RetryPolicy::default().deadline(Duration::from_secs(2));
    let client = builder(&github).retry(policy).build().unwrap();
    let secrets = client.secrets(scope(ACME));
    let mut batch = secrets.put_all([("BATCH", "v", Visibility::Private)]);
    // The hasty caller begins the fetch that both wait for.
    let (hasty, batch) = tokio::join!(put(&client, "HASTY", "v"), batch.next());
    let hasty = hasty.unwrap_err();
    assert!(hasty.is_timeout(), "{hasty}");
    batch.unwrap().result.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_caller_with_few_attempts_does_not_make_a_batch_fail() {
    let github = acme();
    // The single call begins the fetch that all wait for, and gives up after 5 attempts. An outage that is counted in
    // requests ends between that and the 10 of a batch, whatever pauses are drawn.
    github.inject(Fault::service_unavailable().times(9));
    let client = client(&github);
    let secrets = client.secrets(scope(ACME));
    let batch = (0..100).map(|n| (format!("KEY_{n}"), "v", Visibility::Private));
    let (single, batch) = tokio::join!(
        put(&client, "SINGLE", "v"),
        secrets.put_all(batch).collect::<Vec<_>>()
    );
    assert!(single.unwrap_err().is_server_error());
    let lost = batch.into_iter().filter(|outcome| outcome.result.is_err());
    assert_eq!(lost.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_definite_failure_is_shared_whatever_the_deadline() {
    for seconds in [20, 900] {
        let github = acme();
        github.set_latency(Duration::from_millis(40));
        let policy = RetryPolicy::default().deadline(Duration::from_secs(seconds));
        let client = builder(&github).retry(policy).build().unwrap();
        let missing = client.secrets(scope("actions:repo/acme/missing"));
        let puts = join_all((0..40).map(|n| missing.put(format!("KEY_{n}"), "v").send()));
        for result in puts.await {
            assert!(result.unwrap_err().is_not_found());
        }
        assert_eq!(counts(&github), (1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_fetch_whose_first_caller_leaves_goes_on_for_the_others() {
    let github = acme();
    github.set_latency(Duration::from_secs(2));
    let client = client(&github);
    let first = tokio::time::timeout(Duration::from_secs(1), put(&client, "FIRST", "v"));
    let (first, second) = tokio::join!(first, put(&client, "SECOND", "v"));
    assert!(first.is_err());
    second.unwrap();
    assert_eq!(counts(&github), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_write_left_open_stays_open_when_the_key_is_then_refused() {
    let github = acme();
    github.inject(Fault::lost_reply().on("PUT"));
    github.inject(Fault::reply(422, IMPROPER).on("PUT").times(1));
    github.inject(
        Fault::reply(404, r#"{"message":"Not Found"}"#)
            .on("GET")
            .after(1),
    );
    let error = put(&client(&github), "KEY", "value").await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert!(github.secret(ACME, "KEY").is_some());
    assert_eq!(error.applied(), Applied::Unknown);
}

#[tokio::test(start_paused = true)]
async fn a_walk_over_more_scopes_than_are_remembered_finds_most_of_their_keys_the_second_time() {
    const SCOPES: usize = 4_097;
    let github = octoseal_tests::acme();
    github.configure(|settings| settings.count_limits = false);
    let builder = octoseal::Client::builder()
        .token("test-token")
        .transport(github.clone());
    let client = builder
        .pacing(octoseal::limits::Pacing::concurrency_only())
        .build()
        .unwrap();
    for n in 0..SCOPES {
        github.add_repository("acme", &format!("api-{n}"));
    }
    for _ in 0..2 {
        for n in 0..SCOPES {
            let scope = octoseal_tests::scope(&format!("actions:repo/acme/api-{n}"));
            client
                .secrets(scope)
                .put("KEY", "value")
                .send()
                .await
                .unwrap();
        }
    }
    let requests = github.requests();
    let keys = requests
        .iter()
        .filter(|it| it.path.ends_with("/public-key"))
        .count();
    assert!(keys < SCOPES + SCOPES / 10, "{keys} keys were read");
}
