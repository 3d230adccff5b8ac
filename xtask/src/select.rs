//! The list of operations kept: entries to operations.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use crate::description::{Description, Operation};

/// What a list of entries comes to in one description.
#[derive(Debug)]
pub struct Selection<'a> {
    /// The operations found, by path and method.
    pub found: Vec<Operation<'a>>,
    /// The entries that name nothing there.
    pub missing: Vec<String>,
}

/// Looks every entry up: an operation id, `tag:NAME`, or a path ending in `*`.
pub fn select<'a>(
    description: &'a Description,
    entries: impl IntoIterator<Item = impl AsRef<str>>,
) -> Selection<'a> {
    let all = description.operations();
    let mut chosen = BTreeMap::new();
    let mut missing = Vec::new();
    for entry in entries {
        let entry = entry.as_ref();
        let before = chosen.len();
        let mut hits = 0;
        for operation in all.iter().filter(|operation| names(entry, operation)) {
            chosen.insert((operation.path, operation.method), *operation);
            hits += 1;
        }
        if hits == 0 && before == chosen.len() {
            missing.push(entry.to_owned());
        }
    }
    Selection {
        found: chosen.into_values().collect(),
        missing,
    }
}

impl Selection<'_> {
    /// Refuses entries that name nothing, each with what comes nearest.
    pub fn complete(&self, description: &Description) -> Result<()> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = description
            .operations()
            .iter()
            .map(|operation| operation.id.to_owned())
            .collect();
        let mut message = format!(
            "the description (version {}) lacks what openapi/source.toml keeps:",
            description.version()
        );
        for entry in &self.missing {
            message.push_str(&format!("\n  `{entry}`"));
            let near = nearest(entry, &ids);
            if !near.is_empty() {
                message.push_str(&format!("; nearest: {}", near.join(", ")));
            }
        }
        message.push_str("\n(`--allow-missing` keeps what there is)");
        bail!(message)
    }
}

fn names(entry: &str, operation: &Operation<'_>) -> bool {
    if let Some(tag) = entry.strip_prefix("tag:") {
        return operation.node["tags"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|each| each == tag);
    }
    if entry.starts_with('/') {
        return match entry.strip_suffix('*') {
            Some(prefix) => operation.path.starts_with(prefix),
            None => operation.path == entry,
        };
    }
    operation.id == entry
}

/// The three ids most like `wanted`, if any is like it at all.
fn nearest<'a>(wanted: &str, ids: &'a [String]) -> Vec<&'a str> {
    let mut scored: Vec<_> = ids
        .iter()
        .map(|id| (strsim::jaro_winkler(wanted, id), id.as_str()))
        .filter(|(likeness, _)| *likeness > 0.75)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.into_iter().take(3).map(|(_, id)| id).collect()
}
