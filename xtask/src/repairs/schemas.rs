//! Repairs of schemas, whatever they are used for.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::{Value, json};

use super::walk::{Use, each_schema};
use crate::source::Source;

/// Patterns, lengths and formats would bring a regex engine and a date library into the client,
/// and fallible newtypes that print what they hold. The server checks anyway. `binary` stays: it
/// decides how a body travels.
pub(super) fn drop_facets(document: &mut Value, _: &Source) -> Result<usize> {
    let mut mended = 0;
    each_schema(document, |_, schema| {
        for key in ["pattern", "minLength", "maxLength"] {
            mended += usize::from(schema.remove(key).is_some());
        }
        let textual = schema.get("type").is_some_and(|kind| kind == "string");
        if textual
            && schema
                .get("format")
                .is_some_and(|format| format != "binary")
        {
            schema.remove("format");
            mended += 1;
        }
    });
    Ok(mended)
}

/// A default in a body would be sent whether or not the caller named it: a PATCH of a private
/// registry would always reset `replaces_base`.
pub(super) fn drop_defaults(document: &mut Value, _: &Source) -> Result<usize> {
    let mut mended = 0;
    each_schema(document, |_, schema| {
        mended += usize::from(schema.remove("default").is_some())
    });
    Ok(mended)
}

/// Values that differ only in what a Rust name can't hold (`reactions-+1`, `reactions--1`) make
/// progenitor panic. Such an enum becomes text.
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
        if !plainly && !distinct(&|name| name.replace(odd, "X").to_pascal_case()) {
            schema.remove("enum");
            mended += 1;
        }
    });
    Ok(mended)
}

/// The name of the component that stands for text that must not be printed; generation replaces
/// it by a hand-written type.
pub const HIDDEN: &str = "hidden-text";

/// A token in a reply is text that must not be printed, and every generated type derives `Debug`.
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
            if name == "token" && property["type"] == "string" && property["nullable"] != true {
                *property = json!({ "$ref": format!("#/components/schemas/{HIDDEN}") });
                mended += 1;
            }
        }
    });
    if mended > 0 {
        document["components"]["schemas"][HIDDEN] = json!({ "type": "string" });
    }
    Ok(mended)
}
