//! Repairs of replies.

use anyhow::Result;
use serde_json::{Map, Value};

use crate::description::source::Source;
use crate::description::walk::{each_operation, resolve};

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
