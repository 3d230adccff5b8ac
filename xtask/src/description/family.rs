//! The family: the stores of secrets, recognised by the shapes of their paths.
//!
//! No store is named here. `/orgs/{org}/STORE/secrets` with a public key and a sealed value is a
//! store of an organization, whatever STORE says.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Operation, operations};

/// The kind of thing that secrets belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// `/orgs/{org}/STORE/secrets`
    Organization,
    /// `/repos/{owner}/{repo}/STORE/secrets`
    Repository,
    /// `/repos/{owner}/{repo}/environments/{environment_name}/secrets`
    Environment,
    /// `/user/STORE/secrets`
    User,
}

impl Place {
    /// Every place, in the order of tables.
    pub const ALL: [Self; 4] = [
        Self::Organization,
        Self::Repository,
        Self::Environment,
        Self::User,
    ];
}

/// What an operation on a store does. The one list: the dispatch's methods, its enum `Role` and the words in
/// `openapi/docs.toml` follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Every secret, without its value.
    List,
    /// The key to seal with.
    PublicKey,
    /// One secret, without its value.
    Get,
    /// Create or update.
    Put,
    /// Remove one secret.
    Delete,
    /// The repositories that see a secret.
    ListRepositories,
    /// All of them anew.
    SetRepositories,
    /// One more.
    AddRepository,
    /// One fewer.
    RemoveRepository,
    /// The organization's secrets that a repository sees.
    ListOrganizationSecrets,
}

impl Role {
    /// Every role, in the order of generated code.
    pub const ALL: [Self; 10] = [
        Self::List,
        Self::PublicKey,
        Self::Get,
        Self::Put,
        Self::Delete,
        Self::ListRepositories,
        Self::SetRepositories,
        Self::AddRepository,
        Self::RemoveRepository,
        Self::ListOrganizationSecrets,
    ];

    /// What it does, in words for generated code.
    pub fn words(self) -> &'static str {
        match self {
            Self::List => "List the secrets.",
            Self::PublicKey => "Get the key to seal with.",
            Self::Get => "Get one secret.",
            Self::Put => "Create or update one.",
            Self::Delete => "Remove one.",
            Self::ListRepositories => "List the repositories selected for a secret.",
            Self::SetRepositories => "Select repositories anew.",
            Self::AddRepository => "Select one more.",
            Self::RemoveRepository => "Select one fewer.",
            Self::ListOrganizationSecrets => {
                "List the organization's secrets that a repository can see."
            }
        }
    }
}

/// One store at one place, and the operations it has there.
#[derive(Debug, Clone)]
pub struct Scope<'a> {
    /// Whose secrets it holds.
    pub place: Place,
    /// The store's name, as the paths write it.
    pub store: String,
    /// What can be done there.
    pub operations: BTreeMap<Role, Operation<'a>>,
}

/// A collection of registries: like a store, but created by `POST` and updated by `PATCH`.
#[derive(Debug, Clone)]
pub struct Registries<'a> {
    /// Its name, as the paths write it.
    pub store: String,
    /// `GET` of all.
    pub list: Operation<'a>,
    /// `GET` of the key.
    pub public_key: Operation<'a>,
    /// `GET` of one.
    pub get: Operation<'a>,
    /// `POST` to all.
    pub create: Operation<'a>,
    /// `PATCH` of one.
    pub update: Operation<'a>,
    /// `DELETE` of one.
    pub delete: Operation<'a>,
}

impl<'a> Registries<'a> {
    /// All of its operations.
    pub fn operations(&self) -> [Operation<'a>; 6] {
        [
            self.list,
            self.public_key,
            self.get,
            self.create,
            self.update,
            self.delete,
        ]
    }
}

/// The scopes of a description: every store at a place that has a public key and takes a sealed value.
pub fn scopes(document: &Value) -> Vec<Scope<'_>> {
    let mut found: BTreeMap<(Place, String), BTreeMap<Role, Operation<'_>>> = BTreeMap::new();
    for operation in operations(document) {
        if let Some((place, store, role)) = recognise(&operation) {
            found
                .entry((place, store.to_owned()))
                .or_default()
                .insert(role, operation);
        }
    }
    found
        .into_iter()
        .filter(|(_, operations)| {
            operations.contains_key(&Role::PublicKey)
                && operations.get(&Role::Put).is_some_and(takes_sealed_value)
        })
        .map(|((place, store), operations)| Scope {
            place,
            store,
            operations,
        })
        .collect()
}

