//! Repairs of requests' bodies.

use anyhow::{Result, anyhow};
use serde_json::{Map, Value, json};

use super::all_of;
use super::components::{ENCRYPTED_VALUE, REPOSITORY_ID, TEXT_BEFORE};
use super::lenient::sent_schemas;
use crate::description::facts::NULL;
use crate::description::sealed::is_sealed;
use crate::description::source::Source;
use crate::description::walk::{Use, descend, each_body, each_operation, each_schema, resolve};

/// Keeps one media type of each body: JSON, or else the first by name.
pub(super) fn keep_one_media_type(document: &mut Value, _: &Source) -> Result<usize> {
    let mut mended = 0;
    each_body(document, |body| {
        let Some(content) = body.get_mut("content").and_then(Value::as_object_mut) else {
            return;
        };
        let mut kinds: Vec<_> = content.keys().cloned().collect();
        kinds.sort_by_key(|kind| (kind != "application/json", kind.clone()));
        for other in kinds.iter().skip(1) {
            content.remove(other);
            mended += 1;
        }
    });
    Ok(mended)
}

/// Makes bodies of unknown media types (`multipart/form-data`, on Enterprise Server) plain bytes: the caller writes the
/// parts.
pub(super) fn unknown_media_types_as_bytes(document: &mut Value, _: &Source) -> Result<usize> {
    let known = |kind: &str| {
        let kind = kind.split(';').next().unwrap_or_default();
        kind == "application/json" || kind == "application/x-www-form-urlencoded"
    };
    let mut mended = 0;
    each_body(document, |body| {
        let Some(content) = body.get_mut("content").and_then(Value::as_object_mut) else {
            return;
        };
        let Some((kind, media)) = content.iter().next() else {
            return;
        };
        let plain = match kind.split(';').next().unwrap_or_default() {
            "text/plain" | "text/x-markdown" => json!({ "schema": { "type": "string" } }),
            _ => json!({ "schema": { "type": "string", "format": "binary" } }),
        };
        let text = kind.starts_with("text/plain") || kind.starts_with("text/x-markdown");
        let bytes = "application/octet-stream";
        if known(kind) || (*media == plain && (text || kind == bytes)) {
            return;
        }
        let kind = if text { kind.clone() } else { bytes.to_owned() };
        content.clear();
        content.insert(kind, plain);
        mended += 1;
    });
    Ok(mended)
}

/// Makes ids that the description takes as numbers or text numbers.
pub(super) fn ids_are_numbers(document: &mut Value, _: &Source) -> Result<usize> {
    let mut mended = 0;
    each_operation(document, |_, operation| {
        for (_, property) in properties(operation).into_iter().flatten() {
            let kinds = property.get("items").map(kinds);
            if kinds.is_some_and(|kinds| kinds == ["integer", "string"]) {
                property["items"] = json!({ "type": "integer" });
                mended += 1;
            }
        }
    });
    Ok(mended)
}

/// Gives ids that earlier versions of the API take as text (`[practice.ids_as_text]` in `openapi/source.toml`) a
/// hand-written type that can be both, and notes which versions those are.
///
/// # Errors
///
/// If the description says that ids of the version asked for are of the other kind alone.
pub(super) fn ids_as_the_version_wants_them(
    document: &mut Value,
    source: &Source,
) -> Result<usize> {
    let mut mended = 0;
    let mut errors = Vec::new();
    each_operation(document, |id, operation| {
        let Some(fact) = source.practice.ids_as_text.get(id) else {
            return;
        };
        let asked = &source.api.version;
        let wanted = if *asked < fact.before {
            "string"
        } else {
            "integer"
        };
        let mut found = 0;
        for (name, property) in properties(operation).into_iter().flatten() {
            let Some(items) = property.get("items").filter(|_| name.ends_with("_ids")) else {
                continue;
            };
            found += 1;
            if kinds(items).contains(&wanted) {
                property["items"] =
                    json!({ "$ref": format!("#/components/schemas/{REPOSITORY_ID}") });
                property[TEXT_BEFORE] = json!(fact.before);
                mended += 1;
            } else {
                let taken = kinds(items).join(" or ");
                errors.push(anyhow!(
                    "`{id}`: openapi/source.toml says in [practice.ids_as_text] that it takes text before API version \
                     {} and asks for version {asked}, and the description takes `{name}` as {taken} alone: it is of \
                     another version (move `version` in [api]), or the fact no longer holds (remove it)",
                    fact.before
                ));
            }
        }
        if found == 0 {
            errors.push(anyhow!(
                "`{id}` is in [practice.ids_as_text] of openapi/source.toml, and has no list of ids"
            ));
        }
    });
    if mended > 0 {
        document["components"]["schemas"][REPOSITORY_ID] = json!({ "type": "integer" });
    }
    all_of(errors)?;
    Ok(mended)
}

