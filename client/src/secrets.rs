//! The secrets of one scope.

use std::future::ready;
use std::marker::PhantomData;

use futures_core::Stream;
use futures_util::{TryFutureExt, TryStreamExt};
use octoseal_api::stores;
use reqwest::StatusCode;

use crate::call::{Call, Effect};
use crate::client::Client;
use crate::error::Error;
use crate::keys::ScopeKey;
use crate::names::SecretName;
use crate::paging::{PER_PAGE, pages};
use crate::put::Put;
use crate::retry::Allowance;
use crate::scope::{AnyScope, HasSelectedRepositories, Scope, SeesOrganizationSecrets};
use crate::token::Audience;
use crate::visibility::RepositoryRef;

/// A secret as GitHub lists it: everything but its value, which GitHub never gives back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Secret {
    /// Its name, in upper case.
    pub name: String,
    /// When it was created, as GitHub writes it (RFC 3339).
    pub created_at: String,
    /// When its value last changed, as GitHub writes it (RFC 3339).
    pub updated_at: String,
    /// GitHub's word for its visibility, where the scope has one: `all`, `private`, `selected`, or a word that
    /// is newer than this crate.
    pub visibility: Option<String>,
}

/// A repository that a secret is selected for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repository {
    /// GitHub's id, which survives a rename.
    pub id: u64,
    /// Its name, without the owner.
    pub name: String,
    /// `owner/name`.
    pub full_name: String,
}

/// The secrets of one scope: what [`Client::secrets`] gives.
///
/// What a scope can't do does not compile: a repository's secrets have no visibility and no selected
/// repositories.
///
/// ```compile_fail
/// # async fn f(github: octoseal::Client) -> Result<(), octoseal::Error> {
/// use octoseal::{RepositoryScope, RepositoryStore, Visibility};
/// let scope = RepositoryScope::new(RepositoryStore::Actions, "acme", "api")?;
/// github.secrets(scope).put("NAME", "value").visibility(Visibility::All).send().await?;
/// # Ok(())
/// # }
/// ```
///
/// With a dynamic [`Scope`] every method is there, and one that the scope lacks is an
/// [`Error::is_unsupported`] before anything is sent.
#[derive(Clone, Debug)]
pub struct Secrets<S> {
    pub(crate) client: Client,
    pub(crate) scope: Scope,
    kind: PhantomData<fn() -> S>,
}

impl<S: AnyScope> Secrets<S> {
    pub(crate) fn new(client: Client, scope: S) -> Self {
        Self {
            client,
            scope: scope.into(),
            kind: PhantomData,
        }
    }

    /// The scope.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Creates or updates a secret: seals `value` with the scope's public key, fetched when needed, and stores it.
    /// Nothing happens until [`Put::send`].
    pub fn put(&self, name: impl Into<String>, value: impl Into<crate::SecretValue>) -> Put<S> {
        Put::new(self.client.clone(), Ok(self.scope.clone()), name.into()).value(value)
    }