/// The registries of an organization, if the description has all six operations.
pub fn registries(document: &Value) -> Option<Registries<'_>> {
    let mut found: BTreeMap<&str, BTreeMap<(&str, &str), Operation<'_>>> = BTreeMap::new();
    for operation in operations(document) {
        let pieces: Vec<_> = operation.path.trim_start_matches('/').split('/').collect();
        let (store, tail) = match pieces.as_slice() {
            ["orgs", org, store] if is_parameter(org) && !is_parameter(store) => (*store, ""),
            ["orgs", org, store, "public-key"] if is_parameter(org) && !is_parameter(store) => {
                (*store, "key")
            }
            ["orgs", org, store, one]
                if is_parameter(org) && !is_parameter(store) && is_parameter(one) =>
            {
                (*store, "one")
            }
            _ => continue,
        };
        found
            .entry(store)
            .or_default()
            .insert((tail, operation.method), operation);
    }
    found.into_iter().find_map(|(store, operations)| {
        let the = |tail, method| operations.get(&(tail, method)).copied();
        Some(Registries {
            store: store.to_owned(),
            list: the("", "get")?,
            public_key: the("key", "get")?,
            get: the("one", "get")?,
            create: the("", "post").filter(takes_sealed_value)?,
            update: the("one", "patch").filter(takes_sealed_value)?,
            delete: the("one", "delete")?,
        })
    })
}

/// Where an operation stands among the collections of stores: `/orgs/{org}/STORE/THING/…` and the like.
pub(crate) struct Standing<'a> {
    pub(crate) place: Place,
    pub(crate) store: &'a str,
    /// What the collection holds: `secrets`, `variables`, or those of the organization in a repository's store.
    pub(crate) thing: &'a str,
    /// The pieces of the path behind that.
    pub(crate) tail: Vec<&'a str>,
}

/// Where an operation stands, if its path has the shape of a store's.
pub(crate) fn standing<'a>(operation: &Operation<'a>) -> Option<Standing<'a>> {
    let pieces: Vec<&'a str> = operation.path.trim_start_matches('/').split('/').collect();
    let (place, store, thing, tail) = match pieces.as_slice() {
        ["orgs", org, store, thing, tail @ ..] if is_parameter(org) => {
            (Place::Organization, *store, *thing, tail)
        }
        [
            "repos",
            owner,
            repo,
            "environments",
            environment,
            thing,
            tail @ ..,
        ] if is_parameter(owner) && is_parameter(repo) && is_parameter(environment) => {
            // The path of an environment does not say its store. The operation's id does, by which it is kept.
            let (store, _) = operation.id.split_once('/')?;
            (Place::Environment, store, *thing, tail)
        }
        ["repos", owner, repo, store, thing, tail @ ..]
            if is_parameter(owner) && is_parameter(repo) =>
        {
            (Place::Repository, *store, *thing, tail)
        }
        ["user", store, thing, tail @ ..] => (Place::User, *store, *thing, tail),
        _ => return None,
    };
    let tail = tail.to_vec();
    (!is_parameter(store) && !is_parameter(thing)).then_some(Standing {
        place,
        store,
        thing,
        tail,
    })
}

/// Place, store and role of an operation on secrets.
pub(super) fn recognise<'a>(operation: &Operation<'a>) -> Option<(Place, &'a str, Role)> {
    let Standing {
        place,
        store,
        thing,
        tail,
    } = standing(operation)?;
    let role = match (thing, operation.method, tail.as_slice()) {
        ("organization-secrets", "get", []) if place == Place::Repository => {
            Role::ListOrganizationSecrets
        }
        ("secrets", "get", []) => Role::List,
        ("secrets", "get", ["public-key"]) => Role::PublicKey,
        ("secrets", "get", [name]) if is_parameter(name) => Role::Get,
        ("secrets", "put", [name]) if is_parameter(name) => Role::Put,
        ("secrets", "delete", [name]) if is_parameter(name) => Role::Delete,
        ("secrets", "get", [name, "repositories"]) if is_parameter(name) => Role::ListRepositories,
        ("secrets", "put", [name, "repositories"]) if is_parameter(name) => Role::SetRepositories,
        ("secrets", "put", [name, "repositories", id])
            if is_parameter(name) && is_parameter(id) =>
        {
            Role::AddRepository
        }
        ("secrets", "delete", [name, "repositories", id])
            if is_parameter(name) && is_parameter(id) =>
        {
            Role::RemoveRepository
        }
        _ => return None,
    };
    Some((place, store, role))
}

/// Whether a piece of a path is a parameter.
pub(crate) fn is_parameter(piece: &str) -> bool {
    piece.starts_with('{') && piece.ends_with('}')
}

fn takes_sealed_value(operation: &Operation<'_>) -> bool {
    operation
        .node
        .pointer("/requestBody/content/application~1json/schema/properties/encrypted_value")
        .is_some()
}
