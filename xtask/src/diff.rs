//! `cargo xtask diff`: what would a refresh change, and whom would it break?

mod bump;
mod change;
mod code;
mod flat;
mod generated;
mod judge;
mod render;
mod time;
mod uses;

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

pub use bump::{Bump, Step};
pub use change::{Breaks, Change};
pub use uses::Uses;

use bump::bumped;
use generated::Generated;
use time::{Stores, Time};

use crate::description::Description;
use crate::dispatch;
use crate::family::LeftOut;
use crate::source::Source;

/// What lies between two descriptions, among the operations kept.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The version that the client is generated from.
    pub old: String,
    /// The version looked at.
    pub new: String,
    /// Operations that came: by id.
    pub added: Vec<String>,
    /// Operations that went, and whom that breaks.
    pub removed: Vec<Change>,
    /// Changes of operations that stay.
    pub changed: Vec<Change>,
    /// Stores that came, went: `robots at Organization`.
    pub stores_added: Vec<String>,
    /// Stores that went.
    pub stores_removed: Vec<String>,
    /// What the list of operations leaves out of stores, and beside them, without saying so.
    pub left_out: Vec<LeftOut>,
    /// The versions that follow, by crate.
    pub bump: BTreeMap<String, Bump>,
}

/// Compares two descriptions in the operations that `source` keeps.
pub fn diff(
    old: &Description,
    new: &Description,
    source: &Source,
    uses: &Uses,
    version: &str,
) -> Result<Report> {
    let renamed = old.renamed(new);
    let (old, new) = (Time::of(old, source)?, Time::of(new, source)?);
    let (old_ids, new_ids) = (old.flats(), new.flats());
    let (family, registries) = (old.family(), old.registries());
    let mut generated = Generated::default();

    let mut removed = Vec::new();
    let mut changed = Vec::new();
    for (id, (facts, repaired)) in &old_ids {
        // The dispatch reads replies in shapes of its own; others are read by name.
        let by_shape = family.contains(id) && !registries.contains(id);
        let role = change::Role {
            used: family.contains(id) || uses.method(id),
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
            facts,
            generated: repaired,
        };
        let Some((facts, repaired)) = new_ids.get(id) else {
            removed.push(Change {
                operation: id.clone(),
                place: "call".to_owned(),
                what: renamed
                    .get(id.as_str())
                    .map_or("removed".to_owned(), |new| format!("renamed to {new}")),
                breaks: if role.used {
                    Breaks::Octoseal
                } else {
                    Breaks::LowLevel
                },
            });
            continue;
        };
        let after = change::Side {
            facts,
            generated: repaired,
        };
        let effect = generated.of(id, &old, &new);
        let told = change::changes(id, &before, &after, effect.is_none(), role);
        changed.extend(generated::untold(id, &effect, &told));
        changed.extend(told);
    }
    let added: Vec<_> = new_ids
        .keys()
        .filter(|id| !old_ids.contains_key(*id))
        .cloned()
        .collect();
    let (old_stores, new_stores) = (old.stores(), new.stores());
    changed.extend(losses(&old_stores, &new_stores, |id| {
        new_ids.contains_key(id)
    }));
    changed.extend(generated.dispatch(&old, &new));
    let beyond = |some: &Stores, others: &Stores| {
        let names = some.keys().filter(|name| !others.contains_key(*name));
        names.cloned().collect::<Vec<_>>()
    };
    let stores_added = beyond(&new_stores, &old_stores);
    let stores_removed = beyond(&old_stores, &new_stores);

    let worst = removed
        .iter()
        .chain(&changed)
        .map(|change| change.breaks)
        .max();
    let worst = if stores_removed.is_empty() {
        worst
    } else {
        Some(Breaks::Octoseal)
    };
    let differs = generated.differs() || !added.is_empty();
    let step = |breaks: bool| match (breaks, differs) {
        (true, _) => Step::Breaking,
        (false, true) => Step::Compatible,
        (false, false) => Step::None,
    };
    let bump = [
        ("octoseal-api", step(worst >= Some(Breaks::LowLevel))),
        ("octoseal", step(worst >= Some(Breaks::Octoseal))),
    ];
    Ok(Report {
        old: old.version,
        new: new.version,
        added,
        removed,
        changed,
        stores_added,
        stores_removed,
        left_out: source.unforeseen(new.left_out),
        bump: bump
            .into_iter()
            .map(|(name, step)| (name.to_owned(), bumped(version, step)))
            .collect(),
    })
}

/// What stores that stay can no longer do, though the operation `is_there`: its path leads
/// elsewhere now.
fn losses(old: &Stores, new: &Stores, is_there: impl Fn(&str) -> bool) -> Vec<Change> {
    let mut found = Vec::new();
    for (store, roles) in old {
        let Some(now) = new.get(store) else { continue };
        for (role, id) in roles {
            if now.get(role) != Some(id) && is_there(id) {
                found.push(Change {
                    operation: id.clone(),
                    place: format!("store {store}"),
                    what: format!("loses {role}"),
                    breaks: Breaks::Octoseal,
                });
            }
        }
    }
    found
}
