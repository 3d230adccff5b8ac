//! Creating or updating one secret.

use std::fmt;
use std::marker::PhantomData;

use octoseal_api::stores;
use reqwest::StatusCode;

use super::kept::Resolved;
use super::target::Target;
use crate::access::{Access, RepositoryRef, Visibility};
use crate::error::Error;
use crate::lookup::Sealed;
use crate::receipt::{Receipt, Written};
use crate::runtime::Allowance;
use crate::scope::{AnyScope, HasSelectedRepositories, HasVisibility, SecretName};
use crate::value::SecretValue;

/// A secret about to be created or updated; see [`Secrets::put`](crate::Secrets::put),
/// [`Secrets::create_or_update`](crate::Secrets::create_or_update) and
/// [`Client::create_or_update_org_secret`](crate::Client::create_or_update_org_secret).
///
/// # Access is kept
/// Without [`visibility`](Put::visibility) or [`selected_repositories`](Put::selected_repositories), an existing
/// secret keeps its visibility and every repository it is selected for: they are read first, all pages, and sent
/// again with the new value, since GitHub requires the visibility and clears a list that is left out. If GitHub counts
/// more repositories than it shows to this token, that is an error and nothing is written. They are read directly before
/// they are written, after every wait for a limit, and again if the write is tried again. Somebody else may still change
/// the access in that one round trip; such a change is undone, and GitHub offers no condition that would prevent it.
/// Name the access if you know it: that also saves the reading.
#[must_use = "nothing is sent before `send`"]
pub struct Put<S> {
    /// Where, or why there is no such scope.
    target: Result<Target, Error>,
    name: String,
    content: Content,
    access: Access,
    in_batch: bool,
    kind: PhantomData<fn() -> S>,
}

/// What is to be stored: at most one of a value and a sealed box, by construction.
#[derive(Clone)]
enum Content {
    None,
    Plain(SecretValue),
    Sealed(Sealed),
}

impl<S: AnyScope> Put<S> {
    pub(super) fn new(target: Result<Target, Error>, name: String) -> Self {
        Self {
            target,
            name,
            content: Content::None,
            access: Access::Keep,
            in_batch: false,
            kind: PhantomData,
        }
    }

    /// A put whose `send` gives this error.
    pub(crate) fn failed(error: Error, name: &str) -> Self {
        Self::new(Err(error), name.to_owned())
    }

    /// The plaintext. It is sealed in this process, to the scope's public key; at most
    /// [`MAX_VALUE_BYTES`](crate::MAX_VALUE_BYTES) bytes, stored exactly as given. Replaces an earlier
    /// [`encrypted_value`](Self::encrypted_value).
    pub fn value(mut self, value: impl Into<SecretValue>) -> Self {
        self.content = Content::Plain(value.into());
        self
    }

    /// A value sealed elsewhere, as base64, and the id of the key that it was sealed with: the documented form.
    /// It is sent as it is; what can be no sealed box is refused before anything is sent. Replaces an earlier
    /// [`value`](Self::value).
    pub fn encrypted_value(
        mut self,
        encrypted_value: impl Into<String>,
        key_id: impl Into<String>,
    ) -> Self {
        self.content = Content::Sealed(Sealed {
            encrypted_value: encrypted_value.into(),
            key_id: key_id.into(),
        });
        self
    }

    /// Makes more attempts, and waits for limits without a deadline.
    pub(super) fn in_batch(mut self) -> Self {
        self.in_batch = true;
        self
    }

    /// Makes the checks of [`send`](Self::send), reads the access that is to be kept, looks up repositories, and writes
    /// nothing: for what must be known before something that can't be taken back. Whether the token may write, only
    /// a write tells.
    ///
    /// # Errors
    /// Those of [`send`](Self::send) that come before it writes.
    ///
    /// # Examples
    /// ```
    /// # async fn rotate(github: octoseal::Client, scope: octoseal::Scope) -> Result<(), octoseal::Error> {
    /// let access: octoseal::Access = "selected:acme/api,acme/web".parse()?;
    /// github.secrets(scope).put("DEPLOY_KEY", "not known yet").access(access).check().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn check(&self) -> Result<(), Error> {
        let target = self.target.as_ref().map_err(Error::clone)?;
        let runtime = &target.client.runtime;
        let allowance = runtime.allowance(self.in_batch);
        let call = target.call("checking", &self.name, stores::Role::Get)?;
        let check = async {
            let name = SecretName::new(&self.name)?;
            target.check_content(&self.content, &self.access, &name)?;
            let access = target.resolve(self.access.clone(), &name, &allowance);
            access.await.map(drop)
        };
        runtime.watch(call, &allowance, check).await
    }

    /// Checks, seals and sends, and says whether GitHub created or updated the secret, with what an audit needs.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] before anything is sent: a name GitHub would refuse, a value too large, a new
    /// organization secret without visibility, an unknown repository. [`Error::is_unexpected_reply`] if access is to be
    /// kept and can't be read whole. [`Error::is_not_found`], [`Error::is_permission`], [`Error::is_rate_limited`] and
    /// the failures of any call; [`Error::stored`] then says whether the secret may have been stored.
    pub async fn send(self) -> Result<Receipt, Error> {
        let (target, name) = (self.target.clone()?, self.name.clone());
        let call = target.call("storing", &name, stores::Role::Put)?;
        let runtime = &target.client.runtime;
        let allowance = runtime.allowance(self.in_batch);
        let sent = self.send_within(&allowance);
        runtime.watch(call, &allowance, sent).await
    }

    async fn send_within(self, allowance: &Allowance) -> Result<Receipt, Error> {
        let target = self.target?;
        let name = SecretName::new(self.name)?;
        target.check_content(&self.content, &self.access, &name)?;
        // What is kept is read directly before it is written.
        let access = match target.reads(&self.access) {
            true => None,
            false => Some(target.resolve(self.access, &name, allowance).await?),
        };
        let (target, name, access) = (&target, &name, access.as_ref());
        let write = |sealed| target.write(name, sealed, access, allowance);
        match self.content {
            Content::None => write(None).await,
            Content::Sealed(sealed) => write(Some(sealed)).await,
            Content::Plain(value) => {
                let (lookup, write) = (&target.client.lookup, |sealed| write(Some(sealed)));
                lookup
                    .seal_and_write(&target.scope, &value, allowance, write)
                    .await
            }
        }
    }
}

