//! A ledger in memory, written from the contract of [`Ledger`] alone, and a comparison with it that any other ledger
//! must pass.

use std::collections::{BTreeMap, HashMap};
use std::future::ready;
use std::sync::{Arc, Mutex};

use octoseal::limits::{
    ABSENT_MS, Answer, CHUNK, Closing, Cost, Exchange, Identity, LATE_MS, LEASE_MS, Ledger,
    LedgerFuture, Note, Quota, Refused, Rule, SOON_MS, Settled, Sums, WaitReason,
};
use tokio::time::Instant;

const LONGEST_MS: u64 = 3_601_000;
const LONGEST_AGAIN_MS: u64 = 60_000;
const TURN_MS: u64 = 250;
const LONGEST_TURN_MS: u64 = 5_000;
const KINDS: [Cost; 3] = [Cost::READ, Cost::WRITE, Cost::CONTENT];

/// A ledger in the memory of this process, by tokio's clock.
#[derive(Clone)]
pub struct LedgerInMemory {
    start: Instant,
    ahead_ms: u64,
    pages: Arc<Mutex<HashMap<Identity, Page>>>,
}

impl LedgerInMemory {
    /// An empty one, whose clock begins with this number.
    pub fn new(ahead_ms: u64) -> Self {
        Self {
            start: Instant::now(),
            ahead_ms,
            pages: Arc::default(),
        }
    }

    /// Forgets everything, as a store does that keeps nothing on disk and starts again.
    pub fn forget(&self) {
        let mut pages = self.pages.lock().expect("no panic while it is held");
        pages.clear();
    }

    /// One exchange, at once.
    pub fn exchange_now(&self, identity: Identity, exchange: &Exchange) -> Answer {
        let now = self.ahead_ms + self.start.elapsed().as_millis() as u64;
        self.exchange_at(now, identity, exchange)
    }

    /// One exchange at this instant of the ledger's clock.
    pub fn exchange_at(&self, now: u64, identity: Identity, exchange: &Exchange) -> Answer {
        let mut pages = self.pages.lock().expect("no panic while it is held");
        let new = || Page {
            last_lease: now.saturating_sub(1),
            ..Page::default()
        };
        let page = pages.entry(identity).or_insert_with(new);
        page.exchange(now, exchange)
    }
}

impl Ledger for LedgerInMemory {
    fn exchange<'a>(&'a self, identity: Identity, exchange: &'a Exchange) -> LedgerFuture<'a> {
        Box::pin(ready(Ok(self.exchange_now(identity, exchange))))
    }
}

/// What is kept of one identity.
#[derive(Default)]
struct Page {
    minute: Log,
    hour: Log,
    leases: BTreeMap<u64, Lease>,
    last_lease: u64,
    since: u64,
    strikes: u32,
    closed: Option<Closed>,
    quota: Option<(Quota, u64)>,
    note: Note,
    heard: BTreeMap<u32, u64>,
    line: Vec<Waiting>,
}

/// Requests by the 1/240 of the span that they ended in, with the last end.
#[derive(Default)]
struct Log(BTreeMap<u64, (u64, Sums)>);

impl Log {
    fn add(&mut self, span: u64, at: u64, spent: Cost, passed: Cost) {
        let (last, sums) = self.0.entry(at / (span / 240)).or_default();
        *last = at.max(*last);
        sums.spent = sums.spent + spent;
        sums.passed = sums.passed + passed;
    }

    fn trim(&mut self, span: u64, now: u64) {
        self.0
            .retain(|_, (last, _)| *last + span + span / 200 > now);
    }

    fn sums(&self) -> Sums {
        let all = self.0.values();
        all.fold(Sums::default(), |sum, (_, sums)| Sums {
            spent: sum.spent + sums.spent,
            passed: sum.passed + sums.passed,
        })
    }
}

struct Lease {
    left: Cost,
    ends: u64,
}

#[derive(Clone, Copy)]
struct Closed {
    until: u64,
    reason: WaitReason,
    probe: Option<u64>,
}

#[derive(Clone, Copy)]
struct Waiting {
    process: u32,
    wants: Cost,
    due: u64,
}

#[derive(Default)]
struct Granted {
    lease: u64,
    cost: Cost,
    from: u64,
    again: Option<u64>,
    or_sooner: bool,
    reason: Option<WaitReason>,
}

const MINUTE: u64 = 60_000;
const HOUR: u64 = 3_600_000;

