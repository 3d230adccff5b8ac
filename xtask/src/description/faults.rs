//! Operations that can't be understood: each is named with its place and passed over, so that a fault in one of a
//! thousand operations that are not kept stops nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Map, Value};

use super::walk::{component_of, resolve};
use super::{Description, METHODS, Operation, operations};
use crate::rust_names::names_a_method;

/// The keys of a path item, beside operations, that are understood or harmless.
const OTHER_KEYS: [&str; 4] = ["parameters", "summary", "description", "servers"];

/// What can't be understood, and where.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// The operations that it concerns, by id, as far as they have one.
    pub ids: Vec<String>,
    /// The place and what is wrong there, in one line.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Takes the operations out of `paths` that can't be understood.
pub(super) fn take_out(paths: &mut Map<String, Value>) -> Vec<Fault> {
    let mut faults = Vec::new();
    paths.retain(|path, item| match item_fault(path, item) {
        Some(what) => {
            let ids = METHODS.iter().filter_map(|method| id_of(&item[*method]));
            let ids = ids.map(str::to_owned).collect();
            faults.push(Fault { ids, what });
            false
        }
        None => true,
    });
    let mut places: BTreeMap<String, Vec<(String, &str)>> = BTreeMap::new();
    for (path, item) in paths.iter_mut() {
        for method in METHODS {
            let Some(operation) = item.get(method) else {
                continue;
            };
            let place = format!("{} {path}", method.to_uppercase());
            match operation_fault(&place, operation) {
                Some(what) => {
                    let ids = id_of(operation).map(str::to_owned).into_iter().collect();
                    faults.push(Fault { ids, what });
                    remove(item, method);
                }
                None => {
                    let id = id_of(operation).unwrap_or_default().to_owned();
                    places.entry(id).or_default().push((path.clone(), method));
                }
            }
        }
    }
    for (id, places) in places.iter().filter(|(_, places)| places.len() > 1) {
        let told: Vec<_> = places
            .iter()
            .map(|(path, method)| format!("{} {path}", method.to_uppercase()))
            .collect();
        faults.push(Fault {
            ids: vec![id.clone()],
            what: format!("operation id `{id}` is used twice: {}", told.join(" and ")),
        });
        for (path, method) in places {
            if let Some(item) = paths.get_mut(path) {
                remove(item, method);
            }
        }
    }
    faults
}

fn remove(item: &mut Value, method: &str) {
    if let Some(item) = item.as_object_mut() {
        item.remove(method);
    }
}

fn id_of(operation: &Value) -> Option<&str> {
    operation.get("operationId").and_then(Value::as_str)
}

fn item_fault(path: &str, item: &Value) -> Option<String> {
    let Some(item) = item.as_object() else {
        return Some(format!("paths.{path} is not an object"));
    };
    let known = |key: &str| METHODS.contains(&key) || OTHER_KEYS.contains(&key);
    let unknown = |key: &&String| !known(key) && !key.starts_with("x-");
    let key = item.keys().find(unknown)?;
    Some(format!(
        "paths.{path} has `{key}`, which is not understood there"
    ))
}

fn operation_fault(place: &str, operation: &Value) -> Option<String> {
    let Some(id) = id_of(operation) else {
        return Some(format!("{place} has no operationId"));
    };
    if !names_a_method(id) {
        return Some(format!(
            "{place}: no Rust method can be called after operation id `{id}`"
        ));
    }
    let responses = operation.get("responses");
    (!responses.is_some_and(Value::is_object)).then(|| format!("{place} (`{id}`) has no responses"))
}

/// All faults of a description that concern operations that are not `kept`: those not understood, and what is wrong
/// inside the others.
pub fn unkept(description: &Description, kept: &BTreeSet<&str>) -> Vec<Fault> {
    let mut faults = description.faults().to_vec();
    faults.extend(beside(description.value(), kept));
    faults
}

/// What is wrong inside the operations of a description that are not `kept`.
pub fn beside(document: &Value, kept: &BTreeSet<&str>) -> Vec<Fault> {
    let mut references = References::new(document);
    let others = operations(document).into_iter();
    others
        .filter(|operation| !kept.contains(operation.id))
        .filter_map(|operation| {
            let what = parameter_fault(document, &operation)
                .or_else(|| references.fault(operation.node, &place_of(&operation)))?;
            Some(Fault {
                ids: vec![operation.id.to_owned()],
                what: named(&operation, &what),
            })
        })
        .collect()
}

