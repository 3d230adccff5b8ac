//! Bodies: from the one hand-written `Put` to the body of each operation.

use anyhow::{Context as _, Result, bail};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::{Map, Value};

use super::fit::{ANY, DEFAULT};
use crate::description::Operation;
use crate::description::facts::NULL;
use crate::repairs::components::{ENCRYPTED_VALUE, TEXT_BEFORE};
use crate::rust_names::{field, pascal};

/// The schema of an operation's JSON body.
pub(super) fn schema(operation: &Value) -> &Value {
    &operation["requestBody"]["content"]["application/json"]["schema"]
}

/// Whether a property has the type that holds no plaintext. It may be `null` as well.
pub(super) fn is_sealed_value(property: &Value) -> bool {
    let sealed = format!("#/components/schemas/{ENCRYPTED_VALUE}");
    [property, &property["allOf"][0]]
        .iter()
        .any(|it| it["$ref"] == sealed)
}

/// Whether an object schema requires a property.
pub(super) fn requires(schema: &Value, name: &str) -> bool {
    schema["required"]
        .as_array()
        .is_some_and(|names| names.iter().any(|each| each == name))
}

/// A body: the checks that come first, the struct, and the fields with their types.
pub(super) struct Body {
    pub(super) before: TokenStream,
    pub(super) argument: TokenStream,
    pub(super) fields: Vec<(String, String)>,
}

