//! `cargo xtask diff`: what a refresh would change, and whose code that would break.

mod bump;
mod change;
mod code;
mod flat;
mod generated;
mod judge;
mod kept;
mod render;
mod uses;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::Serialize;

pub use bump::{Bump, Step};
pub use change::{Breaks, Change};
pub use uses::Uses;

use bump::bumped;
use flat::Flat;
use generated::Generated;
use kept::{Kept, Stores};

use crate::codegen::dispatch;
use crate::description::Description;
use crate::description::left_out::LeftOut;
use crate::description::source::Source;

/// What lies between two descriptions, among the operations kept.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The version that the client is generated from.
    pub old: String,
    /// The version looked at.
    pub new: String,
    /// Operations that came: by id.
    pub added: Vec<String>,
    /// Operations that went, and whose code that breaks.
    pub removed: Vec<Change>,
    /// Changes of operations that stay.
    pub changed: Vec<Change>,
    /// Stores that came: `robots at Organization`.
    pub stores_added: Vec<String>,
    /// Stores that went.
    pub stores_removed: Vec<String>,
    /// What the list of operations leaves out of stores and beside them, and does not name as left out.
    pub left_out: Vec<LeftOut>,
    /// The versions that follow, by crate.
    pub bump: BTreeMap<String, Bump>,
}

/// Compares two descriptions in the operations that `source` keeps; `version` is that of the crates now.
pub fn diff(
    old: &Description,
    new: &Description,
    source: &Source,
    uses: &Uses,
    version: &str,
) -> Result<Report> {
    let renamed = old.renamed(new);
    let (old, new) = (Kept::of(old, source)?, Kept::of(new, source)?);
    let (old_flats, new_flats) = (old.flats(), new.flats());
    let comparison = Comparison::new(&old, uses);
    let mut generated = Generated::default();

    let mut removed = Vec::new();
    let mut changed = Vec::new();
    for (id, before) in &old_flats {
        match new_flats.get(id) {
            None => removed.push(comparison.removal(id, renamed.get(id.as_str()).copied())),
            Some(after) => {
                let effect = generated.of(id, &old, &new);
                let found = comparison.changes(id, before, after, effect.is_none());
                changed.extend(generated::beyond_facts(id, &effect, &found));
                changed.extend(found);
            }
        }
    }
    let (old_stores, new_stores) = (old.stores(), new.stores());
    changed.extend(losses(&old_stores, &new_stores, |id| {
        new_flats.contains_key(id)
    }));
    changed.extend(generated.dispatch(&old, &new));
    let added = only_in(&new_flats, &old_flats);
    let stores_removed = only_in(&old_stores, &new_stores);
    let worst = removed.iter().chain(&changed).map(|each| each.breaks).max();
    let worst = if stores_removed.is_empty() {
        worst
    } else {
        Some(Breaks::Octoseal)
    };
    let differs = generated.differs() || !added.is_empty();
    Ok(Report {
        old: old.version,
        new: new.version,
        added,
        removed,
        changed,
        stores_added: only_in(&new_stores, &old_stores),
        stores_removed,
        left_out: source.newly_left_out(new.left_out),
        bump: bumps(version, worst, differs),
    })
}

/// What is the same for all operations while they are compared.
struct Comparison<'a> {
    uses: &'a Uses,
    family: BTreeSet<String>,
    registries: BTreeSet<String>,
}

impl<'a> Comparison<'a> {
    fn new(old: &Kept, uses: &'a Uses) -> Self {
        Self {
            uses,
            family: old.family(),
            registries: old.registries(),
        }
    }

    fn used(&self, id: &str) -> bool {
        self.family.contains(id) || self.uses.method(id)
    }

    fn removal(&self, id: &str, renamed: Option<&str>) -> Change {
        Change {
            operation: id.to_owned(),
            position: "call".to_owned(),
            what: renamed.map_or("removed".to_owned(), |new| format!("renamed to {new}")),
            breaks: if self.used(id) {
                Breaks::Octoseal
            } else {
                Breaks::LowLevel
            },
        }
    }

    /// The changes of an operation that stays, of which is known whether its generated code is `identical`.
    fn changes(
        &self,
        id: &str,
        (old_facts, old_repaired): &(Flat, Flat),
        (new_facts, new_repaired): &(Flat, Flat),
        identical: bool,
    ) -> Vec<Change> {
        let uses = self.uses;
        // The dispatch reads replies in shapes of its own; others are read by name.
        let by_shape = self.family.contains(id) && !self.registries.contains(id);
        let usage = change::Usage {
            used: self.used(id),
            field: &|name| uses.field(name),
            reads: &|name| {
                if by_shape {
                    dispatch::reads(name)
                } else {
                    uses.reads(name)
                }
            },
            needs: &|name| {
                if by_shape {
                    dispatch::needs(name)
                } else {
                    uses.reads(name)
                }
            },
            names: &|component| uses.names(component),
        };
        let before = change::Side {
            facts: old_facts,
            generated: old_repaired,
        };
        let after = change::Side {
            facts: new_facts,
            generated: new_repaired,
        };
        change::changes(id, &before, &after, identical, usage)
    }
}

fn bumps(version: &str, worst: Option<Breaks>, differs: bool) -> BTreeMap<String, Bump> {
    let step = |breaks: bool| match (breaks, differs) {
        (true, _) => Step::Breaking,
        (false, true) => Step::Compatible,
        (false, false) => Step::None,
    };
    [
        ("octoseal-api", step(worst >= Some(Breaks::LowLevel))),
        ("octoseal", step(worst >= Some(Breaks::Octoseal))),
    ]
    .into_iter()
    .map(|(name, step)| (name.to_owned(), bumped(version, step)))
    .collect()
}

fn only_in<T>(some: &BTreeMap<String, T>, others: &BTreeMap<String, T>) -> Vec<String> {
    let names = some.keys().filter(|name| !others.contains_key(*name));
    names.cloned().collect()
}

/// What stores that stay can no longer do although the operation `is_there`: its path leads elsewhere now.
fn losses(old: &Stores, new: &Stores, is_there: impl Fn(&str) -> bool) -> Vec<Change> {
    let mut found = Vec::new();
    for (store, roles) in old {
        let Some(now) = new.get(store) else { continue };
        for (role, id) in roles {
            if now.get(role) != Some(id) && is_there(id) {
                found.push(Change {
                    operation: id.clone(),
                    position: format!("store {store}"),
                    what: format!("loses {role}"),
                    breaks: Breaks::Octoseal,
                });
            }
        }
    }
    found
}
