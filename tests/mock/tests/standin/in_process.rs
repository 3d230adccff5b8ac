//! The mount inside the process, on tokio's clock.

use std::time::Duration;

use futures_util::future::join_all;
use octoseal::Client;
use octoseal_mock::{Fault, GitHub};
use tokio::time::Instant;

use super::ask::{ORG, acme};

fn client(github: &GitHub) -> Client {
    Client::builder()
        .token("t0ken")
        .transport(github.clone())
        .build()
        .expect("a client")
}

#[tokio::test(start_paused = true)]
async fn latency_is_tokios_time() {
    let (github, ..) = acme();
    github.seed(ORG, "TOKEN", "1").visibility("all");
    github.set_latency(Duration::from_secs(5));
    let (before, now) = (Instant::now(), github.now());
    let read = client(&github).get_org_secret("acme", "TOKEN").await;
    read.expect("a secret");
    assert_eq!(before.elapsed().as_secs(), 5);
    assert_eq!((github.now() - now).as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn requests_under_way_are_counted() {
    let (github, ..) = acme();
    github.seed(ORG, "TOKEN", "1").visibility("all");
    github.set_latency(Duration::from_millis(100));
    let client = client(&github);
    // The first request with a token goes alone.
    let read = client.get_org_secret("acme", "TOKEN").await;
    read.expect("a secret");
    join_all((0..5).map(|_| client.get_org_secret("acme", "TOKEN"))).await;
    assert_eq!(github.most_under_way(), 5);
    github.clear_requests();
    assert_eq!(github.most_under_way(), 0);
}

#[tokio::test(start_paused = true)]
async fn writes_that_overlap_in_one_scope_can_fail_and_others_pass() {
    let (github, ..) = acme();
    github.seed(ORG, "A", "1");
    github.seed(ORG, "B", "1");
    github.seed("dependabot:org/acme", "A", "1");
    github.set_latency(Duration::from_millis(100));
    github.inject(Fault::server_error().overlapping().always());
    let client = client(&github);
    let read = client.get_org_secret("acme", "A").await;
    read.expect("a secret");
    github.clear_requests();
    let scope: octoseal::Scope = "dependabot:org/acme".parse().expect("a scope");
    let dependabot = client.secrets(scope);
    let elsewhere = dependabot.delete("A");
    let (a, b) = (
        client.delete_org_secret("acme", "A"),
        client.delete_org_secret("acme", "B"),
    );
    let (a, b, elsewhere) = tokio::join!(a, b, elsewhere);
    let requests = github.requests();
    let failed: Vec<_> = requests
        .iter()
        .filter(|request| request.status == 500)
        .collect();
    assert!(!failed.is_empty(), "{a:?} {b:?} {elsewhere:?} {requests:?}");
    assert!(
        failed
            .iter()
            .all(|request| request.path.contains("/actions/"))
    );
    elsewhere.expect("deleted");
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_was_applied_and_a_hang_was_not() {
    let (github, ..) = acme();
    github.seed(ORG, "A", "1").visibility("all");
    github.seed(ORG, "B", "1").visibility("all");
    github.inject(Fault::lost_reply().on("DELETE").at("/A").always());
    github.inject(Fault::hang().on("DELETE").at("/B").always());
    let client = client(&github);
    for name in ["A", "B"] {
        client
            .delete_org_secret("acme", name)
            .await
            .expect_err("no reply");
    }
    assert_eq!(
        (
            github.secret(ORG, "A").is_some(),
            github.secret(ORG, "B").is_some()
        ),
        (false, true)
    );
}

#[tokio::test(start_paused = true)]
async fn bodies_break_off_or_never_end() {
    let (github, ..) = acme();
    github.seed(ORG, "TOKEN", "1").visibility("all");
    let client = client(&github);
    for fault in [Fault::truncated_body(), Fault::endless_body()] {
        github.inject(fault.always());
        client
            .get_org_secret("acme", "TOKEN")
            .await
            .expect_err("a broken reply");
        github.clear_faults();
    }
    client
        .get_org_secret("acme", "TOKEN")
        .await
        .expect("a whole reply");
}
