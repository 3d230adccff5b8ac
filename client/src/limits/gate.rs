//! Leave to send: of the identity, of the place, and of the client in all.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task_local;
use tokio::time::{Instant, timeout};

use super::cost::Cost;
use super::identity::Identity;
use super::ledger::Ledger;
use super::lessons::Learnt;
use super::line::{Clock, Hold, Line, NoLeave, TooLong};
use super::link::{LEDGER_TIMEOUT, Link};
use super::log::Ms;
use super::pacing::Pacing;
use super::signals::{Quota, Refusal, WaitReason};

/// Identities and places that are remembered, unless more are in use or have used up their limits.
const MAX_LINES: usize = 4096;

/// A line that was not used for this time is forgotten: no lesson holds for longer.
const FORGOTTEN_AFTER_MS: Ms = 24 * 3_600_000;

/// During a wait longer than this the token may have been replaced.
const LONG_WAIT: Duration = Duration::from_secs(1);

/// The limits of one client and all its clones, for all identities that they call as.
pub(crate) struct Limits {
    clock: Clock,
    pacing: Pacing,
    /// Bounds what is under way for all identities together, since each request holds a stream of a connection and a
    /// reply in memory.
    in_all: Arc<Line>,
    /// With the instant of the last use.
    lines: Mutex<HashMap<Key, (Arc<Line>, Ms)>>,
    /// With the number of this process.
    ledger: Option<(Arc<dyn Ledger>, u32)>,
    host: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Identity(Identity),
    Place(u64),
}

task_local! {
    /// The line of the identity that the current request is sent for, and what it costs.
    static SENT_FOR: (Arc<Line>, Cost);
}

/// Counts the current request a second time: a redirect is followed.
pub(crate) fn charge_again() {
    // A request without leave is counted for no identity.
    let _ = SENT_FOR.try_with(|(line, cost)| line.look(|tally, now| tally.charge(now, *cost)));
}

/// A random number that is not good enough for secrets.
pub(crate) fn random_number() -> u32 {
    RandomState::new().hash_one(()) as u32
}

/// Answers questions about an identity's limits, without giving leave to send.
#[derive(Clone, Copy)]
pub(crate) struct Gate<'l> {
    pub(crate) limits: &'l Limits,
    pub(crate) identity: Identity,
}

impl Gate<'_> {
    /// Until when nothing may be sent and why, if the gate is closed.
    pub(crate) fn closed_until(&self) -> Option<TooLong> {
        let line = self.limits.line(Key::Identity(self.identity));
        let (until, reason) = line.look(|tally, now| tally.closed(now))?;
        let until = line.clock.at(until);
        Some(TooLong { until, reason })
    }

    /// How long it takes at least until these requests have left, those under way included, by what is known now.
    pub(crate) fn least_time(&self, cost: Cost) -> Duration {
        let line = self.limits.line(Key::Identity(self.identity));
        let least = line.look(|tally, now| tally.earliest(now, cost - tally.under_way()) - now);
        Duration::from_millis(least)
    }
}

/// The requests that a call asks leave for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) identity: Identity,
    pub(crate) cost: Cost,
    /// Where something is changed, as a number: if concurrent changes of one place fail, fewer of them are sent at once.
    pub(crate) place: Option<u64>,
    pub(crate) deadline: Option<Instant>,
}

/// A position in the line of an identity, which a call keeps while it is out of the line for a moment.
#[derive(Debug, Default)]
pub(crate) struct Ticket(Option<(Identity, u64)>);

impl Limits {
    /// Limits at a host, kept by one client, or together with other processes by a ledger.
    pub(crate) fn new(pacing: Pacing, ledger: Option<Arc<dyn Ledger>>, host: &str) -> Arc<Self> {
        let clock = Clock::start();
        Arc::new(Self {
            clock,
            in_all: Line::new(clock, pacing.without_rates(), None),
            pacing,
            lines: Mutex::default(),
            ledger: ledger.map(|ledger| (ledger, random_number())),
            host: host.to_owned(),
        })
    }

    /// Waits until requests may leave. `tell` is called before each wait for one of the identity's limits.
    pub(crate) async fn wait_for_leave(
        &self,
        ask: Ask,
        ticket: &mut Ticket,
        mut tell: impl FnMut(Instant, WaitReason),
    ) -> Result<Leave, NoLeave> {
        let Ask {
            identity,
            cost,
            deadline,
            ..
        } = ask;
        let began = Instant::now();
        let line = self.line(Key::Identity(identity));
        let known = ticket.0.filter(|(of, _)| *of == identity);
        let mut number = known.map_or(0, |(_, number)| number);
        let quietly = |_, _| {};
        loop {
            let place = match ask.place.map(|place| self.line(Key::Place(place))) {
                Some(line) => Some(
                    line.wait_for_room(&mut 0, Cost::READ, deadline, quietly)
                        .await?,
                ),
                None => None,
            };
            let own = line
                .wait_for_room(&mut number, cost, deadline, &mut tell)
                .await?;
            ticket.0 = Some((identity, number));
            let in_all = self
                .in_all
                .wait_for_room(&mut 0, Cost::READ, deadline, quietly)
                .await?;
            let waited = began.elapsed() >= LONG_WAIT;
            let leave = Leave {
                own,
                place,
                _in_all: in_all,
                waited,
            };
            // GitHub may have refused something while this waited for `in_all`.
            if !leave.is_outdated() {
                return Ok(leave);
            }
        }
    }

