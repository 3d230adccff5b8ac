//! Private registries: calls that reply in the types of stores. Writes go through the generated methods: their bodies are
//! unlike those of stores.

use anyhow::Result;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use super::body::schema;
use super::calls::query;
use crate::codegen::operations;
use crate::description::family;
use crate::repairs::components;
use crate::rust_names::{pascal, snake};

/// The module `registries`, and the macro that drops code where there is none.
pub(super) fn registries(repaired: &Value) -> Result<TokenStream> {
    let Some(family) = family::registries(repaired) else {
        return Ok(gate(false));
    };
    let gate = gate(true);
    let values = |property: &str| -> Vec<&str> {
        let bodies = [family.create.node, family.update.node];
        let found = bodies
            .iter()
            .find_map(|node| schema(node)["properties"][property]["enum"].as_array());
        found
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    };
    let (types, ways) = (values("registry_type"), values("auth_type"));
    let name = family.store.as_str();
    let registry = format_ident!("{}", pascal(components::REGISTRY));
    let page = format_ident!("{}", pascal(components::REGISTRY_PAGE));
    let list_query = query(repaired, &family.list)?;
    let constants = [
        ("LIST", family.list),
        ("PUBLIC_KEY", family.public_key),
        ("GET", family.get),
        ("CREATE", family.create),
        ("UPDATE", family.update),
        ("DELETE", family.delete),
    ]
    .map(|(name, operation)| {
        let docs = format!(" `{}`", operation.id);
        let (name, constant) = (format_ident!("{name}"), operations::name(operation.id));
        quote! {
            #[doc = #docs]
            pub const #name: Operation = operations::#constant;
        }
    });
    let [list, key, get, delete] = [family.list, family.public_key, family.get, family.delete]
        .map(|operation| format_ident!("{}", snake(operation.id)));
    Ok(quote! {
        #gate

        /// An organization's private registries: the one family that is created and updated by
        /// different calls.
        pub mod registries {
            use super::{Page, PublicKey, reshape};
            use crate::operations::{self, Operation};
            use crate::{Client, Error, ResponseValue, types};

            /// The name that GitHub's paths use.
            pub const NAME: &str = #name;
            /// The kinds of registry, as far as the description lists them.
            pub const REGISTRY_TYPE: &[&str] = &[#(#types),*];
            /// The ways to log in, as far as the description lists them.
            pub const AUTH_TYPE: &[&str] = &[#(#ways),*];

            #(#constants)*

            /// A registry as GitHub tells it.
            pub type Registry = types::#registry;

            impl From<types::#page> for Page<Registry> {
                fn from(reply: types::#page) -> Self {
                    Self { total_count: reply.total_count, items: reply.configurations }
                }
            }

            /// What can be done to private registries, but for writing them.
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

                /// Removes a private registry.
                pub async fn delete_registry(&self, org: &str, name: &str) -> Result<ResponseValue<()>, Error<()>> {
                    self.#delete(org, name).await
                }
            }
        }
    })
}

/// The macro around code about registries, which drops it if the description has none.
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
