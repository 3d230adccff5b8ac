//! An organization's private registries: what Dependabot logs in to.
//!
//! They are their own family. GitHub names a registry when it is created, so creating and updating are two calls,
//! and what is stored is a login: a sealed value, or facts for an OIDC exchange that needs none.

mod auth;
mod scope;
mod write;

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use futures_core::Stream;
use futures_util::{StreamExt, TryStreamExt};
use octoseal_api::operations::Operation;
use octoseal_api::stores::registries::{self, Registry, Write};

use crate::access::Access;
use crate::client::Client;
use crate::error::{Applied, Error, Kind};
use crate::lookup::{ScopeKey, Sealed, fetch_key, maybe_of_repositories};
use crate::receipt::{Receipt, Written};
use crate::runtime::paging::{Listed, PER_PAGE, pages};
use crate::runtime::{Allowance, Call, RetryPolicy};
use crate::scope::SecretName;

pub use auth::RegistryAuth;
pub use scope::PrivateRegistriesScope;
use write::Draft;
pub use write::{CreateRegistry, CreatedRegistry, UpdateRegistry};

/// A private registry as GitHub lists it, without what it logs in with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrivateRegistry {
    /// The name that GitHub gave it.
    pub name: String,
    /// Its kind, for example `npm_registry`; empty if GitHub leaves it out.
    pub registry_type: String,
    /// How it is logged in to, for example `token` or `oidc_azure`; missing from older servers.
    pub auth_type: Option<String>,
    /// Its address; missing from older servers.
    pub url: Option<String>,
    /// The user name it is logged in to with.
    pub username: Option<String>,
    /// Whether it stands in for the public registry of its kind.
    pub replaces_base: Option<bool>,
    /// `all`, `private`, `selected`, or a word that is newer than this crate; empty if GitHub
    /// leaves it out.
    pub visibility: String,
    /// The repositories it is selected for; GitHub tells them when one registry is asked for.
    pub selected_repository_ids: Vec<u64>,
    /// When it was created (RFC 3339); empty if GitHub leaves it out.
    pub created_at: String,
    /// When it last changed (RFC 3339); empty if GitHub leaves it out.
    pub updated_at: String,
}

/// The private registries of one organization: what [`Client::private_registries`] gives.
///
/// GitHub's page: [Organization configurations](https://docs.github.com/rest/private-registries/organization-configurations).
#[derive(Clone, Debug)]
pub struct PrivateRegistries {
    client: Client,
    scope: PrivateRegistriesScope,
}

impl Client {
    /// An organization's private registries.
    ///
    /// # Examples
    /// ```
    /// use octoseal::{registries::{PrivateRegistriesScope, RegistryAuth}, Visibility};
    ///
    /// # async fn f(github: octoseal::Client, token: String) -> Result<(), octoseal::Error> {
    /// let registries = github.private_registries(PrivateRegistriesScope::new("acme")?);
    /// let created = registries
    ///     .create("npm_registry", "https://npm.acme.example", Visibility::Private)
    ///     .auth(RegistryAuth::Token { token: token.into() })
    ///     .send()
    ///     .await?;
    /// registries.update(&created.registry.name).url("https://npm2.acme.example").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn private_registries(&self, scope: PrivateRegistriesScope) -> PrivateRegistries {
        PrivateRegistries {
            client: self.clone(),
            scope,
        }
    }
}

