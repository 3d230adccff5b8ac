//! What progenitor made: the methods and types of the generated client, as far as other generated code uses them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use proc_macro2::{Ident, TokenStream};
use quote::ToTokens as _;
use syn::{
    FnArg, GenericArgument, ImplItem, Item, Pat, PathArguments, ReturnType, Signature, Type,
};

/// The methods and structs of a generated client.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    methods: BTreeMap<String, Method>,
    structs: BTreeMap<String, Vec<Field>>,
    /// Enums and aliases beside the structs.
    other_types: BTreeSet<String>,
    /// What may be left out of calls.
    options: BTreeMap<String, Vec<Field>>,
}

/// A method for one operation.
#[derive(Debug, Clone)]
pub(crate) struct Method {
    /// Its arguments after `self`, by name.
    pub(crate) arguments: Vec<(String, Type)>,
    /// What `ResponseValue` holds.
    pub(crate) reply: Type,
}

/// A field of a struct.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: Type,
}

impl Made {
    /// Reads the code that progenitor generated.
    pub(crate) fn of(tokens: TokenStream) -> Result<Self> {
        let file: syn::File = syn::parse2(tokens).context("the generated code is not Rust")?;
        let mut made = Self {
            methods: BTreeMap::new(),
            structs: BTreeMap::new(),
            other_types: BTreeSet::new(),
            options: BTreeMap::new(),
        };
        for item in &file.items {
            match item {
                Item::Mod(module) if module.ident == "types" => {
                    made.structs = structs(module);
                    made.other_types = other_types(module);
                }
                Item::Mod(module) if module.ident == "options" => made.options = structs(module),
                Item::Impl(item) if is_client(item) => {
                    made.read_methods(&item.items);
                }
                _ => {}
            }
        }
        Ok(made)
    }

    /// The method of this name.
    pub(crate) fn method(&self, name: &str) -> Option<&Method> {
        self.methods.get(name)
    }

    /// The fields of the struct of this name.
    pub(crate) fn fields(&self, name: &str) -> Option<&[Field]> {
        self.structs.get(name).map(Vec::as_slice)
    }

    /// Whether there is a type of this name.
    pub(crate) fn has_type(&self, name: &str) -> bool {
        self.structs.contains_key(name) || self.other_types.contains(name)
    }

    /// What the twin of a method of this name may be given, if it has a twin.
    pub(crate) fn options(&self, method: &str) -> Option<&[Field]> {
        let options = self.options.get(&super::optional::options(method));
        options.map(Vec::as_slice)
    }

    fn read_methods(&mut self, items: &[ImplItem]) {
        for item in items {
            let ImplItem::Fn(method) = item else { continue };
            if let Some(reply) = reply_of(&method.sig).cloned() {
                let name = method.sig.ident.to_string();
                let arguments = arguments_of(&method.sig);
                self.methods.insert(name, Method { arguments, reply });
            }
        }
    }
}

/// The structs of a module, with their fields.
fn structs(module: &syn::ItemMod) -> BTreeMap<String, Vec<Field>> {
    let items = module.content.iter().flat_map(|(_, items)| items);
    let structs = items.filter_map(|item| {
        let Item::Struct(item) = item else {
            return None;
        };
        let fields = item.fields.iter().filter_map(|field| {
            Some(Field {
                name: field.ident.as_ref()?.to_string(),
                kind: field.ty.clone(),
            })
        });
        Some((item.ident.to_string(), fields.collect()))
    });
    structs.collect()
}

/// The names of a module's enums and aliases.
fn other_types(module: &syn::ItemMod) -> BTreeSet<String> {
    let items = module.content.iter().flat_map(|(_, items)| items);
    let names = items.filter_map(|item| match item {
        Item::Enum(item) => Some(item.ident.to_string()),
        Item::Type(item) => Some(item.ident.to_string()),
        _ => None,
    });
    names.collect()
}

/// The arguments of a generated method after `self`.
fn arguments_of(signature: &Signature) -> Vec<(String, Type)> {
    let arguments = signature.inputs.iter().filter_map(|argument| {
        let (name, kind) = argument_of(argument)?;
        Some((name.to_string(), kind.clone()))
    });
    arguments.collect()
}

/// The name and the type of an argument after `self`.
pub(crate) fn argument_of(argument: &FnArg) -> Option<(&Ident, &Type)> {
    match argument {
        FnArg::Typed(argument) => match argument.pat.as_ref() {
            Pat::Ident(name) => Some((&name.ident, &argument.ty)),
            _ => None,
        },
        FnArg::Receiver(_) => None,
    }
}

/// What the `ResponseValue` of a generated method holds.
pub(crate) fn reply_of(signature: &Signature) -> Option<&Type> {
    let ReturnType::Type(_, result) = &signature.output else {
        return None;
    };
    inside(result, "Result").and_then(|ok| inside(ok, "ResponseValue"))
}

/// The first argument of a generic type of this name: of `Vec<T>`, `T`.
pub(crate) fn inside<'a>(kind: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = kind else { return None };
    let last = path
        .path
        .segments
        .last()
        .filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    })
}

/// A type in short: of each path the last name, and no lifetimes.
pub(crate) fn plain(kind: &Type) -> String {
    match kind {
        Type::Reference(reference) => format!("&{}", plain(&reference.elem)),
        Type::Path(path) => {
            let Some(last) = path.path.segments.last() else {
                return String::new();
            };
            let inner = match &last.arguments {
                PathArguments::AngleBracketed(arguments) => {
                    let kinds = arguments.args.iter().filter_map(|argument| match argument {
                        GenericArgument::Type(inner) => Some(plain(inner)),
                        _ => None,
                    });
                    kinds.collect::<Vec<_>>().join(", ")
                }
                _ => String::new(),
            };
            match inner.as_str() {
                "" => last.ident.to_string(),
                inner => format!("{}<{inner}>", last.ident),
            }
        }
        Type::Tuple(tuple) if tuple.elems.is_empty() => "()".to_owned(),
        other => other.to_token_stream().to_string(),
    }
}

/// The name of a generated type, if `kind` is one: of `types::Thing`, and of `Thing` inside the module, `Thing`.
pub(crate) fn type_name(kind: &Type) -> Option<String> {
    let Type::Path(path) = kind else { return None };
    let last = path.path.segments.last()?;
    last.arguments.is_empty().then(|| last.ident.to_string())
}

/// Whether an item holds methods of the client.
pub(crate) fn is_client(item: &syn::ItemImpl) -> bool {
    item.trait_.is_none() && type_name(&item.self_ty).is_some_and(|name| name == "Client")
}
