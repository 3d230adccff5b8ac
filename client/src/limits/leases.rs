//! The leases that a process takes of a ledger.

use std::collections::VecDeque;

use super::cost::Cost;
use super::ledger::{Answer, Exchange, Note, Refused, Settled, Sums};
use super::lessons::Lessons;
use super::link::LEDGER_TIMEOUT;
use super::log::Ms;
use super::signals::{Closing, LONGEST_WAIT_MS, Quota, WaitReason};
use super::tally::Blocked;

/// The unused rest of a lease is given back after this time.
const USED_WITHIN_MS: Ms = 2_000;

/// Requests of one lease that ended within this time are one entry of the next exchange.
const MERGED_WITHIN_MS: Ms = 250;

const SECOND_MS: Ms = 1_000;

/// A minute as the ledger counts it, and the time that exchanges take.
const LEDGER_MINUTE_MS: Ms = 61_000;

/// Requests of each kind that are leased before they are asked for, at most.
const MAX_REQUESTS_AHEAD: u32 = 20;

/// The longest pause before a ledger that is away is asked again.
const LONGEST_PAUSE_MS: Ms = 30_000;

/// Entries that are kept for a ledger that is away; further requests without a lease are added to the last of them.
const MAX_ENTRIES: usize = 512;

/// The leases of one process for one identity, and what it will tell the ledger next.
#[derive(Debug, Default)]
pub(super) struct Leases {
    leases: VecDeque<Lease>,
    /// The next exchange. Its `ago_ms` and `reset_ms` are instants until it is sent.
    report: Exchange,
    /// The note as the ledger has it.
    ledger_note: Note,
    /// Until when these requests are not asked for again, and what they wait for.
    ask_again: (Ms, Cost, WaitReason),
    /// Whether they are asked for as soon as nothing is under way.
    or_sooner: bool,
    /// The last grant that was not empty, and when it came.
    last_grant: (Ms, Cost),
    /// By how much the ledger's clock is ahead of ours; wraps around.
    pub(super) clock_ahead: Ms,
    /// The requests of all processes in the last minute and hour.
    pub(super) sums: [Sums; 2],
    /// The requests that all processes had leased.
    pub(super) leased: Cost,
    processes: Option<u32>,
    /// The number of the last exchange.
    last_number: u64,
    /// The number of the last exchange that was answered.
    last_answered: u64,
    /// How many entries of `report`, from the first on, have been sent in an exchange that failed.
    told_again: usize,
    away: Option<Away>,
    /// Until when this process keeps to its share although the ledger is back.
    careful_until: Ms,
    /// Until when an exchange is under way; if no answer has come by then, it counts as failed.
    exchange_until: Ms,
}

/// The ledger does not answer.
#[derive(Clone, Copy, Debug)]
struct Away {
    since: Ms,
    failed_retries: u32,
    next_retry: Ms,
}

/// The rest of a lease, and when it may be used.
#[derive(Clone, Copy, Debug)]
struct Lease {
    id: u64,
    left: Cost,
    /// How many of its requests that change something may be under way at once, and how many are.
    at_once: u32,
    under_way: u32,
    from: Ms,
    until: Ms,
}

/// The requests that wait to be let out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waiting {
    pub(super) all: Cost,
    /// Those of them of kinds that the ledger has not put off.
    pub(super) not_put_off: Cost,
    /// Whether one of them needs no more than what is leased.
    pub(super) may_leave: bool,
}

impl Leases {
    /// How many processes share the limits, as far as is known.
    pub(super) fn processes(&self) -> u32 {
        // If the ledger was never reached, there may be another process.
        self.processes.unwrap_or(2)
    }

    pub(super) fn is_away(&self) -> bool {
        self.away.is_some()
    }

    /// Until when this process keeps to its share besides, if it does: the ledger was away not long ago.
    pub(super) fn careful_until(&self, now: Ms) -> Option<Ms> {
        Some(self.careful_until).filter(|until| now < *until)
    }

    pub(super) fn is_exchanging(&self, now: Ms) -> bool {
        now < self.exchange_until
    }

