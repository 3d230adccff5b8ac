//! Calls: a method for each role, with an arm for every scope that has it.

use anyhow::{Context as _, Result, bail};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use serde_json::Value;

use super::fit::{ANYTHING, Call};
use super::{body, pattern};
use crate::codegen::optional;
use crate::description::Operation;
use crate::description::family::{Place, Role, Scope};
use crate::description::walk::parameters;
use crate::repairs::components;
use crate::rust_names::{pascal, snake};

/// The method of a role, the generated methods it calls, and the errors of scopes that can't have it.
pub(super) fn method(
    repaired: &Value,
    scopes: &[Scope<'_>],
    role: Role,
) -> (TokenStream, Vec<Call>, Vec<anyhow::Error>) {
    let Signature {
        name,
        docs,
        parameters,
        result,
    } = signature(role);
    let (mut arms, mut calls, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for scope in scopes {
        let Some(operation) = scope.operations.get(&role) else {
            continue;
        };
        let pattern = pattern(scope, true);
        match call(repaired, scope, role, operation) {
            Ok((code, call)) => {
                arms.push(quote!(#pattern => { #code }));
                calls.push(call);
            }
            Err(error) => faults.push(error.context(format!("`{}`", operation.id))),
        }
    }
    let name_of_role = format_ident!("{}", format!("{role:?}"));
    let reply = quote! {
        match scope {
            #(#arms)*
            #[allow(unreachable_patterns)]
            _ => return Err(lacking(&scope, Role::#name_of_role)),
        }
    };
    let body = if arms.is_empty() {
        quote!(Err(lacking(&scope, Role::#name_of_role)))
    } else if read_as(role).is_some() {
        quote!(Ok(reshape(#reply)))
    } else {
        quote!(Ok(#reply))
    };
    let method = quote! {
        #[doc = #docs]
        pub async fn #name(&self, scope: Scope<'_>, #parameters) -> Result<ResponseValue<#result>, Error> {
            #body
        }
    };
    (method, calls, faults)
}

/// The method of a role.
pub(super) fn name(role: Role) -> String {
    signature(role).name.to_string()
}

struct Signature {
    name: proc_macro2::Ident,
    docs: &'static str,
    parameters: TokenStream,
    result: TokenStream,
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
    Signature {
        name: format_ident!("{name}"),
        docs,
        parameters,
        result,
    }
}

/// The call of a generated method. The order of arguments is: pieces of the path, the query by name, the body, what may be
/// left out.
fn call(
    repaired: &Value,
    scope: &Scope<'_>,
    role: Role,
    operation: &Operation<'_>,
) -> Result<(TokenStream, Call)> {
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
    let mut arguments: Vec<(TokenStream, String)> = Vec::new();
    arguments.extend(names.into_iter().map(|name| {
        let kind = if name == "id" { "i64" } else { "&str" };
        let name = format_ident!("{name}");
        (quote!(#name), kind.to_owned())
    }));
    let query = query(repaired, operation)?;
    let (method, options) = query.method(operation.id);
    arguments.extend(query.arguments);

    let body = match role {
        Role::Put => Some(body::put(operation)?),
        Role::SetRepositories => Some(body::ids(operation)?),
        _ => None,
    };
    let before = body.as_ref().map(|body| body.before.clone());
    if let Some(body) = &body {
        let kind = format!("&{}", body::name_of(operation));
        let argument = &body.argument;
        arguments.push((quote!(&#argument), kind));
    }
    let (passed, kinds): (Vec<_>, Vec<_>) = arguments.into_iter().unzip();
    let passed = passed.into_iter().chain(options);
    let reply = quote!(self.#method(#(#passed),*).await?);
    let (reply, read_as) = match read_as(role) {
        Some(component) => (reply, pascal(component)),
        None => status_only(operation, reply),
    };
    let call = Call {
        id: operation.id.to_owned(),
        arguments: kinds,
        options: query.options,
        body: body.map(|body| body.fields).unwrap_or_default(),
        reply: read_as,
    };
    Ok((quote!(#before #reply), call))
}

/// The component that a role's reply is, if it is more than its status.
fn read_as(role: Role) -> Option<&'static str> {
    match role {
        Role::List | Role::ListOrganizationSecrets => Some(components::SECRET_PAGE),
        Role::PublicKey => Some(components::PUBLIC_KEY),
        Role::Get => Some(components::SECRET),
        Role::ListRepositories => Some(components::REPOSITORY_PAGE),
        _ => None,
    }
}

/// A write's reply reduced to its status, whatever body is described, and the type of the reply before that.
pub(super) fn status_only(operation: &Operation<'_>, reply: TokenStream) -> (TokenStream, String) {
    let replies = operation.node["responses"].as_object();
    let mut replies = replies.into_iter().flatten();
    match replies.any(|(_, reply)| reply.get("content").is_some()) {
        true => (quote!(status_only(#reply)), ANYTHING.to_owned()),
        false => (reply, "()".to_owned()),
    }
}

/// What is passed of the query.
#[derive(Default)]
pub(super) struct Query {
    /// What the operation requires, each with its type.
    pub(super) arguments: Vec<(TokenStream, String)>,
    /// What may be left out, by name, each with its type.
    pub(super) options: Vec<(String, String)>,
    /// Whether the operation has further optional parameters, which are not passed.
    has_others: bool,
}

/// The query of an operation: `page` and `per_page`, and of what may be left out nothing else.
pub(super) fn query(repaired: &Value, operation: &Operation<'_>) -> Result<Query> {
    let mut names = Vec::new();
    for parameter in parameters(repaired, operation) {
        if parameter["in"] != "path" {
            let name = parameter["name"]
                .as_str()
                .context("a parameter without a name")?;
            let is_header = parameter["in"] == "header";
            names.push((is_header, name, parameter["required"] == true));
        }
    }
    names.sort_unstable();
    let mut query = Query::default();
    for (_, name, required) in names {
        match (name, required) {
            ("page" | "per_page", true) => {
                let value = format_ident!("{name}");
                query.arguments.push((quote!(#value), "i64".to_owned()));
            }
            ("page" | "per_page", false) => {
                let option = (name.to_owned(), "Option<i64>".to_owned());
                query.options.push(option);
            }
            (_, false) => query.has_others = true,
            (other, true) => {
                bail!("it requires `{other}`, of which the dispatch knows nothing")
            }
        }
    }
    Ok(query)
}

impl Query {
    /// The method to call, and what it is passed beside required arguments.
    pub(super) fn method(&self, id: &str) -> (Ident, Option<TokenStream>) {
        let method = snake(id);
        if self.options.is_empty() {
            return (format_ident!("{method}"), None);
        }
        let fields = self.options.iter().map(|(name, _)| {
            let name = format_ident!("{name}");
            quote!(#name: Some(#name))
        });
        let options = format_ident!("{}", optional::options(&method));
        let rest = self.has_others.then(|| quote!(..Default::default()));
        let passed = quote!(&options::#options { #(#fields,)* #rest });
        (format_ident!("{}", optional::twin(&method)), Some(passed))
    }
}
