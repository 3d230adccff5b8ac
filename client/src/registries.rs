//! An organization's private registries: what Dependabot logs in to.
//!
//! They are their own family. GitHub names a registry when it is created, so creating and updating are two calls,
//! and what is stored is a login: a sealed value, or facts for an OIDC exchange that needs none.

use std::fmt;

use futures_core::Stream;
use futures_util::{StreamExt, TryStreamExt};
use octoseal_api::{Error as ApiError, ResponseValue, stores, types};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::call::{Call, Effect};
use crate::client::Client;
use crate::described::typed;
use crate::error::Error;
use crate::keys::{HasKey, ScopeKey, Sealed};
use crate::names::SecretName;
use crate::paging::{PER_PAGE, pages};
use crate::retry::Allowance;
use crate::scope::PrivateRegistriesScope;
use crate::token::Audience;
use crate::value::SecretValue;
use crate::visibility::{Access, RepositoryRef, Visibility};

/// A private registry as GitHub lists it, without what it logs in with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct PrivateRegistry {
    /// The name that GitHub gave it.
    pub name: String,
    /// Its kind, for example `npm_registry`.
    pub registry_type: String,
    /// How it is logged in to, for example `token` or `oidc_azure`; missing from older servers.
    #[serde(default)]
    pub auth_type: Option<String>,
    /// Its address; missing from older servers.
    #[serde(default)]
    pub url: Option<String>,
    /// The user name it is logged in to with.
    #[serde(default)]
    pub username: Option<String>,
    /// Whether it stands in for the public registry of its kind.
    #[serde(default)]
    pub replaces_base: Option<bool>,
    /// `all`, `private`, `selected`, or a word that is newer than this crate.
    pub visibility: String,
    /// The repositories it is selected for; GitHub tells them when one registry is asked for.
    #[serde(default)]
    pub selected_repository_ids: Vec<u64>,
    /// When it was created (RFC 3339).
    pub created_at: String,
    /// When it last changed (RFC 3339).
    pub updated_at: String,
}

/// How a private registry is logged in to. What GitHub requires for a way of logging in is not optional here.
///
/// GitHub's page: [Create a private registry for an organization](https://docs.github.com/rest/private-registries/organization-configurations#create-a-private-registry-for-an-organization).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RegistryAuth {
    /// A token.
    Token {
        /// The token; it is sealed here.
        token: SecretValue,
    },
    /// A user name and a password.
    UsernamePassword {
        /// The user name; it is sent as it is.
        username: String,
        /// The password; it is sealed here.
        password: SecretValue,
    },
    /// OIDC with Azure.
    OidcAzure {
        /// The application's tenant.
        tenant_id: String,
        /// The application.
        client_id: String,
    },
    /// OIDC with AWS CodeArtifact.
    OidcAws {
        /// The region.
        aws_region: String,
        /// The account.
        account_id: String,
        /// The IAM role.
        role_name: String,
        /// The CodeArtifact domain.
        domain: String,
        /// The account that owns the domain.
        domain_owner: String,
        /// The audience, if not the default.
        audience: Option<String>,
    },
    /// OIDC with JFrog.
    OidcJfrog {
        /// The provider's name.
        jfrog_oidc_provider_name: String,
        /// The audience, if not the default.
        audience: Option<String>,
        /// The identity mapping, if there is one.
        identity_mapping_name: Option<String>,
    },
    /// OIDC with Cloudsmith.
    OidcCloudsmith {
        /// The organization's namespace.
        namespace: String,
        /// The service account.
        service_slug: String,
        /// The audience.
        audience: String,
        /// The API's host, if not Cloudsmith's own.
        api_host: Option<String>,
    },
    /// OIDC with Google Cloud.
    OidcGcp {
        /// The full resource name of the workload identity provider.
        workload_identity_provider: String,
        /// The service account to act as, if any.
        service_account: Option<String>,
        /// The audience, if not the default.
        audience: Option<String>,
    },
}

