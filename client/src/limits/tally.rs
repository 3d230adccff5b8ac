//! The count of one identity: what it has sent and may still send, one for all limits.

use std::collections::BTreeMap;

use super::cost::Cost;
use super::leases::{Leases, Waiting};
use super::ledger::{Answer, Exchange, Sums};
use super::lessons::{Learnt, Lessons};
use super::log::{Log, Ms, Rule};
use super::pacing::Pacing;
use super::told::{Closing, LONGEST, Quota, Refusal, WaitReason, ms};

/// A request counts as under way for so long at most, however little is heard of it: a future that nobody polls must
/// not hold up others.
const HELD: Ms = 60_000;

/// After so many requests in a row that did not fail, one more may be under way at once.
const CALM: u32 = 10;

/// Why a request can't leave now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocked {
    /// Until this instant; `None`: until something that is under way has ended.
    pub(super) until: Option<Ms>,
    pub(super) reason: WaitReason,
}

/// What was sent, what is under way, and until when GitHub wants nothing: a function of what it is told and when.
///
/// Alone, it lets out what the limits have room for. With a ledger, it lets out what is leased; the limits then serve
/// for the time when the ledger is away.
pub(super) struct Tally {
    pacing: Pacing,
    /// How many may be under way at once.
    width: u32,
    calm: u32,
    minute: Log,
    hour: Log,
    held: BTreeMap<u64, Held>,
    under_way: Cost,
    last: u64,
    quota: Option<Quota>,
    /// When the quota is full again.
    reset: Ms,
    closed: Option<Closed>,
    /// Refusals in a row.
    strikes: u32,
    /// What was let out up to this one left before the last refusal.
    refused_after: u64,
    lessons: Lessons,
    pub(super) leases: Option<Leases>,
}

struct Held {
    cost: Cost,
    until: Ms,
    /// The leases that the requests of each kind belong to.
    leases: [u64; 3],
    /// Whether others were under way when it was let out.
    met_others: bool,
}

#[derive(Clone, Copy, Debug)]
struct Closed {
    until: Ms,
    reason: WaitReason,
    /// What has gone ahead, the wait being over, to see.
    probe: Option<u64>,
}

impl Tally {
    pub(super) fn new(pacing: Pacing, is_shared: bool) -> Self {
        Self {
            width: pacing.concurrent,
            calm: 0,
            pacing,
            minute: Log::new(60_000),
            hour: Log::new(3_600_000),
            held: BTreeMap::new(),
            under_way: Cost::NONE,
            last: 0,
            quota: None,
            reset: 0,
            closed: None,
            strikes: 0,
            refused_after: 0,
            lessons: Lessons::default(),
            leases: is_shared.then(Leases::default),
        }
    }

    /// Whether requests of this cost may leave now, with room left for those `before` them.
    pub(super) fn room(&mut self, now: Ms, cost: Cost, before: Cost) -> Result<(), Blocked> {
        self.tidy(now);
        match self.closed {
            Some(closed) if now < closed.until => {
                return blocked(Some(closed.until), closed.reason);
            }
            Some(Closed {
                probe: Some(probe),
                reason,
                ..
            }) if self.held.contains_key(&probe) => {
                return blocked(None, reason);
            }
            _ => {}
        }
        let Some(leases) = &mut self.leases else {
            return self.room_alone(now, cost, before, 1);
        };
        let processes = leases.processes();
        if leases.is_away() {
            return self.room_alone(now, cost, before, processes);
        }
        let Some(careful_until) = leases.careful_until(now) else {
            return leases.room(now, cost);
        };
        let leased = leases.room(now, cost);
        let room = self.room_alone(now, cost, before, processes);
        room.map_err(|blocked| Blocked {
            until: Some(
                blocked
                    .until
                    .map_or(careful_until, |it| it.min(careful_until)),
            ),
            ..blocked
        })?;
        leased
    }

    /// Those of the waiting requests whose kinds this process's share has room for, if it must keep to that. Leases for
    /// others would lie about.
    fn may_leave(&self, now: Ms, waiting: Cost) -> Cost {
        let Some(leases) = &self.leases else {
            return waiting;
        };
        if leases.careful_until(now).is_none() {
            return waiting;
        }
        let one = |kind: Cost| kind.each(Cost::new(1, 1, 1), u32::min);
        let room = |kind: &Cost| {
            let room = self.room_alone(now, one(*kind), Cost::NONE, leases.processes());
            room.is_ok()
        };
        let kinds = waiting.kinds().into_iter().filter(room);
        kinds.fold(Cost::NONE, |sum, kind| sum + kind)
    }

