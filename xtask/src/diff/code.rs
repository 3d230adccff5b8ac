//! The code of one operation, and what of it a caller can name: the truth that verdicts are checked against.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use serde_json::Value;
use syn::{Fields, ImplItem, Item, Visibility};

use crate::codegen::made::Made;
use crate::codegen::{growth, operations, progenitor};

/// The generated code of one operation, without docs.
pub(super) struct Code {
    text: String,
    surface: Surface,
}

/// The types that callers write out, in all that is generated of a repaired fragment.
pub(super) fn sent(repaired: &Value) -> Result<BTreeSet<String>> {
    let file: syn::File = syn::parse2(progenitor::tokens(repaired)?)?;
    Ok(growth::sent(&file))
}

/// What callers can name, by the type that it belongs to.
type Surface = BTreeMap<String, Named>;

/// What callers can name of one type.
#[derive(Default)]
struct Named {
    lines: BTreeSet<String>,
    /// Fields that callers write out, and variants that they match, if these must be complete.
    complete: Option<BTreeSet<String>>,
}

impl Code {
    /// The code for the repaired fragment of one operation. Callers write out the types that are `sent` in all code.
    pub(super) fn of(repaired: &Value, sent: &BTreeSet<String>) -> Result<Self> {
        let tokens = undocumented(progenitor::tokens(repaired)?);
        let operation = operations::text(repaired, &Made::of(tokens.clone())?)?;
        let mut file: syn::File = syn::parse2(tokens).context("the generated code is not Rust")?;
        growth::mark(&mut file, sent);
        let mut surface = Surface::new();
        expose(&file.items, &mut surface);
        let text = format!("{}\n{operation}", file.to_token_stream());
        Ok(Self { text, surface })
    }

    /// Whether both are the same, byte for byte.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.text == other.text
    }

    /// What callers could write and can't in `later`: names that are gone, and what has to be complete and is no more.
    pub(super) fn losses_in(&self, later: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, before) in &self.surface {
            let Some(after) = later.surface.get(name) else {
                found.push(format!("no longer has `{name}`"));
                continue;
            };
            let lost = before.lines.difference(&after.lines);
            found.extend(lost.map(|line| format!("no longer has `{line}`")));
            match (&before.complete, &after.complete) {
                (Some(before), Some(after)) => {
                    let more = after.difference(before);
                    found.extend(
                        more.map(|line| format!("has `{line}` more, which callers must name")),
                    );
                }
                (Some(_), None) => found.push(format!("`{name}` can't be written out any more")),
                (None, _) => {}
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
            let named = found.entry(line(owner)).or_default();
            named.lines.insert(line(tokens));
        };
        match item {
            Item::Struct(item) => {
                let (name, (attributes, open)) = (&item.ident, attributes(&item.attrs));
                add(quote!(#name), quote!(#(#attributes)* struct #name));
                let members: Vec<_> = fields(&item.fields)
                    .map(|field| quote!(#name . #field))
                    .collect();
                members
                    .iter()
                    .for_each(|member| add(quote!(#name), member.clone()));
                note_complete(found, name, open, members);
            }
            Item::Enum(item) => {
                let (name, (attributes, open)) = (&item.ident, attributes(&item.attrs));
                add(quote!(#name), quote!(#(#attributes)* enum #name));
                let members: Vec<_> = item
                    .variants
                    .iter()
                    .map(|variant| {
                        let (of, fields) = (&variant.ident, fields(&variant.fields));
                        quote!(#name :: #of #(. #fields)*)
                    })
                    .collect();
                members
                    .iter()
                    .for_each(|member| add(quote!(#name), member.clone()));
                note_complete(found, name, open, members);
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
                        let signature = by_position(&each.sig);
                        add(quote!(#of), quote!(#of :: #signature));
                    }
                }
            }
            Item::Type(item) => add(item.ident.to_token_stream(), item.to_token_stream()),
            _ => {}
        }
    }
}

/// Notes what callers must name completely, unless the type is `open`.
fn note_complete(found: &mut Surface, name: &syn::Ident, open: bool, members: Vec<TokenStream>) {
    let named = found.entry(name.to_string()).or_default();
    named.complete = (!open).then(|| members.into_iter().map(line).collect());
}

/// The attributes of a type, and whether it is open to growth.
fn attributes(all: &[syn::Attribute]) -> (Vec<&syn::Attribute>, bool) {
    let (open, others): (Vec<_>, Vec<_>) = all
        .iter()
        .partition(|each| each.path().is_ident("non_exhaustive"));
    (others, !open.is_empty())
}

/// A signature without the names of its arguments, which callers pass by position.
fn by_position(signature: &syn::Signature) -> TokenStream {
    let syn::Signature {
        asyncness,
        ident,
        generics,
        inputs,
        output,
        ..
    } = signature;
    let kinds = inputs.iter().map(|input| match input {
        syn::FnArg::Receiver(receiver) => receiver.to_token_stream(),
        syn::FnArg::Typed(argument) => argument.ty.to_token_stream(),
    });
    let limits = &generics.where_clause;
    quote!(#asyncness fn #ident #generics (#(#kinds),*) #output #limits)
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
