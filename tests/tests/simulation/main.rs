//! How fast batches go, on a paused clock against a model of GitHub's limiter, beside the best schedule that the limits
//! permit.

use std::time::Duration;

use octoseal::{Client, ClientBuilder, Scope, Visibility, secrets::NewSecret};
use octoseal_mock::{GitHub, Limits};
use octoseal_tests::acme;
use tokio::time::Instant;

mod best;
mod many_identities;
mod many_processes;
mod one_identity;

const LATENCY: Duration = Duration::from_millis(40);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A stand-in with limits, for measurements over many secrets.
fn stand_in(limits: Option<Limits>) -> GitHub {
    let github = acme();
    github.set_latency(LATENCY);
    github.set_limits(limits);
    github.configure(|settings| {
        settings.count_limits = false;
        settings.keep_secrets = false;
        settings.remembered_requests = 0;
    });
    github
}

/// The documented limits, of which those on content count for no secret.
fn points() -> Limits {
    let mut limits = Limits::documented().with_content();
    (limits.content_a_minute, limits.content_an_hour) = (None, None);
    limits
}

fn client(github: &GitHub) -> ClientBuilder {
    Client::builder()
        .token("test-token")
        .transport(github.clone())
}

/// Stores so many secrets in a scope, and gives the time it took.
async fn store(client: &Client, scope: &str, secrets: usize) -> Duration {
    let secret = |n| NewSecret::new(format!("KEY_{n}"), "value").access(Visibility::Private);
    let began = Instant::now();
    let scope: Scope = scope.parse().unwrap();
    let mut outcomes = client.secrets(scope).put_all((0..secrets).map(secret));
    let mut stored = 0;
    while let Some(outcome) = outcomes.next().await {
        outcome.result.unwrap();
        stored += 1;
    }
    assert_eq!(stored, secrets);
    began.elapsed()
}

/// A run, as a row of a table.
struct Row {
    taken: Duration,
    best: Duration,
    refused: u64,
}

impl Row {
    fn new(title: &str, taken: Duration, best: Duration, github: &GitHub) -> Self {
        let refused = github.refusals();
        let ratio = taken.as_secs_f64() / best.as_secs_f64();
        println!("| {title} | {best:.2?} | {taken:.2?} | {ratio:.3} | {refused} |");
        Self {
            taken,
            best,
            refused,
        }
    }

    /// Asserts that it took at most so many times the best schedule, and met at most so many refusals.
    #[track_caller]
    fn within(&self, ratio: f64, refused: u64) {
        assert!(
            self.taken >= self.best,
            "the best schedule is not the best: {:?}",
            self.taken
        );
        assert!(
            self.taken <= self.best.mul_f64(ratio),
            "{:?} instead of {:?}",
            self.taken,
            self.best
        );
        assert!(self.refused <= refused, "{} refused", self.refused);
    }
}
