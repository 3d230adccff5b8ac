//! The retries that all calls of a client share.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long the budget saves up what is not used.
const SAVED_SECONDS: f64 = 10.0;

/// A budget of retries that refills smoothly: so many a second, and a share of what succeeds. When it is used up, each
/// retry gets an instant of its own, so that they don't come in bursts.
#[derive(Debug)]
pub(crate) struct Budget {
    per_second: f64,
    per_success: f64,
    state: Mutex<(f64, Instant)>,
}

impl Budget {
    pub(crate) fn new(per_second: u32, percent: u32) -> Self {
        let per_second = f64::from(per_second);
        Self {
            per_second,
            per_success: f64::from(percent) / 100.0,
            state: Mutex::new((per_second * SAVED_SECONDS, Instant::now())),
        }
    }

    /// A request succeeded.
    pub(crate) fn deposit(&self) {
        let mut state = self.refilled();
        let most = (self.per_second * SAVED_SECONDS).max(SAVED_SECONDS);
        state.0 = (state.0 + self.per_success).min(most);
    }

    /// Takes a retry and says how long to wait before it; or takes none if that would not be `in_time`.
    pub(crate) fn withdraw(&self, in_time: impl Fn(Duration) -> bool) -> Option<Duration> {
        let mut state = self.refilled();
        let owed = (1.0 - state.0).max(0.0);
        // Without a rate, what is owed is never there.
        let seconds = if owed > 0.0 {
            owed / self.per_second
        } else {
            0.0
        };
        let wait = Duration::try_from_secs_f64(seconds)
            .ok()
            .filter(|wait| in_time(*wait))?;
        state.0 -= 1.0;
        Some(wait)
    }

    fn refilled(&self) -> MutexGuard<'_, (f64, Instant)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let time = now.saturating_duration_since(state.1).as_secs_f64();
        let most = self.per_second * SAVED_SECONDS;
        // What was saved from successes stays beyond that.
        state.0 = (state.0 + self.per_second * time).min(most.max(state.0));
        state.1 = now;
        state
    }
}
