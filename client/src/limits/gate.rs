//! One gate for a client and all its clones: when GitHub says stop, nobody sends until it may.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::pacing::{Cost, Full, Pacing, Windows};

/// No wait is longer than GitHub's longest documented window, whatever a header says.
pub(crate) const LONGEST: Duration = Duration::from_secs(3601);

/// How long one request may take to find out whether the gate can be opened. A future that its owner has stopped
/// polling would otherwise keep everyone out.
const PROBE: Duration = Duration::from_secs(60);

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

/// What a reply says is left of the hour's quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) remaining: u64,
    /// From the reply until it is full again.
    pub(crate) reset: Duration,
}

/// Why a request does not leave at all.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stays {
    /// A limit's wait would outlast the caller's deadline.
    TooLong(TooLong),
    /// Those under way left it no place by the caller's deadline.
    Crowded,
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
    concurrent: u32,
}

// Nobody holds a lock while waiting: a future that waits and is not polled must not hold up the others, beyond the one
// place that it may have been given.
struct State {
    windows: Windows,
    closed: Option<Closed>,
    /// Refusals in a row.
    strikes: u32,
    /// Counts closings, so that late refusals of one burst count once.
    closings: u64,
    /// Counts probes, so that each knows whether it is the present one.
    probes: u64,
    in_flight: u32,
    /// What was left of the quota when last heard of, and when it is full again.
    quota: Option<(u64, Instant)>,
}

struct Closed {
    until: Instant,
    reason: WaitReason,
    /// The wait is over and one request has gone ahead to see.
    probe: Option<Probe>,
}

struct Probe {
    id: u64,
    until: Instant,
}

enum Blocked {
    Until(Instant, WaitReason),
    /// Until a request under way has ended, or at the latest this instant.
    UntilChange(Option<Instant>, WaitReason),
}

