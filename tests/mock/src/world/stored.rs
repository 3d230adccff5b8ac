//! Secrets as the stand-in keeps them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::when;
use crate::world::Home;
use crate::world::keys::Vault;

/// A secret that the stand-in holds, opened. `Debug` leaves the value out.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct StoredSecret {
    /// The name, in upper case as GitHub keeps it.
    pub name: String,
    /// The plaintext that was sealed; empty for a private registry that needs no secret.
    pub value: Vec<u8>,
    /// Its visibility: `all`, `private` or `selected`. `None` where a store has none.
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

/// The secrets of one scope, by upper-case name.
pub(crate) type Shelf = BTreeMap<String, StoredSecret>;

/// So much of the past is remembered of each scope, for reads that show it.
const LONGEST_LAG: Duration = Duration::from_secs(300);
const MOST_REMEMBERED: usize = 1_000;

/// The secrets of all scopes, and what they were a while ago.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    shelves: HashMap<Vault, Shelf>,
    past: HashMap<Vault, VecDeque<Past>>,
}

/// What a secret was until an instant: `None`, that there was none.
#[derive(Debug)]
struct Past {
    until: Duration,
    name: String,
    secret: Option<StoredSecret>,
}

impl Secrets {
    /// The secrets of a scope as they are now.
    pub(crate) fn of(&self, vault: &Vault) -> &Shelf {
        static NONE: Shelf = BTreeMap::new();
        self.shelves.get(vault).unwrap_or(&NONE)
    }

    /// The secrets of a scope as they were at an instant, or are now.
    pub(crate) fn shown(&self, vault: &Vault, as_of: Option<Duration>) -> Cow<'_, Shelf> {
        let now = self.of(vault);
        let (Some(as_of), Some(past)) = (as_of, self.past.get(vault)) else {
            return Cow::Borrowed(now);
        };
        let mut shelf = now.clone();
        for Past { name, secret, .. } in past.iter().rev().take_while(|past| past.until > as_of) {
            match secret {
                Some(secret) => shelf.insert(name.clone(), secret.clone()),
                None => shelf.remove(name),
            };
        }
        Cow::Owned(shelf)
    }

    pub(crate) fn get(&self, vault: &Vault, name: &str) -> Option<&StoredSecret> {
        self.of(vault).get(&name.to_ascii_uppercase())
    }

    /// Puts a secret in place as if it had always been there.
    pub(crate) fn seed(&mut self, vault: &Vault, secret: StoredSecret) {
        if let Some(past) = self.past.get_mut(vault) {
            past.retain(|past| past.name != secret.name);
        }
        self.shelf(vault).insert(secret.name.clone(), secret);
    }

    /// Changes a secret that was just put in place.
    pub(crate) fn seed_change(
        &mut self,
        vault: &Vault,
        name: &str,
        change: impl FnOnce(&mut StoredSecret),
    ) {
        if let Some(secret) = self.shelf(vault).get_mut(&name.to_ascii_uppercase()) {
            change(secret);
        }
    }

    pub(crate) fn insert(&mut self, now: Duration, vault: &Vault, secret: StoredSecret) {
        self.remember(now, vault, &secret.name);
        self.shelf(vault).insert(secret.name.clone(), secret);
    }

    pub(crate) fn remove(&mut self, now: Duration, vault: &Vault, name: &str) -> Option<()> {
        let name = name.to_ascii_uppercase();
        self.get(vault, &name)?;
        self.remember(now, vault, &name);
        self.shelf(vault).remove(&name).map(drop)
    }

    pub(crate) fn change(
        &mut self,
        now: Duration,
        vault: &Vault,
        name: &str,
        change: impl FnOnce(&mut StoredSecret),
    ) -> Option<()> {
        let name = name.to_ascii_uppercase();
        self.get(vault, &name)?;
        self.remember(now, vault, &name);
        self.shelf(vault).get_mut(&name).map(change)
    }

    /// Forgets the secrets of a place, in every store.
    pub(crate) fn forget(&mut self, home: &Home) {
        self.shelves.retain(|(_, other), _| other != home);
        self.past.retain(|(_, other), _| other != home);
    }

    fn shelf(&mut self, vault: &Vault) -> &mut Shelf {
        if !self.shelves.contains_key(vault) {
            self.shelves.insert(vault.clone(), Shelf::new());
        }
        self.shelves.get_mut(vault).expect("just inserted")
    }

    /// Remembers what a secret was until now.
    fn remember(&mut self, now: Duration, vault: &Vault, name: &str) {
        let secret = self.get(vault, name).cloned();
        let past = self.past.entry(vault.clone()).or_default();
        while past.len() >= MOST_REMEMBERED
            || past
                .front()
                .is_some_and(|first| first.until + LONGEST_LAG < now)
        {
            past.pop_front();
        }
        past.push_back(Past {
            until: now,
            name: name.to_owned(),
            secret,
        });
    }
}
