//! Secrets that are put in place, changed and taken away without a request.

use std::fmt;
use std::time::Duration;

use crate::github::GitHub;
use crate::keys::Vault;
use crate::place::Scope;
use crate::stored::StoredSecret;
use crate::world::Home;

/// A secret in its place, to say more about it.
pub struct Seeded {
    github: GitHub,
    vault: Vault,
    name: String,
}

impl GitHub {
    /// Puts a secret in place without a request, its scope too if need be. At an organization its visibility is
    /// `private` unless the returned value says otherwise.
    #[track_caller]
    pub fn seed(&self, scope: impl fmt::Display, name: &str, value: impl AsRef<[u8]>) -> Seeded {
        self.seed_at(Scope::read(scope), name, value.as_ref())
    }

    pub(crate) fn seed_at(&self, scope: Scope, name: &str, value: &[u8]) -> Seeded {
        Seeded::new(self.clone(), scope, name, value)
    }

    /// A secret that is there, to change what it is as somebody else would, without a request.
    ///
    /// # Examples
    /// ```
    /// # use octoseal_mock::GitHub;
    /// let github = GitHub::new();
    /// let api = github.add_repository("acme", "api");
    /// github.seed("actions:org/acme", "TOKEN", "s3cret").visibility("all");
    /// // Meanwhile, in the browser:
    /// github.existing("actions:org/acme", "TOKEN").selected([api]);
    /// ```
    #[track_caller]
    pub fn existing(&self, scope: impl fmt::Display, name: &str) -> Seeded {
        Seeded::at(self.clone(), self.vault_with(scope, name), name)
    }

    /// Deletes a secret, as somebody else would, without a request.
    #[track_caller]
    pub fn delete_secret(&self, scope: impl fmt::Display, name: &str) {
        let vault = self.vault_with(scope, name);
        self.state().secrets.remove(&vault, name);
    }

    /// Where a secret is.
    #[track_caller]
    fn vault_with(&self, scope: impl fmt::Display, name: &str) -> Vault {
        let text = scope.to_string();
        let scope = Scope::read(&text);
        let state = self.state();
        match state.find_vault(&scope) {
            Some(vault) if state.secrets.get(&vault, name).is_some() => vault,
            _ => panic!("there is no secret {name} in {text}"),
        }
    }
}

impl Seeded {
    #[track_caller]
    pub(crate) fn new(github: GitHub, scope: Scope, name: &str, value: &[u8]) -> Self {
        let mut secret = StoredSecret::new(name, github.now());
        secret.value = value.to_vec();
        let mut state = github.state();
        let vault = state
            .vault(&scope)
            .expect("a scope by name exists once it was added");
        secret.visibility = match vault.1 {
            Home::Organization(_) => Some("private".to_owned()),
            Home::User => Some("selected".to_owned()),
            Home::Repository(_) | Home::Environment(..) => None,
        };
        state.secrets.insert(&vault, secret);
        drop(state);
        Self::at(github, vault, name)
    }

    pub(crate) fn at(github: GitHub, vault: Vault, name: &str) -> Self {
        let name = name.to_owned();
        Self {
            github,
            vault,
            name,
        }
    }

    /// Gives it a visibility: `all`, `private`, or one that nobody has heard of yet. It is no longer shared with
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

    fn change(self, change: impl FnOnce(&mut StoredSecret)) -> Self {
        if let Some(secret) = self.github.state().secrets.get_mut(&self.vault, &self.name) {
            change(secret);
        }
        self
    }
}

impl fmt::Debug for Seeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seeded")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
