//! What a call is: where it acts, what it does, and what that changes.

use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hasher};

use octoseal_api::ResponseValue;

use crate::auth::Audience;
use crate::limits::Cost;

/// Where calls act, as an error names it.
pub(crate) trait Place: fmt::Display + Send + Sync {
    /// Whom a call needs a token for.
    fn audience(&self) -> Audience<'_>;

    /// Whether this is a scope: a permission that is missing for one call here is missing for all.
    fn is_scope(&self) -> bool {
        true
    }
}

/// A number for a place, the same for all that are called the same.
pub(super) fn number_of(place: &dyn Place) -> u64 {
    struct Text(DefaultHasher);
    impl fmt::Write for Text {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.write(text.as_bytes());
            Ok(())
        }
    }
    let mut text = Text(DefaultHasher::new());
    // Neither fails.
    let _ = write!(text, "{place}");
    text.0.finish()
}

/// What a request changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing.
    Read,
    /// The same when it is carried out twice as once.
    Write,
    /// Something new each time: tried again only if it surely was not carried out.
    Create,
}

impl Effect {
    pub(super) fn cost(self) -> Cost {
        match self {
            Self::Read => Cost::READ,
            Self::Write | Self::Create => Cost::WRITE,
        }
    }
}

/// What a call does, for limits, retries, errors and logs.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(super) place: &'a dyn Place,
    pub(super) doing: &'static str,
    pub(super) name: &'a str,
    pub(crate) effect: Effect,
}

impl<'a> Call<'a> {
    /// A call at `place` that does something, said as a verb form ("storing"), to what has this name there; the name
    /// of nothing in particular is empty.
    pub(crate) fn new(
        place: &'a dyn Place,
        doing: &'static str,
        name: &'a str,
        effect: Effect,
    ) -> Self {
        Self {
            place,
            doing,
            name,
            effect,
        }
    }
}

/// What a call gives: the reply, and how many attempts it took.
pub(crate) struct Answered<T> {
    pub(crate) reply: ResponseValue<T>,
    #[expect(dead_code, reason = "the receipt of a write tells it")]
    pub(crate) attempts: u32,
}

impl<T> Answered<T> {
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
    use octoseal_api::operations::{ALL, Cost};

    #[test]
    fn no_write_is_marked_as_content_since_each_counts_as_a_plain_write() {
        let content = ALL.iter().filter(|it| it.cost == Cost::Content);
        assert_eq!(content.map(|it| it.id).collect::<Vec<_>>(), [""; 0]);
    }
}
