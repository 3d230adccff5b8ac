//! Repairs of schemas of every use.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::components::{self, HIDDEN};
use crate::description::facts::FACETS;
use crate::description::operations;
use crate::description::source::Source;
use crate::description::walk::{Use, each_schema, resolve};
use crate::rust_names::{inline, pascal};

/// Drops patterns, lengths, formats and limits. They would bring a regex engine and a date library into the client,
/// fallible newtypes that print what they hold, and types such as `NonZeroU64` and `[String; 2]`. The server checks
/// anyway. `binary` stays: it decides how a body travels.
pub(super) fn drop_facets(document: &mut Value, _: &Source) -> Result<usize> {
    let mut mended = 0;
    each_schema(document, |_, schema| {
        for key in FACETS {
            mended += usize::from(schema.remove(key).is_some());
        }
        if schema
            .get("format")
            .is_some_and(|format| format != "binary")
        {
            schema.remove("format");
            mended += 1;
        }
    });
    Ok(mended)
}

/// Drops defaults. One in a body would be sent when the caller does not name the field: a PATCH of a private registry
/// would always reset `replaces_base`.
pub(super) fn drop_defaults(document: &mut Value, _: &Source) -> Result<usize> {
    let mut mended = 0;
    each_schema(document, |_, schema| {
        mended += usize::from(schema.remove("default").is_some())
    });
    Ok(mended)
}

/// Makes an enum text if its values differ only in what a Rust name can't hold (`reactions-+1`, `reactions--1`), or if it
/// has none: a type without values can't be sent.
pub(super) fn drop_colliding_enums(document: &mut Value, _: &Source) -> Result<usize> {
    use heck::ToPascalCase as _;
    let odd = |c: char| c == '_' || !c.is_alphanumeric();
    let mut mended = 0;
    each_schema(document, |_, schema| {
        let Some(values) = schema.get("enum").and_then(Value::as_array) else {
            return;
        };
        let names: Vec<_> = values.iter().filter_map(Value::as_str).collect();
        let distinct = |name: &dyn Fn(&str) -> String| {
            let all: BTreeSet<_> = names.iter().map(|each| name(each)).collect();
            all.len() == names.len()
        };
        let plainly = distinct(&|name| name.replace(odd, "-").to_pascal_case());
        let told_apart = plainly || distinct(&|name| name.replace(odd, "X").to_pascal_case());
        if names.is_empty() || !told_apart {
            schema.remove("enum");
            mended += 1;
        }
    });
    Ok(mended)
}

/// Moves `nullable` from components to the references to them. A component that is nullable by itself becomes a wrapper
/// around an `Option`, and once a type of infinite size.
pub(super) fn nullable_where_used(document: &mut Value, _: &Source) -> Result<usize> {
    let mut nullable = BTreeSet::new();
    let schemas = document
        .pointer_mut("/components/schemas")
        .and_then(Value::as_object_mut);
    for (name, schema) in schemas.into_iter().flatten() {
        if schema
            .as_object_mut()
            .is_some_and(|schema| schema.remove("nullable") == Some(json!(true)))
        {
            nullable.insert(format!("#/components/schemas/{name}"));
        }
    }
    if nullable.is_empty() {
        return Ok(0);
    }
    each_schema(document, |_, schema| {
        // Outermost first: what is wrapped here is met again, and must not be wrapped twice.
        let wrapped = schema.get("nullable").is_some() && schema.contains_key("allOf");
        if wrapped {
            return;
        }
        let mut wrap = |place: &mut Value| {
            if place["$ref"]
                .as_str()
                .is_some_and(|name| nullable.contains(name))
            {
                *place = json!({ "nullable": true, "allOf": [place.clone()] });
            }
        };
        schema
            .get_mut("properties")
            .and_then(Value::as_object_mut)
            .into_iter()
            .flatten()
            .for_each(|(_, place)| wrap(place));
        for key in ["items", "additionalProperties"] {
            schema.get_mut(key).map(&mut wrap);
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            schema
                .get_mut(key)
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
                .for_each(&mut wrap);
        }
    });
    Ok(nullable.len())
}

/// What generated code has under names that begin with a capital letter, and does not write out as a path.
const PRELUDE: [&str; 6] = ["Ok", "Err", "Some", "None", "Self_", "String"];

/// Renames components whose type has the name of another component's, of what generated code uses, or of an inline type,
/// which progenitor makes of the path: `conditions` of `repository-ruleset` is `RepositoryRulesetConditions`.
pub(super) fn rename_components_that_collide(document: &mut Value, _: &Source) -> Result<usize> {
    let mut taken = inline_types(document);
    let Some(schemas) = document
        .pointer("/components/schemas")
        .and_then(Value::as_object)
    else {
        return Ok(0);
    };
    for (name, schema) in schemas {
        inline_names(&pascal(name), schema, &mut taken);
    }
    let mut all = BTreeSet::new();
    let collide = |name: &&String| !all.insert(pascal(name)) || taken.contains(&pascal(name));
    let colliding: Vec<_> = schemas.keys().filter(collide).collect();
    let renamed: BTreeMap<String, String> = colliding
        .into_iter()
        .map(|name| {
            let free = (1..).map(|n| {
                format!(
                    "{name}-component{}",
                    if n == 1 { String::new() } else { n.to_string() }
                )
            });
            let new = free
                .into_iter()
                .find(|new| !taken.contains(&pascal(new)) && all.insert(pascal(new)));
            (name.clone(), new.unwrap_or_default())
        })
        .collect();
    if renamed.is_empty() {
        return Ok(0);
    }
    if let Some(schemas) = document
        .pointer_mut("/components/schemas")
        .and_then(Value::as_object_mut)
    {
        for (old, new) in &renamed {
            if let Some(schema) = schemas.remove(old) {
                schemas.insert(new.clone(), schema);
            }
        }
    }
    refer_to(document, &renamed);
    Ok(renamed.len())
}

