//! Replies: from the generated types to the hand-written ones, field by field.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use super::body;
use crate::family::Scope;
use crate::generate::pascal;
use crate::repairs;

/// From the generated types to the hand-written ones, field by field.
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
    use Kind::{Optional, Plain};
    let secret = convert(
        repairs::SECRET,
        "Secret",
        &[
            ("name", Plain),
            ("created_at", Plain),
            ("updated_at", Plain),
            ("visibility", Optional),
            ("selected_repositories_url", Optional),
        ],
    );
    let key = convert(
        repairs::PUBLIC_KEY,
        "PublicKey",
        &[("key_id", Plain), ("key", Plain)],
    );
    let repository = convert(
        repairs::REPOSITORY,
        "Repository",
        &[("id", Plain), ("name", Plain), ("full_name", Plain)],
    );
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
    let secrets = page(repairs::SECRET_PAGE, "Secret", "secrets");
    let repositories = page(repairs::REPOSITORY_PAGE, "Repository", "repositories");
    if scopes.is_empty() && !schemas[repairs::PUBLIC_KEY].is_object() {
        return TokenStream::new();
    }
    quote!(#secret #key #repository #secrets #repositories)
}

/// How a field of a reply is read into ours.
#[derive(Clone, Copy)]
enum Kind {
    /// It must be there; if the description makes it optional, its absence is the default.
    Plain,
    /// It may be there.
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
