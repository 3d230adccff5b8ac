//! The code of one operation, and what of it a caller can name: the truth that verdicts are checked against.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use serde_json::Value;
use syn::{Fields, ImplItem, Item, Visibility};

use crate::codegen::made::Made;
use crate::codegen::{operations, progenitor};

/// The generated code of one operation, without docs.
pub(super) struct Code {
    text: String,
    surface: Surface,
}

/// What callers can name, by the type that it belongs to.
type Surface = BTreeMap<String, BTreeSet<String>>;

impl Code {
    /// The code for the repaired fragment of one operation.
    pub(super) fn of(repaired: &Value) -> Result<Self> {
        let tokens = undocumented(progenitor::tokens(repaired)?);
        let operation = operations::text(repaired, &Made::of(tokens.clone())?)?;
        let file: syn::File =
            syn::parse2(tokens.clone()).context("the generated code is not Rust")?;
        let mut surface = Surface::new();
        expose(&file.items, &mut surface);
        let text = format!("{tokens}\n{operation}");
        Ok(Self { text, surface })
    }

    /// Whether both are the same, byte for byte.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.text == other.text
    }

    /// What callers could name, and can't in `later`. Additions are judged by their facts: one more field breaks code
    /// that writes a struct, not code that reads it.
    pub(super) fn lost(&self, later: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, lines) in &self.surface {
            match later.surface.get(name) {
                None => found.push(name.clone()),
                Some(kept) => found.extend(lines.difference(kept).cloned()),
            }
        }
        found
    }
}

/// The same code without its docs.
fn undocumented(tokens: TokenStream) -> TokenStream {
    let mut kept: Vec<TokenTree> = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) if is_doc(&group) => {
                kept.pop();
            }
            TokenTree::Group(group) => {
                let inner = undocumented(group.stream());
                kept.push(Group::new(group.delimiter(), inner).into());
            }
            other => kept.push(other),
        }
    }
    kept.into_iter().collect()
}

fn is_doc(group: &Group) -> bool {
    let first = group.stream().into_iter().next();
    group.delimiter() == Delimiter::Bracket
        && matches!(first, Some(TokenTree::Ident(name)) if name == "doc")
}

/// Gathers one line for everything that a caller can name. Bodies of functions, and names in JSON, are not part of it.
fn expose(items: &[Item], found: &mut Surface) {
    for item in items {
        if let Item::Mod(item) = item {
            if let Some((_, items)) = &item.content {
                expose(items, found);
            }
            continue;
        }
        let mut add = |owner: TokenStream, tokens: TokenStream| {
            let lines = found.entry(line(owner)).or_default();
            lines.insert(line(tokens));
        };
        match item {
            Item::Struct(item) => {
                let (name, attributes) = (&item.ident, &item.attrs);
                add(quote!(#name), quote!(#(#attributes)* struct #name));
                for field in fields(&item.fields) {
                    add(quote!(#name), quote!(#name . #field));
                }
            }
            Item::Enum(item) => {
                let (name, attributes) = (&item.ident, &item.attrs);
                add(quote!(#name), quote!(#(#attributes)* enum #name));
                for variant in &item.variants {
                    let of = &variant.ident;
                    add(quote!(#name), quote!(#name :: #of));
                    for field in fields(&variant.fields) {
                        add(quote!(#name), quote!(#name :: #of . #field));
                    }
                }
            }
            Item::Impl(item) => {
                let (generics, of) = (&item.generics, &item.self_ty);
                if let Some((path, _)) = &item.trait_ {
                    add(quote!(#of), quote!(impl #generics #path for #of));
                    continue;
                }
                for each in &item.items {
                    if let ImplItem::Fn(each) = each
                        && matches!(each.vis, Visibility::Public(_))
                    {
                        let signature = &each.sig;
                        add(quote!(#of), quote!(#of :: #signature));
                    }
                }
            }
            Item::Type(item) => add(item.ident.to_token_stream(), item.to_token_stream()),
            _ => {}
        }
    }
}

fn fields(fields: &Fields) -> impl Iterator<Item = TokenStream> {
    fields.iter().enumerate().map(|(index, field)| {
        let kind = &field.ty;
        match &field.ident {
            Some(name) => quote!(#name: #kind),
            None => quote!(#index: #kind),
        }
    })
}

/// Tokens as text, with spaces where rustfmt has them.
fn line(tokens: TokenStream) -> String {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let text = tokens.to_string();
    let mut line = String::new();
    for piece in text.split(' ') {
        let joined =
            line.ends_with(|c| word(c) || matches!(c, ']' | '>')) && piece.starts_with(word);
        let apart = line.ends_with([',', ':']) && !line.ends_with("::");
        let arrow = piece == "->" || line.ends_with("->");
        if joined || apart || arrow {
            line.push(' ');
        }
        line.push_str(piece);
    }
    line
}