    /// When the next exchange is due: to try a ledger that is away again, or to give back a lease.
    pub(super) fn next_exchange(&self) -> Option<Ms> {
        let away = self
            .away
            .map(|away| away.next_retry.max(self.exchange_until));
        away.or(self.leases.iter().map(|lease| lease.until).min())
    }

    pub(super) fn room(&mut self, now: Ms, cost: Cost) -> Result<(), Blocked> {
        let (again, asked, reason) = self.ask_again;
        let kinds = cost.kinds().into_iter();
        let mut kinds = kinds.filter(|kind| *kind != Cost::NONE);
        let from = kinds.try_fold(now, |from, kind| match self.lease_for(now, kind) {
            Some(lease) if lease.is_full() && kind != Cost::READ => Err(None),
            Some(lease) => Ok(from.max(lease.from)),
            None => Err((now < again && asked.covers(kind)).then_some(again)),
        });
        let until = match from {
            Ok(from) if from <= now => return Ok(()),
            Ok(from) => Some(from),
            Err(until) => until,
        };
        Err(Blocked { until, reason })
    }

    /// Takes requests out of leases, and gives the lease of each kind; 0 for none.
    pub(super) fn take(&mut self, now: Ms, cost: Cost) -> [u64; 3] {
        cost.kinds().map(|kind| {
            let lease = self.lease_for(now, kind).filter(|_| kind != Cost::NONE);
            lease.map_or(0, |lease| {
                lease.left = lease.left - kind;
                lease.under_way += kind.changes();
                lease.id
            })
        })
    }

    fn lease_for(&mut self, now: Ms, cost: Cost) -> Option<&mut Lease> {
        let mut leases = self.leases.iter_mut();
        leases.find(|lease| now < lease.until && lease.left.covers(cost))
    }

    /// Adds the outcome of requests, out of the leases that [`take`](Self::take) gave, to what will be told.
    pub(super) fn settle(
        &mut self,
        now: Ms,
        leases: [u64; 3],
        spent: Cost,
        passed: Cost,
        unused: Cost,
    ) {
        let kinds = spent
            .kinds()
            .into_iter()
            .zip(passed.kinds())
            .zip(unused.kinds());
        for (((spent, passed), unused), lease) in kinds.zip(leases) {
            if spent + unused != Cost::NONE {
                if let Some(lease) = self.leases.iter_mut().find(|held| held.id == lease) {
                    let ended = (spent + unused).changes();
                    lease.under_way = lease.under_way.saturating_sub(ended);
                }
                self.settle_kind(now, lease, spent, passed, unused);
            }
        }
    }

    fn settle_kind(&mut self, now: Ms, lease: u64, spent: Cost, passed: Cost, unused: Cost) {
        let settled = &mut self.report.settled;
        let is_full = lease == 0 && settled.len() >= MAX_ENTRIES;
        let is_untold = settled.len() > self.told_again;
        let last = settled.last_mut();
        let last = last.filter(|last| is_untold && last.lease == lease);
        if let Some(last) = last.filter(|last| now < last.ago_ms + MERGED_WITHIN_MS || is_full) {
            last.ago_ms = now;
            last.spent = last.spent + spent;
            last.passed = last.passed + passed;
            last.unused = last.unused + unused;
        } else {
            let ago_ms = now;
            settled.push(Settled {
                lease,
                ago_ms,
                spent,
                passed,
                unused,
            });
        }
    }

    pub(super) fn report_refusal(&mut self, now: Ms, lease: u64, closing: Closing) {
        self.report.refusals.push(Refused {
            lease,
            ago_ms: now,
            closing,
        });
    }

    pub(super) fn report_quota(&mut self, now: Ms, quota: Quota) {
        let reset_ms = now + quota.reset_ms.min(LONGEST_WAIT_MS);
        self.report.quota = Some(Quota { reset_ms, ..quota });
    }

