//! What is known of each operation, `codegen/src/operations.rs`: its id, method and path, what it costs, and of what it
//! is a list. Hand-written is only the shape, in `codegen/src/operation.rs`.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use heck::ToShoutySnakeCase as _;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use serde_json::Value;
use syn::Type;

use super::made::{Made, inside, type_name};
use super::progenitor::render;
use crate::description::facts::creates_content;
use crate::description::walk::parameters;
use crate::description::{Operation, operations};
use crate::rust_names::snake;

const DOCS: &str = "//! Every operation that the client has, as a constant: what to call it by, and what it costs.\n";

/// The text of `operations.rs`.
pub(crate) fn text(repaired: &Value, made: &Made) -> Result<String> {
    let mut constants = Vec::new();
    let mut names = Vec::new();
    let mut pages = BTreeMap::new();
    let mut all = operations(repaired);
    all.sort_by_key(|operation| operation.id);
    for operation in &all {
        let list =
            list(repaired, operation, made).with_context(|| format!("`{}`", operation.id))?;
        constants.push(constant(operation, list.as_ref()));
        names.push(name(operation.id));
        if let Some((page, entries)) = list.and_then(|list| list.page) {
            pages.insert(page, entries);
        }
    }
    let pages = pages
        .iter()
        .map(|(page, entries)| paged(page, entries, made));
    let pages = pages.collect::<Result<Vec<_>>>()?;
    let file = quote! {
        pub use crate::operation::{Cost, Operation, Paged};
        use crate::types;

        #(#constants)*

        /// Every operation, by id.
        pub const ALL: &[Operation] = &[#(#names),*];

        #(#pages)*
    };
    render(file, DOCS)
}

/// The constant of an operation.
pub(crate) fn name(id: &str) -> Ident {
    format_ident!("{}", snake(id).to_shouty_snake_case())
}

fn constant(operation: &Operation<'_>, list: Option<&List>) -> TokenStream {
    let Operation {
        id, path, method, ..
    } = operation;
    let (name, function, method) = (name(id), snake(id), method.to_uppercase());
    let docs = format!(" `{method} {path}`");
    let cost = match method.as_str() {
        _ if creates_content(operation.node) => quote!(Content),
        "GET" | "HEAD" | "OPTIONS" => quote!(Read),
        _ => quote!(Write),
    };
    let entries = match list {
        Some(list) => {
            let entries = &list.entries;
            quote!(Some(#entries))
        }
        None => quote!(None),
    };
    quote! {
        #[doc = #docs]
        pub const #name: Operation = Operation {
            id: #id,
            function: #function,
            method: #method,
            path: #path,
            cost: Cost::#cost,
            entries: #entries,
        };
    }
}

/// A list that is paged by number.
struct List {
    /// What its entries are called.
    entries: String,
    /// The type of its pages, and the field that holds the entries; none if a page is a plain `Vec`.
    page: Option<(String, String)>,
}

/// The list that an operation gives, if it is one that is paged by number.
fn list(repaired: &Value, operation: &Operation<'_>, made: &Made) -> Result<Option<List>> {
    let numbered = ["page", "per_page"].iter().all(|wanted| {
        parameters(repaired, operation).any(|each| each["in"] == "query" && each["name"] == *wanted)
    });
    if !numbered {
        return Ok(None);
    }
    let method = made.method(&snake(operation.id));
    let reply = &method.context("it has no generated method")?.reply;
    let reply = inside(reply, "Option").unwrap_or(reply);
    if inside(reply, "Vec").is_some() {
        let words = operation
            .path
            .rsplit('/')
            .find(|piece| !piece.starts_with('{'));
        let entries = words.unwrap_or_default().to_owned();
        return Ok(Some(List {
            entries,
            page: None,
        }));
    }
    let Some(page) = type_name(reply) else {
        return Ok(None);
    };
    let fields = made.fields(&page).unwrap_or_default();
    let is_list = |kind: &Type| inside(kind, "Vec").is_some();
    let lists: Vec<_> = fields.iter().filter(|field| is_list(&field.kind)).collect();
    Ok(match lists.as_slice() {
        // Without a list that is always there, a page that lacks it would look like the last one.
        [entries] => Some(List {
            entries: entries.name.clone(),
            page: Some((page, entries.name.clone())),
        }),
        _ => None,
    })
}

/// How a type of pages is read.
fn paged(page: &str, entries: &str, made: &Made) -> Result<TokenStream> {
    let fields = made.fields(page).unwrap_or_default();
    let kind = |name: &str| fields.iter().find(|each| each.name == name);
    let item = kind(entries).and_then(|field| inside(&field.kind, "Vec"));
    let item = item.context("a page without entries")?;
    let item = in_types(item, made);
    let total = total(kind("total_count").map(|field| &field.kind));
    let (page, entries) = (format_ident!("{page}"), format_ident!("{entries}"));
    Ok(quote! {
        impl Paged for types::#page {
            type Item = #item;

            fn total_count(&self) -> Option<i64> {
                #total
            }

            fn into_items(self) -> Vec<Self::Item> {
                self.#entries
            }
        }
    })
}

/// How many entries all pages have: some descriptions tell it as a number that need not be whole, or not as a number.
fn total(kind: Option<&Type>) -> TokenStream {
    let Some(kind) = kind else {
        return quote!(None);
    };
    let value = match inside(kind, "Option") {
        Some(_) => quote!(self.total_count),
        None => quote!(Some(self.total_count)),
    };
    let kind = inside(kind, "Option").unwrap_or(kind);
    match type_name(kind).as_deref() {
        Some("i64") => value,
        Some("f64") => quote!(#value.map(|total| total as i64)),
        _ => quote!(None),
    }
}

/// A type as it is named outside the module of generated types.
fn in_types(kind: &Type, made: &Made) -> TokenStream {
    match type_name(kind).filter(|name| made.has_type(name)) {
        Some(name) => {
            let name = format_ident!("{name}");
            quote!(types::#name)
        }
        None => quote!(#kind),
    }
}
