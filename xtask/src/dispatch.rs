//! The dispatch over stores and scopes: `codegen/src/stores.rs`, written from the description's
//! facts. What does not differ between stores is hand-written, in `codegen/src/shapes.rs`.

mod body;
mod registries;

use anyhow::{Context as _, Result, bail};
use heck::ToPascalCase as _;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use crate::description::Operation;
use crate::family::{self, Place, Role, Scope};
use crate::generate::{pascal, render, snake};
use crate::repairs;

const DOCS: &str =
    "//! Which store takes which call at which place: nothing but the description's facts.\n";

/// The text of `stores.rs` for a repaired fragment.
pub fn stores(repaired: &Value) -> Result<String> {
    let scopes = family::scopes(repaired);
    let enums = Place::ALL.map(|place| store_enum(place, &scopes));
    let facts = facts(&scopes);
    let shapes = shapes(repaired, &scopes);
    let mut methods = Vec::new();
    for role in Role::ALL {
        methods.push(method(repaired, &scopes, role)?);
    }
    let registries = registries::registries(repaired)?;
    let file = quote! {
        use crate::shapes::{lacking, refuse, required, reshape, choice};
        pub use crate::shapes::{Operation, Page, PublicKey, Put, Repository, Scope, Secret, UnknownStore};
        use crate::{Client, Error, ResponseValue, types};

        #(#enums)*
        #facts
        #shapes

        /// One method for each thing that can be done to a scope, whichever store it is in.
        impl Client {
            #(#methods)*
        }

        #registries
    };
    render(file, DOCS)
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
    let doc = format!(" The stores {}.", where_at(place));
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

/// What each scope can do, and what its bodies ask for.
fn facts(scopes: &[Scope<'_>]) -> TokenStream {
    let ids = scopes.iter().flat_map(|scope| {
        let pattern = pattern(scope, false);
        scope.operations.iter().map(move |(role, operation)| {
            let role = format_ident!("{}", format!("{role:?}"));
            let id = operation.id;
            quote!((#pattern, Operation::#role) => Some(#id),)
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
        body::requires(schema, "encrypted_value") && body::requires(schema, "key_id")
    });
    let visibility = with(&|schema| schema["properties"].get("visibility").is_some());
    quote! {
        impl Scope<'_> {
            /// GitHub's id of an operation on this scope, if the description has it.
            pub fn operation_id(&self, operation: Operation) -> Option<&'static str> {
                match (self, operation) {
                    #(#ids)*
                    _ => None,
                }
            }

            /// Whether the description requires a sealed value and its key's id on every write.
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

/// From the generated types to the hand-written ones, field by field.
fn shapes(repaired: &Value, scopes: &[Scope<'_>]) -> TokenStream {
    let schemas = &repaired["components"]["schemas"];
    let convert = |component: &str, shape: &str, fields: &[(&str, Kind)]| {
        let schema = &schemas[component];
        if !schema.is_object() {
            return TokenStream::new();
        }
        let from = format_ident!("{}", pascal(component));
        let shape = format_ident!("{shape}");
        let fields = fields.iter().map(|(name, kind)| {
            let field = format_ident!("{name}");
            let value = kind.read(
                name,
                &schema["properties"][*name],
                body::requires(schema, name),
            );
            quote!(#field: #value)
        });
        quote! {
            impl From<types::#from> for #shape {
                fn from(reply: types::#from) -> Self {
                    Self { #(#fields),* }
                }
            }
        }
    };
    use Kind::{Login, Optional, Plain};
    let secret = convert(
        repairs::SECRET,
        "Secret",
        &[
            ("name", Plain),
            ("created_at", Plain),
            ("updated_at", Plain),
            ("visibility", Optional),
            ("selected_repositories_url", Optional),
        ],
    );
    let key = convert(
        repairs::PUBLIC_KEY,
        "PublicKey",
        &[("key_id", Plain), ("key", Plain)],
    );
    let repository = convert(
        repairs::REPOSITORY,
        "Repository",
        &[
            ("id", Plain),
            ("name", Plain),
            ("full_name", Plain),
            ("owner", Login),
            ("private", Optional),
            ("html_url", Optional),
        ],
    );
    let page = |page: &str, item: &str, items: &str| {
        if !schemas[page].is_object() {
            return TokenStream::new();
        }
        let (page, item, items) = (
            format_ident!("{}", pascal(page)),
            format_ident!("{item}"),
            format_ident!("{items}"),
        );
        quote! {
            impl From<types::#page> for Page<#item> {
                fn from(reply: types::#page) -> Self {
                    Self { total_count: reply.total_count, items: reply.#items.into_iter().map(Into::into).collect() }
                }
            }
        }
    };
    let secrets = page(repairs::SECRET_PAGE, "Secret", "secrets");
    let repositories = page(repairs::REPOSITORY_PAGE, "Repository", "repositories");
    if scopes.is_empty() && !schemas[repairs::PUBLIC_KEY].is_object() {
        return TokenStream::new();
    }
    quote!(#secret #key #repository #secrets #repositories)
}

/// How a field of a reply is read into ours.
#[derive(Clone, Copy)]
enum Kind {
    /// It must be there; if the description makes it optional, its absence is the default.
    Plain,
    /// It may be there.
    Optional,
    /// An owner, of whom the login is kept.
    Login,
}

impl Kind {
    fn read(self, name: &str, property: &Value, required: bool) -> TokenStream {
        let field = format_ident!("{name}");
        let present = property.is_object();
        let certain = required && property["nullable"] != true;
        match (self, present, certain) {
            (Self::Plain, true, true) => quote!(reply.#field.into()),
            (Self::Plain, true, false) => quote!(reply.#field.map(Into::into).unwrap_or_default()),
            (Self::Plain, false, _) => quote!(Default::default()),
            (Self::Optional, true, true) => quote!(Some(reply.#field)),
            (Self::Optional, true, false) => quote!(reply.#field),
            (Self::Optional | Self::Login, false, _) => quote!(None),
            (Self::Login, true, true) => quote!(Some(reply.#field.login)),
            (Self::Login, true, false) => quote!(reply.#field.map(|owner| owner.login)),
        }
    }
}

/// One method of the client: an arm for every scope that has the operation.
fn method(repaired: &Value, scopes: &[Scope<'_>], role: Role) -> Result<TokenStream> {
    let Signature {
        name,
        docs,
        parameters,
        result,
        convert,
    } = signature(role);
    let mut arms = Vec::new();
    for scope in scopes {
        let Some(operation) = scope.operations.get(&role) else {
            continue;
        };
        let pattern = pattern(scope, true);
        let call = call(repaired, scope, role, operation)
            .with_context(|| format!("`{}`", operation.id))?;
        arms.push(quote!(#pattern => { #call }));
    }
    let role = format_ident!("{}", format!("{role:?}"));
    let reply = quote! {
        match scope {
            #(#arms)*
            #[allow(unreachable_patterns)]
            _ => return Err(lacking(&scope, Operation::#role)),
        }
    };
    let body = if arms.is_empty() {
        quote!(Err(lacking(&scope, Operation::#role)))
    } else if convert {
        quote!(Ok(reshape(#reply)))
    } else {
        quote!(Ok(#reply))
    };
    Ok(quote! {
        #[doc = #docs]
        pub async fn #name(&self, scope: Scope<'_>, #parameters) -> Result<ResponseValue<#result>, Error<()>> {
            #body
        }
    })
}

struct Signature {
    name: proc_macro2::Ident,
    docs: &'static str,
    parameters: TokenStream,
    result: TokenStream,
    convert: bool,
}

fn signature(role: Role) -> Signature {
    let (name, docs, parameters, result) = match role {
        Role::List => (
            "list_secrets",
            "One page of a scope's secrets; GitHub never tells their values.",
            quote!(per_page: i64, page: i64),
            quote!(Page<Secret>),
        ),
        Role::PublicKey => (
            "secret_public_key",
            "The key that values for this scope are sealed with.",
            quote!(),
            quote!(PublicKey),
        ),
        Role::Get => (
            "get_secret",
            "One secret, without its value.",
            quote!(name: &str),
            quote!(Secret),
        ),
        Role::Put => (
            "put_secret",
            "Creates (`201`) or updates (`204`) a secret.",
            quote!(name: &str, put: &Put<'_>),
            quote!(()),
        ),
        Role::Delete => (
            "delete_secret",
            "Removes a secret.",
            quote!(name: &str),
            quote!(()),
        ),
        Role::ListRepositories => (
            "list_selected_repositories",
            "One page of the repositories selected for a secret.",
            quote!(name: &str, per_page: i64, page: i64),
            quote!(Page<Repository>),
        ),
        Role::SetRepositories => (
            "set_selected_repositories",
            "Selects these repositories for a secret, and no others.",
            quote!(name: &str, ids: &[i64]),
            quote!(()),
        ),
        Role::AddRepository => (
            "add_selected_repository",
            "Selects one more repository for a secret.",
            quote!(name: &str, id: i64),
            quote!(()),
        ),
        Role::RemoveRepository => (
            "remove_selected_repository",
            "Selects one repository fewer for a secret.",
            quote!(name: &str, id: i64),
            quote!(()),
        ),
        Role::ListOrganizationSecrets => (
            "list_organization_secrets",
            "One page of the organization's secrets that a repository can see.",
            quote!(per_page: i64, page: i64),
            quote!(Page<Secret>),
        ),
    };
    let convert = !matches!(
        role,
        Role::Put
            | Role::Delete
            | Role::SetRepositories
            | Role::AddRepository
            | Role::RemoveRepository
    );
    Signature {
        name: format_ident!("{name}"),
        docs,
        parameters,
        result,
        convert,
    }
}

/// The call of one generated method, its arguments in progenitor's order: pieces of the path, then
/// the query by name, then the body.
fn call(
    repaired: &Value,
    scope: &Scope<'_>,
    role: Role,
    operation: &Operation<'_>,
) -> Result<TokenStream> {
    let mut arguments: Vec<TokenStream> = Vec::new();
    let holes = operation
        .path
        .split('/')
        .filter(|piece| piece.starts_with('{'));
    let mut names: Vec<&str> = match scope.place {
        Place::Organization => vec!["org"],
        Place::Repository => vec!["owner", "repo"],
        Place::Environment => vec!["owner", "repo", "environment"],
        Place::User => vec![],
    };
    if !matches!(
        role,
        Role::List | Role::PublicKey | Role::ListOrganizationSecrets
    ) {
        names.push("name");
    }
    if matches!(role, Role::AddRepository | Role::RemoveRepository) {
        names.push("id");
    }
    if holes.count() != names.len() {
        bail!("its path has other parameters than {names:?}");
    }
    arguments.extend(names.into_iter().map(|name| {
        let name = format_ident!("{name}");
        quote!(#name)
    }));
    arguments.extend(query(repaired, operation)?);

    let mut before = TokenStream::new();
    match role {
        Role::Put => {
            let (setup, value) = body::put(operation)?;
            before = setup;
            arguments.push(value);
        }
        Role::SetRepositories => arguments.push(body::ids(operation)?),
        _ => {}
    }
    let method = format_ident!("{}", snake(operation.id));
    Ok(quote!(#before self.#method(#(#arguments),*).await?))
}

/// The query's arguments: the page we ask for, and nothing for whatever else there is.
fn query(repaired: &Value, operation: &Operation<'_>) -> Result<Vec<TokenStream>> {
    let mut names = Vec::new();
    for parameter in operation.node["parameters"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let parameter = match parameter["$ref"]
            .as_str()
            .and_then(crate::cut::component_of)
        {
            Some((kind, name)) => &repaired["components"][kind][name],
            None => parameter,
        };
        if parameter["in"] != "path" {
            let name = parameter["name"]
                .as_str()
                .context("a parameter without a name")?;
            names.push((
                parameter["in"] == "header",
                name,
                parameter["required"] == true,
            ));
        }
    }
    names.sort_unstable();
    names
        .into_iter()
        .map(|(_, name, required)| match name {
            "page" | "per_page" => {
                let value = format_ident!("{name}");
                Ok(if required {
                    quote!(#value)
                } else {
                    quote!(Some(#value))
                })
            }
            _ if !required => Ok(quote!(None)),
            other => bail!("it requires `{other}`, of which the dispatch knows nothing"),
        })
        .collect()
}

/// The pattern of a scope, binding its fields or not.
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
    format_ident!("{}", store.to_pascal_case())
}

fn where_at(place: Place) -> &'static str {
    match place {
        Place::Organization => "that an organization has",
        Place::Repository => "that a repository has",
        Place::Environment => "that an environment of a repository has",
        Place::User => "that the user of the token has",
    }
}
