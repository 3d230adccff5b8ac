//! What a change does to the generated code, whatever its facts say.

use super::change::{Breaks, Change};
use super::time::Time;

const PLACE: &str = "generated code";

/// What became of the generated code, as far as it was looked at.
#[derive(Default)]
pub(super) struct Generated {
    differs: bool,
}

/// What became of one operation's code.
pub(super) enum Effect {
    /// It differs, and callers can't name these any more.
    Lost(Vec<String>),
    /// There is none.
    Fails(String),
    /// Nothing can be generated at all, which is told once.
    Unknown,
}

impl Generated {
    /// What became of one operation's code; nothing if not a byte differs.
    pub(super) fn of(&mut self, id: &str, old: &Time, new: &Time) -> Option<Effect> {
        let effect = match (old.alone(id), new.alone(id)) {
            (Ok(before), Ok(after)) if before == after => None,
            (Ok(_), Ok(_)) => match (old.code(id), new.code(id)) {
                (Ok(before), Ok(after)) if before.is(&after) => None,
                (Ok(before), Ok(after)) => Some(Effect::Lost(before.lost(&after))),
                (_, Err(error)) => Some(Effect::Fails(format!("{error:#}"))),
                (Err(_), Ok(_)) => Some(Effect::Unknown),
            },
            _ => Some(Effect::Unknown),
        };
        self.differs |= effect.is_some();
        effect
    }

    /// What keeps the new dispatch over stores from being generated.
    pub(super) fn dispatch(&mut self, old: &Time, new: &Time) -> Option<Change> {
        let (before, after) = (old.dispatch(), new.dispatch());
        self.differs |= !matches!((&before, &after), (Ok(before), Ok(after)) if before == after);
        let error = after.err()?;
        Some(failure("the dispatch over stores", &format!("{error:#}")))
    }

    /// Whether any of it differs.
    pub(super) fn differs(&self) -> bool {
        self.differs
    }
}

/// The backstop: what became of the code that the facts do not tell.
pub(super) fn untold(id: &str, effect: &Option<Effect>, told: &[Change]) -> Vec<Change> {
    let change = |what: String, breaks| Change {
        operation: id.to_owned(),
        place: PLACE.to_owned(),
        what,
        breaks,
    };
    match effect {
        Some(Effect::Lost(lost)) if lost.is_empty() && told.is_empty() => {
            vec![change(
                "differs, and has all that it had".to_owned(),
                Breaks::Nobody,
            )]
        }
        Some(Effect::Lost(lost)) if told.iter().all(|each| each.breaks == Breaks::Nobody) => lost
            .iter()
            .map(|line| change(format!("no longer has `{line}`"), Breaks::LowLevel))
            .collect(),
        Some(Effect::Fails(error)) => vec![failure(id, error)],
        _ => vec![],
    }
}

fn failure(operation: &str, error: &str) -> Change {
    Change {
        operation: operation.to_owned(),
        place: PLACE.to_owned(),
        what: format!("cannot be generated: {error}"),
        breaks: Breaks::Octoseal,
    }
}
