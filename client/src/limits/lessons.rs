//! Lessons from refusals, and from requests that passed.

use serde::{Deserialize, Serialize};

use super::cost::Cost;
use super::ledger::Sums;
use super::log::{Ms, Rule};
use super::pacing::Pacing;
use super::signals::Cause;

const MINUTE_MS: Ms = 60_000;
const HOUR_MS: Ms = 60 * MINUTE_MS;
const DAY_MS: Ms = 24 * HOUR_MS;

/// Requests that change something and may be under way at once, beyond a limit that GitHub may not keep.
const WALKERS: u32 = 5;

// Units of one request of each kind, in the limits on points, on content and on changes.
const POINTS: Cost = Cost::new(1, 5, 5);
const CONTENT: Cost = Cost::CONTENT;
const CHANGES: Cost = Cost::new(0, 1, 1);

/// GitHub's documented limit, up to which points explain a refusal even if no limit on them is set.
const DOCUMENTED_POINTS_PER_MINUTE: u32 = 900;

/// A server's own limit on points is never taken to be lower: one write in twelve seconds.
const LEAST_POINTS_PER_MINUTE: u32 = 25;

/// The lessons of an identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lessons {
    /// Every write counts as content.
    content: Lesson,
    /// The server's limit on points is lower than documented.
    tight: Lesson,
    /// The points that had passed in the minute before `tight` was learnt.
    tight_points: u32,
    /// How many requests of the last burst were refused.
    refused: u32,
    /// The most changes that were seen to pass in a minute, and in an hour.
    passed: [u32; 2],
    passed_at: Ms,
    /// The instant of the last refusal that was learnt from. Of two processes' lessons, the later replace the others.
    pub(super) learnt_at: Ms,
}

/// Something that holds for a while, and longer each time it is learnt again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Lesson {
    until: Ms,
    length: Ms,
    times: u32,
}

impl Lesson {
    fn learn(&mut self, now: Ms, first: Ms) {
        // A lesson is forgotten after as long a time without a refusal as it had held.
        if now > self.until.saturating_add(self.length) {
            *self = Self::default();
        }
        if !self.holds(now) {
            self.length = self.length.saturating_mul(2).clamp(first, DAY_MS);
        }
        self.times = self.times.saturating_add(1);
        self.until = now + self.length;
    }

    fn holds(&self, now: Ms) -> bool {
        now < self.until
    }

    fn learnt_at(&self) -> Ms {
        self.until.saturating_sub(self.length)
    }
}

/// A lesson that a caller may want to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Learnt {
    /// Every write of this identity counts as content, for an hour or longer.
    WritesAreContent,
    /// The server's limit on points is lower than documented: what had passed is kept to, for ten minutes or longer.
    FewerPoints,
}

impl Lessons {
    /// The limits that hold now.
    pub(super) fn rules(&self, now: Ms, pacing: &Pacing) -> [Rule; 6] {
        let rule = |hourly, weights, most: Option<u32>, walkers| Rule {
            hourly,
            weights,
            most: most.unwrap_or(u32::MAX).max(1),
            walkers,
        };
        let all = self.writes_are_content(now, pacing);
        let recently = now < self.passed_at.saturating_add(DAY_MS);
        let changes = |hourly, most: Option<u32>| {
            let passed = self.passed[usize::from(hourly)];
            match most.filter(|_| !all) {
                Some(most) if recently => {
                    rule(hourly, CHANGES, Some(most.max(passed)), Some(WALKERS))
                }
                Some(most) => rule(hourly, CHANGES, Some(most), Some(WALKERS)),
                None => rule(hourly, CHANGES, most, None),
            }
        };
        let tight = self
            .is_tight()
            .then_some(self.tight_points.max(LEAST_POINTS_PER_MINUTE));
        let kept = tight.filter(|_| self.tight.holds(now));
        let tried = tight.filter(|_| now < self.tight.until.saturating_add(self.tight.length));
        let points = [pacing.points_per_minute, kept].into_iter().flatten().min();
        [
            rule(false, POINTS, points, None),
            rule(false, POINTS, tried, Some(WALKERS)),
            rule(false, CONTENT, pacing.content_per_minute, None),
            rule(true, CONTENT, pacing.content_per_hour, None),
            changes(false, pacing.content_per_minute),
            changes(true, pacing.content_per_hour),
        ]
    }

