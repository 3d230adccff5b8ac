//! Counting requests against the limits, and refusing them.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use http::header::HeaderMap;
use http::{Method, StatusCode};

use crate::answer::errors;
use crate::answer::reply::Refusal;
use crate::traffic::identity::Identity;
use crate::traffic::limits::{ExceededLimit, HOUR, Limits, MINUTE, Usage};

/// The primary limit that headers speak of while none is enforced.
const USUAL_REQUESTS_AN_HOUR: u32 = 5_000;

#[derive(Debug, Default)]
pub(crate) struct Limiter {
    limits: Option<Limits>,
    /// Limits that hold for one identity instead.
    own: HashMap<Identity, Option<Limits>>,
    meters: HashMap<Identity, Meter>,
}

/// What one identity has used.
#[derive(Debug, Default)]
struct Meter {
    points: Window,
    content_minute: Window,
    content_hour: Window,
    last_write: Option<Duration>,
    closed_until: Duration,
    used: u32,
    reset: Duration,
    under_way: u32,
    usage: Usage,
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

/// What a request costs.
#[derive(Clone, Copy)]
struct Cost {
    points: u32,
    content: u32,
    writes: bool,
}

impl Cost {
    fn of(method: &Method) -> Self {
        let writes = *method != Method::GET && *method != Method::HEAD;
        Self {
            points: if writes { 5 } else { 1 },
            content: u32::from(writes && *method != Method::DELETE),
            writes,
        }
    }
}

impl Meter {
    /// The secondary limit that a request runs into.
    fn exceeded(&mut self, now: Duration, limits: &Limits, cost: Cost) -> Option<ExceededLimit> {
        let content = |window: &mut Window, span, limit| {
            cost.content == 0 || window.has_room(now, span, limit, cost.content)
        };
        if now < self.closed_until {
            Some(ExceededLimit::Penalty)
        } else if limits.concurrent.is_some_and(|most| self.under_way >= most) {
            Some(ExceededLimit::Concurrent)
        } else if !self
            .points
            .has_room(now, MINUTE, limits.points_a_minute, cost.points)
        {
            Some(ExceededLimit::Points)
        } else if !content(&mut self.content_minute, MINUTE, limits.content_a_minute)
            || !content(&mut self.content_hour, HOUR, limits.content_an_hour)
        {
            Some(ExceededLimit::Content)
        } else if cost.writes && too_soon(limits.between_writes, self.last_write, now) {
            Some(ExceededLimit::BetweenWrites)
        } else {
            None
        }
    }

    fn spend(&mut self, now: Duration, cost: Cost) {
        self.used = self.used.saturating_add(1);
        self.points.spend(now, cost.points);
        if cost.content > 0 {
            self.content_minute.spend(now, cost.content);
            self.content_hour.spend(now, cost.content);
        }
        if cost.writes {
            self.last_write = Some(now);
        }
    }

    fn note(&mut self, cost: Cost) {
        self.usage.admitted += 1;
        self.usage.writes += u64::from(cost.writes);
        self.usage.points += u64::from(cost.points);
    }

    fn begin_hour(&mut self, now: Duration) {
        if self.reset <= now {
            (self.used, self.reset) = (0, now + HOUR);
        }
    }
}

impl Limiter {
    /// Enforces other limits from now on, with nothing used up.
    pub(crate) fn set(&mut self, limits: Option<Limits>) {
        let under_way = std::mem::take(&mut self.meters)
            .into_iter()
            .map(|(identity, meter)| {
                let under_way = meter.under_way;
                (
                    identity,
                    Meter {
                        under_way,
                        ..Meter::default()
                    },
                )
            })
            .collect();
        *self = Self {
            limits,
            own: HashMap::new(),
            meters: under_way,
        };
    }

    pub(crate) fn set_own(&mut self, identity: Identity, limits: Option<Limits>) {
        self.own.insert(identity, limits);
    }

    /// Counts requests as made already, until the primary limit comes back so long from now.
    pub(crate) fn use_quota(
        &mut self,
        now: Duration,
        identity: &Identity,
        requests: u32,
        reset_in: Duration,
    ) {
        let most = self.requests_an_hour(identity);
        let meter = self.meter(identity);
        meter.begin_hour(now);
        meter.used = meter.used.saturating_add(requests).min(most);
        meter.reset = now + reset_in;
    }

    pub(crate) fn usage(&self, identity: &Identity) -> Usage {
        let meter = self.meters.get(identity);
        meter.map(|meter| meter.usage).unwrap_or_default()
    }

