//! Replies: conversions from generated types to hand-written ones, field by field.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use super::body::EXTRA;
use crate::description::family::Scope;
use crate::repairs::components;
use crate::rust_names::pascal;

/// Whether a hand-written type has a property of this name.
pub(crate) fn reads(property: &str) -> bool {
    let mut fields = SHAPES.iter().flat_map(|(_, _, fields)| *fields);
    fields.any(|field| *field == property) || PAGE.contains(&property)
}

/// Whether a reply about secrets without a property of this name is of no use.
pub(crate) fn needs(property: &str) -> bool {
    requires(property) || property == WRITTEN_BACK
}

/// Whether a reply without a property of this name can't be read.
pub(crate) fn requires(property: &str) -> bool {
    let needed = |(component, _, _): &Shape| components::needed(component).contains(&property);
    SHAPES.iter().any(needed) || ENTRIES.contains(&property)
}

/// The conversions.
pub(super) fn shapes(repaired: &Value, scopes: &[Scope<'_>]) -> TokenStream {
    let schemas = &repaired["components"]["schemas"];
    if scopes.is_empty() && !schemas[components::PUBLIC_KEY].is_object() {
        return TokenStream::new();
    }
    let shapes = SHAPES.iter().map(|shape| conversion(schemas, shape));
    let pages = PAGES.iter().map(|page| page_conversion(schemas, page));
    quote!(#(#shapes)* #(#pages)*)
}

/// A component, the hand-written type that it becomes, and that one's fields.
type Shape = (&'static str, &'static str, &'static [&'static str]);

const SHAPES: [Shape; 3] = [
    (
        components::SECRET,
        "Secret",
        &[
            "name",
            "created_at",
            "updated_at",
            "visibility",
            "selected_repositories_url",
            EXTRA,
        ],
    ),
    (components::PUBLIC_KEY, "PublicKey", &["key_id", "key"]),
    (
        components::REPOSITORY,
        "Repository",
        &["id", "name", "full_name"],
    ),
];

/// What a put that keeps a secret's access reads and writes back.
const WRITTEN_BACK: &str = "visibility";

/// A page's component, the hand-written type of its entries, and the property that holds them.
type Page = (&'static str, &'static str, &'static str);

const PAGES: [Page; 2] = [
    (components::SECRET_PAGE, "Secret", ENTRIES[0]),
    (components::REPOSITORY_PAGE, "Repository", ENTRIES[1]),
];
const ENTRIES: [&str; 3] = ["secrets", "repositories", "configurations"];
const PAGE: [&str; 4] = ["total_count", ENTRIES[0], ENTRIES[1], ENTRIES[2]];

fn conversion(schemas: &Value, (component, shape, fields): &Shape) -> TokenStream {
    let schema = &schemas[component];
    if !schema.is_object() {
        return TokenStream::new();
    }
    let (from, shape) = (
        format_ident!("{}", pascal(component)),
        format_ident!("{shape}"),
    );
    let fields = fields.iter().map(|name| {
        let field = format_ident!("{name}");
        let there = *name == EXTRA || schema["properties"][*name].is_object();
        let needed = components::needed(component).contains(name);
        match (there, needed) {
            (true, true) => quote!(#field: reply.#field.into()),
            (true, false) => quote!(#field: reply.#field),
            (false, _) => quote!(#field: None),
        }
    });
    quote! {
        impl From<types::#from> for #shape {
            fn from(reply: types::#from) -> Self {
                Self { #(#fields),* }
            }
        }
    }
}

fn page_conversion(schemas: &Value, (page, entry, entries): &Page) -> TokenStream {
    if !schemas[page].is_object() {
        return TokenStream::new();
    }
    let page = format_ident!("{}", pascal(page));
    let (entry, entries) = (format_ident!("{entry}"), format_ident!("{entries}"));
    quote! {
        impl From<types::#page> for Page<#entry> {
            fn from(reply: types::#page) -> Self {
                Self {
                    total_count: reply.total_count,
                    items: reply.#entries.into_iter().map(Into::into).collect(),
                }
            }
        }
    }
}
