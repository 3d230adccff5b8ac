//! Creating or updating one secret.

mod sending;

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use octoseal_api::stores;

use super::kept::When;
use super::target::Target;
use crate::access::{Access, Visibility};
use crate::error::{Error, Given};
use crate::lookup::Sealed;
use crate::receipt::Receipt;
use crate::runtime::RetryPolicy;
use crate::scope::{AnyScope, HasSelectedRepositories, HasVisibility, SecretName};
use crate::value::SecretValue;

/// A secret about to be created or updated; see [`Secrets::put`](crate::secrets::Secrets::put),
/// [`Secrets::create_or_update`](crate::secrets::Secrets::create_or_update) and
/// [`Client::create_or_update_org_secret`](crate::Client::create_or_update_org_secret).
///
/// # Access is kept
/// Unless [`access`](Put::access) is said, or [`visibility`](Put::visibility) by the documented method, an existing
/// secret keeps its visibility and every repository it is selected for: they are read first, all pages, and sent
/// again with the new value, since GitHub requires the visibility and clears a list that is left out. If GitHub counts
/// more repositories than it shows to this token, that is an error and nothing is written. They are read directly before
/// they are written, after every wait for a limit, and again if the write is tried again. A change of the access by
/// another program in that one round trip (and, over HTTP/2, while the write waits for its turn on a connection that is
/// full) is undone; GitHub offers no condition that would prevent it.
/// Name the access if you know it: that also saves the reading.
#[must_use = "nothing is sent before `send`"]
pub struct Put<S, N = AnyName> {
    /// The scope, or the error of a scope that can't be.
    target: Result<Target, Error>,
    name: String,
    content: Content,
    access: Access,
    when: When,
    kind: PhantomData<fn() -> (S, N)>,
}

/// Marks a put by the methods that are the same for every scope.
#[derive(Clone, Copy, Debug)]
pub enum AnyName {}

/// Marks a put by a method with GitHub's documented name, whose parameters have GitHub's names too.
#[derive(Clone, Copy, Debug)]
pub enum DocumentedName {}

/// The value to be stored.
#[derive(Clone)]
pub(super) enum Content {
    None,
    Plain(SecretValue),
    Sealed(Sealed),
}

impl<S: AnyScope, N> Put<S, N> {
    pub(super) fn new(target: Result<Target, Error>, name: String) -> Self {
        Self {
            target,
            name,
            content: Content::None,
            access: Access::Keep,
            when: When::Always,
            kind: PhantomData,
        }
    }

    /// A put whose `send` gives this error.
    pub(crate) fn failed(error: Error, name: &str) -> Self {
        Self::new(Err(error), name.to_owned())
    }

    /// The plaintext. It is sealed in this process, to the scope's public key; at most
    /// [`MAX_VALUE_BYTES`](crate::secrets::MAX_VALUE_BYTES) bytes, stored exactly as given. Replaces an earlier
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

    /// Creates the secret only if there is none of this name; otherwise [`send`](Self::send) gives an
    /// [`Error::is_conflict`] and writes nothing.
    ///
    /// GitHub has no condition for a write, so whether it exists is asked directly before it is written. What stays is a
    /// race of one round trip: a secret that another program creates in between is replaced. If a reply is lost, the
    /// secret may have been created by this put itself: [`Error::applied`] is then
    /// [`Applied::Unknown`](crate::Applied::Unknown).
    pub fn only_if_missing(mut self) -> Self {
        self.when = When::Missing;
        self
    }

    /// Updates the secret only if there is one of this name; otherwise [`send`](Self::send) gives an
    /// [`Error::is_not_found`] and writes nothing. A secret that another program deletes between the question and the
    /// write is created again: see [`only_if_missing`](Self::only_if_missing).
    pub fn only_if_exists(mut self) -> Self {
        self.when = When::Existing;
        self
    }

