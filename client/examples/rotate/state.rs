//! The state that a run leaves for the next one, to finish what it began. It has no plaintext.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use octoseal::{Scope, scope::SecretName, sealing::ScopeKey};
use serde::{Deserialize, Serialize};

use crate::BoxError;

/// The content of the state: what earlier runs have done.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    pub(crate) name: SecretName,
    /// The credential that every store had when a rotation last ended.
    pub(crate) current: Option<String>,
    /// The credentials that were valid when the issuer was asked for another, until the id of that one is written here.
    pub(crate) asked_beside: Option<BTreeSet<String>>,
    /// A credential that some stores may have.
    pub(crate) new: Option<New>,
}

/// A credential that is being stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    pub(crate) id: String,
    /// The credentials to revoke once every store has the new one.
    pub(crate) old: BTreeSet<String>,
    /// The scopes that have it.
    pub(crate) stored: BTreeSet<Scope>,
    /// The sealed value for each other scope.
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

    /// Notes that the scope has the new credential.
    pub(crate) fn confirm(&mut self, scope: Scope) {
        if let Some(new) = &mut self.new {
            new.boxes.remove(&scope);
            new.stored.insert(scope);
        }
    }
}

/// The file of the state, locked for one run, so that no second run takes over what the first is about to finish.
pub(crate) struct State {
    path: PathBuf,
    lock: File,
}

impl Drop for State {
    fn drop(&mut self) {
        // Closing the file is not enough: a process that is being started has it open too for an instant.
        let _ = self.lock.unlock();
    }
}

impl State {
    pub(crate) fn open(path: PathBuf) -> Result<Self, BoxError> {
        let lock = File::create(beside(&path, "lock")).map_err(|error| named(&path, &error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, lock }),
            Err(TryLockError::WouldBlock) => Err(named(&path, &"another run is under way")),
            Err(TryLockError::Error(error)) => Err(named(&path, &error)),
        }
    }

    pub(crate) fn read(&self, name: &SecretName) -> Result<Known, BoxError> {
        let known: Known = match fs::read(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Known::nothing(name.clone()));
            }
            Err(error) => return Err(named(&self.path, &error)),
            Ok(text) => serde_json::from_slice(&text).map_err(|error| named(&self.path, &error))?,
        };
        if known.name != *name {
            let why = format!("it is about {}; give {name} a state of its own", known.name);
            return Err(named(&self.path, &why));
        }
        Ok(known)
    }

    /// Replaces the whole file or nothing of it.
    pub(crate) fn write(&self, known: &Known) -> Result<(), BoxError> {
        let write = || {
            let next = beside(&self.path, "new");
            let mut file = File::create(&next)?;
            file.write_all(&serde_json::to_vec(known)?)?;
            file.sync_all()?;
            fs::rename(next, &self.path)?;
            // The new name is safe from a loss of power once the folder is synced too, where the system allows that.
            let folder = self.path.parent().filter(|folder| *folder != Path::new(""));
            match File::open(folder.unwrap_or(Path::new("."))) {
                Ok(folder) => folder.sync_all(),
                Err(_) => Ok(()),
            }
        };
        write().map_err(|error| named(&self.path, &error))
    }
}

/// The path with one more ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn named(path: &Path, error: &dyn Display) -> BoxError {
    format!("{}: {error}", path.display()).into()
}
