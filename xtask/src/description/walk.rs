//! Walking a description: its operations, bodies, replies and schemas.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{METHODS, Operation};

/// `#/components/schemas/name` as kind and name.
pub(crate) fn component_of(reference: &str) -> Option<(&str, &str)> {
    reference.strip_prefix("#/components/")?.split_once('/')
}

/// What an operation uses a schema for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// A parameter of the path, the query or a header.
    Parameter,
    /// What is sent.
    Body,
    /// What comes back.
    Reply,
    /// A component: used by what refers to it.
    Component,
}

/// Calls `visit` for every operation: its id, and the operation object.
pub(crate) fn each_operation(
    document: &mut Value,
    mut visit: impl FnMut(&str, &mut Map<String, Value>),
) {
    for item in values(document.get_mut("paths")) {
        for method in METHODS {
            let Some(operation) = item.get_mut(method).and_then(Value::as_object_mut) else {
                continue;
            };
            let id = operation
                .get("operationId")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            visit(&id, operation);
        }
    }
}

/// Calls `visit` for every request body that is written out (components too).
pub(crate) fn each_body(document: &mut Value, mut visit: impl FnMut(&mut Map<String, Value>)) {
    each_operation(document, |_, operation| {
        if let Some(body) = operation
            .get_mut("requestBody")
            .and_then(Value::as_object_mut)
        {
            visit(body);
        }
    });
    for body in values(document.pointer_mut("/components/requestBodies")) {
        body.as_object_mut().map(&mut visit);
    }
}

/// Calls `visit` for every schema object, outermost first.
pub(crate) fn each_schema(
    document: &mut Value,
    mut visit: impl FnMut(Use, &mut Map<String, Value>),
) {
    let visit: &mut dyn FnMut(Use, &mut Map<String, Value>) = &mut visit;
    for item in values(document.get_mut("paths")) {
        parameter_list(item.get_mut("parameters"), visit);
        for method in METHODS {
            let Some(operation) = item.get_mut(method) else {
                continue;
            };
            parameter_list(operation.get_mut("parameters"), visit);
            if let Some(body) = operation.get_mut("requestBody") {
                contents(body, Use::Body, visit);
            }
            for reply in values(operation.get_mut("responses")) {
                contents(reply, Use::Reply, visit);
            }
        }
    }
    let Some(components) = document.get_mut("components") else {
        return;
    };
    for schema in values(components.get_mut("schemas")) {
        descend(schema, Use::Component, visit);
    }
    for parameter in values(components.get_mut("parameters")) {
        parameter_schemas(parameter, visit);
    }
    for body in values(components.get_mut("requestBodies")) {
        contents(body, Use::Body, visit);
    }
    for reply in values(components.get_mut("responses")) {
        contents(reply, Use::Reply, visit);
    }
}

/// Where a schema of a reply stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin<'a> {
    /// In an operation.
    Operation,
    /// It is a component.
    Component(&'a str),
    /// Somewhere inside a component.
    Inside(&'a str),
}

/// Calls `visit` for every schema object of replies, and of the components that they reach, outermost first.
pub(crate) fn each_reply_schema(
    document: &mut Value,
    mut visit: impl FnMut(Origin<'_>, &mut Map<String, Value>),
) {
    let mut replies = Vec::new();
    each_operation(document, |_, operation| {
        replies.extend(operation.get("responses").cloned())
    });
    let reached = reached_schemas(document, &Value::Array(replies));
    each_schema(document, |used, schema| {
        if used == Use::Reply {
            visit(Origin::Operation, schema);
        }
    });
    for (name, schema) in document
        .pointer_mut("/components/schemas")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flatten()
    {
        if reached.contains(name) {
            let mut origin = Origin::Component(name);
            descend(schema, Use::Component, &mut |_, schema| {
                visit(origin, schema);
                origin = Origin::Inside(name);
            });
        }
    }
}

/// Calls `visit` for `schema` and every schema inside it; references are not followed.
pub(crate) fn descend(
    schema: &mut Value,
    used: Use,
    visit: &mut dyn FnMut(Use, &mut Map<String, Value>),
) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    visit(used, object);
    for property in values(object.get_mut("properties")) {
        descend(property, used, visit);
    }
    for key in ["items", "additionalProperties", "not"] {
        if let Some(inner) = object.get_mut(key) {
            descend(inner, used, visit);
        }
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        for inner in object
            .get_mut(key)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            descend(inner, used, visit);
        }
    }
}

/// The names of the component schemas that `node` reaches.
pub(crate) fn reached_schemas(document: &Value, from: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(node) = open.pop() {
        match node {
            Value::Object(object) => {
                let reference = object.get("$ref").and_then(Value::as_str);
                if let Some((kind, name)) = reference.and_then(component_of)
                    && found.insert((kind, name))
                    && let Some(target) = document["components"][kind].get(name)
                {
                    open.push(target);
                }
                open.extend(object.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    let schemas = found.into_iter().filter(|(kind, _)| *kind == "schemas");
    schemas.map(|(_, name)| name.to_owned()).collect()
}

/// The component that `node` refers to, or `node` itself.
pub(crate) fn resolve<'a>(document: &'a Value, mut node: &'a Value) -> &'a Value {
    // Circles were refused when the fragment was cut; the bound makes certain.
    for _ in 0..32 {
        let Some((kind, name)) = node
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(component_of)
        else {
            break;
        };
        let Some(target) = document
            .get("components")
            .and_then(|all| all.get(kind)?.get(name))
        else {
            break;
        };
        node = target;
    }
    node
}

/// The parameters of an operation, those of its path included, without references.
pub(crate) fn parameters<'a>(
    document: &'a Value,
    operation: &Operation<'a>,
) -> impl Iterator<Item = &'a Value> {
    let lists = [operation.item, operation.node].map(|holder| holder["parameters"].as_array());
    let all = lists.into_iter().flatten().flatten();
    all.map(|parameter| resolve(document, parameter))
}

/// The replies of an operation by status, extensions left out.
pub(crate) fn replies(operation: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let all = operation["responses"].as_object().into_iter().flatten();
    all.filter(|(status, _)| !status.starts_with("x-"))
}

/// The values of an object, if it is one.
pub(crate) fn values(node: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    node.and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(Map::values_mut)
}

fn parameter_list(list: Option<&mut Value>, visit: &mut dyn FnMut(Use, &mut Map<String, Value>)) {
    for parameter in list.and_then(Value::as_array_mut).into_iter().flatten() {
        parameter_schemas(parameter, visit);
    }
}

fn parameter_schemas(parameter: &mut Value, visit: &mut dyn FnMut(Use, &mut Map<String, Value>)) {
    if let Some(schema) = parameter.get_mut("schema") {
        descend(schema, Use::Parameter, visit);
    }
    contents(parameter, Use::Parameter, visit);
}

fn contents(node: &mut Value, used: Use, visit: &mut dyn FnMut(Use, &mut Map<String, Value>)) {
    for media in values(node.get_mut("content")) {
        if let Some(schema) = media.get_mut("schema") {
            descend(schema, used, visit);
        }
    }
}
