//! One gate for a client and all its clones: when GitHub says stop, nobody sends until it may.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Turn, Notify, Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use crate::pacing::{Cost, Full, Pacing, Windows};

/// No wait is longer than GitHub's longest documented window, whatever a header says.
const LONGEST: Duration = Duration::from_secs(3601);

/// Why nobody may send for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitReason {
    /// The quota of the hour is used up.
    PrimaryLimit,
    /// GitHub refused for a secondary limit, or asked to retry later.
    SecondaryLimit,
    /// The client's own [`Pacing`] keeps a documented limit.
    Pacing,
    /// A request failed and the client waits before it tries again.
    Backoff,
}

impl WaitReason {
    /// The reason in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PrimaryLimit => "GitHub's primary rate limit",
            Self::SecondaryLimit => "GitHub's secondary rate limit",
            Self::Pacing => "the pace of GitHub's documented limits",
            Self::Backoff => "a failed attempt",
        }
    }
}

/// What a refusal said about when to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// `retry-after`: this long from now.
    After(Duration),
    /// `x-ratelimit-reset`: this long from now until the quota is full again.
    Reset(Duration),
    /// A secondary limit without a header.
    Unsaid,
}

/// A wait that would outlast the caller's deadline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooLong {
    pub(crate) until: Instant,
    pub(crate) reason: WaitReason,
}

pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Notify,
    permits: Semaphore,
    /// Those who wait stand in line, so that one of them at a time looks at the windows. Reads have a line of
    /// their own: a batch of writes that waits for the hour does not hold up a read.
    reads: Turn<()>,
    writes: Turn<()>,
}

struct State {
    windows: Windows,
    closed: Option<Closed>,
    /// Refusals in a row.
    strikes: u32,
    /// Counts closings, so that late refusals of one burst count once.
    closings: u64,
}

struct Closed {
    until: Instant,
    reason: WaitReason,
    /// The wait is over and one request has gone ahead to see.
    probing: bool,
}

enum Blocked {
    Until(Instant, WaitReason),
    UntilChange,
}

