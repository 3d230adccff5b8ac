//! The organizations, repositories and environments that exist, and what became of renamed ones.

pub(crate) mod keys;
pub(crate) mod place;
pub(crate) mod seed;
pub(crate) mod stored;
pub(crate) mod stores;

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use crate::world::place::{Account, Place, Repo};

/// The number of the first repository; the second is the other one of GitHub's own examples.
const FIRST_REPOSITORY: u64 = 1_296_269;
const NEXT_REPOSITORY: u64 = 11;
const FIRST_ACCOUNT: u64 = 9_919;

/// A place that exists, by number, so that a rename moves no secrets.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Home {
    Organization(u64),
    Repository(u64),
    Environment(u64, String),
    User,
}

/// Why a place could not be found.
pub(crate) enum Lost {
    Missing,
    /// A repository that has another name now: its number.
    Moved(u64),
}

#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) id: u64,
    pub(crate) login: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Repository {
    pub(crate) id: u64,
    pub(crate) owner: u64,
    pub(crate) name: String,
    pub(crate) private: bool,
    pub(crate) archived: bool,
    environments: BTreeMap<String, Environment>,
}

/// An environment: its name as it was written, and how it is protected, by GitHub's names.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    pub(crate) name: String,
    pub(crate) protection: Map<String, Value>,
}

#[derive(Debug, Default)]
pub(crate) struct World {
    owners: BTreeMap<u64, Owner>,
    logins: HashMap<String, u64>,
    repositories: BTreeMap<u64, Repository>,
    names: HashMap<(u64, String), u64>,
    moved: HashMap<(u64, String), u64>,
    /// How many owners and repositories there ever were: a number is given once, whatever was deleted since.
    born: (u64, u64),
}

/// Logins, repositories and environments are told apart without regard to case.
fn fold(name: &str) -> String {
    name.to_lowercase()
}

impl Repository {
    /// An environment, which comes into being if need be.
    pub(crate) fn add_environment(&mut self, name: &str) -> &mut Environment {
        let new = || Environment {
            name: name.to_owned(),
            protection: Map::new(),
        };
        self.environments.entry(fold(name)).or_insert_with(new)
    }

    pub(crate) fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments.get(&fold(name))
    }
}

impl World {
    /// The number of an organization (or user), which comes into being if need be.
    pub(crate) fn add_owner(&mut self, login: &str) -> u64 {
        if let Some(id) = self.logins.get(&fold(login)) {
            return *id;
        }
        let id = FIRST_ACCOUNT + self.born.0;
        self.born.0 += 1;
        self.logins.insert(fold(login), id);
        self.owners.insert(
            id,
            Owner {
                id,
                login: login.to_owned(),
            },
        );
        id
    }

    /// The number of a repository, which comes into being if need be.
    pub(crate) fn add_repository(&mut self, owner: &str, name: &str) -> u64 {
        let owner = self.add_owner(owner);
        if let Some(id) = self.names.get(&(owner, fold(name))) {
            return *id;
        }
        let id = FIRST_REPOSITORY + NEXT_REPOSITORY * self.born.1;
        self.born.1 += 1;
        self.names.insert((owner, fold(name)), id);
        self.moved.remove(&(owner, fold(name)));
        let name = name.to_owned();
        let repository = Repository {
            id,
            owner,
            name,
            private: true,
            archived: false,
            environments: BTreeMap::new(),
        };
        self.repositories.insert(id, repository);
        id
    }

    pub(crate) fn add_environment(&mut self, owner: &str, name: &str, environment: &str) {
        let id = self.add_repository(owner, name);
        if let Some(repository) = self.repositories.get_mut(&id) {
            repository.add_environment(environment);
        }
    }

    /// Lets a place come into being, with everything that it lies in.
    pub(crate) fn add(&mut self, place: &Place) {
        match place {
            Place::Organization(Account::Login(login)) => {
                self.add_owner(login);
            }
            Place::Repository(Repo::Named(owner, name)) => {
                self.add_repository(owner, name);
            }
            Place::Environment(Repo::Named(owner, name), environment) => {
                self.add_environment(owner, name, environment)
            }
            _ => {}
        }
    }

    /// Gives an organization another login. Requests for the old one find nothing: GitHub does not redirect them.
    pub(crate) fn rename_owner(&mut self, old: &str, new: &str) -> Option<()> {
        let id = self.logins.remove(&fold(old))?;
        self.logins.insert(fold(new), id);
        self.owners.get_mut(&id)?.login = new.to_owned();
        Some(())
    }

