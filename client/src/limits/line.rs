//! A line in front of a tally: first come, first served, and a future that nobody polls holds up none behind it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::cost::Cost;
use super::leases::{self, Link};
use super::log::Ms;
use super::pacing::Pacing;
use super::tally::{Blocked, Tally};
use super::told::WaitReason;

/// How much later than the one before it a future in the line looks for itself whether its turn has come.
const PATIENCE: Ms = 250;

/// A future that has not been polled for so long after its turn came is passed by.
const GRACE: Ms = 100;

/// Nothing in a line waits longer before it looks again.
const LOOKS_AGAIN: Ms = 15_000;

/// For so many of each lane leases are taken at once.
const SEEN_AHEAD: usize = 50;

/// A clock in milliseconds from an instant on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn now(self) -> Ms {
        Instant::now().saturating_duration_since(self.0).as_millis() as Ms
    }

    pub(super) fn at(self, ms: Ms) -> Instant {
        self.0 + Duration::from_millis(ms)
    }
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

/// The line. It holds no lock while something waits.
pub(super) struct Line {
    pub(super) clock: Clock,
    pub(super) link: Option<Link>,
    /// Notified at the end of each exchange with the ledger.
    pub(super) told: Notify,
    inner: Mutex<Inner>,
}

struct Inner {
    tally: Tally,
    /// By ticket, and a lane for each kind of request: those that a limit does not count go past those whom it holds
    /// up, if they leave them what they need of the limits that count both.
    lanes: [BTreeMap<u64, Waiter>; 3],
    /// The last ticket given out.
    ticket: u64,
}

#[derive(Clone)]
struct Waiter {
    cost: Cost,
    /// When it looks again by itself.
    due: Ms,
    bell: Arc<Notify>,
}

impl Line {
    pub(super) fn new(clock: Clock, pacing: Pacing, link: Option<Link>) -> Arc<Self> {
        let inner = Mutex::new(Inner {
            tally: Tally::new(pacing, link.is_some()),
            lanes: Default::default(),
            ticket: 0,
        });
        let told = Notify::new();
        Arc::new(Self {
            clock,
            link,
            told,
            inner,
        })
    }

    /// Waits until the ledger knows what became of its leases, or is away.
    pub(super) async fn told(self: &Arc<Self>) {
        loop {
            let told = self.told.notified();
            if !self.look(|tally, now| tally.is_telling(now)) {
                return;
            }
            told.await;
        }
    }

    /// Waits for its turn and for room, and is let out. `ticket` is its place in the line, 0 for a new one: with an old
    /// one it is where it was. `tell` is told of each wait before it begins.
    pub(super) async fn enter(
        self: &Arc<Self>,
        ticket: &mut u64,
        cost: Cost,
        deadline: Option<Instant>,
        mut tell: impl FnMut(Instant, WaitReason),
    ) -> Result<Hold, Stays> {
        let mut spot = Spot {
            line: self,
            lane: lane(cost),
            ticket: None,
        };
        let mut told = None;
        loop {
            let (blocked, waiter) = match self.with(|inner, now| inner.attempt(now, ticket, cost)) {
                Ok(id) => {
                    spot.ticket = None;
                    let (line, under_way) = (self.clone(), Cost::NONE);
                    return Ok(Hold {
                        line,
                        id,
                        unsent: cost,
                        under_way,
                    });
                }
                Err(waits) => waits,
            };
            spot.ticket = Some(*ticket);
            let reason = blocked.reason;
            if let Some(until) = blocked.until.map(|until| self.clock.at(until)) {
                if deadline.is_some_and(|deadline| deadline < until) {
                    return Err(Stays::TooLong(TooLong { until, reason }));
                }
                if told.replace((until, reason)) != Some((until, reason)) {
                    tell(until, reason);
                }
            }
            let due = self.clock.at(waiter.due);
            let due = deadline.map_or(due, |deadline| deadline.min(due));
            // Until then, or until it is rung for.
            let _ = timeout_at(due, waiter.bell.notified()).await;
            if let Some(until) = deadline.filter(|deadline| *deadline <= Instant::now()) {
                return Err(match reason {
                    WaitReason::Pacing => Stays::Crowded,
                    _ => Stays::TooLong(TooLong { until, reason }),
                });
            }
        }
    }

    /// Looks at the tally.
    pub(super) fn look<T>(self: &Arc<Self>, look: impl FnOnce(&mut Tally, Ms) -> T) -> T {
        self.with(|inner, now| look(&mut inner.tally, now))
    }

    /// Changes the tally, and lets those look whose turn may have come.
    pub(super) fn update<T>(self: &Arc<Self>, change: impl FnOnce(&mut Tally, Ms) -> T) -> T {
        self.with(|inner, now| {
            let result = change(&mut inner.tally, now);
            inner.ring_first(now);
            result
        })
    }