impl Page {
    fn exchange(&mut self, now: u64, told: &Exchange) -> Answer {
        self.tidy(now);
        for refused in &told.refusals {
            self.refused(now, refused);
        }
        for settled in &told.settled {
            self.settle(now, settled);
        }
        self.learn(now, told.quota);
        if let Some(note) = &told.note
            && note.version >= self.note.version
        {
            self.note = note.clone();
        }
        self.heard.insert(told.process, now);
        let granted = self.grant(now, told);
        let closed = self.closed.filter(|closed| now < closed.until);
        Answer {
            now_ms: now,
            lease: granted.lease,
            granted: granted.cost,
            from_ms: granted.from.saturating_sub(now),
            again_ms: granted.again.map(|again| again - now),
            or_sooner: granted.or_sooner,
            reason: granted.reason,
            closed_ms: closed.map(|closed| closed.until - now),
            closed_for: closed.map(|closed| closed.reason),
            since: self.since,
            minute: self.minute.sums(),
            hour: self.hour.sums(),
            leased: self.leased(),
            note: self.note.clone(),
            processes: self.heard.len() as u32,
        }
    }

    fn tidy(&mut self, now: u64) {
        let leases = std::mem::take(&mut self.leases).into_iter();
        let (ended, leases): (BTreeMap<_, _>, _) = leases.partition(|(_, lease)| lease.ends <= now);
        self.leases = leases;
        for (_, lease) in ended {
            self.spend(now, lease.left, Cost::NONE);
        }
        self.minute.trim(MINUTE, now);
        self.hour.trim(HOUR, now);
        self.quota = self.quota.filter(|(_, full)| now < *full);
        self.heard.retain(|_, heard| now < *heard + ABSENT_MS);
        self.line.retain(|waiting| now <= waiting.due + LATE_MS);
    }

    fn spend(&mut self, at: u64, spent: Cost, passed: Cost) {
        self.minute.add(MINUTE, at, spent, passed);
        self.hour.add(HOUR, at, spent, passed);
    }

    fn refused(&mut self, now: u64, refused: &Refused) {
        if refused.lease >= self.since {
            self.strikes += 1;
            self.since = self.last_lease + 1;
        }
        let Closing {
            wait_ms,
            doubled_ms,
            reason,
        } = refused.closing;
        let doubled = doubled_ms << self.strikes.saturating_sub(1).min(12);
        let until = now + wait_ms.max(doubled).min(LONGEST_MS);
        let stays = self.closed.filter(|closed| closed.until > until);
        let (until, reason) = stays.map_or((until, reason), |it| (it.until, it.reason));
        let probe = None;
        self.closed = Some(Closed {
            until,
            reason,
            probe,
        });
    }

    fn settle(&mut self, now: u64, settled: &Settled) {
        let known = self.leases.get_mut(&settled.lease);
        let counts = settled.lease == 0 || known.is_some();
        if let Some(lease) = known {
            lease.left = lease.left - settled.spent - settled.unused;
            if lease.left == Cost::NONE {
                self.leases.remove(&settled.lease);
            }
        }
        if counts && settled.spent != Cost::NONE {
            let at = now.saturating_sub(settled.ago_ms);
            self.spend(at, settled.spent, settled.passed);
            self.minute.trim(MINUTE, now);
            self.hour.trim(HOUR, now);
        }
        let passed = settled.passed != Cost::NONE;
        if passed && settled.lease >= self.since {
            self.strikes = 0;
        }
        let probe = Some(settled.lease).filter(|lease| *lease != 0);
        if let Some(closed) = self
            .closed
            .filter(|it| probe.is_some() && it.probe == probe)
        {
            let probe = None;
            self.closed = (!passed).then_some(Closed { probe, ..closed });
        }
    }

    fn learn(&mut self, now: u64, quota: Option<Quota>) {
        let Some(new) = quota.filter(|quota| quota.reset_ms > 0) else {
            return;
        };
        let full = now + new.reset_ms.min(LONGEST_MS) + 1_000;
        self.quota = Some(match self.quota {
            Some((old, known)) if full.abs_diff(known) <= 5_000 => {
                let remaining = old.remaining.min(new.remaining);
                (Quota { remaining, ..old }, known)
            }
            Some((old, known)) if known > full => (old, known),
            _ => (new, full),
        });
    }

