//! Scopes of secrets: a store at an organization, a repository, an environment or a user.
//!
//! The enums of stores are generated from GitHub's description, which says what stores exist where. A scope is a plain
//! value: it compares, hashes, prints, parses and (de)serializes as one string.

pub(crate) mod any;
mod as_text;
#[cfg(doctest)]
mod lacking;
mod names;
mod text;

use octoseal_api::operations::Operation;
use octoseal_api::stores::{self, Role};
pub use octoseal_api::stores::{EnvironmentStore, OrganizationStore, RepositoryStore, UserStore};

use crate::error::Error;

pub(crate) use any::Scope;
pub(crate) use as_text::as_text;
pub use names::{EnvironmentName, Owner, RepositoryName, SecretName};
pub(crate) use names::{full_name, is_secret_name};

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

/// A store of the token's user, for example `codespaces:user`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserScope {
    store: UserStore,
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

    /// The store.
    pub fn store(&self) -> OrganizationStore {
        self.store
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

    /// The store.
    pub fn store(&self) -> RepositoryStore {
        self.store
    }

    /// The login of the repository's owner.
    pub fn owner(&self) -> &str {
        self.owner.as_str()
    }

    /// The repository's name, without its owner.
    pub fn repository(&self) -> &str {
        self.repo.as_str()
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

    /// The store.
    pub fn store(&self) -> EnvironmentStore {
        self.store
    }

    /// The login of the repository's owner.
    pub fn owner(&self) -> &str {
        self.owner.as_str()
    }

    /// The repository's name, without its owner.
    pub fn repository(&self) -> &str {
        self.repo.as_str()
    }

    /// The environment's name as GitHub shows it, unescaped.
    pub fn environment(&self) -> &str {
        self.environment.as_str()
    }
}

impl UserScope {
    /// The secrets of `store` that belong to the authenticated user.
    pub fn new(store: UserStore) -> Self {
        Self { store }
    }

    /// The store.
    pub fn store(&self) -> UserStore {
        self.store
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

    /// The environment's name as GitHub shows it, unescaped; `None` elsewhere.
    pub fn environment(&self) -> Option<&str> {
        match self {
            Self::Environment(s) => Some(s.environment()),
            Self::Organization(_) | Self::Repository(_) | Self::User(_) => None,
        }
    }

    /// Whether a secret here has a visibility, as at an organization.
    pub fn has_visibility(&self) -> bool {
        self.api().has_visibility()
    }

    /// Whether a secret here can be given to selected repositories, as at an organization and for a user.
    pub fn has_selected_repositories(&self) -> bool {
        self.api().supports(Role::ListRepositories)
    }

    /// The operation that has this role here. Fails if there is none.
    pub(crate) fn operation(&self, role: Role) -> Result<Operation, Error> {
        self.api().operation(role).ok_or_else(|| {
            let what = match role {
                Role::ListOrganizationSecrets => "list of organization secrets",
                Role::ListRepositories
                | Role::SetRepositories
                | Role::AddRepository
                | Role::RemoveRepository => "selected repositories",
                _ => "such operation",
            };
            Error::unsupported(format!("{self} has no {what}"))
        })
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A scope that a handle can be made for: one of the four typed scopes, or [`Scope`] when it is only known at
/// run time.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no scope",
    note = "a scope in text is parsed first: `\"STORE:org/ORG\".parse::<octoseal::Scope>()?`",
    note = "or made of a store and a place, as by `octoseal::scope::OrganizationScope::new`"
)]
pub trait AnyScope: sealed::Sealed + Clone + Into<Scope> + Send + Sync {}

/// A scope whose secrets have a visibility. [`Scope`] counts too and is checked when the call is made.
#[diagnostic::on_unimplemented(message = "secrets in `{Self}` have no visibility")]
pub trait HasVisibility: AnyScope {}

/// A scope whose secrets can be given to selected repositories. [`Scope`] counts too and is checked when the
/// call is made.
#[diagnostic::on_unimplemented(
    message = "secrets in `{Self}` can't be given to selected repositories"
)]
pub trait HasSelectedRepositories: AnyScope {}

/// A scope that can list the organization secrets it sees. [`Scope`] counts too and is checked when the call is
/// made.
#[diagnostic::on_unimplemented(message = "`{Self}` sees no secrets of an organization")]
pub trait SeesOrganizationSecrets: AnyScope {}

/// A scope in a repository's environment. [`Scope`] counts too and is checked when the call is made.
pub trait HasEnvironment: AnyScope {}

macro_rules! capability {
    ($trait:path: $($name:ident),*) => { $(impl $trait for $name {})* };
}

capability!(sealed::Sealed: Scope, OrganizationScope, RepositoryScope, EnvironmentScope, UserScope);
capability!(AnyScope: Scope, OrganizationScope, RepositoryScope, EnvironmentScope, UserScope);
capability!(HasVisibility: Scope, OrganizationScope);
capability!(HasSelectedRepositories: Scope, OrganizationScope, UserScope);
capability!(SeesOrganizationSecrets: Scope, RepositoryScope);
capability!(HasEnvironment: Scope, EnvironmentScope);
