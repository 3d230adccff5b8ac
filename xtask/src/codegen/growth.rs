//! Which generated types may grow without breaking callers: those that callers only read.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{FnArg, ImplItem, Item, parse_quote};

/// A generated client with [`mark`]s.
pub fn marked(client: TokenStream) -> Result<TokenStream> {
    let mut file: syn::File = syn::parse2(client).context("the generated code is not Rust")?;
    let sent = sent(&file);
    mark(&mut file, &sent);
    Ok(file.to_token_stream())
}

/// The types that callers write out, by name: arguments of methods, and what is in them. All others are replies.
pub fn sent(file: &syn::File) -> BTreeSet<String> {
    let mut inside: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut open = Vec::new();
    each_item(&file.items, &mut |item| match item {
        Item::Struct(item) => {
            let fields = item.fields.to_token_stream();
            inside.insert(item.ident.to_string(), words(fields));
        }
        Item::Enum(item) => {
            let variants = item.variants.to_token_stream();
            inside.insert(item.ident.to_string(), words(variants));
        }
        Item::Type(item) => {
            inside.insert(item.ident.to_string(), words(item.ty.to_token_stream()));
        }
        Item::Impl(item) if item.trait_.is_none() && is_client(item) => {
            for member in &item.items {
                let ImplItem::Fn(method) = member else {
                    continue;
                };
                for argument in &method.sig.inputs {
                    if let FnArg::Typed(argument) = argument {
                        open.extend(words(argument.ty.to_token_stream()));
                    }
                }
            }
        }
        _ => {}
    });
    let mut found = BTreeSet::new();
    while let Some(name) = open.pop() {
        if let Some(parts) = inside.get(&name)
            && found.insert(name)
        {
            open.extend(parts.iter().cloned());
        }
    }
    found
}

/// Marks what may grow: structs with fields that are not `sent`, and every enum. Callers name the variants of enums, and
/// `#[non_exhaustive]` forbids only to match them all.
pub fn mark(file: &mut syn::File, sent: &BTreeSet<String>) {
    each_item_mut(&mut file.items, &mut |item| match item {
        Item::Struct(item) => {
            let named = matches!(item.fields, syn::Fields::Named(_));
            let visible = item.fields.iter().all(|field| is_public(&field.vis));
            if named && visible && !sent.contains(&item.ident.to_string()) {
                item.attrs.push(parse_quote!(#[non_exhaustive]));
            }
        }
        Item::Enum(item) => item.attrs.push(parse_quote!(#[non_exhaustive])),
        _ => {}
    });
}

fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}

fn is_client(item: &syn::ItemImpl) -> bool {
    item.self_ty.to_token_stream().to_string() == "Client"
}

/// The items of all modules.
fn each_item(items: &[Item], visit: &mut impl FnMut(&Item)) {
    for item in items {
        match item {
            Item::Mod(module) => {
                if let Some((_, items)) = &module.content {
                    each_item(items, visit);
                }
            }
            item => visit(item),
        }
    }
}

fn each_item_mut(items: &mut [Item], visit: &mut impl FnMut(&mut Item)) {
    for item in items {
        match item {
            Item::Mod(module) => {
                if let Some((_, items)) = &mut module.content {
                    each_item_mut(items, visit);
                }
            }
            item => visit(item),
        }
    }
}

/// The identifiers in tokens.
fn words(tokens: TokenStream) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for token in tokens {
        match token {
            TokenTree::Ident(word) => {
                found.insert(word.to_string());
            }
            TokenTree::Group(group) => found.extend(words(group.stream())),
            _ => {}
        }
    }
    found
}