impl RegistryAuth {
    /// GitHub's word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Token { .. } => "token",
            Self::UsernamePassword { .. } => "username_password",
            Self::OidcAzure { .. } => "oidc_azure",
            Self::OidcAws { .. } => "oidc_aws",
            Self::OidcJfrog { .. } => "oidc_jfrog",
            Self::OidcCloudsmith { .. } => "oidc_cloudsmith",
            Self::OidcGcp { .. } => "oidc_gcp",
        }
    }

    /// What is sealed, if this way of logging in has a value.
    fn into_value(self) -> Option<SecretValue> {
        match self {
            Self::Token { token } => Some(token),
            Self::UsernamePassword { password, .. } => Some(password),
            _ => None,
        }
    }

    /// What is sent as it is.
    fn fields(&self) -> Vec<(&'static str, Option<&String>)> {
        match self {
            Self::Token { .. } => vec![],
            Self::UsernamePassword { username, .. } => vec![("username", Some(username))],
            Self::OidcAzure {
                tenant_id,
                client_id,
            } => {
                vec![
                    ("tenant_id", Some(tenant_id)),
                    ("client_id", Some(client_id)),
                ]
            }
            Self::OidcAws {
                aws_region,
                account_id,
                role_name,
                domain,
                domain_owner,
                audience,
            } => vec![
                ("aws_region", Some(aws_region)),
                ("account_id", Some(account_id)),
                ("role_name", Some(role_name)),
                ("domain", Some(domain)),
                ("domain_owner", Some(domain_owner)),
                ("audience", audience.as_ref()),
            ],
            Self::OidcJfrog {
                jfrog_oidc_provider_name,
                audience,
                identity_mapping_name,
            } => vec![
                ("jfrog_oidc_provider_name", Some(jfrog_oidc_provider_name)),
                ("audience", audience.as_ref()),
                ("identity_mapping_name", identity_mapping_name.as_ref()),
            ],
            Self::OidcCloudsmith {
                namespace,
                service_slug,
                audience,
                api_host,
            } => vec![
                ("namespace", Some(namespace)),
                ("service_slug", Some(service_slug)),
                ("audience", Some(audience)),
                ("api_host", api_host.as_ref()),
            ],
            Self::OidcGcp {
                workload_identity_provider,
                service_account,
                audience,
            } => vec![
                (
                    "workload_identity_provider",
                    Some(workload_identity_provider),
                ),
                ("service_account", service_account.as_ref()),
                ("audience", audience.as_ref()),
            ],
        }
    }
}

/// The private registries of one organization: what [`Client::private_registries`] gives.
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
    /// use octoseal::{PrivateRegistriesScope, RegistryAuth, Visibility};
    ///
    /// # async fn f(github: octoseal::Client, token: String) -> Result<(), octoseal::Error> {
    /// let registries = github.private_registries(PrivateRegistriesScope::new("acme")?);
    /// let created = registries
    ///     .create("npm_registry", "https://npm.acme.example", Visibility::Private)
    ///     .auth(RegistryAuth::Token { token: token.into() })
    ///     .send()
    ///     .await?;
    /// registries.update(&created.name).url("https://npm2.acme.example").send().await?;
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

impl HasKey for PrivateRegistriesScope {
    fn audience(&self) -> Audience<'_> {
        Audience {
            owner: Some(self.org()),
            repository: None,
        }
    }

    async fn request(
        &self,
        api: octoseal_api::Client,
    ) -> Result<ResponseValue<stores::PublicKey>, ApiError<()>> {
        api.registry_public_key(self.org()).await
    }
}

