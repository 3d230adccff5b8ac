//! Which stores exist, and where: data, so that a test can add one or take one away.

use std::collections::BTreeSet;

use crate::answer::registries;
use crate::world::place::Kind;

/// GitHub's own: each store with the kinds of place that have it, and whether a repository can list the organization
/// secrets that it sees.
const GITHUB: [(&str, &[Kind], bool); 7] = [
    (
        "actions",
        &[Kind::Organization, Kind::Repository, Kind::Environment],
        true,
    ),
    ("agents", &[Kind::Organization, Kind::Repository], true),
    (
        "codespaces",
        &[Kind::Organization, Kind::Repository, Kind::User],
        false,
    ),
    (
        "actions/variables",
        &[Kind::Organization, Kind::Repository, Kind::Environment],
        true,
    ),
    (
        "agents/variables",
        &[Kind::Organization, Kind::Repository],
        true,
    ),
    ("dependabot", &[Kind::Organization, Kind::Repository], false),
    (registries::STORE, &[Kind::Organization], false),
];

/// The store whose variables a store holds, if it holds variables: those of Actions are in `actions/variables`.
pub(crate) fn variables_of(store: &str) -> Option<&str> {
    store.strip_suffix("/variables")
}

/// The last pieces of a store's paths.
pub(crate) fn collection(store: &str) -> String {
    match variables_of(store) {
        Some(_) => store.to_owned(),
        None => format!("{store}/secrets"),
    }
}

/// The stores of which an organization may have no more secrets than a repository.
const FEW_IN_ORGANIZATION: [&str; 1] = ["codespaces"];

#[derive(Debug)]
pub(crate) struct Stores {
    known: BTreeSet<(String, Kind)>,
    listed: BTreeSet<String>,
}

impl Default for Stores {
    fn default() -> Self {
        let mut stores = Self {
            known: BTreeSet::new(),
            listed: BTreeSet::new(),
        };
        for (store, kinds, listed) in GITHUB {
            stores.add(store, kinds, listed);
        }
        stores
    }
}

impl Stores {
    pub(crate) fn add(&mut self, store: &str, kinds: &[Kind], listed: bool) {
        self.known
            .extend(kinds.iter().map(|kind| (store.to_owned(), *kind)));
        if listed {
            self.listed.insert(store.to_owned());
        }
    }

    pub(crate) fn remove(&mut self, store: &str) {
        let left = |known: &str| known != store && variables_of(known) != Some(store);
        self.known.retain(|(known, _)| left(known));
        self.listed.retain(|known| left(known));
    }

    pub(crate) fn has(&self, store: &str, kind: Kind) -> bool {
        self.known.contains(&(store.to_owned(), kind))
    }

    #[cfg(feature = "app")]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Kind)> {
        self.known
            .iter()
            .map(|(store, kind)| (store.as_str(), *kind))
    }

    /// How many secrets of a store an organization may have.
    pub(crate) fn most_in_organization(&self, store: &str) -> usize {
        let few = FEW_IN_ORGANIZATION.contains(&store);
        if few { 100 } else { 1_000 }
    }

    /// Whether a repository lists the organization secrets of this store that it sees.
    pub(crate) fn lists(&self, store: &str) -> bool {
        self.listed.contains(store)
    }
}
