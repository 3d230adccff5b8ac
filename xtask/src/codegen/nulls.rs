//! What a body leaves out stays as it is on the server, and what it says `null` of is cleared. progenitor has one `None` for
//! both; here a field that can say both gets a type that does.

use anyhow::{Context as _, Result};
use proc_macro2::TokenStream;
use quote::ToTokens as _;
use serde_json::{Map, Value};
use syn::visit_mut::{VisitMut, visit_item_mut};
use syn::{Attribute, Field, Item, parse_quote};

use super::made::inside;
use crate::description::facts::NULL;
use crate::description::walk::each_schema;

/// What reads such a field, in `codegen/src/reply.rs`: serde alone takes `null` for absence.
pub(crate) const READ: &str = "crate::reply::said";

/// The words of such a field. progenitor knows no marks; its docs carry them to the generated code.
const WORDS: &str = "`None` leaves it out, `Some(None)` says `null`.";

/// Gives the properties that are marked [`NULL`] their words.
pub(super) fn describe(document: &mut Value) {
    each_schema(document, |_, schema| {
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for property in properties.into_iter().flat_map(Map::values_mut) {
            if property[NULL] == true {
                property["description"] = WORDS.into();
            }
        }
    });
}

/// The code with a type for both at every field that has the words.
pub(super) fn told(code: TokenStream) -> Result<TokenStream> {
    let mut file: syn::File = syn::parse2(code).context("the generated code is not Rust")?;
    Fields.visit_file_mut(&mut file);
    Ok(file.to_token_stream())
}

struct Fields;

impl VisitMut for Fields {
    fn visit_field_mut(&mut self, field: &mut Field) {
        let Some(kind) = inside(&field.ty, "Option").filter(|_| has_words(&field.attrs)) else {
            return;
        };
        field.ty = parse_quote!(::std::option::Option<::std::option::Option<#kind>>);
        field
            .attrs
            .push(parse_quote!(#[serde(default, deserialize_with = #READ)]));
    }

    /// A type that is made of the schema of such a field is described as all others are.
    fn visit_item_mut(&mut self, item: &mut Item) {
        visit_item_mut(self, item);
        let (name, attributes) = match item {
            Item::Struct(item) => (&item.ident, &mut item.attrs),
            Item::Enum(item) => (&item.ident, &mut item.attrs),
            Item::Type(item) => (&item.ident, &mut item.attrs),
            _ => return,
        };
        if has_words(attributes) {
            let docs = format!("`{name}`");
            attributes.retain(|each| !each.path().is_ident("doc"));
            attributes.insert(0, parse_quote!(#[doc = #docs]));
        }
    }
}

fn has_words(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|each| {
        let text = each.meta.require_name_value().ok();
        let text = text.filter(|it| it.path.is_ident("doc"));
        text.is_some_and(|it| it.value.to_token_stream().to_string().contains(WORDS))
    })
}
