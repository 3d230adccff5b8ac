//! Leave to send: for each identity, in each place, and for a client in all.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task_local;
use tokio::time::{Instant, timeout};

use super::cost::Cost;
use super::identity::Identity;
use super::leases::Link;
use super::ledger::Ledger;
use super::lessons::Learnt;
use super::line::{Clock, Hold, Line, Stays, TooLong};
use super::log::Ms;
use super::pacing::Pacing;
use super::told::{Quota, Refusal, WaitReason};

/// Identities and places remembered at once.
const REMEMBERED: usize = 4096;

/// What was not used for so long is forgotten: no lesson holds for longer.
const FORGOTTEN_AFTER: Ms = 24 * 3_600_000;

/// At its end, a batch waits so long at most for the ledger.
const TELLS_WITHIN: Duration = Duration::from_millis(300);

/// A token may have been replaced while a request waited for longer than this.
const SHORT: Duration = Duration::from_secs(1);

/// The limits of one client and all its clones, for whomever they call as.
pub(crate) struct Limits {
    clock: Clock,
    pacing: Pacing,
    /// For all identities together: what GitHub documents for one of them is as much as one client should have open,
    /// since each request under way holds a stream of a connection and a reply in memory.
    in_all: Arc<Line>,
    /// With the instants of their last use.
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
    /// The line of the identity that a request is sent for, and what it costs.
    static SENT_FOR: (Arc<Line>, Cost);
}

/// Counts the request that is being sent once more: the second leg of a redirect.
pub(crate) fn charge_again() {
    // Outside of what is sent by leave there is nothing to count it for.
    let _ = SENT_FOR.try_with(|(line, cost)| line.look(|tally, now| tally.charge(now, *cost)));
}

/// A number that differs each time, and is no secret.
pub(crate) fn any_number() -> u32 {
    RandomState::new().hash_one(()) as u32
}

/// What may be asked of an identity's limits without leave.
#[derive(Clone, Copy)]
pub(crate) struct Gate<'l> {
    pub(crate) limits: &'l Limits,
    pub(crate) identity: Identity,
}

impl Gate<'_> {
    /// Until when nothing may be sent, if that is so.
    pub(crate) fn closed(&self) -> Option<TooLong> {
        let line = self.limits.line(Key::Identity(self.identity));
        let (until, reason) = line.look(|tally, now| tally.closed(now))?;
        let until = line.clock.at(until);
        Some(TooLong { until, reason })
    }

    /// How long it takes at least until so many requests have left, those under way included, by what is known now.
    pub(crate) fn at_least(&self, cost: Cost) -> Duration {
        let line = self.limits.line(Key::Identity(self.identity));
        let least = line.look(|tally, now| tally.least(now, cost - tally.under_way()) - now);
        Duration::from_millis(least)
    }
}

/// What leave is wanted for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) identity: Identity,
    pub(crate) cost: Cost,
    /// A number for where something is changed, if it is: where changes fail that are under way at once, fewer are.
    pub(crate) place: Option<u64>,
    pub(crate) deadline: Option<Instant>,
}

/// A place in the line of an identity, kept by those who leave it for a moment.
#[derive(Debug, Default)]
pub(crate) struct Ticket(Option<(Identity, u64)>);

impl Limits {
    /// Limits at a host, kept by one client, or together with other processes by a ledger.
    pub(crate) fn new(pacing: Pacing, ledger: Option<Arc<dyn Ledger>>, host: &str) -> Arc<Self> {
        let clock = Clock::start();
        Arc::new(Self {
            clock,
            in_all: Line::new(clock, pacing.width_only(), None),
            pacing,
            lines: Mutex::default(),
            ledger: ledger.map(|ledger| (ledger, any_number())),
            host: host.to_owned(),
        })
    }

    /// Waits until requests may leave. `tell` is told of each wait for a limit before it begins.
    pub(crate) async fn leave(
        &self,
        ask: Ask,
        ticket: &mut Ticket,
        mut tell: impl FnMut(Instant, WaitReason),
    ) -> Result<Leave, Stays> {
        let Ask {
            identity,
            cost,
            deadline,
            ..
        } = ask;
        let began = Instant::now();
        let line = self.line(Key::Identity(identity));
        let mut number = ticket
            .0
            .filter(|(of, _)| *of == identity)
            .map_or(0, |(_, number)| number);
        let quietly = |_, _| {};
        loop {
            let place = match ask.place.map(|place| self.line(Key::Place(place))) {
                Some(line) => Some(line.enter(&mut 0, Cost::READ, deadline, quietly).await?),
                None => None,
            };
            let own = line.enter(&mut number, cost, deadline, &mut tell).await?;
            ticket.0 = Some((identity, number));
            let in_all = self
                .in_all
                .enter(&mut 0, Cost::READ, deadline, quietly)
                .await?;
            let waited = began.elapsed() >= SHORT;
            let leave = Leave {
                own,
                place,
                _in_all: in_all,
                waited,
            };
            // A limit may have been met while others had all places.
            if !leave.is_outdated() {
                return Ok(leave);
            }
        }
    }

