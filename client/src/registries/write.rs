//! Creating and updating a private registry.

use std::fmt;
use std::sync::Arc;

use octoseal_api::Answer;
use octoseal_api::stores::registries::{self, Write};

use super::{PrivateRegistries, PrivateRegistry, RegistryAuth, read};
use crate::access::{Access, RepositoryRef};
use crate::client::{Client, Target};
use crate::error::Error;
use crate::receipt::{Receipt, Written};
use crate::runtime::{Allowance, Answered, Call};
use crate::scope::SecretName;
use crate::value::SecretValue;

/// A registry about to be created; see [`PrivateRegistries::create`].
///
/// GitHub's page: [Create a private registry for an organization](https://docs.github.com/rest/private-registries/organization-configurations#create-a-private-registry-for-an-organization),
/// whose parameters are methods here.
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct CreateRegistry(pub(super) Draft);

/// A registry that was created.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreatedRegistry {
    /// The registry, with the name that GitHub gave it.
    pub registry: PrivateRegistry,
    /// The receipt, for an audit.
    pub receipt: Receipt,
}

/// A registry about to be changed; see [`PrivateRegistries::update`].
///
/// GitHub's page: [Update a private registry for an organization](https://docs.github.com/rest/private-registries/organization-configurations#update-a-private-registry-for-an-organization),
/// whose parameters are methods here.
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct UpdateRegistry {
    pub(super) draft: Draft,
    pub(super) name: String,
}

/// A registry about to be created or changed.
pub(super) struct Draft {
    registries: PrivateRegistries,
    pub(super) write: Write,
    auth: Option<RegistryAuth>,
    access: Access,
    /// The error of `send`, if an argument is known to be wrong before.
    pub(super) refused: Option<Error>,
}

impl Draft {
    pub(super) fn new(registries: &PrivateRegistries, access: Access) -> Self {
        Self {
            registries: registries.clone(),
            write: Write::default(),
            auth: None,
            access,
            refused: None,
        }
    }

    /// Checks the draft, looks up repositories, and gives the body without its sealed value, and the value to seal, if there
    /// is one.
    pub(super) async fn prepare(
        mut self,
        allowance: &Allowance,
    ) -> Result<(Prepared, Option<SecretValue>), Error> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        let write = &mut self.write;
        let mut selected = None;
        let is_new = write.registry_type.is_some();
        let access = match &self.access {
            Access::KeepOr(new) if is_new => new,
            access => access,
        };
        match access {
            Access::All | Access::Private => write.visibility = Some(access.to_string()),
            Access::Selected(repositories) => {
                let lookup = &self.registries.target.client.lookup;
                lookup.repository_ids(repositories, allowance).await?;
                write.visibility = Some("selected".to_owned());
                selected = Some(repositories.clone());
            }
            Access::Keep | Access::KeepOr(_) if is_new => {
                let why = "a new registry has no access to keep";
                return Err(Error::input(why).with_hint("say all, private, or repositories"));
            }
            // GitHub keeps the access if none is sent.
            Access::Keep | Access::KeepOr(_) => {}
            Access::Add(_) | Access::Remove(_) => {
                let why = "a private registry has no operation that adds or takes a repository";
                return Err(Error::unsupported(why).with_hint("say all repositories"));
            }
        }
        let value = self.auth.and_then(|auth| auth.write_to(write));
        if let Some(value) = &value {
            value.check()?;
        }
        let write = self.write;
        Ok((Prepared { write, selected }, value))
    }
}

/// What is written, and the repositories that it selects.
#[derive(Clone)]
pub(super) struct Prepared {
    pub(super) write: Write,
    selected: Option<Vec<RepositoryRef>>,
}

