//! `cargo xtask diff`: what would a refresh change, and whom would it break?

mod change;
mod flat;
mod render;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;

pub use change::{Breaks, Change};

use crate::cut::{cut, possible};
use crate::description::{Description, operations};
use crate::family::{self, LeftOut};
use crate::generate::snake;
use crate::repairs;
use crate::select::select;
use crate::source::Source;
use crate::tree::Tree;

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
    /// What the list of operations leaves out of stores, and beside them.
    pub left_out: Vec<LeftOut>,
    /// The versions that follow, by crate.
    pub bump: BTreeMap<String, Bump>,
}

/// The version of a crate that follows by semver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bump {
    /// How large a step it is.
    pub step: Step,
    /// The version now.
    pub from: String,
    /// The version after.
    pub to: String,
}

/// How large a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Nothing changed that a caller sees.
    None,
    /// Only additions.
    Compatible,
    /// Somebody's code must change.
    Breaking,
}

/// What `octoseal` uses beyond the dispatch over stores.
#[derive(Debug, Clone, Default)]
pub struct Uses(String);

impl Uses {
    /// Reads the sources of `client/`.
    pub fn of(tree: &Tree) -> Result<Self> {
        let mut text = String::new();
        let mut open = vec![tree.root().join("client/src")];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(&folder)
                .with_context(|| format!("cannot read {}", folder.display()))?
            {
                let path = entry?.path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    text.push_str(&std::fs::read_to_string(&path)?);
                }
            }
        }
        Ok(Self(text))
    }

    fn method(&self, id: &str) -> bool {
        self.0.contains(&format!(".{}(", snake(id)))
    }

    /// Whether a field of a body is written anywhere: by name in a struct, or as a key.
    fn field(&self, name: &str) -> bool {
        ["\"{}\"", " {}:", ".{} ="]
            .iter()
            .any(|form| self.0.contains(&form.replace("{}", name)))
    }
}

/// Compares two descriptions in the operations that `source` keeps.
pub fn diff(
    old: &Description,
    new: &Description,
    source: &Source,
    uses: &Uses,
    version: &str,
) -> Result<Report> {
    let (old, new) = (Time::of(old, source)?, Time::of(new, source)?);
    let (old_ids, new_ids) = (old.flats(), new.flats());
    let used = |id: &str, time: &Time| time.family().contains(id) || uses.method(id);

    let mut removed = Vec::new();
    let mut changed = Vec::new();
    for (id, (facts, generated)) in &old_ids {
        let role = change::Role {
            used: used(id, &old),
            field: &|name| uses.field(name),
        };
        let before = change::Side { facts, generated };
        match new_ids.get(id) {
            None => removed.push(Change {
                operation: id.clone(),
                place: "call".to_owned(),
                what: "removed".to_owned(),
                breaks: if role.used {
                    Breaks::Octoseal
                } else {
                    Breaks::LowLevel
                },
            }),
            Some((facts, generated)) => {
                changed.extend(change::changes(
                    id,
                    &before,
                    &change::Side { facts, generated },
                    role,
                ));
            }
        }
    }
    let added: Vec<_> = new_ids
        .keys()
        .filter(|id| !old_ids.contains_key(*id))
        .cloned()
        .collect();
    let (old_stores, new_stores) = (old.stores(), new.stores());
    let stores_added: Vec<_> = new_stores.difference(&old_stores).cloned().collect();
    let stores_removed: Vec<_> = old_stores.difference(&new_stores).cloned().collect();

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
    let grew = !added.is_empty() || !changed.is_empty();
    let step = |breaks: bool| match (breaks, grew) {
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
        left_out: new.left_out,
        bump: bump
            .into_iter()
            .map(|(name, step)| (name.to_owned(), bumped(version, step)))
            .collect(),
    })
}

/// The kept part of a description, as it says and as it is repaired.
struct Time {
    version: String,
    facts: Value,
    generated: Value,
    left_out: Vec<LeftOut>,
}

impl Time {
    fn of(description: &Description, source: &Source) -> Result<Self> {
        let found = select(description, source.entries()).found;
        let kept: BTreeSet<_> = found.iter().map(|operation| operation.id).collect();
        let facts = cut(description, &found, &possible(description, &source.project))?;
        let generated = repairs::apply(&facts, source)?.0;
        let left_out = family::left_out(description.value(), &kept);
        Ok(Self {
            version: description.version().to_owned(),
            facts,
            generated,
            left_out,
        })
    }

    /// Every operation's facts, as said and as repaired, by id.
    fn flats(&self) -> BTreeMap<String, (flat::Flat, flat::Flat)> {
        let flats = |document: &Value| -> BTreeMap<String, flat::Flat> {
            operations(document)
                .iter()
                .map(|each| (each.id.to_owned(), flat::flat(document, each)))
                .collect()
        };
        let mut generated = flats(&self.generated);
        flats(&self.facts)
            .into_iter()
            .map(|(id, facts)| {
                let repaired = generated.remove(&id).unwrap_or_default();
                (id, (facts, repaired))
            })
            .collect()
    }

    /// The operations that the dispatch over stores calls.
    fn family(&self) -> BTreeSet<&str> {
        let scopes = family::scopes(&self.facts);
        let registries = family::registries(&self.facts);
        let of_registries = registries.iter().flat_map(|all| {
            [
                all.list,
                all.public_key,
                all.get,
                all.create,
                all.update,
                all.delete,
            ]
        });
        scopes
            .iter()
            .flat_map(|scope| scope.operations.values().copied())
            .chain(of_registries)
            .map(|operation| operation.id)
            .collect()
    }

    fn stores(&self) -> BTreeSet<String> {
        let scopes = family::scopes(&self.facts);
        let of_registries = family::registries(&self.facts)
            .map(|family| format!("{} at Organization", family.store));
        scopes
            .iter()
            .map(|scope| format!("{} at {:?}", scope.store, scope.place))
            .chain(of_registries)
            .collect()
    }
}

/// The version after a step. Before 1.0, the second number tells what breaks.
fn bumped(version: &str, step: Step) -> Bump {
    let numbers: Vec<u64> = version
        .split('.')
        .map(|number| number.parse().unwrap_or_default())
        .collect();
    let at = |index: usize| numbers.get(index).copied().unwrap_or_default();
    let to = match (step, at(0)) {
        (Step::None, _) => version.to_owned(),
        (Step::Breaking, 0) => format!("0.{}.0", at(1) + 1),
        (Step::Compatible, 0) => format!("0.{}.{}", at(1), at(2) + 1),
        (Step::Breaking, major) => format!("{}.0.0", major + 1),
        (Step::Compatible, major) => format!("{major}.{}.0", at(1) + 1),
    };
    Bump {
        step,
        from: version.to_owned(),
        to,
    }
}
