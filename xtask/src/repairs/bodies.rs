//! Repairs of requests' bodies.

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::description::source::Source;
use crate::description::walk::{Use, each_body, each_operation, each_schema};

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

/// Makes ids that the description takes as numbers or text one of the two: numbers, and text for the operations that
/// `ids_as_text` in `openapi/source.toml` names.
pub(super) fn ids_as_the_server_wants_them(document: &mut Value, source: &Source) -> Result<usize> {
    let mut mended = 0;
    each_operation(document, |id, operation| {
        let as_text = source.practice.ids_as_text.contains(id);
        let schema = operation
            .get_mut("requestBody")
            .and_then(|body| body.pointer_mut("/content/application~1json/schema/properties"));
        for (name, property) in schema.and_then(Value::as_object_mut).into_iter().flatten() {
            let Some(items) = property.get_mut("items").and_then(Value::as_object_mut) else {
                continue;
            };
            let either = items.get("anyOf").is_some_and(is_number_or_text);
            let number = items.get("type").is_some_and(|kind| kind == "integer");
            if either || (as_text && number && name.ends_with("_ids")) {
                items.clear();
                items.insert(
                    "type".to_owned(),
                    json!(if as_text { "string" } else { "integer" }),
                );
                mended += 1;
            }
        }
    });
    Ok(mended)
}

/// Makes optional lists and maps of bodies nullable, hence `Option`: a plain one is left out when empty, and
/// `selected_repository_ids: []` clears the list on GitHub.
pub(super) fn nullable_optional_collections(document: &mut Value, _: &Source) -> Result<usize> {
    let mut mended = 0;
    each_schema(document, |used, schema| {
        if used == Use::Body {
            mended += let_collections_be_null(schema);
        }
    });
    Ok(mended)
}

/// Makes the optional lists and maps of one object nullable, and counts them.
pub(super) fn let_collections_be_null(schema: &mut Map<String, Value>) -> usize {
    let required = schema.get("required").cloned().unwrap_or_default();
    let is_required = |name: &str| {
        required
            .as_array()
            .is_some_and(|names| names.iter().any(|each| each == name))
    };
    let mut mended = 0;
    for (name, property) in schema
        .get_mut("properties")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flatten()
    {
        let collection = property["type"] == "array"
            || (property["type"] == "object" && property.get("properties").is_none());
        if collection && !is_required(name) && property["nullable"] != true {
            property["nullable"] = json!(true);
            mended += 1;
        }
    }
    mended
}

fn is_number_or_text(options: &Value) -> bool {
    let mut kinds: Vec<_> = options
        .as_array()
        .into_iter()
        .flatten()
        .map(|option| option["type"].as_str().unwrap_or("?"))
        .collect();
    kinds.sort_unstable();
    kinds == ["integer", "string"]
}