    /// Another deadline for this put, with all that it reads and waits for; see
    /// [`Client::deadline`](crate::Client::deadline).
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.target = self.target.map(|target| target.deadline(deadline));
        self
    }

    /// Another policy for failures of this put; see [`Client::retry`](crate::Client::retry).
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.target = self.target.map(|target| target.retry(policy));
        self
    }

    pub(crate) fn by_documented_name(self) -> Put<S, DocumentedName> {
        Put {
            target: self.target,
            name: self.name,
            content: self.content,
            access: self.access,
            when: self.when,
            kind: PhantomData,
        }
    }

    pub(super) fn of(mut self, content: Content, access: Access, when: When) -> Self {
        (self.content, self.access, self.when) = (content, access, when);
        self
    }

    /// What [`send`](Self::send) would do now. Makes its checks, looks up repositories, reads the secret and the
    /// repositories it is selected for, and writes nothing: for a review, or before a step that can't be taken back. Whether
    /// the token may write, only a write tells.
    ///
    /// # Errors
    /// Those of [`send`](Self::send) that come before it writes.
    ///
    /// # Examples
    /// ```
    /// # async fn review(github: octoseal::Client, scope: octoseal::Scope) -> Result<(), octoseal::Error> {
    /// let access: octoseal::Access = "selected:acme/api".parse()?;
    /// let plan = github.secrets(scope).put("DEPLOY_KEY", "not known yet").access(access).plan().await?;
    /// if plan.exists && plan.changes_access {
    ///     println!("other repositories would get DEPLOY_KEY");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn plan(&self) -> Result<PutPlan, Error> {
        let target = self.target.as_ref().map_err(Error::clone)?;
        let runtime = &target.client.runtime;
        let allowance = &target.allowance();
        let call = target.call("planning", &self.name, stores::Role::Get)?;
        let plan = async {
            let name = SecretName::new(&self.name)?;
            target.check_content(&self.content, &self.access, &name)?;
            let wanted = target.wanted(&self.access, allowance).await?;
            let own = target.hold(&name, allowance).await?.clone();
            let existing = target.existing(&name, own.as_ref(), true, allowance).await;
            let existing = existing.map_err(|error| target.storing(&name, error))?;
            let there = existing.as_ref();
            let access = target.access_over(&wanted, self.when, &name, there, allowance);
            let access = access.await?;
            if existing.is_none() {
                target.ensure_scope(allowance).await?;
            }
            Ok(PutPlan {
                exists: existing.is_some(),
                changes_access: existing.is_none_or(|it| !it.access.is_same(&access)),
            })
        };
        runtime.watch(call, allowance, plan).await
    }

    /// Checks, seals and sends, and says whether GitHub created or updated the secret, with what an audit needs.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] before anything is sent: a name GitHub would refuse, a value too large, a new
    /// organization secret without visibility, an unknown repository. [`Error::is_unexpected_reply`] if access is to be
    /// kept and can't be read whole. [`Error::is_not_found`], [`Error::is_permission`], [`Error::is_rate_limited`] and
    /// the failures of any call; [`Error::applied`] then says whether the secret may have been stored.
    pub async fn send(self) -> Result<Receipt, Error> {
        let allowance = self.target.as_ref().map_err(Error::clone)?.allowance();
        self.send_as_call(&allowance).await
    }
}

/// The effect that a put would have; see [`Put::plan`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutPlan {
    /// Whether there is a secret of this name, which the put would replace.
    pub exists: bool,
    /// Whether other repositories could use the secret afterwards than now; for a new one `true`.
    pub changes_access: bool,
}

impl<S: HasVisibility> Put<S, DocumentedName> {
    /// Which repositories may use the secret: the documented parameters `visibility` and `selected_repository_ids`.
    pub fn visibility(self, visibility: Visibility) -> Self {
        Self {
            access: visibility.into(),
            ..self
        }
    }
}

impl<S: HasSelectedRepositories, N> Put<S, N> {
    /// Which repositories may use the secret: an [`Access`], or what turns into one (a [`Visibility`], or repositories by
    /// id or `owner/name`, which are then selected). Names of repositories are looked up first, and all that are not found
    /// are reported in one error before anything is written. Access that the scope does not have is an
    /// [`Error::is_unsupported`] of [`send`](Self::send).
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
}

impl<S, N> fmt::Debug for Put<S, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Put")
            .field("scope", &self.target.as_ref().map(|target| &target.scope))
            .field("name", &Given(self.name.clone()))
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}
