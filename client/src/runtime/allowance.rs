//! The time that a call may use.

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::limited::limited;
use super::lock;
use super::policy::RetryPolicy;
use super::terms::Terms;
use crate::auth::Token;
use crate::error::Error;
use crate::limits::{Gate, Leave};

/// The time and the attempts that one call of the public API may use, over all requests that it makes.
#[derive(Clone, Debug)]
pub(crate) struct Allowance {
    policy: RetryPolicy,
    deadline: Option<Instant>,
    in_batch: bool,
    shortest_useful_attempt: Duration,
    used: Arc<Used>,
}

/// How often a call that is polled notes the time of it.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// The used part of an allowance, by all requests that share it.
#[derive(Debug, Default)]
pub(crate) struct Used {
    /// Microseconds of the retry window that attempts, pauses and waits for a token that was not accepted took.
    spent: AtomicU64,
    /// How many writes were sent.
    writes: AtomicU32,
    loan: Mutex<Loan>,
    /// The call has a span already.
    watched: AtomicBool,
    /// When the call was last polled, to within [`HEARTBEAT`].
    polled_at: Mutex<Option<Instant>>,
}

impl Used {
    /// How long ago the call was polled last, to within [`HEARTBEAT`].
    pub(crate) fn since_polled(&self) -> Duration {
        lock(&self.polled_at).map_or(Duration::ZERO, |last| last.elapsed())
    }
}

/// The token and leave of a write that reads first, which it lends to those reads.
#[derive(Default)]
pub(super) struct Loan {
    lent: Option<(Token, Leave)>,
    /// How many reads borrowed it or wanted to.
    pub(super) reads: u32,
}

impl fmt::Debug for Loan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loan")
            .field("reads", &self.reads)
            .finish_non_exhaustive()
    }
}

impl Allowance {
    pub(super) fn new(policy: &RetryPolicy, terms: &Terms) -> Self {
        let policy = terms.policy.as_ref().unwrap_or(policy);
        let after = |deadline| Instant::now().checked_add(deadline);
        let deadline = match terms.batch {
            Some(batch) => batch.until,
            None => terms.deadline.or(policy.deadline).and_then(after),
        };
        let mut new = Self {
            policy: policy.clone(),
            deadline,
            in_batch: terms.batch.is_some(),
            shortest_useful_attempt: Duration::ZERO,
            used: Arc::default(),
        };
        new.shortest_useful_attempt = Duration::from_secs(1)
            .min(policy.attempt_timeout)
            .min(new.left() / 2);
        new
    }

    /// One with the same deadline, and a retry window and counts of its own.
    #[cfg(feature = "app")]
    pub(crate) fn with_new_window(&self) -> Self {
        Self {
            used: Arc::new(Used {
                watched: self.used.watched.load(Ordering::Relaxed).into(),
                ..Used::default()
            }),
            ..self.clone()
        }
    }

    /// Lends a token and leave to the next requests.
    pub(super) fn lend(&self, token: Token, leave: Leave) {
        self.with_loan(|loan| loan.lent = Some((token, leave)));
    }

    /// Takes the loan, if there is one: to send by it, or back.
    pub(super) fn take_lent(&self) -> Option<(Token, Leave)> {
        self.with_loan(|loan| loan.lent.take())
    }

    /// Whether something is lent.
    pub(crate) fn lends(&self) -> bool {
        self.with_loan(|loan| loan.lent.is_some())
    }

    pub(super) fn with_loan<T>(&self, change: impl FnOnce(&mut Loan) -> T) -> T {
        change(&mut lock(&self.used.loan))
    }

    /// Gives back leave that is lent, before a wait for something that may need leave itself.
    pub(crate) fn give_back_leave(&self) {
        self.take_lent();
    }

    /// Marks the call as watched. Says `false` if it was before.
    pub(super) fn begin_watch(&self) -> bool {
        !self.used.watched.swap(true, Ordering::Relaxed)
    }

    /// Does the work, and notes meanwhile that it is polled.
    pub(super) async fn with_heartbeat<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            *lock(&self.used.polled_at) = Some(Instant::now());
            if let Ok(done) = timeout(HEARTBEAT, &mut work).await {
                return done;
            }
        }
    }

    /// Tells whether the call is still polled, and whether it still exists.
    pub(crate) fn life_sign(&self) -> Weak<Used> {
        Arc::downgrade(&self.used)
    }

    /// Whether a pause ends before the deadline.
    pub(crate) fn has_time_for(&self, pause: Duration) -> bool {
        let end = Instant::now() + pause;
        self.deadline.is_none_or(|deadline| end < deadline)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// How many attempts may fail, the first included.
    pub(crate) fn attempts(&self) -> u32 {
        self.policy.attempts_of_a_call(self.in_batch)
    }

    /// Whether the deadline comes before the end of the retry window.
    pub(crate) fn ends_by_deadline(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| deadline < Instant::now() + self.window_left())
    }

    /// Fails if the gate stays closed past the deadline, as far as is known.
    pub(crate) fn ensure_open(&self, gate: Gate<'_>) -> Result<(), Error> {
        match (gate.closed_until(), self.deadline) {
            (Some(closed), Some(deadline)) if deadline < closed.until => Err(limited(closed, None)),
            _ => Ok(()),
        }
    }

    /// The time left for attempts and the pauses between them.
    pub(crate) fn left(&self) -> Duration {
        let window = self.window_left();
        match self.deadline {
            Some(deadline) => window.min(deadline.saturating_duration_since(Instant::now())),
            None => window,
        }
    }

    /// How long an attempt made now may take; `None` if that is too short to be useful.
    pub(super) fn time_for_attempt(&self) -> Option<Duration> {
        let time = self.policy.attempt_timeout.min(self.left());
        (!time.is_zero() && time >= self.shortest_useful_attempt).then_some(time)
    }

    /// Whether a useful attempt fits in after a pause; `until` is its end, later if the server asked for more.
    pub(super) fn leaves_time_after(&self, pause: Duration, until: Instant) -> bool {
        let useful = self.shortest_useful_attempt;
        let in_time = |deadline| until + useful <= deadline;
        self.left() >= pause + useful && self.deadline.is_none_or(in_time)
    }

    pub(super) fn pauses(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        self.policy.pauses(self.attempts())
    }

    pub(super) fn count_write(&self) {
        self.used.writes.fetch_add(1, Ordering::Relaxed);
    }

    /// How many writes were sent in the whole call.
    pub(super) fn writes(&self) -> u32 {
        self.used.writes.load(Ordering::Relaxed)
    }

    pub(super) fn spend(&self, time: Duration) {
        self.used
            .spent
            .fetch_add(time.as_micros() as u64, Ordering::Relaxed);
    }

    fn window_left(&self) -> Duration {
        self.policy
            .retry_window
            .saturating_sub(Duration::from_micros(
                self.used.spent.load(Ordering::Relaxed),
            ))
    }
}
