//! Facts that the machine does not read. Code generated without them would be silently wrong, so operations that are
//! kept must have none.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use serde_json::{Map, Value};

use super::facts::{FACETS, PROSE};
use super::faults::named;
use super::walk::{component_of, parameters, replies, resolve};
use super::{METHODS, Operation, operations};

/// What is read of a description as a whole, and what concerns no call.
const READ_OF_DOCUMENTS: &[&str] = &[
    "components",
    "info",
    "openapi",
    "paths",
    "servers",
    "tags",
    "webhooks",
];
/// Where GitHub's servers are: the usual one, and those of an enterprise, each with a host of its own.
const SERVERS: [&str; 2] = ["https://api.github.com", "{protocol}://{hostname}/api/v3"];
/// What is read of an operation.
const READ_OF_OPERATIONS: &[&str] = &[
    "deprecated",
    "operationId",
    "parameters",
    "requestBody",
    "responses",
    "tags",
];
/// What is read of a parameter.
const READ_OF_PARAMETERS: &[&str] = &["deprecated", "in", "name", "required", "schema"];
/// What is read of a body.
const READ_OF_BODIES: &[&str] = &["content", "required"];
/// What is read of a reply, and what comes with it unread: callers have its headers.
const READ_OF_REPLIES: &[&str] = &["content", "headers", "links"];
/// What is read of a body or reply in one media type.
const READ_OF_MEDIA: &[&str] = &["schema"];
/// What is read of a schema, and, at the end, what the server alone checks. So are facets.
const READ_OF_SCHEMAS: &[&str] = &[
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "default",
    "deprecated",
    "enum",
    "format",
    "items",
    "nullable",
    "oneOf",
    "properties",
    "required",
    "type",
    "maxProperties",
    "minProperties",
    "readOnly",
    "writeOnly",
];

/// A fact that is not read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unread {
    /// Its key, and where in the operation it stands.
    pub what: String,
    /// What it says.
    pub value: String,
}

/// Fails if one of a fragment's operations has facts that are not read, and names all of them.
pub fn refuse(fragment: &Value) -> Result<()> {
    let mut told = Vec::new();
    for operation in operations(fragment) {
        let found = unread(fragment, &operation).into_iter();
        let found: Vec<_> = found.map(|each| each.what).collect();
        if !found.is_empty() {
            let what = format!("{}: not read, and not to be passed over", found.join(", "));
            told.push(named(&operation, &what));
        }
    }
    match told.as_slice() {
        [] => Ok(()),
        told => bail!("{}", told.join("\n")),
    }
}

/// Kept path parameters that GitHub marks as holding several segments: their slashes would be sent escaped.
pub fn of_paths(document: &Value, kept: &[Operation<'_>]) -> Vec<String> {
    let of_one = |operation: &Operation<'_>| {
        let several = |parameter: &&Value| parameter["x-multi-segment"] == true;
        let names = parameters(document, operation).filter(several);
        let names = names
            .map(|parameter| format!("`x-multi-segment` of its parameter {}", parameter["name"]));
        let what = |what: String| {
            named(
                operation,
                &format!("{what}: not read, and not to be passed over"),
            )
        };
        names.map(what).collect::<Vec<_>>()
    };
    kept.iter().flat_map(of_one).collect()
}

/// What a description says of all its operations that is not read, or that is not as all calls have it.
pub fn of_document(document: &Value) -> Vec<String> {
    let all = document.as_object().into_iter().flatten();
    let unread = all.filter(|(key, _)| {
        let key = key.as_str();
        !READ_OF_DOCUMENTS.contains(&key) && !PROSE.contains(&key) && !key.starts_with("x-")
    });
    let unread =
        unread.map(|(key, value)| format!("`{key}` of the description: {value}, not read"));
    let servers = document["servers"].as_array().into_iter().flatten();
    let urls = servers.map(|server| server["url"].as_str().unwrap_or_default());
    let others = urls.filter(|url| !SERVERS.contains(&url.trim_end_matches('/')));
    let others =
        others.map(|url| format!("`servers` of the description: {url}, which is not asked"));
    unread.chain(others).collect()
}

/// The facts of an operation that are not read.
pub fn unread(document: &Value, operation: &Operation<'_>) -> Vec<Unread> {
    let mut reader = Reader {
        document,
        seen: BTreeSet::new(),
        found: BTreeSet::new(),
    };
    let of_item: Vec<_> = METHODS.into_iter().chain(["parameters"]).collect();
    reader.keys(operation.item, &of_item, " of its path");
    reader.keys(operation.node, READ_OF_OPERATIONS, "");
    parameters(document, operation).for_each(|parameter| reader.parameter(parameter));
    let body = resolve(document, &operation.node["requestBody"]);
    reader.keys(body, READ_OF_BODIES, " of its body");
    reader.contents(body, " of its body");
    for (status, reply) in replies(operation.node) {
        let reply = resolve(document, reply);
        let place = format!(" of its reply {status}");
        reader.keys(reply, READ_OF_REPLIES, &place);
        reader.contents(reply, &place);
    }
    reader.found.into_iter().collect()
}

struct Reader<'a> {
    document: &'a Value,
    /// The components that were read.
    seen: BTreeSet<&'a str>,
    found: BTreeSet<Unread>,
}

impl<'a> Reader<'a> {
    fn keys(&mut self, node: &Value, read: &[&str], place: &str) {
        let unread = node.as_object().into_iter().flatten().filter(|(key, _)| {
            let key = key.as_str();
            !read.contains(&key) && !PROSE.contains(&key) && !key.starts_with("x-")
        });
        self.found.extend(unread.map(|(key, value)| Unread {
            what: format!("`{key}`{place}"),
            value: value.to_string(),
        }));
    }

    fn parameter(&mut self, parameter: &'a Value) {
        let place = format!(
            " of its parameter `{}`",
            parameter["name"].as_str().unwrap_or_default()
        );
        // `style` and `explode` are dropped where they say what is the default anyway.
        let form = matches!(parameter["in"].as_str(), Some("query" | "cookie"));
        let usual: [(&str, Value); 2] = [
            ("style", if form { "form" } else { "simple" }.into()),
            ("explode", form.into()),
        ];
        let mut said = parameter.as_object().cloned().unwrap_or_default();
        for (key, value) in usual {
            if said.get(key) == Some(&value) {
                said.remove(key);
            }
        }
        self.keys(&Value::Object(said), READ_OF_PARAMETERS, &place);
        self.schema(&parameter["schema"], &place);
    }

    fn contents(&mut self, holder: &'a Value, place: &str) {
        for media in holder["content"]
            .as_object()
            .into_iter()
            .flat_map(Map::values)
        {
            self.keys(media, READ_OF_MEDIA, place);
            self.schema(&media["schema"], place);
        }
    }

    fn schema(&mut self, schema: &'a Value, place: &str) {
        if !schema.is_object() {
            return;
        }
        if let Some((_, name)) = schema["$ref"].as_str().and_then(component_of) {
            if self.seen.insert(name) {
                let target = &self.document["components"]["schemas"][name];
                self.schema(target, &format!(" of `{name}`"));
            }
            return;
        }
        let read: Vec<_> = READ_OF_SCHEMAS.iter().chain(&FACETS).copied().collect();
        self.keys(schema, &read, place);
        let properties = schema["properties"].as_object().into_iter().flatten();
        for (name, property) in properties {
            self.schema(property, &format!(" of `{name}`,{place}"));
        }
        for key in ["items", "additionalProperties"] {
            self.schema(&schema[key], place);
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            for part in schema[key].as_array().into_iter().flatten() {
                self.schema(part, place);
            }
        }
    }
}
