//! Environments that do not exist yet.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use octoseal::{Scope, Written};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{acme, client, scope};
use serde_json::{Value, json};

const PLACE: &str = "actions:env/acme/api/prod%2Feu";
const PATH: &str = "/repos/acme/api/environments/prod%2Feu";

fn place() -> Scope {
    let scope = scope(PLACE);
    assert_eq!(scope.environment(), Some("prod/eu"));
    scope
}

/// Asks the stand-in without a client.
fn ask(github: &GitHub, method: &str, body: Value) -> Value {
    let body = match body {
        Value::Null => Bytes::new(),
        body => Bytes::from(body.to_string()),
    };
    let request = Request::builder().method(method).uri(PATH);
    let request = request.header("authorization", "Bearer test-token");
    let request = request.header("user-agent", "a-test");
    let reply = github.respond(&request.body(body).unwrap());
    serde_json::from_slice(reply.body()).unwrap()
}

fn made(github: &GitHub) -> usize {
    let requests = github.requests();
    let puts = requests.iter().filter(|it| it.method == "PUT");
    puts.filter(|it| it.path == PATH).count()
}

#[tokio::test(start_paused = true)]
async fn an_environment_is_made_on_demand_only_and_once() {
    let github = acme();
    let secrets = client(&github).secrets(place());
    let error = secrets.put("KEY", "value").send().await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!(made(&github), 0, "a put makes none");

    let (one, other) = tokio::join!(secrets.ensure_environment(), secrets.ensure_environment());
    let receipts: Vec<_> = [one.unwrap(), other.unwrap()]
        .into_iter()
        .flatten()
        .collect();
    assert_eq!((receipts.len(), made(&github)), (1, 1));
    assert_eq!(receipts[0].written, Written::Created);
    assert_eq!(
        (receipts[0].place.as_str(), receipts[0].name.as_str()),
        (PLACE, "")
    );
    secrets.put("KEY", "value").send().await.unwrap();
    assert!(secrets.ensure_environment().await.unwrap().is_none());
    assert_eq!(made(&github), 1);
    assert_eq!(github.plaintext(PLACE, "KEY").unwrap(), b"value");
}

#[tokio::test(start_paused = true)]
async fn protection_rules_of_an_environment_that_exists_are_left_as_they_are() {
    let github = acme();
    ask(
        &github,
        "PUT",
        json!({ "wait_timer": 30, "prevent_self_review": true }),
    );
    let before = ask(&github, "GET", Value::Null);
    assert!(!before["protection_rules"].as_array().unwrap().is_empty());
    github.clear_requests();
    let secrets = client(&github).secrets(place());
    assert!(secrets.ensure_environment().await.unwrap().is_none());
    assert_eq!(made(&github), 0);
    assert_eq!(ask(&github, "GET", Value::Null), before);
}

#[tokio::test(start_paused = true)]
async fn a_404_in_the_first_moments_of_an_environment_of_ours_is_tried_again() {
    for (method, path) in [("GET", "/secrets/public-key"), ("PUT", "/secrets/KEY")] {
        let github = acme();
        let secrets = client(&github).secrets(place());
        secrets.ensure_environment().await.unwrap();
        github.inject(Fault::not_found().on(method).at(path));
        secrets.put("KEY", "value").send().await.unwrap();
        assert_eq!(github.plaintext(PLACE, "KEY").unwrap(), b"value");

        // For an environment that is older, or stays missing, 404 is the answer.
        tokio::time::sleep(Duration::from_secs(60)).await;
        github.inject(Fault::not_found().on("PUT").at("/secrets/KEY"));
        let error = secrets.put("KEY", "value").send().await.unwrap_err();
        assert!(error.is_not_found() && error.attempts() == 1, "{error}");
    }
    let github = acme();
    let secrets = client(&github).secrets(place());
    secrets.ensure_environment().await.unwrap();
    github.delete_environment("acme", "api", "prod/eu");
    let error = secrets.put("KEY", "value").send().await.unwrap_err();
    assert!(error.is_not_found() && error.attempts() <= 6, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_missing_environment_has_a_hint_of_its_own() {
    let github = acme();
    let client = client(&github);
    let error = client
        .secrets(place())
        .put("KEY", "value")
        .send()
        .await
        .unwrap_err();
    assert!(
        error.hint().unwrap().contains("ensure_environment"),
        "{error}"
    );
    let elsewhere = client.secrets(scope("actions:repo/acme/nothing"));
    let error = elsewhere.put("KEY", "value").send().await.unwrap_err();
    assert!(!error.hint().unwrap().contains("environment"), "{error}");

    let nowhere = client.secrets(scope("actions:env/acme/nothing/prod"));
    let error = nowhere.ensure_environment().await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert!(error.hint().unwrap().contains("repository"), "{error}");
    let error = elsewhere.ensure_environment().await.unwrap_err();
    assert!(error.is_unsupported(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn protection_rules_that_come_while_the_creation_waits_for_a_limit_are_left_as_they_are() {
    let github = acme();
    let client = octoseal_tests::builder(&github);
    let pacing = octoseal::limits::Pacing::writes_as_content().content_per_minute(1);
    let client = client.pacing(pacing).build().unwrap();
    octoseal_tests::put(&client, "WARM", "value").await.unwrap();
    let rules = async {
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
        ask(&github, "PUT", json!({ "wait_timer": 30 }));
        ask(&github, "GET", Value::Null)
    };
    let secrets = client.secrets(place());
    let (made, before) = tokio::join!(secrets.ensure_environment(), rules);
    assert!(made.unwrap().is_none());
    assert_eq!(ask(&github, "GET", Value::Null), before);
}

#[tokio::test(start_paused = true)]
async fn the_receipt_of_an_environment_is_compared_with_no_secret() {
    let github = acme();
    let staging = octoseal_tests::scope("actions:env/acme/api/staging");
    let secrets = client(&github).secrets(staging);
    let receipt = secrets.ensure_environment().await.unwrap().unwrap();
    assert!(
        secrets
            .compare(&receipt)
            .await
            .unwrap_err()
            .is_invalid_input()
    );
}

#[tokio::test(start_paused = true)]
async fn an_environment_whose_creation_lost_its_reply_is_not_told_as_there_before() {
    let github = acme();
    let secrets = client(&github).secrets(place());
    github.inject(Fault::lost_reply().on("PUT").times(1));
    let error = secrets.ensure_environment().await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert_eq!(error.applied(), octoseal::Applied::Unknown, "{error}");
    assert_eq!(made(&github), 1);
    // It is as new as one whose reply arrived.
    github.inject(Fault::not_found().on("GET").at("/secrets/public-key"));
    secrets.put("KEY", "value").send().await.unwrap();
    assert!(secrets.ensure_environment().await.unwrap().is_none());
}