    fn grant(&mut self, now: u64, told: &Exchange) -> Granted {
        let own = self.place(told.process);
        let before: Vec<_> = self.line[..own.unwrap_or(self.line.len())].to_vec();
        let due = sum(before.iter().filter(|waiting| waiting.due <= now));
        let mut granted = Granted::default();
        loop {
            let at_first = granted.cost;
            for kind in KINDS {
                if !(told.wants - granted.cost).covers(kind) {
                    continue;
                }
                let (opens, reason) = self.opens(now, told, kind, due);
                let soon = if reason == WaitReason::Pacing {
                    SOON_MS
                } else {
                    0
                };
                if let Some(from) = opens.filter(|at| *at <= now + soon) {
                    granted.cost = granted.cost + kind;
                    granted.from = granted.from.max(from);
                    self.lease(&mut granted);
                }
            }
            if granted.cost == at_first {
                break;
            }
        }
        let most = Cost::new(CHUNK, CHUNK, CHUNK);
        let missing = fewer(told.wants - granted.cost, most);
        if granted.cost != Cost::NONE || missing == Cost::NONE {
            self.line.retain(|waiting| waiting.process != told.process);
        }
        if missing != Cost::NONE {
            self.wait(now, told, missing, &mut granted);
        }
        granted
    }

    fn lease(&mut self, granted: &mut Granted) {
        if granted.lease == 0 {
            self.last_lease += 1;
            granted.lease = self.last_lease;
            if let Some(closed) = &mut self.closed {
                closed.probe = Some(granted.lease);
            }
        }
        let (left, ends) = (granted.cost, granted.from + LEASE_MS);
        self.leases.insert(granted.lease, Lease { left, ends });
    }

    fn wait(&mut self, now: u64, told: &Exchange, missing: Cost, granted: &mut Granted) {
        let own = self.place(told.process).unwrap_or(self.line.len());
        let before = sum(self.line[..own].iter());
        let (opens, reason) = self.opens(now, told, missing, before);
        let turn = now + (TURN_MS * (1 + own as u64)).min(LONGEST_TURN_MS);
        let due = opens.map_or(turn, |at| at.min(now + LONGEST_AGAIN_MS));
        granted.again = Some(due);
        granted.or_sooner = opens.is_none();
        granted.reason = Some(reason);
        let waiting = Waiting {
            process: told.process,
            wants: missing,
            due,
        };
        match self.line.get_mut(own) {
            Some(place) => *place = waiting,
            None => self.line.push(waiting),
        }
    }

    fn place(&self, process: u32) -> Option<usize> {
        self.line.iter().position(|it| it.process == process)
    }

    /// When there is room, if that is known, and what it waits for.
    fn opens(
        &self,
        now: u64,
        told: &Exchange,
        cost: Cost,
        before: Cost,
    ) -> (Option<u64>, WaitReason) {
        if let Some(closed) = self.closed {
            if now < closed.until {
                return (Some(closed.until), closed.reason);
            }
            if closed.probe.is_some_and(|it| self.leases.contains_key(&it)) {
                return (None, closed.reason);
            }
        }
        let leased = self.leased();
        let all = leased + cost + before;
        if let Some((quota, full)) = self.quota
            && quota.remaining < u64::from(all.requests())
        {
            let sure = quota.remaining == 0 || leased == Cost::NONE;
            return (sure.then_some(full), WaitReason::PrimaryLimit);
        }
        let rules = |cost, before| {
            let opens = told
                .rules
                .iter()
                .map(|rule| self.opens_by(now, rule, cost, before));
            let opens: Vec<_> = opens.collect();
            let known = opens.iter().flatten().copied().max().unwrap_or(now);
            (known > now || !opens.contains(&None)).then_some(known)
        };
        let most = told.at_once.max(cost.requests());
        let crowded = (leased + cost).requests() > most;
        if crowded || all.requests() > most && rules(before, Cost::NONE) == Some(now) {
            return (None, WaitReason::Pacing);
        }
        (rules(cost, before), WaitReason::Pacing)
    }

    fn opens_by(&self, now: u64, rule: &Rule, cost: Cost, before: Cost) -> Option<u64> {
        let units = |cost: Cost| u64::from(cost.weighed(rule.weights));
        let (log, span) = if rule.hourly {
            (&self.hour, HOUR)
        } else {
            (&self.minute, MINUTE)
        };
        let span = span + span / 200;
        let all = self.leased() + cost + before;
        let sum = units(log.sums().spent) + units(all);
        let most = u64::from(rule.most).max(units(cost));
        if units(cost) == 0 || sum <= most {
            return Some(now);
        }
        if let Some(walkers) = rule.walkers {
            return (all.changes() <= walkers.max(cost.changes())).then_some(now);
        }
        let mut free = 0;
        let enough = log.0.values().find(|(_, sums)| {
            free += units(sums.spent);
            free >= sum - most
        });
        let full_windows = now + span * (sum - most) / most;
        Some(enough.map_or(full_windows, |(last, _)| last + span))
    }

