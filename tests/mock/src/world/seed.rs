//! Secrets that are put in place, changed and taken away without a request.

use std::fmt;
use std::time::Duration;

use crate::github::GitHub;
use crate::text::{TextError, refuse};
use crate::world::Home;
use crate::world::keys::Vault;
use crate::world::place::Scope;
use crate::world::stored::StoredSecret;

/// A secret in its place, to say more about it.
pub struct SecretEditor {
    github: GitHub,
    vault: Vault,
    name: String,
    /// Whether it is new, so that what is said of it was always so.
    new: bool,
}

impl GitHub {
    /// Puts a secret in place without a request, its scope too if need be. At an organization its visibility is
    /// `private` unless the returned value says otherwise.
    #[track_caller]
    pub fn seed(
        &self,
        scope: impl fmt::Display,
        name: &str,
        value: impl AsRef<[u8]>,
    ) -> SecretEditor {
        self.seed_at(&Scope::read(scope), name, value.as_ref())
    }

    pub(crate) fn seed_at(&self, scope: &Scope, name: &str, value: &[u8]) -> SecretEditor {
        SecretEditor::new(self.clone(), scope, name, value)
    }

    /// A secret that is there, to change what it is as somebody else would, without a request. Each change counts as an
    /// update of now.
    ///
    /// # Examples
    /// ```
    /// # use octoseal_mock::GitHub;
    /// let github = GitHub::new();
    /// let api = github.add_repository("acme", "api");
    /// github.seed("actions:org/acme", "TOKEN", "s3cret").visibility("all");
    /// // Meanwhile, in the browser:
    /// github.edit("actions:org/acme", "TOKEN").selected([api]);
    /// ```
    #[track_caller]
    pub fn edit(&self, scope: impl fmt::Display, name: &str) -> SecretEditor {
        match self.edit_at(&Scope::read(scope), name) {
            Ok(edited) => edited,
            Err(why) => panic!("{why}"),
        }
    }

    /// Deletes a secret, as somebody else would, without a request.
    #[track_caller]
    pub fn delete_secret(&self, scope: impl fmt::Display, name: &str) {
        self.edit(scope, name).delete();
    }

    pub(crate) fn edit_at(&self, scope: &Scope, name: &str) -> Result<SecretEditor, TextError> {
        let state = self.state();
        match state.find_vault(scope) {
            Some(vault) if state.secrets.get(&vault, name).is_some() => {
                Ok(SecretEditor::at(self.clone(), vault, name, false))
            }
            _ => refuse(format!("there is no secret {name} in {scope}")),
        }
    }
}

impl SecretEditor {
    #[track_caller]
    pub(crate) fn new(github: GitHub, scope: &Scope, name: &str, value: &[u8]) -> Self {
        let mut secret = StoredSecret::new(name, github.now());
        secret.value = value.to_vec();
        let mut state = github.state();
        let vault = state
            .vault(scope)
            .expect("a scope by name exists once it was added");
        secret.visibility = match vault.1 {
            Home::Organization(_) => Some("private".to_owned()),
            Home::User => Some("selected".to_owned()),
            Home::Repository(_) | Home::Environment(..) => None,
        };
        state.secrets.seed(&vault, secret);
        drop(state);
        Self::at(github, vault, name, true)
    }

    fn at(github: GitHub, vault: Vault, name: &str, new: bool) -> Self {
        let name = name.to_owned();
        Self {
            github,
            vault,
            name,
            new,
        }
    }

    /// Gives it another value.
    pub fn value(self, value: impl AsRef<[u8]>) -> Self {
        self.change(|secret| secret.value = value.as_ref().to_vec())
    }

    /// Gives it a visibility: `all`, `private`, or a word that GitHub may use one day. It is no longer shared with
    /// [selected](Self::selected) repositories.
    pub fn visibility(self, visibility: &str) -> Self {
        self.change(|secret| {
            secret.visibility = Some(visibility.to_owned());
            secret.selected_repository_ids.clear();
        })
    }

    /// Shares it with these repositories alone.
    pub fn selected(self, repositories: impl IntoIterator<Item = u64>) -> Self {
        self.change(|secret| {
            secret.visibility = Some("selected".to_owned());
            secret.selected_repository_ids = repositories.into_iter().collect();
        })
    }

    /// Says when it was created and last written, since the Unix epoch.
    pub fn written(self, created_at: Duration, updated_at: Duration) -> Self {
        self.change(|secret| (secret.created_at, secret.updated_at) = (created_at, updated_at))
    }

    /// Gives a private registry one of its fields, by GitHub's name for it.
    pub fn field(self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.change(|secret| {
            secret.fields.insert(name.to_owned(), value.into());
        })
    }

    pub(crate) fn delete(self) {
        let now = self.github.now();
        let secrets = &mut self.github.state().secrets;
        secrets.remove(now, &self.vault, &self.name);
    }

    fn change(self, change: impl FnOnce(&mut StoredSecret)) -> Self {
        let now = self.github.now();
        let mut state = self.github.state();
        let secrets = &mut state.secrets;
        if self.new {
            secrets.seed_change(&self.vault, &self.name, change);
        } else {
            secrets.change(now, &self.vault, &self.name, |secret| {
                secret.updated_at = now;
                change(secret);
            });
        }
        drop(state);
        self
    }
}

impl fmt::Debug for SecretEditor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretEditor")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
