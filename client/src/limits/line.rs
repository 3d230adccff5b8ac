//! A line in front of a tally: first come, first served, and a future that is no longer polled holds up none behind it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::cost::Cost;
use super::link::{self, Link};
use super::log::Ms;
use super::pacing::Pacing;
use super::signals::WaitReason;
use super::tally::{Blocked, Tally};

/// A waiter that is not rung for tries by itself this much later than the one before it.
const STAGGER_MS: Ms = 250;

/// A waiter that has not tried this long after it was due is skipped.
const GRACE_MS: Ms = 100;

/// A waiter tries by itself at most this much later than it may have room, or than now if that is not known.
const LONGEST_NAP_MS: Ms = 15_000;

/// How many waiters of each lane leases are asked for at once.
const WAITERS_PER_LANE: usize = 50;

/// Milliseconds since the clock was started.
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

/// Why leave was not had by the caller's deadline.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NoLeave {
    /// A limit's wait would outlast the deadline.
    TooLong(TooLong),
    /// Too many other requests were under way.
    Crowded,
}

/// A wait that would outlast the caller's deadline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooLong {
    pub(crate) until: Instant,
    pub(crate) reason: WaitReason,
}

/// The line of one identity, of one place, or of a client in all.
pub(super) struct Line {
    pub(super) clock: Clock,
    pub(super) link: Option<Link>,
    pub(super) exchange_ended: Notify,
    inner: Mutex<Inner>,
}

struct Inner {
    tally: Tally,
    /// By ticket, and a lane for each kind of request: those of one kind may overtake those of another that a
    /// limit holds up, if they leave room for them in the limits that count both.
    lanes: [BTreeMap<u64, Waiter>; 3],
    last_ticket: u64,
}

#[derive(Clone)]
struct Waiter {
    cost: Cost,
    /// When it tries again by itself.
    due: Ms,
    bell: Arc<Notify>,
}

impl Line {
    pub(super) fn new(clock: Clock, pacing: Pacing, link: Option<Link>) -> Arc<Self> {
        let inner = Mutex::new(Inner {
            tally: Tally::new(pacing, link.is_some()),
            lanes: Default::default(),
            last_ticket: 0,
        });
        Arc::new(Self {
            clock,
            link,
            exchange_ended: Notify::new(),
            inner,
        })
    }

    /// Waits until no exchange with the ledger is under way.
    pub(super) async fn wait_for_ledger(self: &Arc<Self>) {
        loop {
            let ended = self.exchange_ended.notified();
            if !self.look(|tally, now| tally.is_exchanging(now)) {
                return;
            }
            ended.await;
        }
    }

    /// Waits until requests of this cost have their turn and room, and lets them out. A `ticket` of 0 becomes a new one
    /// at the end of the line; with an old one they are where they were. `tell` is called before each wait for a limit.
    pub(super) async fn wait_for_room(
        self: &Arc<Self>,
        ticket: &mut u64,
        cost: Cost,
        deadline: Option<Instant>,
        mut tell: impl FnMut(Instant, WaitReason),
    ) -> Result<Hold, NoLeave> {
        let mut position = Position {
            line: self,
            lane: lane(cost),
            ticket: None,
        };
        let mut told = None;
        loop {
            let (blocked, waiter) =
                match self.locked(|inner, now| inner.try_let_out(now, ticket, cost)) {
                    Ok(id) => {
                        position.ticket = None;
                        let (line, under_way) = (self.clone(), Cost::NONE);
                        return Ok(Hold {
                            line,
                            id,
                            unsent: cost,
                            under_way,
                        });
                    }
                    Err(blocked) => blocked,
                };
            position.ticket = Some(*ticket);
            let reason = blocked.reason;
            if let Some(until) = blocked.until.map(|until| self.clock.at(until)) {
                if deadline.is_some_and(|deadline| deadline < until) {
                    return Err(NoLeave::TooLong(TooLong { until, reason }));
                }
                if told.replace((until, reason)) != Some((until, reason)) {
                    tell(until, reason);
                }
            }
            let due = self.clock.at(waiter.due);
            let due = deadline.map_or(due, |deadline| deadline.min(due));
            // A timeout is no error: it is when this tries by itself.
            let _ = timeout_at(due, waiter.bell.notified()).await;
            if let Some(until) = deadline.filter(|deadline| *deadline <= Instant::now()) {
                return Err(match reason {
                    WaitReason::Pacing => NoLeave::Crowded,
                    _ => NoLeave::TooLong(TooLong { until, reason }),
                });
            }
        }
    }

