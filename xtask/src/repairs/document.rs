//! Repairs of the document as a whole.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use crate::description::source::Source;
use crate::description::walk::component_of;

/// Puts the version of the REST API into `info.version`, which progenitor exposes as the API's version. GitHub has the
/// version of its package there.
pub(super) fn api_version(document: &mut Value, source: &Source) -> Result<usize> {
    let version = json!(source.api.version);
    let mended = usize::from(document["info"]["version"] != version);
    document["info"]["version"] = version;
    Ok(mended)
}

/// Drops the components that repaired operations no longer reach, whose types would have no use.
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
