//! The kept part of a description at one time: as it says, as repaired, and as generated.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, anyhow};
use serde_json::Value;

use super::code::Code;
use super::flat::{Flat, flat};
use crate::cut::{cut, possible};
use crate::description::{Description, operations};
use crate::dispatch;
use crate::family::{self, LeftOut};
use crate::repairs;
use crate::select::select;
use crate::source::Source;

/// The kept part of a description at one time.
pub(super) struct Time {
    pub(super) version: String,
    pub(super) left_out: Vec<LeftOut>,
    facts: Value,
    repaired: Result<Description>,
}

/// The operations of every store, by role: `robots at Organization`.
pub(super) type Stores = BTreeMap<String, BTreeMap<String, String>>;

impl Time {
    pub(super) fn of(description: &Description, source: &Source) -> Result<Self> {
        let found = select(description, source.entries()).found;
        let kept: BTreeSet<_> = found.iter().map(|operation| operation.id).collect();
        let facts = cut(description, &found, &possible(description, &source.project))?;
        let repaired = repairs::apply(&facts, source)
            .and_then(|(repaired, _)| Description::from_value(repaired));
        let left_out = family::left_out(description.value(), &kept);
        Ok(Self {
            version: description.version().to_owned(),
            left_out,
            facts,
            repaired,
        })
    }

    /// Every operation's facts, as said and as repaired, by id. Where no repair succeeds, nothing
    /// is levelled out.
    pub(super) fn flats(&self) -> BTreeMap<String, (Flat, Flat)> {
        let flats = |document: &Value| -> BTreeMap<String, Flat> {
            operations(document)
                .iter()
                .map(|each| (each.id.to_owned(), flat(document, each)))
                .collect()
        };
        let mut generated = flats(
            self.repaired
                .as_ref()
                .map_or(&self.facts, Description::value),
        );
        flats(&self.facts)
            .into_iter()
            .map(|(id, facts)| {
                let repaired = generated.remove(&id).unwrap_or_default();
                (id, (facts, repaired))
            })
            .collect()
    }

    /// An operation and what it reaches, as repaired: what its code is generated from.
    pub(super) fn alone(&self, id: &str) -> Result<Value> {
        let repaired = self.repaired()?;
        let all = repaired.operations();
        let operation = all.iter().find(|operation| operation.id == id);
        let operation = operation.with_context(|| format!("`{id}` is repaired away"))?;
        cut(repaired, &[*operation], &Default::default())
    }

    /// The code of one operation.
    pub(super) fn code(&self, id: &str) -> Result<Code> {
        Code::of(&self.alone(id)?)
    }

    /// The text of the dispatch over stores.
    pub(super) fn dispatch(&self) -> Result<String> {
        dispatch::stores(self.repaired()?.value())
    }

    fn repaired(&self) -> Result<&Description> {
        self.repaired.as_ref().map_err(|error| anyhow!("{error:#}"))
    }

    /// The operations that the dispatch over stores calls.
    pub(super) fn family(&self) -> BTreeSet<String> {
        let scopes = family::scopes(&self.facts);
        let of_scopes = scopes
            .iter()
            .flat_map(|scope| scope.operations.values().map(|operation| operation.id));
        of_scopes
            .map(str::to_owned)
            .chain(self.registries())
            .collect()
    }

    /// The operations on private registries.
    pub(super) fn registries(&self) -> BTreeSet<String> {
        let registries = family::registries(&self.facts);
        registries
            .iter()
            .flat_map(|all| {
                [
                    all.list,
                    all.public_key,
                    all.get,
                    all.create,
                    all.update,
                    all.delete,
                ]
            })
            .map(|operation| operation.id.to_owned())
            .collect()
    }

    pub(super) fn stores(&self) -> Stores {
        let scopes = family::scopes(&self.facts);
        let registries = family::registries(&self.facts);
        // Registries have all of their operations, or they are none.
        let of_registries = registries
            .iter()
            .map(|family| (format!("{} at Organization", family.store), BTreeMap::new()));
        scopes
            .iter()
            .map(|scope| {
                let roles = scope
                    .operations
                    .iter()
                    .map(|(role, operation)| (format!("{role:?}"), operation.id.to_owned()))
                    .collect();
                (format!("{} at {:?}", scope.store, scope.place), roles)
            })
            .chain(of_registries)
            .collect()
    }
}