impl PrivateRegistries {
    /// The kinds of registry that GitHub's description lists.
    pub const TYPES: &'static [&'static str] = stores::registries::REGISTRY_TYPE;

    /// The ways of logging in that GitHub's description lists.
    pub const AUTH_TYPES: &'static [&'static str] = stores::registries::AUTH_TYPE;

    /// Creates a registry of a kind in [`TYPES`](Self::TYPES). Nothing happens until [`CreateRegistry::send`].
    pub fn create(
        &self,
        registry_type: impl Into<String>,
        url: impl Into<String>,
        visibility: Visibility,
    ) -> CreateRegistry {
        let registry_type = registry_type.into();
        let mut write = Write::new(self, visibility.into());
        if !Self::TYPES.contains(&registry_type.as_str()) {
            let known = Self::TYPES.join(", ");
            write.refused = Some(Error::input(format!(
                "{registry_type:?} is not a kind of registry: {known}"
            )));
        }
        write
            .body
            .insert("registry_type".into(), registry_type.into());
        write.body.insert("url".into(), url.into().into());
        CreateRegistry(write)
    }

    /// Changes what is then said of a registry, and nothing else. Nothing happens until [`UpdateRegistry::send`].
    pub fn update(&self, name: impl Into<String>) -> UpdateRegistry {
        UpdateRegistry {
            write: Write::new(self, Access::Keep),
            name: name.into(),
        }
    }

    /// All registries, page after page.
    ///
    /// # Errors
    /// [`Error::is_not_found`], [`Error::is_permission`] and the failures of any call.
    pub fn list(&self) -> impl Stream<Item = Result<PrivateRegistry, Error>> + Send + '_ {
        let call = self.call("listing", "", Effect::Read);
        pages(&self.client, call, false, move |api, page| async move {
            api.list_registries(self.scope.org(), PER_PAGE, page).await
        })
        .map(|registry| read(registry?))
    }

    /// All registries, collected; all pages or an error.
    ///
    /// # Errors
    /// As for [`list`](Self::list).
    pub async fn list_all(&self) -> Result<Vec<PrivateRegistry>, Error> {
        self.list().try_collect().await
    }

    /// One registry, with the repositories it is selected for.
    ///
    /// # Errors
    /// [`Error::is_not_found`] if there is none of this name.
    pub async fn get(&self, name: &str) -> Result<PrivateRegistry, Error> {
        let name = SecretName::new(name)?;
        let call = self.call("reading", name.as_str(), Effect::Read);
        let (org, name) = (self.scope.org(), name.as_str());
        let run = |api: octoseal_api::Client| async move { api.get_registry(org, name).await };
        read(
            self.client
                .call(call, &self.allowance(), run)
                .await?
                .into_inner(),
        )
    }

    /// Deletes a registry.
    ///
    /// # Errors
    /// [`Error::is_not_found`] if there is none of this name.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        let name = SecretName::new(name)?;
        let call = self.call("deleting", name.as_str(), Effect::Write);
        let (org, name) = (self.scope.org(), name.as_str());
        let run = |api: octoseal_api::Client| async move { api.delete_registry(org, name).await };
        self.client.call(call, &self.allowance(), run).await?;
        Ok(())
    }

    /// The public key that values are sealed with, fetched now.
    ///
    /// # Errors
    /// [`Error::is_public_key`] if the server gives a key that can't be sealed to.
    pub async fn public_key(&self) -> Result<ScopeKey, Error> {
        self.client.fetch_key(&self.scope, &self.allowance()).await
    }

    /// Seals the value into the body, if there is one, and sends it.
    async fn store<T, F, Fut>(
        &self,
        body: Map<String, Value>,
        value: Option<SecretValue>,
        allowance: &Allowance,
        send: F,
    ) -> Result<T, Error>
    where
        F: Fn(Map<String, Value>) -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let Some(value) = value else {
            return send(body).await;
        };
        let write = |sealed: Sealed| {
            let mut body = body.clone();
            body.insert("encrypted_value".to_owned(), sealed.encrypted_value.into());
            body.insert("key_id".to_owned(), sealed.key_id.into());
            send(body)
        };
        self.client
            .seal_and_write(&self.scope, &value, allowance, write)
            .await
    }

    fn allowance(&self) -> Allowance {
        Allowance::new(&self.client.inner.retry)
    }

    fn call<'a>(&'a self, doing: &'static str, name: &'a str, effect: Effect) -> Call<'a> {
        Call {
            doing,
            name,
            place: &self.scope,
            effect,
            audience: self.scope.audience(),
        }
    }
}

