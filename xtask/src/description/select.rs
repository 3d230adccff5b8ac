//! The list of operations kept: which operations its entries name.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use serde_json::Value;
use strsim::jaro_winkler;

use super::{Description, Operation};
use crate::rust_names::snake;

/// The operations of one description that a list of entries names.
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
        let named: Vec<_> = all.iter().filter(|each| names(entry, each)).collect();
        if named.is_empty() {
            missing.push(entry.to_owned());
        }
        let named = named.into_iter();
        chosen.extend(named.map(|each| ((each.path, each.method), *each)));
    }
    Selection {
        found: chosen.into_values().collect(),
        missing,
    }
}

impl Selection<'_> {
    /// Refuses entries that name nothing, but for those that are known to be missing. Each is told with why it is not
    /// there, as far as that can be seen: it is not understood, it has another id than in the description `before`, or
    /// others have similar names.
    pub fn complete(
        &self,
        description: &Description,
        known: &[String],
        before: Option<&Description>,
    ) -> Result<()> {
        let unknown = |entry: &&String| !known.contains(entry);
        let missing: Vec<_> = self.missing.iter().filter(unknown).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let renamed = before.map(|before| before.renamed(description));
        let mut message = format!(
            "{} (version {}) lacks what openapi/source.toml keeps:",
            description.origin(),
            description.version()
        );
        let faults = description.faults();
        const MOST: usize = 12;
        let (mut unexplained, mut told) = (false, Vec::new());
        for entry in missing.iter().take(MOST).copied() {
            message.push_str(&format!("\n  `{entry}`"));
            let fault = faults.iter().find(|fault| fault.ids.contains(entry));
            let new = renamed.as_ref().and_then(|all| all.get(entry.as_str()));
            let near = nearest(entry, description);
            unexplained |= fault.is_none() && new.is_none();
            if let Some(fault) = fault {
                told.push(fault);
                message.push_str(&format!(": {fault}"));
            } else if let Some(new) = new {
                message.push_str(&format!(": is `{new}` there"));
            } else if !near.is_empty() {
                message.push_str(&format!("; nearest: {}", near.join(", ")));
            }
        }
        if missing.len() > MOST {
            message.push_str(&format!("\n  and {} more", missing.len() - MOST));
        }
        if unexplained {
            for fault in faults.iter().filter(|fault| !told.contains(fault)).take(3) {
                message.push_str(&format!("\n  not understood: {fault}"));
            }
        }
        message.push_str("\n(`--allow-missing` keeps what there is)");
        bail!(message)
    }

    /// Refuses two operations whose methods would have one name.
    pub fn distinct(&self) -> Result<()> {
        let (mut methods, mut same) = (BTreeMap::new(), Vec::new());
        for operation in &self.found {
            if let Some(other) = methods.insert(snake(operation.id), operation.id) {
                same.push(format!(
                    "`{other}` and `{}` would both be the method `{}`: openapi/source.toml can \
                     keep one of them",
                    operation.id,
                    snake(operation.id)
                ));
            }
        }
        match same.as_slice() {
            [] => Ok(()),
            same => bail!("{}", same.join("\n")),
        }
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

/// The most similar entries of the same kind: three at most, none below a certain likeness.
fn nearest(wanted: &str, description: &Description) -> Vec<String> {
    let operations = description.operations();
    let candidates: BTreeSet<&str> = if wanted.starts_with("tag:") {
        operations
            .iter()
            .flat_map(|operation| operation.node["tags"].as_array().into_iter().flatten())
            .filter_map(Value::as_str)
            .collect()
    } else if wanted.starts_with('/') {
        operations.iter().map(|operation| operation.path).collect()
    } else {
        operations.iter().map(|operation| operation.id).collect()
    };
    let mut scored: Vec<_> = candidates
        .into_iter()
        .map(|candidate| (likeness(wanted, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let kind = if wanted.starts_with("tag:") {
        "tag:"
    } else {
        ""
    };
    scored
        .into_iter()
        .take(3)
        .map(|(_, candidate)| format!("{kind}{candidate}"))
        .collect()
}

fn likeness(wanted: &str, candidate: &str) -> f64 {
    if let Some(tag) = wanted.strip_prefix("tag:") {
        return jaro_winkler(tag, candidate);
    }
    if wanted.starts_with('/') {
        return jaro_winkler(wanted.trim_end_matches('*'), candidate);
    }
    // Other clients write an id as a method, with or without its tag: `listOrgSecrets`.
    let method = candidate
        .rsplit_once('/')
        .filter(|_| !wanted.contains('/'))
        .map_or(candidate, |(_, method)| method);
    jaro_winkler(wanted, candidate)
        .max(jaro_winkler(&snake(wanted), &snake(candidate)))
        .max(jaro_winkler(&snake(wanted), &snake(method)))
}
