//! The operations kept of one description: as it says, as repaired, and as generated.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, anyhow};
use serde_json::Value;

use super::code::{Code, sent};
use super::flat::{Flat, flat};
use crate::codegen::{self, dispatch};
use crate::description::cut::{cut, present};
use crate::description::family::{self, Role};
use crate::description::faults::{self, Fault};
use crate::description::left_out::{self, LeftOut};
use crate::description::select::select;
use crate::description::source::Source;
use crate::description::unread;
use crate::description::{Description, operations};
use crate::repairs;

/// The operations kept of one description.
pub(super) struct Kept {
    pub(super) version: String,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) faults: Vec<Fault>,
    facts: Value,
    repaired: Result<Description>,
    /// Whether entries of the list name no operation here: the description is of another time or server, and has other
    /// faults.
    incomplete: bool,
    /// What `vendor` refuses beside the facts.
    refused: Vec<String>,
    /// The types that callers write out, computed when first needed. Empty if the whole can't be generated, which
    /// `generate` reports.
    sent: OnceCell<BTreeSet<String>>,
}

/// The operations of every store, by role: `robots at Organization`.
pub(super) type Stores = BTreeMap<String, BTreeMap<String, String>>;

impl Kept {
    pub(super) fn of(description: &Description, source: &Source) -> Result<Self> {
        let selection = select(description, source.entries());
        let found = &selection.found;
        let kept: BTreeSet<_> = found.iter().map(|operation| operation.id).collect();
        let projections = present(description, &source.project);
        let facts = cut(description, found, &projections)?;
        let mut refused = unread::of_paths(description.value(), found);
        refused.extend(selection.distinct().err().map(|error| format!("{error:#}")));
        // As for `vendor`: where entries are missing, a projection may lack properties too.
        let incomplete = !selection.missing.is_empty();
        let accepted = incomplete || !source.package.missing.is_empty();
        if !accepted && projections != source.project {
            let strict = cut(description, found, &source.project);
            refused.extend(strict.err().map(|error| format!("{error:#}")));
        }
        let repaired = repairs::apply(&facts, source)
            .and_then(|(repaired, _)| Description::from_value(repaired));
        let left_out = left_out::left_out(description.value(), &kept);
        Ok(Self {
            version: description.version().to_owned(),
            left_out,
            faults: faults::unkept(description, &kept),
            facts,
            repaired,
            incomplete,
            refused,
            sent: OnceCell::new(),
        })
    }

    /// Every operation's facts by id: as described, and as repaired. If a repair fails, the second are the first.
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

    /// An operation and the components it reaches, as repaired: what its code is generated from.
    pub(super) fn cut_out(&self, id: &str) -> Result<Value> {
        let repaired = self.repaired()?;
        let all = repaired.operations();
        let operation = all.iter().find(|operation| operation.id == id);
        let operation = operation.with_context(|| format!("`{id}` is repaired away"))?;
        cut(repaired, &[*operation], &Default::default())
    }

    /// The code of one operation.
    pub(super) fn code(&self, id: &str) -> Result<Code> {
        let repaired = self.repaired()?.value();
        let sent = self.sent.get_or_init(|| sent(repaired).unwrap_or_default());
        Code::of(&self.cut_out(id)?, sent)
    }

    /// The text of the dispatch over stores.
    pub(super) fn dispatch(&self) -> Result<String> {
        Ok(dispatch::dispatch(self.repaired()?.value())?.text)
    }

    /// All that is generated, for its errors.
    pub(super) fn generate(&self) -> Result<()> {
        codegen::from_repaired(self.repaired()?.value()).map(drop)
    }

    /// What `vendor` and `codegen` refuse though every operation can be generated.
    pub(super) fn refused(&self, source: &Source) -> Vec<String> {
        let mut refused = self.refused.clone();
        let mut checks = vec![unread::refuse(&self.facts)];
        if !self.incomplete {
            checks.push(source.check_facts(&self.facts));
            let witnesses = || repairs::check_witnesses(&self.facts, source);
            checks.extend(self.repaired.is_ok().then(witnesses));
        }
        let errors = checks.into_iter().filter_map(Result::err);
        refused.extend(errors.map(|error| format!("{error:#}")));
        refused
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

    /// The operations whose status tells what they did: created, or updated.
    pub(super) fn told_by_status(&self) -> BTreeSet<String> {
        let scopes = family::scopes(&self.facts);
        let puts = scopes.iter().map(|scope| scope.operations[&Role::Put].id);
        let registries = family::registries(&self.facts);
        let writes = registries
            .iter()
            .flat_map(|all| [all.create.id, all.update.id]);
        puts.chain(writes).map(str::to_owned).collect()
    }

    /// The operations on private registries.
    pub(super) fn registries(&self) -> BTreeSet<String> {
        let registries = family::registries(&self.facts);
        registries
            .iter()
            .flat_map(|all| all.operations())
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