impl<S: HasVisibility> Put<S> {
    /// Which repositories may use the secret.
    pub fn visibility(mut self, visibility: Visibility) -> Self {
        self.access = visibility.into();
        self
    }
}

impl<S: HasSelectedRepositories> Put<S> {
    /// Who may use the secret, for callers that have it as a value, from a configuration perhaps. What the scope does
    /// not have is an [`Error::is_unsupported`] of [`send`](Self::send).
    ///
    /// # Examples
    /// ```
    /// # async fn store(github: octoseal::Client) -> Result<(), octoseal::Error> {
    /// use octoseal::{Access, Scope};
    ///
    /// let (scope, access): (Scope, Access) = ("actions:org/acme".parse()?, "selected:acme/api".parse()?);
    /// github.secrets(scope).put("DEPLOY_KEY", "s3cret").access(access).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn access(mut self, access: impl Into<Access>) -> Self {
        self.access = access.into();
        self
    }

    /// Selects the repositories that may use the secret, by id or `owner/name`; names are looked up first, and
    /// all that are not found are reported in one error before anything is written. With
    /// [`RepositoryRef::NONE`] none may.
    pub fn selected_repositories(
        mut self,
        repositories: impl IntoIterator<Item = impl Into<RepositoryRef>>,
    ) -> Self {
        self.access = Access::Selected(repositories.into_iter().map(Into::into).collect());
        self
    }
}

impl<S> fmt::Debug for Put<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Put")
            .field("scope", &self.target.as_ref().map(|target| &target.scope))
            .field("name", &self.name)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

impl Target {
    /// A value must fit, and be there where the description requires one; and there must be something to write.
    fn check_content(
        &self,
        content: &Content,
        access: &Access,
        name: &SecretName,
    ) -> Result<(), Error> {
        let needs_value = self.scope.api().requires_value() || *access == Access::Keep;
        match content {
            Content::Plain(value) => value.check(),
            Content::Sealed(sealed) => sealed.checked().map(drop),
            Content::None if needs_value => Err(Error::input(format!(
                "there is nothing to store: {name} in {} needs a `value`",
                self.scope
            ))),
            Content::None => Ok(()),
        }
        .map_err(|error| error.with_action(format!("storing {name} in {}", self.scope)))
    }

    async fn write(
        &self,
        name: &SecretName,
        sealed: Option<Sealed>,
        access: Option<&Resolved>,
        allowance: &Allowance,
    ) -> Result<Receipt, Error> {
        let encrypted_value = sealed.as_ref().map(Sealed::checked).transpose()?;
        let (sealed, encrypted_value) = (sealed.as_ref(), encrypted_value.as_ref());
        let send = async |api: octoseal_api::Client, access: &Resolved| {
            let body = stores::Put {
                encrypted_value,
                key_id: sealed.map(|sealed| sealed.key_id.as_str()),
                visibility: access.visibility.as_deref(),
                selected_repository_ids: access.selected.as_deref(),
            };
            api.put_secret(self.scope.api(), name.as_str(), &body).await
        };
        let call = self.call("storing", name.as_str(), stores::Role::Put)?;
        let runtime = &self.client.runtime;
        let answered = match access {
            Some(access) => runtime.call(call, allowance, |api| send(api, access)).await,
            None => {
                let read = || self.resolve(Access::Keep, name, allowance);
                let write = async |api, access| send(api, &access).await;
                runtime.read_and_write(call, allowance, read, write).await
            }
        }?;
        let written = match answered.reply.status() {
            StatusCode::CREATED => Written::Created,
            _ => Written::Updated,
        };
        Ok(Receipt {
            key_id: sealed.map(|sealed| sealed.key_id.clone()),
            ..Receipt::new(written, &self.scope, name.as_str(), &answered)
        })
    }
}
