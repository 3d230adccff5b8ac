//! Public keys and ids of repositories, which one call fetches for many; and what the client has just written.

mod keys;
pub(crate) mod memory;
mod own_writes;
mod repositories;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use crate::runtime::{Runtime, lock};

use memory::Memory;

pub(crate) use own_writes::{Held, Left, MAY_LAG_FOR, OwnWrite, OwnWrites, Selection};

pub use keys::ScopeKey;
pub(crate) use keys::{HasKey, Sealed, fetch_key};
pub(crate) use repositories::hint_at_repositories;

/// The memory of a client.
pub(crate) struct Lookup {
    runtime: Arc<Runtime>,
    /// By scope: organizations and repositories can have different keys under one key id.
    keys: Memory<ScopeKey>,
    repository_ids: Memory<i64>,
    pub(crate) own_writes: OwnWrites,
    /// The unknown settings of secrets that the observer was told of.
    told_settings: Mutex<HashSet<String>>,
    refuses_unknown_settings: bool,
}

/// The most unknown settings that the observer is told of.
const MAX_TOLD_SETTINGS: usize = 100;

impl Lookup {
    pub(crate) fn new(runtime: Arc<Runtime>, refuses_unknown_settings: bool) -> Self {
        Self {
            runtime,
            keys: Memory::default(),
            repository_ids: Memory::default(),
            own_writes: OwnWrites::default(),
            told_settings: Mutex::default(),
            refuses_unknown_settings,
        }
    }

    /// Whether a write that may reset an unknown setting is refused.
    pub(crate) fn refuses_unknown_settings(&self) -> bool {
        self.refuses_unknown_settings
    }

    /// Notes that the observer is told of an unknown setting. Says `false` if it was told before, or if
    /// `MAX_TOLD_SETTINGS` were.
    pub(crate) fn note_told_setting(&self, name: &str) -> bool {
        let mut settings = lock(&self.told_settings);
        settings.len() < MAX_TOLD_SETTINGS && settings.insert(name.to_owned())
    }
}