    /// Learns from the first refusal of a burst, with what had been sent and had passed in the last minute and hour.
    pub(super) fn learn_from_refusal(
        &mut self,
        now: Ms,
        cause: Cause,
        [minute, hour]: [Sums; 2],
        pacing: &Pacing,
    ) -> Option<Learnt> {
        if !matches!(cause, Cause::Traffic | Cause::Content) {
            return None;
        }
        self.learnt_at = now;
        let points = pacing
            .points_per_minute
            .unwrap_or(DOCUMENTED_POINTS_PER_MINUTE);
        let points = points.min(DOCUMENTED_POINTS_PER_MINUTE);
        // Nine tenths of the limit, since other programs may have used the rest.
        let by_points = minute.spent.weighed(POINTS) >= points - points / 10;
        let known = self.writes_are_content(now, pacing);
        let limits = [pacing.content_per_minute, pacing.content_per_hour];
        let beyond = |sums: Sums, limit: Option<u32>| {
            limit.is_some_and(|most| sums.spent.changes() > most && sums.passed.changes() <= most)
        };
        let by_content = !known && (beyond(minute, limits[0]) || beyond(hour, limits[1]));
        // A refusal for content although writes were paced as content tells of a lower limit, too.
        let lower = match cause {
            Cause::Content => known,
            _ => !by_content,
        };
        if lower {
            self.tight.learn(now, 10 * MINUTE_MS);
            (self.tight_points, self.refused) = (minute.passed.weighed(POINTS), 0);
        }
        if limits != [None; 2] && !known && (cause == Cause::Content || !by_points) {
            self.content.learn(now, HOUR_MS);
            self.passed = [0; 2];
        }
        let fewer = self.count_refusal(cause);
        let news = !known && self.writes_are_content(now, pacing);
        news.then_some(Learnt::WritesAreContent).or(fewer)
    }

    /// Counts one more refusal of the burst, and says what is learnt by it.
    pub(super) fn count_refusal(&mut self, cause: Cause) -> Option<Learnt> {
        let known = self.is_tight();
        let one = u32::from(matches!(cause, Cause::Traffic | Cause::Content));
        self.refused = self.refused.saturating_add(one);
        (!known && self.is_tight()).then_some(Learnt::FewerPoints)
    }

    fn writes_are_content(&self, now: Ms, pacing: &Pacing) -> bool {
        // Of two lessons from one refusal, fewer points explain it once that is clear.
        let explained = self.is_tight() && self.tight.learnt_at() == self.content.learnt_at();
        pacing.writes_are_content || self.content.holds(now) && !explained
    }

    /// Whether the server's limit on points is taken to be lower: on a few refusals alone, other programs' requests may
    /// have used it up.
    fn is_tight(&self) -> bool {
        let is_clear = self.refused >= 3 && self.tight_points >= 2 * LEAST_POINTS_PER_MINUTE;
        self.tight.times >= 2 || self.tight.times == 1 && is_clear
    }

    /// Learns from what has passed in the last minute and hour; `late` of it had been sent before the last refusal.
    pub(super) fn learn_from_passed(&mut self, now: Ms, minute: Cost, hour: Cost, late: Cost) {
        let before = self.passed;
        self.passed = [
            minute.changes().max(before[0]),
            hour.changes().max(before[1]),
        ];
        if minute.changes() >= before[0] || hour.changes() >= before[1] {
            self.passed_at = now;
        }
        if now < self.learnt_at.saturating_add(MINUTE_MS) {
            self.tight_points = self.tight_points.saturating_add(late.weighed(POINTS));
        } else if !self.tight.holds(now) {
            self.tight_points = self.tight_points.max(minute.weighed(POINTS));
        }
    }

    /// Takes over what another process has learnt.
    pub(super) fn merge(&mut self, other: Self) {
        let passed = [0, 1].map(|n| self.passed[n].max(other.passed[n]));
        if other.learnt_at > self.learnt_at {
            *self = other;
        } else if other.learnt_at == self.learnt_at {
            self.passed = passed;
            self.passed_at = self.passed_at.max(other.passed_at);
        }
    }
}
