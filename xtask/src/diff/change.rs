//! Two operations side by side: what changed, and whom it breaks.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::flat::{Area, Fact, Flat, Place};
use super::judge::{Aspects, judge};

/// Whose code stops compiling, or working, by a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Breaks {
    /// Nobody's: the generated code is the same, or grows where callers only read.
    Nobody,
    /// That of callers of the low-level crate, who build bodies and pass arguments by position.
    LowLevel,
    /// That of callers of `octoseal` too.
    Octoseal,
}

/// One change of one operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The operation.
    pub operation: String,
    /// The place in it: `body.visibility`, `query per_page`, `reply 200 .secrets[].name`.
    pub place: String,
    /// What changed, in words.
    pub what: String,
    /// Whom it breaks.
    pub breaks: Breaks,
}

/// What an operation is to `octoseal`.
#[derive(Clone, Copy)]
pub(super) struct Role<'a> {
    /// `client/` calls it, by name or through the dispatch over stores.
    pub(super) used: bool,
    /// Whether `client/` writes a field of this name.
    pub(super) field: &'a dyn Fn(&str) -> bool,
    /// Whether a field of this name is read from its reply.
    pub(super) reads: &'a dyn Fn(&str) -> bool,
    /// Whether its reply is of no use without a field of this name.
    pub(super) needs: &'a dyn Fn(&str) -> bool,
    /// Whether `client/` names the type of a component.
    pub(super) names: &'a dyn Fn(&str) -> bool,
}

/// One operation at one time: as described, and as repaired for generation.
pub(super) struct Side<'a> {
    pub(super) facts: &'a Flat,
    pub(super) generated: &'a Flat,
}

/// All changes between two times of an operation, of which is known whether its generated code is
/// `identical`.
pub(super) fn changes(
    id: &str,
    old: &Side<'_>,
    new: &Side<'_>,
    identical: bool,
    role: Role<'_>,
) -> Vec<Change> {
    let places: BTreeSet<&Place> = old.facts.keys().chain(new.facts.keys()).collect();
    let mut found = Vec::new();
    for place in places {
        let (before, after) = (old.facts.get(place), new.facts.get(place));
        if before == after || within_new_or_gone(place, old.facts, new.facts) {
            continue;
        }
        let generated = (old.generated.get(place), new.generated.get(place));
        // What the repairs level out, generated code does not show.
        let same = identical || alike(&place.0, generated.0, generated.1);
        let aspects = Aspects {
            place,
            before,
            after,
            generated,
            role,
        };
        for verdict in judge(&aspects) {
            let moved = matches!(place.0, Area::Call);
            found.push(Change {
                operation: id.to_owned(),
                place: shown(place),
                what: verdict.what,
                breaks: if same && !moved && !verdict.stands {
                    Breaks::Nobody
                } else {
                    verdict.breaks
                },
            });
        }
    }
    found
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
        // Whoever writes it has to say so if it is required.
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

/// Whether a property came or went with the object that holds it, which is told already.
fn within_new_or_gone(place: &Place, old: &Flat, new: &Flat) -> bool {
    let (area, path) = place;
    (0..path.len()).any(|length| {
        let holder = (area.clone(), path[..length].to_vec());
        old.contains_key(&holder) != new.contains_key(&holder)
    })
}

fn shown((area, path): &Place) -> String {
    let mut text = match area {
        Area::Call => "call".to_owned(),
        Area::Parameter(kind, name) => format!("{kind} {name}"),
        Area::Body => "body".to_owned(),
        Area::Reply(status) => format!("reply {status}"),
    };
    for step in path {
        if step.starts_with(['[', '{', '(']) {
            text.push_str(step);
        } else {
            text.push('.');
            text.push_str(step);
        }
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