    /// All secrets, page after page, in GitHub's order. A page that fails ends the stream with the error.
    ///
    /// # Errors
    /// [`Error::is_not_found`], [`Error::is_permission`] and the failures of any call.
    pub fn list(&self) -> impl Stream<Item = Result<Secret, Error>> + Send + '_ {
        let call = self.call("listing the secrets of", "", Effect::Read);
        pages(&self.client, call, move |api, page| async move {
            api.list_secrets(self.scope.api(), PER_PAGE, page).await
        })
        .map_ok(Secret::from)
    }

    /// All secrets, collected; all pages or an error.
    ///
    /// # Errors
    /// As for [`list`](Self::list).
    pub async fn list_all(&self) -> Result<Vec<Secret>, Error> {
        self.list().try_collect().await
    }

    /// One secret's metadata.
    ///
    /// # Errors
    /// [`Error::is_not_found`] if there is none of this name, [`Error::is_invalid_input`] for a name that none
    /// can have.
    pub async fn get(&self, name: &str) -> Result<Secret, Error> {
        let name = SecretName::new(name)?;
        self.get_checked(&name, &self.allowance()).await
    }

    pub(crate) async fn get_checked(
        &self,
        name: &SecretName,
        allowance: &Allowance,
    ) -> Result<Secret, Error> {
        let call = self.call("reading", name.as_str(), Effect::Read);
        let run = |api: octoseal_api::Client| async move {
            api.get_secret(self.scope.api(), name.as_str()).await
        };
        Ok(self
            .client
            .call(call, allowance, run)
            .await?
            .into_inner()
            .into())
    }

    /// Deletes a secret.
    ///
    /// # Errors
    /// [`Error::is_not_found`] if there was none: also when an earlier attempt of this call deleted it and the
    /// reply was lost, which [`Error::stored`] then leaves open.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        let name = SecretName::new(name)?;
        let call = self.call("deleting", name.as_str(), Effect::Write);
        let name = name.as_str();
        let run = |api: octoseal_api::Client| async move {
            api.delete_secret(self.scope.api(), name).await
        };
        self.client.call(call, &self.allowance(), run).await?;
        Ok(())
    }

    /// The scope's public key, fetched now. To seal and store a value, [`put`](Self::put) is enough.
    ///
    /// # Errors
    /// [`Error::is_public_key`] if the server gives a key that can't be sealed to.
    pub async fn public_key(&self) -> Result<ScopeKey, Error> {
        self.client.fetch_key(&self.scope, &self.allowance()).await
    }

    pub(crate) fn allowance(&self) -> Allowance {
        Allowance::new(&self.client.inner.retry)
    }

    pub(crate) fn call<'a>(
        &'a self,
        doing: &'static str,
        name: &'a str,
        effect: Effect,
    ) -> Call<'a> {
        Call {
            doing,
            name,
            place: &self.scope,
            effect,
            audience: audience(&self.scope),
            about_scope: true,
        }
    }

    pub(crate) fn require(&self, operation: stores::Operation, what: &str) -> Result<(), Error> {
        if self.scope.api().supports(operation) {
            return Ok(());
        }
        Err(Error::unsupported(format!("{} has no {what}", self.scope)))
    }
}

