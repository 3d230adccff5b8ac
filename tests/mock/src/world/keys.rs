//! A real key pair for each scope, and what became of the ones before.

use std::collections::HashMap;

use octoseal_sealing::{PublicKey, SealedBox, SecretKey};

use crate::settings::StaleKeys;
use crate::world::Home;

/// More than a double can count to, so that a client that reads a number as a float shows itself.
const FIRST_ID: u64 = 568_250_167_242_549_743;
const BETWEEN_GENERATIONS: u64 = 1_000_003;

/// A store at a place that exists.
pub(crate) type Vault = (String, Home);

#[derive(Debug, Default)]
pub(crate) struct Keys(HashMap<Vault, Vec<KeyPair>>);

#[derive(Debug)]
struct KeyPair {
    id: String,
    secret: SecretKey,
}

impl Keys {
    /// The id and the key that values are to be sealed with now.
    pub(crate) fn current(&mut self, vault: &Vault, shared_ids: bool) -> (String, PublicKey) {
        let pair = self.newest(vault, shared_ids);
        (pair.id.clone(), pair.secret.public_key())
    }

    /// Replaces a scope's key. The old one is remembered.
    pub(crate) fn rotate(&mut self, vault: &Vault, shared_ids: bool) {
        self.newest(vault, shared_ids);
        self.add(vault, shared_ids);
    }

    /// Opens what was sealed with the key that `id` names, `None` when it does not open.
    pub(crate) fn open(
        &mut self,
        vault: &Vault,
        id: &str,
        sealed: &str,
        shared_ids: bool,
        stale: StaleKeys,
    ) -> Option<Vec<u8>> {
        self.newest(vault, shared_ids);
        let pairs = self.0.get(vault)?;
        let usable = match stale {
            StaleKeys::Refused => &pairs[pairs.len() - 1..],
            StaleKeys::Accepted => pairs,
        };
        let pair = usable.iter().find(|pair| pair.id == id)?;
        let sealed = SealedBox::from_base64(sealed).ok()?;
        pair.secret
            .open(&sealed)
            .ok()
            .map(|plaintext| plaintext.to_vec())
    }

    fn newest(&mut self, vault: &Vault, shared_ids: bool) -> &KeyPair {
        if !self.0.contains_key(vault) {
            self.add(vault, shared_ids);
        }
        let pairs = &self.0[vault];
        &pairs[pairs.len() - 1]
    }

    fn add(&mut self, vault: &Vault, shared_ids: bool) {
        let scopes = self.0.len() as u64;
        let pairs = self.0.entry(vault.clone()).or_default();
        let scope = if shared_ids { 0 } else { scopes + 1 };
        let id = FIRST_ID + BETWEEN_GENERATIONS * pairs.len() as u64 + scope;
        pairs.push(KeyPair {
            id: id.to_string(),
            secret: SecretKey::generate(),
        });
    }
}
