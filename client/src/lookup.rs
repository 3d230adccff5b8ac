//! What is asked for once and used by many: public keys, and repositories' ids. Knows no handle.

mod keys;
pub(crate) mod memory;
mod own_writes;
mod repositories;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use crate::runtime::{Runtime, lock};

use memory::Memory;

pub(crate) use own_writes::{HeldPlace, Left, MAY_LAG, OwnWrite, OwnWrites, Selection};

pub use keys::ScopeKey;
pub(crate) use keys::{HasKey, Sealed, fetch_key};
pub(crate) use repositories::maybe_of_repositories;

/// What a client has learnt, and how it learns more.
pub(crate) struct Lookup {
    runtime: Arc<Runtime>,
    /// By scope: organizations and repositories can have different keys under one key id.
    keys: Memory<ScopeKey>,
    /// Their ids, by name.
    repositories: Memory<i64>,
    pub(crate) own_writes: OwnWrites,
    /// Settings of secrets that were told, since nothing is known of them here.
    settings: Mutex<HashSet<String>>,
    refuses_unknown_settings: bool,
}

/// So many unknown settings are told at most.
const MAX_SETTINGS: usize = 100;

impl Lookup {
    pub(crate) fn new(runtime: Arc<Runtime>, refuses_unknown_settings: bool) -> Self {
        Self {
            runtime,
            keys: Memory::default(),
            repositories: Memory::default(),
            own_writes: OwnWrites::default(),
            settings: Mutex::default(),
            refuses_unknown_settings,
        }
    }

    /// Whether a write that may reset an unknown setting is refused.
    pub(crate) fn is_strict(&self) -> bool {
        self.refuses_unknown_settings
    }

    /// Whether this unknown setting is told for the first time.
    pub(crate) fn is_new_setting(&self, name: &str) -> bool {
        let mut settings = lock(&self.settings);
        settings.len() < MAX_SETTINGS && settings.insert(name.to_owned())
    }
}
