//! The dispatch over stores and scopes, `codegen/src/stores.rs`. What does not differ between stores is hand-written, in
//! `codegen/src/shapes.rs`.

mod body;
mod calls;
mod fit;
mod registries;
mod shapes;

pub(crate) use body::{EXTRA, takes_more};
use fit::Call;
pub(crate) use shapes::{needs, reads, requires};

use anyhow::Result;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use crate::codegen::made::Made;
use crate::codegen::operations;
use crate::codegen::progenitor::render;
use crate::description::family::{self, Place, Role, Scope};
use crate::description::sealed;
use crate::repairs::all_of;
use crate::rust_names::pascal;

const DOCS: &str =
    "//! Which store takes which call at which place: nothing but the description's facts.\n";

/// The dispatch, and what it calls of the generated client.
#[derive(Debug, Clone)]
pub(crate) struct Dispatch {
    /// The text of `stores.rs`.
    pub(crate) text: String,
    calls: Vec<Call>,
}

impl Dispatch {
    /// Fails if the generated client is another than the one that is called, and names the operations.
    pub(crate) fn check(&self, made: &Made) -> Result<()> {
        let errors = self.calls.iter().flat_map(|call| {
            let misfits = call.misfits(made).into_iter();
            misfits.map(|error| error.context(format!("`{}`", call.id)))
        });
        all_of(errors.collect())
    }
}

/// The text of `stores.rs` for a repaired fragment.
pub fn stores(repaired: &Value) -> Result<String> {
    Ok(dispatch(repaired)?.text)
}

/// The dispatch for a repaired fragment.
pub(crate) fn dispatch(repaired: &Value) -> Result<Dispatch> {
    let mut errors: Vec<_> = sealed::unrecognised(repaired)
        .into_iter()
        .map(anyhow::Error::msg)
        .collect();
    let scopes = family::scopes(repaired);
    let roles = role_enum();
    let enums = Place::ALL.map(|place| store_enum(place, &scopes));
    let facts = facts(&scopes);
    let shapes = shapes::shapes(repaired, &scopes);
    let (mut methods, mut calls) = (Vec::new(), Vec::new());
    for role in Role::ALL {
        let (method, called, faults) = calls::method(repaired, &scopes, role);
        methods.push(method);
        calls.extend(called);
        errors.extend(faults);
    }
    let registries = registries::registries(repaired).unwrap_or_else(|error| {
        errors.push(error);
        Default::default()
    });
    all_of(errors)?;
    let (registries, called) = registries;
    calls.extend(called);
    let file = quote! {
        use crate::shapes::{choice, lacking, refuse, repository_ids, required, reshape, status_only};
        pub use crate::shapes::{Page, PublicKey, Put, Repository, Scope, Secret, UnknownStore};
        use crate::{Client, Error, ResponseValue, operations, options, types};

        #roles
        #(#enums)*
        #facts
        #shapes

        /// One method for each thing that can be done to a scope, whichever store it is in.
        impl Client {
            #(#methods)*
        }

        #registries
    };
    let text = render(file, DOCS)?;
    Ok(Dispatch { text, calls })
}

/// The methods that the dispatch gives to the client.
pub(crate) fn methods() -> impl Iterator<Item = String> {
    let of_roles = Role::ALL.into_iter().map(calls::name);
    of_roles.chain(registries::METHODS.map(str::to_owned))
}

/// The enum of what can be done to a scope.
fn role_enum() -> TokenStream {
    let roles = Role::ALL.map(|role| {
        let (name, words) = (format_ident!("{role:?}"), format!(" {}", role.words()));
        quote!(#[doc = #words] #name)
    });
    quote! {
        /// What can be done to a scope.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Role {
            #(#roles,)*
        }
    }
}

/// The enum of the stores at one place.
fn store_enum(place: Place, scopes: &[Scope<'_>]) -> TokenStream {
    let stores: Vec<_> = scopes
        .iter()
        .filter(|scope| scope.place == place)
        .map(|scope| scope.store.as_str())
        .collect();
    let name = format_ident!("{}", format!("{place:?}Store"));
    let variants: Vec<_> = stores.iter().map(|store| variant(store)).collect();
    let docs = stores.iter().map(|store| format!(" `{store}`"));
    let doc = format!(" The stores {}.", in_words(place));
    quote! {
        #[doc = #doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum #name {
            #(#[doc = #docs] #variants,)*
        }

        impl #name {
            /// Every one of them, by name.
            pub const ALL: &'static [Self] = &[#(Self::#variants),*];

            /// The name that GitHub's paths use.
            pub fn as_str(self) -> &'static str {
                match self {
                    #(Self::#variants => #stores,)*
                }
            }
        }

        impl std::fmt::Display for #name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for #name {
            type Err = crate::shapes::UnknownStore;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|store| store.as_str() == name).ok_or(crate::shapes::UnknownStore)
            }
        }
    }
}

/// The methods that tell which roles a scope has, and what its bodies require.
fn facts(scopes: &[Scope<'_>]) -> TokenStream {
    let ids = scopes.iter().flat_map(|scope| {
        let pattern = pattern(scope, false);
        scope.operations.iter().map(move |(role, operation)| {
            let role = format_ident!("{}", format!("{role:?}"));
            let operation = operations::name(operation.id);
            quote!((#pattern, Role::#role) => Some(operations::#operation),)
        })
    });
    let with = |test: &dyn Fn(&Value) -> bool| {
        let patterns: Vec<_> = scopes
            .iter()
            .filter(|scope| test(body::schema(scope.operations[&Role::Put].node)))
            .map(|scope| pattern(scope, false))
            .collect();
        if patterns.is_empty() {
            quote!(false)
        } else {
            quote!(matches!(self, #(#patterns)|*))
        }
    };
    let value = with(&|schema| {
        body::requires(schema, "encrypted_value") || body::requires(schema, "key_id")
    });
    let visibility = with(&|schema| schema["properties"].get("visibility").is_some());
    quote! {
        impl Scope<'_> {
            /// The operation that has a role on this scope, if the description has it.
            pub fn operation(&self, role: Role) -> Option<operations::Operation> {
                match (self, role) {
                    #(#ids)*
                    _ => None,
                }
            }

            /// Whether the description requires a sealed value or its key's id on every write.
            pub fn requires_value(&self) -> bool {
                #value
            }

            /// Whether a secret of this scope has a visibility.
            pub fn has_visibility(&self) -> bool {
                #visibility
            }
        }
    }
}

/// The pattern that matches a scope, and binds its fields if asked to.
fn pattern(scope: &Scope<'_>, bind: bool) -> TokenStream {
    let place = format_ident!("{}", format!("{:?}", scope.place));
    let stores = format_ident!("{}", format!("{:?}Store", scope.place));
    let store = variant(&scope.store);
    let fields = match scope.place {
        _ if !bind => quote!(..),
        Place::Organization => quote!(org),
        Place::Repository => quote!(owner, repo),
        Place::Environment => quote!(owner, repo, environment),
        Place::User => quote!(),
    };
    quote!(Scope::#place { store: #stores::#store, #fields })
}

fn variant(store: &str) -> proc_macro2::Ident {
    format_ident!("{}", pascal(store))
}

fn in_words(place: Place) -> &'static str {
    match place {
        Place::Organization => "that an organization has",
        Place::Repository => "that a repository has",
        Place::Environment => "that an environment of a repository has",
        Place::User => "that the user of the token has",
    }
}
