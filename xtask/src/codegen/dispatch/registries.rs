//! Private registries: calls in the types of stores, and one type for what creating and updating write.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use serde_json::Value;

use super::body::{self, Given, Known, name_of, schema, takes_null};
use super::calls::{query, status_only};
use super::fit::Call;
use crate::codegen::names::Names;
use crate::codegen::operations;
use crate::description::{Operation, family};
use crate::repairs::components;
use crate::rust_names::{field, pascal, snake};

/// The methods of private registries.
pub(super) const METHODS: [&str; 6] = [
    "list_registries",
    "registry_public_key",
    "create_registry",
    "get_registry",
    "update_registry",
    "delete_registry",
];

/// The module `registries`, and the list of what is no store, empty if there are none.
pub(super) fn registries(repaired: &Value) -> Result<(TokenStream, Vec<Call>)> {
    let Some(family) = family::registries(repaired) else {
        return Ok((not_stores(&[]), vec![]));
    };
    let name = family.store.as_str();
    let not_stores = not_stores(&[name]);
    let known = properties([&family.create, &family.update])?;
    let values = |property: &str| -> Vec<&str> {
        let listed = known.get(property).map(|known| &known.schema["enum"]);
        let listed = listed.and_then(Value::as_array).into_iter().flatten();
        listed.filter_map(Value::as_str).collect()
    };
    let (types, ways) = (values("registry_type"), values("auth_type"));
    let registry = format_ident!("{}", pascal(components::REGISTRY));
    let page = format_ident!("{}", pascal(components::REGISTRY_PAGE));
    let list_query =
        query(repaired, &family.list).with_context(|| format!("`{}`", family.list.id))?;
    let (list, list_options) = list_query.method(family.list.id);
    let (list_passed, list_kinds): (Vec<_>, Vec<_>) = list_query.arguments.into_iter().unzip();
    let list_passed = list_passed.into_iter().chain(list_options);
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
    let fields = known.iter().map(|(name, property)| {
        let kind = match property.given {
            Given::Sealed => quote!(crate::EncryptedValue),
            Given::Text => quote!(String),
            Given::Boolean => quote!(bool),
            Given::Ids => quote!(Vec<i64>),
        };
        let (doc, field) = (format!(" `{name}`"), field(name));
        let null = property.says_null.then(|| {
            let (doc, null) = (format!(" Whether `{name}` is `null` instead"), null(name));
            quote!(#[doc = #doc] pub #null: bool,)
        });
        quote!(#[doc = #doc] pub #field: Option<#kind>, #null)
    });
    let [create_body, update_body] = [&family.create, &family.update]
        .map(|operation| body(operation, &known).with_context(|| format!("`{}`", operation.id)));
    let ((create_body, create_fields), (update_body, update_fields)) = (create_body?, update_body?);
    let [key, create, get, update, delete] = [
        family.public_key,
        family.create,
        family.get,
        family.update,
        family.delete,
    ]
    .map(|operation| format_ident!("{}", snake(operation.id)));
    let (updated, of_update) = status_only(
        &family.update,
        quote!(self.#update(org, name, &body).await?),
    );
    let (deleted, of_delete) = status_only(&family.delete, quote!(self.#delete(org, name).await?));
    let called = |operation: &Operation<'_>, more: Vec<String>, body, reply: String| Call {
        id: operation.id.to_owned(),
        arguments: ["&str".to_owned()].into_iter().chain(more).collect(),
        options: vec![],
        body,
        reply,
    };
    let name_of_registry = || vec!["&str".to_owned()];
    let body_of = |operation: &Operation<'_>| format!("&{}", name_of(operation));
    let one = pascal(components::REGISTRY);
    let calls = vec![
        Call {
            options: list_query.options,
            ..called(
                &family.list,
                list_kinds,
                vec![],
                pascal(components::REGISTRY_PAGE),
            )
        },
        called(
            &family.public_key,
            vec![],
            vec![],
            pascal(components::PUBLIC_KEY),
        ),
        called(
            &family.create,
            vec![body_of(&family.create)],
            create_fields,
            one.clone(),
        ),
        called(&family.get, name_of_registry(), vec![], one),
        called(
            &family.update,
            vec!["&str".to_owned(), body_of(&family.update)],
            update_fields,
            of_update,
        ),
        called(&family.delete, name_of_registry(), vec![], of_delete),
    ];
    let code = quote! {
        #not_stores

        /// An organization's private registries: the one family that is created and updated by
        /// different calls.
        pub mod registries {
            use super::{Page, PublicKey, choice, refuse, required, reshape, status_only};
            use crate::operations::{self, Operation};
            use crate::{Client, Error, ResponseValue, options, types};

            /// The name that GitHub's paths use.
            pub const NAME: &str = #name;
            /// The kinds of registry, as far as the description lists them.
            pub const REGISTRY_TYPE: &[&str] = &[#(#types),*];
            /// The ways to log in, as far as the description lists them.
            pub const AUTH_TYPE: &[&str] = &[#(#ways),*];

            #(#constants)*

            /// A registry as GitHub tells it.
            pub type Registry = types::#registry;

            /// What is written of a registry: the fields of both bodies, under the description's names.
            #[derive(Debug, Clone, Default, PartialEq, Eq)]
            #[non_exhaustive]
            pub struct Write {
                #(#fields)*
            }

            impl From<types::#page> for Page<Registry> {
                fn from(reply: types::#page) -> Self {
                    Self { total_count: reply.total_count, items: reply.configurations }
                }
            }

            /// What can be done to private registries.
            impl Client {
                /// One page of an organization's private registries.
                pub async fn list_registries(&self, org: &str, per_page: i64, page: i64) -> Result<ResponseValue<Page<Registry>>, Error> {
                    Ok(reshape(self.#list(org, #(#list_passed),*).await?))
                }

                /// The key that a registry's value is sealed with.
                pub async fn registry_public_key(&self, org: &str) -> Result<ResponseValue<PublicKey>, Error> {
                    Ok(reshape(self.#key(org).await?))
                }

                /// Creates a private registry, which GitHub names.
                pub async fn create_registry(&self, org: &str, write: &Write) -> Result<ResponseValue<Registry>, Error> {
                    #create_body
                    self.#create(org, &body).await
                }

                /// One private registry.
                pub async fn get_registry(&self, org: &str, name: &str) -> Result<ResponseValue<Registry>, Error> {
                    self.#get(org, name).await
                }

                /// Changes what is written of a private registry, and nothing else.
                pub async fn update_registry(&self, org: &str, name: &str, write: &Write) -> Result<ResponseValue<()>, Error> {
                    #update_body
                    Ok(#updated)
                }

                /// Removes a private registry.
                pub async fn delete_registry(&self, org: &str, name: &str) -> Result<ResponseValue<()>, Error> {
                    Ok(#deleted)
                }
            }
        }
    };
    Ok((code, calls))
}

/// Names of what looks like a store and is none.
fn not_stores(names: &[&str]) -> TokenStream {
    quote! {
        /// What has secrets and a public key as a store has, and calls of its own.
        pub const NOT_STORES: &[&str] = &[#(#names),*];
    }
}

/// The field that says `null` of a property.
fn null(name: &str) -> Ident {
    field(&format!("{name}_null"))
}

/// A property of one body or of both.
struct Property<'a> {
    given: Given,
    schema: &'a Value,
    /// The operation whose body it is from.
    of: &'a str,
    /// Whether one of the bodies tells `null` from nothing.
    says_null: bool,
}

/// The properties of the operations' bodies together: those whose types the dispatch knows.
///
/// # Errors
///
/// If a property is given in one way to the one operation, and in another to the other, or two are written as one field.
fn properties<'a>(operations: [&Operation<'a>; 2]) -> Result<BTreeMap<&'a str, Property<'a>>> {
    let mut all: BTreeMap<_, Property<'_>> = BTreeMap::new();
    for operation in operations {
        let properties = schema(operation.node)["properties"].as_object();
        for (name, property) in properties.into_iter().flatten() {
            let Some(given) = Given::of(property) else {
                continue;
            };
            let first = all.entry(name.as_str()).or_insert(Property {
                given,
                schema: property,
                of: operation.id,
                says_null: false,
            });
            first.says_null |= takes_null(property);
            if first.given != given {
                bail!(
                    "`{name}` is {} in the body of `{}`, and {property} in that of `{}`: one value is written to both",
                    first.schema,
                    first.of,
                    operation.id
                );
            }
        }
    }
    distinct(&all)?;
    Ok(all)
}

/// # Errors
///
/// If two fields of what is written have one name.
fn distinct(properties: &BTreeMap<&str, Property<'_>>) -> Result<()> {
    let mut fields = Names::default();
    for (name, property) in properties {
        let says_null = property.says_null.then(|| null(name));
        let own = [
            (Some(field(name)), format!("`{name}`")),
            (says_null, format!("what says that `{name}` is `null`")),
        ];
        for (field, what) in own {
            let Some(field) = field else { continue };
            let what = format!("{what} in the body of `{}`", property.of);
            if let Some(why) = fields.claim(field.to_string(), what) {
                bail!("the field {why}");
            }
        }
    }
    Ok(())
}

/// The statement that makes an operation's `body` out of `write`, and the checks before it; the body's fields with their
/// types.
fn body(
    operation: &Operation<'_>,
    known: &BTreeMap<&str, Property<'_>>,
) -> Result<(TokenStream, Vec<(String, String)>)> {
    let written = body::of(operation, |name| {
        let Property {
            given, says_null, ..
        } = *known.get(name)?;
        let field = field(name);
        let value = match given {
            Given::Boolean => quote!(write.#field),
            Given::Sealed => quote!(write.#field.as_ref()),
            Given::Text | Given::Ids => quote!(write.#field.as_deref()),
        };
        let null = says_null.then(|| null(name));
        let null = null.map(|null| quote!(write.#null));
        Some(Known { value, given, null })
    })?;
    let properties = &schema(operation.node)["properties"];
    let absent = known
        .keys()
        .filter(|name| properties.get(name).is_none())
        .map(|name| {
            let field = field(name);
            quote!(refuse(write.#field.is_some(), #name)?;)
        });
    let argument = written.argument;
    let code = quote!(#(#absent)* let body = #argument;);
    Ok((code, written.fields))
}
