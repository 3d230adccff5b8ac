//! Bodies: from the one hand-written `Put` to the body of each operation.

use anyhow::{Context as _, Result, bail};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use crate::description::Operation;
use crate::repairs::components::{ENCRYPTED_VALUE, TEXT_BEFORE};
use crate::rust_names::{field, pascal};

/// The schema of an operation's JSON body.
pub(super) fn schema(operation: &Value) -> &Value {
    &operation["requestBody"]["content"]["application/json"]["schema"]
}

/// Whether a property has the type that holds no plaintext.
pub(super) fn is_sealed_value(property: &Value) -> bool {
    property["$ref"] == format!("#/components/schemas/{ENCRYPTED_VALUE}")
}

/// Whether an object schema requires a property.
pub(super) fn requires(schema: &Value, name: &str) -> bool {
    schema["required"]
        .as_array()
        .is_some_and(|names| names.iter().any(|each| each == name))
}

/// The body of a write: the checks that come first, and the argument.
pub(super) fn put(operation: &Operation<'_>) -> Result<(TokenStream, TokenStream)> {
    let schema = schema(operation.node);
    let properties = schema["properties"]
        .as_object()
        .context("its body is not an object")?;
    let known = [
        "encrypted_value",
        "key_id",
        "visibility",
        "selected_repository_ids",
    ];
    let absent = known
        .iter()
        .filter(|name| !properties.contains_key(**name))
        .map(|name| {
            let field = field(name);
            quote!(refuse(put.#field.is_some(), #name)?;)
        });
    let mut fields = Vec::new();
    for (name, property) in properties {
        let field = field(name);
        if !known.contains(&name.as_str()) {
            if requires(schema, name) {
                bail!("its body requires `{name}`, of which the dispatch knows nothing");
            }
            fields.push(quote!(#field: Default::default()));
            continue;
        }
        let value = argument(quote!(put.#field), property)
            .with_context(|| format!("`{name}` of its body"))?;
        fields.push(if requires(schema, name) {
            quote!(#field: required(#value, #name)?)
        } else {
            quote!(#field: #value)
        });
    }
    let name = format_ident!("{}Body", pascal(operation.id));
    Ok((quote!(#(#absent)*), quote!(&types::#name { #(#fields),* })))
}

/// The body that selects repositories.
pub(super) fn ids(operation: &Operation<'_>) -> Result<TokenStream> {
    let schema = schema(operation.node);
    let property = &schema["properties"]["selected_repository_ids"];
    let value =
        argument(quote!(Some(ids)), property).context("`selected_repository_ids` of its body")?;
    let value = if requires(schema, "selected_repository_ids") {
        quote!(required(#value, "selected_repository_ids")?)
    } else {
        value
    };
    let name = format_ident!("{}Body", pascal(operation.id));
    Ok(quote!(&types::#name { selected_repository_ids: #value }))
}

/// The conversion of an optional argument to a property's type.
pub(super) fn argument(value: TokenStream, property: &Value) -> Result<TokenStream> {
    Ok(
        match (
            property["type"].as_str(),
            property["items"]["type"].as_str(),
        ) {
            (Some("string"), _) if property["enum"].is_array() => quote!(choice(#value)?),
            (Some("string"), _) => quote!(#value.map(str::to_owned)),
            (Some("boolean"), _) => value,
            (Some("array"), Some("integer")) => quote!(#value.map(<[i64]>::to_vec)),
            _ if is_sealed_value(property) => quote!(#value.cloned()),
            (Some("array"), None) if property[TEXT_BEFORE].is_string() => {
                let version = property[TEXT_BEFORE].as_str();
                quote!(#value.map(|ids| repository_ids(self, ids, #version)))
            }
            _ => bail!("is of a type that the dispatch does not know: {property}"),
        },
    )
}
