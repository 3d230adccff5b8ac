//! `cargo xtask diff`: what a refresh would change, and whose code that would break.

mod bump;
mod change;
mod code;
mod flat;
mod generated;
mod judge;
mod kept;
mod pieces;
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
use generated::{Effect, Generated};
use kept::{Kept, Stores};

use crate::codegen::dispatch;
use crate::description::left_out::LeftOut;
use crate::description::source::Source;
use crate::description::{Description, Fault, unread};

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
    /// What is not understood of the version looked at, in operations that are not kept.
    pub faults: Vec<Fault>,
    /// If so much is gone that the description is more likely to be broken: what.
    pub losses: Option<String>,
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
    // Under its old id, a renamed operation is compared with what it was.
    let renamed = old.renamed(new);
    let new_under_old_ids = new.under_ids_of(&renamed);
    let unread = unread::of_document(new.value());
    let (old, new) = (
        Kept::of(old, source)?,
        Kept::of(&new_under_old_ids, source)?,
    );
    let (old_flats, mut new_flats) = (old.flats(), new.flats());
    let comparison = Comparison::new(&old, source, uses);
    let mut generated = Generated::default();

    let mut removed = Vec::new();
    let mut changed = Vec::new();
    for (id, before) in &old_flats {
        let Some(after) = new_flats.get_mut(id) else {
            removed.push(comparison.removal(id, &new));
            continue;
        };
        if let Some(new) = renamed.get(id.as_str()) {
            removed.push(comparison.renaming(id, new));
        }
        let effect = generated.of(id, &old, &new);
        let mut found = pieces::renamed(id, before, after);
        found.extend(comparison.changes(id, before, after, &effect));
        changed.extend(generated::beyond_facts(id, &effect, &found));
        changed.extend(found);
    }
    let (old_stores, new_stores) = (old.stores(), new.stores());
    changed.extend(losses(&old_stores, &new_stores, |id| {
        new_flats.contains_key(id)
    }));
    let added = only_in(&new_flats, &old_flats);
    generated.differs |= !added.is_empty() || !renamed.is_empty();
    changed.extend(generated.whole(&old, &new, source));
    changed.extend(unread.into_iter().map(|what| Change {
        operation: "all operations".to_owned(),
        position: "description".to_owned(),
        what,
        breaks: Breaks::Octoseal,
    }));
    let stores_removed = only_in(&old_stores, &new_stores);
    let gone: BTreeSet<_> = removed
        .iter()
        .map(|change| change.operation.as_str())
        .filter(|id| !new_flats.contains_key(*id))
        .collect();
    let losses = losses_beyond_belief(&gone, old_flats.len(), &old_stores, &stores_removed);
    let mut report = Report {
        losses,
        old: old.version,
        new: new.version,
        added,
        removed,
        changed,
        stores_added: only_in(&new_stores, &old_stores),
        stores_removed,
        left_out: source.newly_left_out(new.left_out),
        faults: new.faults,
        bump: BTreeMap::new(),
    };
    report.bump = bumps(version, report.worst(), generated.differs);
    Ok(report)
}

impl Report {
    /// Whose code all of it breaks.
    pub fn worst(&self) -> Breaks {
        if !self.stores_removed.is_empty() {
            return Breaks::Octoseal;
        }
        let all = self.removed.iter().chain(&self.changed);
        let worst = all.map(|change| change.breaks).max();
        worst.unwrap_or(Breaks::Nobody)
    }
}

/// What is gone, if it is a fifth of the operations kept, or all of a store, be it that its operations are elsewhere: GitHub
/// takes back single operations.
fn losses_beyond_belief(
    gone: &BTreeSet<&str>,
    kept: usize,
    stores: &Stores,
    removed: &[String],
) -> Option<String> {
    let whole = stores.iter().filter(|(store, roles)| {
        let all_gone = !roles.is_empty() && roles.values().all(|id| gone.contains(id.as_str()));
        all_gone || removed.contains(store)
    });
    let whole: Vec<_> = whole.map(|(store, _)| store.as_str()).collect();
    if whole.is_empty() && (gone.len() < 2 || gone.len() * 5 < kept) {
        return None;
    }
    let operations = format!("{} of the {kept} operations kept are gone", gone.len());
    let stores = format!("all of {}", whole.join(", "));
    let lost = match (gone.is_empty(), whole.is_empty()) {
        (true, _) => format!("{stores} is elsewhere"),
        (false, true) => operations,
        (false, false) => format!("{operations}, and with them {stores}"),
    };
    Some(format!(
        "{lost}: this description is more likely to be broken than true"
    ))
}

/// What is the same for all operations while they are compared.
struct Comparison<'a> {
    source: &'a Source,
    uses: &'a Uses,
    family: BTreeSet<String>,
    registries: BTreeSet<String>,
    told_by_status: BTreeSet<String>,
}

impl<'a> Comparison<'a> {
    fn new(old: &Kept, source: &'a Source, uses: &'a Uses) -> Self {
        Self {
            source,
            uses,
            family: old.family(),
            registries: old.registries(),
            told_by_status: old.told_by_status(),
        }
    }

    fn used(&self, id: &str) -> bool {
        self.family.contains(id) || self.uses.calls(id)
    }

    fn renaming(&self, id: &str, new: &str) -> Change {
        self.departure(id, format!("renamed to {new}"))
    }

    fn removal(&self, id: &str, new: &Kept) -> Change {
        let fault = new
            .faults
            .iter()
            .find(|fault| fault.ids.iter().any(|each| each == id));
        self.departure(
            id,
            fault.map_or("removed".to_owned(), |fault| {
                format!("not understood: {fault}")
            }),
        )
    }

    fn departure(&self, id: &str, what: String) -> Change {
        Change {
            operation: id.to_owned(),
            position: "call".to_owned(),
            what,
            breaks: if self.used(id) {
                Breaks::Octoseal
            } else {
                Breaks::LowLevel
            },
        }
    }

    /// The changes of an operation that stays, of which the effect on its generated code is known.
    fn changes(
        &self,
        id: &str,
        (old_facts, old_repaired): &(Flat, Flat),
        (new_facts, new_repaired): &(Flat, Flat),
        effect: &Option<Effect>,
    ) -> Vec<Change> {
        let uses = self.uses;
        // The dispatch reads replies in shapes of its own; others are read by name.
        let of_registries = self.registries.contains(id);
        let by_shape = self.family.contains(id) && !of_registries;
        let usage = change::Usage {
            used: self.used(id),
            called_by_name: uses.calls(id),
            told_by_status: self.told_by_status.contains(id),
            writes: &|name| uses.writes(name),
            reads: &|name| {
                if by_shape {
                    dispatch::reads(name)
                } else {
                    uses.reads(name)
                }
            },
            needs: &|component, name| {
                if by_shape {
                    dispatch::needs(name)
                } else if of_registries {
                    dispatch::requires(name)
                } else {
                    self.source.needs(component, name)
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
        change::changes(id, &before, &after, effect, usage)
    }
}

fn bumps(version: &str, worst: Breaks, differs: bool) -> BTreeMap<String, Bump> {
    let step = |breaks: bool| match (breaks, differs) {
        (true, _) => Step::Breaking,
        (false, true) => Step::Compatible,
        (false, false) => Step::None,
    };
    [
        ("octoseal-api", step(worst >= Breaks::LowLevel)),
        ("octoseal", step(worst >= Breaks::Octoseal)),
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