    pub(super) fn look<T>(self: &Arc<Self>, look: impl FnOnce(&mut Tally, Ms) -> T) -> T {
        self.locked(|inner, now| look(&mut inner.tally, now))
    }

    /// Looks at the tally as it is, without an exchange with the ledger.
    pub(super) fn peek<T>(&self, look: impl FnOnce(&mut Tally, Ms) -> T) -> T {
        let (mut inner, now) = self.lock();
        look(&mut inner.tally, now)
    }

    /// Changes the tally, and rings for the first of each lane, since it may have room now.
    pub(super) fn update<T>(self: &Arc<Self>, change: impl FnOnce(&mut Tally, Ms) -> T) -> T {
        self.locked(|inner, now| {
            let result = change(&mut inner.tally, now);
            inner.ring_first(now);
            result
        })
    }

    pub(super) fn ring_all(self: &Arc<Self>) {
        self.locked(|inner, now| {
            let waiters = inner.lanes.iter_mut().flat_map(BTreeMap::values_mut);
            waiters.for_each(|waiter| waiter.ring(now));
        });
    }

    fn lock(&self) -> (MutexGuard<'_, Inner>, Ms) {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that the tally's time never goes back.
        (inner, self.clock.now())
    }

    fn locked<T>(self: &Arc<Self>, change: impl FnOnce(&mut Inner, Ms) -> T) -> T {
        let (mut inner, now) = self.lock();
        let result = change(&mut inner, now);
        // A drop after the runtime has ended can't spawn an exchange.
        if let Some(link) = &self.link
            && Handle::try_current().is_ok()
        {
            let Inner { tally, lanes, .. } = &mut *inner;
            let waiting = lanes
                .iter()
                .flat_map(|lane| lane.values().take(WAITERS_PER_LANE));
            let waiting = waiting.map(|waiter| waiter.cost);
            if let Some(mut exchange) = tally.exchange(now, waiting) {
                exchange.process = link.process;
                link::spawn(self.clone(), now, exchange);
            }
        }
        result
    }
}

impl Inner {
    /// Lets requests out, or puts them into the line, and says what holds them up and when they try again.
    fn try_let_out(
        &mut self,
        now: Ms,
        ticket: &mut u64,
        cost: Cost,
    ) -> Result<u64, (Blocked, Waiter)> {
        if *ticket == 0 {
            self.last_ticket += 1;
            *ticket = self.last_ticket;
        }
        self.skip_unpolled(now, *ticket);
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
            None if ahead == 0 => now + LONGEST_NAP_MS,
            until => until.unwrap_or(now) + ahead.saturating_mul(STAGGER_MS).min(LONGEST_NAP_MS),
        };
        // The first of a lane wakes for the next exchange, which is made when the line is looked at.
        let exchange = self.tally.next_exchange().filter(|_| ahead == 0);
        let due = exchange.map_or(due, |at| due.min(at.max(now + 1)));
        let bell = Arc::default();
        let new = Waiter { cost, due, bell };
        let waiter = self.lanes[own].entry(*ticket).or_insert(new);
        waiter.due = due;
        Err((blocked, waiter.clone()))
    }

    /// Takes waiters ahead that are overdue out of the line. They keep their tickets.
    fn skip_unpolled(&mut self, now: Ms, ticket: u64) {
        for lane in &mut self.lanes {
            while let Some(first) = lane.first_entry()
                && *first.key() < ticket
                && first.get().due + GRACE_MS < now
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

/// The index of the lane of these requests, within which none overtakes another.
fn lane(cost: Cost) -> usize {
    match cost {
        Cost { content: 1.., .. } => 2,
        Cost { writes: 1.., .. } => 1,
        _ => 0,
    }
}

/// A future's position in a line. Dropped, it is given up.
struct Position<'l> {
    line: &'l Arc<Line>,
    lane: usize,
    ticket: Option<u64>,
}

impl Drop for Position<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.line.locked(|inner, now| {
                inner.lanes[self.lane].remove(&ticket);
                inner.ring_first(now);
            });
        }
    }
}

/// Requests that were let out. Dropped, those not sent are given back.
pub(super) struct Hold {
    pub(super) line: Arc<Line>,
    /// Their id in the line's tally.
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
