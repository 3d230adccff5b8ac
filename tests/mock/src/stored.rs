//! Secrets as the stand-in keeps them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::keys::Vault;
use crate::when;
use crate::world::Home;

/// A secret that the stand-in holds, opened. `Debug` leaves the value out.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct StoredSecret {
    /// The name, in upper case as GitHub keeps it.
    pub name: String,
    /// The plaintext that was sealed; empty for a private registry that needs no secret.
    pub value: Vec<u8>,
    /// Who may use it: `all`, `private` or `selected`. `None` where a store has no such thing.
    pub visibility: Option<String>,
    /// The repositories that may use it while its visibility is `selected`, and those of a user's secret.
    pub selected_repository_ids: BTreeSet<u64>,
    /// When it was first stored, on the stand-in's clock, since the Unix epoch.
    pub created_at: Duration,
    /// When it was last written, likewise.
    pub updated_at: Duration,
    /// What else a private registry was told, by GitHub's names; empty for a secret.
    pub fields: Map<String, Value>,
}

impl fmt::Debug for StoredSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredSecret")
            .field("name", &self.name)
            .field("visibility", &self.visibility)
            .field("selected_repository_ids", &self.selected_repository_ids)
            .field("created_at", &when::iso(self.created_at))
            .field("updated_at", &when::iso(self.updated_at))
            .finish_non_exhaustive()
    }
}

impl StoredSecret {
    pub(crate) fn new(name: &str, now: Duration) -> Self {
        Self {
            name: name.to_ascii_uppercase(),
            value: Vec::new(),
            visibility: None,
            selected_repository_ids: BTreeSet::new(),
            created_at: now,
            updated_at: now,
            fields: Map::new(),
        }
    }

    pub(crate) fn is_selected(&self) -> bool {
        self.visibility.as_deref() == Some("selected")
    }

    /// The secret as GitHub shows it. `repositories` is where its repositories are listed.
    pub(crate) fn to_json(&self, repositories: &str) -> Value {
        let mut shown = json!({
            "name": self.name,
            "created_at": when::iso(self.created_at),
            "updated_at": when::iso(self.updated_at),
        });
        if let Some(visibility) = &self.visibility {
            shown["visibility"] = json!(visibility);
        }
        if self.is_selected() {
            shown["selected_repositories_url"] = json!(repositories);
        }
        shown
    }
}

/// The secrets of all scopes, by upper-case name.
#[derive(Debug, Default)]
pub(crate) struct Secrets(HashMap<Vault, BTreeMap<String, StoredSecret>>);

impl Secrets {
    pub(crate) fn of(&self, vault: &Vault) -> impl ExactSizeIterator<Item = &StoredSecret> {
        static NONE: BTreeMap<String, StoredSecret> = BTreeMap::new();
        self.0.get(vault).unwrap_or(&NONE).values()
    }

    pub(crate) fn get(&self, vault: &Vault, name: &str) -> Option<&StoredSecret> {
        self.0.get(vault)?.get(&name.to_ascii_uppercase())
    }

    pub(crate) fn get_mut(&mut self, vault: &Vault, name: &str) -> Option<&mut StoredSecret> {
        self.0.get_mut(vault)?.get_mut(&name.to_ascii_uppercase())
    }

    pub(crate) fn insert(&mut self, vault: &Vault, secret: StoredSecret) {
        match self.0.get_mut(vault) {
            Some(secrets) => secrets.insert(secret.name.clone(), secret),
            None => self
                .0
                .entry(vault.clone())
                .or_default()
                .insert(secret.name.clone(), secret),
        };
    }

    pub(crate) fn remove(&mut self, vault: &Vault, name: &str) -> Option<StoredSecret> {
        self.0.get_mut(vault)?.remove(&name.to_ascii_uppercase())
    }
    /// Forgets the secrets of a place, in every store.
    pub(crate) fn forget(&mut self, home: &Home) {
        self.0.retain(|(_, other), _| other != home);
    }
}
