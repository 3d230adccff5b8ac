//! Where a secret lives: a store at an organization, a repository, an environment or a user.
//!
//! Which stores exist at which place is a fact of GitHub's description; the enums of stores are generated
//! from it. A scope is a plain value: it compares, hashes, prints, parses and (de)serializes as one string.

use std::fmt;
use std::str::FromStr;

use octoseal_api::stores;
pub use octoseal_api::stores::{EnvironmentStore, OrganizationStore, RepositoryStore, UserStore};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Error;
use crate::names::{EnvironmentName, Owner, RepositoryName};

/// A store at an organization, for example `actions:org/acme`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrganizationScope {
    store: OrganizationStore,
    org: Owner,
}

/// A store at a repository, for example `dependabot:repo/acme/api`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepositoryScope {
    store: RepositoryStore,
    owner: Owner,
    repo: RepositoryName,
}

/// A store at an environment of a repository, for example `actions:env/acme/api/prod%2Feu`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnvironmentScope {
    store: EnvironmentStore,
    owner: Owner,
    repo: RepositoryName,
    environment: EnvironmentName,
}

/// A store of the user whom the token belongs to, for example `codespaces:user`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserScope {
    store: UserStore,
}

/// Any scope, known when the program runs: what a configuration file holds.
///
/// # Examples
/// ```
/// use octoseal::Scope;
///
/// let scope: Scope = "actions:env/acme/api/prod%2Feu".parse()?;
/// assert_eq!(scope.to_string(), "actions:env/acme/api/prod%2Feu");
/// assert!("robots:org/acme".parse::<Scope>().is_err());
/// # Ok::<(), octoseal::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// A store at an organization.
    Organization(OrganizationScope),
    /// A store at a repository.
    Repository(RepositoryScope),
    /// A store at an environment of a repository.
    Environment(EnvironmentScope),
    /// A store of the authenticated user.
    User(UserScope),
}

impl OrganizationScope {
    /// The secrets of `store` at the organization `org`.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for a name that can't be a login.
    pub fn new(store: OrganizationStore, org: impl Into<String>) -> Result<Self, Error> {
        Ok(Self {
            store,
            org: Owner::new(org)?,
        })
    }

    /// The organization's login.
    pub fn org(&self) -> &str {
        self.org.as_str()
    }
}

impl RepositoryScope {
    /// The secrets of `store` at the repository `owner/repo`.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for a name that can't be a login or a repository's.
    pub fn new(
        store: RepositoryStore,
        owner: impl Into<String>,
        repo: impl Into<String>,
    ) -> Result<Self, Error> {
        Ok(Self {
            store,
            owner: Owner::new(owner)?,
            repo: RepositoryName::new(repo)?,
        })
    }
}

impl EnvironmentScope {
    /// The secrets of `store` at an environment of the repository `owner/repo`. The environment's name is given
    /// as GitHub shows it (`prod/eu`); it is escaped where it must be.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for a name that can't be a login, a repository's or an environment's.
    pub fn new(
        store: EnvironmentStore,
        owner: impl Into<String>,
        repo: impl Into<String>,
        environment: impl Into<String>,
    ) -> Result<Self, Error> {
        Ok(Self {
            store,
            owner: Owner::new(owner)?,
            repo: RepositoryName::new(repo)?,
            environment: EnvironmentName::new(environment)?,
        })
    }
}

impl UserScope {
    /// The secrets of `store` that belong to the authenticated user.
    pub fn new(store: UserStore) -> Self {
        Self { store }
    }
}

impl Scope {
    /// The low-level client's view of the scope.
    pub(crate) fn api(&self) -> stores::Scope<'_> {
        match self {
            Self::Organization(s) => stores::Scope::Organization {
                store: s.store,
                org: s.org.as_str(),
            },
            Self::Repository(s) => stores::Scope::Repository {
                store: s.store,
                owner: s.owner.as_str(),
                repo: s.repo.as_str(),
            },
            Self::Environment(s) => stores::Scope::Environment {
                store: s.store,
                owner: s.owner.as_str(),
                repo: s.repo.as_str(),
                environment: s.environment.as_str(),
            },
            Self::User(s) => stores::Scope::User { store: s.store },
        }
    }

    /// The store's name as GitHub's paths spell it, for example `actions`.
    pub fn store(&self) -> &'static str {
        self.api().store()
    }

    /// The organization's or repository owner's login; `None` at a user's own scope.
    pub fn owner(&self) -> Option<&str> {
        match self {
            Self::Organization(s) => Some(s.org.as_str()),
            Self::Repository(s) => Some(s.owner.as_str()),
            Self::Environment(s) => Some(s.owner.as_str()),
            Self::User(_) => None,
        }
    }

    /// The repository's name, without its owner; `None` at organization and user scope.
    pub fn repository(&self) -> Option<&str> {
        match self {
            Self::Repository(s) => Some(s.repo.as_str()),
            Self::Environment(s) => Some(s.repo.as_str()),
            Self::Organization(_) | Self::User(_) => None,
        }
    }

    /// Whether a secret here has a visibility: so at an organization.
    pub fn has_visibility(&self) -> bool {
        self.api().has_visibility()
    }

    /// Whether a secret here can be given to selected repositories: so at an organization and for a user.
    pub fn has_selected_repositories(&self) -> bool {
        self.api().supports(stores::Operation::ListRepositories)
    }
}

/// What an environment's name must escape to stay one piece of a scope's string.
const PIECE: &AsciiSet = &CONTROLS
    .add(b'%')
    .add(b'/')
    .add(b' ')
    .add(b'"')
    .add(b':')
    .add(b'?')
    .add(b'#');

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(s) => s.fmt(f),
            Self::Repository(s) => s.fmt(f),
            Self::Environment(s) => s.fmt(f),
            Self::User(s) => s.fmt(f),
        }
    }
}

