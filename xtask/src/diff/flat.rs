//! An operation as a flat list of facts, so that two of them can be laid side by side.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use crate::description::Operation;
use crate::description::facts::{FACETS, NULL, creates_content};
use crate::description::unread::unread;
use crate::description::walk::{component_of, parameters, replies, resolve};

/// What part of an operation a fact is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Area {
    /// Method and path.
    Call,
    /// A parameter, by where it stands and its name.
    Parameter(String, String),
    /// What is sent.
    Body,
    /// What comes back, by status.
    Reply(String),
}

/// Where a fact stands: the part of the operation, and the properties that lead there.
pub(super) type Position = (Area, Vec<String>);

/// What is said at one position.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Fact {
    /// The type, in words.
    pub(super) kind: String,
    /// The component that it refers to, after which its Rust type is named.
    pub(super) component: Option<String>,
    pub(super) required: bool,
    pub(super) nullable: bool,
    /// The values of an enum.
    pub(super) values: BTreeSet<String>,
    /// Formats, patterns, limits, defaults.
    pub(super) facets: BTreeMap<String, String>,
}

/// The facet of what GitHub advises against.
pub(super) const DEPRECATED: &str = "deprecated";

/// All facts of an operation.
pub(super) type Flat = BTreeMap<Position, Fact>;

/// Lays an operation flat.
pub(super) fn flat(document: &Value, operation: &Operation<'_>) -> Flat {
    let mut found = Flat::new();
    let unread = unread(document, operation).into_iter();
    let unread = unread.map(|each| (each.what, each.value));
    let flags = [
        (DEPRECATED, operation.node[DEPRECATED] == true),
        ("creates content", creates_content(operation.node)),
    ]
    .into_iter()
    .filter(|(_, holds)| *holds)
    .map(|(flag, _)| (flag.to_owned(), "true".to_owned()));
    let call = format!("{} {}", operation.method.to_uppercase(), operation.path);
    found.insert(
        (Area::Call, vec![]),
        Fact {
            kind: call,
            facets: flags.chain(unread).collect(),
            ..Fact::default()
        },
    );

    for parameter in parameters(document, operation) {
        let text = |key: &str| parameter[key].as_str().unwrap_or_default().to_owned();
        let area = Area::Parameter(text("in"), text("name"));
        let mut walk = Walk {
            document,
            area,
            found: &mut found,
            trail: vec![],
        };
        walk.schema(
            &parameter["schema"],
            &mut vec![],
            parameter["required"] == true,
        );
        let area = Area::Parameter(text("in"), text("name"));
        if let Some(fact) = found.get_mut(&(area, vec![]))
            && parameter["deprecated"] == true
        {
            fact.facets.insert(DEPRECATED.to_owned(), "true".to_owned());
        }
    }
    let body = resolve(document, &operation.node["requestBody"]);
    contents(
        document,
        body,
        Area::Body,
        body["required"] == true,
        &mut found,
    );
    for (status, reply) in replies(operation.node) {
        let reply = resolve(document, reply);
        let area = Area::Reply(status.clone());
        found.insert(
            (area.clone(), vec![]),
            Fact {
                kind: "no body".to_owned(),
                ..Fact::default()
            },
        );
        contents(document, reply, area, true, &mut found);
    }
    found
}

fn contents(document: &Value, holder: &Value, area: Area, required: bool, found: &mut Flat) {
    let Some(content) = holder["content"].as_object() else {
        return;
    };
    let Some((kind, media)) = content
        .get_key_value("application/json")
        .or_else(|| content.iter().next())
    else {
        return;
    };
    let mut walk = Walk {
        document,
        area: area.clone(),
        found,
        trail: vec![],
    };
    walk.schema(&media["schema"], &mut vec![], required);
    if kind != "application/json"
        && let Some(fact) = found.get_mut(&(area, vec![]))
    {
        fact.kind = format!("{} as {kind}", fact.kind);
    }
}

struct Walk<'a> {
    document: &'a Value,
    area: Area,
    found: &'a mut Flat,
    /// The components on the way here: a recursive type ends where it meets itself.
    trail: Vec<String>,
}

