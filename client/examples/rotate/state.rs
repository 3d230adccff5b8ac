//! What a run leaves for the next one: enough to finish what it began, and no plaintext.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use octoseal::{Scope, ScopeKey, SecretName};
use serde::{Deserialize, Serialize};

use crate::BoxError;

/// What is known of earlier runs.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    pub(crate) name: SecretName,
    /// The credential that every store had when a rotation last ended.
    pub(crate) current: Option<String>,
    /// Those that were valid when the issuer was asked for another one, as long as that has not come to be known.
    pub(crate) asked_beside: Option<BTreeSet<String>>,
    /// One that some stores may have.
    pub(crate) new: Option<New>,
}

/// A credential that is being stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    pub(crate) id: String,
    /// Those to revoke once every store has the new one.
    pub(crate) old: BTreeSet<String>,
    /// The stores that have it.
    pub(crate) stored: BTreeSet<Scope>,
    /// The value for each of the others, which GitHub alone can open.
    pub(crate) boxes: BTreeMap<Scope, Sealed>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sealed {
    pub(crate) key_id: String,
    key: String,
    pub(crate) encrypted_value: String,
}

impl Sealed {
    pub(crate) fn new(key: &ScopeKey, value: &[u8]) -> Self {
        Self {
            key_id: key.key_id().to_owned(),
            key: key.key().to_base64(),
            encrypted_value: key.key().seal(value).to_base64(),
        }
    }

    /// Whether it was sealed with this key.
    pub(crate) fn opens_with(&self, key: &ScopeKey) -> bool {
        self.key_id == key.key_id() && self.key == key.key().to_base64()
    }
}

impl Known {
    pub(crate) fn nothing(name: SecretName) -> Self {
        let (current, asked_beside, new) = (None, None, None);
        Self {
            name,
            current,
            asked_beside,
            new,
        }
    }

    /// The scope has the new credential.
    pub(crate) fn confirm(&mut self, scope: Scope) {
        if let Some(new) = &mut self.new {
            new.boxes.remove(&scope);
            new.stored.insert(scope);
        }
    }
}

/// The file with what is known.
pub(crate) struct State(pub(crate) PathBuf);

impl State {
    pub(crate) fn read(&self, name: &SecretName) -> Result<Known, BoxError> {
        let path = self.0.display();
        let text = match fs::read(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Known::nothing(name.clone()));
            }
            text => text.map_err(|error| format!("{path}: {error}"))?,
        };
        let known: Known =
            serde_json::from_slice(&text).map_err(|error| format!("{path}: {error}"))?;
        match known.name == *name {
            true => Ok(known),
            false => Err(format!(
                "{path} is about {}; give {name} a state of its own",
                known.name
            )
            .into()),
        }
    }

    /// Replaces all of it, or nothing.
    pub(crate) fn write(&self, known: &Known) -> Result<(), BoxError> {
        let beside = self.0.with_extension("new");
        let write = || {
            let mut file = File::create(&beside)?;
            file.write_all(&serde_json::to_vec(known)?)?;
            file.sync_all()?;
            fs::rename(&beside, &self.0)
        };
        write().map_err(|error| format!("{}: {error}", self.0.display()).into())
    }
}
