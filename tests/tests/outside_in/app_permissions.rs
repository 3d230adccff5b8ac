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