    /// The note of these lessons for other processes, if the ledger's is another.
    pub(super) fn note(&self, lessons: &Lessons) -> Option<Note> {
        let text = serde_json::to_string(lessons).ok()?;
        let version = lessons.learnt_at;
        (self.ledger_note.text != text).then_some(Note { version, text })
    }

    pub(super) fn sum_waiting(&self, now: Ms, waiting: impl Iterator<Item = Cost>) -> Waiting {
        let (again, put_off, _) = self.ask_again;
        let put_off = if now < again { put_off } else { Cost::NONE };
        let begun = self.leases.iter().filter(|lease| lease.from <= now);
        let leased = begun.fold(Cost::NONE, |sum, lease| sum + lease.left);
        waiting.fold(Waiting::default(), |mut sum, cost| {
            sum.all = sum.all + cost;
            if cost.each(put_off, u32::min) == Cost::NONE {
                sum.not_put_off = sum.not_put_off + cost;
            }
            sum.may_leave |= leased.covers(cost);
            sum
        })
    }

    /// The exchange that is to be made now, if any, with these requests waiting and those under way.
    pub(super) fn exchange(
        &mut self,
        now: Ms,
        waiting: Waiting,
        under_way: Cost,
    ) -> Option<Exchange> {
        if now < self.exchange_until || self.away.is_some_and(|away| now < away.next_retry) {
            return None;
        }
        let left = self.give_back(now, waiting.all + under_way == Cost::NONE);
        let missing = waiting.all - left;
        let (again, put_off, _) = self.ask_again;
        let others = waiting.not_put_off - left;
        let first = self.report.settled.first();
        let all_ended = under_way == Cost::NONE && !waiting.may_leave && first.is_some();
        let due = again <= now || self.or_sooner && all_ended;
        let asks = missing != Cost::NONE && (due || all_ended) || others != Cost::NONE;
        let stale = first.is_some_and(|settled| settled.ago_ms + USED_WITHIN_MS <= now);
        if !asks && !all_ended && !stale && self.report.refusals.is_empty() {
            return None;
        }
        let mut exchange = std::mem::take(&mut self.report);
        exchange.change_times(
            |instant| now - instant,
            |instant| instant.saturating_sub(now),
        );
        // A ledger that is away is asked for nothing: a grant that comes too late would be lost.
        if asks && self.away.is_none() {
            // Requests that were put off are asked for each time, since this process would lose its turn otherwise; and
            // none beyond them.
            let waits = missing.each(put_off, |missing, put_off| missing * put_off.min(1));
            let wants = if due { missing } else { waits + others };
            let (granted_at, granted) = self.last_grant;
            let is_busy = waits == Cost::NONE && now < granted_at + SECOND_MS;
            let more = granted.times(2 * u32::from(is_busy));
            exchange.wants = wants.each(more, |wanted, more| match wanted {
                0 => 0,
                wanted => wanted.max(more.min(MAX_REQUESTS_AHEAD)),
            });
        }
        self.last_number += 1;
        (exchange.number, exchange.answered) = (self.last_number, self.last_answered);
        if self.last_answered > 0 {
            exchange.at_ms = now.wrapping_add(self.clock_ahead);
        }
        exchange.told_again = std::mem::take(&mut self.told_again) as u32;
        self.exchange_until = now + 2 * LEDGER_TIMEOUT.as_millis() as Ms;
        Some(exchange)
    }

    /// Gives back leases that were not used in time, or all of them, and says what is left.
    fn give_back(&mut self, now: Ms, everything: bool) -> Cost {
        let mut left = Cost::NONE;
        let settled = &mut self.report.settled;
        self.leases.retain(|lease| {
            let keep = now < lease.until && !everything && lease.left != Cost::NONE;
            if keep {
                left = left + lease.left;
            } else if lease.left != Cost::NONE {
                settled.push(Settled {
                    lease: lease.id,
                    ago_ms: now,
                    unused: lease.left,
                    ..Settled::default()
                });
            }
            keep
        });
        left
    }

