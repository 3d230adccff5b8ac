//! When a failed attempt is made again, and how long a call may take.

use std::iter;
use std::time::Duration;

use crate::limits::{Budget, random_number};

/// How a client deals with transient failures: lost connections, `5xx`, replies that do not come.
///
/// Attempts are repeated with exponential backoff and full jitter, at most [`attempts`](Self::attempts) in all
/// and within [`retry_window`](Self::retry_window). All calls of a client share a [`budget`](Self::budget) of
/// retries, so that an outage is not answered with a multiple of the traffic; a retry beyond the budget waits for it.
/// A wait for a limit is no failure: [`deadline`](Self::deadline) alone bounds it.
///
/// | setting | default | reason |
/// |---|---|---|
/// | `attempts` | 5; 10 in a batch | about 4 s of backoff outlasts a restart; a batch that is given up costs more, so there it is about 24 s |
/// | `attempt_timeout` | 12 s | GitHub gives up on a request itself after 10 s |
/// | `connect_timeout` | 5 s | two losses of the first packet |
/// | `retry_window` | 28 s | a server that never answers is given up within half a minute |
/// | `backoff` | up to 0.5 s, doubling up to 8 s | drawn from zero to these, so that clients do not come back in step |
/// | `budget` | 5 a second, and 20 % of what succeeded | over 10 s: a batch of 50 may try again at once, and not once more |
/// | `deadline` | 15 min; none in a batch | outlasts secondary limits, which start at a minute, and not the hour of a used-up quota |
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// let impatient = octoseal::RetryPolicy::default().attempts(2).deadline(Duration::from_secs(20));
/// # let _ = impatient;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    pub(crate) attempts: Option<u32>,
    pub(crate) attempt_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) retry_window: Duration,
    pub(crate) deadline: Option<Duration>,
    pub(crate) first_backoff: Duration,
    pub(crate) longest_backoff: Duration,
    pub(crate) retries_per_second: u32,
    pub(crate) retry_percent: u32,
}

/// The longest setting and the longest pause, so that no instant overflows.
pub(super) const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: None,
            attempt_timeout: Duration::from_secs(12),
            connect_timeout: Duration::from_secs(5),
            retry_window: Duration::from_secs(28),
            deadline: Some(Duration::from_secs(15 * 60)),
            first_backoff: Duration::from_millis(500),
            longest_backoff: Duration::from_secs(8),
            retries_per_second: 5,
            retry_percent: 20,
        }
    }
}

impl RetryPolicy {
    /// How many attempts a call makes at most when they fail, the first included; at least 1. The same then
    /// holds for each secret of a batch.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts.max(1));
        self
    }

    /// How long one attempt may take, from sending to the last byte of the reply. A write that waits for a connection,
    /// or for its turn on one, is not sent yet; that may take as long as the retry window. An HTTP/2 connection that does not
    /// answer a ping within a third of it, sent after another third of silence, is given up, so that a retry takes
    /// a new one.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout.min(A_YEAR);
        self
    }

    /// How long connecting may take, TLS included.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout.min(A_YEAR);
        self
    }

    /// How long a call goes on with failing attempts, the backoff between them, and waits for another request to find out
    /// whether GitHub accepts a token, unless it does. Waits for limits do not count.
    pub fn retry_window(mut self, window: Duration) -> Self {
        self.retry_window = window.min(A_YEAR);
        self
    }

    /// How long a call may take in all: attempts, backoff, and every wait for a limit. `None` waits as long as
    /// GitHub asks. A wait that would pass the deadline is not begun: the call ends at once with an error that
    /// says when to try again.
    pub fn deadline(mut self, deadline: impl Into<Option<Duration>>) -> Self {
        self.deadline = deadline.into();
        self
    }

    /// The longest wait before the second attempt, and the longest before any later one. The actual waits are
    /// drawn between zero and these (full jitter).
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.first_backoff = first.min(A_YEAR);
        self.longest_backoff = longest.min(A_YEAR);
        self
    }

    /// The retries that all calls of a client share: `per_second` in any case, and `percent` of the requests that
    /// succeeded. What is not used is saved up for 10 seconds. When it is used up, retries go one by one, at this pace.
    pub fn budget(mut self, per_second: u32, percent: u32) -> Self {
        self.retries_per_second = per_second.min(1_000_000);
        self.retry_percent = percent.min(100_000);
        self
    }

    pub(crate) fn budget_of_retries(&self) -> Budget {
        Budget::new(self.retries_per_second, self.retry_percent)
    }

    pub(super) fn attempts_of_a_call(&self, in_batch: bool) -> u32 {
        self.attempts.unwrap_or(if in_batch { 10 } else { 5 })
    }

    /// The pauses between this many attempts: exponential, with full jitter
    /// ([Exponential Backoff And Jitter](https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)).
    pub(super) fn pauses(&self, attempts: u32) -> impl Iterator<Item = Duration> + Send + use<> {
        let longest = self.longest_backoff;
        let double = move |ceiling: &Duration| Some((*ceiling * 2).min(longest));
        iter::successors(Some(self.first_backoff), double)
            .take(attempts as usize - 1)
            .map(|ceiling| ceiling.mul_f64(f64::from(random_number()) / f64::from(u32::MAX)))
    }
}
