//! The count of one identity: what it has sent and may still send, one for all limits.

mod with_ledger;

use std::collections::BTreeMap;

use super::cost::Cost;
use super::leases::Leases;
use super::ledger::Sums;
use super::lessons::{Learnt, Lessons};
use super::log::{Log, Ms, Rule};
use super::pacing::Pacing;
use super::signals::{Closing, LONGEST_WAIT_MS, Quota, Refusal, WaitReason};

/// After this time a request no longer counts as under way but as sent, even without an outcome: a future that is no
/// longer polled must not hold up others.
const COUNTED_UNDER_WAY_MS: Ms = 60_000;

/// After this many successes in a row, one more request may be under way at once.
const SUCCESSES_TO_WIDEN: u32 = 10;

/// Why a request can't leave now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocked {
    /// `None` if it has to wait until something that is under way has ended.
    pub(super) until: Option<Ms>,
    pub(super) reason: WaitReason,
}

/// Counts requests that were sent and that are under way, and knows until when the gate is closed. It has no clock: each
/// method gets the time.
///
/// Without a ledger, it lets out what the limits have room for. With one, it lets out what is leased; the limits then
/// serve for the time when the ledger is away.
pub(super) struct Tally {
    pacing: Pacing,
    /// How many requests may be under way at once.
    width: u32,
    /// In a row, since the width was changed.
    successes: u32,
    minute: Log,
    hour: Log,
    /// By id.
    let_out: BTreeMap<u64, LetOut>,
    under_way: Cost,
    last_id: u64,
    quota: Option<Quota>,
    /// When the quota is full again.
    quota_full_at: Ms,
    closed: Option<Closed>,
    refusals_in_a_row: u32,
    /// The last id that was let out before the last refusal.
    last_id_refused: u64,
    lessons: Lessons,
    pub(super) leases: Option<Leases>,
}

/// Requests that were let out as one and have no outcome yet.
struct LetOut {
    cost: Cost,
    until: Ms,
    /// The leases that the requests of each kind belong to; 0 for none.
    leases: [u64; 3],
    /// Whether others were under way when these were let out.
    met_others: bool,
}

#[derive(Clone, Copy, Debug)]
struct Closed {
    until: Ms,
    reason: WaitReason,
    /// The id of what was let out first after that, to try whether GitHub still refuses.
    probe: Option<u64>,
}

impl Tally {
    pub(super) fn new(pacing: Pacing, is_shared: bool) -> Self {
        Self {
            width: pacing.concurrent,
            successes: 0,
            pacing,
            minute: Log::new(60_000),
            hour: Log::new(3_600_000),
            let_out: BTreeMap::new(),
            under_way: Cost::NONE,
            last_id: 0,
            quota: None,
            quota_full_at: 0,
            closed: None,
            refusals_in_a_row: 0,
            last_id_refused: 0,
            lessons: Lessons::default(),
            leases: is_shared.then(Leases::default),
        }
    }

    /// Whether requests of this cost may leave now, with room left for those `before` them.
    pub(super) fn room(&mut self, now: Ms, cost: Cost, before: Cost) -> Result<(), Blocked> {
        self.forget_old(now);
        match self.closed {
            Some(closed) if now < closed.until => {
                return blocked(Some(closed.until), closed.reason);
            }
            Some(Closed {
                probe: Some(probe),
                reason,
                ..
            }) if self.let_out.contains_key(&probe) => {
                return blocked(None, reason);
            }
            _ => {}
        }
        let Some(leases) = &mut self.leases else {
            return self.share_room(now, cost, before, 1);
        };
        let processes = leases.processes();
        if leases.is_away() {
            return self.share_room(now, cost, before, processes);
        }
        let leased = leases.room(now, cost);
        if let Some(careful_until) = leases.careful_until(now) {
            let room = self.share_room(now, cost, before, processes);
            room.map_err(|blocked| Blocked {
                until: Some(blocked.until.unwrap_or(Ms::MAX).min(careful_until)),
                ..blocked
            })?;
        }
        leased
    }

    /// Whether there is room in this process's share of the limits.
    fn share_room(&self, now: Ms, cost: Cost, before: Cost, processes: u32) -> Result<(), Blocked> {
        let (all, under_way) = (cost + before, self.under_way);
        // `remaining` may include those under way; the next reply will tell.
        if let Some(remaining) = self.quota.map(|quota| quota.remaining)
            && remaining < u64::from((all + under_way).requests())
        {
            let until = (under_way == Cost::NONE || remaining == 0).then_some(self.quota_full_at);
            return blocked(until, WaitReason::PrimaryLimit);
        }
        let rules = self.rules(now).map(|rule| rule.shared_by(processes));
        let width = (self.width / processes).max(1);
        let fits = |cost: Cost| (under_way + cost).requests() <= width.max(cost.requests());
        let room_under_all = |cost, before| {
            let mut rules = rules.iter();
            rules.try_for_each(|rule| self.room_under(rule, cost, before))
        };
        // Those before it don't count towards the width while a rule holds them up.
        if !fits(cost) || !fits(all) && room_under_all(before, Cost::NONE).is_ok() {
            return blocked(None, WaitReason::Pacing);
        }
        room_under_all(cost, before)
    }

