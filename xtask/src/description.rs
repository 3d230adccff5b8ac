//! A description of an API: read from a file and checked, then asked for its operations.

pub mod cut;
pub mod facts;
pub mod family;
pub mod left_out;
pub mod select;
pub mod source;
pub(crate) mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};

use crate::rust_names::snake;

/// GitHub's descriptions have 13 MB. A file five times as large is another kind of file.
const LARGEST_BYTES: u64 = 64 << 20;

/// The keys of a path item that are operations.
pub const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// The other keys of a path item that are understood, or harmless.
const OTHER_KEYS: [&str; 4] = ["parameters", "summary", "description", "servers"];

/// A JSON document in OpenAPI 3.0 whose operations have an id of their own each.
#[derive(Debug, Clone)]
pub struct Description(Value);

/// An operation and where it stands in a description.
#[derive(Debug, Clone, Copy)]
pub struct Operation<'a> {
    /// Its `operationId`.
    pub id: &'a str,
    /// Its path, with parameters in braces.
    pub path: &'a str,
    /// Its method, in lower case.
    pub method: &'a str,
    /// The operation object.
    pub node: &'a Value,
    /// The path item that holds it.
    pub item: &'a Value,
}

impl Description {
    /// Reads a description from a file.
    pub fn read(path: &Path) -> Result<(Self, Vec<u8>)> {
        let origin = path.display().to_string();
        let size = std::fs::metadata(path)
            .with_context(|| format!("cannot read {origin}"))?
            .len();
        within_limit(size, &origin)?;
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {origin}"))?;
        Ok((Self::parse(&bytes, &origin)?, bytes))
    }

    /// Reads a description; `origin` names it in errors.
    pub fn parse(bytes: &[u8], origin: &str) -> Result<Self> {
        within_limit(bytes.len() as u64, origin)?;
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        match first {
            None => bail!("{origin}: the file is empty"),
            Some(b'{') => {}
            Some(_) if looks_like_yaml(bytes) => {
                bail!("{origin}: this is YAML; the description is needed as JSON")
            }
            Some(_) => bail!("{origin}: not a JSON object"),
        }
        let value: Value = serde_json::from_slice(bytes).map_err(|error| {
            if error.is_eof() {
                anyhow::anyhow!(
                    "{origin}: truncated: the JSON ends in the middle, at line {} column {}",
                    error.line(),
                    error.column()
                )
            } else {
                anyhow::anyhow!("{origin}: not JSON: {error}")
            }
        })?;
        Self::from_value(value).with_context(|| origin.to_owned())
    }

    /// Checks a document that is in memory already.
    pub fn from_value(value: Value) -> Result<Self> {
        match (
            value.get("openapi").and_then(Value::as_str),
            value.get("swagger"),
        ) {
            (Some(version), _) if version.starts_with("3.0.") => {}
            (Some(version), _) => bail!("OpenAPI {version} is not understood, only 3.0"),
            (None, Some(version)) => bail!(
                "Swagger {} is not understood, only OpenAPI 3.0",
                version.as_str().unwrap_or("?")
            ),
            (None, None) => bail!("not an OpenAPI description: it has no `openapi`"),
        }
        let paths = value
            .get("paths")
            .context("`paths` is missing")?
            .as_object()
            .context("`paths` is not an object")?;
        let mut seen = BTreeMap::new();
        for (path, item) in paths {
            let item = item
                .as_object()
                .with_context(|| format!("paths.{path} is not an object"))?;
            let known = |key: &str| METHODS.contains(&key) || OTHER_KEYS.contains(&key);
            if let Some(key) = item
                .keys()
                .find(|key| !known(key) && !key.starts_with("x-"))
            {
                bail!("paths.{path} has `{key}`, which is not understood there");
            }
            for method in METHODS {
                let Some(operation) = item.get(method) else {
                    continue;
                };
                let here = format!("{} {path}", method.to_uppercase());
                let id = operation
                    .get("operationId")
                    .and_then(Value::as_str)
                    .with_context(|| format!("{here} has no operationId"))?;
                if syn::parse_str::<syn::Ident>(&snake(id)).is_err() {
                    bail!("{here}: no Rust method can be called after operation id `{id}`");
                }
                if !operation.get("responses").is_some_and(Value::is_object) {
                    bail!("{here} (`{id}`) has no responses");
                }
                if let Some(other) = seen.insert(id, here.clone()) {
                    bail!("operation id `{id}` is used twice: {other} and {here}");
                }
            }
        }
        Ok(Self(value))
    }

    /// The document.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The version that the document has by its own words.
    pub fn version(&self) -> &str {
        self.0
            .pointer("/info/version")
            .and_then(Value::as_str)
            .unwrap_or("unversioned")
    }

    /// Which of GitHub's servers it describes: `api.github.com`, `ghec`, `ghes 3.19`.
    pub fn plan(&self) -> String {
        let info = &self.0["info"];
        let plan = info["x-github-plan"].as_str().unwrap_or("the description");
        match info.get("x-github-release") {
            Some(release) => format!("{plan} {release}"),
            None => plan.to_owned(),
        }
    }

    /// The ids that `later` lacks although it has their operations, with the ids that these have there.
    pub fn renamed<'a>(&'a self, later: &'a Self) -> BTreeMap<&'a str, &'a str> {
        let (before, after) = (self.operations(), later.operations());
        let ids: BTreeSet<_> = after.iter().map(|operation| operation.id).collect();
        let places: BTreeMap<_, _> = after
            .iter()
            .map(|operation| ((operation.method, operation.path), operation.id))
            .collect();
        before
            .iter()
            .filter(|operation| !ids.contains(operation.id))
            .filter_map(|operation| {
                let new = places.get(&(operation.method, operation.path))?;
                Some((operation.id, *new))
            })
            .collect()
    }

    /// Every operation, by path and then by method.
    pub fn operations(&self) -> Vec<Operation<'_>> {
        operations(&self.0)
    }
}

/// Every operation of a document that was checked before, by path and then by method.
pub fn operations(document: &Value) -> Vec<Operation<'_>> {
    let mut found = Vec::new();
    for (path, item) in document
        .get("paths")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::iter)
    {
        for method in METHODS {
            let Some(node) = item.get(method) else {
                continue;
            };
            let Some(id) = node.get("operationId").and_then(Value::as_str) else {
                continue;
            };
            found.push(Operation {
                id,
                path,
                method,
                node,
                item,
            });
        }
    }
    found.sort_by_key(|operation| (operation.path, operation.method));
    found
}

fn within_limit(size: u64, origin: &str) -> Result<()> {
    if size > LARGEST_BYTES {
        bail!(
            "{origin}: {} MB is no description of GitHub's, which are 13 MB (the \
             `*.deref.json` files are larger and not needed)",
            size >> 20
        );
    }
    Ok(())
}

fn looks_like_yaml(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]);
    head.lines()
        .map(str::trim_start)
        .filter(|line| !line.is_empty() && !line.starts_with('#') && *line != "---")
        .take(1)
        .any(|line| {
            line.starts_with("openapi:")
                || line.starts_with("swagger:")
                || line.starts_with("info:")
                || line.contains(": ")
        })
}