/// The body of a write.
pub(super) fn put(operation: &Operation<'_>) -> Result<Body> {
    let known = [
        ("encrypted_value", Given::Sealed),
        ("key_id", Given::Text),
        ("visibility", Given::Text),
        ("selected_repository_ids", Given::Ids),
    ]
    .map(|(name, given)| {
        let field = field(name);
        (name, Known::of(quote!(put.#field), given))
    });
    let properties = &schema(operation.node)["properties"];
    let absent = known
        .iter()
        .filter(|(name, _)| properties.get(name).is_none());
    let absent =
        absent.map(|(name, Known { value, .. })| quote!(refuse(#value.is_some(), #name)?;));
    let before = quote!(#(#absent)*);
    Ok(Body {
        before,
        ..of(operation, |wanted| {
            let (_, known) = known.iter().find(|(name, _)| *name == wanted)?;
            Some(known.clone())
        })?
    })
}

/// The body that selects repositories.
pub(super) fn ids(operation: &Operation<'_>) -> Result<Body> {
    const IDS: &str = "selected_repository_ids";
    if schema(operation.node)["properties"].get(IDS).is_none() {
        bail!("its body has no `{IDS}`");
    }
    of(operation, |name| {
        (name == IDS).then(|| Known::of(quote!(Some(ids)), Given::Ids))
    })
}

/// The body with what is known of its properties, and without the rest.
pub(super) fn of(operation: &Operation<'_>, known: impl Fn(&str) -> Option<Known>) -> Result<Body> {
    let schema = schema(operation.node);
    let properties = schema["properties"]
        .as_object()
        .context("its body is not an object")?;
    if properties.values().any(is_sealed_value) && !properties.contains_key("key_id") {
        bail!(
            "its body takes a sealed value and no `key_id`, so that each write with one would be refused"
        );
    }
    let (mut fields, mut kinds) = (Vec::new(), Vec::new());
    for (name, property) in properties {
        let field = field(name);
        let (value, kind) = if let Some(known) = known(name) {
            field_value(known, schema, name, property)?
        } else if requires(schema, name) {
            bail!("its body requires `{name}`, of which the dispatch knows nothing");
        } else {
            (quote!(Default::default()), DEFAULT.to_owned())
        };
        fields.push(quote!(#field: #value));
        kinds.push((field.to_string(), kind));
    }
    if schema.as_object().is_some_and(takes_more) {
        let field = field(EXTRA);
        fields.push(quote!(#field: Default::default()));
        kinds.push((field.to_string(), DEFAULT.to_owned()));
    }
    let name = format_ident!("{}", name_of(operation));
    Ok(Body {
        before: TokenStream::new(),
        argument: quote!(types::#name { #(#fields),* }),
        fields: kinds,
    })
}

/// The field of a generated struct that holds the properties which the description has no names for.
pub(crate) const EXTRA: &str = "extra";

/// Whether the struct that is generated for an object has [`EXTRA`]: `true` alone gives it none.
pub(crate) fn takes_more(object: &Map<String, Value>) -> bool {
    let more = object.get("additionalProperties");
    more.is_some_and(Value::is_object)
}

/// The type of an operation's body.
pub(super) fn name_of(operation: &Operation<'_>) -> String {
    format!("{}Body", pascal(operation.id))
}

/// What callers give for a property: an optional reference to it, or for a boolean the optional value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    Text,
    Boolean,
    Ids,
    Sealed,
}

/// What is known of a property.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// What callers give: an expression.
    pub(super) value: TokenStream,
    pub(super) given: Given,
    /// Whether callers say `null` instead, if they can.
    pub(super) null: Option<TokenStream>,
}

impl Known {
    /// What callers never say `null` of.
    fn of(value: TokenStream, given: Given) -> Self {
        let null = None;
        Self { value, given, null }
    }
}

/// Whether a property says something by `null` that it does not say by being left out.
pub(super) fn takes_null(property: &Value) -> bool {
    property[NULL] == true
}

impl Given {
    /// What a property takes, if the dispatch knows its type.
    pub(super) fn of(property: &Value) -> Option<Self> {
        let items = &property["items"]["type"];
        match property["type"].as_str() {
            _ if is_sealed_value(property) => Some(Self::Sealed),
            Some("string") => Some(Self::Text),
            Some("boolean") => Some(Self::Boolean),
            Some("array") if items == "integer" => Some(Self::Ids),
            Some("array") if property[TEXT_BEFORE].is_string() => Some(Self::Ids),
            _ => None,
        }
    }
}

/// The expression for a body's field, made from an optional argument, and the field's type.
fn field_value(
    known: Known,
    schema: &Value,
    name: &str,
    property: &Value,
) -> Result<(TokenStream, String)> {
    let Known { value, given, null } = known;
    let (value, kind) =
        argument(value, given, property).with_context(|| format!("`{name}` of its body"))?;
    let value = match (null, takes_null(property)) {
        (None, false) => value,
        (None, true) => quote!(#value.map(Some)),
        (Some(null), true) => quote!(if #null { Some(None) } else { #value.map(Some) }),
        (Some(null), false) => quote!({ refuse(#null, #name)?; #value }),
    };
    Ok(match (requires(schema, name), takes_null(property)) {
        (true, _) if property["nullable"] == true => (
            quote!(Some(required(#value, #name)?)),
            format!("Option<{kind}>"),
        ),
        (true, _) => (quote!(required(#value, #name)?), kind.to_owned()),
        (false, false) => (value, format!("Option<{kind}>")),
        (false, true) => (value, format!("Option<Option<{kind}>>")),
    })
}

/// The conversion of an optional argument to a property's type, and that type.
fn argument(
    value: TokenStream,
    given: Given,
    property: &Value,
) -> Result<(TokenStream, &'static str)> {
    let unknown = || bail!("is of a type that the dispatch does not know: {property}");
    if Given::of(property) != Some(given) {
        return unknown();
    }
    Ok(match given {
        Given::Text if property["enum"].is_array() => (quote!(choice(#value)?), ANY),
        Given::Text => (quote!(#value.map(str::to_owned)), "String"),
        Given::Boolean => (value, "bool"),
        Given::Sealed => (quote!(#value.cloned()), "EncryptedValue"),
        Given::Ids if property["items"]["type"] == "integer" => {
            (quote!(#value.map(<[i64]>::to_vec)), "Vec<i64>")
        }
        Given::Ids => {
            let Some(version) = property[TEXT_BEFORE].as_str() else {
                return unknown();
            };
            (
                quote!(#value.map(|ids| repository_ids(self, ids, #version))),
                "Vec<RepositoryId>",
            )
        }
    })
}
