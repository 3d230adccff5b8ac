//! Replies: conversions from generated types to hand-written ones, field by field.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use super::body;
use crate::description::family::Scope;
use crate::repairs::components;
use crate::rust_names::pascal;

/// Whether a hand-written type has a property of this name.
pub(crate) fn reads(property: &str) -> bool {
    fields().any(|(name, _)| *name == property) || PAGE.contains(&property)
}

/// Whether a reply without a property of this name can't be converted.
pub(crate) fn needs(property: &str) -> bool {
    fields().any(|(name, kind)| *name == property && *kind == Kind::Plain)
        || PAGE.contains(&property)
}

/// The conversions.
pub(super) fn shapes(repaired: &Value, scopes: &[Scope<'_>]) -> TokenStream {
    let schemas = &repaired["components"]["schemas"];
    let convert = |component: &str, shape: &str, fields: &[(&str, Kind)]| {
        let schema = &schemas[component];
        if !schema.is_object() {
            return TokenStream::new();
        }
        let from = format_ident!("{}", pascal(component));
        let shape = format_ident!("{shape}");
        let fields = fields.iter().map(|(name, kind)| {
            let field = format_ident!("{name}");
            let value = kind.read(
                name,
                &schema["properties"][*name],
                body::requires(schema, name),
            );
            quote!(#field: #value)
        });
        quote! {
            impl From<types::#from> for #shape {
                fn from(reply: types::#from) -> Self {
                    Self { #(#fields),* }
                }
            }
        }
    };
    let secret = convert(components::SECRET, "Secret", SECRET);
    let key = convert(components::PUBLIC_KEY, "PublicKey", PUBLIC_KEY);
    let repository = convert(components::REPOSITORY, "Repository", REPOSITORY);
    let page = |page: &str, item: &str, items: &str| {
        if !schemas[page].is_object() {
            return TokenStream::new();
        }
        let (page, item, items) = (
            format_ident!("{}", pascal(page)),
            format_ident!("{item}"),
            format_ident!("{items}"),
        );
        quote! {
            impl From<types::#page> for Page<#item> {
                fn from(reply: types::#page) -> Self {
                    Self { total_count: reply.total_count, items: reply.#items.into_iter().map(Into::into).collect() }
                }
            }
        }
    };
    let secrets = page(components::SECRET_PAGE, "Secret", "secrets");
    let repositories = page(components::REPOSITORY_PAGE, "Repository", "repositories");
    if scopes.is_empty() && !schemas[components::PUBLIC_KEY].is_object() {
        return TokenStream::new();
    }
    quote!(#secret #key #repository #secrets #repositories)
}

const SECRET: &[(&str, Kind)] = &[
    ("name", Kind::Plain),
    ("created_at", Kind::Plain),
    ("updated_at", Kind::Plain),
    ("visibility", Kind::Optional),
    ("selected_repositories_url", Kind::Optional),
];
const PUBLIC_KEY: &[(&str, Kind)] = &[("key_id", Kind::Plain), ("key", Kind::Plain)];
const REPOSITORY: &[(&str, Kind)] = &[
    ("id", Kind::Plain),
    ("name", Kind::Plain),
    ("full_name", Kind::Plain),
];

/// The fields of pages.
const PAGE: [&str; 4] = ["total_count", "secrets", "repositories", "configurations"];

fn fields() -> impl Iterator<Item = &'static (&'static str, Kind)> {
    [SECRET, PUBLIC_KEY, REPOSITORY].into_iter().flatten()
}

/// How a field of a hand-written type is read.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Always there; if the description makes it optional, the default where it is absent.
    Plain,
    /// An `Option`.
    Optional,
}

impl Kind {
    fn read(self, name: &str, property: &Value, required: bool) -> TokenStream {
        let field = format_ident!("{name}");
        let present = property.is_object();
        let certain = required && property["nullable"] != true;
        match (self, present, certain) {
            (Self::Plain, true, true) => quote!(reply.#field.into()),
            (Self::Plain, true, false) => quote!(reply.#field.map(Into::into).unwrap_or_default()),
            (Self::Plain, false, _) => quote!(Default::default()),
            (Self::Optional, true, true) => quote!(Some(reply.#field)),
            (Self::Optional, true, false) => quote!(reply.#field),
            (Self::Optional, false, _) => quote!(None),
        }
    }
}
