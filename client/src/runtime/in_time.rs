//! The time of an attempt, which begins when its request leaves.

use std::future::Future;
use std::time::Duration;

use octoseal_api::Journey;
use tokio::time::{Instant, timeout_at};

/// Why an exchange was given up.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// The request left, and no reply came within this time of the exchange's beginning.
    Unanswered(Duration),
    /// The request did not leave within this time.
    Unsent(Duration),
}

/// Runs an exchange for at most `time` after its request left, and `patience` until it leaves, but not past `deadline`.
pub(super) async fn in_time<T>(
    mut exchange: impl Future<Output = T> + Unpin,
    journey: &Journey,
    time: Duration,
    patience: Duration,
    deadline: Option<Instant>,
) -> Result<T, GivenUp> {
    let began = Instant::now();
    let patience = patience.max(time);
    let mut until = began + time;
    loop {
        until = deadline.map_or(until, |deadline| until.min(deadline));
        if let Ok(done) = timeout_at(until, &mut exchange).await {
            return Ok(done);
        }
        let waited = began.elapsed();
        let is_over = deadline.is_some_and(|deadline| deadline <= Instant::now());
        until = match journey.since() {
            Some(since) if since >= time || is_over => return Err(GivenUp::Unanswered(waited)),
            Some(since) => Instant::now() + (time - since),
            None if waited >= patience || is_over => return Err(GivenUp::Unsent(waited)),
            // Should it leave meanwhile, this is not after the end of its time.
            None => Instant::now() + time.min(patience - waited),
        };
    }
}
