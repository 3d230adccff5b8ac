//! Facts without prose: which keys of a description are kept.

use serde_json::{Map, Value};

/// Keys that hold words for readers. Ours are our own (see `openapi/docs.toml`), and a change of
/// GitHub's wording is no change of the API.
const PROSE: [&str; 6] = [
    "description",
    "summary",
    "externalDocs",
    "example",
    "examples",
    "title",
];

/// Keys whose object maps names of the API's choosing, where nothing may be taken for a keyword:
/// a property may well be called `description`.
const NAMES: [&str; 14] = [
    "properties",
    "patternProperties",
    "paths",
    "responses",
    "content",
    "headers",
    "schemas",
    "parameters",
    "requestBodies",
    "securitySchemes",
    "links",
    "callbacks",
    "encoding",
    "mapping",
];

/// Keys whose value is data, not description.
const DATA: [&str; 4] = ["enum", "default", "required", "const"];

/// `node` without its prose, at every depth, keys in order.
pub fn facts(node: &Value) -> Value {
    match node {
        Value::Object(object) => {
            let mut kept = Map::new();
            for key in sorted_keys(object) {
                if PROSE.contains(&key.as_str()) || key.starts_with("x-") {
                    continue;
                }
                let value = &object[key];
                kept.insert(
                    key.clone(),
                    match value {
                        Value::Object(names) if NAMES.contains(&key.as_str()) => sorted_keys(names)
                            .into_iter()
                            .map(|name| (name.clone(), facts(&names[name])))
                            .collect(),
                        data if DATA.contains(&key.as_str()) => data.clone(),
                        node => facts(node),
                    },
                );
            }
            Value::Object(kept)
        }
        Value::Array(items) => items.iter().map(facts).collect(),
        scalar => scalar.clone(),
    }
}

/// The same document with every object's keys in order, whatever order `serde_json` keeps.
pub fn sorted(node: &Value) -> Value {
    match node {
        Value::Object(object) => sorted_keys(object)
            .into_iter()
            .map(|key| (key.clone(), sorted(&object[key])))
            .collect(),
        Value::Array(items) => items.iter().map(sorted).collect(),
        scalar => scalar.clone(),
    }
}

fn sorted_keys(object: &Map<String, Value>) -> Vec<&String> {
    let mut keys: Vec<_> = object.keys().collect();
    keys.sort_unstable();
    keys
}