/// The properties of an operation's JSON body.
fn properties(operation: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    let body = operation.get_mut("requestBody")?;
    body.pointer_mut("/content/application~1json/schema/properties")?
        .as_object_mut()
}

/// Gives sealed values a hand-written type that holds no plaintext, in every body that takes one.
pub(super) fn sealed_values_are_sealed(document: &mut Value, _: &Source) -> Result<usize> {
    let mut mended = 0;
    each_sent_schema(document, |schema| {
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for (name, property) in properties.into_iter().flatten() {
            if is_sealed(name) && property["type"] == "string" {
                let sealed = json!({ "$ref": format!("#/components/schemas/{ENCRYPTED_VALUE}") });
                *property = match property["nullable"] == true {
                    true => json!({ "nullable": true, "allOf": [sealed] }),
                    false => sealed,
                };
                mended += 1;
            }
        }
    });
    if mended > 0 {
        document["components"]["schemas"][ENCRYPTED_VALUE] = json!({ "type": "string" });
    }
    Ok(mended)
}

/// Lets the components of bodies that `[project]` in `openapi/source.toml` cuts down take the properties that were cut, and
/// those that the description lacks.
pub(super) fn bodies_take_what_was_cut(document: &mut Value, source: &Source) -> Result<usize> {
    let sent = sent_schemas(document);
    let mut mended = 0;
    for name in source.project.keys().filter(|name| sent.contains(*name)) {
        document["components"]["schemas"][name]["additionalProperties"] = json!({});
        mended += 1;
    }
    Ok(mended)
}

/// Marks the properties of bodies that may be left out and may be `null` ([`NULL`]): `codegen/nulls.rs` gives them a type
/// that says both.
pub(super) fn null_is_no_absence(document: &mut Value, _: &Source) -> Result<usize> {
    let before = document.clone();
    let mut mended = 0;
    each_sent_schema(document, |schema| {
        let is_required = required(schema);
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for (name, property) in properties.into_iter().flatten() {
            if is_required(name) || property[NULL] == true || !may_be_null(&before, property) {
                continue;
            }
            if property.get("$ref").is_some() {
                *property = json!({ "nullable": true, "allOf": [property.take()] });
            }
            property[NULL] = json!(true);
            mended += 1;
        }
    });
    Ok(mended)
}

/// Whether `null` is a value that a schema describes.
fn may_be_null(document: &Value, schema: &Value) -> bool {
    let schema = resolve(document, schema);
    let choices = ["anyOf", "oneOf"].map(|key| schema[key].as_array());
    let mut choices = choices.into_iter().flatten().flatten();
    schema["nullable"] == true || choices.any(|choice| may_be_null(document, choice))
}

/// Makes optional lists and maps of bodies nullable, hence `Option`: a plain one is left out when empty, and
/// `selected_repository_ids: []` clears the list on GitHub.
pub(super) fn nullable_optional_collections(document: &mut Value, _: &Source) -> Result<usize> {
    let mut mended = 0;
    each_sent_schema(document, |schema| mended += let_collections_be_null(schema));
    Ok(mended)
}

/// Makes the optional lists and maps of one object nullable, and counts them.
pub(super) fn let_collections_be_null(schema: &mut Map<String, Value>) -> usize {
    let is_required = required(schema);
    let mut mended = 0;
    for (name, property) in schema
        .get_mut("properties")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flatten()
    {
        let names_none = |map: &Value| map.as_object().is_none_or(Map::is_empty);
        let collection = property["type"] == "array"
            || (property["type"] == "object" && names_none(&property["properties"]));
        if collection && !is_required(name) && property["nullable"] != true {
            property["nullable"] = json!(true);
            mended += 1;
        }
    }
    mended
}

/// Which properties an object requires.
fn required(object: &Map<String, Value>) -> impl Fn(&str) -> bool + use<> {
    let names = object.get("required").cloned().unwrap_or_default();
    move |name| {
        let mut names = names.as_array().into_iter().flatten();
        names.any(|each| each == name)
    }
}

/// Calls `visit` for every schema object of bodies, and of the components that they reach.
fn each_sent_schema(document: &mut Value, mut visit: impl FnMut(&mut Map<String, Value>)) {
    let sent = sent_schemas(document);
    each_schema(document, |used, schema| {
        if used == Use::Body {
            visit(schema);
        }
    });
    for name in sent {
        if let Some(component) = document.pointer_mut(&format!("/components/schemas/{name}")) {
            descend(component, Use::Component, &mut |_, schema| visit(schema));
        }
    }
}

/// The types that a schema allows, in order.
fn kinds(schema: &Value) -> Vec<&str> {
    let choices = schema["anyOf"].as_array().or(schema["oneOf"].as_array());
    let mut kinds: Vec<_> = match choices {
        Some(choices) => choices
            .iter()
            .filter_map(|each| each["type"].as_str())
            .collect(),
        None => schema["type"].as_str().into_iter().collect(),
    };
    kinds.sort_unstable();
    kinds
}
