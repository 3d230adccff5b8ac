//! The leases that a process takes of a ledger.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tracing::{info, warn};

use super::cost::Cost;
use super::identity::Identity;
use super::ledger::{Answer, Exchange, Ledger, Note, Refused, Settled, Sums};
use super::lessons::Lessons;
use super::line::Line;
use super::log::Ms;
use super::tally::Blocked;
use super::told::{Closing, LONGEST, Quota, WaitReason, ms};

/// A ledger that takes longer is away.
const ANSWERS_WITHIN: Duration = Duration::from_millis(300);

/// What is not used of a lease after so long is given back.
const USED_WITHIN: Ms = 2_000;

/// Requests that ended within so long of each other are told as one.
const GRAIN: Ms = 250;

const SECOND: Ms = 1_000;

/// A minute, as the ledger counts it, and what its exchanges take.
const MINUTE: Ms = 61_000;

/// Of each kind, so many requests are leased ahead at most.
const AHEAD: u32 = 20;

/// The longest pause before a ledger that is away is asked again.
const LONGEST_PAUSE: Ms = 30_000;

/// So many ends of requests are remembered one by one for a ledger that is away.
const REMEMBERED: usize = 512;

/// What one process has of a ledger for one identity.
#[derive(Debug, Default)]
pub(super) struct Leases {
    held: VecDeque<Lease>,
    /// What will be told. Instants stand in it for lengths of time.
    report: Exchange,
    noted: Note,
    /// Until when nothing more of these kinds is asked for, and why.
    again: (Ms, Cost, WaitReason),
    /// Or until something that is under way has ended.
    or_sooner: bool,
    /// What was granted last, and when.
    granted: (Ms, Cost),
    /// What the ledger's clock is ahead of ours, by numbers that wrap around.
    pub(super) ahead: Ms,
    /// The requests of the last minute and hour, of all processes.
    pub(super) sums: [Sums; 2],
    /// The requests that all processes had leased.
    pub(super) leased: Cost,
    processes: Option<u32>,
    /// The numbers of the last exchange, and of the last that was answered.
    number: u64,
    answered: u64,
    /// How many of what will be told an exchange has told already that was given up.
    told_again: usize,
    away: Option<Away>,
    /// Until when this process keeps to its share although the ledger is back.
    careful_until: Ms,
    /// An exchange is under way; after this instant it counts as lost.
    busy_until: Ms,
}

/// The ledger does not answer.
#[derive(Clone, Copy, Debug)]
struct Away {
    since: Ms,
    /// How many tries failed, and when the next one is made.
    tries: u32,
    next: Ms,
}

/// What is left of a lease, and when it is used.
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

/// What waits to be let out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waiting {
    pub(super) all: Cost,
    /// Of that, what waits for nothing that the ledger was asked for and has not granted yet.
    pub(super) ready: Cost,
    /// Whether something of it needs no more than what is leased.
    pub(super) may_leave: bool,
}

impl Leases {
    /// Among how many processes the limits are shared out while the ledger is away.
    pub(super) fn processes(&self) -> u32 {
        // One that was never reached leaves it open whether there are others.
        self.processes.unwrap_or(2)
    }

    /// Whether the ledger is away.
    pub(super) fn is_away(&self) -> bool {
        self.away.is_some()
    }

    /// Until when the limits of this process alone hold besides, if they do: the ledger was away not long ago.
    pub(super) fn careful_until(&self, now: Ms) -> Option<Ms> {
        Some(self.careful_until).filter(|until| now < *until)
    }

    /// Whether an exchange is under way.
    pub(super) fn is_telling(&self, now: Ms) -> bool {
        now < self.busy_until
    }

    /// When the ledger is to be asked or told next: if it is away, or has leased what is not used.
    pub(super) fn next_try(&self) -> Option<Ms> {
        let away = self.away.map(|away| away.next.max(self.busy_until));
        away.or(self.held.iter().map(|lease| lease.until).min())
    }

    pub(super) fn room(&mut self, now: Ms, cost: Cost) -> Result<(), Blocked> {
        let (again, asked, reason) = self.again;
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

    /// Takes requests out of leases, and says out of which those of each kind; 0 for none.
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
        let mut leases = self.held.iter_mut();
        leases.find(|lease| now < lease.until && lease.left.covers(cost))
    }