/// A registry about to be created.
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct CreateRegistry(Write);

/// A registry about to be changed.
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct UpdateRegistry {
    write: Write,
    name: String,
}

/// What both have in common.
struct Write {
    registries: PrivateRegistries,
    body: Map<String, Value>,
    auth: Option<RegistryAuth>,
    access: Access,
    refused: Option<Error>,
}

impl Write {
    fn new(registries: &PrivateRegistries, access: Access) -> Self {
        Self {
            registries: registries.clone(),
            body: Map::new(),
            auth: None,
            access,
            refused: None,
        }
    }

    fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.body.insert(field.to_owned(), value.into());
    }

    /// Checks and looks up, and gives the body, without what is sealed, and the value to seal, if there is one.
    async fn prepare(
        mut self,
        allowance: &Allowance,
    ) -> Result<(Map<String, Value>, Option<SecretValue>), Error> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        match std::mem::take(&mut self.access) {
            Access::Keep => {}
            Access::Visibility(Visibility::Selected(ids)) => {
                let ids: Vec<RepositoryRef> = ids.into_iter().map(RepositoryRef::Id).collect();
                self.select(&ids, allowance).await?;
            }
            Access::Visibility(other) => self.set("visibility", other.as_str()),
            Access::Selected(repositories) => self.select(&repositories, allowance).await?,
        }
        let Some(auth) = self.auth.take() else {
            return Ok((self.body, None));
        };
        self.set("auth_type", auth.as_str());
        for (field, value) in auth.fields() {
            if let Some(value) = value {
                self.set(field, value.as_str());
            }
        }
        let value = auth.into_value();
        if let Some(value) = &value {
            value.check()?;
        }
        Ok((self.body, value))
    }

    async fn select(
        &mut self,
        repositories: &[RepositoryRef],
        allowance: &Allowance,
    ) -> Result<(), Error> {
        let ids = self
            .registries
            .client
            .repository_ids(repositories, allowance)
            .await?;
        self.set("visibility", "selected");
        self.set("selected_repository_ids", ids);
        Ok(())
    }
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Write")
            .field("scope", &self.registries.scope)
            .field("body", &self.body)
            .field("auth", &self.auth)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

impl CreateRegistry {
    /// How to log in. Without it, GitHub takes the registry to need none.
    pub fn auth(mut self, auth: RegistryAuth) -> Self {
        self.0.auth = Some(auth);
        self
    }

    /// The user name to log in with beside a token.
    pub fn username(mut self, username: impl Into<String>) -> Self {
        self.0.set("username", username.into());
        self
    }

    /// Whether the registry stands in for the public one of its kind.
    pub fn replaces_base(mut self, replaces: bool) -> Self {
        self.0.set("replaces_base", replaces);
        self
    }

    /// Selects the repositories that may use it, by id or `owner/name`, in place of the visibility given before.
    pub fn selected_repositories(
        mut self,
        repositories: impl IntoIterator<Item = impl Into<RepositoryRef>>,
    ) -> Self {
        self.0.access = Access::Selected(repositories.into_iter().map(Into::into).collect());
        self
    }

    /// Checks, seals and sends. GitHub makes the name; it is in what is returned.
    ///
    /// Creating twice makes two registries, so a request whose reply was lost is not repeated: [`Error::stored`] is
    /// then [`Stored::Unknown`](crate::Stored::Unknown), and [`PrivateRegistries::list`] tells.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] before anything is sent, [`Error::is_unsupported`] for a field that the
    /// description this crate was generated from does not have, and the failures of any call.
    pub async fn send(self) -> Result<PrivateRegistry, Error> {
        let registries = self.0.registries.clone();
        let allowance = registries.allowance();
        let (body, value) = self.0.prepare(&allowance).await?;
        let call = registries.call("creating a registry in", "", Effect::Create);
        let (registries, allowance) = (&registries, &allowance);
        let send = |body: Map<String, Value>| async move {
            let body: types::PrivateRegistriesCreateOrgPrivateRegistryBody = typed(&body)?;
            let (org, body) = (registries.scope.org(), &body);
            let run = |api: octoseal_api::Client| async move {
                api.private_registries_create_org_private_registry(org, body)
                    .await
            };
            read(
                registries
                    .client
                    .call(call, allowance, run)
                    .await?
                    .into_inner(),
            )
        };
        registries.store(body, value, allowance, send).await
    }
}

