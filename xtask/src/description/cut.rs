//! Cutting the fragment: some operations, the components they reach, and no prose.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use super::facts::{facts, operation_facts, sorted};
use super::faults::{named, parameter_fault, place_of, target};
use super::walk::component_of;
use super::{Description, Operation};

/// The properties of a component that are kept, by the component's name.
pub type Projections = BTreeMap<String, BTreeSet<String>>;

/// Cuts `operations` and what they reach out of `description`.
pub fn cut(
    description: &Description,
    operations: &[Operation<'_>],
    projections: &Projections,
) -> Result<Value> {
    let mut paths = Map::new();
    let (mut wanted, mut faults) = (Vec::new(), Vec::new());
    for operation in operations {
        if let Some(fault) = parameter_fault(description.value(), operation) {
            faults.push(named(operation, &fault));
            // What it refers to would only be told once more.
            continue;
        }
        let item = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(parameters) = operation.item.get("parameters") {
            item["parameters"] = facts(parameters);
            let mut place = format!("paths.{}.parameters", operation.path);
            references(&item["parameters"], &mut place, operation, &mut wanted);
        }
        // Not read, and refused where it is kept: see `unread`.
        if let Some(servers) = operation.item.get("servers") {
            item["servers"] = facts(servers);
        }
        let node = operation_facts(operation.node);
        references(&node, &mut place_of(operation), operation, &mut wanted);
        item[operation.method] = node;
    }
    let paths = Value::Object(paths);

    let mut components: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    while let Some(Wanted {
        reference,
        place,
        operation,
    }) = wanted.pop()
    {
        let ((kind, name), node) = match target(description.value(), &reference) {
            Ok(target) => target,
            Err(why) => {
                let what = format!("{place} refers to `{reference}`, {why}");
                faults.push(named(operation, &what));
                continue;
            }
        };
        if components
            .get(kind)
            .is_some_and(|found| found.contains_key(name))
        {
            continue;
        }
        let mut node = facts(node);
        if kind == "schemas"
            && let Some(properties) = projections.get(name)
        {
            let projected = project(&mut node, name, properties);
            faults.extend(projected.err().map(|why| format!("{why:#}")));
        }
        let mut place = format!("components.{kind}.{name}");
        references(&node, &mut place, operation, &mut wanted);
        components
            .entry(kind.to_owned())
            .or_default()
            .insert(name.to_owned(), node);
    }
    if !faults.is_empty() {
        faults.sort();
        faults.dedup();
        bail!("{}", faults.join("\n"));
    }
    refuse_circles(&components)?;

    let info = description
        .value()
        .get("info")
        .map(facts)
        .unwrap_or_default();
    Ok(sorted(&json!({
        "openapi": description.value()["openapi"],
        "info": {
            "title": "GitHub",
            "version": info.get("version").cloned().unwrap_or_default(),
            "license": info.get("license").cloned().unwrap_or_default(),
        },
        "paths": paths,
        "components": components,
    })))
}

/// A reference that is to be followed.
struct Wanted<'a> {
    reference: String,
    place: String,
    /// The operation that leads there.
    operation: &'a Operation<'a>,
}

/// Every `$ref` below `node`, with the place it stands at.
fn references<'a>(
    node: &Value,
    place: &mut String,
    operation: &'a Operation<'a>,
    found: &mut Vec<Wanted<'a>>,
) {
    let mut inside = |step: &str, value: &Value| {
        let length = place.len();
        place.push('.');
        place.push_str(step);
        references(value, place, operation, found);
        place.truncate(length);
    };
    match node {
        Value::Object(object) => {
            object.iter().for_each(|(key, value)| inside(key, value));
            if let Some(Value::String(reference)) = object.get("$ref") {
                found.push(Wanted {
                    reference: reference.clone(),
                    place: place.clone(),
                    operation,
                });
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                inside(&index.to_string(), value);
            }
        }
        _ => {}
    }
}

/// Keeps the named properties of one object schema.
fn project(node: &mut Value, name: &str, kept: &BTreeSet<String>) -> Result<()> {
    let Some(properties) = node.get_mut("properties").and_then(Value::as_object_mut) else {
        bail!("`{name}` is projected in openapi/source.toml and is not an object with properties");
    };
    if let Some(gone) = kept
        .iter()
        .find(|property| !properties.contains_key(*property))
    {
        bail!(
            "`{name}` is projected in openapi/source.toml to `{gone}`, which the description does not have"
        );
    }
    properties.retain(|property, _| kept.contains(property));
    if let Some(required) = node.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|property| {
            property
                .as_str()
                .is_some_and(|property| kept.contains(property))
        });
    }
    Ok(())
}

/// Refuses a component that refers to itself without a property in between: it has no shape. (Circles through
/// properties are recursive types.)
fn refuse_circles(components: &BTreeMap<String, BTreeMap<String, Value>>) -> Result<()> {
    let mut done = BTreeSet::new();
    for (kind, all) in components {
        for name in all.keys() {
            let mut trail = Vec::new();
            descend(components, kind, name, &mut trail, &mut done)?;
        }
    }
    Ok(())
}

type Component<'a> = (&'a str, &'a str);

fn descend<'a>(
    components: &'a BTreeMap<String, BTreeMap<String, Value>>,
    kind: &'a str,
    name: &'a str,
    trail: &mut Vec<Component<'a>>,
    done: &mut BTreeSet<Component<'a>>,
) -> Result<()> {
    if done.contains(&(kind, name)) {
        return Ok(());
    }
    let circle = trail.contains(&(kind, name));
    trail.push((kind, name));
    if circle {
        let names: Vec<_> = trail.iter().map(|(_, name)| *name).collect();
        bail!(
            "components.{kind} go round in a circle: {}",
            names.join(" -> ")
        );
    }
    if let Some(node) = components.get(kind).and_then(|all| all.get(name)) {
        let mut direct = Vec::new();
        direct_references(node, &mut direct);
        for (kind, name) in direct.into_iter().filter_map(component_of) {
            descend(components, kind, name, trail, done)?;
        }
    }
    trail.pop();
    done.insert((kind, name));
    Ok(())
}

/// The references that a node consists of, without those of its properties.
fn direct_references<'a>(node: &'a Value, found: &mut Vec<&'a str>) {
    found.extend(node.get("$ref").and_then(Value::as_str));
    for key in ["allOf", "anyOf", "oneOf"] {
        let parts = node.get(key).and_then(Value::as_array);
        parts
            .into_iter()
            .flatten()
            .for_each(|part| direct_references(part, found));
    }
}

/// The part of the `wanted` projections that a description has.
pub fn present(description: &Description, wanted: &Projections) -> Projections {
    let schemas = &description.value()["components"]["schemas"];
    wanted
        .iter()
        .filter_map(|(name, kept)| {
            let properties = schemas[name]["properties"].as_object()?;
            Some((
                name.clone(),
                kept.iter()
                    .filter(|property| properties.contains_key(*property))
                    .cloned()
                    .collect(),
            ))
        })
        .collect()
}
