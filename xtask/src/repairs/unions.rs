//! The choices of unions, which are told apart by what they require and by the words they allow.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::description::walk::{component_of, each_schema, resolve};

/// Marks a schema that is a choice of a union, while [`with_choices_marked`] runs.
const CHOICE: &str = "x-choice";
/// Marks a property by whose words choices are told apart.
const TELLS_APART: &str = "x-tells-apart";

/// Runs `work` on a document in which [`is_choice`] and [`tells_apart`] have their answers.
pub(super) fn with_choices_marked<T>(
    document: &mut Value,
    work: impl FnOnce(&mut Value) -> T,
) -> T {
    let before = document.clone();
    let mut components = BTreeMap::new();
    each_schema(document, |_, schema| {
        for key in ["anyOf", "oneOf"] {
            let Some(choices) = schema.get(key).and_then(Value::as_array) else {
                continue;
            };
            let telling = telling_properties(&before, choices);
            for choice in choices {
                gather(&before, choice, &telling, &mut components);
            }
            let inline = schema.get_mut(key).and_then(Value::as_array_mut);
            for choice in inline.into_iter().flatten() {
                mark(choice, &telling);
            }
        }
    });
    for (name, telling) in components {
        if let Some(component) = document.pointer_mut(&format!("/components/schemas/{name}")) {
            mark(component, &telling);
        }
    }
    let result = work(document);
    each_schema(document, |_, schema| {
        schema.remove(CHOICE);
        schema.remove(TELLS_APART);
    });
    result
}

/// Whether a schema is a choice of a union, or a part of one.
pub(super) fn is_choice(schema: &Map<String, Value>) -> bool {
    schema.contains_key(CHOICE)
}

/// Whether the words of an enum tell a choice of a union from the others.
pub(super) fn tells_apart(schema: &Map<String, Value>) -> bool {
    schema.contains_key(TELLS_APART)
}

/// The components that a choice refers to, or is made of, with the properties that tell it apart.
fn gather(
    document: &Value,
    choice: &Value,
    telling: &BTreeSet<String>,
    found: &mut BTreeMap<String, BTreeSet<String>>,
) {
    let reference = choice["$ref"].as_str().and_then(component_of);
    if let Some((kind, name)) = reference {
        let known = found
            .get(name)
            .is_some_and(|known| telling.is_subset(known));
        found
            .entry(name.to_owned())
            .or_default()
            .extend(telling.iter().cloned());
        if !known {
            gather(
                document,
                &document["components"][kind][name],
                telling,
                found,
            );
        }
    }
    for part in parts(choice) {
        gather(document, part, telling, found);
    }
}

/// What a choice is made of: all that it is together, and of a list the items.
fn parts(choice: &Value) -> impl Iterator<Item = &Value> {
    let together = choice["allOf"].as_array().into_iter().flatten();
    together.chain(choice.get("items"))
}

fn mark(schema: &mut Value, telling: &BTreeSet<String>) {
    let Some(object) = schema.as_object_mut().filter(|it| !it.contains_key("$ref")) else {
        return;
    };
    object.insert(CHOICE.to_owned(), Value::Bool(true));
    let properties = object.get_mut("properties").and_then(Value::as_object_mut);
    for (name, property) in properties.into_iter().flatten() {
        if let Some(property) = property.as_object_mut().filter(|_| telling.contains(name)) {
            property.insert(TELLS_APART.to_owned(), Value::Bool(true));
        }
    }
    if let Some(items) = object.get_mut("items") {
        mark(items, telling);
    }
    let parts = object.get_mut("allOf").and_then(Value::as_array_mut);
    for part in parts.into_iter().flatten() {
        mark(part, telling);
    }
}

/// The properties whose words tell some of the choices apart: in two of them they are enums without a common word.
fn telling_properties(document: &Value, choices: &[Value]) -> BTreeSet<String> {
    let mut words: BTreeMap<&str, Vec<BTreeSet<&str>>> = BTreeMap::new();
    for choice in choices {
        let mut own = BTreeMap::new();
        enums(document, choice, &mut own);
        for (name, values) in own {
            words.entry(name).or_default().push(values);
        }
    }
    let differs = |all: &Vec<BTreeSet<&str>>| {
        let pair = |(index, one): (usize, &BTreeSet<&str>)| {
            all[index + 1..].iter().any(|other| one.is_disjoint(other))
        };
        all.iter().enumerate().any(pair)
    };
    words
        .iter()
        .filter(|(_, all)| differs(all))
        .map(|(name, _)| (*name).to_owned())
        .collect()
}

/// The enums among the properties of a choice.
fn enums<'a>(
    document: &'a Value,
    choice: &'a Value,
    found: &mut BTreeMap<&'a str, BTreeSet<&'a str>>,
) {
    let choice = resolve(document, choice);
    for (name, property) in choice["properties"].as_object().into_iter().flatten() {
        let values = resolve(document, property)["enum"].as_array();
        if let Some(values) = values.filter(|values| !values.is_empty()) {
            let words = values.iter().filter_map(Value::as_str);
            found.insert(name, words.collect());
        }
    }
    for part in parts(choice) {
        enums(document, part, found);
    }
}
