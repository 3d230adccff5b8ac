//! Creating or updating one secret.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use futures_util::TryStreamExt;
use octoseal_api::stores;

use crate::access::{Access, RepositoryRef, Visibility};
use crate::client::Client;
use crate::error::{Error, Kind};
use crate::lookup::keys::Sealed;
use crate::runtime::call::Effect;
use crate::runtime::paging::whole_pages;
use crate::runtime::retry::Allowance;
use crate::scope::names::SecretName;
use crate::scope::{AnyScope, HasSelectedRepositories, HasVisibility, Scope};
use crate::secrets::selected::{LISTING, page_of_selected};
use crate::secrets::{Secrets, created};
use crate::value::SecretValue;

/// What a put did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Written {
    /// The secret is new.
    Created,
    /// The secret existed and has been replaced; or it was created by an attempt whose reply was lost, and
    /// repeated.
    Updated,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Updated => "updated",
        })
    }
}

/// A secret about to be created or updated; see [`Secrets::put`], [`Secrets::create_or_update`] and
/// [`Client::create_or_update_org_secret`].
///
/// # Access is kept
/// Without [`visibility`](Put::visibility) or [`selected_repositories`](Put::selected_repositories), an existing
/// secret keeps its visibility and every repository it is selected for: they are read first, all pages, and sent
/// again with the new value, since GitHub requires the visibility and clears a list that is left out. If GitHub counts
/// more repositories than it shows to this token, that is an error and nothing is written. Between the reading and the
/// writing somebody else may change the access; that change is then undone. GitHub offers no condition that would
/// prevent it. Name the access if you know it: that also saves the reading.
#[must_use = "nothing is sent before `send`"]
pub struct Put<S> {
    client: Client,
    scope: Result<Scope, Error>,
    name: String,
    content: Content,
    access: Access,
    patient: bool,
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
    pub(crate) fn new(client: Client, scope: Result<Scope, Error>, name: String) -> Self {
        Self {
            client,
            scope,
            name,
            content: Content::None,
            access: Access::Keep,
            patient: false,
            kind: PhantomData,
        }
    }

    /// The plaintext. It is sealed in this process, to the scope's public key; at most
    /// [`MAX_VALUE_BYTES`](crate::MAX_VALUE_BYTES) bytes, stored exactly as given. Replaces an earlier
    /// [`encrypted_value`](Self::encrypted_value).
    pub fn value(mut self, value: impl Into<SecretValue>) -> Self {
        self.content = Content::Plain(value.into());
        self
    }

    /// A value sealed elsewhere, as base64, and the id of the key that it was sealed with: the documented form.
    /// It is sent as it is. Replaces an earlier [`value`](Self::value).
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

    /// Waits for limits without a deadline: for members of a batch.
    pub(crate) fn patient(mut self) -> Self {
        self.patient = true;
        self
    }

