//! Repairs of replies.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::{Map, Value};

use super::bodies::let_collections_be_null;
use crate::description::source::Source;
use crate::description::walk::component_of;
use crate::description::walk::{each_operation, each_reply_schema, each_schema, resolve};

/// Drops declared errors. They then arrive as `UnexpectedResponse`, with status, headers and the unread body. A typed
/// error loses status and headers if its body is not JSON.
pub(super) fn drop_error_replies(document: &mut Value, _: &Source) -> Result<usize> {
    let mut mended = 0;
    each_operation(document, |_, operation| {
        if let Some(replies) = operation
            .get_mut("responses")
            .and_then(Value::as_object_mut)
        {
            let before = replies.len();
            replies.retain(|status, _| is_success(status));
            mended += before - replies.len();
        }
    });
    Ok(mended)
}

/// Drops the body `{}` of a success: it says nothing, and beside a success without a body both are `()`. The status tells
/// created from updated.
pub(super) fn drop_empty_object_replies(document: &mut Value, _: &Source) -> Result<usize> {
    let before = document.clone();
    let mut mended = 0;
    each_operation(document, |_, operation| {
        let Some(replies) = operation
            .get_mut("responses")
            .and_then(Value::as_object_mut)
        else {
            return;
        };
        let without_body = replies
            .iter()
            .any(|(status, reply)| is_success(status) && content_of(&before, reply).is_none());
        for (status, reply) in replies.iter_mut() {
            // An object of which nothing is said may hold anything, unless another success has no body at all.
            let empty = json_schema(&before, reply).is_some_and(|schema| {
                is_empty_object(&before, schema)
                    && (without_body || resolve(&before, schema)["additionalProperties"] == false)
            });
            if is_success(status) && empty {
                *reply = Value::Object(Map::new());
                mended += 1;
            }
        }
    });
    Ok(mended)
}

/// Keeps the successes of one type, where they still differ: that of the lowest status with a JSON body, or else of the
/// lowest status. The others arrive as `UnexpectedResponse`, complete and unread.
pub(super) fn keep_one_reply_type(document: &mut Value, _: &Source) -> Result<usize> {
    let before = document.clone();
    let mut mended = 0;
    each_operation(document, |_, operation| {
        let Some(replies) = operation
            .get_mut("responses")
            .and_then(Value::as_object_mut)
        else {
            return;
        };
        let kind = |reply: &Value| {
            (
                content_of(&before, reply).is_some(),
                json_schema(&before, reply).cloned(),
            )
        };
        let mut kinds: Vec<_> = replies
            .iter()
            .map(|(status, reply)| (status.clone(), kind(reply)))
            .collect();
        kinds.sort_by(|a, b| a.0.cmp(&b.0));
        let Some((_, kept)) = kinds
            .iter()
            .find(|(_, (_, schema))| schema.is_some())
            .or(kinds.first())
        else {
            return;
        };
        for (status, other) in &kinds {
            if other != kept {
                replies.remove(status);
                mended += 1;
            }
        }
    });
    Ok(mended)
}

/// Makes enums of replies text. Enums of requests stay closed.
pub(super) fn open_reply_enums(document: &mut Value, _: &Source) -> Result<usize> {
    let mut mended = 0;
    each_reply_schema(document, |schema| {
        if schema.get("type").is_some_and(|kind| kind == "string")
            && schema.remove("enum").is_some()
        {
            mended += 1;
        }
    });
    Ok(mended)
}

/// Makes optional lists and maps of replies nullable. progenitor reads other optional fields that are `null` as absent,
/// and fails on these.
pub(super) fn null_collections_are_absent(document: &mut Value, _: &Source) -> Result<usize> {
    let mut mended = 0;
    each_reply_schema(document, |schema| mended += let_collections_be_null(schema));
    Ok(mended)
}

/// Marks a choice of a union while [`open_reply_objects`] walks.
const CHOICE: &str = "x-choice";

/// Opens closed objects, but for choices of unions: those are told apart by being closed.
pub(super) fn open_reply_objects(document: &mut Value, _: &Source) -> Result<usize> {
    let mut chosen = BTreeSet::new();
    choices(document, &mut chosen);
    for name in chosen {
        if let Some(Value::Object(component)) =
            document.pointer_mut(&format!("/components/schemas/{name}"))
        {
            component.insert(CHOICE.to_owned(), Value::Bool(true));
        }
    }
    let mut mended = 0;
    each_reply_schema(document, |schema| {
        for key in ["anyOf", "oneOf"] {
            let inner = schema.get_mut(key).and_then(Value::as_array_mut);
            for choice in inner.into_iter().flatten() {
                if let Value::Object(choice) = choice {
                    choice.insert(CHOICE.to_owned(), Value::Bool(true));
                }
            }
        }
        let open = !schema.contains_key(CHOICE);
        if open
            && schema
                .get("additionalProperties")
                .is_some_and(|more| more == false)
        {
            schema.remove("additionalProperties");
            mended += 1;
        }
    });
    each_schema(document, |_, schema| {
        schema.remove(CHOICE);
    });
    Ok(mended)
}

/// The components that are choices of unions.
fn choices(node: &Value, found: &mut BTreeSet<String>) {
    match node {
        Value::Object(object) => {
            for key in ["anyOf", "oneOf"] {
                let choices = object.get(key).and_then(Value::as_array);
                for choice in choices.into_iter().flatten() {
                    let reference = choice.get("$ref").and_then(Value::as_str);
                    if let Some((_, name)) = reference.and_then(component_of) {
                        found.insert(name.to_owned());
                    }
                }
            }
            object.values().for_each(|value| choices(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| choices(value, found)),
        _ => {}
    }
}

/// Whether a status, or range of statuses, is a success.
pub(super) fn is_success(status: &str) -> bool {
    status.starts_with('2')
}

/// The `content` of a reply, unless there is none.
fn content_of<'a>(document: &'a Value, reply: &'a Value) -> Option<&'a Map<String, Value>> {
    resolve(document, reply)
        .get("content")?
        .as_object()
        .filter(|content| !content.is_empty())
}

/// The schema of a reply's JSON body.
pub(super) fn json_schema<'a>(document: &'a Value, reply: &'a Value) -> Option<&'a Value> {
    let content = content_of(document, reply)?;
    let (_, media) = content
        .iter()
        .find(|(kind, _)| *kind == "application/json" || kind.starts_with("application/json;"))?;
    media.get("schema")
}

fn is_empty_object(document: &Value, schema: &Value) -> bool {
    let schema = resolve(document, schema);
    let none = |key: &str| {
        schema
            .get(key)
            .is_none_or(|inner| inner.as_object().is_some_and(Map::is_empty))
    };
    schema.get("type").is_some_and(|kind| kind == "object")
        && none("properties")
        && schema
            .get("additionalProperties")
            .is_none_or(|more| !more.is_object() && more != true)
        && ["allOf", "anyOf", "oneOf", "$ref"]
            .iter()
            .all(|key| schema.get(*key).is_none())
}