    /// Notes what became of requests of the leases that [`take`](Self::take) named.
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
                if let Some(lease) = self.held.iter_mut().find(|held| held.id == lease) {
                    let ended = (spent + unused).changes();
                    lease.under_way = lease.under_way.saturating_sub(ended);
                }
                self.settle_one(now, lease, spent, passed, unused);
            }
        }
    }

    fn settle_one(&mut self, now: Ms, lease: u64, spent: Cost, passed: Cost, unused: Cost) {
        let settled = &mut self.report.settled;
        let full = lease == 0 && settled.len() >= REMEMBERED;
        let new = settled.len() > self.told_again;
        let last = settled.last_mut().filter(|last| new && last.lease == lease);
        if let Some(last) = last.filter(|last| now < last.ago_ms + GRAIN || full) {
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

    pub(super) fn refused(&mut self, lease: u64, closing: Closing) {
        self.report.refusals.push(Refused { lease, closing });
    }

    pub(super) fn learn(&mut self, quota: Quota) {
        self.report.quota = Some(quota);
    }

    /// The note that lets other processes know these lessons, if the ledger has another.
    pub(super) fn note(&self, lessons: &Lessons) -> Option<Note> {
        let text = serde_json::to_string(lessons).ok()?;
        let version = lessons.learnt_at;
        (self.noted.text != text).then_some(Note { version, text })
    }

    /// Sums up what waits.
    pub(super) fn waiting(&self, now: Ms, waiting: impl Iterator<Item = Cost>) -> Waiting {
        let (again, asked, _) = self.again;
        let asked = if now < again { asked } else { Cost::NONE };
        let begun = self.held.iter().filter(|lease| lease.from <= now);
        let leased = begun.fold(Cost::NONE, |sum, lease| sum + lease.left);
        waiting.fold(Waiting::default(), |mut sum, cost| {
            sum.all = sum.all + cost;
            if cost.each(asked, u32::min) == Cost::NONE {
                sum.ready = sum.ready + cost;
            }
            sum.may_leave |= leased.covers(cost);
            sum
        })
    }

    /// What is to be exchanged now, with these requests waiting and those under way.
    pub(super) fn exchange(
        &mut self,
        now: Ms,
        waiting: Waiting,
        under_way: Cost,
    ) -> Option<Exchange> {
        if now < self.busy_until || self.away.is_some_and(|away| now < away.next) {
            return None;
        }
        let left = self.give_back(now, waiting.all + under_way == Cost::NONE);
        let missing = waiting.all - left;
        let (again, asked, _) = self.again;
        let others = waiting.ready - left;
        let first = self.report.settled.first();
        let all_ended = under_way == Cost::NONE && !waiting.may_leave && first.is_some();
        let due = again <= now || self.or_sooner && all_ended;
        let asks = missing != Cost::NONE && (due || all_ended) || others != Cost::NONE;
        let stale = first.is_some_and(|settled| settled.ago_ms + USED_WITHIN <= now);
        if !asks && !all_ended && !stale && self.report.refusals.is_empty() {
            return None;
        }
        let mut exchange = std::mem::take(&mut self.report);
        for settled in &mut exchange.settled {
            settled.ago_ms = now - settled.ago_ms;
        }
        // Of a ledger that is away nothing is asked before it has answered: what it grants later, none hears of.
        if asks && self.away.is_none() {
            // What waits for its turn keeps its place, and nothing is asked for ahead of it.
            let waits = missing.each(asked, |missing, asked| missing * asked.min(1));
            let wants = if due { missing } else { waits + others };
            let recently = waits == Cost::NONE && now < self.granted.0 + 1_000;
            let more = self.granted.1.times(2 * u32::from(recently));
            exchange.wants = wants.each(more, |missing, more| match missing {
                0 => 0,
                missing => missing.max(more.min(AHEAD)),
            });
        }
        self.number += 1;
        (exchange.number, exchange.answered) = (self.number, self.answered);
        if self.answered > 0 {
            exchange.at_ms = now.wrapping_add(self.ahead);
        }
        exchange.told_again = std::mem::take(&mut self.told_again) as u32;
        self.busy_until = now + 2 * ANSWERS_WITHIN.as_millis() as Ms;
        Some(exchange)
    }

    /// Gives back what is not used in time, or everything if it is not needed now, and says what is left.
    fn give_back(&mut self, now: Ms, everything: bool) -> Cost {
        let mut left = Cost::NONE;
        let settled = &mut self.report.settled;
        self.held.retain(|held| {
            let (lease, ago_ms, unused) = (held.id, now, held.left);
            let keep = now < held.until && !everything && unused != Cost::NONE;
            if keep {
                left = left + unused;
            } else if unused != Cost::NONE {
                settled.push(Settled {
                    lease,
                    ago_ms,
                    unused,
                    ..Settled::default()
                });
            }
            keep
        });
        left
    }

    /// Takes in an answer to what was asked at `asked_at`.
    fn answered(&mut self, asked_at: Ms, now: Ms, sent: &Exchange, answer: &Answer) {
        self.busy_until = now;
        if let Some(away) = self.away.take() {
            // The store may have forgotten what was sent before, and other processes, which have been waiting for it as
            // long at most, have not told yet what they sent meanwhile.
            let all_told = now + (now - away.since + SECOND).min(LONGEST_PAUSE);
            self.careful_until = all_told.max(away.since + MINUTE);
        }
        self.ahead = answer.now_ms.wrapping_sub(now);
        // A store that has forgotten hears of the others one by one.
        let known = self.processes.filter(|_| now < self.careful_until);
        self.processes = Some(answer.processes.max(known.unwrap_or(1)));
        self.sums = [answer.minute, answer.hour];
        self.leased = answer.leased;
        self.noted = answer.note.clone();
        // There was a refusal since, somewhere.
        let outdated = |lease: &&mut Lease| lease.id < answer.since;
        let outdated = self.held.iter_mut().filter(outdated);
        outdated.for_each(|lease| lease.until = now);
        // The next exchange has given up the lease of one that counted as lost.
        let is_last = sent.number == self.number;
        if is_last {
            self.answered = sent.number;
        }
        if answer.lease != 0 && is_last {
            self.granted = (now, answer.granted);
            let from_ms = answer.from_ms.min(ms(LONGEST));
            let from = now + from_ms;
            self.held.push_back(Lease {
                id: answer.lease,
                left: answer.granted,
                at_once: answer.at_once.unwrap_or(u32::MAX),
                under_way: 0,
                from,
                until: asked_at + from_ms + USED_WITHIN,
            });
        }
        if sent.wants != Cost::NONE {
            self.or_sooner = answer.or_sooner;
            let again = answer
                .again_ms
                .map_or(0, |wait| now + wait.min(ms(LONGEST)));
            let missing = sent.wants - answer.granted;
            self.again = (again, missing, answer.reason.unwrap_or_default());
        }
    }

    /// An exchange failed: keeps what it told for the next one.
    fn failed(&mut self, asked_at: Ms, now: Ms, mut sent: Exchange) {
        self.busy_until = now;
        let (since, tries) = self.away.map_or((now, 0), |it| (it.since, it.tries + 1));
        let next = now + (SECOND << tries.min(5)).min(LONGEST_PAUSE);
        self.away = Some(Away { since, tries, next });
        for settled in &mut sent.settled {
            settled.ago_ms = asked_at.saturating_sub(settled.ago_ms);
        }
        // One that counted as lost does not come before what was told since.
        let is_last = sent.number == self.number;
        self.told_again = if is_last { sent.settled.len() } else { 0 };
        let report = &mut self.report;
        sent.settled.append(&mut report.settled);
        sent.refusals.append(&mut report.refusals);
        (report.settled, report.refusals) = (sent.settled, sent.refusals);
        report.quota = report.quota.or(sent.quota);
        // The ledger ends them by itself, and meanwhile each process keeps to its share.
        self.held.clear();
        self.again = Default::default();
    }
}

impl Lease {
    fn is_full(&self) -> bool {
        self.under_way >= self.at_once
    }
}

/// The way to the ledger, for one identity.
pub(super) struct Link {
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) identity: Identity,
    /// The number of this process.
    pub(super) process: u32,
}

