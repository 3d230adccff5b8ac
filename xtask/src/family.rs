//! The family: places where secrets are stored, recognised by the shapes of their paths.
//!
//! No store is named here. `/orgs/{org}/STORE/secrets` with a public key and a sealed value is a
//! store of an organization, whatever STORE says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use crate::description::{Operation, operations};

/// What a secret belongs to.
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
    /// Every place, in the order in which they are written down.
    pub const ALL: [Self; 4] = [
        Self::Organization,
        Self::Repository,
        Self::Environment,
        Self::User,
    ];
}

/// What an operation does to a scope.
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
    /// Every role, in the order in which they are written down.
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
}

/// One store at one place, and the operations it has there.
#[derive(Debug, Clone)]
pub struct Scope<'a> {
    /// Where.
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

/// The scopes of a description: every store at a place that has a public key and takes a sealed
/// value.
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
            ["orgs", org, store] if hole(org) && !hole(store) => (*store, ""),
            ["orgs", org, store, "public-key"] if hole(org) && !hole(store) => (*store, "key"),
            ["orgs", org, store, one] if hole(org) && !hole(store) && hole(one) => (*store, "one"),
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

/// Place, store and role of an operation whose path has the family's shape.
fn recognise<'a>(operation: &Operation<'a>) -> Option<(Place, &'a str, Role)> {
    let pieces: Vec<&'a str> = operation.path.trim_start_matches('/').split('/').collect();
    let (place, store, tail) = match pieces.as_slice() {
        ["orgs", org, store, "secrets", tail @ ..] if hole(org) => {
            (Place::Organization, *store, tail)
        }
        [
            "repos",
            owner,
            repo,
            "environments",
            environment,
            "secrets",
            tail @ ..,
        ] if hole(owner) && hole(repo) && hole(environment) => {
            // The path of an environment does not say its store; the operation's tag does.
            (
                Place::Environment,
                operation.node["tags"][0].as_str()?,
                tail,
            )
        }
        ["repos", owner, repo, store, "organization-secrets"] if hole(owner) && hole(repo) => {
            return (operation.method == "get").then_some((
                Place::Repository,
                store,
                Role::ListOrganizationSecrets,
            ));
        }
        ["repos", owner, repo, store, "secrets", tail @ ..] if hole(owner) && hole(repo) => {
            (Place::Repository, *store, tail)
        }
        ["user", store, "secrets", tail @ ..] => (Place::User, *store, tail),
        _ => return None,
    };
    let role = match (operation.method, tail) {
        ("get", []) => Role::List,
        ("get", ["public-key"]) => Role::PublicKey,
        ("get", [name]) if hole(name) => Role::Get,
        ("put", [name]) if hole(name) => Role::Put,
        ("delete", [name]) if hole(name) => Role::Delete,
        ("get", [name, "repositories"]) if hole(name) => Role::ListRepositories,
        ("put", [name, "repositories"]) if hole(name) => Role::SetRepositories,
        ("put", [name, "repositories", id]) if hole(name) && hole(id) => Role::AddRepository,
        ("delete", [name, "repositories", id]) if hole(name) && hole(id) => Role::RemoveRepository,
        _ => return None,
    };
    (!hole(store)).then_some((place, store, role))
}

/// Writes beside a public key that take no sealed value. Not a store any more, whatever else it is, and one that
/// went without a word would be missed by nobody here.
pub fn unsealed<'a>(document: &'a Value) -> Vec<Operation<'a>> {
    let all = operations(document);
    let collections: BTreeSet<_> = all
        .iter()
        .filter(|operation| operation.method == "get")
        .filter_map(|operation| operation.path.strip_suffix("/public-key"))
        .collect();
    all.into_iter()
        .filter(|operation: &Operation<'a>| {
            let collection = match operation.method {
                "post" => operation.path,
                "put" | "patch" => match operation.path.rsplit_once('/') {
                    Some((collection, one)) if hole(one) => collection,
                    _ => return false,
                },
                _ => return false,
            };
            collections.contains(collection) && !takes_sealed_value(operation)
        })
        .collect()
}

/// Whether a piece of a path is a parameter.
fn hole(piece: &str) -> bool {
    piece.starts_with('{') && piece.ends_with('}')
}

fn takes_sealed_value(operation: &Operation<'_>) -> bool {
    operation
        .node
        .pointer("/requestBody/content/application~1json/schema/properties/encrypted_value")
        .is_some()
}

/// Operations that belong together and of which a list leaves some out.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LeftOut {
    /// The path that they share.
    pub collection: String,
    /// Whether it takes sealed values, or stands beside a collection that does.
    pub sealed: bool,
    /// The operations left out, by id.
    pub ids: Vec<String>,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.sealed {
            "a store"
        } else {
            "beside a store"
        };
        write!(
            f,
            "the list of operations leaves out {} of {} ({kind}): {}{}",
            self.ids.len(),
            self.collection,
            self.ids[..self.ids.len().min(3)].join(", "),
            if self.ids.len() > 3 { ", ..." } else { "" }
        )
    }
}

/// What the list leaves out of `document`: operations of stores, and collections of named things
/// beside them (the variables beside the secrets).
pub fn left_out(document: &Value, kept: &BTreeSet<&str>) -> Vec<LeftOut> {
    let all = operations(document);
    let mut sealed: BTreeSet<String> = scopes(document)
        .iter()
        .map(|scope| scope.operations[&Role::PublicKey].path)
        .filter_map(parent)
        .map(str::to_owned)
        .collect();
    let parents: BTreeSet<String> = sealed
        .iter()
        .filter_map(|path| parent(path))
        .map(str::to_owned)
        .collect();
    sealed.extend(registries(document).map(|family| family.list.path.to_owned()));
    let siblings: BTreeSet<String> = all
        .iter()
        .filter(|operation| matches!(operation.method, "put" | "patch"))
        .filter_map(|operation| {
            let (collection, one) = operation.path.rsplit_once('/')?;
            let named = hole(one) && one.trim_end_matches('}').ends_with("name");
            (named && parents.contains(parent(collection)?) && !sealed.contains(collection))
                .then(|| collection.to_owned())
        })
        .collect();
    let mut found = Vec::new();
    for (collections, sealed) in [(&sealed, true), (&siblings, false)] {
        for collection in collections {
            // The organization's part of a repository's store has a path of its own.
            let organization = parent(collection)
                .zip(collection.rsplit('/').next())
                .map(|(parent, last)| format!("{parent}/organization-{last}"));
            let ids: Vec<_> = all
                .iter()
                .filter(|operation| {
                    operation.path == collection
                        || operation
                            .path
                            .strip_prefix(collection.as_str())
                            .is_some_and(|rest| rest.starts_with('/'))
                        || organization.as_deref() == Some(operation.path)
                })
                .filter(|operation| !kept.contains(operation.id))
                .map(|operation| operation.id.to_owned())
                .collect();
            if !ids.is_empty() {
                found.push(LeftOut {
                    collection: collection.clone(),
                    sealed,
                    ids,
                });
            }
        }
    }
    found
}

fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(parent, _)| parent)
}
