//! Repairs that make replies lenient: a property that GitHub adds, leaves out or leaves empty fails no reply that can do
//! without it.
//!
//! Choices of unions stay as strict as they are described, since that tells them apart.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::{Map, Value};

use super::bodies::let_collections_be_null;
use super::components::needed;
use super::unions::{is_choice, tells_apart, with_choices_marked};
use crate::description::source::Source;
use crate::description::walk::{
    Origin, each_operation, each_reply_schema, reached_schemas, resolve,
};

/// Requires of a reply what `[needed]` in `openapi/source.toml` names, and the entries of a page. Everything else may be
/// missing or null (github/rest-api-description#4651, google/go-github#1817).
pub(super) fn require_what_is_needed(document: &mut Value, source: &Source) -> Result<usize> {
    let sent = sent_schemas(document);
    let mut mended = 0;
    let before = document.clone();
    with_choices_marked(document, |document| {
        each_reply_schema(document, |origin, schema| {
            let component = match origin {
                Origin::Component(name) | Origin::Inside(name) if sent.contains(name) => return,
                _ if is_choice(schema) => return,
                Origin::Component(name) => Some(name),
                Origin::Operation | Origin::Inside(_) => None,
            };
            let named = component.and_then(|name| source.needed.get(name));
            let own = component.map(needed).unwrap_or_default();
            let entries = entries(&before, schema).map(str::to_owned);
            let Some(Value::Array(required)) = schema.get_mut("required") else {
                return;
            };
            let all = required.len();
            required.retain(|property| {
                property.as_str().is_some_and(|property| {
                    own.contains(&property)
                        || named.is_some_and(|named| named.contains(property))
                        || entries.as_deref() == Some(property)
                })
            });
            mended += all - required.len();
        });
    });
    Ok(mended)
}

/// The property that holds the entries, if a schema is that of a page: the one list beside `total_count`, or of several
/// the one that is required.
fn entries<'a>(document: &Value, page: &'a Map<String, Value>) -> Option<&'a str> {
    let properties = page.get("properties")?.as_object()?;
    properties.get("total_count")?;
    let is_list = |schema: &Value| resolve(document, schema)["type"] == "array";
    let lists = properties.iter().filter(|(_, schema)| is_list(schema));
    let lists: Vec<_> = lists.map(|(name, _)| name.as_str()).collect();
    let required = page.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|each| each == name));
    let mut required = lists.iter().filter(|name| is_required(name));
    match (lists.as_slice(), required.next(), required.next()) {
        ([one], ..) | (_, Some(one), None) => Some(one),
        _ => None,
    }
}

/// The components that bodies reach: what they require is required of us.
pub(super) fn sent_schemas(document: &mut Value) -> BTreeSet<String> {
    let mut bodies = Vec::new();
    each_operation(document, |_, operation| {
        bodies.extend(operation.get("requestBody").cloned());
    });
    reached_schemas(document, &Value::Array(bodies))
}

/// Makes enums of replies text, but for those that tell the choices of a union apart. Enums of requests stay closed.
pub(super) fn open_reply_enums(document: &mut Value, _: &Source) -> Result<usize> {
    let mut mended = 0;
    with_choices_marked(document, |document| {
        each_reply_schema(document, |_, schema| {
            if schema.get("type").is_some_and(|kind| kind == "string")
                && !tells_apart(schema)
                && schema.remove("enum").is_some()
            {
                mended += 1;
            }
        });
    });
    Ok(mended)
}

/// Makes optional lists and maps of replies nullable. progenitor reads other optional fields that are `null` as absent,
/// and fails on these.
pub(super) fn null_collections_are_absent(document: &mut Value, _: &Source) -> Result<usize> {
    let mut mended = 0;
    each_reply_schema(document, |_, schema| {
        mended += let_collections_be_null(schema)
    });
    Ok(mended)
}

/// Opens closed objects, but for choices of unions: those are told apart by being closed.
pub(super) fn open_reply_objects(document: &mut Value, _: &Source) -> Result<usize> {
    let mut mended = 0;
    with_choices_marked(document, |document| {
        each_reply_schema(document, |_, schema| {
            let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
            if closed && !is_choice(schema) {
                schema.remove("additionalProperties");
                mended += 1;
            }
        });
    });
    Ok(mended)
}
