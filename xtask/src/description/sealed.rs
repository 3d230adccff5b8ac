//! Which operations have to do with sealed values, whatever the shape of their paths and bodies.

use std::collections::BTreeSet;

use serde_json::Value;

use super::family::{Place, Role, is_parameter, recognise, registries, scopes, standing};
use super::faults::named;
use super::walk::{component_of, resolve};
use super::{Operation, operations};

/// How many levels of a schema are searched, references and parts included.
const MAX_LEVELS: usize = 8;

/// Whether a property of a body holds a sealed value, by its name.
pub(crate) fn is_sealed(property: &str) -> bool {
    property.contains("encrypted") || property.contains("sealed")
}

/// Whether a body takes a sealed value: in any JSON, at any place, through references and parts.
pub fn takes_sealed_value_anywhere(document: &Value, operation: &Operation<'_>) -> bool {
    let body = resolve(document, &operation.node["requestBody"]);
    json_schemas(body)
        .any(|schema| has_property(document, schema, MAX_LEVELS, &|name| is_sealed(name)))
}

/// Whether an operation gives a public key to seal with: by its path, or by what it replies.
pub fn gives_key(document: &Value, operation: &Operation<'_>) -> bool {
    if operation.method != "get" {
        return false;
    }
    let last = operation.path.rsplit('/').next().unwrap_or_default();
    if matches!(last, "public-key" | "public_key" | "publickey") {
        return true;
    }
    let replies = operation.node["responses"].as_object();
    replies.into_iter().flatten().any(|(status, reply)| {
        status.starts_with('2')
            && json_schemas(resolve(document, reply)).any(|schema| {
                // Within two levels, for a reference and its object: keys of other kinds stand in lists.
                let has = |wanted: &str| has_property(document, schema, 2, &|name| name == wanted);
                has("key_id") && has("key")
            })
    })
}

/// Writes beside a public key that look like those of a store but are not recognised, one sentence each, so that no
/// store is overlooked.
pub fn unrecognised(document: &Value) -> Vec<String> {
    let all = operations(document);
    let mut stores: BTreeSet<_> = scopes(document)
        .iter()
        .map(|scope| scope.operations[&Role::PublicKey].path)
        .collect();
    stores.extend(registries(document).map(|family| family.public_key.path));
    let keys = all
        .iter()
        .filter(|operation| operation.method == "get" && operation.path.ends_with("/public-key"));
    let (mut found, mut keys_alone) = (Vec::new(), Vec::new());
    let mut beside_keys = BTreeSet::new();
    for key in keys {
        let writes = writes_of(&all, collection(key.path));
        beside_keys.extend(writes.iter().map(|write| write.id));
        if stores.contains(key.path) {
            continue;
        }
        if writes.is_empty() {
            keys_alone.push(key);
        }
        let of_the_family = recognise(key).is_some();
        // What a registry's body is, both of its writes show.
        let of_registries = standing(key).is_some_and(|at| {
            at.place == Place::Organization && at.thing == "public-key" && at.tail.is_empty()
        }) && ["post", "patch"]
            .iter()
            .all(|method| writes.iter().any(|write| write.method == *method));
        for write in writes {
            let sealed = takes_sealed_value_anywhere(document, write);
            if !sealed {
                found.push(named(
                    write,
                    "there is a public key beside it, and its body has no `encrypted_value` that would need it; if \
                     GitHub means that, leave it and its key off the list",
                ));
            } else if of_the_family {
                found.push(named(
                    write,
                    "it takes a sealed value, and not as stores do: by `PUT`, in a JSON object that is written out \
                     with the property `encrypted_value`",
                ));
            } else if of_registries {
                found.push(named(
                    write,
                    "it takes a sealed value, and not as private registries do: by `POST` and `PATCH`, in JSON objects that \
                     are written out with the property `encrypted_value`",
                ));
            }
        }
    }
    // Of a store that moved as a whole, the key and the writes are still together.
    let alone = all.iter().filter(|operation| {
        matches!(operation.method, "put" | "post" | "patch")
            && !beside_keys.contains(operation.id)
            && takes_sealed_value_anywhere(document, operation)
    });
    if let [key, ..] = keys_alone.as_slice() {
        found.extend(alone.map(|write| {
            let what = "it takes a sealed value and has no public key beside it, while";
            named(
                write,
                &format!("{what} `{}` has no write beside it", key.id),
            )
        }));
    }
    found
}

/// The writes to a collection and to its members.
fn writes_of<'a, 'b>(all: &'b [Operation<'a>], of: &str) -> Vec<&'b Operation<'a>> {
    let writes = all.iter().filter(|operation| match operation.method {
        "post" => operation.path == of || member(operation.path) == Some(of),
        "put" | "patch" => member(operation.path) == Some(of),
        _ => false,
    });
    writes.collect()
}

/// The collection that a path names one member of.
fn member(path: &str) -> Option<&str> {
    let (collection, last) = path.rsplit_once('/')?;
    is_parameter(last).then_some(collection)
}

/// The path of the collection that an operation belongs to: without the name of one of its members, or of its key.
pub(super) fn collection(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some((collection, last)) if is_parameter(last) || last.contains("key") => collection,
        _ => path,
    }
}

/// The schemas of all JSON of a body or reply.
fn json_schemas(holder: &Value) -> impl Iterator<Item = &Value> {
    let content = holder["content"].as_object().into_iter().flatten();
    content
        .filter(|(kind, _)| kind.contains("json"))
        .filter_map(|(_, media)| media.get("schema"))
}

/// Whether a schema has a property whose name is `wanted` within `depth` levels, itself the first.
fn has_property(
    document: &Value,
    schema: &Value,
    depth: usize,
    wanted: &dyn Fn(&str) -> bool,
) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    if let Some((kind, name)) = schema["$ref"].as_str().and_then(component_of) {
        let target = &document["components"][kind][name];
        return has_property(document, target, depth, wanted);
    }
    let inside = |schema: &Value| has_property(document, schema, depth, wanted);
    let mut properties = schema["properties"].as_object().into_iter().flatten();
    let parts = ["allOf", "anyOf", "oneOf"].iter();
    let mut parts = parts.flat_map(|key| schema[*key].as_array().into_iter().flatten());
    properties.any(|(name, property)| wanted(name) || inside(property))
        || parts.any(inside)
        || schema.get("items").is_some_and(inside)
        || schema.get("additionalProperties").is_some_and(inside)
}