    /// Whether there is room in this process's share of the limits.
    fn room_alone(&self, now: Ms, cost: Cost, before: Cost, processes: u32) -> Result<(), Blocked> {
        let (all, held) = (cost + before, self.under_way);
        // Those under way may not be counted yet. The next reply says more.
        if let Some(left) = self.quota.map(|quota| quota.remaining)
            && left < u64::from((all + held).requests())
        {
            let sure = held == Cost::NONE || left == 0;
            return blocked(sure.then_some(self.reset), WaitReason::PrimaryLimit);
        }
        let rules = self.rules(now).map(|rule| rule.shared_by(processes));
        let width = (self.width / processes).max(1);
        let fits = |cost: Cost| (held + cost).requests() <= width.max(cost.requests());
        let keep = |cost, before| {
            rules
                .iter()
                .try_for_each(|rule| self.keeps(rule, cost, before))
        };
        // Those before it that wait for something else take no place meanwhile.
        if !fits(cost) || !fits(all) && keep(before, Cost::NONE).is_ok() {
            return blocked(None, WaitReason::Pacing);
        }
        keep(cost, before)
    }

    fn keeps(&self, rule: &Rule, cost: Cost, before: Cost) -> Result<(), Blocked> {
        let (units, log) = (cost.weighed(rule.weights), self.log(rule));
        let all = self.under_way + cost + before;
        let sum = (log.spent + all).weighed(rule.weights);
        let most = rule.most.max(units);
        // What a limit does not count passes those whom it holds up.
        if units == 0 || sum <= most {
            return Ok(());
        }
        match rule.walkers {
            Some(walkers) if all.changes() <= walkers.max(cost.changes()) => Ok(()),
            Some(_) => blocked(None, WaitReason::Pacing),
            None => blocked(log.frees(rule.weights, sum - most), WaitReason::Pacing),
        }
    }

    /// Lets out requests for which there was room, as one, and gives the number that they go by.
    pub(super) fn take(&mut self, now: Ms, cost: Cost) -> u64 {
        self.last += 1;
        let leases = self.leases.as_mut();
        let held = Held {
            cost,
            until: now + HELD,
            leases: leases.map_or([0; 3], |leases| leases.take(now, cost)),
            met_others: self.under_way != Cost::NONE,
        };
        self.held.insert(self.last, held);
        self.under_way = self.under_way + cost;
        if let Some(closed) = &mut self.closed {
            closed.probe = Some(self.last);
        }
        self.last
    }

    /// Lets out more requests beside those that go by this number, if there is room now. What is leased of a ledger is
    /// leased beforehand.
    pub(super) fn extend(&mut self, now: Ms, id: u64, cost: Cost) -> bool {
        if self.leases.is_some() || self.room(now, cost, Cost::NONE).is_err() {
            return false;
        }
        let Some(held) = self.held.get_mut(&id) else {
            return false;
        };
        held.cost = held.cost + cost;
        self.under_way = self.under_way + cost;
        true
    }

    /// Counts requests that left without being let out.
    pub(super) fn charge(&mut self, now: Ms, cost: Cost) {
        self.spend(now, cost, Cost::NONE);
        if let Some(leases) = &mut self.leases {
            leases.settle(now, [0; 3], cost, Cost::NONE, Cost::NONE);
        }
    }

    /// Counts what became of requests: those that were sent, those of them that passed, and those that were not sent.
    /// They count for one span after their end, not their start: GitHub counted them somewhere between the two.
    pub(super) fn settle(&mut self, now: Ms, id: u64, spent: Cost, passed: Cost, unused: Cost) {
        // What was given up has been counted then.
        if let Some(held) = self.held.get_mut(&id) {
            let of = held.leases;
            held.cost = held.cost - spent - unused;
            if held.cost == Cost::NONE {
                self.held.remove(&id);
            }
            self.under_way = self.under_way - spent - unused;
            self.spend(now, spent, passed);
            if let Some(leases) = &mut self.leases {
                leases.settle(now, of, spent, passed, unused);
            }
        }
        if let Some(closed) = self.closed.filter(|closed| closed.probe == Some(id)) {
            let probe = None;
            let answered = passed != Cost::NONE;
            self.closed = (!answered).then_some(Closed { probe, ..closed });
        }
        if passed != Cost::NONE {
            let late = if self.is_outdated(id) {
                passed
            } else {
                Cost::NONE
            };
            if late == Cost::NONE {
                self.strikes = 0;
            }
            let (minute, hour) = (self.minute.passed, self.hour.passed);
            self.lessons.passed(self.time(now), minute, hour, late);
        }
    }

