//! Two states of an operation side by side: what changed, and whose code that breaks.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::flat::{Area, Fact, Flat, Position};
use super::generated::Effect;
use super::judge::{Aspects, judge};

/// Whose code stops compiling, or working, by a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Breaks {
    /// No code: what is generated is the same, or grows where callers only read.
    Nobody,
    /// That of callers of `octoseal-api`: they build bodies, and pass what is required by position.
    LowLevel,
    /// That of callers of `octoseal` too.
    Octoseal,
}

/// One change of one operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The operation.
    pub operation: String,
    /// Where in it: `body.visibility`, `query per_page`, `reply 200 .secrets[].name`.
    pub position: String,
    /// What changed, in words.
    pub what: String,
    /// Whose code it breaks.
    pub breaks: Breaks,
}

/// What an operation is to `octoseal`.
#[derive(Clone, Copy)]
pub(super) struct Usage<'a> {
    /// `client/` calls it, by name or through the dispatch over stores.
    pub(super) used: bool,
    /// `client/` calls it by name.
    pub(super) called_by_name: bool,
    /// Its status tells what it did.
    pub(super) told_by_status: bool,
    /// Whether `client/` writes a field of this name.
    pub(super) writes: &'a dyn Fn(&str) -> bool,
    /// Whether a field of this name is read from its reply.
    pub(super) reads: &'a dyn Fn(&str) -> bool,
    /// Whether its reply is of no use without a field of this name, in a component if the description says in which.
    pub(super) needs: &'a dyn Fn(Option<&str>, &str) -> bool,
    /// Whether `client/` names the type of a component.
    pub(super) names: &'a dyn Fn(&str) -> bool,
}

/// One state of an operation: as described, and as repaired for generation.
pub(super) struct Side<'a> {
    pub(super) facts: &'a Flat,
    pub(super) generated: &'a Flat,
}

/// All changes between two states of an operation, of which the effect on its generated code is known.
pub(super) fn changes(
    id: &str,
    old: &Side<'_>,
    new: &Side<'_>,
    effect: &Option<Effect>,
    usage: Usage<'_>,
) -> Vec<Change> {
    let positions: BTreeSet<&Position> = old.facts.keys().chain(new.facts.keys()).collect();
    let mut found = Vec::new();
    for position in positions {
        let (before, after) = (old.facts.get(position), new.facts.get(position));
        if before == after || within_new_or_gone(position, old.facts, new.facts) {
            continue;
        }
        let generated = (old.generated.get(position), new.generated.get(position));
        // What the repairs level out, generated code does not show.
        let same = effect.is_none() || alike(&position.0, generated.0, generated.1);
        let harmless = effect.as_ref().is_some_and(Effect::is_harmless);
        let aspects = Aspects {
            position,
            component: component_of(position, old.facts),
            before,
            after,
            generated,
            harmless,
            usage,
        };
        for verdict in judge(&aspects) {
            let moved = matches!(position.0, Area::Call);
            found.push(Change {
                operation: id.to_owned(),
                position: shown(position),
                what: verdict.what,
                breaks: match verdict.breaks {
                    breaks if moved || verdict.stands => breaks,
                    _ if same => Breaks::Nobody,
                    Breaks::LowLevel if harmless => Breaks::Nobody,
                    breaks => breaks,
                },
            });
        }
    }
    found.extend(no_success_left(id, old.facts, new.facts, usage.used));
    found
}

/// The component that has the property at a position.
fn component_of<'a>((area, path): &Position, facts: &'a Flat) -> Option<&'a str> {
    let last = path.iter().rposition(|step| is_property(step))?;
    let holder = facts.get(&(area.clone(), path[..last].to_vec()))?;
    holder.component.as_deref()
}

/// The change after which no reply is a success any more: every call ends in an error.
fn no_success_left(id: &str, old: &Flat, new: &Flat, used: bool) -> Option<Change> {
    let succeeds = |flat: &Flat| {
        flat.keys()
            .any(|(area, _)| matches!(area, Area::Reply(status) if status.starts_with('2')))
    };
    (succeeds(old) && !succeeds(new)).then(|| Change {
        operation: id.to_owned(),
        position: "replies".to_owned(),
        what: "no success is left".to_owned(),
        breaks: if used {
            Breaks::Octoseal
        } else {
            Breaks::LowLevel
        },
    })
}

/// Whether one Rust type stands for both facts. An optional field is an `Option`, and so is a
/// nullable one; but a list or map that may be left out is empty then.
fn alike(area: &Area, old: Option<&Fact>, new: Option<&Fact>) -> bool {
    let (Some(old), Some(new)) = (old, new) else {
        return old.is_none() && new.is_none();
    };
    let scalar = |fact: &Fact| !matches!(fact.kind.as_str(), "array" | "object");
    let presence = |fact: &Fact| match area {
        Area::Reply(_) if scalar(fact) => (fact.required && !fact.nullable, false),
        // A field of a body is written in another way if it is required.
        _ if scalar(fact) => (fact.required, fact.required && fact.nullable),
        _ => (fact.required, fact.nullable),
    };
    let rest = |fact: &Fact| Fact {
        required: false,
        nullable: false,
        ..fact.clone()
    };
    presence(old) == presence(new) && rest(old) == rest(new)
}

/// Whether a property came or went together with the object that holds it, which is a change by itself.
fn within_new_or_gone(position: &Position, old: &Flat, new: &Flat) -> bool {
    let (area, path) = position;
    (0..path.len()).any(|length| {
        let holder = (area.clone(), path[..length].to_vec());
        old.contains_key(&holder) != new.contains_key(&holder)
    })
}

/// Whether a step of a position leads to a property, and not to the items of a list or map, or to a choice.
pub(super) fn is_property(step: &str) -> bool {
    !step.starts_with(['[', '{', '('])
}

fn shown((area, path): &Position) -> String {
    let mut text = match area {
        Area::Call => "call".to_owned(),
        Area::Parameter(kind, name) => format!("{kind} {name}"),
        Area::Body => "body".to_owned(),
        Area::Reply(status) => format!("reply {status}"),
    };
    for step in path {
        if is_property(step) {
            text.push('.');
        }
        text.push_str(step);
    }
    text
}

impl fmt::Display for Breaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "nobody",
            Self::LowLevel => "octoseal-api",
            Self::Octoseal => "octoseal",
        })
    }
}
