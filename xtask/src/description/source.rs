//! `openapi/source.toml`: the pin, the operations kept, and facts that no description has.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use super::left_out::LeftOut;
use super::operations;
use super::walk::resolve;

/// The contents of `openapi/source.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Where the description comes from.
    pub package: Package,
    /// The REST API that the client asks for.
    pub api: Api,
    /// The operations kept, by group. Groups are for readers alone.
    pub operations: BTreeMap<String, Vec<String>>,
    /// Collections at stores, and beside them, that are left out on purpose, by group like the operations.
    #[serde(default)]
    pub left_out: BTreeMap<String, BTreeSet<String>>,
    /// Schemas of which only the named properties are kept.
    #[serde(default)]
    pub project: BTreeMap<String, BTreeSet<String>>,
    /// By component of replies: the properties without which it is of no use.
    #[serde(default)]
    pub needed: BTreeMap<String, BTreeSet<String>>,
    /// Facts that no description has.
    #[serde(default)]
    pub practice: Practice,
    /// By repair: an operation that shows its fault.
    #[serde(default)]
    pub witness: BTreeMap<String, String>,
}

/// An npm package, pinned by version and digests.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The integrity that the registry records: `sha512-` and base64.
    pub integrity: String,
    /// The description's path inside the package.
    pub file: String,
    /// The description's digest, in hex.
    pub sha256: String,
    /// The entries that `vendor --allow-missing` did not find. A release has none.
    #[serde(default)]
    pub missing: Vec<String>,
}

/// The REST API that the client asks for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// The value of `X-GitHub-Api-Version`.
    pub version: String,
}

/// Facts that no description has.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Practice {
    /// By operation: the versions of the API under which it takes repository ids as text alone, not as numbers.
    #[serde(default)]
    pub ids_as_text: BTreeMap<String, Versions>,
    /// The lists that are paged by number although the description does not say so.
    #[serde(default)]
    pub paged: BTreeMap<String, Seen>,
}

/// Versions of the API in which something was seen.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// In these, and nothing is known of others.
    pub seen_in: BTreeSet<String>,
}

/// Versions of the API that a fact holds for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// It holds for earlier versions than this one, and no longer for this one.
    pub before: String,
}

impl Source {
    /// Reads `source.toml`.
    pub fn parse(text: &str) -> Result<Self> {
        let source: Self = toml_edit::de::from_str(text).context("openapi/source.toml")?;
        let mut seen = BTreeSet::new();
        for entry in source.entries() {
            if !seen.insert(entry) {
                bail!("openapi/source.toml keeps `{entry}` twice");
            }
        }
        Ok(source)
    }

    /// Every entry of the list of operations, group by group.
    pub fn entries(&self) -> impl Iterator<Item = &str> {
        self.operations.values().flatten().map(String::as_str)
    }

    /// Whether a reply is of no use without this property of this component.
    pub fn needs(&self, component: Option<&str>, property: &str) -> bool {
        let needed = component.and_then(|component| self.needed.get(component));
        needed.is_some_and(|properties| properties.contains(property))
    }

    /// Fails if a fact of `[needed]` or `[practice]` is about something that a fragment does not have.
    pub fn check_facts(&self, fragment: &Value) -> Result<()> {
        let mut idle = Vec::new();
        let schemas = &fragment["components"]["schemas"];
        for (component, properties) in &self.needed {
            let schema = &schemas[component];
            let mut lost = properties
                .iter()
                .filter(|property| !has(fragment, schema, property));
            if let Some(property) = lost.next() {
                idle.push(format!("[needed] names `{property}` of `{component}`"));
            }
        }
        let kept: BTreeSet<_> = operations(fragment).iter().map(|each| each.id).collect();
        let of_practice = [
            (
                "[practice.ids_as_text]",
                self.practice.ids_as_text.keys().collect::<Vec<_>>(),
            ),
            ("[practice.paged]", self.practice.paged.keys().collect()),
        ];
        for (place, ids) in of_practice {
            let lost = ids.into_iter().filter(|id| !kept.contains(id.as_str()));
            idle.extend(lost.map(|id| format!("{place} names `{id}`")));
        }
        match idle.as_slice() {
            [] => Ok(()),
            idle => bail!(
                "openapi/source.toml: {}, which the description does not have: say what it is called now, or remove it",
                idle.join("; ")
            ),
        }
    }

    /// The collections of `all` that are not left out on purpose.
    pub fn newly_left_out(&self, all: Vec<LeftOut>) -> Vec<LeftOut> {
        let known: BTreeSet<_> = self.left_out.values().flatten().collect();
        all.into_iter()
            .filter(|left| !known.contains(&left.collection))
            .collect()
    }
}

/// Whether a schema, or a part of it, has a property.
fn has(document: &Value, schema: &Value, property: &str) -> bool {
    let schema = resolve(document, schema);
    let parts = ["allOf", "anyOf", "oneOf"].map(|key| schema[key].as_array());
    let mut parts = parts.into_iter().flatten().flatten();
    schema["properties"].get(property).is_some() || parts.any(|part| has(document, part, property))
}

/// The text of `source.toml` with another pin, everything else as it was.
pub fn with_package(text: &str, package: &Package) -> Result<String> {
    let mut document: toml_edit::DocumentMut = text.parse().context("openapi/source.toml")?;
    let table = document["package"]
        .as_table_mut()
        .context("openapi/source.toml has no [package]")?;
    for (key, value) in [
        ("version", &package.version),
        ("integrity", &package.integrity),
        ("file", &package.file),
        ("sha256", &package.sha256),
    ] {
        table[key] = toml_edit::value(value);
    }
    if package.missing.is_empty() {
        table.remove("missing");
    } else {
        let mut missing: toml_edit::Array = package.missing.iter().collect();
        for item in missing.iter_mut() {
            item.decor_mut().set_prefix("\n    ");
        }
        missing.set_trailing("\n");
        missing.set_trailing_comma(true);
        table["missing"] = toml_edit::value(missing);
    }
    Ok(document.to_string())
}
