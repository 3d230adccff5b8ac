//! The requests of the last minute or hour, and the limits on them.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::cost::Cost;

/// Milliseconds: a length of time, or an instant by some clock that never goes back.
pub(super) type Ms = u64;

/// A limit: a number of units in any span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Whether the span is an hour, and not a minute.
    pub hourly: bool,
    /// The units that one request of each kind takes.
    pub weights: Cost,
    /// Units in a span, at most.
    pub most: u32,
    /// For a limit that GitHub may not keep: how many requests that change something may be under way at once beyond
    /// it. `None` if nothing may exceed it.
    pub walkers: Option<u32>,
}

impl Rule {
    /// This limit for one of several processes that share it evenly.
    pub(super) fn shared_by(self, processes: u32) -> Self {
        let share = |most: u32| (most / processes).max(1);
        Self {
            most: share(self.most),
            walkers: self.walkers.map(share),
            ..self
        }
    }
}

/// Requests that ended within the last span of time.
///
/// Those within 1/240 of the span are one entry, which ends with the last of them: there are some 240 entries at most.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) span: Ms,
    /// The oldest first.
    entries: VecDeque<Entry>,
    /// All requests that GitHub may have counted.
    pub(super) spent: Cost,
    /// Those of them that were answered without a refusal.
    pub(super) passed: Cost,
}

#[derive(Debug)]
struct Entry {
    first: Ms,
    last: Ms,
    spent: Cost,
    passed: Cost,
}

impl Log {
    pub(super) fn new(span: Ms) -> Self {
        Self {
            // Half a percent longer, since GitHub's clock may run slower than this one.
            span: span + span / 200,
            entries: VecDeque::new(),
            spent: Cost::NONE,
            passed: Cost::NONE,
        }
    }

    /// Forgets what is older than the span.
    pub(super) fn forget_old(&mut self, now: Ms) {
        while let Some(entry) = self.entries.front()
            && entry.last + self.span <= now
        {
            self.spent = self.spent - entry.spent;
            self.passed = self.passed - entry.passed;
            self.entries.pop_front();
        }
    }

    pub(super) fn add(&mut self, at: Ms, spent: Cost, passed: Cost) {
        self.spent = self.spent + spent;
        self.passed = self.passed + passed;
        let last = self.entries.back_mut();
        if let Some(entry) = last.filter(|entry| at < entry.first + self.span / 240) {
            entry.last = at;
            entry.spent = entry.spent + spent;
            entry.passed = entry.passed + passed;
            return;
        }
        self.entries.push_back(Entry {
            first: at,
            last: at,
            spent,
            passed,
        });
    }

    /// When this many units will have left the span; `None` if it has fewer.
    pub(super) fn free_at(&self, weights: Cost, units: u32) -> Option<Ms> {
        let mut free = Cost::NONE;
        let entry = self.entries.iter().find(|entry| {
            free = free + entry.spent;
            free.weighed(weights) >= units
        });
        entry.map(|entry| entry.last + self.span)
    }
}
