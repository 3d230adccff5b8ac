//! What is the same in every store: the hand-written half of [`stores`](crate::stores).

use std::fmt;

use progenitor_client::ClientInfo;
use serde_json::{Map, Value};

use crate::Client;
use crate::answer::{Error, ResponseValue};
use crate::operation::Paged;
use crate::stores::{EnvironmentStore, OrganizationStore, RepositoryStore, Role, UserStore};
use crate::text::{EncryptedValue, RepositoryId};

/// A scope, borrowed: which store, at which place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope<'a> {
    /// A store of an organization.
    Organization {
        /// Which.
        store: OrganizationStore,
        /// The organization's name.
        org: &'a str,
    },
    /// A store of a repository.
    Repository {
        /// Which.
        store: RepositoryStore,
        /// The account that owns the repository.
        owner: &'a str,
        /// The repository's name.
        repo: &'a str,
    },
    /// A store of a repository's environment.
    Environment {
        /// Which.
        store: EnvironmentStore,
        /// The account that owns the repository.
        owner: &'a str,
        /// The repository's name.
        repo: &'a str,
        /// The environment's name, unescaped.
        environment: &'a str,
    },
    /// A store of the user whom the token belongs to.
    User {
        /// Which.
        store: UserStore,
    },
}

impl Scope<'_> {
    /// The store's name, as GitHub's paths write it.
    pub fn store(&self) -> &'static str {
        match self {
            Self::Organization { store, .. } => store.as_str(),
            Self::Repository { store, .. } => store.as_str(),
            Self::Environment { store, .. } => store.as_str(),
            Self::User { store } => store.as_str(),
        }
    }

    /// Whether the description has an operation of this role on this scope.
    pub fn supports(&self, role: Role) -> bool {
        self.operation(role).is_some()
    }

    fn place(&self) -> &'static str {
        match self {
            Self::Organization { .. } => "an organization",
            Self::Repository { .. } => "a repository",
            Self::Environment { .. } => "an environment",
            Self::User { .. } => "a user",
        }
    }
}

/// A secret, without its value, which GitHub never tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its name, in upper case.
    pub name: String,
    /// When it was created, in RFC 3339.
    pub created_at: Option<String>,
    /// When it was last written, in RFC 3339.
    pub updated_at: Option<String>,
    /// Which repositories can see it, in a scope with visibility.
    pub visibility: Option<String>,
    /// Where the selected repositories are listed.
    pub selected_repositories_url: Option<String>,
    /// What the reply tells beyond what the description has: settings that a write may reset.
    pub extra: Map<String, Value>,
}

/// The key that values are sealed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// What a write names it by. Two keys may have the same.
    pub key_id: String,
    /// The key, in base64.
    pub key: String,
}

/// A repository that can see a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its number, which stays when it is renamed.
    pub id: i64,
    /// Its name.
    pub name: Option<String>,
    /// Owner and name.
    pub full_name: Option<String>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// How many there are on all pages, if GitHub tells.
    pub total_count: Option<i64>,
    /// Those on this page.
    pub items: Vec<T>,
}

impl<T> Page<T> {
    /// A page of any list that is paged by number.
    pub fn of(page: impl Paged<Item = T>) -> Self {
        Self {
            total_count: page.total_count(),
            items: page.into_items(),
        }
    }
}

/// A write. What is `None` is not sent; an empty list of repositories is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Put<'a> {
    /// The sealed value.
    pub encrypted_value: Option<&'a EncryptedValue>,
    /// The id of the key that it is sealed with.
    pub key_id: Option<&'a str>,
    /// `all`, `private` or `selected`.
    pub visibility: Option<&'a str>,
    /// The repositories that can see it, by number.
    pub selected_repository_ids: Option<&'a [i64]>,
}

/// The description has no store of this name at this place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownStore;

impl fmt::Display for UnknownStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such store at this place")
    }
}

impl std::error::Error for UnknownStore {}

/// The error for an operation that the description does not have.
pub(crate) fn lacking(scope: &Scope<'_>, role: Role) -> Error {
    Error::InvalidRequest(format!(
        "`{}` secrets of {} have no operation {role:?}",
        scope.store(),
        scope.place()
    ))
}

/// Refuses what a body has no place for.
pub(crate) fn refuse(given: bool, name: &str) -> Result<(), Error> {
    if given {
        Err(Error::InvalidRequest(format!(
            "`{name}` means nothing in this scope"
        )))
    } else {
        Ok(())
    }
}

/// Insists on what a body requires.
pub(crate) fn required<T>(value: Option<T>, name: &str) -> Result<T, Error> {
    value.ok_or_else(|| Error::InvalidRequest(format!("`{name}` is required in this scope")))
}

/// Text as one of an enum's values.
pub(crate) fn choice<T: std::str::FromStr>(value: Option<&str>) -> Result<Option<T>, Error> {
    value
        .map(|text| {
            text.parse().map_err(|_| {
                Error::InvalidRequest(format!(
                    "`{text}` is not among the values of the description"
                ))
            })
        })
        .transpose()
}

/// Repositories' ids as the version of the API that is asked for wants them: numbers, and text before `version`.
pub(crate) fn repository_ids(client: &Client, ids: &[i64], version: &str) -> Vec<RepositoryId> {
    let text = client.inner().asks_before(version);
    let id = |id: &i64| match text {
        true => RepositoryId::Text(id.to_string()),
        false => RepositoryId::Number(*id),
    };
    ids.iter().map(id).collect()
}

/// A reply in another shape, its status and headers kept.
pub(crate) fn reshape<T, U: From<T>>(reply: ResponseValue<T>) -> ResponseValue<U> {
    let (status, headers) = (reply.status(), reply.headers().clone());
    ResponseValue::new(reply.into_inner().into(), status, headers)
}

/// The reply to a write, of which only the status is read. Few bring more.
#[allow(dead_code)]
pub(crate) fn status_only<T>(reply: ResponseValue<T>) -> ResponseValue<()> {
    let (status, headers) = (reply.status(), reply.headers().clone());
    ResponseValue::new((), status, headers)
}
