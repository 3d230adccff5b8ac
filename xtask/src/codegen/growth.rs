//! Generated types grow without breaking callers: all are marked so, and those that callers write out get a function `new`,
//! which takes what must be in them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::{FnArg, ImplItem, Item, parse_quote};

use super::made::{inside, is_client};

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
            let parts = inside.entry(item.ident.to_string()).or_default();
            parts.extend(words(fields));
        }
        Item::Enum(item) => {
            let variants = item.variants.to_token_stream();
            inside.insert(item.ident.to_string(), words(variants));
        }
        Item::Type(item) => {
            inside.insert(item.ident.to_string(), words(item.ty.to_token_stream()));
        }
        Item::Impl(item) if is_client(item) => {
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

/// Marks what may grow: structs with fields, which have a `new` if they are `sent` and have no default, and every enum.
/// Callers name the variants of enums, and `#[non_exhaustive]` forbids only to match them all.
pub fn mark(file: &mut syn::File, sent: &BTreeSet<String>) {
    each_list_mut(&mut file.items, &mut |items| {
        let mut constructors = Vec::new();
        for item in &mut *items {
            match item {
                Item::Struct(item) => {
                    let named = matches!(item.fields, syn::Fields::Named(_));
                    let visible = item.fields.iter().all(|field| is_public(&field.vis));
                    if !named || !visible {
                        continue;
                    }
                    item.attrs.push(parse_quote!(#[non_exhaustive]));
                    if sent.contains(&item.ident.to_string()) && !derives_default(item) {
                        constructors.push(constructor(item));
                    }
                }
                Item::Enum(item) => item.attrs.push(parse_quote!(#[non_exhaustive])),
                _ => {}
            }
        }
        let with_default = defaults(items);
        let constructors = constructors.into_iter();
        let of_others = constructors.filter(|(name, _)| !with_default.contains(name));
        items.extend(of_others.map(|(_, constructor)| constructor));
    });
}

/// The function that makes a struct of what must be in it, in the order of its fields.
fn constructor(item: &syn::ItemStruct) -> (String, Item) {
    let (mut arguments, mut fields) = (Vec::new(), Vec::new());
    for field in &item.fields {
        let (Some(name), kind) = (&field.ident, &field.ty) else {
            continue;
        };
        fields.push(match default_of(field) {
            None => {
                arguments.push(quote!(#name: #kind));
                quote!(#name)
            }
            Some(default) => quote!(#name: #default),
        });
    }
    let name = &item.ident;
    let constructor = parse_quote! {
        impl #name {
            /// With what must be in it.
            pub fn new(#(#arguments),*) -> Self {
                Self { #(#fields),* }
            }
        }
    };
    (name.to_string(), constructor)
}

/// The value of a field that `new` does not take; `None` if it must be given.
fn default_of(field: &syn::Field) -> Option<TokenStream> {
    let mut found = None;
    for attribute in field
        .attrs
        .iter()
        .filter(|each| each.path().is_ident("serde"))
    {
        // Other keys, and attributes that are no list of keys, say nothing about defaults.
        let _ = attribute.parse_nested_meta(|meta| {
            let value = match meta.input.peek(syn::Token![=]) {
                true => Some(meta.value()?.parse::<syn::Expr>()?),
                false => None,
            };
            let usual = || match inside(&field.ty, "Option") {
                Some(_) => quote!(None),
                None => quote!(::std::default::Default::default()),
            };
            if meta.path.is_ident("default") {
                let function = value.and_then(|value| path_in(&value));
                found = Some(function.map_or_else(usual, |function| quote!(#function())));
            } else if meta.path.is_ident("skip_serializing_if") || meta.path.is_ident("flatten") {
                found.get_or_insert_with(usual);
            }
            Ok(())
        });
    }
    found
}

/// The path that stands in a string.
fn path_in(value: &syn::Expr) -> Option<syn::Path> {
    let text: syn::LitStr = syn::parse2(value.to_token_stream()).ok()?;
    text.parse().ok()
}

fn derives_default(item: &syn::ItemStruct) -> bool {
    let mut derives = item
        .attrs
        .iter()
        .filter(|each| each.path().is_ident("derive"));
    derives.any(|each| words(each.to_token_stream()).contains("Default"))
}

/// The types among these items for which `Default` is written out.
fn defaults(items: &[Item]) -> BTreeSet<String> {
    let of_type = |item: &Item| match item {
        Item::Impl(item) => {
            let (implemented, _) = item.trait_.as_ref()?;
            let last = implemented.segments.last()?;
            (last.ident == "Default").then(|| item.self_ty.to_token_stream().to_string())
        }
        _ => None,
    };
    items.iter().filter_map(of_type).collect()
}

fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
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

/// The lists of items of all modules.
fn each_list_mut(items: &mut Vec<Item>, visit: &mut impl FnMut(&mut Vec<Item>)) {
    visit(items);
    for item in items {
        if let Item::Mod(module) = item
            && let Some((_, items)) = &mut module.content
        {
            each_list_mut(items, visit);
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
