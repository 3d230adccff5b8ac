//! Secrets that are there before a test begins.

use std::fmt;
use std::time::Duration;

use super::github::GitHub;
use super::keys::Vault;
use super::place::Address;
use super::stored::StoredSecret;
use super::world::Home;

/// A secret just put in place, to say more about it.
pub struct Seeded {
    github: GitHub,
    vault: Vault,
    name: String,
}

impl Seeded {
    #[track_caller]
    pub(super) fn new(github: GitHub, address: Address, name: &str, value: &[u8]) -> Self {
        let mut secret = StoredSecret::new(name, github.now());
        secret.value = value.to_vec();
        let mut state = github.state();
        let vault = state
            .vault(&address)
            .expect("a scope by name exists once it was added");
        secret.visibility = match vault.1 {
            Home::Organization(_) => Some("private".to_owned()),
            Home::User => Some("selected".to_owned()),
            Home::Repository(_) | Home::Environment(..) => None,
        };
        state.secrets.insert(&vault, secret);
        drop(state);
        Self {
            github,
            vault,
            name: name.to_owned(),
        }
    }

    /// Gives it a visibility: `all`, `private`, or one that nobody has heard of yet.
    pub fn visibility(self, visibility: &str) -> Self {
        self.change(|secret| secret.visibility = Some(visibility.to_owned()))
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