impl PrivateRegistries {
    /// The same with another deadline for each call made by it; see [`Client::deadline`].
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.client = self.client.deadline(deadline);
        self
    }

    /// The same with another policy for failures; see [`Client::retry`].
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.client = self.client.retry(policy);
        self
    }

    /// The kinds of registry that GitHub's description lists.
    pub const TYPES: &'static [&'static str] = registries::REGISTRY_TYPE;

    /// The ways of logging in that GitHub's description lists.
    pub const AUTH_TYPES: &'static [&'static str] = registries::AUTH_TYPE;

    /// Creates a registry of a kind in [`TYPES`](Self::TYPES) at `url`, for the repositories that `access` says:
    /// all, private, or those that are listed. Nothing happens until [`CreateRegistry::send`], which gives all errors.
    ///
    /// GitHub's page: [Create a private registry for an organization](https://docs.github.com/rest/private-registries/organization-configurations#create-a-private-registry-for-an-organization).
    pub fn create(
        &self,
        registry_type: impl Into<String>,
        url: impl Into<String>,
        access: impl Into<Access>,
    ) -> CreateRegistry {
        let registry_type = registry_type.into();
        let mut draft = Draft::new(self, access.into());
        if !Self::TYPES.contains(&registry_type.as_str()) {
            let known = Self::TYPES.join(", ");
            draft.refused = Some(Error::input(format!(
                "{registry_type:?} is not a kind of registry: {known}"
            )));
        }
        draft.write.registry_type = Some(registry_type);
        draft.write.url = Some(url.into());
        CreateRegistry(draft)
    }

    /// Changes what is then said of the registry `name`, and nothing else. Nothing happens until
    /// [`UpdateRegistry::send`], which gives all errors.
    ///
    /// GitHub's page: [Update a private registry for an organization](https://docs.github.com/rest/private-registries/organization-configurations#update-a-private-registry-for-an-organization).
    pub fn update(&self, name: impl Into<String>) -> UpdateRegistry {
        UpdateRegistry {
            draft: Draft::new(self, Access::Keep),
            name: name.into(),
        }
    }

    /// All registries, page after page of 100; a page is asked for when those before it are taken. The stream owns what
    /// it needs and outlives the handle.
    ///
    /// GitHub's page: [List private registries for an organization](https://docs.github.com/rest/private-registries/organization-configurations#list-private-registries-for-an-organization).
    ///
    /// # Errors
    /// [`Error::is_not_found`], [`Error::is_permission`] and the failures of any call; a page that fails ends the
    /// stream.
    ///
    /// # Examples
    /// ```
    /// use futures_util::TryStreamExt;
    /// use octoseal::registries::PrivateRegistriesScope;
    ///
    /// # async fn show(github: octoseal::Client) -> Result<(), octoseal::Error> {
    /// let mut registries = github.private_registries(PrivateRegistriesScope::new("acme")?).list();
    /// while let Some(registry) = registries.try_next().await? {
    ///     println!("{}: {}", registry.name, registry.registry_type);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(
        &self,
    ) -> impl Stream<Item = Result<PrivateRegistry, Error>> + Send + Unpin + use<> {
        self.list_within(None)
    }

    fn list_within(
        &self,
        within: Option<Allowance>,
    ) -> impl Stream<Item = Result<PrivateRegistry, Error>> + Send + Unpin + use<> {
        let listed = Arc::new(Listed {
            runtime: self.client.runtime.clone(),
            terms: self.client.terms.clone(),
            doing: "listing",
            name: String::new(),
            place: self.scope.clone(),
            operation: registries::LIST,
        });
        let told = listed.clone();
        pages(ready(Ok(listed)), within, |api, listed, page| async move {
            api.list_registries(listed.place.org(), PER_PAGE, page)
                .await
        })
        .map(move |registry| read(registry?, told.call()))
    }

    /// All registries, collected within the time of one call; all pages or an error.
    ///
    /// # Errors
    /// As for [`list`](Self::list).
    ///
    /// # Examples
    /// ```
    /// # async fn count(registries: octoseal::registries::PrivateRegistries) -> Result<usize, octoseal::Error> {
    /// Ok(registries.list_all().await?.len())
    /// # }
    /// ```
    pub async fn list_all(&self) -> Result<Vec<PrivateRegistry>, Error> {
        let (call, allowance) = (self.call("listing", "", registries::LIST), self.allowance());
        let all = self.list_within(Some(allowance.clone())).try_collect();
        self.client.runtime.watch(call, &allowance, all).await
    }

    /// One registry, with the repositories it is selected for.
    ///
    /// GitHub's page: [Get a private registry for an organization](https://docs.github.com/rest/private-registries/organization-configurations#get-a-private-registry-for-an-organization).
    ///
    /// # Errors
    /// [`Error::is_not_found`] if there is none of this name, [`Error::is_invalid_input`] for a name that none can
    /// have, and the failures of any call.
    pub async fn get(&self, name: impl Into<String>) -> Result<PrivateRegistry, Error> {
        let name = SecretName::new(name)?;
        let call = self.call("reading", name.as_str(), registries::GET);
        let (org, name) = (self.scope.org(), name.as_str());
        let run = |api: octoseal_api::Client| async move { api.get_registry(org, name).await };
        let reply = self
            .client
            .runtime
            .call(call, &self.allowance(), run)
            .await?;
        read(reply.into_inner(), call)
    }

    /// Deletes a registry.
    ///
    /// GitHub's page: [Delete a private registry for an organization](https://docs.github.com/rest/private-registries/organization-configurations#delete-a-private-registry-for-an-organization).
    ///
    /// # Errors
    /// [`Error::is_not_found`] if there is none of this name, [`Error::is_invalid_input`] for a name that none can
    /// have, and the failures of any call.
    pub async fn delete(&self, name: impl Into<String>) -> Result<Receipt, Error> {
        let name = SecretName::new(name)?;
        let call = self.call("deleting", name.as_str(), registries::DELETE);
        let (org, name) = (self.scope.org(), name.as_str());
        let run = |api: octoseal_api::Client| async move { api.delete_registry(org, name).await };
        let answered = self
            .client
            .runtime
            .call(call, &self.allowance(), run)
            .await?;
        let scope = &self.scope;
        Ok(Receipt::new(Written::Deleted, scope, name, &answered))
    }

    /// The public key that values are sealed with, fetched now.
    ///
    /// GitHub's page: [Get private registries public key for an organization](https://docs.github.com/rest/private-registries/organization-configurations#get-private-registries-public-key-for-an-organization).
    ///
    /// # Errors
    /// [`Error::is_public_key`] if the server gives a key that can't be sealed to, and the failures of any call.
    pub async fn public_key(&self) -> Result<ScopeKey, Error> {
        fetch_key(&self.client.runtime, &self.scope, &self.allowance()).await
    }

    /// Seals the value into what is written, if there is one, and sends it.
    async fn store<T, F, Fut>(
        &self,
        call: Call<'_>,
        draft: Draft,
        allowance: &Allowance,
        send: F,
    ) -> Result<T, Error>
    where
        F: Fn(Write) -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let work = async {
            let (write, value) = draft.prepare(allowance).await?;
            let selected = write.selected_repository_ids.clone();
            let explained = |error| maybe_of_repositories(error, selected.as_deref());
            let Some(value) = value else {
                return send(write).await.map_err(explained);
            };
            let seal_into = |sealed: Sealed| {
                let sent = sealed.checked().map(|encrypted_value| {
                    let mut write = write.clone();
                    write.encrypted_value = Some(encrypted_value);
                    write.key_id = Some(sealed.key_id);
                    send(write)
                });
                async { sent?.await }
            };
            let lookup = &self.client.lookup;
            let stored = lookup.seal_and_write(&self.scope, &value, allowance, seal_into);
            // In a box, as it holds several calls.
            Box::pin(stored).await.map_err(explained)
        };
        self.client.runtime.watch(call, allowance, work).await
    }

    fn allowance(&self) -> Allowance {
        self.client.allowance()
    }

    fn call<'a>(&'a self, doing: &'static str, name: &'a str, operation: Operation) -> Call<'a> {
        Call::new(&self.scope, doing, name, operation)
    }
}

/// What the description's type says, in ours.
fn read(registry: Registry, call: Call<'_>) -> Result<PrivateRegistry, Error> {
    let ids = registry.selected_repository_ids.unwrap_or_default();
    let ids = ids.into_iter().map(u64::try_from).collect::<Result<_, _>>();
    let selected_repository_ids = ids.map_err(|_| {
        let error = Error::new(Kind::UnexpectedReply, "a repository's id is negative")
            .with_action(call.to_string());
        // What GitHub answers so, it has done.
        match call.is_write() {
            true => error.with_applied(Applied::Unknown),
            false => error,
        }
    })?;
    Ok(PrivateRegistry {
        name: registry.name,
        registry_type: registry.registry_type.unwrap_or_default(),
        auth_type: registry.auth_type,
        url: registry.url,
        username: registry.username,
        replaces_base: registry.replaces_base,
        visibility: registry.visibility.unwrap_or_default(),
        selected_repository_ids,
        created_at: registry.created_at.unwrap_or_default(),
        updated_at: registry.updated_at.unwrap_or_default(),
    })
}
