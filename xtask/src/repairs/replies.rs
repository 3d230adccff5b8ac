//! Repairs of replies.

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::components::{KIND, WITHOUT_BODY};
use crate::description::source::Source;
use crate::description::walk::{each_operation, resolve};
use crate::rust_names::pascal;

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

/// Gives all successes of an operation one type, where they differ: of those with JSON and those without a body an
/// `Option`, of several kinds of JSON an enum, of which the status tells the variant ([`KIND`], [`WITHOUT_BODY`]). Where
/// one is something else than JSON, all are bytes.
pub(super) fn one_type_over_successes(document: &mut Value, _: &Source) -> Result<usize> {
    let before = document.clone();
    let mut added = Map::new();
    let mut mended = 0;
    each_operation(document, |id, operation| {
        let replies = operation.get_mut("responses").map(Value::take);
        let Some(Value::Object(mut replies)) = replies else {
            return;
        };
        let mut kinds = replies.values().map(|reply| Kind::of(&before, reply));
        let first = kinds.next();
        if !kinds.all(|kind| Some(kind) == first) {
            let mut components = Components {
                before: &before,
                added: &mut added,
                id,
            };
            unite(&mut replies, &mut components);
            mended += 1;
        }
        operation.insert("responses".to_owned(), Value::Object(replies));
    });
    if !added.is_empty() {
        let schemas = &mut document["components"]["schemas"];
        added
            .into_iter()
            .for_each(|(name, schema)| schemas[name] = schema);
    }
    Ok(mended)
}

/// What a success brings.
#[derive(Clone, PartialEq)]
enum Kind {
    Nothing,
    Json(Value),
    Bytes,
}

impl Kind {
    fn of(document: &Value, reply: &Value) -> Self {
        match json_schema(document, reply) {
            Some(schema) => Self::Json(schema.clone()),
            None if content_of(document, reply).is_some() => Self::Bytes,
            None => Self::Nothing,
        }
    }
}

/// Gives replies that differ one type.
fn unite(replies: &mut Map<String, Value>, components: &mut Components<'_>) {
    let kinds: Vec<_> = replies
        .values()
        .map(|reply| Kind::of(components.before, reply))
        .collect();
    if kinds.contains(&Kind::Bytes) {
        let bytes = json!({ "schema": { "type": "string", "format": "binary" } });
        for reply in replies.values_mut() {
            *reply = json!({ "content": { "application/octet-stream": bytes } });
        }
        return;
    }
    let mut schemas: Vec<(&Value, &str)> = Vec::new();
    for (status, kind) in replies.keys().zip(&kinds) {
        if let Kind::Json(schema) = kind
            && schemas.iter().all(|(known, _)| *known != schema)
        {
            schemas.push((schema, status));
        }
    }
    let (choices, one) = match schemas.as_slice() {
        [(one, _)] => (vec![], (*one).clone()),
        all => {
            let choices: Vec<_> = all
                .iter()
                .map(|(schema, status)| (*schema, components.named(schema, status)))
                .collect();
            let all: Vec<_> = choices.iter().map(|(_, choice)| choice).collect();
            let one = components.add("reply", json!({ "oneOf": all }));
            (choices, one)
        }
    };
    let schema = match kinds.contains(&Kind::Nothing) {
        true => nullable(one),
        false => one,
    };
    for (reply, kind) in replies.values_mut().zip(&kinds) {
        *reply = json!({ "content": { "application/json": { "schema": schema } } });
        match kind {
            Kind::Json(own) => {
                if let Some((_, choice)) = choices.iter().find(|(known, _)| *known == own) {
                    reply[KIND] = choice.clone();
                }
            }
            Kind::Nothing => reply[WITHOUT_BODY] = json!(true),
            Kind::Bytes => {}
        }
    }
}

/// A schema that takes null, too.
fn nullable(mut schema: Value) -> Value {
    if schema.get("$ref").is_some() {
        return json!({ "nullable": true, "allOf": [schema] });
    }
    schema["nullable"] = json!(true);
    schema
}

/// Components that are made of an operation's replies.
struct Components<'a> {
    before: &'a Value,
    added: &'a mut Map<String, Value>,
    /// The operation's id.
    id: &'a str,
}

impl Components<'_> {
    /// A reference to `schema`, which becomes a component if it is none.
    fn named(&mut self, schema: &Value, status: &str) -> Value {
        match schema.get("$ref") {
            Some(_) => schema.clone(),
            None => self.add(&format!("reply-{status}"), schema.clone()),
        }
    }

    /// A reference to a new component.
    fn add(&mut self, what: &str, schema: Value) -> Value {
        let mut name = format!("{}-{what}", self.id.replace('/', "-"));
        let taken = |map: &Map<String, Value>, name: &str| {
            map.keys().any(|known| pascal(known) == pascal(name))
        };
        let theirs = self.before["components"]["schemas"].as_object();
        while taken(self.added, &name) || theirs.is_some_and(|map| taken(map, &name)) {
            name.push_str("-kind");
        }
        self.added.insert(name.clone(), schema);
        json!({ "$ref": format!("#/components/schemas/{name}") })
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
pub(crate) fn json_schema<'a>(document: &'a Value, reply: &'a Value) -> Option<&'a Value> {
    let content = content_of(document, reply)?;
    let (_, media) = content.iter().find(|(kind, _)| is_json(kind))?;
    media.get("schema")
}

/// Whether progenitor takes a media type for JSON.
pub(crate) fn is_json(kind: &str) -> bool {
    kind == "application/json" || kind.starts_with("application/json;")
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