/// A fault with the operation that it is in.
pub(crate) fn named(operation: &Operation<'_>, what: &str) -> String {
    let (method, path) = (operation.method.to_uppercase(), operation.path);
    let told = format!("`{}` ({method} {path}): {what}", operation.id);
    // What is quoted of the description may be of several lines.
    told.replace(char::is_control, " ")
}

pub(super) fn place_of(operation: &Operation<'_>) -> String {
    format!("paths.{}.{}", operation.path, operation.method)
}

/// What is wrong with an operation's parameters: one without a name or a place, one twice, or a piece of the path that
/// none declares.
pub(super) fn parameter_fault(document: &Value, operation: &Operation<'_>) -> Option<String> {
    let mut declared = BTreeSet::new();
    for holder in [operation.item, operation.node] {
        let Some(list) = holder.get("parameters") else {
            continue;
        };
        let Some(list) = list.as_array() else {
            return Some("its `parameters` are not a list".to_owned());
        };
        let mut here = BTreeSet::new();
        for parameter in list {
            let parameter = resolve(document, parameter);
            if parameter.get("$ref").is_some() {
                // A reference into nothing, which is told as that.
                continue;
            }
            let Some(name) = parameter["name"].as_str().filter(|name| !name.is_empty()) else {
                return Some("a parameter has no name".to_owned());
            };
            let Some(place) = parameter["in"].as_str() else {
                return Some(format!(
                    "its parameter `{name}` does not say where it stands"
                ));
            };
            if !here.insert((place, name)) {
                return Some(format!("its parameter `{name}` is declared twice"));
            }
            if place == "path" {
                declared.insert(name);
            }
        }
    }
    // A piece of a path may hold several: `/compare/{base}...{head}`.
    let holes: BTreeSet<_> = operation
        .path
        .split('{')
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('}')?.0))
        .collect();
    if let Some(lost) = holes.difference(&declared).next() {
        return Some(format!("no parameter declares `{{{lost}}}` of its path"));
    }
    let idle = declared
        .iter()
        .find(|name| !operation.path.contains(&format!("{{{name}}}")))?;
    Some(format!("its path has no place for its parameter `{idle}`"))
}

/// The references below a node that lead nowhere.
struct References<'a> {
    document: &'a Value,
    /// By component: the fault below it, if there is one.
    known: BTreeMap<(&'a str, &'a str), Option<String>>,
}

impl<'a> References<'a> {
    fn new(document: &'a Value) -> Self {
        Self {
            document,
            known: BTreeMap::new(),
        }
    }

    fn fault(&mut self, node: &'a Value, place: &str) -> Option<String> {
        match node {
            Value::Object(object) => {
                if let Some(Value::String(reference)) = object.get("$ref") {
                    return self.follow(reference, place);
                }
                object
                    .iter()
                    .find_map(|(key, value)| self.fault(value, &format!("{place}.{key}")))
            }
            Value::Array(items) => items
                .iter()
                .enumerate()
                .find_map(|(index, value)| self.fault(value, &format!("{place}.{index}"))),
            _ => None,
        }
    }

    fn follow(&mut self, reference: &'a str, place: &str) -> Option<String> {
        let (component, node) = match target(self.document, reference) {
            Ok(found) => found,
            Err(why) => return Some(format!("{place} refers to `{reference}`, {why}")),
        };
        if let Some(known) = self.known.get(&component) {
            return known.clone();
        }
        // Circles end here.
        self.known.insert(component, None);
        let (kind, name) = component;
        let found = self.fault(node, &format!("components.{kind}.{name}"));
        self.known.insert(component, found.clone());
        found
    }
}

/// The component that a reference leads to, or why it leads to none.
pub(super) fn target<'a>(
    document: &'a Value,
    reference: &'a str,
) -> Result<((&'a str, &'a str), &'a Value), &'static str> {
    let (kind, name) = component_of(reference).ok_or("which is not a component")?;
    if name.contains('/') {
        return Err("which is a part of a component");
    }
    if name.contains(['~', '%']) {
        return Err("and no component may have a name that must be escaped");
    }
    let node = document
        .get("components")
        .and_then(|all| all.get(kind)?.get(name))
        .ok_or("which does not exist")?;
    Ok(((kind, name), node))
}
