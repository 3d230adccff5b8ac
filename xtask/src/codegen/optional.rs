//! Optional parameters, set apart from required ones: a method takes what it must have, its twin `…_with` takes a struct of
//! what may be left out as well, and that can grow without breaking callers.

use anyhow::{Context as _, Result};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, format_ident, quote};
use syn::{FnArg, ImplItem, ImplItemFn, Item, LitStr, Type, parse_quote};

use super::made::{argument_of, inside, is_client, type_name};
use crate::rust_names::pascal;

/// The method that takes optional parameters too.
pub(crate) fn twin(method: &str) -> String {
    format!("{method}_with")
}

/// The struct of a method's optional parameters, in the module `options`.
pub(crate) fn options(method: &str) -> String {
    pascal(method)
}

/// A client as progenitor generates it, with its optional parameters apart.
pub(super) fn apart(client: TokenStream) -> Result<TokenStream> {
    let mut file: syn::File = syn::parse2(client).context("the generated code is not Rust")?;
    let mut structs = Vec::new();
    for item in &mut file.items {
        let Item::Impl(item) = item else { continue };
        if !is_client(item) {
            continue;
        }
        let members = std::mem::take(&mut item.items).into_iter();
        item.items = members
            .flat_map(|member| match member {
                ImplItem::Fn(method) => split(method, &mut structs),
                other => vec![other],
            })
            .collect();
    }
    file.items.push(parse_quote! {
        /// What may be left out of calls: for each method `…_with` a struct, whose default leaves out all of it.
        pub mod options {
            #[allow(unused_imports)]
            use super::types;
            #(#structs)*
        }
    });
    Ok(file.to_token_stream())
}

/// An optional parameter.
struct Parameter {
    name: Ident,
    /// What the struct holds if it is given.
    kind: Type,
    docs: Option<String>,
}

/// The method, or it and its twin. The struct of what may be left out goes to `structs`.
fn split(mut method: ImplItemFn, structs: &mut Vec<TokenStream>) -> Vec<ImplItem> {
    let docs = docs(&method);
    let found: Vec<_> = method.sig.inputs.iter().map(parameter).collect();
    if found.iter().all(Option::is_none) {
        return vec![ImplItem::Fn(method)];
    }
    let parameters: Vec<_> = found.iter().flatten().cloned().collect();
    let parameters = parameters.into_iter().map(|(name, kind)| Parameter {
        docs: docs.as_deref().and_then(|docs| words_of(docs, &name)),
        name,
        kind,
    });
    let parameters: Vec<_> = parameters.collect();
    let mut required = found.iter();
    let mut inputs = std::mem::take(&mut method.sig.inputs);
    inputs = inputs
        .into_iter()
        .filter(|_| required.next().is_some_and(Option::is_none))
        .collect();
    let name = method.sig.ident.clone();
    let (twin, kind) = (
        format_ident!("{}", twin(&name.to_string())),
        format_ident!("{}", options(&name.to_string())),
    );
    let passed = inputs.iter().filter_map(argument_of);
    let passed: Vec<_> = passed.map(|(name, _)| name.clone()).collect();
    let options = match passed.iter().any(|name| name == "options") {
        true => format_ident!("options_"),
        false => format_ident!("options"),
    };
    structs.push(options_struct(&kind, &twin, &parameters));

    let mut plain = method.clone();
    plain.sig.inputs = inputs.clone();
    plain.block = parse_quote!({
        self.#twin(#(#passed,)* &options::#kind::default()).await
    });
    let docs = docs.as_deref().map(|docs| without(docs, &parameters));
    let of_twin = of_twin(&twin, &parameters);
    set_docs(&mut plain, format!("{}{of_twin}", docs.unwrap_or_default()));

    let names = parameters.iter().map(|parameter| &parameter.name);
    inputs.push(parse_quote!(#options: &'a options::#kind));
    method.sig.inputs = inputs;
    method.sig.ident = twin;
    method.block.stmts.insert(
        0,
        parse_quote!(let options::#kind { #(#names),* } = #options;),
    );
    let words = format!("[`Self::{name}`], with what may be left out.");
    set_docs(&mut method, words);
    vec![ImplItem::Fn(plain), ImplItem::Fn(method)]
}

fn options_struct(kind: &Ident, twin: &Ident, parameters: &[Parameter]) -> TokenStream {
    let docs = format!(" What [`Client::{twin}`](super::Client::{twin}) may be given.");
    let fields = parameters.iter().map(|Parameter { name, kind, docs }| {
        let docs = docs.iter().map(|docs| format!(" {docs}"));
        quote!(#(#[doc = #docs])* pub #name: Option<#kind>)
    });
    quote! {
        #[doc = #docs]
        #[derive(Clone, Debug, Default)]
        pub struct #kind {
            #(#fields,)*
        }
    }
}

/// The name of an argument that may be left out, and the type of what it holds if it is not. Bodies are given in any case.
fn parameter(argument: &FnArg) -> Option<(Ident, Type)> {
    let (name, kind) = argument_of(argument).filter(|(name, _)| *name != "body")?;
    let kind = match inside(kind, "Option")? {
        Type::Reference(reference) => &*reference.elem,
        other => other,
    };
    let kind = match type_name(kind).as_deref() {
        Some("str") => parse_quote!(::std::string::String),
        _ => kind.clone(),
    };
    Some((name.clone(), kind))
}

fn docs(method: &ImplItemFn) -> Option<String> {
    method.attrs.iter().find_map(|attribute| {
        let value = &attribute.meta.require_name_value().ok()?.value;
        let is_doc = attribute.path().is_ident("doc");
        let literal: LitStr = syn::parse2(value.to_token_stream())
            .ok()
            .filter(|_| is_doc)?;
        Some(literal.value())
    })
}

fn set_docs(method: &mut ImplItemFn, docs: String) {
    method.attrs.retain(|each| !each.path().is_ident("doc"));
    method.attrs.push(parse_quote!(#[doc = #docs]));
}

/// The sentence that leads to a method's twin.
fn of_twin(twin: &Ident, parameters: &[Parameter]) -> String {
    let names: Vec<_> = parameters
        .iter()
        .map(|each| format!("`{}`", each.name))
        .collect();
    format!("[`Self::{twin}`] takes {} too.\n", names.join(", "))
}

/// The line of an argument in a method's docs, up to its words.
fn beginning(name: &Ident) -> String {
    format!("- `{name}`")
}

fn words_of(docs: &str, name: &Ident) -> Option<String> {
    let line = docs
        .lines()
        .find_map(|line| line.strip_prefix(&beginning(name)));
    line.and_then(|line| line.strip_prefix(": "))
        .map(str::to_owned)
}

/// The docs of a method without these arguments.
fn without(docs: &str, parameters: &[Parameter]) -> String {
    let of_one = |line: &str| {
        let mut names = parameters.iter().map(|each| beginning(&each.name));
        names.any(|beginning| line.starts_with(&beginning))
    };
    let lines: Vec<_> = docs.lines().filter(|line| !of_one(line)).collect();
    let kept = lines.join("\n");
    let kept = kept.trim_end();
    let kept = kept.strip_suffix("\n\nArguments:").unwrap_or(kept);
    format!("{kept}\n\n")
}
