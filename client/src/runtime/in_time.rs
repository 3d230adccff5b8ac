//! The time of an attempt, which begins when its request leaves.

use std::future::Future;
use std::time::Duration;

use octoseal_api::Journey;
use tokio::time::{Instant, timeout_at};

/// Why an exchange was given up.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OutOf {
    /// The request left, and there was no reply for so long since it was handed over.
    Time(Duration),
    /// The request did not leave for so long.
    Patience(Duration),
}

/// Lets an exchange take `time` since its request left, which may wait for its turn as long as `patience`; but none goes
/// on past `deadline`.
pub(super) async fn in_time<T>(
    mut exchange: impl Future<Output = T> + Unpin,
    journey: &Journey,
    time: Duration,
    patience: Duration,
    deadline: Option<Instant>,
) -> Result<T, OutOf> {
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
            Some(since) if since >= time || is_over => return Err(OutOf::Time(waited)),
            Some(since) => Instant::now() + (time - since),
            None if waited >= patience || is_over => return Err(OutOf::Patience(waited)),
            // If it leaves in the meantime, this is no later than its time ends.
            None => Instant::now() + time.min(patience - waited),
        };
    }
}
