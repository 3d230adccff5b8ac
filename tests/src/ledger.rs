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
const LONGEST_AGAIN_MS: u64 = 300_000;
/// Of those that wait in the line and are known to be there, one comes within so many milliseconds.
pub const COMES_WITHIN_MS: u64 = 75_000;
const TURN_MS: u64 = 250;
const LONGEST_TURN_MS: u64 = 5_000;
const CHUNKS: Cost = Cost::new(CHUNK, CHUNK, CHUNK);
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
    heard: BTreeMap<u32, Heard>,
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

    /// Takes back what was added for the same instant, unless that is free again.
    fn take(&mut self, span: u64, now: u64, at: u64, spent: Cost) {
        if at + span + span / 200 <= now {
            return;
        }
        if let Some((_, sums)) = self.0.get_mut(&(at / (span / 240))) {
            sums.spent = sums.spent - spent;
        }
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

/// What is known of a process.
#[derive(Clone, Copy, Default)]
struct Heard {
    at: u64,
    /// The number of its last exchange, and how much that told of leases.
    last: u64,
    settled: usize,
}

struct Lease {
    left: Cost,
    ends: u64,
    /// Whether its end has come, and what is left counts as spent.
    has_ended: bool,
    at_once: Option<u32>,
    process: u32,
    number: u64,
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
    at_once: Option<u32>,
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
        let known = self.heard.get(&told.process).copied();
        let heard = known.unwrap_or_default();
        let is_late = told.number > 0 && told.number <= heard.last;
        if !is_late {
            let is_unheard =
                |lease: &Lease| lease.process == told.process && lease.number > told.answered;
            let leases = self.leases.iter().filter(|(_, lease)| is_unheard(lease));
            for id in leases.map(|(id, _)| *id).collect::<Vec<_>>() {
                self.reduce(now, id, |_| Cost::NONE);
            }
        }
        let is_known = told.at_ms > 0 && told.at_ms <= now && now < told.at_ms + ABSENT_MS;
        let sent_at = if is_known { told.at_ms } else { now };
        for refused in &told.refusals {
            self.refused(sent_at, refused);
        }
        let counted = match heard.last > told.answered {
            true => heard.settled.min(told.told_again as usize),
            false => 0,
        };
        for settled in told.settled.iter().skip(counted).filter(|_| !is_late) {
            self.settle(now, sent_at, settled);
        }
        self.learn(now, sent_at, told.quota);
        if let Some(note) = &told.note
            && note.version >= self.note.version
        {
            self.note = note.clone();
        }
        let (last, settled) = match is_late {
            true => (heard.last, heard.settled),
            false => (told.number, told.settled.len()),
        };
        let at = now;
        self.heard.insert(told.process, Heard { at, last, settled });
        let granted = match is_late {
            true => Granted::default(),
            false => self.grant(now, told, known.is_none()),
        };
        let closed = self.closed.filter(|closed| now < closed.until);
        Answer {
            now_ms: now,
            lease: granted.lease,
            granted: granted.cost,
            at_once: granted.at_once,
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
        let leases = self.leases.values_mut();
        for lease in leases.filter(|lease| lease.ends <= now && !lease.has_ended) {
            lease.has_ended = true;
            for (log, span) in [(&mut self.minute, MINUTE), (&mut self.hour, HOUR)] {
                log.add(span, lease.ends, lease.left, Cost::NONE);
            }
        }
        self.leases.retain(|_, lease| now < lease.ends + ABSENT_MS);
        self.minute.trim(MINUTE, now);
        self.hour.trim(HOUR, now);
        self.quota = self.quota.filter(|(_, full)| now < *full);
        self.heard.retain(|_, heard| now < heard.at + ABSENT_MS);
        self.line.retain(|waiting| now <= waiting.due + LATE_MS);
    }

    fn spend(&mut self, at: u64, spent: Cost, passed: Cost) {
        self.minute.add(MINUTE, at, spent, passed);
        self.hour.add(HOUR, at, spent, passed);
    }

    /// Makes what is left of a lease, if it is known, less.
    fn reduce(&mut self, now: u64, id: u64, left: impl FnOnce(Cost) -> Cost) -> bool {
        let Some(lease) = self.leases.get_mut(&id) else {
            return false;
        };
        let before = lease.left;
        lease.left = left(before);
        if lease.has_ended {
            let taken = before - lease.left;
            self.minute.take(MINUTE, now, lease.ends, taken);
            self.hour.take(HOUR, now, lease.ends, taken);
        }
        if lease.left == Cost::NONE {
            self.leases.remove(&id);
        }
        true
    }

    fn refused(&mut self, sent_at: u64, refused: &Refused) {
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
        let came_at = sent_at.saturating_sub(refused.ago_ms);
        let until = came_at + wait_ms.max(doubled).min(LONGEST_MS);
        let stays = self.closed.filter(|closed| closed.until > until);
        let (until, reason) = stays.map_or((until, reason), |it| (it.until, it.reason));
        let probe = None;
        self.closed = Some(Closed {
            until,
            reason,
            probe,
        });
    }

    fn settle(&mut self, now: u64, sent_at: u64, settled: &Settled) {
        let is_known = self.reduce(now, settled.lease, |left| {
            left - settled.spent - settled.unused
        });
        if (settled.lease == 0 || is_known) && settled.spent != Cost::NONE {
            let at = sent_at.saturating_sub(settled.ago_ms);
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

    fn learn(&mut self, now: u64, sent_at: u64, quota: Option<Quota>) {
        let Some(new) = quota.filter(|quota| quota.reset_ms > 0) else {
            return;
        };
        let full = sent_at + new.reset_ms.min(LONGEST_MS) + 1_000;
        if full <= now {
            return;
        }
        self.quota = Some(match self.quota {
            Some((old, known)) if full.abs_diff(known) <= 5_000 => {
                let remaining = old.remaining.min(new.remaining);
                (Quota { remaining, ..old }, known)
            }
            Some((old, known)) if known > full => (old, known),
            _ => (new, full),
        });
    }

    fn grant(&mut self, now: u64, told: &Exchange, is_new: bool) -> Granted {
        let own = self.place(told.process).unwrap_or(self.line.len());
        let comes = |it: &&Waiting| it.due <= now + SOON_MS && it.process != told.process;
        let before_it = sum(self.line[..own].iter().filter(comes));
        let others = sum(self.line.iter().filter(comes));
        let mut granted = Granted::default();
        loop {
            let at_first = granted.cost;
            for kind in KINDS {
                if !(told.wants - granted.cost).covers(kind) {
                    continue;
                }
                let has_chunk = !(CHUNKS - granted.cost).covers(kind);
                let before = if has_chunk { others } else { before_it };
                let (opens, reason) = self.opens(now, told, kind, before, granted.lease);
                let at_once = self.at_once(told, kind, before, granted.lease);
                let differs = granted.cost.changes() > 0 && at_once != granted.at_once;
                let is_enough = has_chunk && at_once.is_some();
                if kind.changes() > 0 && (differs || is_enough || at_once == Some(0)) {
                    continue;
                }
                let soon = if reason == WaitReason::Pacing {
                    SOON_MS
                } else {
                    0
                };
                if let Some(from) = opens.filter(|at| *at <= now + soon) {
                    granted.cost = granted.cost + kind;
                    granted.from = granted.from.max(from);
                    granted.at_once = at_once.or(granted.at_once);
                    self.lease(told, &mut granted);
                }
            }
            if granted.cost == at_first {
                break;
            }
        }
        let missing = fewer(told.wants - granted.cost, CHUNKS);
        if granted.cost != Cost::NONE || missing == Cost::NONE {
            self.line.retain(|waiting| waiting.process != told.process);
        }
        if missing != Cost::NONE {
            let longest = match is_new {
                true => COMES_WITHIN_MS,
                false => self.longest_again(now, told.process),
            };
            self.wait(now, told, missing, longest, &mut granted);
        }
        granted
    }

    fn lease(&mut self, told: &Exchange, granted: &mut Granted) {
        if granted.lease == 0 {
            self.last_lease += 1;
            granted.lease = self.last_lease;
            if let Some(closed) = &mut self.closed {
                closed.probe = Some(granted.lease);
            }
        }
        let (left, ends, at_once) = (granted.cost, granted.from + LEASE_MS, granted.at_once);
        let lease = Lease {
            left,
            ends,
            has_ended: false,
            at_once,
            process: told.process,
            number: told.number,
        };
        self.leases.insert(granted.lease, lease);
    }

    fn wait(
        &mut self,
        now: u64,
        told: &Exchange,
        missing: Cost,
        longest: u64,
        granted: &mut Granted,
    ) {
        let own = self.place(told.process).unwrap_or(self.line.len());
        let before = sum(self.line[..own].iter());
        let (opens, reason) = self.opens(now, told, missing, before, 0);
        let turn = now + (TURN_MS * (1 + own as u64)).min(LONGEST_TURN_MS);
        let due = opens.map_or(turn, |at| at.min(now + longest));
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

    /// No longer than [`COMES_WITHIN_MS`], if no other in the line that is known to be there comes within it.
    fn longest_again(&self, now: u64, process: u32) -> u64 {
        let others = self.line.iter().filter(|it| it.process != process);
        let mut others = others.filter(|it| it.due > now && it.due <= now + COMES_WITHIN_MS);
        let is_there = |it: &Waiting| {
            let heard = self.heard.get(&it.process);
            heard.is_some_and(|heard| now < heard.at + COMES_WITHIN_MS)
        };
        if others.any(is_there) {
            LONGEST_AGAIN_MS
        } else {
            COMES_WITHIN_MS
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
        own: u64,
    ) -> (Option<u64>, WaitReason) {
        if let Some(closed) = self.closed {
            if now < closed.until {
                return (Some(closed.until), closed.reason);
            }
            if closed
                .probe
                .is_some_and(|it| self.held().any(|(id, _)| id == it))
            {
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
                .map(|rule| self.opens_by(now, rule, cost, before, own));
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

    /// How many of these that change something may be under way at once, if not all.
    fn at_once(&self, told: &Exchange, cost: Cost, before: Cost, own: u64) -> Option<u32> {
        let exceeded = told.rules.iter().filter(|rule| {
            let counts = cost.changes() > 0 && cost.weighed(rule.weights) > 0;
            counts && self.beyond(rule, cost, before) > 0
        });
        let walkers = exceeded.filter_map(|rule| rule.walkers);
        let walking = self.walking(own) + before.changes();
        walkers.map(|most| most.saturating_sub(walking)).min()
    }

    /// How many requests of other leases that change something may be under way at once.
    fn walking(&self, own: u64) -> u32 {
        let others = self.held().filter(|(id, _)| *id != own);
        others
            .map(|(_, lease)| lease.left.changes().min(lease.at_once.unwrap_or(u32::MAX)))
            .sum()
    }

    /// By how many units a rule would be exceeded.
    fn beyond(&self, rule: &Rule, cost: Cost, before: Cost) -> u64 {
        let units = |cost: Cost| u64::from(cost.weighed(rule.weights));
        let log = if rule.hourly {
            &self.hour
        } else {
            &self.minute
        };
        let sum = units(log.sums().spent) + units(self.leased() + cost + before);
        sum.saturating_sub(u64::from(rule.most).max(units(cost)))
    }

    fn opens_by(&self, now: u64, rule: &Rule, cost: Cost, before: Cost, own: u64) -> Option<u64> {
        let units = |cost: Cost| u64::from(cost.weighed(rule.weights));
        let (log, span) = if rule.hourly {
            (&self.hour, HOUR)
        } else {
            (&self.minute, MINUTE)
        };
        let span = span + span / 200;
        let beyond = self.beyond(rule, cost, before);
        if units(cost) == 0 || beyond == 0 {
            return Some(now);
        }
        if let Some(walkers) = rule.walkers {
            let walking = self.walking(own) + before.changes() + cost.changes().min(walkers);
            return (walking <= walkers).then_some(now);
        }
        let most = u64::from(rule.most).max(units(cost));
        let (rounds, rest) = ((beyond - 1) / most, (beyond - 1) % most + 1);
        let mut free = 0;
        let entry = log.0.values().find(|(_, sums)| {
            free += units(sums.spent);
            free >= rest
        });
        let later = span + span / 240;
        let first = entry.map_or(now + later, |(last, _)| *last + span);
        Some(first + rounds * later)
    }

    fn leased(&self) -> Cost {
        self.held()
            .fold(Cost::NONE, |sum, (_, lease)| sum + lease.left)
    }

    /// The leases whose end has not come.
    fn held(&self) -> impl Iterator<Item = (u64, &Lease)> {
        let leases = self.leases.iter().map(|(id, lease)| (*id, lease));
        leases.filter(|(_, lease)| !lease.has_ended)
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
    let mut last_ms = 0;
    for step in 0..steps {
        advance(random.of(&[0, 1, 40, 300, 1_000, 5_000, 20_000, 61_000])).await;
        let exchange = random.exchange(step as u64, last_ms, &mut leases);
        let answer = other.exchange(identity, &exchange).await;
        let answer = answer.unwrap_or_else(|error| panic!("step {step}: {error}"));
        let expected = reference.exchange_at(answer.now_ms, identity, &exchange);
        assert_eq!(answer, expected, "step {step} of {seed}: {exchange:?}");
        last_ms = answer.now_ms;
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

    fn exchange(&mut self, step: u64, last_ms: u64, leases: &mut Vec<(u64, Cost)>) -> Exchange {
        let mut exchange = Exchange {
            process: self.below(4) as u32,
            wants: self.cost(),
            // Of a process, the numbers go up mostly, and mostly the last was answered.
            number: step + self.below(4),
            answered: step.saturating_sub(self.below(12)),
            at_once: 100,
            rules: self.rules(),
            ..Exchange::default()
        };
        while !leases.is_empty() && self.below(3) > 0 {
            let (lease, left) = leases.swap_remove(self.below(leases.len() as u64) as usize);
            let part = fewer(self.cost(), left);
            let (ago_ms, passes) = (self.below(4_000), self.below(4) > 0);
            let unused = match self.below(3) {
                0 => fewer(self.cost(), left - part),
                _ => left - part,
            };
            exchange.settled.push(Settled {
                lease,
                ago_ms,
                spent: part,
                passed: if passes { part } else { Cost::NONE },
                unused,
            });
            if self.below(12) == 0 {
                let (wait_ms, doubled_ms) = (self.below(90_000), self.of(&[1_000, 60_000]));
                let reason = WaitReason::SecondaryLimit;
                let closing = Closing {
                    wait_ms,
                    doubled_ms,
                    reason,
                };
                let ago_ms = self.below(30_000);
                exchange.refusals.push(Refused {
                    lease,
                    ago_ms,
                    closing,
                });
            }
        }
        exchange.told_again = self.below(3) as u32;
        exchange.at_ms = match self.below(2) {
            0 => 0,
            _ => (last_ms + self.below(70_000)).saturating_sub(20_000),
        };
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
