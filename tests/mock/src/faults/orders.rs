//! Faults that were ordered, and which of them strikes a request.

use std::time::Duration;

use bytes::Bytes;
use http::Request;

use crate::answer::routes;
use crate::faults::Fault;
use crate::faults::effect::Strike;
use crate::traffic::identity::Identity;

#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Ordered>);

#[derive(Debug)]
struct Ordered {
    fault: Fault,
    from: Duration,
    until: Duration,
    skip: u64,
    /// How many requests it may still strike.
    left: u64,
    /// How many it has to strike for what was ordered to have happened.
    owed: u64,
}

/// What is known of a request before it is worked on.
pub(crate) struct Arrival<'a> {
    pub(crate) now: Duration,
    pub(crate) request: &'a Request<Bytes>,
    pub(crate) identity: Option<&'a Identity>,
    /// How long ago its token was given.
    pub(crate) token_age: Option<Duration>,
    /// It is a write, and another one to the same scope is under way.
    pub(crate) overlaps: bool,
}

impl Faults {
    pub(crate) fn order(&mut self, now: Duration, fault: Fault) {
        let from = now.saturating_add(fault.starting_in);
        let until = fault
            .lasting
            .map_or(Duration::MAX, |length| from.saturating_add(length));
        let once = if fault.lasting.is_some() { u64::MAX } else { 1 };
        let left = fault.times.unwrap_or(once);
        self.0.push(Ordered {
            from,
            until,
            skip: fault.skip,
            left,
            owed: if left == u64::MAX { 1 } else { left },
            fault,
        });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn pending(&self) -> Vec<Fault> {
        let pending = self.0.iter().filter(|ordered| ordered.owed > 0);
        pending.map(|ordered| ordered.fault.clone()).collect()
    }

    /// The first fault that fits the request, counted down.
    pub(crate) fn strike(&mut self, arrival: &Arrival<'_>) -> Strike {
        self.0.retain(|ordered| ordered.left > 0);
        for ordered in &mut self.0 {
            if !(ordered.from..ordered.until).contains(&arrival.now) || !ordered.fault.fits(arrival)
            {
                continue;
            }
            if ordered.skip > 0 {
                ordered.skip -= 1;
                continue;
            }
            ordered.left -= 1;
            ordered.owed = ordered.owed.saturating_sub(1);
            return Strike::of(&ordered.fault.effects);
        }
        Strike::default()
    }
}

impl Fault {
    fn fits(&self, arrival: &Arrival<'_>) -> bool {
        let path = routes::split_prefix(arrival.request.uri().path()).1;
        let young = |limit: Duration| arrival.token_age.is_some_and(|age| age < limit);
        self.method
            .as_ref()
            .is_none_or(|method| method == arrival.request.method())
            && self.path.as_deref().is_none_or(|part| path.contains(part))
            && self
                .identity
                .as_ref()
                .is_none_or(|identity| Some(identity) == arrival.identity)
            && self.token_younger_than.is_none_or(young)
            && (!self.overlapping || arrival.overlaps)
    }
}