    /// Checks, seals and sends, and says whether GitHub created or updated the secret.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] before anything is sent: a name GitHub would refuse, a value too large, a new
    /// organization secret without visibility, an unknown repository. [`Error::is_unexpected_reply`] if access is to be
    /// kept and can't be read whole. [`Error::is_not_found`], [`Error::is_permission`], [`Error::is_rate_limited`] and
    /// the failures of any call; [`Error::stored`] then says whether the secret may have been stored.
    pub async fn send(self) -> Result<Written, Error> {
        let scope = self.scope?;
        let name = SecretName::new(self.name)?;
        if let Content::Plain(value) = &self.content {
            value
                .check()
                .map_err(|error| error.with_action(format!("storing {name} in {scope}")))?;
        }
        let secrets = Secrets::<Scope>::new(self.client, scope);
        let policy = &secrets.client.inner.retry;
        let allowance = Allowance::of(policy, self.patient);
        secrets.check_content(&self.content, &name)?;
        let access = secrets.resolve(self.access, &name, &allowance).await?;
        let (secrets, name, access, allowance) = (&secrets, &name, &access, &allowance);
        let write = |sealed| async move { secrets.write(name, sealed, access, allowance).await };
        match self.content {
            Content::None => write(None).await,
            Content::Sealed(sealed) => write(Some(sealed)).await,
            Content::Plain(value) => {
                let write = |sealed| write(Some(sealed));
                secrets
                    .client
                    .seal_and_write(&secrets.scope, &value, allowance, write)
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
            .field("scope", &self.scope)
            .field("name", &self.name)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

/// Access as it travels.
#[derive(Debug, Default)]
struct Resolved {
    visibility: Option<String>,
    selected: Option<Vec<i64>>,
}

impl Secrets<Scope> {
    /// Where the description requires a value, one must be there.
    fn check_content(&self, content: &Content, name: &SecretName) -> Result<(), Error> {
        if matches!(content, Content::None) && self.scope.api().requires_value() {
            return Err(Error::input(format!(
                "{name} in {} needs a value",
                self.scope
            )));
        }
        Ok(())
    }

    /// Turns what the caller said of access into what is sent, reading what is to be kept.
    async fn resolve(
        &self,
        access: Access,
        name: &SecretName,
        allowance: &Allowance,
    ) -> Result<Resolved, Error> {
        let (visibility, selected) = (
            self.scope.has_visibility(),
            self.scope.has_selected_repositories(),
        );
        match access {
            Access::Keep if visibility => self.kept_visibility(name, allowance).await,
            Access::Keep if selected => self.kept_selection(name, allowance).await,
            Access::Keep => Ok(Resolved::default()),
            Access::All | Access::Private if !visibility => Err(Error::unsupported(format!(
                "{} has no visibility",
                self.scope
            ))),
            Access::Selected(_) if !selected => Err(Error::unsupported(format!(
                "{} has no selected repositories",
                self.scope
            ))),
            Access::All | Access::Private => Ok(Resolved {
                visibility: Some(access.to_string()),
                selected: None,
            }),
            Access::Selected(repositories) => self.selected(repositories, allowance).await,
        }
    }

    async fn selected(
        &self,
        repositories: Vec<RepositoryRef>,
        allowance: &Allowance,
    ) -> Result<Resolved, Error> {
        let ids = self.client.repository_ids(&repositories, allowance).await?;
        let visibility = self.scope.has_visibility().then(|| "selected".to_owned());
        Ok(Resolved {
            visibility,
            selected: Some(ids),
        })
    }

    /// An organization secret's visibility as it is, with all its repositories.
    async fn kept_visibility(
        &self,
        name: &SecretName,
        allowance: &Allowance,
    ) -> Result<Resolved, Error> {
        let existing = match self.get_checked(name, allowance).await {
            Ok(existing) => existing,
            Err(error) if error.is_not_found() => {
                // Only the secret is missing if the scope has a key; otherwise the scope's own error says more.
                self.client.key(&self.scope, None, allowance).await?;
                return Err(Error::input(format!(
                    "{name} does not exist yet in {} and has no visibility to keep",
                    self.scope
                ))
                .with_hint("say which repositories may use it: visibility all, private or selected")
                .with_source(error));
            }
            Err(error) => return Err(error),
        };
        match existing.visibility.as_deref() {
            Some("selected") => {
                let ids = self.selection(name, allowance).await?;
                Ok(Resolved { visibility: existing.visibility, selected: Some(ids) })
            }
            Some("all" | "private") => Ok(Resolved { visibility: existing.visibility, selected: None }),
            other => Err(Error::input(format!(
                "{name} in {} has the visibility {:?}, which this version does not know how to keep",
                self.scope,
                other.unwrap_or_default()
            ))
            .with_hint("say the visibility")),
        }
    }

    /// A user secret's repositories as they are; none if it is new.
    async fn kept_selection(
        &self,
        name: &SecretName,
        allowance: &Allowance,
    ) -> Result<Resolved, Error> {
        match self.get_checked(name, allowance).await {
            Ok(_) => Ok(Resolved {
                visibility: None,
                selected: Some(self.selection(name, allowance).await?),
            }),
            Err(error) if error.is_not_found() => Ok(Resolved::default()),
            Err(error) => Err(error),
        }
    }

    /// The repositories that a secret is selected for: all of them, or an error, since those that are left out when
    /// they are sent again lose the secret.
    async fn selection(&self, name: &SecretName, allowance: &Allowance) -> Result<Vec<i64>, Error> {
        let name = name.as_str();
        let listed = self.listed(LISTING, name);
        let within = Some(allowance.clone());
        let mut pages = whole_pages(listed.clone(), within, page_of_selected);
        let (mut ids, mut counted) = (BTreeSet::new(), 0);
        let unread = |error: Error| {
            if !error.is_unexpected_reply() {
                return error;
            }
            error.with_further_hint(
                "nothing was written; say which repositories may use the secret, and they need not \
                 be read",
            )
        };
        while let Some(page) = pages.try_next().await.map_err(unread)? {
            // The highest: when one leaves the list meanwhile, the next page begins one too late.
            counted = counted.max(page.total_count);
            ids.extend(page.items.into_iter().map(|repository| repository.id));
        }
        if (ids.len() as i64) < counted {
            let seen = ids.len();
            let why = format!("GitHub counts {counted} repositories and shows {seen} of them");
            let error = Error::new(Kind::UnexpectedReply, why)
                .with_action(listed.call().to_string())
                .with_hint("some may be invisible to this token, or the list has just changed");
            return Err(unread(error));
        }
        Ok(ids.into_iter().collect())
    }

    async fn write(
        &self,
        name: &SecretName,
        sealed: Option<Sealed>,
        access: &Resolved,
        allowance: &Allowance,
    ) -> Result<Written, Error> {
        let body = stores::Put {
            encrypted_value: sealed
                .as_ref()
                .map(|sealed| sealed.encrypted_value.as_str()),
            key_id: sealed.as_ref().map(|sealed| sealed.key_id.as_str()),
            visibility: access.visibility.as_deref(),
            selected_repository_ids: access.selected.as_deref(),
        };
        let call = self.call("storing", name.as_str(), Effect::Write);
        let body = &body;
        let run = |api: octoseal_api::Client| async move {
            api.put_secret(self.scope.api(), name.as_str(), body).await
        };
        let reply = self.client.call(call, allowance, run).await?;
        Ok(if created(reply.status()) {
            Written::Created
        } else {
            Written::Updated
        })
    }
}
