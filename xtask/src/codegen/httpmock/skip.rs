//! Taking out the helpers for httpmock that would not compile.
//!
//! progenitor 0.15 writes values of paths, queries and headers by `to_string`, which lists and some unions don't have,
//! and passes bodies on by value where httpmock takes a reference. Which helpers that concerns depends on the generated
//! types: the code is searched, not the description.

use std::collections::BTreeSet;

use anyhow::Result;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::visit_mut::VisitMut;
use syn::{FnArg, GenericArgument, ImplItem, ImplItemFn, Item, PathArguments, Type};

/// Takes out the methods that would not compile beside `client`, and gives their names, each with the type that it is
/// gone from.
pub(super) fn skip(file: &mut syn::File, client: &TokenStream) -> Result<Vec<String>> {
    let mut printable = DisplayImpls(BTreeSet::new());
    printable.visit_file_mut(&mut syn::parse2(client.clone())?);
    let mut skipped = Vec::new();
    for item in operations(file) {
        let Item::Impl(item) = item else { continue };
        let members = std::mem::take(&mut item.items);
        for member in members {
            match member {
                ImplItem::Fn(method) if !compiles(&method, &printable) => {
                    skipped.push(format!("{}::{}", text(&item.self_ty), method.sig.ident));
                }
                member => item.items.push(member),
            }
        }
    }
    Ok(skipped)
}

/// The module that has two types for each operation: `…When` and `…Then`.
fn operations(file: &mut syn::File) -> &mut Vec<Item> {
    let module = file.items.iter_mut().find_map(|item| match item {
        Item::Mod(module) => module.content.as_mut(),
        _ => None,
    });
    &mut module.expect("progenitor writes a module").1
}

fn text(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string()
}

fn compiles(method: &ImplItemFn, printable: &DisplayImpls) -> bool {
    let Some(taken) = value_of(method) else {
        return true;
    };
    let body = text(&method.block);
    if body.contains("value . to_string ()") {
        return printable.has(&taken);
    }
    // `json_body_obj` takes a reference to something of a known size.
    let by_reference = match &taken {
        Type::Reference(reference) => text(&reference.elem) != "str",
        _ => false,
    };
    by_reference || !body.contains("json_body_obj (value)")
}

/// The type of a method's argument `value`; of `T: Into<Option<X>>`, that is `X`.
fn value_of(method: &ImplItemFn) -> Option<Type> {
    let FnArg::Typed(value) = method.sig.inputs.last()? else {
        return None;
    };
    if text(&value.ty) != "T" {
        return Some((*value.ty).clone());
    }
    struct Inside(Option<Type>);
    impl VisitMut for Inside {
        fn visit_path_segment_mut(&mut self, segment: &mut syn::PathSegment) {
            if let PathArguments::AngleBracketed(arguments) = &mut segment.arguments
                && let Some(GenericArgument::Type(inner)) = arguments.args.first_mut()
            {
                if segment.ident == "Option" && self.0.is_none() {
                    self.0 = Some(inner.clone());
                }
                self.visit_type_mut(inner);
            }
        }
    }
    let mut inside = Inside(None);
    inside.visit_where_clause_mut(&mut method.sig.generics.where_clause.clone()?);
    inside.0
}

/// The generated types that implement `Display`.
struct DisplayImpls(BTreeSet<String>);

impl DisplayImpls {
    /// Whether a type, generated or not, has `to_string`.
    fn has(&self, kind: &Type) -> bool {
        let kind = match kind {
            Type::Reference(reference) => &reference.elem,
            other => other,
        };
        let name = text(kind).replace(' ', "");
        match name.strip_prefix("types::") {
            Some(generated) => self.0.contains(generated),
            // Lists, maps and options have arguments; numbers and text have none.
            None => !name.contains(['<', '[', '(']),
        }
    }
}

impl VisitMut for DisplayImpls {
    fn visit_item_impl_mut(&mut self, item: &mut syn::ItemImpl) {
        if let Some((implemented, _)) = &item.trait_
            && text(implemented).ends_with("Display")
        {
            self.0.insert(text(&item.self_ty));
        }
    }
}
