//! Repairs of what comes back.

use anyhow::Result;
use serde_json::{Map, Value};

use super::bodies::let_collections_be_null;
use super::walk::{Use, descend, each_operation, each_schema, reached_schemas, resolve};
use crate::source::Source;

/// progenitor panics on more than one reply type (oxidecomputer/progenitor#344, #950, #1155).
/// Without declared errors they arrive as `UnexpectedResponse`: status, headers and the unread
/// body. That beats typed errors, whose case of a body that is not JSON loses status and headers.
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

/// `201` with the body `{}` beside `204` without one: both are `()` to a caller, who tells created
/// from updated by the status.
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
        if !without_body {
            return;
        }
        for (status, reply) in replies.iter_mut() {
            let empty =
                json_schema(&before, reply).is_some_and(|schema| is_empty_object(&before, schema));
            if is_success(status) && empty {
                *reply = Value::Object(Map::new());
                mended += 1;
            }
        }
    });
    Ok(mended)
}

/// Where successes still differ in type, the lowest status that has a JSON body is kept, or else
/// the lowest. The others arrive as `UnexpectedResponse`, complete and unread.
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

/// Enums of replies become text: a value that GitHub adds tomorrow must not fail a list today.
/// Enums of requests stay closed.
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

/// An optional list or map that comes back as `null` is not there, as any other optional field:
/// progenitor reads its absence, and fails on `null`, and with it a whole list.
pub(super) fn null_collections_are_absent(document: &mut Value, _: &Source) -> Result<usize> {
    let mut mended = 0;
    each_reply_schema(document, |schema| mended += let_collections_be_null(schema));
    Ok(mended)
}

/// Calls `visit` for every schema that a reply is made of, components included.
fn each_reply_schema(document: &mut Value, mut visit: impl FnMut(&mut Map<String, Value>)) {
    let mut replies = Vec::new();
    each_operation(document, |_, operation| {
        replies.extend(operation.get("responses").cloned())
    });
    let reached = reached_schemas(document, &Value::Array(replies));
    each_schema(document, |used, schema| {
        if used == Use::Reply {
            visit(schema);
        }
    });
    for (name, schema) in document
        .pointer_mut("/components/schemas")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flatten()
    {
        if reached.contains(name) {
            descend(schema, Use::Component, &mut |_, schema| visit(schema));
        }
    }
}

/// Whether a status, or range of them, is a success.
pub(super) fn is_success(status: &str) -> bool {
    status.starts_with('2')
}

/// The `content` of a reply that has any.
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