    /// Gives a repository another name. Requests for the old one are redirected.
    pub(crate) fn rename_repository(&mut self, owner: &str, old: &str, new: &str) -> Option<()> {
        let owner = *self.logins.get(&fold(owner))?;
        let id = self.names.remove(&(owner, fold(old)))?;
        self.moved.insert((owner, fold(old)), id);
        self.names.insert((owner, fold(new)), id);
        self.repositories.get_mut(&id)?.name = new.to_owned();
        Some(())
    }

    pub(crate) fn remove_repository(&mut self, owner: &str, name: &str) -> Option<()> {
        let owner = *self.logins.get(&fold(owner))?;
        let id = self.names.remove(&(owner, fold(name)))?;
        self.repositories.remove(&id).map(|_| ())
    }

    pub(crate) fn remove_environment(
        &mut self,
        owner: &str,
        name: &str,
        environment: &str,
    ) -> Option<Home> {
        let repository = self.repository_mut(owner, name)?;
        let environment = fold(environment);
        let (id, removed) = (repository.id, repository.environments.remove(&environment));
        removed.map(|_| Home::Environment(id, environment))
    }

    /// Removes an owner with its repositories.
    pub(crate) fn remove_owner(&mut self, login: &str) -> Option<()> {
        let id = self.logins.remove(&fold(login))?;
        self.owners.remove(&id);
        self.repositories
            .retain(|_, repository| repository.owner != id);
        self.names.retain(|(owner, _), _| *owner != id);
        self.moved.retain(|(owner, _), _| *owner != id);
        Some(())
    }

    pub(crate) fn find(&self, place: &Place) -> Result<Home, Lost> {
        match place {
            Place::Organization(account) => Ok(Home::Organization(
                self.owner(account).ok_or(Lost::Missing)?.id,
            )),
            Place::Repository(repo) => Ok(Home::Repository(self.repository(repo)?.id)),
            Place::Environment(repo, environment) => {
                let repository = self.repository(repo)?;
                let environment = fold(environment);
                match repository.environments.contains_key(&environment) {
                    true => Ok(Home::Environment(repository.id, environment)),
                    false => Err(Lost::Missing),
                }
            }
            Place::User => Ok(Home::User),
        }
    }

    pub(crate) fn owner(&self, account: &Account) -> Option<&Owner> {
        let id = match account {
            Account::Id(id) => id,
            Account::Login(login) => self.logins.get(&fold(login))?,
        };
        self.owners.get(id)
    }

    pub(crate) fn repository(&self, repo: &Repo) -> Result<&Repository, Lost> {
        let id = match repo {
            Repo::Id(id) => *id,
            Repo::Named(owner, name) => {
                let owner = *self.logins.get(&fold(owner)).ok_or(Lost::Missing)?;
                let key = (owner, fold(name));
                match (self.names.get(&key), self.moved.get(&key)) {
                    (Some(id), _) => *id,
                    (None, Some(id)) => return Err(Lost::Moved(*id)),
                    (None, None) => return Err(Lost::Missing),
                }
            }
        };
        self.repositories.get(&id).ok_or(Lost::Missing)
    }

    pub(crate) fn repository_by_id(&self, id: u64) -> Option<&Repository> {
        self.repositories.get(&id)
    }

    pub(crate) fn repository_mut(&mut self, owner: &str, name: &str) -> Option<&mut Repository> {
        let owner = self.logins.get(&fold(owner))?;
        let id = self.names.get(&(*owner, fold(name)))?;
        self.repositories.get_mut(id)
    }

    pub(crate) fn repository_by_id_mut(&mut self, id: u64) -> Option<&mut Repository> {
        self.repositories.get_mut(&id)
    }

    pub(crate) fn owner_of(&self, repository: &Repository) -> &str {
        self.owners
            .get(&repository.owner)
            .map_or("", |owner| owner.login.as_str())
    }

    /// The number of the organization or user that a home belongs to; `None` for the authenticated user.
    pub(crate) fn owner_id(&self, home: &Home) -> Option<u64> {
        match home {
            Home::Organization(id) => Some(*id),
            Home::Repository(id) | Home::Environment(id, _) => {
                self.repositories.get(id).map(|repository| repository.owner)
            }
            Home::User => None,
        }
    }
}
