//! GitHub's limits on traffic, as documented, and the refusals that follow.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use http::Method;
use http::header::HeaderMap;

use crate::errors;
use crate::reply::Refusal;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// The limits that [`GitHub::set_limits`](crate::GitHub::set_limits) enforces. Each is per caller: a user's tokens, or one
/// installation of an App; only requests under way are counted for all callers together. `None` leaves a limit out.
///
/// Windows slide: a limit of 80 a minute holds for every span of sixty seconds, wherever it begins, so a schedule that
/// passes here passes any way of counting minutes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Requests under way at once.
    pub concurrent: Option<u32>,
    /// Points in a minute: a GET costs 1, everything that writes 5.
    pub points_a_minute: Option<u32>,
    /// Requests in a minute that create content: POST, PUT and PATCH.
    pub content_a_minute: Option<u32>,
    /// Requests in an hour that create content.
    pub content_an_hour: Option<u32>,
    /// The least time between two writes.
    pub between_writes: Option<Duration>,
    /// Requests in the hour that begins with the first: the primary limit, which every reply's headers count.
    pub requests_an_hour: Option<u32>,
    /// The status of a refusal, 403 or 429. GitHub documents both.
    pub status: u16,
    /// Whether a secondary refusal says in `retry-after` how long to wait.
    pub retry_after: bool,
    /// How long after a secondary refusal everything is refused.
    pub penalty: Duration,
}

impl Limits {
    /// The limits that GitHub documents for one user, the ones on content included. One second between writes is
    /// advice rather than a limit, and left out.
    pub fn documented() -> Self {
        Self {
            concurrent: Some(100),
            points_a_minute: Some(900),
            content_a_minute: Some(80),
            content_an_hour: Some(500),
            between_writes: None,
            requests_an_hour: Some(5_000),
            status: 403,
            retry_after: true,
            penalty: MINUTE,
        }
    }

    /// No limit at all: a place to start from.
    pub fn none() -> Self {
        Self {
            concurrent: None,
            points_a_minute: None,
            content_a_minute: None,
            content_an_hour: None,
            between_writes: None,
            requests_an_hour: None,
            ..Self::documented()
        }
    }
}

/// The primary limit that headers speak of while none is enforced.
const USUAL_REQUESTS_AN_HOUR: u32 = 5_000;

#[derive(Debug, Default)]
pub(crate) struct Limiter {
    rules: Option<Limits>,
    callers: HashMap<String, Meter>,
    refusals: u64,
}

/// What one caller has used.
#[derive(Debug, Default)]
struct Meter {
    points: Window,
    content_minute: Window,
    content_hour: Window,
    last_write: Option<Duration>,
    closed_until: Duration,
    used: u32,
    reset: Duration,
}

/// Amounts spent within the last span of time.
#[derive(Debug, Default)]
struct Window {
    spent: VecDeque<(Duration, u32)>,
    sum: u32,
}

impl Window {
    fn has_room(&mut self, now: Duration, span: Duration, limit: Option<u32>, cost: u32) -> bool {
        while let Some((at, amount)) = self
            .spent
            .front()
            .copied()
            .filter(|(at, _)| *at + span <= now)
        {
            debug_assert!(at <= now);
            self.sum -= amount;
            self.spent.pop_front();
        }
        limit.is_none_or(|limit| self.sum + cost <= limit)
    }

    fn spend(&mut self, now: Duration, cost: u32) {
        self.sum += cost;
        self.spent.push_back((now, cost));
    }
}

impl Limiter {
    pub(crate) fn set(&mut self, rules: Option<Limits>) {
        *self = Self {
            rules,
            ..Self::default()
        };
    }

    pub(crate) fn refusals(&self) -> u64 {
        self.refusals
    }