impl UpdateRegistry {
    /// How to log in from now on.
    pub fn auth(mut self, auth: RegistryAuth) -> Self {
        self.write.auth = Some(auth);
        self
    }

    /// Its address.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.write.set("url", url.into());
        self
    }

    /// The user name to log in with beside a token.
    pub fn username(mut self, username: impl Into<String>) -> Self {
        self.write.set("username", username.into());
        self
    }

    /// Whether the registry stands in for the public one of its kind.
    pub fn replaces_base(mut self, replaces: bool) -> Self {
        self.write.set("replaces_base", replaces);
        self
    }

    /// Which repositories may use it.
    pub fn visibility(mut self, visibility: Visibility) -> Self {
        self.write.access = visibility.into();
        self
    }

    /// Selects the repositories that may use it, by id or `owner/name`.
    pub fn selected_repositories(
        mut self,
        repositories: impl IntoIterator<Item = impl Into<RepositoryRef>>,
    ) -> Self {
        self.write.access = Access::Selected(repositories.into_iter().map(Into::into).collect());
        self
    }

    /// Checks, seals and sends.
    ///
    /// # Errors
    /// As for [`CreateRegistry::send`], and [`Error::is_not_found`].
    pub async fn send(self) -> Result<(), Error> {
        let name = SecretName::new(self.name)?;
        let registries = self.write.registries.clone();
        let allowance = registries.allowance();
        let (body, value) = self.write.prepare(&allowance).await?;
        let call = registries.call("updating", name.as_str(), Effect::Write);
        let (registries, allowance, name) = (&registries, &allowance, name.as_str());
        let send = |body: Map<String, Value>| async move {
            let body: types::PrivateRegistriesUpdateOrgPrivateRegistryBody = typed(&body)?;
            let (org, body) = (registries.scope.org(), &body);
            let run = |api: octoseal_api::Client| async move {
                api.private_registries_update_org_private_registry(org, name, body)
                    .await
            };
            registries
                .client
                .call(call, allowance, run)
                .await
                .map(|_| ())
        };
        registries.store(body, value, allowance, send).await
    }
}

/// What the description's type says, in ours.
fn read(registry: stores::registries::Registry) -> Result<PrivateRegistry, Error> {
    serde_json::to_value(registry)
        .and_then(serde_json::from_value)
        .map_err(|_| {
            Error::new(
                crate::error::Kind::UnexpectedReply,
                "the reply is not a private registry",
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_log_in_that_the_description_lists_has_a_variant() {
        let text = String::new;
        let value = || SecretValue::from("");
        let variants = [
            RegistryAuth::Token { token: value() },
            RegistryAuth::UsernamePassword {
                username: text(),
                password: value(),
            },
            RegistryAuth::OidcAzure {
                tenant_id: text(),
                client_id: text(),
            },
            RegistryAuth::OidcAws {
                aws_region: text(),
                account_id: text(),
                role_name: text(),
                domain: text(),
                domain_owner: text(),
                audience: None,
            },
            RegistryAuth::OidcJfrog {
                jfrog_oidc_provider_name: text(),
                audience: None,
                identity_mapping_name: None,
            },
            RegistryAuth::OidcCloudsmith {
                namespace: text(),
                service_slug: text(),
                audience: text(),
                api_host: None,
            },
            RegistryAuth::OidcGcp {
                workload_identity_provider: text(),
                service_account: None,
                audience: None,
            },
        ];
        let ours: Vec<&str> = variants.iter().map(RegistryAuth::as_str).collect();
        for listed in PrivateRegistries::AUTH_TYPES {
            assert!(
                ours.contains(listed),
                "the description lists {listed}, which RegistryAuth lacks"
            );
        }
    }
}