    fn spend(&mut self, now: Ms, spent: Cost, passed: Cost) {
        if spent != Cost::NONE {
            self.minute.add(now, spent, passed);
            self.hour.add(now, spent, passed);
        }
    }

    /// GitHub refused: nothing leaves until then.
    pub(super) fn refused(
        &mut self,
        now: Ms,
        id: u64,
        refusal: Refusal,
    ) -> (Ms, WaitReason, Option<Learnt>) {
        let (closing, time) = (Closing::from(refusal), self.time(now));
        let first = !self.is_outdated(id);
        let is_probe = self.closed.is_some_and(|closed| closed.probe == Some(id));
        let mut learnt = None;
        if first {
            self.strikes += 1;
            self.refused_after = self.last;
            if !is_probe {
                let seen = self.seen();
                learnt = self
                    .lessons
                    .refused(time, refusal.cause, seen, &self.pacing);
            }
        } else if time < self.lessons.learnt_at.saturating_add(HELD) {
            learnt = self.lessons.refused_too(refusal.cause);
        }
        if let Some(leases) = &mut self.leases {
            let held = self.held.get(&id);
            let lease = held.and_then(|held| held.leases.into_iter().max());
            leases.refused(lease.unwrap_or(0), closing);
        }
        let doubled = closing.doubled_ms << (self.strikes.max(1) - 1).min(12);
        let until = now + closing.wait_ms.max(doubled).min(ms(LONGEST));
        // The refusals of a burst may differ: the longest holds.
        let (until, reason) = match self.closed {
            Some(closed) if closed.until > until => (closed.until, closed.reason),
            _ => (until, closing.reason),
        };
        let probe = None;
        self.closed = Some(Closed {
            until,
            reason,
            probe,
        });
        (until, reason, learnt)
    }

    /// What was sent and has passed in the last minute and hour, by this process or by all.
    fn seen(&self) -> [Sums; 2] {
        let leases = self.leases.as_ref();
        let all = leases.map(|leases| leases.sums).unwrap_or_default();
        let most = |log: &Log, all: Sums| Sums {
            spent: all.spent.each(log.spent + self.under_way, u32::max),
            passed: all.passed.each(log.passed, u32::max),
        };
        [most(&self.minute, all[0]), most(&self.hour, all[1])]
    }

    /// Keeps what is known of the quota, so that its end is met by waiting and not by a refusal.
    pub(super) fn learn(&mut self, now: Ms, quota: Quota) {
        if quota.reset_ms == 0 {
            return;
        }
        let reset = now + quota.reset_ms.min(ms(LONGEST)) + 1_000;
        // Replies overtake each other: of one hour the lowest count holds, and of two hours the later.
        match &mut self.quota {
            Some(known) if reset <= self.reset + 5_000 => {
                if self.reset <= reset + 5_000 {
                    known.remaining = known.remaining.min(quota.remaining);
                }
            }
            _ => (self.quota, self.reset) = (Some(quota), reset),
        }
        if let Some(leases) = &mut self.leases {
            leases.learn(quota);
        }
    }

    /// One of those under way has shown whether there may be as many at once.
    pub(super) fn narrow(&mut self, id: u64, well: bool) {
        let met_others = self.last > id || self.held.get(&id).is_some_and(|held| held.met_others);
        self.calm = if well { self.calm + 1 } else { 0 };
        if !well && met_others {
            let under_way = self.under_way.requests();
            self.width = self.width.min(under_way).saturating_sub(1).max(1);
        } else if self.calm >= CALM && self.width < self.pacing.concurrent {
            (self.width, self.calm) = (self.width + 1, 0);
        }
    }

    /// Until when nothing may leave, if that is so.
    pub(super) fn closed(&self, now: Ms) -> Option<(Ms, WaitReason)> {
        let closed = self.closed.filter(|closed| now < closed.until);
        closed.map(|closed| (closed.until, closed.reason))
    }

    /// Whether there was a refusal after this one was let out.
    pub(super) fn is_outdated(&self, id: u64) -> bool {
        id <= self.refused_after
    }

    pub(super) fn under_way(&self) -> Cost {
        self.under_way
    }

