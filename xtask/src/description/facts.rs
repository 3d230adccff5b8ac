//! The facts of a description: which of its keys are kept, and which are prose.

use serde_json::{Map, Value, json};

/// Keys that hold words for readers. Generated code has words of our own (`openapi/docs.toml`), and another wording is no
/// other API.
pub(super) const PROSE: [&str; 6] = [
    "description",
    "summary",
    "externalDocs",
    "example",
    "examples",
    "title",
];

/// Keys of objects whose own keys are names, never keywords: a property may be called `description`.
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

/// Keys whose value is data, kept as it is.
const DATA: [&str; 4] = ["enum", "default", "required", "const"];

/// Keys that limit a value beyond its type and format.
pub(crate) const FACETS: [&str; 11] = [
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
];

/// The one extension that is kept: GitHub's mark of operations that create content, whose limits are tighter.
const CONTENT_MARK: (&str, &str) = ("x-github", "triggersNotification");

/// Our mark of a property of a body that may be left out, and where `null` says something else than that. A repair makes it,
/// and it stays where the repaired description is cut.
pub(crate) const NULL: &str = "x-null";

/// Whether an operation has GitHub's mark of those that create content and notify people of it.
pub fn creates_content(operation: &Value) -> bool {
    operation[CONTENT_MARK.0][CONTENT_MARK.1] == true
}

/// An operation without its prose.
pub(super) fn operation_facts(operation: &Value) -> Value {
    let mut kept = facts(operation);
    if creates_content(operation) {
        kept[CONTENT_MARK.0] = json!({ CONTENT_MARK.1: true });
    }
    kept
}

/// `node` without its prose and without extensions but our mark, at every depth, with sorted keys.
pub fn facts(node: &Value) -> Value {
    match node {
        Value::Object(object) => {
            let mut kept = Map::new();
            for key in sorted_keys(object) {
                let foreign = key.starts_with("x-") && key != NULL;
                if PROSE.contains(&key.as_str()) || foreign {
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

/// The same document with sorted keys in every object, also where `serde_json` keeps another order.
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
