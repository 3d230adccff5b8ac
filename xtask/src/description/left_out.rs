//! What a list of operations leaves out of stores, and beside them.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::family::{Role, is_parameter, registries, scopes};
use super::operations;
use super::sealed::{collection, gives_key, takes_sealed_value_anywhere};

/// A collection of which the list of operations leaves some out.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LeftOut {
    /// The path that they share.
    pub collection: String,
    /// Whether it takes sealed values itself, rather than standing beside a collection that does.
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

/// The collections of `document` of which operations are not `kept`: stores, and collections of named things beside
/// them (the variables beside the secrets).
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
    // Whatever the shape of their paths, sealed values and the keys for them make a store.
    let of_any_shape = all.iter().filter(|operation| {
        !kept.contains(operation.id)
            && (gives_key(document, operation) || takes_sealed_value_anywhere(document, operation))
    });
    let of_any_shape: BTreeSet<_> = of_any_shape.map(|each| collection(each.path)).collect();
    sealed.extend(of_any_shape.into_iter().map(str::to_owned));
    let siblings: BTreeSet<String> = all
        .iter()
        .filter(|operation| matches!(operation.method, "put" | "patch"))
        .filter_map(|operation| {
            let (collection, one) = operation.path.rsplit_once('/')?;
            let named = is_parameter(one) && one.trim_end_matches('}').ends_with("name");
            (named && parents.contains(parent(collection)?) && !sealed.contains(collection))
                .then(|| collection.to_owned())
        })
        .collect();
    let mut found = Vec::new();
    for (collections, sealed) in [(&sealed, true), (&siblings, false)] {
        for collection in collections {
            // The organization's secrets in a repository's store have a path of their own.
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