    fn room_under(&self, rule: &Rule, cost: Cost, before: Cost) -> Result<(), Blocked> {
        let (units, log) = (cost.weighed(rule.weights), self.log(rule));
        let all = self.under_way + cost + before;
        let sum = (log.spent + all).weighed(rule.weights);
        let most = rule.most.max(units);
        // Requests that a limit does not count overtake those that it holds up.
        if units == 0 || sum <= most {
            return Ok(());
        }
        match rule.walkers {
            Some(walkers) if all.changes() <= walkers.max(cost.changes()) => Ok(()),
            Some(_) => blocked(None, WaitReason::Pacing),
            None => blocked(log.free_at(rule.weights, sum - most), WaitReason::Pacing),
        }
    }

    /// Lets out requests for which there was room, as one, and gives their id.
    pub(super) fn take(&mut self, now: Ms, cost: Cost) -> u64 {
        self.last_id += 1;
        let leases = self.leases.as_mut();
        let requests = LetOut {
            cost,
            until: now + COUNTED_UNDER_WAY_MS,
            leases: leases.map_or([0; 3], |leases| leases.take(now, cost)),
            met_others: self.under_way != Cost::NONE,
        };
        self.let_out.insert(self.last_id, requests);
        self.under_way = self.under_way + cost;
        if let Some(closed) = &mut self.closed {
            closed.probe = Some(self.last_id);
        }
        self.last_id
    }

    /// Adds requests to those of an id, if there is room now; with a ledger never, since leases are taken beforehand.
    pub(super) fn extend(&mut self, now: Ms, id: u64, cost: Cost) -> bool {
        if self.leases.is_some() || self.room(now, cost, Cost::NONE).is_err() {
            return false;
        }
        let Some(requests) = self.let_out.get_mut(&id) else {
            return false;
        };
        requests.cost = requests.cost + cost;
        self.under_way = self.under_way + cost;
        true
    }

    /// Counts requests that were sent without having been let out.
    pub(super) fn charge(&mut self, now: Ms, cost: Cost) {
        self.spend(now, cost, Cost::NONE);
        if let Some(leases) = &mut self.leases {
            leases.settle(now, [0; 3], cost, Cost::NONE, Cost::NONE);
        }
    }

    /// Counts the outcome of requests: those that were sent, those of them that passed, and those that were not sent.
    /// They count from their end on, not from their start: GitHub counted them somewhere between the two.
    pub(super) fn settle(&mut self, now: Ms, id: u64, spent: Cost, passed: Cost, unused: Cost) {
        // Requests that no longer count as under way have been counted before.
        if let Some(requests) = self.let_out.get_mut(&id) {
            let of = requests.leases;
            requests.cost = requests.cost - spent - unused;
            if requests.cost == Cost::NONE {
                self.let_out.remove(&id);
            }
            self.under_way = self.under_way - spent - unused;
            self.spend(now, spent, passed);
            if let Some(leases) = &mut self.leases {
                leases.settle(now, of, spent, passed, unused);
            }
        }
        if let Some(closed) = self.closed.filter(|closed| closed.probe == Some(id)) {
            self.closed = None;
            if passed == Cost::NONE {
                self.close(closed.until, closed.reason);
            }
        }
        if passed != Cost::NONE {
            let mut late = passed;
            if !self.is_outdated(id) {
                self.refusals_in_a_row = 0;
                late = Cost::NONE;
            }
            let (minute, hour) = (self.minute.passed, self.hour.passed);
            self.lessons
                .learn_from_passed(self.time(now), minute, hour, late);
        }
    }

    fn spend(&mut self, now: Ms, spent: Cost, passed: Cost) {
        if spent != Cost::NONE {
            self.minute.add(now, spent, passed);
            self.hour.add(now, spent, passed);
        }
    }