    fn leased(&self) -> Cost {
        let leases = self.leases.values();
        leases.fold(Cost::NONE, |sum, lease| sum + lease.left)
    }
}

/// The fewer of each kind.
fn fewer(one: Cost, other: Cost) -> Cost {
    one - (one - other)
}

fn sum<'a>(waiting: impl Iterator<Item = &'a Waiting>) -> Cost {
    waiting.fold(Cost::NONE, |sum, waiting| sum + waiting.wants)
}

/// Makes `steps` exchanges of several processes, drawn at random from `seed`, with another ledger, and compares each
/// answer with that of [`LedgerInMemory`] at the same instant. `advance` lets the other ledger's clock go on by so many
/// milliseconds.
///
/// # Panics
/// When an answer differs.
pub async fn compare(
    other: &dyn Ledger,
    mut advance: impl AsyncFnMut(u64),
    seed: u64,
    steps: usize,
) {
    let (reference, mut random) = (LedgerInMemory::new(0), Random(seed | 1));
    let identity = Identity::named(&format!("compared {seed}"));
    let mut leases: Vec<(u64, Cost)> = Vec::new();
    for step in 0..steps {
        advance(random.of(&[0, 1, 40, 300, 1_000, 5_000, 20_000, 61_000])).await;
        let exchange = random.exchange(&mut leases);
        let answer = other.exchange(identity, &exchange).await;
        let answer = answer.unwrap_or_else(|error| panic!("step {step}: {error}"));
        let expected = reference.exchange_at(answer.now_ms, identity, &exchange);
        assert_eq!(answer, expected, "step {step} of {seed}: {exchange:?}");
        if answer.lease != 0 {
            leases.push((answer.lease, answer.granted));
        }
    }
}

/// Numbers that look random (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    fn cost(&mut self) -> Cost {
        let mut few = || self.of(&[0, 0, 1, 3, 20, 60]);
        Cost::new(few(), few(), few())
    }

    fn exchange(&mut self, leases: &mut Vec<(u64, Cost)>) -> Exchange {
        let mut exchange = Exchange {
            process: self.below(4) as u32,
            wants: self.cost(),
            at_once: 100,
            rules: self.rules(),
            ..Exchange::default()
        };
        while !leases.is_empty() && self.below(3) > 0 {
            let (lease, left) = leases.swap_remove(self.below(leases.len() as u64) as usize);
            let part = fewer(self.cost(), left);
            let (ago_ms, passes) = (self.below(4_000), self.below(4) > 0);
            exchange.settled.push(Settled {
                lease,
                ago_ms,
                spent: part,
                passed: if passes { part } else { Cost::NONE },
                unused: left - part,
            });
            if self.below(12) == 0 {
                let (wait_ms, doubled_ms) = (self.below(90_000), self.of(&[1_000, 60_000]));
                let reason = WaitReason::SecondaryLimit;
                let closing = Closing {
                    wait_ms,
                    doubled_ms,
                    reason,
                };
                exchange.refusals.push(Refused { lease, closing });
            }
        }
        if self.below(8) == 0 {
            let (remaining, reset_ms) = (self.below(300), self.below(900_000));
            let limit = Some(5_000);
            exchange.quota = Some(Quota {
                limit,
                remaining,
                reset_ms,
            });
        }
        if self.below(6) == 0 {
            let version = self.below(20);
            let text = format!("note {version}");
            exchange.note = Some(Note { version, text });
        }
        exchange
    }

    fn rules(&mut self) -> Vec<Rule> {
        let (points, changes) = (Cost::new(1, 5, 5), Cost::new(0, 1, 1));
        let mut walkers = || self.of(&[None, Some(5)]);
        let rule = |hourly, weights, most, walkers| Rule {
            hourly,
            weights,
            most,
            walkers,
        };
        vec![
            rule(false, points, 900, None),
            rule(false, changes, 80, walkers()),
            rule(true, changes, 500, walkers()),
            rule(false, Cost::CONTENT, 80, None),
        ]
    }
}