impl<S: HasSelectedRepositories> Secrets<S> {
    /// The repositories that a secret is selected for, page after page.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for a name that no secret can have, and the failures of any call.
    pub fn selected_repositories<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Stream<Item = Result<Repository, Error>> + Send + 'a {
        let checked = SecretName::new(name).and_then(|_| {
            self.require(stores::Operation::ListRepositories, "selected repositories")
        });
        let call = self.call("listing the selected repositories of", name, Effect::Read);
        let pages = pages(&self.client, call, move |api, page| async move {
            api.list_selected_repositories(self.scope.api(), name, PER_PAGE, page)
                .await
        })
        .map_ok(Repository::from);
        ready(checked.map(|()| pages)).try_flatten_stream()
    }

    /// Replaces the repositories that a secret is selected for, by id or `owner/name`. An empty list takes the
    /// secret from every repository.
    ///
    /// # Errors
    /// [`Error::is_conflict`] while the secret's visibility is not `selected`; [`Error::is_invalid_input`] that
    /// names every repository that was not found, before anything is changed.
    pub async fn set_selected_repositories(
        &self,
        name: &str,
        repositories: impl IntoIterator<Item = impl Into<RepositoryRef>>,
    ) -> Result<(), Error> {
        let name = SecretName::new(name)?;
        self.require(stores::Operation::SetRepositories, "selected repositories")?;
        let allowance = self.allowance();
        let repositories: Vec<RepositoryRef> = repositories.into_iter().map(Into::into).collect();
        let ids = self
            .client
            .repository_ids(&repositories, &allowance)
            .await?;
        let call = self.call(
            "selecting the repositories of",
            name.as_str(),
            Effect::Write,
        );
        let (name, ids) = (name.as_str(), ids.as_slice());
        let run = |api: octoseal_api::Client| async move {
            api.set_selected_repositories(self.scope.api(), name, ids)
                .await
        };
        self.client.call(call, &allowance, run).await?;
        Ok(())
    }

    /// Gives a secret to one more repository, by id or `owner/name`.
    ///
    /// # Errors
    /// As for [`set_selected_repositories`](Self::set_selected_repositories).
    pub async fn add_selected_repository(
        &self,
        name: &str,
        repository: impl Into<RepositoryRef>,
    ) -> Result<(), Error> {
        self.change_selected(name, repository.into(), stores::Operation::AddRepository)
            .await
    }

    /// Takes a secret from one repository, by id or `owner/name`.
    ///
    /// # Errors
    /// As for [`set_selected_repositories`](Self::set_selected_repositories).
    pub async fn remove_selected_repository(
        &self,
        name: &str,
        repository: impl Into<RepositoryRef>,
    ) -> Result<(), Error> {
        self.change_selected(name, repository.into(), stores::Operation::RemoveRepository)
            .await
    }

    async fn change_selected(
        &self,
        name: &str,
        repository: RepositoryRef,
        operation: stores::Operation,
    ) -> Result<(), Error> {
        let name = SecretName::new(name)?;
        self.require(operation, "selected repositories")?;
        let allowance = self.allowance();
        let ids = self
            .client
            .repository_ids(&[repository], &allowance)
            .await?;
        let add = operation == stores::Operation::AddRepository;
        let doing = if add {
            "adding a repository to"
        } else {
            "removing a repository from"
        };
        let call = self.call(doing, name.as_str(), Effect::Write);
        let (name, ids) = (name.as_str(), ids.as_slice());
        let run = |api: octoseal_api::Client| async move {
            let scope = self.scope.api();
            if add {
                api.add_selected_repository(scope, name, ids[0]).await
            } else {
                api.remove_selected_repository(scope, name, ids[0]).await
            }
        };
        self.client.call(call, &allowance, run).await?;
        Ok(())
    }
}

impl<S: SeesOrganizationSecrets> Secrets<S> {
    /// The organization's secrets that this repository can use, page after page.
    ///
    /// # Errors
    /// [`Error::is_unsupported`] for a store that has no such list, and the failures of any call.
    pub fn organization_secrets(&self) -> impl Stream<Item = Result<Secret, Error>> + Send + '_ {
        let checked = self.require(
            stores::Operation::ListOrganizationSecrets,
            "list of organization secrets",
        );
        let call = self.call("listing the organization secrets seen by", "", Effect::Read);
        let pages = pages(&self.client, call, move |api, page| async move {
            api.list_organization_secrets(self.scope.api(), PER_PAGE, page)
                .await
        })
        .map_ok(Secret::from);
        ready(checked.map(|()| pages)).try_flatten_stream()
    }
}

/// Whom a call about this scope needs a token for.
pub(crate) fn audience(scope: &Scope) -> Audience<'_> {
    Audience {
        owner: scope.owner(),
        repository: scope.repository(),
    }
}

/// Whether a status says that a write created or updated.
pub(crate) fn created(status: StatusCode) -> bool {
    status == StatusCode::CREATED
}

impl From<stores::Secret> for Secret {
    fn from(secret: stores::Secret) -> Self {
        let stores::Secret {
            name,
            created_at,
            updated_at,
            visibility,
            ..
        } = secret;
        Self {
            name,
            created_at,
            updated_at,
            visibility,
        }
    }
}

impl From<stores::Repository> for Repository {
    fn from(repository: stores::Repository) -> Self {
        let stores::Repository {
            id,
            name,
            full_name,
        } = repository;
        Self {
            id: id.try_into().unwrap_or_default(),
            name,
            full_name,
        }
    }
}
