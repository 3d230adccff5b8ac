//! Private registries: one shape for what is written, one for what comes back.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use super::body::{argument, requires, schema};
use super::query;
use crate::description::Operation;
use crate::family;
use crate::generate::{field, pascal, snake};
use crate::repairs;

/// The module `registries` and the macro that tells whether it is there.
pub(super) fn registries(repaired: &Value) -> Result<TokenStream> {
    let Some(family) = family::registries(repaired) else {
        return Ok(gate(false));
    };
    let gate = gate(true);
    let (create, update) = (schema(family.create.node), schema(family.update.node));
    let properties: BTreeMap<&String, &Value> = [create, update]
        .into_iter()
        .flat_map(|schema| schema["properties"].as_object().into_iter().flatten())
        .collect();
    let mut fields = Vec::new();
    for (name, property) in &properties {
        let field = field(name);
        let kind = match property["type"].as_str() {
            Some("string") => quote!(&'a str),
            Some("boolean") => quote!(bool),
            _ => quote!(&'a [i64]),
        };
        let doc = format!(" `{name}`");
        fields.push(quote!(#[doc = #doc] pub #field: Option<#kind>));
    }
    let choices = properties.iter().filter_map(|(name, property)| {
        let values = property["enum"]
            .as_array()?
            .iter()
            .filter_map(Value::as_str);
        let constant = format_ident!("{}", name.to_uppercase());
        let doc = format!(" What `{name}` may say.");
        Some(quote!(#[doc = #doc] pub const #constant: &[&str] = &[#(#values),*];))
    });
    let name = family.store.as_str();
    let registry = format_ident!("{}", pascal(repairs::REGISTRY));
    let page = format_ident!("{}", pascal(repairs::REGISTRY_PAGE));
    let list_query = query(repaired, &family.list)?;
    let [list, key, get, create_call, update_call, delete] = [
        family.list,
        family.public_key,
        family.get,
        family.create,
        family.update,
        family.delete,
    ]
    .map(|operation| format_ident!("{}", snake(operation.id)));
    let all: Vec<_> = properties.keys().map(|name| name.as_str()).collect();
    let (create_checks, create_body) =
        write(&family.create, &all).with_context(|| format!("`{}`", family.create.id))?;
    let (update_checks, update_body) =
        write(&family.update, &all).with_context(|| format!("`{}`", family.update.id))?;
    Ok(quote! {
        #gate

        /// An organization's private registries: the one family that is created and updated by
        /// different calls.
        pub mod registries {
            use super::{Page, PublicKey, choice, refuse, required, reshape};
            use crate::{Client, Error, ResponseValue, types};

            /// The name that GitHub's paths use.
            pub const NAME: &str = #name;
            #(#choices)*

            /// A registry as GitHub tells it.
            pub type Registry = types::#registry;

            /// What is written: what is `None` is not sent.
            #[derive(Clone, Copy, Default)]
            pub struct Write<'a> {
                #(#fields,)*
            }

            impl From<types::#page> for Page<Registry> {
                fn from(reply: types::#page) -> Self {
                    Self { total_count: reply.total_count, items: reply.configurations }
                }
            }

            impl Client {
                /// One page of an organization's private registries.
                pub async fn list_registries(&self, org: &str, per_page: i64, page: i64) -> Result<ResponseValue<Page<Registry>>, Error<()>> {
                    Ok(reshape(self.#list(org, #(#list_query),*).await?))
                }

                /// The key that a registry's value is sealed with.
                pub async fn registry_public_key(&self, org: &str) -> Result<ResponseValue<PublicKey>, Error<()>> {
                    Ok(reshape(self.#key(org).await?))
                }

                /// One private registry.
                pub async fn get_registry(&self, org: &str, name: &str) -> Result<ResponseValue<Registry>, Error<()>> {
                    self.#get(org, name).await
                }

                /// Creates a private registry.
                pub async fn create_registry(&self, org: &str, write: &Write<'_>) -> Result<ResponseValue<Registry>, Error<()>> {
                    #create_checks
                    self.#create_call(org, #create_body).await
                }

                /// Changes what `write` names of a private registry.
                pub async fn update_registry(&self, org: &str, name: &str, write: &Write<'_>) -> Result<ResponseValue<()>, Error<()>> {
                    #update_checks
                    self.#update_call(org, name, #update_body).await
                }

                /// Removes a private registry.
                pub async fn delete_registry(&self, org: &str, name: &str) -> Result<ResponseValue<()>, Error<()>> {
                    self.#delete(org, name).await
                }
            }
        }
    })
}

/// The body of a write, from the one shape.
fn write(operation: &Operation<'_>, all: &[&str]) -> Result<(TokenStream, TokenStream)> {
    let schema = schema(operation.node);
    let mut fields = Vec::new();
    let own = schema["properties"]
        .as_object()
        .context("its body is not an object")?;
    let absent = all
        .iter()
        .filter(|name| !own.contains_key(**name))
        .map(|name| {
            let field = field(name);
            quote!(refuse(write.#field.is_some(), #name)?;)
        });
    for (name, property) in own {
        let field = field(name);
        let value = argument(quote!(write.#field), property)
            .with_context(|| format!("`{name}` of its body"))?;
        fields.push(if requires(schema, name) {
            quote!(#field: required(#value, #name)?)
        } else {
            quote!(#field: #value)
        });
    }
    let name = format_ident!("{}Body", pascal(operation.id));
    Ok((quote!(#(#absent)*), quote!(&types::#name { #(#fields),* })))
}

/// Code about registries goes through this macro, so that it vanishes with them.
fn gate(open: bool) -> TokenStream {
    let output = open.then(|| quote!($($code)*));
    quote! {
        /// Its input if the description has private registries, nothing if it has none.
        #[macro_export]
        macro_rules! if_private_registries {
            ($($code:tt)*) => { #output };
        }
    }
}
