//! Context of a call's error: the action, the attempts, the outcome, and other calls that it would meet.

use super::Attempts;
use crate::auth::Audience;
use crate::error::{Applied, Error, ErrorKind, Reach};
use crate::runtime::wording;

impl Attempts<'_> {
    /// Adds to the error what was attempted, how often, whether it was applied, and which other calls it would meet.
    pub(in crate::runtime) fn explain(&self, mut error: Error) -> Error {
        let (call, progress) = (self.call, self.progress());
        if error.is_transport() || error.is_unexpected_reply() && error.message().is_none() {
            error = error.with_detail(&self.runtime.route);
        }
        if error.is_transient() && progress.made > 1 {
            let took = self.began.elapsed().as_secs_f64();
            error = error.with_detail(&format!("{} attempts in {took:.1} s", progress.made));
        }
        if error.is_permission() && error.status() == Some(403) {
            error = wording::with_needed(error, call.operation.permission().as_ref());
        }
        if error.kind() == ErrorKind::NotFound
            && let Some(hint) = call.place.hint_if_missing()
        {
            error = error.with_hint(hint);
        }
        if self.runtime.may_lack_prefix() && may_be_of_a_website(&error) {
            error = error.with_hint(
                "the API of an Enterprise Server is below /api/v3, which the base URL lacks",
            );
        }
        let applied = if progress.applied {
            Applied::Yes
        } else if progress.maybe_applied {
            Applied::Unknown
        } else {
            Applied::No
        };
        let reach = if *error.reach() == Reach::Everyone
            || error.is_tls()
            || error.is_unauthorized() && self.runtime.tokens.is_shared()
        {
            Reach::Everyone
        } else if error.is_unauthorized() {
            Reach::Owner(call.place.audience().owner.map(str::to_owned))
        } else if error.is_permission() && call.place.is_scope() {
            Reach::Scope
        } else {
            error.reach().clone()
        };
        error
            .with_reach(reach)
            .with_action(call.to_string())
            .with_applied(applied)
            .with_attempts(progress.made)
    }

    /// Which other calls would fail too, if the source has no token for this one.
    pub(super) fn reach_of_missing_token(&self) -> Reach {
        let Audience {
            owner, repository, ..
        } = self.call.place.audience();
        if !self.call.place.is_scope() {
            Reach::Secret
        } else if repository.is_some() {
            Reach::Scope
        } else {
            Reach::Owner(owner.map(str::to_owned))
        }
    }
}

/// Whether a website may have answered, and not the API, which gives each refusal a message.
fn may_be_of_a_website(error: &Error) -> bool {
    let refuses = error.is_not_found() || error.is_validation() || error.is_redirect();
    error.message().is_none() && (refuses || error.is_unexpected_reply())
}
