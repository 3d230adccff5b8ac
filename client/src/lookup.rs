//! What is asked for once and used by many: public keys, and repositories' ids. Knows no handle.

mod keys;
pub(crate) mod memory;
mod repositories;

use std::sync::Arc;

use crate::runtime::Runtime;

use memory::Memory;

pub use keys::ScopeKey;
pub(crate) use keys::{HasKey, Sealed, fetch_key};

/// What a client has learnt, and how it learns more.
pub(crate) struct Lookup {
    runtime: Arc<Runtime>,
    /// By scope: organizations and repositories can have different keys under one key id.
    keys: Memory<ScopeKey>,
    /// Their ids, by name.
    repositories: Memory<i64>,
}

impl Lookup {
    pub(crate) fn new(runtime: Arc<Runtime>) -> Self {
        Self {
            runtime,
            keys: Memory::default(),
            repositories: Memory::default(),
        }
    }
}
