//! A description of an API: read from a file and checked, then asked for its operations.

pub mod cut;
pub mod facts;
pub mod family;
pub mod faults;
pub mod left_out;
pub mod sealed;
pub mod select;
pub mod source;
pub mod unread;
pub(crate) mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};

pub use faults::Fault;

/// GitHub's descriptions have 13 MB. A file five times as large is another kind of file.
const LARGEST_BYTES: u64 = 64 << 20;

/// The keys of a path item that are operations.
pub const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// A JSON document in OpenAPI 3.0 whose operations have an id of their own each. Operations that can't be understood are
/// not among them, but among its faults.
#[derive(Debug, Clone)]
pub struct Description {
    document: Value,
    origin: String,
    faults: Vec<Fault>,
}

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
        Self::understand(value, origin).with_context(|| origin.to_owned())
    }

    /// Checks a document of which every operation must be understood.
    pub fn from_value(value: Value) -> Result<Self> {
        Self::understand(value, "the description")?.whole()
    }

    /// The same description, unless an operation of it is not understood.
    pub fn whole(self) -> Result<Self> {
        match self.faults.as_slice() {
            [] => Ok(self),
            [fault] => bail!("{fault}"),
            [fault, rest @ ..] => bail!("{fault} (and {} faults more)", rest.len()),
        }
    }

    fn understand(value: Value, origin: &str) -> Result<Self> {
        ensure_version(&value)?;
        let mut document = value;
        let paths = document
            .get_mut("paths")
            .context("`paths` is missing")?
            .as_object_mut()
            .context("`paths` is not an object")?;
        let faults = faults::take_out(paths);
        Ok(Self {
            document,
            origin: origin.to_owned(),
            faults,
        })
    }

    /// The document, without the operations that are not understood.
    pub fn value(&self) -> &Value {
        &self.document
    }

    /// Where it comes from.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The operations that are not understood.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The version that the document has by its own words.
    pub fn version(&self) -> &str {
        self.document
            .pointer("/info/version")
            .and_then(Value::as_str)
            .unwrap_or("unversioned")
    }

    /// Which of GitHub's servers it describes: `api.github.com`, `ghec`, `ghes 3.19`.
    pub fn plan(&self) -> String {
        let info = &self.document["info"];
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

    /// The same description with the old ids, which are the keys of `renamed`, where it has the new ones.
    pub fn under_ids_of(&self, renamed: &BTreeMap<&str, &str>) -> Self {
        let mut same = self.clone();
        let old: BTreeMap<_, _> = renamed.iter().map(|(old, new)| (*new, *old)).collect();
        walk::each_operation(&mut same.document, |id, operation| {
            if let Some(old) = old.get(id) {
                operation.insert("operationId".to_owned(), Value::from(*old));
            }
        });
        same
    }

    /// Every operation, by path and then by method.
    pub fn operations(&self) -> Vec<Operation<'_>> {
        operations(&self.document)
    }
}

/// Refuses what is not OpenAPI 3.0, the version that every room behind this one reads.
fn ensure_version(value: &Value) -> Result<()> {
    let text = |key: &str| {
        let version = value.get(key)?;
        Some(version.as_str().map_or(version.to_string(), str::to_owned))
    };
    match (text("openapi"), text("swagger")) {
        (Some(version), _) if version.starts_with("3.0.") => Ok(()),
        (Some(version), _) => bail!(
            "OpenAPI {version} is not understood: 3.0 is read today (ARCHITECTURE.md says what 3.1 would take)"
        ),
        (None, Some(version)) => {
            bail!("Swagger {version} is not understood, only OpenAPI 3.0")
        }
        (None, None) => bail!("not an OpenAPI description: it has no `openapi`"),
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