    /// Waits until the ledger, if there is one, knows what became of its leases: a process may end next, and what it has
    /// not told holds up others for as long as a lease lasts.
    pub(crate) async fn told(&self) {
        if self.ledger.is_none() || Handle::try_current().is_err() {
            return;
        }
        let lines: Vec<_> = {
            let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.values().map(|(line, _)| line.clone()).collect()
        };
        let all = async {
            for line in lines {
                line.told().await;
            }
        };
        // It is no error if that takes longer.
        let _ = timeout(TELLS_WITHIN, all).await;
    }

    fn line(&self, key: Key) -> Arc<Line> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if let Some((line, used_at)) = lines.get_mut(&key) {
            *used_at = now;
            return line.clone();
        }
        lines.retain(|_, (line, used_at)| {
            Arc::strong_count(line) > 1 || now < *used_at + FORGOTTEN_AFTER
        });
        if lines.len() >= REMEMBERED {
            let idle = lines
                .iter()
                .filter(|(_, (line, _))| Arc::strong_count(line) == 1);
            let oldest = idle.min_by_key(|(_, (_, used_at))| *used_at);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
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
            Key::Place(_) => Line::new(self.clock, self.pacing.width_only(), None),
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

/// What a refusal means for everything of the same identity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop {
    pub(crate) until: Instant,
    pub(crate) reason: WaitReason,
    /// What it taught, told once.
    pub(crate) learnt: Option<Learnt>,
}

impl Leave {
    /// Whether it was waited for so long that a token may have been replaced meanwhile.
    pub(crate) fn waited(&self) -> bool {
        self.waited
    }

    /// Whether GitHub has refused something since.
    pub(crate) fn is_outdated(&self) -> bool {
        let id = self.own.id;
        self.own.line.look(|tally, _| tally.is_outdated(id))
    }

    /// Whether requests of this cost may be sent by it, or could be had in addition without a wait.
    pub(crate) fn covers(&mut self, cost: Cost) -> bool {
        let Hold {
            line, id, unsent, ..
        } = &mut self.own;
        let missing = cost - *unsent;
        let covers =
            missing == Cost::NONE || line.look(|tally, now| tally.extend(now, *id, missing));
        if covers {
            *unsent = *unsent + missing;
        }
        covers
    }

    /// Sends a request that leave was asked for. It counts from now on, whatever becomes of it.
    pub(crate) async fn send<T>(&mut self, cost: Cost, request: impl Future<Output = T>) -> T {
        self.own.unsent = self.own.unsent - cost;
        self.own.under_way = self.own.under_way + cost;
        SENT_FOR.scope((self.own.line.clone(), cost), request).await
    }

    /// GitHub answered what was sent, with a value or with an error that is not about limits.
    pub(crate) fn answered(&mut self, quota: Option<Quota>) {
        let spent = std::mem::take(&mut self.own.under_way);
        self.own.line.update(|tally, now| {
            if let Some(quota) = quota {
                tally.learn(now, quota);
            }
            tally.settle(now, self.own.id, spent, spent, Cost::NONE);
        });
    }

    /// What was sent has shown whether its place can take as many at once as were under way there.
    pub(crate) fn ended_well(&self, well: bool) {
        if let Some(place) = &self.place {
            place.line.update(|tally, _| tally.narrow(place.id, well));
        }
    }

    /// GitHub refused for a limit: the identity sends nothing for a while.
    pub(crate) fn refused(mut self, refusal: Refusal) -> Stop {
        // What is refused is not counted.
        self.own.unsent = self.own.unsent + std::mem::take(&mut self.own.under_way);
        let Hold { line, id, .. } = &self.own;
        let (until, reason, learnt) = line.update(|tally, now| tally.refused(now, *id, refusal));
        // Those in the line whose deadlines are nearer learn it now.
        line.ring_all();
        let until = line.clock.at(until);
        Stop {
            until,
            reason,
            learnt,
        }
    }
}
