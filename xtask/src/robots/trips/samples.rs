//! Values made from a schema: together they have every choice of each union, every value of each enum, each optional
//! property in and out, and null wherever it is allowed.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Map, Value, json};

use crate::description::walk::{component_of, resolve};

/// How often a component may stand inside itself.
const DEEPEST_NESTING: usize = 2;

/// Makes values from the schemas of one document.
pub(super) struct Samples<'a> {
    document: &'a Value,
    /// By place: the alternative that is next.
    next: HashMap<Place, usize>,
    /// The components around the schema that is being sampled.
    inside: Vec<&'a str>,
}

/// Where in a value a schema is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Place(u64);

impl Place {
    fn below(self, step: impl std::hash::Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        (self.0, step).hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// A value, or none where a component would stand inside itself for ever.
struct Sample {
    value: Option<Value>,
    /// Whether every alternative has been made.
    done: bool,
}

/// What may stand at a place.
enum Alternative<'a> {
    Fixed(Value),
    Absent,
    List(&'a Value),
    /// An object, and what is said of it beside its own properties.
    Object(&'a Map<String, Value>, Option<&'a Value>),
    /// All of these parts together.
    Parts(&'a Map<String, Value>),
    Other(&'a Value),
}

impl<'a> Samples<'a> {
    pub(super) fn new(document: &'a Value) -> Self {
        Self {
            document,
            next: HashMap::new(),
            inside: Vec::new(),
        }
    }

    /// Calls `visit` with values of a schema until all that it allows has been seen, or `visit` fails. Gives how many
    /// there were. Null is none of them: a reply that is null says nothing, and a body that is null is not sent.
    pub(super) fn each<E>(
        &mut self,
        schema: &'a Value,
        mut visit: impl FnMut(Value) -> Result<(), E>,
    ) -> Result<usize, E> {
        self.next.clear();
        let mut seen = 0;
        loop {
            let sample = self.at(schema, Place(0), true);
            if let Some(value) = sample.value.filter(|value| !value.is_null()) {
                visit(value)?;
                seen += 1;
            }
            if sample.done {
                return Ok(seen);
            }
        }
    }

    fn at(&mut self, schema: &'a Value, place: Place, required: bool) -> Sample {
        let depth = self.inside.len();
        let mut schema = schema;
        let mut nullable = false;
        while let Some((_, name)) = schema["$ref"].as_str().and_then(component_of) {
            let nested = self.inside.iter().filter(|each| **each == name).count();
            if nested >= DEEPEST_NESTING {
                self.inside.truncate(depth);
                return Sample {
                    value: None,
                    done: true,
                };
            }
            self.inside.push(name);
            let target = self.document["components"]["schemas"].get(name);
            schema = target.unwrap_or(&Value::Null);
            nullable |= schema["nullable"] == true;
        }
        let mut alternatives = alternatives(schema);
        if nullable || schema["nullable"] == true {
            alternatives.push(Alternative::Fixed(Value::Null));
        }
        if !required {
            alternatives.push(Alternative::Absent);
        }
        let next = self.next.get(&place).copied().unwrap_or(0);
        let index = next % alternatives.len();
        let Sample { value, done } = self.make(&alternatives[index], place.below(index));
        let next = next + usize::from(done);
        self.next.insert(place, next);
        self.inside.truncate(depth);
        Sample {
            value,
            done: next >= alternatives.len(),
        }
    }

    fn make(&mut self, alternative: &Alternative<'a>, place: Place) -> Sample {
        match alternative {
            Alternative::Fixed(value) => Sample {
                value: Some(value.clone()),
                done: true,
            },
            Alternative::Absent => Sample {
                value: None,
                done: true,
            },
            Alternative::Other(schema) => self.at(schema, place, true),
            Alternative::List(items) => {
                let item = self.at(items, place, true);
                Sample {
                    value: Some(item.value.into_iter().collect()),
                    done: item.done,
                }
            }
            Alternative::Object(schema, more) => self.object(schema, *more, place),
            Alternative::Parts(schema) => {
                let parts = schema.get("allOf").and_then(Value::as_array);
                let own = schema.contains_key("properties").then_some(*schema);
                let mut all = own.map(|own| self.object(own, None, place.below("own")));
                for (index, part) in parts.into_iter().flatten().enumerate() {
                    let part = self.at(part, place.below(index), true);
                    all = Some(match all {
                        Some(all) => together(all, part),
                        None => part,
                    });
                }
                let mut all = all.unwrap_or(Sample {
                    value: None,
                    done: true,
                });
                // One part may require what another one describes.
                let parts = schema.get("allOf").and_then(Value::as_array);
                let parts = parts.into_iter().flatten();
                let required =
                    parts.filter_map(|part| resolve(self.document, part)["required"].as_array());
                let mut required = required.flatten().filter_map(Value::as_str);
                let lacks = |value: &Value| {
                    let object = value.as_object();
                    object.is_some_and(|it| required.any(|name| !it.contains_key(name)))
                };
                if all.value.as_ref().is_some_and(lacks) {
                    all.value = None;
                }
                all
            }
        }
    }

    fn object(
        &mut self,
        schema: &'a Map<String, Value>,
        more: Option<&'a Value>,
        place: Place,
    ) -> Sample {
        let mut object = Map::new();
        let mut all = Sample {
            value: None,
            done: true,
        };
        let required = |name: &str| {
            let lists = [
                schema.get("required"),
                more.and_then(|it| it.get("required")),
            ];
            let mut names = lists
                .into_iter()
                .flatten()
                .filter_map(Value::as_array)
                .flatten();
            names.any(|each| each == name)
        };
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let required = required(name);
            let inner = self.at(property, place.below(name), required);
            all.done &= inner.done;
            match inner.value {
                Some(value) => {
                    object.insert(name.clone(), value);
                }
                None if required => return Sample { value: None, ..all },
                None => {}
            }
        }
        if let Some(values) = schema
            .get("additionalProperties")
            .filter(|it| it.is_object())
        {
            let inner = self.at(values, place.below("*"), true);
            all.done &= inner.done;
            object.extend(inner.value.map(|value| ("any name".to_owned(), value)));
        }
        all.value = Some(Value::Object(object));
        match more.filter(|more| describes_a_value(resolve(self.document, more))) {
            Some(more) => together(all, self.at(more, place.below("more"), true)),
            None => all,
        }
    }
}

/// A value that is both, if there is one: objects have the properties of both, and of all else the later one is taken.
fn together(one: Sample, other: Sample) -> Sample {
    let value = match (one.value, other.value) {
        (Some(Value::Object(mut all)), Some(Value::Object(more))) => {
            all.extend(more);
            Some(Value::Object(all))
        }
        (Some(one), Some(other)) if one.is_null() == other.is_null() => Some(other),
        _ => None,
    };
    Sample {
        value,
        done: one.done && other.done,
    }
}

/// Whether a choice is more than a list of what it requires of the object that it stands in.
fn describes_a_value(choice: &Value) -> bool {
    ["type", "properties", "allOf", "anyOf", "oneOf", "enum"]
        .iter()
        .any(|key| choice.get(*key).is_some())
}

/// What a schema allows, without null.
fn alternatives(schema: &Value) -> Vec<Alternative<'_>> {
    let fixed = |values: &[Value]| values.iter().cloned().map(Alternative::Fixed).collect();
    let Some(object) = schema.as_object() else {
        return fixed(&[json!({ "any": ["thing", 1, null] })]);
    };
    if let Some(values) = object.get("enum").and_then(Value::as_array) {
        let values: Vec<_> = values.iter().filter(|it| !it.is_null()).cloned().collect();
        if !values.is_empty() {
            return fixed(&values);
        }
    }
    let choices = object.get("oneOf").or_else(|| object.get("anyOf"));
    let is_object = object.contains_key("properties");
    if let Some(choices) = choices
        .and_then(Value::as_array)
        .filter(|it| !it.is_empty())
    {
        let each = choices.iter().map(|choice| match is_object {
            true => Alternative::Object(object, Some(choice)),
            false => Alternative::Other(choice),
        });
        return each.collect();
    }
    if object.contains_key("allOf") {
        return vec![Alternative::Parts(object)];
    }
    match object.get("type").and_then(Value::as_str) {
        _ if is_object => vec![Alternative::Object(object, None)],
        Some("object")
            if object
                .get("additionalProperties")
                .is_some_and(Value::is_object) =>
        {
            vec![Alternative::Object(object, None)]
        }
        Some("object") => fixed(&[json!({ "any": ["thing", 1, null] }), json!({})]),
        Some("array") => vec![
            Alternative::List(&schema["items"]),
            Alternative::Fixed(json!([])),
        ],
        Some("string") => fixed(&[json!("some text")]),
        Some("integer") => fixed(&[json!(3_000_000_000_u64)]),
        Some("number") => fixed(&[json!(1.5)]),
        Some("boolean") => fixed(&[json!(true), json!(false)]),
        _ => fixed(&[json!({ "any": ["thing", 1, null] })]),
    }
}