    /// Takes over the answer to an exchange that was sent at `asked_at`.
    pub(super) fn take_answer(&mut self, asked_at: Ms, now: Ms, sent: &Exchange, answer: &Answer) {
        self.exchange_until = now;
        if let Some(away) = self.away.take() {
            // The store may have lost its memory, and other processes may not have told yet what they sent meanwhile.
            // They ask again within the time that the ledger was away.
            let all_told = now + (now - away.since + SECOND_MS).min(LONGEST_PAUSE_MS);
            self.careful_until = all_told.max(away.since + LEDGER_MINUTE_MS);
        }
        self.clock_ahead = answer.now_ms.wrapping_sub(now);
        // A store that has lost its memory hears of the other processes one by one.
        let known = self.processes.filter(|_| now < self.careful_until);
        self.processes = Some(answer.processes.max(known.unwrap_or(1)));
        self.sums = [answer.minute, answer.hour];
        self.leased = answer.leased;
        self.ledger_note = answer.note.clone();
        // Leases from before the last refusal, whichever process met it, are not used any more.
        for lease in &mut self.leases {
            if lease.id < answer.since {
                lease.until = now;
            }
        }
        // If the exchange counted as failed, the one after it has given up its lease.
        let is_last = sent.number == self.last_number;
        if is_last {
            self.last_answered = sent.number;
        }
        if answer.lease != 0 && is_last {
            self.last_grant = (now, answer.granted);
            let from_ms = answer.from_ms.min(LONGEST_WAIT_MS);
            self.leases.push_back(Lease {
                id: answer.lease,
                left: answer.granted,
                at_once: answer.at_once.unwrap_or(u32::MAX),
                under_way: 0,
                from: now + from_ms,
                until: asked_at + from_ms + USED_WITHIN_MS,
            });
        }
        if sent.wants != Cost::NONE {
            self.or_sooner = answer.or_sooner;
            let wait = answer.again_ms.map(|wait| wait.min(LONGEST_WAIT_MS));
            let again = wait.map_or(0, |wait| now + wait);
            let put_off = sent.wants - answer.granted;
            self.ask_again = (again, put_off, answer.reason.unwrap_or_default());
        }
    }

    /// Keeps what a failed exchange told for the next one.
    pub(super) fn take_failure(&mut self, asked_at: Ms, now: Ms, mut sent: Exchange) {
        self.exchange_until = now;
        let away = self.away.map(|away| (away.since, away.failed_retries + 1));
        let (since, failed_retries) = away.unwrap_or((now, 0));
        self.away = Some(Away {
            since,
            failed_retries,
            next_retry: now + (SECOND_MS << failed_retries.min(5)).min(LONGEST_PAUSE_MS),
        });
        sent.change_times(|ago| asked_at.saturating_sub(ago), |reset| asked_at + reset);
        // If another exchange was sent since, the ledger compares with what that one told.
        let is_last = sent.number == self.last_number;
        self.told_again = if is_last { sent.settled.len() } else { 0 };
        let report = &mut self.report;
        sent.settled.append(&mut report.settled);
        sent.refusals.append(&mut report.refusals);
        (report.settled, report.refusals) = (sent.settled, sent.refusals);
        report.quota = report.quota.or(sent.quota);
        // The ledger ends them by itself; until it is back, each process keeps to its share.
        self.leases.clear();
        self.ask_again = Default::default();
    }
}

impl Exchange {
    /// Changes how long ago everything was that it tells, and how long it is until the quota is full again.
    fn change_times(&mut self, ago: impl Fn(Ms) -> Ms, until: impl Fn(Ms) -> Ms) {
        let settled = self.settled.iter_mut().map(|settled| &mut settled.ago_ms);
        let refusals = self.refusals.iter_mut().map(|refused| &mut refused.ago_ms);
        for ago_ms in settled.chain(refusals) {
            *ago_ms = ago(*ago_ms);
        }
        if let Some(quota) = &mut self.quota {
            quota.reset_ms = until(quota.reset_ms);
        }
    }
}

impl Lease {
    fn is_full(&self) -> bool {
        self.under_way >= self.at_once
    }
}