    /// Lets everything in the line look again.
    pub(super) fn ring_all(self: &Arc<Self>) {
        self.with(|inner, now| {
            let waiters = inner.lanes.iter_mut().flat_map(BTreeMap::values_mut);
            waiters.for_each(|waiter| waiter.ring(now));
        });
    }

    fn with<T>(self: &Arc<Self>, change: impl FnOnce(&mut Inner, Ms) -> T) -> T {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        // Under the lock, so that what is told later is told of a later instant.
        let now = self.clock.now();
        let result = change(&mut inner, now);
        // What is dropped after its runtime has nothing to exchange by.
        if let Some(link) = &self.link
            && Handle::try_current().is_ok()
        {
            let Inner { tally, lanes, .. } = &mut *inner;
            let waiting = lanes.iter().flat_map(|lane| lane.values().take(SEEN_AHEAD));
            let waiting = waiting.map(|waiter| waiter.cost);
            if let Some(mut exchange) = tally.exchange(now, waiting) {
                exchange.process = link.process;
                leases::spawn(self.clone(), now, exchange);
            }
        }
        result
    }
}

impl Inner {
    /// Lets a request out, or says what keeps it and when it should look again.
    fn attempt(&mut self, now: Ms, ticket: &mut u64, cost: Cost) -> Result<u64, (Blocked, Waiter)> {
        if *ticket == 0 {
            self.ticket += 1;
            *ticket = self.ticket;
        }
        self.pass_by(now, *ticket);
        let own = lane(cost);
        let first = |lane: usize| {
            let first = self.lanes[lane].first_key_value();
            first.filter(|(first, _)| **first < *ticket)
        };
        let others = (0..3).filter(|lane| *lane != own).filter_map(first);
        let before = others.fold(Cost::NONE, |sum, (_, waiter)| sum + waiter.cost);
        let ahead = first(own).map_or(0, |(first, _)| *ticket - first);
        let room = self.tally.room(now, cost, before);
        if room.is_ok() && ahead == 0 {
            self.lanes[own].remove(ticket);
            let id = self.tally.take(now, cost);
            self.ring_first(now);
            return Ok(id);
        }
        let turn = Blocked {
            until: None,
            reason: WaitReason::Pacing,
        };
        let blocked = room.err().unwrap_or(turn);
        let due = match blocked.until {
            None if ahead == 0 => now + LOOKS_AGAIN,
            until => until.unwrap_or(now) + ahead.saturating_mul(PATIENCE).min(LOOKS_AGAIN),
        };
        // The first of them asks a ledger that is away again, and gives back what is not used.
        let asks = self.tally.next_try().filter(|_| ahead == 0);
        let due = asks.map_or(due, |asks| due.min(asks.max(now + 1)));
        let bell = Arc::default();
        let new = Waiter { cost, due, bell };
        let waiter = self.lanes[own].entry(*ticket).or_insert(new);
        waiter.due = due;
        Err((blocked, waiter.clone()))
    }

    /// Passes by those ahead that don't look though their turn has come. They keep their tickets.
    fn pass_by(&mut self, now: Ms, ticket: u64) {
        for lane in &mut self.lanes {
            while let Some(first) = lane.first_entry()
                && *first.key() < ticket
                && first.get().due + GRACE < now
            {
                first.remove().bell.notify_one();
            }
        }
    }

    fn ring_first(&mut self, now: Ms) {
        let first = self.lanes.iter_mut().filter_map(BTreeMap::first_entry);
        first.for_each(|mut first| first.get_mut().ring(now));
    }
}

impl Waiter {
    fn ring(&mut self, now: Ms) {
        self.due = self.due.min(now);
        self.bell.notify_one();
    }
}

/// Requests of one kind don't pass each other.
fn lane(cost: Cost) -> usize {
    match cost {
        Cost { content: 1.., .. } => 2,
        Cost { writes: 1.., .. } => 1,
        _ => 0,
    }
}

/// A future's place in a line. Dropped, it is given up.
struct Spot<'l> {
    line: &'l Arc<Line>,
    lane: usize,
    ticket: Option<u64>,
}

impl Drop for Spot<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.line.with(|inner, now| {
                inner.lanes[self.lane].remove(&ticket);
                inner.ring_first(now);
            });
        }
    }
}

/// Requests that were let out. Dropped, those not sent are given back.
pub(super) struct Hold {
    pub(super) line: Arc<Line>,
    pub(super) id: u64,
    pub(super) unsent: Cost,
    pub(super) under_way: Cost,
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.unsent + self.under_way != Cost::NONE {
            let (spent, unused) = (self.under_way, self.unsent);
            self.line
                .update(|tally, now| tally.settle(now, self.id, spent, Cost::NONE, unused));
        }
    }
}
