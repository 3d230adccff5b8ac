//! What progenitor panics at, or writes code for that does not compile: refused before, with its operation and place.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use serde_json::Value;

use crate::description::faults::named;
use crate::description::walk::{parameters, replies, resolve};
use crate::description::{Operation, operations};
use crate::repairs::{all_of, is_json};
use crate::tree::SOURCE;

/// Fails if a repaired fragment has such things, and tells all of them.
pub(super) fn ensure(repaired: &Value) -> Result<()> {
    let mut found: BTreeMap<String, Vec<Operation<'_>>> = BTreeMap::new();
    for operation in operations(repaired) {
        let of_parameters =
            parameters(repaired, &operation).filter_map(|it| of_parameter(repaired, it));
        for what in of_parameters.chain(without_schema(repaired, &operation)) {
            found.entry(what).or_default().push(operation);
        }
    }
    let told = found.iter().map(|(what, operations)| {
        let told = format!(
            "{what}: such operations are to be left out of {SOURCE}, or the description kept as it was"
        );
        anyhow!(match operations.as_slice() {
            [one] => named(one, &told),
            many => format!("{}: {told}", first_of(many)),
        })
    });
    all_of(told.collect())
}

/// The first ids of operations, and how many there are more.
pub(super) fn first_of(operations: &[Operation<'_>]) -> String {
    const MOST: usize = 5;
    let first = operations.iter().take(MOST);
    let first: Vec<_> = first.map(|each| format!("`{}`", each.id)).collect();
    let first = first.join(", ");
    match operations.len().checked_sub(MOST) {
        None | Some(0) => first,
        Some(more) => format!("{first} and {more} more"),
    }
}

/// What is wrong with a parameter.
fn of_parameter(document: &Value, parameter: &Value) -> Option<String> {
    let place = parameter["in"].as_str().unwrap_or_default();
    let why = match (place, parameter.get("schema")) {
        ("cookie", _) => "is a cookie, and none are sent",
        (_, None) => "has no schema",
        ("path", _) if parameter["required"] != true => "is part of the path, and not required",
        ("path" | "header", Some(schema)) if is_plain(document, schema) != Plain::Yes => {
            "is part of the path, or a header, and not always text, a number or a boolean"
        }
        _ => return None,
    };
    let name = parameter["name"].as_str().unwrap_or_default();
    Some(format!("its parameter `{name}` {why}"))
}

/// What a schema says of whether each of its values is text, a number or a boolean.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Plain {
    No,
    Unsaid,
    Yes,
}

/// Whether every value of a schema is text, a number or a boolean.
fn is_plain(document: &Value, schema: &Value) -> Plain {
    let schema = resolve(document, schema);
    let mut values = schema["enum"].as_array().into_iter().flatten();
    if schema["nullable"] == true || values.any(Value::is_null) {
        return Plain::No;
    }
    let said = match schema["type"].as_str() {
        Some("string" | "integer" | "number" | "boolean") => Plain::Yes,
        Some(_) => Plain::No,
        None if schema["enum"].is_array() => Plain::Yes,
        None => Plain::Unsaid,
    };
    let each = |key: &str| {
        let parts = schema[key].as_array().into_iter().flatten();
        parts.map(|part| is_plain(document, part))
    };
    // A value has all parts, and is one of the choices.
    let mut all: Vec<_> = each("allOf").chain([said]).collect();
    all.extend(["anyOf", "oneOf"].iter().filter_map(|key| each(key).min()));
    match all.contains(&Plain::No) {
        true => Plain::No,
        false if all.contains(&Plain::Yes) => Plain::Yes,
        false => Plain::Unsaid,
    }
}

/// A body, or replies in JSON, without a schema. (`{}` is one: that of anything.)
fn without_schema<'a>(
    document: &'a Value,
    operation: &Operation<'a>,
) -> impl Iterator<Item = String> + 'a {
    let body = &operation.node["requestBody"];
    let body = media(document, body).map(|(kind, media)| ("body".to_owned(), kind, media));
    let replies = replies(operation.node).flat_map(|(status, reply)| {
        let media = media(document, reply).filter(|(kind, _)| is_json(kind));
        media.map(move |(kind, media)| (format!("reply {status}"), kind, media))
    });
    body.chain(replies)
        .filter(|(_, _, media)| media.get("schema").is_none())
        .map(|(what, kind, _)| format!("its {what} in `{kind}` has no schema"))
}

fn media<'a>(
    document: &'a Value,
    holder: &'a Value,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let content = resolve(document, holder)["content"].as_object();
    content.into_iter().flatten()
}
