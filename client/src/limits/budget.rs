//! The retries that all calls of a client share.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The budget saves up what it gets in this time.
const SAVED_SECONDS: f64 = 10.0;

/// A budget of retries that grows by a number each second and by a share of each success. When it is used up, each
/// retry gets an instant of its own, so that they don't come in bursts.
#[derive(Debug)]
pub(crate) struct Budget {
    per_second: f64,
    per_success: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Below zero, retries are owed.
    retries: f64,
    refilled_at: Instant,
}

impl Budget {
    pub(crate) fn new(per_second: u32, percent_of_successes: u32) -> Self {
        let per_second = f64::from(per_second);
        Self {
            per_second,
            per_success: f64::from(percent_of_successes) / 100.0,
            state: Mutex::new(State {
                retries: per_second * SAVED_SECONDS,
                refilled_at: Instant::now(),
            }),
        }
    }

    /// Adds the share of one success.
    pub(crate) fn deposit(&self) {
        let mut state = self.refill();
        let most = (self.per_second * SAVED_SECONDS).max(SAVED_SECONDS);
        state.retries = (state.retries + self.per_success).min(most);
    }

    /// Takes a retry and says how long to wait before it; or takes none if that would not be `in_time`.
    pub(crate) fn withdraw(&self, in_time: impl Fn(Duration) -> bool) -> Option<Duration> {
        let mut state = self.refill();
        let owed = 1.0 - state.retries;
        let wait = if owed > 0.0 {
            // Without a rate this is infinite, and there is no retry.
            Duration::try_from_secs_f64(owed / self.per_second).ok()?
        } else {
            Duration::ZERO
        };
        in_time(wait).then(|| {
            state.retries -= 1.0;
            wait
        })
    }

    fn refill(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let seconds = now
            .saturating_duration_since(state.refilled_at)
            .as_secs_f64();
        let most = self.per_second * SAVED_SECONDS;
        // Successes may have saved more than that, which stays.
        state.retries = (state.retries + self.per_second * seconds).min(most.max(state.retries));
        state.refilled_at = now;
        state
    }
}