    /// Counts a request, or refuses it. `under_way` includes the request itself.
    pub(crate) fn admit(
        &mut self,
        now: Duration,
        caller: &str,
        method: &Method,
        under_way: u32,
    ) -> Result<(), Refusal> {
        let meter = match self.callers.get_mut(caller) {
            Some(meter) => meter,
            None => self.callers.entry(caller.to_owned()).or_default(),
        };
        if meter.reset <= now {
            meter.used = 0;
            meter.reset = now + HOUR;
        }
        let Some(rules) = &self.rules else {
            // Only decoration then: the counters never run out.
            meter.used = (meter.used + 1).min(USUAL_REQUESTS_AN_HOUR / 2);
            return Ok(());
        };
        if rules
            .requests_an_hour
            .is_some_and(|limit| meter.used >= limit)
        {
            self.refusals += 1;
            return Err(Refusal {
                status: status(rules),
                ..errors::primary_limit()
            });
        }
        let writes = *method != Method::GET && *method != Method::HEAD;
        let creates = writes && *method != Method::DELETE;
        let (points, content) = (if writes { 5 } else { 1 }, u32::from(creates));
        let refused = now < meter.closed_until
            || rules.concurrent.is_some_and(|limit| under_way > limit)
            || !meter
                .points
                .has_room(now, MINUTE, rules.points_a_minute, points)
            || (creates
                && !meter
                    .content_minute
                    .has_room(now, MINUTE, rules.content_a_minute, content))
            || (creates
                && !meter
                    .content_hour
                    .has_room(now, HOUR, rules.content_an_hour, content))
            || (writes && too_soon(rules.between_writes, meter.last_write, now));
        if refused {
            self.refusals += 1;
            if meter.closed_until <= now {
                meter.closed_until = now + rules.penalty;
            }
            let left = meter.closed_until - now;
            let refusal = Refusal {
                status: status(rules),
                ..errors::secondary_limit()
            };
            return Err(if rules.retry_after {
                refusal.header("retry-after", left.as_millis().div_ceil(1_000).to_string())
            } else {
                refusal
            });
        }
        meter.used += 1;
        meter.points.spend(now, points);
        if creates {
            meter.content_minute.spend(now, content);
            meter.content_hour.spend(now, content);
        }
        if writes {
            meter.last_write = Some(now);
        }
        Ok(())
    }

    /// What is left of a caller's primary limit: limit, remaining, used and the reset in epoch seconds.
    pub(crate) fn quota(&self, now: Duration, caller: &str) -> Quota {
        let limit = self
            .rules
            .as_ref()
            .and_then(|rules| rules.requests_an_hour)
            .unwrap_or(USUAL_REQUESTS_AN_HOUR);
        let (used, reset) = match self.callers.get(caller) {
            Some(meter) if meter.reset > now => (meter.used, meter.reset),
            _ => (0, now + HOUR),
        };
        Quota {
            limit,
            remaining: limit.saturating_sub(used),
            used,
            reset: reset.as_secs(),
        }
    }
}

/// The numbers of the `x-ratelimit-*` headers.
pub(crate) struct Quota {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    pub(crate) used: u32,
    pub(crate) reset: u64,
}

impl Quota {
    /// Writes the headers, except those that somebody has set already.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let numbers: [(&'static str, u64); 4] = [
            ("x-ratelimit-limit", self.limit.into()),
            ("x-ratelimit-remaining", self.remaining.into()),
            ("x-ratelimit-used", self.used.into()),
            ("x-ratelimit-reset", self.reset),
        ];
        for (name, number) in numbers {
            headers.entry(name).or_insert_with(|| number.into());
        }
        headers
            .entry("x-ratelimit-resource")
            .or_insert_with(|| http::HeaderValue::from_static("core"));
    }
}

fn status(rules: &Limits) -> http::StatusCode {
    http::StatusCode::from_u16(rules.status).unwrap_or(http::StatusCode::FORBIDDEN)
}

fn too_soon(between: Option<Duration>, last: Option<Duration>, now: Duration) -> bool {
    between
        .zip(last)
        .is_some_and(|(between, last)| now < last + between)
}