/// The types of operations' own bodies and replies, and what generated code uses.
fn inline_types(document: &Value) -> BTreeSet<String> {
    let mut taken: BTreeSet<_> = PRELUDE.map(str::to_owned).into();
    for operation in operations(document) {
        let replies = operation.node["responses"].as_object();
        let holders = replies
            .into_iter()
            .flatten()
            .map(|(_, reply)| (reply, "Response"));
        for (holder, what) in holders.chain([(&operation.node["requestBody"], "Body")]) {
            let contents = resolve(document, holder)["content"].as_object();
            for media in contents.into_iter().flat_map(Map::values) {
                let name = format!("{}{what}", pascal(operation.id));
                if media["schema"].is_object() && media["schema"].get("$ref").is_none() {
                    inline_names(&name, &media["schema"], &mut taken);
                    taken.insert(name);
                }
            }
        }
    }
    taken
}

/// Renames GitHub's components whose types would have the names of our own.
pub(super) fn make_room_for_ours(document: &mut Value) {
    let schemas = document.pointer_mut("/components/schemas");
    let Some(schemas) = schemas.and_then(Value::as_object_mut) else {
        return;
    };
    let ours = components::ALL.map(pascal);
    let mut taken: BTreeSet<_> = schemas.keys().map(|name| pascal(name)).collect();
    taken.extend(ours.iter().cloned());
    let theirs: Vec<_> = schemas.keys().cloned().collect();
    let mut renamed = BTreeMap::new();
    for name in theirs
        .into_iter()
        .filter(|name| ours.contains(&pascal(name)))
    {
        let mut new = format!("github-{name}");
        while !taken.insert(pascal(&new)) {
            new.insert_str(0, "github-");
        }
        if let Some(schema) = schemas.remove(&name) {
            schemas.insert(new.clone(), schema);
        }
        renamed.insert(name, new);
    }
    refer_to(document, &renamed);
}

/// Gathers the names that progenitor gives to the inline types of the type `name`.
fn inline_names(name: &str, schema: &Value, found: &mut BTreeSet<String>) {
    let mut inner = |name: String, schema: &Value| {
        let typed = ["properties", "enum", "allOf", "anyOf", "oneOf"];
        if schema.get("$ref").is_none() {
            if typed.iter().any(|key| schema.get(*key).is_some()) {
                found.insert(name.clone());
            }
            inline_names(&name, schema, found);
        }
    };
    for (property, schema) in schema["properties"].as_object().into_iter().flatten() {
        inner(inline(name, property), schema);
    }
    if let Some(items) = schema.get("items") {
        inner(format!("{name}Item"), items);
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        for (index, option) in schema[key].as_array().into_iter().flatten().enumerate() {
            if option.get("$ref").is_none() {
                inline_names(name, option, found);
                inline_names(&format!("{name}Variant{index}"), option, found);
            }
        }
    }
}

/// Points every reference to a renamed component to its new name.
fn refer_to(node: &mut Value, renamed: &BTreeMap<String, String>) {
    match node {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get_mut("$ref")
                && let Some(new) = reference
                    .strip_prefix("#/components/schemas/")
                    .and_then(|name| renamed.get(name))
            {
                *reference = format!("#/components/schemas/{new}");
            }
            object
                .values_mut()
                .for_each(|value| refer_to(value, renamed));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| refer_to(value, renamed)),
        _ => {}
    }
}

/// Makes tokens and other secrets in replies text that does not print: every generated type derives `Debug`.
pub(super) fn hide_tokens(document: &mut Value, _: &Source) -> Result<usize> {
    let mut mended = 0;
    each_schema(document, |used, schema| {
        if !matches!(used, Use::Reply | Use::Component) {
            return;
        }
        for (name, property) in schema
            .get_mut("properties")
            .and_then(Value::as_object_mut)
            .into_iter()
            .flatten()
        {
            let is_text = property["type"] == "string" && property.get("enum").is_none();
            if is_text && names_a_secret(name) {
                let hidden = json!({ "$ref": format!("#/components/schemas/{HIDDEN}") });
                *property = match property["nullable"] == true {
                    true => json!({ "nullable": true, "allOf": [hidden] }),
                    false => hidden,
                };
                mended += 1;
            }
        }
    });
    if mended > 0 {
        document["components"]["schemas"][HIDDEN] = json!({ "type": "string" });
    }
    Ok(mended)
}

/// Whether a property is a secret by its last word: `token`, `temp_clone_token`, `client_secret`.
fn names_a_secret(property: &str) -> bool {
    let last = property.rsplit('_').next();
    last.is_some_and(|word| ["password", "pem", "secret", "token"].contains(&word))
}
