//! Requests under way: from when they leave the caller until the reply is there, or the caller loses patience.

use std::collections::HashMap;

use crate::github::GitHub;
use crate::traffic::identity::Identity;

/// What the server knows of the requests under way.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    last: u64,
    under_way: HashMap<u64, Arrived>,
    most: u32,
}

/// What became known of a request when it arrived.
#[derive(Debug, Default)]
struct Arrived {
    /// The identity that it is counted for.
    identity: Option<Identity>,
    /// The scope that it writes to.
    writes_to: Option<String>,
}

impl Flights {
    /// The most requests that were under way at once.
    pub(crate) fn most(&self) -> u32 {
        self.most
    }

    pub(crate) fn forget_most(&mut self) {
        self.most = self.under_way.len() as u32;
    }

    /// Whether a write to this scope has arrived and is still under way.
    pub(crate) fn writing_to(&self, scope: &str) -> bool {
        let mut arrived = self.under_way.values();
        arrived.any(|arrived| arrived.writes_to.as_deref() == Some(scope))
    }

    pub(crate) fn write(&mut self, flight: Option<u64>, scope: String) {
        if let Some(arrived) = flight.and_then(|id| self.under_way.get_mut(&id)) {
            arrived.writes_to = Some(scope);
        }
    }

    /// Notes the identity that a request is counted for. Says whether the request is under way.
    pub(crate) fn count(&mut self, flight: Option<u64>, identity: &Identity) -> bool {
        let arrived = flight.and_then(|id| self.under_way.get_mut(&id));
        arrived
            .map(|arrived| arrived.identity = Some(identity.clone()))
            .is_some()
    }
}

impl GitHub {
    /// Counts a request as under way until the returned value is dropped.
    pub(crate) fn flight(&self) -> Flight<'_> {
        let mut state = self.state();
        let flights = &mut state.flights;
        flights.last += 1;
        let id = flights.last;
        flights.under_way.insert(id, Arrived::default());
        flights.most = flights.most.max(flights.under_way.len() as u32);
        Flight { github: self, id }
    }
}

/// A request under way.
pub(crate) struct Flight<'a> {
    github: &'a GitHub,
    pub(crate) id: u64,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut state = self.github.state();
        let arrived = state.flights.under_way.remove(&self.id);
        if let Some(identity) = arrived.and_then(|arrived| arrived.identity) {
            state.limiter.finish(&identity);
        }
    }
}
