//! Secrets as GitHub lists them.

use std::future::ready;

use futures_core::Stream;
use futures_util::TryStreamExt;
use octoseal_api::stores;

use super::Secrets;
use crate::error::Error;
use crate::runtime::Allowance;
use crate::runtime::paging::{PER_PAGE, pages};
use crate::scope::{AnyScope, SeesOrganizationSecrets};

const LISTING: &str = "listing the secrets of";
const LISTING_INHERITED: &str = "listing the organization secrets seen by";

/// A secret as GitHub lists it: everything but its value, which GitHub never gives back.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Secret {
    /// Its name, in upper case.
    pub name: String,
    /// When it was created, as GitHub writes it (RFC 3339); empty if GitHub leaves it out.
    pub created_at: String,
    /// When its value last changed, as GitHub writes it (RFC 3339); empty if GitHub leaves it out.
    pub updated_at: String,
    /// GitHub's word for its visibility, where the scope has one: `all`, `private`, `selected`, or a word that
    /// is newer than this crate.
    pub visibility: Option<String>,
}

impl<S: AnyScope> Secrets<S> {
    /// All secrets, page after page of 100, in GitHub's order; a page is asked for when those before it are taken. The
    /// stream owns what it needs and outlives the handle.
    ///
    /// GitHub's page: [List organization secrets](https://docs.github.com/rest/actions/secrets#list-organization-secrets);
    /// [other scopes](Self#githubs-pages).
    ///
    /// # Errors
    /// [`Error::is_not_found`], [`Error::is_permission`] and the failures of any call; a page that fails ends the
    /// stream.
    ///
    /// # Examples
    /// ```
    /// use futures_util::TryStreamExt;
    ///
    /// # async fn show(github: octoseal::Client, scope: octoseal::Scope) -> Result<(), octoseal::Error> {
    /// let mut secrets = github.secrets(scope).list();
    /// while let Some(secret) = secrets.try_next().await? {
    ///     println!("{} changed at {}", secret.name, secret.updated_at);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> impl Stream<Item = Result<Secret, Error>> + Send + Unpin + use<S> {
        self.list_within(None)
    }

    fn list_within(
        &self,
        within: Option<Allowance>,
    ) -> impl Stream<Item = Result<Secret, Error>> + Send + Unpin + use<S> {
        let listed = self.target.listed(stores::Role::List, LISTING, "");
        pages(ready(listed), within, |api, listed, page| async move {
            api.list_secrets(listed.place.api(), PER_PAGE, page).await
        })
        .map_ok(Secret::from)
    }

    /// All secrets, collected within the time of one call; all pages or an error.
    ///
    /// # Errors
    /// As for [`list`](Self::list).
    ///
    /// # Examples
    /// ```
    /// # async fn count(github: octoseal::Client, scope: octoseal::Scope) -> Result<usize, octoseal::Error> {
    /// Ok(github.secrets(scope).list_all().await?.len())
    /// # }
    /// ```
    pub async fn list_all(&self) -> Result<Vec<Secret>, Error> {
        let call = self.target.call(LISTING, "", stores::Role::List)?;
        let list = |within| self.list_within(Some(within));
        self.target.collect(call, list).await
    }
}

impl<S: SeesOrganizationSecrets> Secrets<S> {
    /// The organization's secrets that this repository can use, page after page of 100, as [`list`](Self::list) gives
    /// the repository's own. Actions and Agents have this list.
    ///
    /// GitHub's pages: [List repository organization secrets](https://docs.github.com/rest/actions/secrets#list-repository-organization-secrets)
    /// of Actions, and [that of Agents](https://docs.github.com/rest/agents/secrets#list-repository-organization-secrets).
    ///
    /// # Errors
    /// [`Error::is_unsupported`] for a store that has no such list, before anything is sent, and the failures of any
    /// call.
    ///
    /// # Examples
    /// ```
    /// use futures_util::TryStreamExt;
    /// use octoseal::scope::{RepositoryScope, RepositoryStore};
    ///
    /// # async fn show(github: octoseal::Client) -> Result<(), octoseal::Error> {
    /// let scope = RepositoryScope::new(RepositoryStore::Actions, "acme", "api")?;
    /// let mut inherited = github.secrets(scope).organization_secrets();
    /// while let Some(secret) = inherited.try_next().await? {
    ///     println!("{} comes from the organization", secret.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn organization_secrets(
        &self,
    ) -> impl Stream<Item = Result<Secret, Error>> + Send + Unpin + use<S> {
        self.organization_secrets_within(None)
    }

    fn organization_secrets_within(
        &self,
        within: Option<Allowance>,
    ) -> impl Stream<Item = Result<Secret, Error>> + Send + Unpin + use<S> {
        let role = stores::Role::ListOrganizationSecrets;
        let listed = self.target.listed(role, LISTING_INHERITED, "");
        pages(ready(listed), within, |api, listed, page| async move {
            api.list_organization_secrets(listed.place.api(), PER_PAGE, page)
                .await
        })
        .map_ok(Secret::from)
    }

    /// The organization's secrets that this repository can use, collected within the time of one call; all pages or an error.
    ///
    /// # Errors
    /// As for [`organization_secrets`](Self::organization_secrets).
    ///
    /// # Examples
    /// ```
    /// # async fn count(github: octoseal::Client, scope: octoseal::Scope) -> Result<usize, octoseal::Error> {
    /// Ok(github.secrets(scope).organization_secrets_all().await?.len())
    /// # }
    /// ```
    pub async fn organization_secrets_all(&self) -> Result<Vec<Secret>, Error> {
        let role = stores::Role::ListOrganizationSecrets;
        let call = self.target.call(LISTING_INHERITED, "", role)?;
        let list = |within| self.organization_secrets_within(Some(within));
        self.target.collect(call, list).await
    }
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
            created_at: created_at.unwrap_or_default(),
            updated_at: updated_at.unwrap_or_default(),
            visibility,
        }
    }
}
