//! Repairs of unions whose values would be read as another choice, and lose what that one does not know.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::description::source::Source;
use crate::description::walk::{component_of, each_schema, resolve};

/// How far into a choice is looked for what it requires.
const DEEPEST_LEVEL: usize = 6;

/// Drops choices that only require properties of the object beside them (`anyOf: [{ required: [a] }, { required: [b] }]`).
/// Each would become a type with those properties alone.
pub(super) fn drop_choices_of_limits(document: &mut Value, _: &Source) -> Result<usize> {
    let mut mended = 0;
    each_schema(document, |_, schema| {
        for key in ["anyOf", "oneOf"] {
            let own = schema.get("properties").and_then(Value::as_object);
            let choices = schema.get(key).and_then(Value::as_array);
            let (Some(own), Some(choices)) = (own, choices) else {
                continue;
            };
            if choices.iter().all(|choice| only_limits(choice, own)) {
                schema.remove(key);
                mended += 1;
            }
        }
    });
    Ok(mended)
}

/// Whether a choice says nothing of properties that the object beside it does not have.
fn only_limits(choice: &Value, own: &Map<String, Value>) -> bool {
    let Some(choice) = choice.as_object() else {
        return false;
    };
    choice.iter().all(|(key, value)| match key.as_str() {
        "required" => true,
        "type" => value == "object",
        "properties" => value
            .as_object()
            .is_some_and(|properties| properties.keys().all(|name| own.contains_key(name))),
        "additionalProperties" => value.is_boolean(),
        _ => false,
    })
}

/// Turns `anyOf` into `oneOf` if a choice is no object, or if two choices have a property in common. progenitor takes the
/// choices of `anyOf` for parts of one object: it can't read them from a list, and writes common properties twice.
pub(super) fn choices_are_no_parts(document: &mut Value, _: &Source) -> Result<usize> {
    let before = document.clone();
    let mut mended = 0;
    each_schema(document, |_, schema| {
        let choices = schema.get("anyOf").and_then(Value::as_array);
        if choices.is_some_and(|choices| !are_parts(&before, choices))
            && !schema.contains_key("oneOf")
            && let Some(choices) = schema.remove("anyOf")
        {
            schema.insert("oneOf".to_owned(), choices);
            mended += 1;
        }
    });
    Ok(mended)
}

/// Whether choices are objects that have no property in common.
fn are_parts(document: &Value, choices: &[Value]) -> bool {
    let mut seen = BTreeSet::new();
    choices.iter().all(|choice| {
        let kind = resolve(document, choice)["type"].as_str();
        let mut all = Known::of(document, choice).all.into_iter();
        kind.is_none_or(|kind| kind == "object")
            && all.all(|place| place[1..].contains('.') || seen.insert(place))
    })
}

/// Orders the choices of unions, since the first that fits is taken: each choice stands before those that would read its
/// values and drop a part. Where two would do that to each other, the first is opened: it then keeps unknown properties.
pub(super) fn demanding_choices_first(document: &mut Value, _: &Source) -> Result<usize> {
    let before = document.clone();
    let mut opened = BTreeSet::new();
    let mut mended = 0;
    each_schema(document, |_, schema| {
        for key in ["anyOf", "oneOf"] {
            let Some(choices) = schema.get_mut(key).and_then(Value::as_array_mut) else {
                continue;
            };
            let known = choices.iter().map(|choice| Known::of(&before, choice));
            let mut ordered = ordered(known.zip(choices.iter().cloned()).collect());
            for index in 0..ordered.len() {
                let (known, choice) = &ordered[index];
                let mut later = ordered[index + 1..].iter();
                if !later.any(|(other, _)| known.loses(other)) {
                    continue;
                }
                match choice["$ref"].as_str().and_then(component_of) {
                    Some((_, name)) => {
                        opened.insert(name.to_owned());
                    }
                    None => open(&mut ordered[index].1),
                }
            }
            let ordered: Vec<_> = ordered.into_iter().map(|(_, choice)| choice).collect();
            if *choices != ordered {
                *choices = ordered;
                mended += 1;
            }
        }
    });
    for name in opened {
        open(&mut document["components"]["schemas"][name]);
    }
    Ok(mended)
}

