//! An organization's private registries, which Dependabot logs in to.
//!
//! GitHub names a registry when it is created, so creating and updating are two calls. GitHub stores a login: a sealed
//! value, or the settings of an OIDC exchange that needs none.

mod auth;
mod scope;
mod write;

use std::fmt;
use std::time::Duration;

use octoseal_api::stores::registries::{self, Registry};

use crate::access::Access;
use crate::client::{Client, Target};
use crate::error::{Applied, Error, ErrorKind, shown};
use crate::lookup::{ScopeKey, Sealed, fetch_key};
use crate::receipt::{Receipt, Written};
use crate::runtime::list::List;
use crate::runtime::paging::PER_PAGE;
use crate::runtime::{Allowance, Call, RetryPolicy};
use crate::scope::SecretName;

pub use auth::RegistryAuth;
pub use scope::PrivateRegistriesScope;
pub use write::{CreateRegistry, CreatedRegistry, UpdateRegistry};
use write::{Draft, Prepared};

/// A private registry as GitHub lists it, without its login.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrivateRegistry {
    /// The name that GitHub gave it.
    pub name: String,
    /// Its kind, for example `npm_registry`; empty if GitHub leaves it out.
    pub registry_type: String,
    /// The kind of login, for example `token` or `oidc_azure`; missing from older servers.
    pub auth_type: Option<String>,
    /// Its address; missing from older servers.
    pub url: Option<String>,
    /// The user name of the login.
    pub username: Option<String>,
    /// Whether it replaces the public registry of its kind.
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

/// Without the address, which may hold a password.
impl fmt::Debug for PrivateRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateRegistry")
            .field("name", &self.name)
            .field("registry_type", &self.registry_type)
            .field("visibility", &self.visibility)
            .finish_non_exhaustive()
    }
}

/// The private registries of one organization: what [`Client::private_registries`] gives.
///
/// GitHub's page: [Organization configurations](https://docs.github.com/rest/private-registries/organization-configurations).
#[derive(Clone, Debug)]
pub struct PrivateRegistries {
    target: Target<PrivateRegistriesScope>,
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
            target: Target::new(self, scope),
        }
    }
}

impl PrivateRegistries {
    /// This handle with another deadline for each of its calls; see [`Client::deadline`].
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.target = self.target.deadline(deadline);
        self
    }

    /// This handle with another policy for failures of its calls; see [`Client::retry`].
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.target = self.target.retry(policy);
        self
    }

    /// The kinds of registry that GitHub's description lists.
    pub const TYPES: &'static [&'static str] = registries::REGISTRY_TYPE;

    /// The ways of logging in that GitHub's description lists.
    pub const AUTH_TYPES: &'static [&'static str] = registries::AUTH_TYPE;

    /// Creates a registry of a kind in [`TYPES`](Self::TYPES) at `url`, for all, private or selected repositories. Nothing
    /// happens until [`CreateRegistry::send`], which gives all errors.
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
                "{} is not a kind of registry: {known}",
                shown(&registry_type)
            )));
        }
        draft.write.registry_type = Some(registry_type);
        draft.write.url = Some(url.into());
        CreateRegistry(draft)
    }

    /// Changes the settings of the registry `name` for which methods of the [`UpdateRegistry`] are called, and no others.
    /// Nothing happens until [`UpdateRegistry::send`], which gives all errors.
    ///
    /// GitHub's page: [Update a private registry for an organization](https://docs.github.com/rest/private-registries/organization-configurations#update-a-private-registry-for-an-organization).
    pub fn update(&self, name: impl Into<String>) -> UpdateRegistry {
        UpdateRegistry {
            draft: Draft::new(self, Access::Keep),
            name: name.into(),
        }
    }

    /// All registries, page after page.
    ///
    /// GitHub's page: [List private registries for an organization](https://docs.github.com/rest/private-registries/organization-configurations#list-private-registries-for-an-organization).
    ///
    /// # Errors
    /// [`Error::is_not_found`], [`Error::is_permission`] and the failures of any call.
    ///
    /// # Examples
    /// ```
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
    pub fn list(&self) -> List<PrivateRegistry> {
        List::new(
            Ok(self.target.listed_by("listing", "", registries::LIST)),
            |api, listed, page| async move {
                let org = listed.place.org();
                api.list_registries(org, PER_PAGE, page).await
            },
            |registry, listed| read(registry, listed.call()),
        )
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
        let Target { client, scope } = &self.target;
        let call = self
            .target
            .call_of("reading", name.as_str(), registries::GET);
        let run =
            async |api: octoseal_api::Client| api.get_registry(scope.org(), name.as_str()).await;
        let reply = client.runtime.call(call, &client.allowance(), run).await?;
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
        let Target { client, scope } = &self.target;
        let call = self
            .target
            .call_of("deleting", name.as_str(), registries::DELETE);
        let run =
            async |api: octoseal_api::Client| api.delete_registry(scope.org(), name.as_str()).await;
        let answered = client.runtime.call(call, &client.allowance(), run).await?;
        Ok(Receipt::new(
            Written::Deleted,
            scope,
            name.as_str(),
            &answered,
        ))
    }

    /// The public key that values are sealed with, fetched now.
    ///
    /// GitHub's page: [Get private registries public key for an organization](https://docs.github.com/rest/private-registries/organization-configurations#get-private-registries-public-key-for-an-organization).
    ///
    /// # Errors
    /// [`Error::is_public_key`] if the server gives a key that can't be sealed to, and the failures of any call.
    pub async fn public_key(&self) -> Result<ScopeKey, Error> {
        let Target { client, scope } = &self.target;
        fetch_key(&client.runtime, scope, &client.allowance()).await
    }

    /// Seals the draft's value, if there is one, and sends the draft.
    async fn store<T, F, Fut>(
        &self,
        call: Call<'_>,
        draft: Draft,
        allowance: &Allowance,
        send: F,
    ) -> Result<T, Error>
    where
        F: Fn(Prepared) -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let Target { client, scope } = &self.target;
        let work = async {
            let (prepared, value) = draft.prepare(allowance).await?;
            let Some(value) = value else {
                return send(prepared).await;
            };
            let seal_into = |sealed: Sealed| {
                let sent = sealed.checked().map(|encrypted_value| {
                    let mut prepared = prepared.clone();
                    prepared.write.encrypted_value = Some(encrypted_value);
                    prepared.write.key_id = Some(sealed.key_id);
                    send(prepared)
                });
                async { sent?.await }
            };
            let stored = client
                .lookup
                .seal_and_write(scope, &value, allowance, seal_into);
            // Boxed, since its future holds several calls.
            Box::pin(stored).await
        };
        client.runtime.watch(call, allowance, work).await
    }
}

fn read(registry: Registry, call: Call<'_>) -> Result<PrivateRegistry, Error> {
    let ids = registry.selected_repository_ids.unwrap_or_default();
    let ids = ids.into_iter().map(u64::try_from).collect::<Result<_, _>>();
    let selected_repository_ids = ids.map_err(|_| {
        let error = Error::new(ErrorKind::UnexpectedReply, "a repository's id is negative")
            .with_action(call.to_string());
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
