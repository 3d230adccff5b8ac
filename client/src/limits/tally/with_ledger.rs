//! The tally of an identity that several processes call as: what it asks of the ledger, and what it heeds of the
//! answers.

use super::{Closed, Tally};
use crate::limits::cost::Cost;
use crate::limits::leases::Waiting;
use crate::limits::ledger::{Answer, Exchange};
use crate::limits::log::Ms;
use crate::limits::signals::LONGEST_WAIT_MS;

impl Tally {
    /// The exchange that is to be made now, if any.
    pub(in crate::limits) fn exchange(
        &mut self,
        now: Ms,
        waiting: impl Iterator<Item = Cost>,
    ) -> Option<Exchange> {
        let rules = self.rules(now).into_iter();
        let leases = self.leases.as_ref()?;
        let waiting = leases.sum_waiting(now, waiting);
        let waiting = Waiting {
            all: self.may_leave(now, waiting.all),
            not_put_off: self.may_leave(now, waiting.not_put_off),
            ..waiting
        };
        let leases = self.leases.as_mut()?;
        // Before the rest is made, since mostly there is none.
        let exchange = leases.exchange(now, waiting, self.under_way)?;
        Some(Exchange {
            note: leases.note(&self.lessons),
            at_once: self.pacing.concurrent,
            rules: rules.filter(|rule| rule.most < u32::MAX).collect(),
            ..exchange
        })
    }

    /// The waiting requests of those kinds that this process's share has room for, while it keeps to its share: leases
    /// for the others would lie unused.
    fn may_leave(&self, now: Ms, waiting: Cost) -> Cost {
        let Some(leases) = &self.leases else {
            return waiting;
        };
        if leases.careful_until(now).is_none() {
            return waiting;
        }
        let has_room = |kind: &Cost| {
            let one = kind.each(Cost::new(1, 1, 1), u32::min);
            let room = self.share_room(now, one, Cost::NONE, leases.processes());
            room.is_ok()
        };
        let kinds = waiting.kinds().into_iter().filter(has_room);
        kinds.fold(Cost::NONE, |sum, kind| sum + kind)
    }

    /// When the ledger no longer answers: counts this process's share of what all have sent, as far as it has not sent
    /// that itself.
    pub(in crate::limits) fn count_others(&mut self, now: Ms) {
        let Some(leases) = &self.leases else { return };
        let processes = leases.processes();
        let share = |n: u32, own: u32| n.div_ceil(processes).saturating_sub(own);
        let logs = [&mut self.minute, &mut self.hour];
        for (log, sums) in logs.into_iter().zip(leases.sums) {
            let all = sums.spent + leases.leased;
            let others = all.each(log.spent + self.under_way, share);
            log.add(now, others, Cost::NONE);
        }
    }

    /// Takes over what the ledger says of other processes: refusals, lessons, and what has passed.
    pub(in crate::limits) fn heed_answer(&mut self, now: Ms, answer: &Answer) {
        if let (Some(wait), Some(reason)) = (answer.closed_ms, answer.closed_for) {
            let until = now + wait.min(LONGEST_WAIT_MS);
            let is_news = |closed: Closed| closed.until + 1_000 < until;
            if self.closed.is_none_or(is_news) {
                self.last_id_refused = self.last_id;
                self.close(until, reason);
            }
        }
        if let Ok(other) = serde_json::from_str(&answer.note.text) {
            self.lessons.merge(other);
        }
        let (minute, hour) = (answer.minute.passed, answer.hour.passed);
        self.lessons
            .learn_from_passed(self.time(now), minute, hour, Cost::NONE);
    }

    pub(in crate::limits) fn is_exchanging(&self, now: Ms) -> bool {
        let leases = self.leases.as_ref();
        leases.is_some_and(|leases| leases.is_exchanging(now))
    }

    /// When the ledger is to be asked or told next, whatever happens before.
    pub(in crate::limits) fn next_exchange(&self) -> Option<Ms> {
        self.leases.as_ref()?.next_exchange()
    }
}
