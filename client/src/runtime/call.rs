//! A call: its place, its operation, and its cost.

use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hasher};

use octoseal_api::ResponseValue;
use octoseal_api::operations::{Cost as Marked, Operation};

use super::echo::echoes;
use crate::auth::{Audience, Token};
use crate::error::may_be_shown;
use crate::limits::Cost;

/// Where calls act, as an error names it.
pub(crate) trait Place: fmt::Display + Send + Sync {
    /// The account and repository that a call needs a token for.
    fn audience(&self) -> Audience<'_>;

    /// The hint for a `404` at this place, where the usual one does not fit.
    fn hint_if_missing(&self) -> Option<&'static str> {
        None
    }

    /// Whether this is a scope: a permission that is missing for one call here is missing for all.
    fn is_scope(&self) -> bool {
        true
    }
}

/// A number for a place, the same for all places whose text is the same.
pub(super) fn number_of(place: &dyn Place) -> u64 {
    struct Text(DefaultHasher);
    impl fmt::Write for Text {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.write(text.as_bytes());
            Ok(())
        }
    }
    let mut text = Text(DefaultHasher::new());
    // Hashing does not fail.
    let _ = write!(text, "{place}");
    text.0.finish()
}

/// A call, for limits, retries, errors and logs.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(super) place: &'a dyn Place,
    pub(super) doing: &'static str,
    pub(super) name: &'a str,
    pub(super) operation: Operation,
    repeatable: bool,
    /// Whether its reply is compared with the token.
    pub(super) keeps_token: bool,
    decides_a_write: bool,
}

impl<'a> Call<'a> {
    /// A call of `operation` at `place`. Errors say it as `doing` ("storing") and `name`, which may be empty: "storing
    /// TOKEN in the organization acme".
    pub(crate) fn new(
        place: &'a dyn Place,
        doing: &'static str,
        name: &'a str,
        operation: Operation,
    ) -> Self {
        Self {
            place,
            doing,
            name: if may_be_shown(name) { name } else { "" },
            operation,
            // Each POST creates something else.
            repeatable: operation.method != "POST",
            keeps_token: false,
            decides_a_write: false,
        }
    }

    /// The same, whose reply can tell whether a text of it [`echoes`](Answered::echoes) the token.
    pub(crate) fn keeping_token(mut self) -> Self {
        self.keeps_token = true;
        self
    }

    /// The same, where a `404` decides what is written.
    pub(crate) fn deciding_a_write(mut self) -> Self {
        self.decides_a_write = true;
        self
    }

    /// Whether a `404` decides what is written.
    pub(super) fn decides_a_write(&self) -> bool {
        self.decides_a_write
    }

    /// Allows another attempt even if the call may have been applied: what it makes twice does no harm.
    #[cfg(feature = "app")]
    pub(crate) fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Whether it changes something.
    pub(crate) fn is_write(&self) -> bool {
        self.operation.cost != Marked::Read
    }

    /// Whether it may be tried again when it may have been applied.
    pub(super) fn is_repeatable(&self) -> bool {
        self.repeatable || !self.is_write()
    }

    pub(super) fn cost(&self) -> Cost {
        cost(self.operation)
    }
}

/// The cost of a request, as GitHub's description marks its operation.
pub(crate) fn cost(operation: Operation) -> Cost {
    match operation.cost {
        Marked::Read => Cost::READ,
        Marked::Write => Cost::WRITE,
        Marked::Content => Cost::CONTENT,
    }
}

/// The reply to a call, and how many attempts it took.
pub(crate) struct Answered<T> {
    pub(crate) reply: ResponseValue<T>,
    pub(crate) attempts: u32,
    /// GitHub's id of the request that was answered.
    pub(crate) request_id: Option<String>,
    /// What was sent, if it was kept.
    pub(super) token: Option<Token>,
}

impl<T> Answered<T> {
    /// Whether a text of the reply holds the token or a piece of it.
    pub(crate) fn echoes(&self, text: &str) -> bool {
        let token = self.token.as_ref();
        token.is_some_and(|token| echoes(text, token.expose()))
    }

    pub(crate) fn into_inner(self) -> T {
        self.reply.into_inner()
    }
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            doing, name, place, ..
        } = self;
        if name.is_empty() {
            write!(f, "{doing} {place}")
        } else {
            write!(f, "{doing} {name} in {place}")
        }
    }
}

#[cfg(test)]
mod tests {
    use octoseal_api::operations::{PRIVATE_REGISTRIES_CREATE_ORG_PRIVATE_REGISTRY, REPOS_GET};

    use super::*;

    struct Here;

    impl fmt::Display for Here {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("here")
        }
    }

    impl Place for Here {
        fn audience(&self) -> Audience<'_> {
            Audience::new(None, None)
        }
    }

    #[test]
    fn a_mark_of_the_description_decides_what_a_call_costs_and_whether_it_writes() {
        for (mark, cost, is_write) in [
            (Marked::Read, Cost::READ, false),
            (Marked::Write, Cost::WRITE, true),
            (Marked::Content, Cost::CONTENT, true),
        ] {
            let mut operation = REPOS_GET;
            operation.cost = mark;
            let call = Call::new(&Here, "reading", "", operation);
            assert_eq!((call.cost(), call.is_write()), (cost, is_write));
        }
    }

    #[test]
    fn what_makes_something_new_each_time_is_not_repeatable() {
        let creating = PRIVATE_REGISTRIES_CREATE_ORG_PRIVATE_REGISTRY;
        let is_repeatable = |operation| Call::new(&Here, "", "", operation).is_repeatable();
        assert!(is_repeatable(REPOS_GET) && !is_repeatable(creating));
    }
}