impl Walk<'_> {
    fn schema(&mut self, schema: &Value, path: &mut Vec<String>, required: bool) {
        let depth = self.trail.len();
        let component = schema["$ref"].as_str().and_then(component_of);
        let component = component.map(|(_, name)| name.to_owned());
        let mut schema = schema;
        while let Some(reference) = schema["$ref"].as_str() {
            if self.trail.iter().any(|seen| seen == reference) {
                self.note(
                    path,
                    Fact {
                        kind: "itself again".to_owned(),
                        component,
                        required,
                        ..Fact::default()
                    },
                );
                self.trail.truncate(depth);
                return;
            }
            self.trail.push(reference.to_owned());
            let Some((kind, name)) = component_of(reference) else {
                break;
            };
            schema = &self.document["components"][kind][name];
        }
        let all = schema["allOf"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let options = ["anyOf", "oneOf"]
            .iter()
            .find_map(|key| schema[*key].as_array())
            .map(Vec::as_slice)
            .unwrap_or_default();
        let mut fact = Fact {
            kind: self.kind(schema),
            component,
            required,
            nullable: schema["nullable"] == true,
            ..Fact::default()
        };
        for value in schema["enum"].as_array().into_iter().flatten() {
            if value.is_null() {
                fact.nullable = true;
                continue;
            }
            fact.values.insert(
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned),
            );
        }
        let others = [
            "format",
            "default",
            "additionalProperties",
            DEPRECATED,
            NULL,
        ];
        if schema["enum"].as_array().is_some_and(Vec::is_empty) {
            fact.facets.insert("enum".to_owned(), "no value".to_owned());
        }
        for key in FACETS.into_iter().chain(others) {
            if let Some(value) = schema.get(key).filter(|value| !value.is_object()) {
                fact.facets.insert(
                    key.to_owned(),
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned),
                );
            }
        }
        if let [one] = all {
            // A reference that is nullable where it stands.
            self.schema(one, path, required);
            if let Some(inner) = self.found.get_mut(&(self.area.clone(), path.clone())) {
                inner.nullable |= fact.nullable;
                let mark = fact.facets.remove_entry(NULL);
                inner.facets.extend(mark);
                inner.component = fact.component.or(inner.component.take());
            }
        } else {
            self.note(path, fact);
        }
        let mut needed = BTreeSet::new();
        required_in(self.document, schema, &mut needed);
        self.properties(schema, path, &needed);
        if let Some(items) = schema.get("items") {
            self.at(path, "[]".to_owned(), |walk, path| {
                walk.schema(items, path, true)
            });
        }
        if let Some(values) = schema
            .get("additionalProperties")
            .filter(|values| values.is_object())
        {
            self.at(path, "{}".to_owned(), |walk, path| {
                walk.schema(values, path, false)
            });
        }
        for (index, option) in options.iter().enumerate() {
            self.at(path, format!("({index})"), |walk, path| {
                walk.schema(option, path, true)
            });
        }
        self.trail.truncate(depth);
    }

    /// The properties of a schema and of its parts, at any depth.
    fn properties(&mut self, schema: &Value, path: &mut Vec<String>, needed: &BTreeSet<&str>) {
        let depth = self.trail.len();
        if let Some(reference) = schema["$ref"].as_str() {
            if self.trail.iter().any(|seen| seen == reference) {
                return;
            }
            self.trail.push(reference.to_owned());
        }
        let schema = resolve(self.document, schema);
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let required = needed.contains(name.as_str());
            self.at(path, name.clone(), |walk, path| {
                walk.schema(property, path, required)
            });
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.properties(part, path, needed);
        }
        self.trail.truncate(depth);
    }

    fn at(
        &mut self,
        path: &mut Vec<String>,
        step: String,
        visit: impl FnOnce(&mut Self, &mut Vec<String>),
    ) {
        path.push(step);
        visit(self, path);
        path.pop();
    }

    fn note(&mut self, path: &[String], fact: Fact) {
        self.found.insert((self.area.clone(), path.to_vec()), fact);
    }

    fn kind(&self, schema: &Value) -> String {
        if let Some(kind) = schema["type"].as_str() {
            return kind.to_owned();
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(options) = schema[key].as_array() {
                let kinds: BTreeSet<_> = options
                    .iter()
                    .map(|option| self.kind(resolve(self.document, option)))
                    .collect();
                return kinds.into_iter().collect::<Vec<_>>().join(" or ");
            }
        }
        if schema.get("properties").is_some() || schema.get("allOf").is_some() {
            "object".to_owned()
        } else {
            "anything".to_owned()
        }
    }
}

/// The names that a schema or a part of it requires.
fn required_in<'a>(document: &'a Value, schema: &'a Value, found: &mut BTreeSet<&'a str>) {
    let schema = resolve(document, schema);
    let names = schema["required"].as_array().into_iter().flatten();
    found.extend(names.filter_map(Value::as_str));
    for part in schema["allOf"].as_array().into_iter().flatten() {
        required_in(document, part, found);
    }
}
