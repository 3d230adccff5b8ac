//! What exists: organizations, repositories, environments and stores.

use super::GitHub;
use crate::world::Repository;
use crate::world::place::Kind;

impl GitHub {
    /// Lets an organization exist, and gives its number.
    pub fn add_organization(&self, login: &str) -> u64 {
        self.state().world.add_owner(login)
    }

    /// Lets a private repository exist, its owner too, and gives its number.
    pub fn add_repository(&self, owner: &str, name: &str) -> u64 {
        self.state().world.add_repository(owner, name)
    }

    /// Lets an environment exist, its repository too. The name is written as GitHub shows it, `prod/eu`.
    pub fn add_environment(&self, owner: &str, repository: &str, environment: &str) {
        self.state()
            .world
            .add_environment(owner, repository, environment);
    }

    /// Makes a repository public, or private again.
    #[track_caller]
    pub fn set_private(&self, owner: &str, name: &str, private: bool) {
        self.change_repository(owner, name, |repository| repository.private = private);
    }

    /// Archives a repository: it can be read and not be written.
    #[track_caller]
    pub fn archive(&self, owner: &str, name: &str) {
        self.change_repository(owner, name, |repository| repository.archived = true);
    }

    /// Renames a repository. Requests for the old name are redirected to the repository's number.
    #[track_caller]
    pub fn rename_repository(&self, owner: &str, name: &str, new: &str) {
        let renamed = self.state().world.rename_repository(owner, name, new);
        assert!(renamed.is_some(), "there is no repository {owner}/{name}");
    }

    /// Deletes a repository, with its environments and every secret in them.
    #[track_caller]
    pub fn delete_repository(&self, owner: &str, name: &str) {
        let deleted = self.state().world.remove_repository(owner, name);
        assert!(deleted.is_some(), "there is no repository {owner}/{name}");
    }

    /// Deletes an environment and its secrets. An environment made again under the same name begins without secrets.
    #[track_caller]
    pub fn delete_environment(&self, owner: &str, repository: &str, environment: &str) {
        let mut state = self.state();
        let Some(home) = state
            .world
            .remove_environment(owner, repository, environment)
        else {
            panic!("there is no environment {environment} in {owner}/{repository}");
        };
        state.secrets.forget(&home);
    }

    /// Deletes an organization, with its repositories and every secret in them.
    #[track_caller]
    pub fn delete_organization(&self, login: &str) {
        let deleted = self.state().world.remove_owner(login);
        assert!(deleted.is_some(), "there is no organization {login}");
    }

    /// Renames an organization. Its old name leads nowhere: GitHub does not redirect it.
    #[track_caller]
    pub fn rename_organization(&self, login: &str, new: &str) {
        let renamed = self.state().world.rename_owner(login, new);
        assert!(renamed.is_some(), "there is no organization {login}");
    }

    /// Adds a store that GitHub does not have, at organizations and repositories.
    pub fn add_store(&self, store: &str) {
        self.state()
            .stores
            .add(store, &[Kind::Organization, Kind::Repository], true);
    }

    /// Takes a store away, everywhere: its paths are answered with 404, as by a server that is too old to have it.
    pub fn remove_store(&self, store: &str) {
        self.state().stores.remove(store);
    }

    #[track_caller]
    fn change_repository(&self, owner: &str, name: &str, change: impl FnOnce(&mut Repository)) {
        let mut state = self.state();
        match state.world.repository_mut(owner, name) {
            Some(repository) => change(repository),
            None => panic!("there is no repository {owner}/{name}"),
        }
    }
}