    /// Waits until the ledger, if there is one, has been told what became of its leases: should the process end next,
    /// other processes would wait for what it has leased.
    pub(crate) async fn wait_for_ledger(&self) {
        if self.ledger.is_none() || Handle::try_current().is_err() {
            return;
        }
        let lines: Vec<_> = {
            let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.values().map(|(line, _)| line.clone()).collect()
        };
        let all = async {
            for line in lines {
                line.wait_for_ledger().await;
            }
        };
        // If that takes longer, the leases end by themselves.
        let _ = timeout(LEDGER_TIMEOUT, all).await;
    }

    fn line(&self, key: Key) -> Arc<Line> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if let Some((line, used_at)) = lines.get_mut(&key) {
            *used_at = now;
            return line.clone();
        }
        lines.retain(|_, (line, used_at)| {
            Arc::strong_count(line) > 1 || now < *used_at + FORGOTTEN_AFTER_MS
        });
        if lines.len() >= MAX_LINES {
            let oldest = |may_go: fn(&Key, &Arc<Line>) -> bool| {
                let idle = lines
                    .iter()
                    .filter(|(key, (line, _))| Arc::strong_count(line) == 1 && may_go(key, line));
                idle.min_by_key(|(_, (_, used_at))| *used_at)
                    .map(|(key, _)| *key)
            };
            // Places go first, since the used-up limits of an identity must not be forgotten.
            let is_place = |key: &Key, _: &Arc<Line>| matches!(key, Key::Place(_));
            let has_room = |_: &Key, line: &Arc<Line>| {
                line.peek(|tally, now| tally.earliest(now, Cost::CONTENT) <= now)
            };
            if let Some(oldest) = oldest(is_place).or_else(|| oldest(has_room)) {
                lines.remove(&oldest);
            }
        }
        let link = |identity: Identity| {
            let (ledger, process) = self.ledger.clone()?;
            let identity = identity.at(&self.host);
            Some(Link {
                ledger,
                identity,
                process,
            })
        };
        let line = match key {
            Key::Place(_) => Line::new(self.clock, self.pacing.without_rates(), None),
            Key::Identity(id) => Line::new(self.clock, self.pacing.clone(), link(id)),
        };
        lines.insert(key, (line.clone(), now));
        line
    }
}

/// Leave to send requests. Dropping it gives back what was not sent.
pub(crate) struct Leave {
    own: Hold,
    place: Option<Hold>,
    _in_all: Hold,
    waited: bool,
}

/// For how long a refusal closes the gate of its identity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop {
    pub(crate) until: Instant,
    pub(crate) reason: WaitReason,
    /// The lesson that it taught, if it is new.
    pub(crate) learnt: Option<Learnt>,
}

impl Leave {
    /// Whether it took so long that the token may have been replaced meanwhile.
    pub(crate) fn waited(&self) -> bool {
        self.waited
    }

    /// Whether GitHub has refused something since it was given.
    pub(crate) fn is_outdated(&self) -> bool {
        let id = self.own.id;
        self.own.line.look(|tally, _| tally.is_outdated(id))
    }

    /// Adds what it lacks for requests of this cost, if that takes no wait, and says whether it is enough for them.
    pub(crate) fn extend_to(&mut self, cost: Cost) -> bool {
        let Hold {
            line, id, unsent, ..
        } = &mut self.own;
        let missing = cost - *unsent;
        let is_enough =
            missing == Cost::NONE || line.look(|tally, now| tally.extend(now, *id, missing));
        if is_enough {
            *unsent = *unsent + missing;
        }
        is_enough
    }

    /// Sends a request by this leave. Unless an outcome is told, it counts as sent.
    pub(crate) async fn send<T>(&mut self, cost: Cost, request: impl Future<Output = T>) -> T {
        self.own.unsent = self.own.unsent - cost;
        self.own.under_way = self.own.under_way + cost;
        SENT_FOR.scope((self.own.line.clone(), cost), request).await
    }

    /// Counts what was sent as answered: with a value, or with an error that is not about limits.
    pub(crate) fn settle_answered(&mut self, quota: Option<Quota>) {
        let spent = std::mem::take(&mut self.own.under_way);
        self.own.line.update(|tally, now| {
            if let Some(quota) = quota {
                tally.keep_quota(now, quota);
            }
            tally.settle(now, self.own.id, spent, spent, Cost::NONE);
        });
    }

    /// Adapts how many changes of its place may be under way at once.
    pub(crate) fn adapt_place(&self, succeeded: bool) {
        if let Some(place) = &self.place {
            let line = &place.line;
            line.update(|tally, _| tally.adapt_width(place.id, succeeded));
        }
    }

    /// Closes the gate for a refusal.
    pub(crate) fn close(mut self, refusal: Refusal) -> Stop {
        // Refused requests count as not sent.
        self.own.unsent = self.own.unsent + std::mem::take(&mut self.own.under_way);
        let Hold { line, id, .. } = &self.own;
        let (until, reason, learnt) =
            line.update(|tally, now| tally.heed_refusal(now, *id, refusal));
        // Waiters whose deadlines are nearer than that fail now.
        line.ring_all();
        let until = line.clock.at(until);
        Stop {
            until,
            reason,
            learnt,
        }
    }
}