impl fmt::Display for OrganizationScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:org/{}", self.store.as_str(), self.org)
    }
}

impl fmt::Display for RepositoryScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:repo/{}/{}",
            self.store.as_str(),
            self.owner,
            self.repo
        )
    }
}

impl fmt::Display for EnvironmentScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let environment = utf8_percent_encode(self.environment.as_str(), PIECE);
        write!(
            f,
            "{}:env/{}/{}/{environment}",
            self.store.as_str(),
            self.owner,
            self.repo
        )
    }
}

impl fmt::Display for UserScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:user", self.store.as_str())
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let shown: String = text.chars().take(128).collect();
        let refuse = |why: &str| Error::input(format!("{shown:?} is not a scope: {why}"));
        let (store, place) = text.split_once(':').ok_or_else(|| {
            refuse("write STORE:org/ORG, STORE:repo/OWNER/REPO, STORE:env/OWNER/REPO/ENVIRONMENT or STORE:user")
        })?;
        octoseal_api::if_private_registries! {
            if store == stores::registries::NAME {
                return Err(refuse(
                    "private registries are created with more than a value; parse a PrivateRegistriesScope",
                ));
            }
        }
        let pieces: Vec<&str> = place.split('/').collect();
        match pieces.as_slice() {
            ["org", org] => Ok(Self::Organization(OrganizationScope::new(
                find(store, "an organization", refuse)?,
                *org,
            )?)),
            ["repo", owner, repo] => Ok(Self::Repository(RepositoryScope::new(
                find(store, "a repository", refuse)?,
                *owner,
                *repo,
            )?)),
            ["env", owner, repo, environment] => {
                let environment = percent_decode_str(environment)
                    .decode_utf8()
                    .map_err(|_| refuse("the environment's escapes are not UTF-8"))?;
                let store = find(store, "an environment", refuse)?;
                Ok(Self::Environment(EnvironmentScope::new(
                    store,
                    *owner,
                    *repo,
                    environment,
                )?))
            }
            ["user"] => Ok(Self::User(UserScope::new(find(store, "a user", refuse)?))),
            _ => Err(refuse(
                "after the colon comes org/ORG, repo/OWNER/REPO, env/OWNER/REPO/ENVIRONMENT (a / in it as %2F) or user",
            )),
        }
    }
}

/// A generated enum of stores.
trait Named: Copy + 'static {
    const ALL: &'static [Self];
    fn name(self) -> &'static str;
}

macro_rules! named {
    ($($store:ident),*) => {$(
        impl Named for $store {
            const ALL: &'static [Self] = Self::ALL;

            fn name(self) -> &'static str {
                self.as_str()
            }
        }
    )*};
}

named!(
    OrganizationStore,
    RepositoryStore,
    EnvironmentStore,
    UserStore
);

/// Finds a store by name among those that a place has.
fn find<T: Named>(name: &str, place: &str, refuse: impl Fn(&str) -> Error) -> Result<T, Error> {
    T::ALL
        .iter()
        .copied()
        .find(|store| store.name() == name)
        .ok_or_else(|| {
            let known: Vec<&str> = T::ALL.iter().map(|store| store.name()).collect();
            refuse(&format!("{place} has these stores: {}", known.join(", ")))
        })
}

/// Gives each scope type the conversions that make it one string, and one of the four kinds.
macro_rules! kinds {
    ($($name:ident => $variant:ident),*) => {$(
        impl From<$name> for Scope {
            fn from(scope: $name) -> Self {
                Self::$variant(scope)
            }
        }

        impl TryFrom<Scope> for $name {
            type Error = Error;

            fn try_from(scope: Scope) -> Result<Self, Error> {
                match scope {
                    Scope::$variant(scope) => Ok(scope),
                    other => Err(Error::input(format!("{other} is not {}", stringify!($name)))),
                }
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                text.parse::<Scope>()?.try_into()
            }
        }

        strings!($name);
    )*};
}

macro_rules! strings {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

kinds!(
    OrganizationScope => Organization,
    RepositoryScope => Repository,
    EnvironmentScope => Environment,
    UserScope => User
);
strings!(Scope);
octoseal_api::if_private_registries! {
    pub(crate) use strings;
}

mod sealed {
    pub trait Sealed {}
}

/// A scope that a handle can be made for: one of the four typed scopes, or [`Scope`] when it is only known at
/// run time.
pub trait AnyScope: sealed::Sealed + Clone + Into<Scope> + Send + Sync {}

/// A scope whose secrets have a visibility. [`Scope`] counts too and is checked when the call is made.
pub trait HasVisibility: AnyScope {}

/// A scope whose secrets can be given to selected repositories. [`Scope`] counts too and is checked when the
/// call is made.
pub trait HasSelectedRepositories: AnyScope {}

/// A scope that can list the organization secrets it sees. [`Scope`] counts too and is checked when the call is
/// made.
pub trait SeesOrganizationSecrets: AnyScope {}

macro_rules! capability {
    ($trait:ident: $($name:ident),*) => { $(impl $trait for $name {})* };
}

impl sealed::Sealed for Scope {}
impl sealed::Sealed for OrganizationScope {}
impl sealed::Sealed for RepositoryScope {}
impl sealed::Sealed for EnvironmentScope {}
impl sealed::Sealed for UserScope {}
capability!(AnyScope: Scope, OrganizationScope, RepositoryScope, EnvironmentScope, UserScope);
capability!(HasVisibility: Scope, OrganizationScope);
capability!(HasSelectedRepositories: Scope, OrganizationScope, UserScope);
capability!(SeesOrganizationSecrets: Scope, RepositoryScope);