/// Lets an object keep what it does not know.
fn open(schema: &mut Value) {
    if schema["type"] == "object" && schema.get("additionalProperties").is_none() {
        schema["additionalProperties"] = json!({});
    }
}

/// Choices, each behind those that go before it.
fn ordered(mut choices: Vec<(Known, Value)>) -> Vec<(Known, Value)> {
    let mut ordered = Vec::new();
    while !choices.is_empty() {
        let is_first = |(known, _): &(Known, Value)| {
            !choices.iter().any(|(other, _)| other.goes_before(known))
        };
        let first = choices.iter().position(is_first).unwrap_or(0);
        ordered.push(choices.remove(first));
    }
    ordered
}

/// What a choice knows of its values, by the place of each property.
#[derive(Default)]
struct Known {
    /// What is required, in properties that need not be there too.
    required: BTreeSet<String>,
    all: BTreeSet<String>,
    /// Whether what is not known is refused.
    closed: bool,
}

impl Known {
    fn of(document: &Value, choice: &Value) -> Self {
        let mut known = Self {
            closed: resolve(document, choice)["additionalProperties"] == false,
            ..Self::default()
        };
        known.gather(document, choice, "", DEEPEST_LEVEL);
        known
    }

    fn gather(&mut self, document: &Value, schema: &Value, place: &str, levels: usize) {
        if levels == 0 {
            return;
        }
        let schema = resolve(document, schema);
        let required = schema["required"].as_array().into_iter().flatten();
        let required = required.filter_map(Value::as_str);
        self.required
            .extend(required.map(|name| format!("{place}.{name}")));
        let properties = schema["properties"].as_object().into_iter().flatten();
        for (name, property) in properties {
            let inner = format!("{place}.{name}");
            self.gather(document, property, &inner, levels - 1);
            self.all.insert(inner);
        }
        if let Some(items) = schema.get("items") {
            self.gather(document, items, &format!("{place}[]"), levels - 1);
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.gather(document, part, place, levels - 1);
        }
        for choice in ["anyOf", "oneOf"].map(|key| schema[key].as_array()) {
            for choice in choice.into_iter().flatten() {
                let mut known = Self::default();
                known.gather(document, choice, place, levels - 1);
                self.all.extend(known.all);
            }
        }
    }

    /// Whether this choice must be tried before the other: values of this one also fit the other, which would drop a part
    /// of them. If that holds both ways, the choice that requires more goes first, then the one that can be opened.
    fn goes_before(&self, other: &Self) -> bool {
        if !other.loses(self) || !self.loses(other) {
            return other.loses(self);
        }
        let more = |one: &Self, other: &Self| {
            one.required.is_superset(&other.required) && one.required != other.required
        };
        more(self, other)
            || (!more(other, self) && !self.loses_inside(other) && other.loses_inside(self))
    }

    /// Whether values of the other choice fit this one and have parts that are not known here.
    fn loses(&self, other: &Self) -> bool {
        let there = |place: &str| other.all.contains(place.trim_end_matches("[]"));
        let mut required = self.required.iter().filter(|place| {
            let (holder, _) = place.rsplit_once('.').unwrap_or_default();
            holder.trim_end_matches("[]").is_empty() || there(holder)
        });
        let fits = required.all(|place| there(place));
        fits && (self.loses_inside(other) || (!self.closed && !other.all.is_subset(&self.all)))
    }

    /// Whether something inside the properties of the other is not known here.
    fn loses_inside(&self, other: &Self) -> bool {
        let inside = |place: &&String| {
            let (holder, _) = place.rsplit_once('.').unwrap_or_default();
            self.all.contains(holder.trim_end_matches("[]"))
        };
        other.all.difference(&self.all).any(|place| inside(&place))
    }
}