impl Prepared {
    /// Sends it with the ids of the repositories.
    async fn send<T, F, Fut>(
        &self,
        client: &Client,
        call: Call<'_>,
        allowance: &Allowance,
        request: F,
    ) -> Result<Answered<T>, Error>
    where
        F: Fn(octoseal_api::Client, Write) -> Fut,
        Fut: Future<Output = Answer<T>>,
    {
        let Some(repositories) = &self.selected else {
            let request = |api| request(api, self.write.clone());
            return client.runtime.call(call, allowance, request).await;
        };
        let request = |api, ids: Arc<[i64]>| {
            let mut write = self.write.clone();
            write.selected_repository_ids = Some(ids.to_vec());
            request(api, write)
        };
        let written = client.lookup.write(call, repositories, allowance, request);
        written.await.0
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("scope", &self.registries.target.scope)
            .field("registry_type", &self.write.registry_type)
            .field("auth_type", &self.write.auth_type)
            .field("auth", &self.auth)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

impl CreateRegistry {
    /// The login. Without it, GitHub takes the registry to need none.
    pub fn auth(mut self, auth: RegistryAuth) -> Self {
        self.0.auth = Some(auth);
        self
    }

    /// The user name to log in with beside a token.
    pub fn username(mut self, username: impl Into<String>) -> Self {
        self.0.write.username = Some(username.into());
        self
    }

    /// Whether the registry stands in for the public one of its kind.
    pub fn replaces_base(mut self, replaces: bool) -> Self {
        self.0.write.replaces_base = Some(replaces);
        self
    }

    /// Checks, seals and sends. GitHub makes the name, which is in the result.
    ///
    /// Creating twice makes two registries, so a request whose reply was lost is not repeated: [`Error::applied`] is
    /// then [`Applied::Unknown`](crate::Applied::Unknown), and [`PrivateRegistries::list`] tells.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] before anything is sent, [`Error::is_unsupported`] for a field that the
    /// description this crate was generated from does not have, and the failures of any call.
    pub async fn send(self) -> Result<CreatedRegistry, Error> {
        let registries = self.0.registries.clone();
        let Target { client, scope } = &registries.target;
        let allowance = &client.allowance();
        let target = &registries.target;
        let call = target.call_of("creating a registry in", "", registries::CREATE);
        let send = async |prepared: Prepared| {
            let request = async |api: octoseal_api::Client, write: Write| {
                api.create_registry(scope.org(), &write).await
            };
            let answered = prepared.send(client, call, allowance, request).await?;
            let receipt = Receipt::new(Written::Created, scope, "", &answered);
            let registry = read(answered.into_inner(), call)?;
            let receipt = Receipt {
                name: registry.name.clone(),
                key_id: prepared.write.key_id,
                ..receipt
            };
            Ok(CreatedRegistry { registry, receipt })
        };
        registries.store(call, self.0, allowance, send).await
    }
}

impl UpdateRegistry {
    /// The login from now on.
    pub fn auth(mut self, auth: RegistryAuth) -> Self {
        self.draft.auth = Some(auth);
        self
    }

    /// Its address.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.draft.write.url = Some(url.into());
        self
    }

    /// The user name to log in with beside a token.
    pub fn username(mut self, username: impl Into<String>) -> Self {
        self.draft.write.username = Some(username.into());
        self.draft.write.username_null = false;
        self
    }

    /// No user name from now on: GitHub clears the one it has, which it keeps where neither this nor [`Self::username`] is
    /// called. A login with a user name has its own.
    pub fn without_username(mut self) -> Self {
        self.draft.write.username_null = true;
        self
    }

    /// Whether the registry stands in for the public one of its kind.
    pub fn replaces_base(mut self, replaces: bool) -> Self {
        self.draft.write.replaces_base = Some(replaces);
        self
    }

    /// Which repositories may use it. GitHub has no operation that adds or takes one.
    pub fn access(mut self, access: impl Into<Access>) -> Self {
        self.draft.access = access.into();
        self
    }

    /// Checks, seals and sends.
    ///
    /// # Errors
    /// As for [`CreateRegistry::send`], and [`Error::is_not_found`].
    pub async fn send(self) -> Result<Receipt, Error> {
        let name = SecretName::new(self.name)?;
        let (registries, name) = (self.draft.registries.clone(), name.as_str());
        let Target { client, scope } = &registries.target;
        let allowance = &client.allowance();
        let call = registries
            .target
            .call_of("updating", name, registries::UPDATE);
        let send = async |prepared: Prepared| {
            let request = async |api: octoseal_api::Client, write: Write| {
                api.update_registry(scope.org(), name, &write).await
            };
            let answered = prepared.send(client, call, allowance, request).await?;
            Ok(Receipt {
                key_id: prepared.write.key_id,
                ..Receipt::new(Written::Updated, scope, name, &answered)
            })
        };
        registries.store(call, self.draft, allowance, send).await
    }
}
