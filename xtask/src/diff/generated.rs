//! What a change does to the generated code, whether or not facts show it.

use super::change::{Breaks, Change};
use super::kept::Kept;
use crate::description::source::Source;

const POSITION: &str = "generated code";

/// Whether any generated code differs.
#[derive(Default)]
pub(super) struct Generated {
    pub(super) differs: bool,
}

/// How one operation's code differs.
#[derive(Debug)]
pub(super) enum Effect {
    /// What callers could write and can't any more, in words.
    Broken(Vec<String>),
    /// The new code can't be generated.
    Fails(String),
    /// Nothing can be generated, before or after; that is reported once for all operations.
    Unknown,
}

impl Generated {
    /// How one operation's code differs; `None` if it is the same byte for byte.
    pub(super) fn of(&mut self, id: &str, old: &Kept, new: &Kept) -> Option<Effect> {
        let effect = match (old.cut_out(id), new.cut_out(id)) {
            (Ok(before), Ok(after)) if before == after => None,
            (Ok(_), Ok(_)) => match (old.code(id), new.code(id)) {
                (Ok(before), Ok(after)) if before.is_same_as(&after) => None,
                (Ok(before), Ok(after)) => Some(Effect::Broken(before.losses_in(&after))),
                (_, Err(error)) => Some(Effect::Fails(format!("{error:#}"))),
                (Err(_), Ok(_)) => Some(Effect::Unknown),
            },
            _ => Some(Effect::Unknown),
        };
        self.differs |= effect.is_some();
        effect
    }

    /// What keeps the new code as a whole from being generated, though single operations may be.
    pub(super) fn whole(&mut self, old: &Kept, new: &Kept, source: &Source) -> Vec<Change> {
        let (before, after) = (old.dispatch(), new.dispatch());
        self.differs |= !matches!((&before, &after), (Ok(before), Ok(after)) if before == after);
        let mut refused = new.refused(source);
        if self.differs {
            let error = new.generate().err();
            refused.extend(error.map(|error| format!("{error:#}")));
        }
        let told = refused.iter();
        told.map(|what| failure("all operations", what)).collect()
    }
}

impl Effect {
    /// Whether code that was written for the one compiles with the other.
    pub(super) fn is_harmless(&self) -> bool {
        matches!(self, Self::Broken(broken) if broken.is_empty())
    }
}

/// The differences of the code that no change of a fact accounts for.
pub(super) fn beyond_facts(id: &str, effect: &Option<Effect>, found: &[Change]) -> Vec<Change> {
    let change = |what: String, breaks| Change {
        operation: id.to_owned(),
        position: POSITION.to_owned(),
        what,
        breaks,
    };
    match effect {
        Some(Effect::Broken(broken)) if broken.is_empty() && found.is_empty() => {
            vec![change(
                "differs, and has all that it had".to_owned(),
                Breaks::Nobody,
            )]
        }
        Some(Effect::Broken(broken)) if found.iter().all(|each| each.breaks == Breaks::Nobody) => {
            let told = broken.iter();
            told.map(|what| change(what.clone(), Breaks::LowLevel))
                .collect()
        }
        Some(Effect::Fails(error)) => vec![failure(id, error)],
        _ => vec![],
    }
}

fn failure(operation: &str, error: &str) -> Change {
    Change {
        operation: operation.to_owned(),
        position: POSITION.to_owned(),
        what: format!("cannot be generated: {error}"),
        breaks: Breaks::Octoseal,
    }
}
