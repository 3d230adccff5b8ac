//! Creating and updating a private registry.

use std::fmt;

use octoseal_api::types;
use serde_json::{Map, Value};

use super::{PrivateRegistries, PrivateRegistry, RegistryAuth, read};
use crate::access::{Access, RepositoryRef, Visibility};
use crate::error::Error;
use crate::runtime::{Allowance, Effect, typed};
use crate::scope::names::SecretName;
use crate::value::SecretValue;

/// A registry about to be created; see [`PrivateRegistries::create`].
///
/// GitHub's page: [Create a private registry for an organization](https://docs.github.com/rest/private-registries/organization-configurations#create-a-private-registry-for-an-organization),
/// whose parameters are methods here.
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct CreateRegistry(pub(super) Write);

/// A registry about to be changed; see [`PrivateRegistries::update`]. What no method names stays as it is.
///
/// GitHub's page: [Update a private registry for an organization](https://docs.github.com/rest/private-registries/organization-configurations#update-a-private-registry-for-an-organization),
/// whose parameters are methods here.
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct UpdateRegistry {
    pub(super) write: Write,
    pub(super) name: String,
}

/// What both have in common.
pub(super) struct Write {
    registries: PrivateRegistries,
    pub(super) body: Map<String, Value>,
    auth: Option<RegistryAuth>,
    access: Access,
    pub(super) refused: Option<Error>,
}

impl Write {
    pub(super) fn new(registries: &PrivateRegistries, access: Access) -> Self {
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
            access @ (Access::All | Access::Private) => {
                self.set("visibility", access.to_string());
            }
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
            .lookup
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
            let reply = registries.client.runtime.call(call, allowance, run).await?;
            read(reply.into_inner(), call)
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
                .runtime
                .call(call, allowance, run)
                .await
                .map(|_| ())
        };
        registries.store(body, value, allowance, send).await
    }
}