/// Makes an exchange, as a task: a future that nobody polls must not hold up others.
pub(super) fn spawn(line: Arc<Line>, asked_at: Ms, exchange: Exchange) {
    tokio::spawn(async move {
        let Some(Link {
            ledger, identity, ..
        }) = &line.link
        else {
            return;
        };
        let answer = match timeout(ANSWERS_WITHIN, ledger.exchange(*identity, &exchange)).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err("it does not answer in time".to_owned()),
        };
        let news = line.update(|tally, now| {
            let leases = tally.leases.as_mut()?;
            let was_away = leases.is_away();
            match answer {
                Ok(answer) => {
                    leases.answered(asked_at, now, &exchange, &answer);
                    tally.answered(now, &answer);
                    was_away.then_some(Ok(()))
                }
                Err(why) => {
                    leases.failed(asked_at, now, exchange);
                    if was_away {
                        return None;
                    }
                    tally.count_others(now);
                    Some(Err(why))
                }
            }
        });
        match news {
            Some(Ok(())) => {
                info!(target: "octoseal", { octoseal.identity = %identity }, "ledger back");
            }
            Some(Err(why)) => {
                warn!(target: "octoseal", { octoseal.identity = %identity, octoseal.why = why }, "ledger away");
            }
            None => {}
        }
        line.ring_all();
        line.told.notify_waiters();
    });
}
