//! Whether a secret is still what was written.

use std::time::Duration;

use octoseal::{
    Client, Receipt, Written,
    secrets::{Comparison, Doubt},
};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{ACME, acme, client, put, scope};
use tokio::time::sleep;

const A_SECOND: Duration = Duration::from_secs(1);

async fn compare(client: &Client, receipt: &Receipt) -> Comparison {
    client.secrets(scope(ACME)).compare(receipt).await.unwrap()
}

/// Waits until a second of the stand-in's begins.
async fn second_begins(github: &GitHub) {
    let past = Duration::from_nanos(github.now().subsec_nanos().into());
    sleep(A_SECOND - past).await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_unchanged_until_another_writes_it_and_then_gone() {
    let github = acme();
    let (ours, other) = (client(&github), client(&github));
    let mut receipt = put(&ours, "KEY", "value").await.unwrap();
    // As if GitHub had answered in the second after the write.
    receipt.at = receipt.at.map(|at| at + A_SECOND);
    sleep(Duration::from_secs(86_400)).await;
    let stored = serde_json::to_string(&receipt).unwrap();
    let receipt: Receipt = serde_json::from_str(&stored).unwrap();
    assert_eq!(compare(&ours, &receipt).await, Comparison::Unchanged);

    put(&other, "KEY", "another").await.unwrap();
    assert_eq!(compare(&ours, &receipt).await, Comparison::Changed);
    other.delete_org_secret("acme", "KEY").await.unwrap();
    assert_eq!(compare(&ours, &receipt).await, Comparison::Gone);
}

#[tokio::test(start_paused = true)]
async fn a_change_within_the_second_of_the_answer_is_never_called_unchanged() {
    let github = acme();
    let client = client(&github);
    second_begins(&github).await;
    let receipt = put(&client, "KEY", "value").await.unwrap();
    put(&client, "KEY", "another").await.unwrap();
    for _ in 0..2 {
        let told = compare(&client, &receipt).await;
        assert_eq!(told, Comparison::CannotTell(Doubt::SameSecond));
        sleep(A_SECOND * 60).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_clock_is_githubs_and_not_ours() {
    for ahead in [-86_400, 86_400] {
        let github = acme();
        github.configure(|settings| settings.clock_ahead = ahead);
        let client = client(&github);
        let receipt = put(&client, "KEY", "value").await.unwrap();
        let told = compare(&client, &receipt).await;
        assert_eq!(told, Comparison::CannotTell(Doubt::SameSecond), "{ahead}");
        sleep(A_SECOND).await;
        put(&client, "KEY", "another").await.unwrap();
        assert_eq!(compare(&client, &receipt).await, Comparison::Changed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_from_before_the_write_is_made_again_and_in_the_end_tells_nothing() {
    let github = acme();
    let client = client(&github);
    put(&client, "KEY", "old").await.unwrap();
    sleep(A_SECOND * 60).await;
    let receipt = put(&client, "KEY", "value").await.unwrap();
    github.inject(Fault::stale_read(A_SECOND * 2).always());
    let told = compare(&client, &receipt).await;
    assert_eq!(told, Comparison::CannotTell(Doubt::SameSecond));
    let deleted = client.delete_org_secret("acme", "KEY").await.unwrap();
    assert_eq!(deleted.written, Written::Deleted);
    assert_eq!(compare(&client, &deleted).await, Comparison::Unchanged);
    let created = put(&client, "NEW", "value").await.unwrap();
    assert_ne!(compare(&client, &created).await, Comparison::Gone);

    github.clear_faults();
    put(&client, "KEY", "old").await.unwrap();
    sleep(A_SECOND * 60).await;
    let receipt = put(&client, "KEY", "value").await.unwrap();
    github.inject(Fault::stale_read(A_SECOND * 50).always());
    let told = compare(&client, &receipt).await;
    assert_eq!(told, Comparison::CannotTell(Doubt::OlderRead));
}

#[tokio::test(start_paused = true)]
async fn a_receipt_of_another_place_or_without_a_time_is_not_compared() {
    let github = acme();
    let client = client(&github);
    let mut receipt = put(&client, "KEY", "value").await.unwrap();
    let other = client.secrets(scope("actions:repo/acme/api"));
    let error = other.compare(&receipt).await.unwrap_err();
    assert!(error.is_invalid_input(), "{error}");
    receipt.at = None;
    let told = compare(&client, &receipt).await;
    assert_eq!(told, Comparison::CannotTell(Doubt::NoTime));
    github.add_repository("acme", "api");
    let secrets = client.secrets(scope(ACME));
    secrets
        .put("KEY", "v")
        .access(["acme/api"])
        .send()
        .await
        .unwrap();
    let access = secrets
        .remove_selected_repository("KEY", "acme/api")
        .await
        .unwrap();
    let told = compare(&client, &access).await;
    assert_eq!(told, Comparison::CannotTell(Doubt::AccessAlone));
}
