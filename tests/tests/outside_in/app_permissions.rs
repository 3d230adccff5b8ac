//! Tokens that GitHub does not know everywhere yet, and permissions that change under a client.

use std::time::Duration;

use octoseal_mock::Fault;
use octoseal_tests::put;
use tokio::time::{Instant, advance};

use crate::app::{app, client, count, installed};

/// Refuses what is asked for with an installation's token.
fn lacking() -> Fault {
    Fault::reply(
        403,
        r#"{"message":"Resource not accessible by integration"}"#,
    )
    .at("/actions/secrets")
}

#[tokio::test(start_paused = true)]
async fn an_answer_403_or_404_in_the_first_moments_of_a_token_is_tried_again_for_up_to_five_seconds()
 {
    for fault in [Fault::not_found, Fault::forbidden] {
        let github = installed();
        github.inject(fault().at("/actions/secrets").times(3));
        put(&client(&github, app()), "KEY", "value").await.unwrap();
        assert_eq!(count(&github, "/access_tokens"), 1);

        let github = installed();
        github.inject(fault().at("/actions/secrets").always());
        let began = Instant::now();
        put(&client(&github, app()), "KEY", "value")
            .await
            .unwrap_err();
        assert_eq!(began.elapsed().as_secs(), 5);
        assert_eq!(count(&github, "/access_tokens"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_told_at_once_by_a_token_that_has_passed() {
    let github = installed();
    let client = client(&github, app());
    put(&client, "KEY", "value").await.unwrap();
    let began = Instant::now();
    let secrets = client.secrets(octoseal_tests::scope(octoseal_tests::ACME));
    assert!(secrets.delete("OTHER").await.unwrap_err().is_not_found());
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_permission_that_was_granted_meanwhile_holds_for_the_next_call() {
    let github = installed();
    let client = client(&github, app());
    put(&client, "KEY", "one").await.unwrap();
    advance(Duration::from_secs(600)).await;
    github.inject(lacking().times(1));
    put(&client, "KEY", "two").await.unwrap();
    assert_eq!(count(&github, "/access_tokens"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_permission_that_stays_missing_costs_one_token_a_minute() {
    let github = installed();
    let client = client(&github, app());
    put(&client, "KEY", "one").await.unwrap();
    advance(Duration::from_secs(600)).await;
    github.inject(lacking().always());
    for _ in 0..40 {
        let error = put(&client, "KEY", "two").await.unwrap_err();
        assert!(error.is_permission(), "{error}");
    }
    assert_eq!(count(&github, "/access_tokens"), 2);
    advance(Duration::from_secs(61)).await;
    put(&client, "KEY", "two").await.unwrap_err();
    assert_eq!(count(&github, "/access_tokens"), 3);
}

#[tokio::test(start_paused = true)]
async fn tokens_that_are_kept_can_be_forgotten() {
    let github = installed();
    let client = client(&github, app());
    put(&client, "KEY", "one").await.unwrap();
    client.clone().forget_tokens();
    put(&client, "KEY", "two").await.unwrap();
    assert_eq!(count(&github, "/access_tokens"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_404_to_a_new_token_that_has_passed_elsewhere_makes_no_put_widen_access() {
    let github = installed();
    let scope = octoseal_tests::scope(octoseal_tests::ACME);
    github.seed(&scope, "KEY", "old").visibility("private");
    let client = client(&github, app());
    let secrets = client.secrets(scope.clone());
    // One server knows the token, and another does not yet.
    let unknown = Fault::not_found().with_token_younger_than(Duration::from_secs(2));
    github.inject(unknown.at("/secrets/KEY").on("GET").always());
    let access = octoseal::Access::keep_or(octoseal::Visibility::All);
    let keeping = secrets.put("KEY", "new").access(access.clone());
    keeping.send().await.unwrap();
    let stored = github.secret(&scope, "KEY").unwrap();
    assert_eq!(stored.visibility.as_deref(), Some("private"));

    // Nor does one that has no time to ask again.
    let github = installed();
    github.seed(&scope, "KEY", "old").visibility("private");
    github.inject(Fault::not_found().at("/secrets/KEY").on("GET").always());
    let client = crate::app::client(&github, app());
    let secrets = client.secrets(scope.clone());
    let hasty = secrets.put("KEY", "new").access(access.clone());
    let hasty = hasty.deadline(Duration::from_secs(2)).send().await;
    assert!(hasty.unwrap_err().is_timeout());
    let stored = github.secret(&scope, "KEY").unwrap();
    assert_eq!(stored.visibility.as_deref(), Some("private"));

    // What stays missing is created, and holds up no call that reads nothing.
    let github = installed();
    let client = crate::app::client(&github, app());
    let secrets = client.secrets(scope.clone());
    let began = Instant::now();
    let create = secrets.put("NEW", "value").access(access);
    let other = async {
        put(&client, "OTHER", "value").await.unwrap();
        began.elapsed()
    };
    let (created, other_took) = tokio::join!(create.send(), other);
    created.unwrap();
    assert!(other_took.is_zero(), "{other_took:?}");
    assert!(began.elapsed().as_secs() <= 5, "{:?}", began.elapsed());
    assert!(github.secret(&scope, "NEW").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_404_to_a_new_token_that_has_passed_elsewhere_makes_no_environment() {
    let github = installed();
    github.add_environment("acme", "api", "staging");
    let client = client(&github, app());
    let repository = octoseal_tests::scope("actions:repo/acme/api");
    let first = client.secrets(repository).put("KEY", "value");
    first.send().await.unwrap();
    let unknown = Fault::not_found().with_token_younger_than(Duration::from_secs(2));
    github.inject(unknown.at("/environments/").on("GET").always());
    let staging = client.secrets(octoseal_tests::scope("actions:env/acme/api/staging"));
    assert!(staging.ensure_environment().await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_a_new_token_was_refused_for_one_call_is_not_told_as_the_answer_to_another() {
    for fault in [Fault::not_found, Fault::forbidden] {
        let github = installed();
        github.seed(octoseal_tests::ACME, "KEY", "value");
        github.inject(fault().at("/secrets/GONE").always());
        let client = client(&github, app());
        let secrets = client.secrets(octoseal_tests::scope(octoseal_tests::ACME));
        let refused = secrets.get("GONE");
        let hasty = async {
            while count(&github, "/secrets/GONE") == 0 {
                tokio::task::yield_now().await;
            }
            let hasty = secrets
                .put("KEY", "new")
                .deadline(Duration::from_millis(100));
            hasty.send().await.unwrap_err()
        };
        let (refused, error) = tokio::join!(refused, hasty);
        assert!(refused.unwrap_err().status().is_some());
        assert!(error.is_timeout() && error.status().is_none(), "{error:?}");
    }
}
