//! Repairs of the document as a whole.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use crate::cut::component_of;
use crate::source::Source;

/// progenitor exposes `info.version` as the API's version. GitHub writes the version of its
/// package there; what we ask for is the version of the REST API.
pub(super) fn api_version(document: &mut Value, source: &Source) -> Result<usize> {
    let version = json!(source.api.version);
    let mended = usize::from(document["info"]["version"] != version);
    document["info"]["version"] = version;
    Ok(mended)
}

/// Components that nothing reaches any more would each become a type that nobody uses.
pub(super) fn drop_unreached(document: &mut Value) {
    let mut kept: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    let mut open = vec![&document["paths"]];
    while let Some(node) = open.pop() {
        match node {
            Value::Object(object) => {
                if let Some((kind, name)) = object
                    .get("$ref")
                    .and_then(Value::as_str)
                    .and_then(component_of)
                    && let Some(target) = document["components"][kind].get(name)
                {
                    let all = kept.entry(kind.to_owned()).or_default();
                    if !all.contains_key(name) {
                        all.insert(name.to_owned(), target.clone());
                        open.push(target);
                    }
                }
                open.extend(object.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    document["components"] = json!(kept);
}