    /// The identities that requests were counted for, in order.
    pub(crate) fn identities(&self) -> Vec<Identity> {
        let seen = |meter: &Meter| meter.usage.admitted + meter.usage.refused > 0;
        let mut identities: Vec<_> = self
            .meters
            .iter()
            .filter(|(_, meter)| seen(meter))
            .map(|(identity, _)| identity.clone())
            .collect();
        identities.sort();
        identities
    }

    pub(crate) fn refusals(&self) -> u64 {
        self.meters.values().map(|meter| meter.usage.refused).sum()
    }

    /// Forgets what was used, and not what the limits have counted.
    pub(crate) fn clear_usage(&mut self) {
        for meter in self.meters.values_mut() {
            meter.usage = Usage {
                most_under_way: meter.under_way,
                ..Usage::default()
            };
        }
    }

    /// Counts a request, or refuses it.
    pub(crate) fn admit(
        &mut self,
        now: Duration,
        identity: &Identity,
        method: &Method,
    ) -> Result<(), (ExceededLimit, Refusal)> {
        let limits = match self.own.get(identity) {
            Some(own) => own.clone(),
            None => self.limits.clone(),
        };
        let cost = Cost::of(method);
        let meter = self.meter(identity);
        meter.begin_hour(now);
        let Some(limits) = limits else {
            // Only decoration then: the counters never run out.
            meter.used = (meter.used + 1).min(USUAL_REQUESTS_AN_HOUR / 2);
            meter.note(cost);
            return Ok(());
        };
        let refused = if limits
            .requests_an_hour
            .is_some_and(|most| meter.used >= most)
        {
            Some((ExceededLimit::Requests, errors::primary_limit(identity)))
        } else {
            let exceeded = meter.exceeded(now, &limits, cost);
            exceeded.map(|exceeded| (exceeded, secondary(now, &limits, meter, exceeded)))
        };
        if let Some((exceeded, refusal)) = refused {
            meter.usage.refused += 1;
            let status = StatusCode::from_u16(limits.status).unwrap_or(StatusCode::FORBIDDEN);
            return Err((exceeded, Refusal { status, ..refusal }));
        }
        meter.spend(now, cost);
        meter.note(cost);
        Ok(())
    }

    /// Counts an admitted request as under way, until it is [finished](Self::finish).
    pub(crate) fn begin(&mut self, identity: &Identity) {
        let meter = self.meter(identity);
        meter.under_way += 1;
        meter.usage.most_under_way = meter.usage.most_under_way.max(meter.under_way);
    }

    pub(crate) fn finish(&mut self, identity: &Identity) {
        let meter = self.meter(identity);
        meter.under_way = meter.under_way.saturating_sub(1);
    }

    /// What is left of an identity's primary limit.
    pub(crate) fn quota(&self, now: Duration, identity: &Identity) -> Quota {
        let limit = self.requests_an_hour(identity);
        let (used, reset) = match self.meters.get(identity) {
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

    fn requests_an_hour(&self, identity: &Identity) -> u32 {
        let limits = self.own.get(identity).unwrap_or(&self.limits);
        let most = limits.as_ref().and_then(|limits| limits.requests_an_hour);
        most.unwrap_or(USUAL_REQUESTS_AN_HOUR)
    }

    fn meter(&mut self, identity: &Identity) -> &mut Meter {
        // An identity is cloned when it is met first, not for every request.
        if !self.meters.contains_key(identity) {
            self.meters.insert(identity.clone(), Meter::default());
        }
        self.meters.get_mut(identity).expect("just inserted")
    }
}

/// A refusal by a secondary limit, which closes the identity for the penalty.
fn secondary(
    now: Duration,
    limits: &Limits,
    meter: &mut Meter,
    exceeded: ExceededLimit,
) -> Refusal {
    if meter.closed_until <= now {
        meter.closed_until = now + limits.penalty;
    }
    let left = meter.closed_until - now;
    let refusal = match exceeded {
        ExceededLimit::Content => errors::content_limit(),
        _ => errors::secondary_limit(),
    };
    if limits.retry_after {
        refusal.header("retry-after", left.as_millis().div_ceil(1_000).to_string())
    } else {
        refusal
    }
}

fn too_soon(between: Option<Duration>, last: Option<Duration>, now: Duration) -> bool {
    between
        .zip(last)
        .is_some_and(|(between, last)| now < last + between)
}

/// The numbers of the `x-ratelimit-*` headers.
pub(crate) struct Quota {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    pub(crate) used: u32,
    pub(crate) reset: u64,
}

impl Quota {
    /// Writes the headers, except those that are set already.
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
