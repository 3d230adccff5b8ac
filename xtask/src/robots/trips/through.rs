//! What serde does with the generated types: reads JSON, and writes it again.

use serde_json::{Map, Value};

use super::types::{Content, Field, Kind, Shape, Struct, Tag, Types, Variant};

/// JSON read as `kind` and written again, or why it can't be read.
pub(super) fn through(types: &Types, kind: &Kind, value: &Value) -> Result<Value, String> {
    let fits = |fits: bool, what: &str| match fits {
        true => Ok(value.clone()),
        false => Err(format!("{} is no {what}", short(value))),
    };
    match kind {
        Kind::Any => Ok(value.clone()),
        Kind::AnyObject => fits(value.is_object(), "object"),
        Kind::Text => fits(value.is_string(), "text"),
        Kind::Integer => fits(value.is_i64(), "integer"),
        Kind::Number => fits(value.is_number(), "number"),
        Kind::Boolean => fits(value.is_boolean(), "boolean"),
        Kind::Nothing => fits(value.is_null(), "null"),
        Kind::Optional(_) if value.is_null() => Ok(Value::Null),
        Kind::Optional(inner) => through(types, inner, value),
        Kind::List(inner) => {
            let items = value
                .as_array()
                .ok_or_else(|| format!("{} is no list", short(value)))?;
            let items = items
                .iter()
                .map(|item| through(types, inner, item).map_err(|why| below("[]", &why)));
            items.collect()
        }
        Kind::Map(inner) => {
            let object = object(value)?.iter();
            let all = object.map(|(name, value)| {
                let value = through(types, inner, value).map_err(|why| below(name, &why))?;
                Ok((name.clone(), value))
            });
            all.collect::<Result<_, String>>().map(Value::Object)
        }
        Kind::Named(name) => match types.get(name) {
            None => Err(format!("there is no generated type `{name}`")),
            Some(Shape::Same(kind)) => through(types, kind, value),
            Some(Shape::Struct(shape)) => {
                through_struct(types, shape, object(value)?).map(Value::Object)
            }
            Some(Shape::Enum(variants, tag)) => through_enum(types, variants, tag, value),
        },
    }
}

fn through_struct(
    types: &Types,
    shape: &Struct,
    value: &Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    let named = |name: &str| {
        shape
            .fields
            .iter()
            .any(|field| !field.flat && field.name == name)
    };
    if let Some(unknown) = value.keys().find(|name| shape.closed && !named(name)) {
        return Err(format!("`{unknown}` is refused"));
    }
    let others = || {
        value
            .iter()
            .filter(|(name, _)| !named(name))
            .map(|(name, value)| (name.clone(), value.clone()))
    };
    let mut written = Map::new();
    for field in &shape.fields {
        if field.flat {
            let others = Value::Object(others().collect());
            match through(types, &field.kind, &others) {
                Ok(Value::Object(more)) => {
                    if let Some(twice) = more.keys().find(|name| written.contains_key(*name)) {
                        return Err(format!("`{twice}` is written twice"));
                    }
                    written.extend(more);
                }
                Ok(_) => {}
                Err(_) if matches!(field.kind, Kind::Optional(_)) => {}
                Err(why) => return Err(why),
            }
            continue;
        }
        let read = match value.get(&field.name) {
            Some(value) => {
                through(types, &field.kind, value).map_err(|why| below(&field.name, &why))?
            }
            None if field.may_be_absent => continue,
            None => return Err(format!("`{}` is needed", field.name)),
        };
        if !(field.skipped_if_empty && is_empty(field, &read)) {
            written.insert(field.name.clone(), read);
        }
    }
    Ok(written)
}

/// Whether a value counts as empty for `skip_serializing_if`.
fn is_empty(field: &Field, read: &Value) -> bool {
    match (&field.kind, read) {
        (Kind::Optional(_), read) => read.is_null() && !field.tells_null,
        (_, Value::Array(items)) => items.is_empty(),
        (_, Value::Object(object)) => object.is_empty(),
        _ => false,
    }
}

fn through_enum(
    types: &Types,
    variants: &[Variant],
    tag: &Tag,
    value: &Value,
) -> Result<Value, String> {
    let called = |name: &str| {
        let mut variants = variants.iter();
        let found = variants.find(|variant| variant.name == name);
        found.ok_or_else(|| format!("`{name}` is no variant"))
    };
    let named = |object: &Map<String, Value>, tag: &str| {
        let name = object.get(tag).and_then(Value::as_str);
        name.map(str::to_owned)
            .ok_or_else(|| format!("`{tag}` does not tell the variant"))
    };
    match tag {
        Tag::Nothing => {
            let mut whys = Vec::new();
            for variant in variants {
                match content(types, &variant.content, value) {
                    Ok(written) => return Ok(written),
                    Err(why) => whys.push(why),
                }
            }
            whys.dedup();
            Err(format!("it fits no choice ({})", whys.join("; ")))
        }
        Tag::Outside => match value {
            Value::String(name) if matches!(called(name)?.content, Content::Nothing) => {
                Ok(value.clone())
            }
            Value::Object(object) if object.len() == 1 => {
                let (name, inner) = object.iter().next().ok_or("an empty object")?;
                let written = content(types, &called(name)?.content, inner)?;
                Ok(Value::Object(
                    [(name.clone(), written)].into_iter().collect(),
                ))
            }
            _ => Err(format!("{} is no variant", short(value))),
        },
        Tag::Inside(tag) => {
            let mut object = object(value)?.clone();
            let name = named(&object, tag)?;
            object.remove(tag);
            let mut written = match &called(&name)?.content {
                Content::Nothing => Value::Object(Map::new()),
                inner => content(types, inner, &Value::Object(object))?,
            };
            match written.as_object_mut() {
                Some(written) => written.insert(tag.clone(), Value::String(name)),
                None => return Err("its content is no object".to_owned()),
            };
            Ok(written)
        }
        Tag::Beside(tag, inner) => {
            let object = object(value)?;
            let name = named(object, tag)?;
            let inside = object.get(inner).unwrap_or(&Value::Null);
            let written = content(types, &called(&name)?.content, inside)?;
            let all = [(tag.clone(), Value::String(name)), (inner.clone(), written)];
            Ok(Value::Object(all.into_iter().collect()))
        }
    }
}

fn content(types: &Types, content: &Content, value: &Value) -> Result<Value, String> {
    match content {
        Content::Nothing if value.is_null() => Ok(Value::Null),
        Content::Nothing => Err(format!("{} is no null", short(value))),
        Content::One(kind) => through(types, kind, value),
        Content::Struct(shape) => through_struct(types, shape, object(value)?).map(Value::Object),
    }
}

fn object(value: &Value) -> Result<&Map<String, Value>, String> {
    value
        .as_object()
        .ok_or_else(|| format!("{} is no object", short(value)))
}

/// A value in a few words.
fn short(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        value => format!("`{value}`"),
    }
}

/// Why, with one more step of where.
fn below(step: &str, why: &str) -> String {
    match why.split_once(": ") {
        Some((place, why)) if !place.contains(' ') => format!("{step}.{place}: {why}"),
        _ => format!("{step}: {why}"),
    }
}
