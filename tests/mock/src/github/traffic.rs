//! What comes in: the limits on it, how long it travels, and what was counted.

use std::time::Duration;

use super::GitHub;
use crate::traffic::identity::Identity;
use crate::traffic::limits::{Limits, Usage};
use crate::traffic::recorded::Recorded;

impl GitHub {
    /// Enforces limits on traffic for every identity, with nothing used up yet; `None` enforces none.
    pub fn set_limits(&self, limits: impl Into<Option<Limits>>) {
        self.state().limiter.set(limits.into());
    }

    /// Enforces other limits for one identity than for the others. [`set_limits`](Self::set_limits) takes that back.
    pub fn set_limits_of(&self, identity: &Identity, limits: impl Into<Option<Limits>>) {
        let limiter = &mut self.state().limiter;
        limiter.set_own(identity.clone(), limits.into());
    }

    /// Uses up the hour's requests of an identity, as another program of the same user would: so many of them, and they
    /// come back so long from now.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use octoseal_mock::{GitHub, Identity, Limits};
    ///
    /// let github = GitHub::new();
    /// github.set_limits(Limits::documented());
    /// github.use_quota(&Identity::Installation(41_000_001), 5_000, Duration::from_secs(600));
    /// ```
    pub fn use_quota(&self, identity: &Identity, requests: u32, reset_in: Duration) {
        let now = self.now();
        let limiter = &mut self.state().limiter;
        limiter.use_quota(now, identity, requests, reset_in);
    }

    /// What an identity has used, as the limits count. What faults answered is not among it.
    pub fn usage(&self, identity: &Identity) -> Usage {
        self.state().limiter.usage(identity)
    }

    /// The identities that were counted.
    pub fn identities(&self) -> Vec<Identity> {
        self.state().limiter.identities()
    }

    /// How many requests the limits have refused, of all identities.
    pub fn refusals(&self) -> u64 {
        self.state().limiter.refusals()
    }

    /// Lets every request from now on travel this long, there and back together.
    pub fn set_latency(&self, latency: Duration) {
        self.configure(|settings| settings.latency = latency);
    }

    /// The requests that came, oldest first, as many as
    /// [`Settings::remembered_requests`](crate::Settings::remembered_requests) says.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state().log.kept()
    }

    /// How many requests came, remembered or not.
    pub fn request_count(&self) -> u64 {
        self.state().log.total()
    }

    /// Forgets the requests that came, the most that were under way at once, and what was used. The limits' own counts
    /// stay.
    pub fn clear_requests(&self) {
        let mut state = self.state();
        state.log.clear();
        state.flights.forget_most();
        state.limiter.clear_usage();
    }

    /// The most requests that were under way at once.
    pub fn most_under_way(&self) -> u32 {
        self.state().flights.most()
    }
}