    /// The earliest instant by which so many more requests can have left, as far as is known.
    pub(super) fn least(&mut self, now: Ms, cost: Cost) -> Ms {
        self.tidy(now);
        let rules = self.rules(now).into_iter();
        let windows = rules.filter(|rule| rule.walkers.is_none()).map(|rule| {
            let (weights, log) = (rule.weights, self.log(&rule));
            let used = (log.spent + self.under_way).weighed(weights);
            let all = used.saturating_add(cost.weighed(weights));
            let Some(beyond) = all.checked_sub(rule.most.max(used).saturating_add(1)) else {
                return now;
            };
            let next = log.frees(weights, beyond % rule.most + 1);
            next.unwrap_or(now + log.span) + log.span * Ms::from(beyond / rule.most)
        });
        let quota = self.quota.and_then(|quota| {
            let beyond =
                u64::from(cost.requests()).checked_sub(quota.remaining.saturating_add(1))?;
            let hours = beyond / quota.limit.unwrap_or(u64::MAX).max(1);
            Some(self.reset + hours * 3_600_000)
        });
        let closed = self.closed.map(|closed| closed.until);
        let latest = windows.chain(quota).chain(closed).max();
        latest.map_or(now, |latest| latest.max(now))
    }

    /// The exchange with the ledger to be made now, if there is one and it is time.
    pub(super) fn exchange(
        &mut self,
        now: Ms,
        waiting: impl Iterator<Item = Cost>,
    ) -> Option<Exchange> {
        let rules = self.rules(now).into_iter();
        let leases = self.leases.as_ref()?;
        let waiting = leases.waiting(now, waiting);
        let waiting = Waiting {
            all: self.may_leave(now, waiting.all),
            ready: self.may_leave(now, waiting.ready),
            ..waiting
        };
        let leases = self.leases.as_mut()?;
        // First, since there is none mostly.
        let exchange = leases.exchange(now, waiting, self.under_way)?;
        Some(Exchange {
            note: leases.note(&self.lessons),
            at_once: self.pacing.concurrent,
            rules: rules.filter(|rule| rule.most < u32::MAX).collect(),
            ..exchange
        })
    }

    /// Counts what others have sent, as far as it exceeds this process's share of it: the ledger is away.
    pub(super) fn count_others(&mut self, now: Ms) {
        let Some(leases) = &self.leases else { return };
        let processes = leases.processes();
        let share = |n: u32, own: u32| n.div_ceil(processes).saturating_sub(own);
        let [minute, hour] = leases.sums.map(|sums| sums.spent + leases.leased);
        let others = minute.each(self.minute.spent + self.under_way, share);
        self.minute.add(now, others, Cost::NONE);
        let others = hour.each(self.hour.spent + self.under_way, share);
        self.hour.add(now, others, Cost::NONE);
    }

    /// Takes in what the ledger says of others.
    pub(super) fn answered(&mut self, now: Ms, answer: &Answer) {
        if let (Some(wait), Some(reason)) = (answer.closed_ms, answer.closed_for) {
            let until = now + wait.min(ms(LONGEST));
            if self
                .closed
                .is_none_or(|closed| closed.until + 1_000 < until)
            {
                self.refused_after = self.last;
                let probe = None;
                self.closed = Some(Closed {
                    until,
                    reason,
                    probe,
                });
            }
        }
        if let Ok(other) = serde_json::from_str(&answer.note.text) {
            self.lessons.merge(other);
        }
        let (minute, hour) = (answer.minute.passed, answer.hour.passed);
        self.lessons
            .passed(self.time(now), minute, hour, Cost::NONE);
    }

    /// Whether an exchange with the ledger is under way.
    pub(super) fn is_telling(&self, now: Ms) -> bool {
        let leases = self.leases.as_ref();
        leases.is_some_and(|leases| leases.is_telling(now))
    }

    /// When the ledger is to be asked or told next, whatever happens before.
    pub(super) fn next_try(&self) -> Option<Ms> {
        self.leases.as_ref()?.next_try()
    }

    fn rules(&self, now: Ms) -> [Rule; 6] {
        self.lessons.rules(self.time(now), &self.pacing)
    }

    /// The time that lessons are kept by: the ledger's, where there is one.
    fn time(&self, now: Ms) -> Ms {
        let leases = self.leases.as_ref();
        now.wrapping_add(leases.map_or(0, |leases| leases.ahead))
    }

    fn log(&self, rule: &Rule) -> &Log {
        if rule.hourly {
            &self.hour
        } else {
            &self.minute
        }
    }

    fn tidy(&mut self, now: Ms) {
        while let Some(held) = self
            .held
            .first_entry()
            .filter(|held| held.get().until <= now)
        {
            let lost = held.remove().cost;
            self.under_way = self.under_way - lost;
            self.spend(now, lost, Cost::NONE);
        }
        self.minute.trim(now);
        self.hour.trim(now);
        self.quota = self.quota.filter(|_| now < self.reset);
    }
}

fn blocked(until: Option<Ms>, reason: WaitReason) -> Result<(), Blocked> {
    Err(Blocked { until, reason })
}
