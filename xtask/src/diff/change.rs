//! Two operations side by side: what changed, and whom it breaks.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::flat::{Area, Fact, Flat, Place};

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
}

/// One operation at one time: as described, and as repaired for generation.
pub(super) struct Side<'a> {
    pub(super) facts: &'a Flat,
    pub(super) generated: &'a Flat,
}

/// The fields that `octoseal` can't do without in a reply.
const NEEDED: [&str; 7] = [
    "name",
    "key",
    "key_id",
    "total_count",
    "secrets",
    "repositories",
    "id",
];

/// All changes between two times of an operation.
pub(super) fn changes(id: &str, old: &Side<'_>, new: &Side<'_>, role: Role<'_>) -> Vec<Change> {
    let places: BTreeSet<&Place> = old.facts.keys().chain(new.facts.keys()).collect();
    let mut found = Vec::new();
    for place in places {
        let (before, after) = (old.facts.get(place), new.facts.get(place));
        if before == after || within_new_or_gone(place, old.facts, new.facts) {
            continue;
        }
        // What the repairs level out, generated code does not show.
        let same = old.generated.get(place) == new.generated.get(place);
        for (what, mut breaks) in judge(
            &place.0,
            place.1.last().map(String::as_str),
            before,
            after,
            role,
        ) {
            if same && !matches!(place.0, Area::Call) {
                breaks = Breaks::Nobody;
            }
            found.push(Change {
                operation: id.to_owned(),
                place: shown(place),
                what,
                breaks,
            });
        }
    }
    found
}

/// Whether a property came or went with the object that holds it, which is told already.
fn within_new_or_gone(place: &Place, old: &Flat, new: &Flat) -> bool {
    let (area, path) = place;
    (0..path.len()).any(|length| {
        let holder = (area.clone(), path[..length].to_vec());
        old.contains_key(&holder) != new.contains_key(&holder)
    })
}

fn judge(
    area: &Area,
    last: Option<&str>,
    before: Option<&Fact>,
    after: Option<&Fact>,
    role: Role<'_>,
) -> Vec<(String, Breaks)> {
    use Breaks::{LowLevel, Nobody, Octoseal};
    let octoseal = |or: Breaks| if role.used { Octoseal } else { or };
    let needed = last.is_some_and(|name| NEEDED.contains(&name));
    let (before, after) = match (before, after) {
        (None, Some(fact)) => {
            return vec![match area {
                Area::Parameter(..) if fact.required => {
                    ("added, required".to_owned(), octoseal(LowLevel))
                }
                // Arguments go by position.
                Area::Parameter(..) => ("added".to_owned(), LowLevel),
                Area::Body if fact.required => ("added, required".to_owned(), octoseal(LowLevel)),
                // Bodies are written out field by field.
                Area::Body => ("added".to_owned(), LowLevel),
                Area::Reply(_) if last.is_none() => ("added".to_owned(), LowLevel),
                // Replies are read.
                Area::Reply(_) | Area::Call => ("added".to_owned(), Nobody),
            }];
        }
        (Some(_), None) => {
            let breaks = match area {
                Area::Body if last.is_none_or(role.field) => octoseal(LowLevel),
                Area::Reply(_) if needed => octoseal(LowLevel),
                _ => LowLevel,
            };
            return vec![("removed".to_owned(), breaks)];
        }
        (Some(before), Some(after)) => (before, after),
        (None, None) => return vec![],
    };

    let mut found = Vec::new();
    if before.kind != after.kind {
        // The path is written by the machine.
        let breaks = match area {
            Area::Call => Nobody,
            Area::Reply(_) if needed => octoseal(LowLevel),
            _ => LowLevel,
        };
        found.push((format!("{} becomes {}", before.kind, after.kind), breaks));
    }
    if before.required != after.required {
        found.push(match (after.required, area) {
            // A generated method takes its body in any case.
            (true, Area::Body) if last.is_none() => ("required now".to_owned(), Nobody),
            (false, Area::Body) if last.is_none() => ("no longer required".to_owned(), Nobody),
            (true, Area::Reply(_)) => ("always there now".to_owned(), LowLevel),
            (true, _) => ("required now".to_owned(), octoseal(LowLevel)),
            (false, Area::Reply(_)) if needed => {
                ("may be left out now".to_owned(), octoseal(LowLevel))
            }
            (false, Area::Reply(_)) => ("may be left out now".to_owned(), LowLevel),
            (false, _) => ("no longer required".to_owned(), LowLevel),
        });
    }
    if before.nullable != after.nullable {
        found.push((
            if after.nullable {
                "may be null now"
            } else {
                "never null now"
            }
            .to_owned(),
            LowLevel,
        ));
    }
    let differ = |a: &Fact, b: &Fact| {
        a.values
            .difference(&b.values)
            .cloned()
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (gone, new) = (differ(before, after), differ(after, before));
    match (before.values.is_empty(), after.values.is_empty()) {
        (true, false) => found.push((format!("takes only {new} now"), LowLevel)),
        (false, true) => found.push(("takes any value now".to_owned(), LowLevel)),
        _ => {
            if !new.is_empty() {
                // Values of requests are written, not matched; those of replies are text.
                found.push((format!("value {new} added"), Nobody));
            }
            if !gone.is_empty() {
                let request = matches!(area, Area::Body | Area::Parameter(..));
                found.push((
                    format!("value {gone} removed"),
                    if request { octoseal(LowLevel) } else { Nobody },
                ));
            }
        }
    }
    let facets: BTreeSet<_> = before.facets.keys().chain(after.facets.keys()).collect();
    for key in facets {
        let (old, new) = (before.facets.get(key), after.facets.get(key));
        if old != new {
            let none = "none".to_owned();
            found.push((
                format!(
                    "{key}: {} becomes {}",
                    old.unwrap_or(&none),
                    new.unwrap_or(&none)
                ),
                Nobody,
            ));
        }
    }
    found
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
