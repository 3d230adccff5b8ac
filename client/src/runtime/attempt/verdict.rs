//! The verdict on a failed attempt.

use std::time::Duration;

use super::{Attempts, MAX_ATTEMPTS_WITH_NEW_TOKENS};
use crate::auth::{AfterRefusal, Token, TokenRefusal};
use crate::limits::Leave;
use crate::runtime::proofs::Proof;
use crate::runtime::reply::{Class, Failure};
use crate::runtime::retry::{Next, Pause};

/// The pause before another attempt at a place that was just made.
const NEW_PLACE_PAUSE: Duration = Duration::from_secs(1);

impl Attempts<'_> {
    /// Tells a failure to the gate, and to the source of a refused token. Gives the next step, and the leave if the failure
    /// is final.
    pub(super) fn next_after(
        &self,
        failure: Failure,
        mut leave: Leave,
        token: &Token,
        proof: Proof<'_>,
    ) -> (Next, Option<Leave>) {
        let is_write = self.call.is_write();
        {
            let mut progress = self.progress();
            progress.maybe_applied |= failure.maybe_applied && is_write;
            progress.applied |= failure.applied;
        }
        match failure.class {
            Class::Limited(refusal) => {
                let stop = leave.close(refusal);
                self.runtime.observer.tell_limit(self.identity(), stop);
                self.progress().limited = Some(failure.error);
                return (Next::Again, None);
            }
            _ if failure.answered => leave.settle_answered(failure.quota),
            _ => {}
        }
        // By these, GitHub refuses concurrent changes of one place.
        if let Some(status) = failure.error.status().filter(|_| is_write) {
            leave.adapt_place(!matches!(status, 409 | 500 | 503));
        }
        let leave = Some(leave).filter(|_| failure.class == Class::Final);
        if failure.class == Class::TokenRefused {
            let pause = self.pause_for_new_token(&failure, token, proof);
            return (failure.then(pause.map(Pause::Fixed)), None);
        }
        if let Some(pause) = self.pause_for_young_token(&failure, token, &proof) {
            let is_missing = failure.error.is_not_found();
            // Calls that wait for the token asked for something else than what was refused here.
            let unknown = Failure::not_known_in_time();
            let told = match pause.is_zero() {
                true => &failure.error,
                false => &unknown.error,
            };
            // A token that was accepted elsewhere is good enough for other calls.
            let pause = match is_missing && !proof.is_first() {
                true => Some(pause),
                false => proof.refuse(told, AfterRefusal::AskAgain(pause)),
            };
            let failure = match is_missing && self.call.decides_a_write() {
                true => unknown,
                false => failure,
            };
            return (failure.then(pause.map(Pause::Fixed)), None);
        }
        // A failure on the way to GitHub, or a reply from there, says nothing of the token.
        if failure.class == Class::Final && !failure.error.is_unexpected_reply() {
            proof.accept();
        }
        if failure.error.is_githubs_not_found() && self.runtime.is_new_place(self.call.place) {
            return (failure.then(Some(Pause::Fixed(NEW_PLACE_PAUSE))), None);
        }
        let pause = match failure.class {
            Class::Transient if failure.maybe_applied && !self.call.is_repeatable() => None,
            Class::Transient => Some(Pause::Backoff),
            Class::Final | Class::Limited(_) | Class::TokenRefused => None,
        };
        (failure.then(pause), leave)
    }

    fn pause_for_new_token(
        &self,
        failure: &Failure,
        token: &Token,
        proof: Proof<'_>,
    ) -> Option<Duration> {
        let refusal = TokenRefusal {
            token,
            server_time: failure.server_time,
        };
        let audience = self.call.place.audience();
        let after = self.runtime.tokens.refused(audience, &refusal);
        let has_attempts = self.progress().made < MAX_ATTEMPTS_WITH_NEW_TOKENS;
        let pause = proof.refuse(&failure.error, after);
        pause.filter(|_| has_attempts)
    }

    fn pause_for_young_token(
        &self,
        failure: &Failure,
        token: &Token,
        proof: &Proof<'_>,
    ) -> Option<Duration> {
        let denied = matches!(failure.error.status(), Some(403 | 404));
        let is_githubs = !failure.error.is_unexpected_reply();
        let has_attempts = self.progress().made < MAX_ATTEMPTS_WITH_NEW_TOKENS;
        if !denied || !is_githubs || failure.class != Class::Final || !has_attempts {
            return None;
        }
        let tokens = &self.runtime.tokens;
        let is_first = proof.is_first() || self.call.decides_a_write();
        tokens.denied(token, &failure.error, is_first)
    }
}