    /// Closes the gate for a refusal, and says until when, why, and what was learnt from it.
    pub(super) fn heed_refusal(
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
            self.refusals_in_a_row += 1;
            self.last_id_refused = self.last_id;
            if !is_probe {
                let sums = self.sums();
                learnt = self
                    .lessons
                    .learn_from_refusal(time, refusal.cause, sums, &self.pacing);
            }
        } else if time < self.lessons.learnt_at.saturating_add(COUNTED_UNDER_WAY_MS) {
            learnt = self.lessons.count_refusal(refusal.cause);
        }
        if let Some(leases) = &mut self.leases {
            let requests = self.let_out.get(&id);
            let lease = requests.and_then(|requests| requests.leases.into_iter().max());
            leases.report_refusal(now, lease.unwrap_or(0), closing);
        }
        let doubled = closing.doubled_ms << (self.refusals_in_a_row.max(1) - 1).min(12);
        let until = now + closing.wait_ms.max(doubled).min(LONGEST_WAIT_MS);
        // The refusals of a burst may differ: the longest holds.
        let (until, reason) = match self.closed {
            Some(closed) if closed.until > until => (closed.until, closed.reason),
            _ => (until, closing.reason),
        };
        self.close(until, reason);
        (until, reason, learnt)
    }

    fn close(&mut self, until: Ms, reason: WaitReason) {
        self.closed = Some(Closed {
            until,
            reason,
            probe: None,
        });
    }

    /// The requests that were sent and have passed in the last minute and hour, of this process or of all.
    fn sums(&self) -> [Sums; 2] {
        let leases = self.leases.as_ref();
        let all = leases.map(|leases| leases.sums).unwrap_or_default();
        let most = |log: &Log, all: Sums| Sums {
            spent: all.spent.each(log.spent + self.under_way, u32::max),
            passed: all.passed.each(log.passed, u32::max),
        };
        [most(&self.minute, all[0]), most(&self.hour, all[1])]
    }

    /// Remembers the quota, so that when it is used up requests wait and are not refused.
    pub(super) fn keep_quota(&mut self, now: Ms, quota: Quota) {
        if quota.reset_ms == 0 {
            return;
        }
        let reset = now + quota.reset_ms.min(LONGEST_WAIT_MS) + 1_000;
        // Replies overtake each other. Of the same hour the lowest count holds, otherwise that of the later hour.
        match &mut self.quota {
            Some(known) if reset <= self.quota_full_at + 5_000 => {
                if self.quota_full_at <= reset + 5_000 {
                    known.remaining = known.remaining.min(quota.remaining);
                }
            }
            _ => (self.quota, self.quota_full_at) = (Some(quota), reset),
        }
        if let Some(leases) = &mut self.leases {
            leases.report_quota(now, quota);
        }
    }

    /// Lets fewer be under way at once after a failure among others, and more after successes.
    pub(super) fn adapt_width(&mut self, id: u64, succeeded: bool) {
        let entry = self.let_out.get(&id);
        let met_others = self.last_id > id || entry.is_some_and(|entry| entry.met_others);
        self.successes = if succeeded { self.successes + 1 } else { 0 };
        if !succeeded && met_others {
            let under_way = self.under_way.requests();
            self.width = self.width.min(under_way).saturating_sub(1).max(1);
        } else if self.successes >= SUCCESSES_TO_WIDEN && self.width < self.pacing.concurrent {
            (self.width, self.successes) = (self.width + 1, 0);
        }
    }

    /// Until when the gate is closed and why, if it is.
    pub(super) fn closed(&self, now: Ms) -> Option<(Ms, WaitReason)> {
        let closed = self.closed.filter(|closed| now < closed.until);
        closed.map(|closed| (closed.until, closed.reason))
    }

    /// Whether there was a refusal after this id was let out.
    pub(super) fn is_outdated(&self, id: u64) -> bool {
        id <= self.last_id_refused
    }

    pub(super) fn under_way(&self) -> Cost {
        self.under_way
    }

    /// The earliest instant by which these further requests can have left, as far as is known.
    pub(super) fn earliest(&mut self, now: Ms, cost: Cost) -> Ms {
        self.forget_old(now);
        let rules = self.rules(now).into_iter();
        let windows = rules.filter(|rule| rule.walkers.is_none()).map(|rule| {
            let (weights, log) = (rule.weights, self.log(&rule));
            let used = (log.spent + self.under_way).weighed(weights);
            let all = used.saturating_add(cost.weighed(weights));
            let Some(beyond) = all.checked_sub(rule.most.max(used).saturating_add(1)) else {
                return now;
            };
            let next = log.free_at(weights, beyond % rule.most + 1);
            next.unwrap_or(now + log.span) + log.span * Ms::from(beyond / rule.most)
        });
        let quota = self.quota.and_then(|quota| {
            let beyond =
                u64::from(cost.requests()).checked_sub(quota.remaining.saturating_add(1))?;
            let hours = beyond / quota.limit.unwrap_or(u64::MAX).max(1);
            Some(self.quota_full_at + hours * 3_600_000)
        });
        let closed = self.closed.map(|closed| closed.until);
        let latest = windows.chain(quota).chain(closed).max();
        latest.map_or(now, |latest| latest.max(now))
    }

    fn rules(&self, now: Ms) -> [Rule; 6] {
        self.lessons.rules(self.time(now), &self.pacing)
    }

    /// The time that lessons are kept by: the ledger's, where there is one.
    fn time(&self, now: Ms) -> Ms {
        let leases = self.leases.as_ref();
        now.wrapping_add(leases.map_or(0, |leases| leases.clock_ahead))
    }

    fn log(&self, rule: &Rule) -> &Log {
        if rule.hourly {
            &self.hour
        } else {
            &self.minute
        }
    }

    fn forget_old(&mut self, now: Ms) {
        while let Some(first) = self.let_out.first_entry()
            && first.get().until <= now
        {
            let lost = first.remove().cost;
            self.under_way = self.under_way - lost;
            self.spend(now, lost, Cost::NONE);
        }
        self.minute.forget_old(now);
        self.hour.forget_old(now);
        self.quota = self.quota.filter(|_| now < self.quota_full_at);
    }
}

fn blocked(until: Option<Ms>, reason: WaitReason) -> Result<(), Blocked> {
    Err(Blocked { until, reason })
}