impl Gate {
    pub(crate) fn new(pacing: &Pacing) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                windows: Windows::new(pacing),
                closed: None,
                strikes: 0,
                closings: 0,
            }),
            changed: Notify::new(),
            permits: Semaphore::new(pacing.concurrent),
            reads: Turn::new(()),
            writes: Turn::new(()),
        })
    }

    /// Waits until a request may leave. `waiting` is told of each wait before it begins.
    pub(crate) async fn pass(
        &self,
        cost: Cost,
        deadline: Option<Instant>,
        mut waiting: impl FnMut(Instant, WaitReason),
    ) -> Result<Pass<'_>, TooLong> {
        let entering = self.enter(cost, deadline, &mut waiting);
        match deadline {
            None => entering.await,
            Some(deadline) => match timeout_at(deadline, entering).await {
                Ok(entered) => entered,
                Err(_) => Err(TooLong {
                    until: deadline,
                    reason: WaitReason::Pacing,
                }),
            },
        }
    }

    async fn enter(
        &self,
        cost: Cost,
        deadline: Option<Instant>,
        waiting: &mut impl FnMut(Instant, WaitReason),
    ) -> Result<Pass<'_>, TooLong> {
        let line = match cost {
            Cost::Read => &self.reads,
            Cost::Write => &self.writes,
        };
        let _turn = line.lock().await;
        let mut told = None;
        loop {
            let permit = self
                .permits
                .acquire()
                .await
                .expect("the semaphore is never closed");
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let blocked = self.lock().enter(Instant::now(), cost);
            let blocked = match blocked {
                Ok((closing, probe)) => {
                    return Ok(Pass {
                        gate: self,
                        cost,
                        closing,
                        probe,
                        _permit: permit,
                    });
                }
                Err(blocked) => blocked,
            };
            // Who waits holds no place among those under way.
            drop(permit);
            match blocked {
                Blocked::UntilChange => changed.await,
                Blocked::Until(until, reason) => {
                    if deadline.is_some_and(|deadline| deadline < until) {
                        return Err(TooLong { until, reason });
                    }
                    if told != Some((until, reason)) {
                        told = Some((until, reason));
                        waiting(until, reason);
                    }
                    // Whichever comes first; then it looks again.
                    let _ = timeout_at(until, changed).await;
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Lets a request in, saying after which closing it leaves and whether it goes ahead to probe.
    fn enter(&mut self, now: Instant, cost: Cost) -> Result<(u64, bool), Blocked> {
        if let Some(closed) = &self.closed {
            if now < closed.until {
                return Err(Blocked::Until(closed.until, closed.reason));
            }
            if closed.probing {
                return Err(Blocked::UntilChange);
            }
        }
        self.windows.enter(now, cost).map_err(|full| match full {
            Full::Until(until) => Blocked::Until(until, WaitReason::Pacing),
            Full::UntilOneEnds => Blocked::UntilChange,
        })?;
        let probe = match &mut self.closed {
            Some(closed) => {
                closed.probing = true;
                true
            }
            None => false,
        };
        Ok((self.closings, probe))
    }

    fn close(&mut self, now: Instant, closing: u64, refusal: Refusal) -> (Instant, WaitReason) {
        let first = closing == self.closings;
        if first {
            self.strikes = self.strikes.saturating_add(1);
            self.closings += 1;
        }
        let doubled =
            |base: u64| Duration::from_secs(base.saturating_mul(1 << (self.strikes - 1).min(12)));
        // Repeated refusals wait longer each time even if the headers say "now": no hot loop.
        let floor = doubled(1);
        let (wait, reason) = match refusal {
            Refusal::After(wait) => (wait, WaitReason::SecondaryLimit),
            Refusal::Reset(wait) => (
                wait.saturating_add(Duration::from_secs(1)),
                WaitReason::PrimaryLimit,
            ),
            Refusal::Unsaid => (doubled(60), WaitReason::SecondaryLimit),
        };
        if first && reason == WaitReason::SecondaryLimit {
            self.windows.slow_down(now);
        }
        let until = now + wait.max(floor).min(LONGEST);
        let later = match &self.closed {
            Some(closed) if closed.until > until => (closed.until, closed.reason),
            _ => (until, reason),
        };
        self.closed = Some(Closed {
            until: later.0,
            reason: later.1,
            probing: false,
        });
        later
    }
}

/// Leave to send one request. Dropping it, sent or not, gives its place back.
pub(crate) struct Pass<'g> {
    gate: &'g Gate,
    cost: Cost,
    closing: u64,
    probe: bool,
    _permit: SemaphorePermit<'g>,
}

impl Pass<'_> {
    /// GitHub refused for a limit: closes the gate for everyone, and says until when.
    pub(crate) fn refused(mut self, refusal: Refusal) -> (Instant, WaitReason) {
        self.probe = false;
        self.gate
            .lock()
            .close(Instant::now(), self.closing, refusal)
    }

    /// GitHub answered: if this was the probe, the gate is open again.
    pub(crate) fn answered(mut self, quota_used_up: Option<Duration>) {
        let mut state = self.gate.lock();
        if self.closing == state.closings {
            state.strikes = 0;
        }
        if std::mem::take(&mut self.probe) {
            state.closed = None;
        }
        if let Some(reset) = quota_used_up {
            // Not a refusal yet, and the next request would be one.
            let until = Instant::now() + (reset + Duration::from_secs(1)).min(LONGEST);
            if state
                .closed
                .as_ref()
                .is_none_or(|closed| closed.until < until)
            {
                state.closed = Some(Closed {
                    until,
                    reason: WaitReason::PrimaryLimit,
                    probing: false,
                });
            }
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        state.windows.leave(Instant::now(), self.cost);
        if self.probe
            && let Some(closed) = &mut state.closed
        {
            // The probe failed without an answer, or its future was dropped: the next one probes.
            closed.probing = false;
        }
        drop(state);
        self.gate.changed.notify_waiters();
    }
}