impl Gate {
    pub(crate) fn new(pacing: &Pacing) -> Arc<Self> {
        let concurrent = pacing.concurrent.min(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            state: Mutex::new(State {
                windows: Windows::new(pacing),
                closed: None,
                strikes: 0,
                closings: 0,
                probes: 0,
                in_flight: 0,
                quota: None,
            }),
            changed: Notify::new(),
            permits: Semaphore::new(concurrent),
            concurrent: u32::try_from(concurrent).unwrap_or(u32::MAX),
        })
    }

    /// Waits until a request may leave. `waiting` is told of each wait before it begins.
    pub(crate) async fn pass(
        &self,
        cost: Cost,
        deadline: Option<Instant>,
        mut waiting: impl FnMut(Instant, WaitReason),
    ) -> Result<Pass<'_>, Stays> {
        let too_long = |until, reason| Err(Stays::TooLong(TooLong { until, reason }));
        let mut told = None;
        loop {
            // After a refusal a request takes several places, and so fewer go at once.
            let places = self.lock().windows.places(Instant::now(), self.concurrent);
            let Some(permit) = by(deadline, self.permits.acquire_many(places)).await else {
                return Err(Stays::Crowded);
            };
            let permit = permit.expect("the semaphore is never closed");
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let blocked = match self.lock().enter(Instant::now(), cost) {
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
                Blocked::UntilChange(at_latest, reason) => {
                    let end = [deadline, at_latest].into_iter().flatten().min();
                    let ended = by(end, changed).await;
                    if ended.is_none() && end == deadline {
                        return too_long(end.unwrap_or_else(Instant::now), reason);
                    }
                }
                Blocked::Until(until, reason) => {
                    if deadline.is_some_and(|deadline| deadline < until) {
                        return too_long(until, reason);
                    }
                    if told != Some((until, reason)) {
                        told = Some((until, reason));
                        waiting(until, reason);
                    }
                    sleep_until(until).await;
                }
            }
        }
    }

    /// Until when nobody may send, if that is so.
    pub(crate) fn closed(&self) -> Option<TooLong> {
        let state = self.lock();
        state.closed.as_ref().map(|closed| TooLong {
            until: closed.until,
            reason: closed.reason,
        })
    }

    /// Counts a request that left without asking: the second leg of a redirect.
    pub(crate) fn charge(&self, cost: Cost) {
        self.lock().windows.charge(Instant::now(), cost);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a future gives, if it does so by this instant.
async fn by<F: Future>(end: Option<Instant>, future: F) -> Option<F::Output> {
    match end {
        Some(end) => timeout_at(end, future).await.ok(),
        None => Some(future.await),
    }
}

impl State {
    /// Lets a request in, saying after which closing it leaves and whether it goes ahead as a probe.
    fn enter(&mut self, now: Instant, cost: Cost) -> Result<(u64, Option<u64>), Blocked> {
        if let Some(closed) = &self.closed {
            if now < closed.until {
                return Err(Blocked::Until(closed.until, closed.reason));
            }
            if let Some(probe) = &closed.probe
                && now < probe.until
            {
                return Err(Blocked::UntilChange(Some(probe.until), closed.reason));
            }
        }
        self.quota = self.quota.filter(|&(_, reset)| now < reset);
        match self.quota {
            Some((0, reset)) => return Err(Blocked::Until(reset, WaitReason::PrimaryLimit)),
            // Those under way may not be counted yet. The next reply says more.
            Some((remaining, reset)) if u64::from(self.in_flight) >= remaining => {
                return Err(Blocked::UntilChange(Some(reset), WaitReason::PrimaryLimit));
            }
            _ => {}
        }
        self.windows.enter(now, cost).map_err(|full| match full {
            Full::Until(until) => Blocked::Until(until, WaitReason::Pacing),
            Full::UntilOneEnds => Blocked::UntilChange(None, WaitReason::Pacing),
        })?;
        self.in_flight += 1;
        let probe = self.closed.as_mut().map(|closed| {
            self.probes += 1;
            closed.probe = Some(Probe {
                id: self.probes,
                until: now + PROBE,
            });
            self.probes
        });
        Ok((self.closings, probe))
    }

    fn close(&mut self, now: Instant, closing: u64, refusal: Refusal) -> (Instant, WaitReason) {
        let first = closing == self.closings;
        if first {
            self.strikes = self.strikes.saturating_add(1);
            self.closings += 1;
        }
        let doubled = |base: u64| {
            let doublings = self.strikes.saturating_sub(1).min(12);
            Duration::from_secs(base.saturating_mul(1 << doublings))
        };
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
            self.windows.slow_down(now, self.in_flight);
        }
        let until = now + wait.max(floor).min(LONGEST);
        // A burst's refusals may differ: the longest holds.
        let later = match &self.closed {
            Some(closed) if closed.until > until => (closed.until, closed.reason),
            _ => (until, reason),
        };
        self.closed = Some(Closed {
            until: later.0,
            reason: later.1,
            probe: None,
        });
        later
    }

    /// Keeps what is known of the quota, so that its end is met by waiting and not by a refusal.
    fn learn(&mut self, now: Instant, quota: Quota) {
        if quota.reset.is_zero() {
            return;
        }
        let second = Duration::from_secs(1);
        let reset = now + quota.reset.saturating_add(second).min(LONGEST);
        // Replies overtake each other: of one hour the lowest count holds, and of two hours the later.
        self.quota = Some(match self.quota {
            Some((remaining, known)) if reset <= known + 5 * second => {
                if known <= reset + 5 * second {
                    (remaining.min(quota.remaining), known)
                } else {
                    (remaining, known)
                }
            }
            _ => (quota.remaining, reset),
        });
    }

    /// The closing that this probe was sent to test, unless there has been another since.
    fn tested_by(&mut self, probe: Option<u64>) -> Option<&mut Closed> {
        let present = |closed: &&mut Closed| closed.probe.as_ref().map(|probe| probe.id) == probe;
        self.closed
            .as_mut()
            .filter(|_| probe.is_some())
            .filter(present)
    }
}

/// Leave to send one request. Dropping it, sent or not, gives its place back.
pub(crate) struct Pass<'g> {
    gate: &'g Gate,
    cost: Cost,
    closing: u64,
    probe: Option<u64>,
    _permit: SemaphorePermit<'g>,
}

impl Pass<'_> {
    /// Whether the gate has closed since.
    pub(crate) fn outdated(&self) -> bool {
        self.gate.lock().closings != self.closing
    }

    /// GitHub refused for a limit: closes the gate for everyone, and says until when.
    pub(crate) fn refused(self, refusal: Refusal) -> (Instant, WaitReason) {
        let mut state = self.gate.lock();
        state.close(Instant::now(), self.closing, refusal)
    }

    /// GitHub answered: if this was the probe, the gate is open again.
    pub(crate) fn answered(self, quota: Option<Quota>) {
        let mut state = self.gate.lock();
        if self.closing == state.closings {
            state.strikes = 0;
        }
        if state.tested_by(self.probe).is_some() {
            state.closed = None;
        }
        if let Some(quota) = quota {
            state.learn(Instant::now(), quota);
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        state.in_flight -= 1;
        state.windows.leave(Instant::now(), self.cost);
        if let Some(closed) = state.tested_by(self.probe) {
            // The probe failed without an answer, or its future was dropped: the next one probes.
            closed.probe = None;
        }
        drop(state);
        self.gate.changed.notify_waiters();
    }
}
