//! Secrets as GitHub lists them.

use octoseal_api::stores;

use super::Secrets;
use crate::runtime::list::List;
use crate::runtime::paging::PER_PAGE;
use crate::scope::{AnyScope, SeesOrganizationSecrets};

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
    /// All secrets, in GitHub's order, page after page.
    ///
    /// GitHub's page: [List organization secrets](https://docs.github.com/rest/actions/secrets#list-organization-secrets);
    /// [other scopes](Self#githubs-pages).
    ///
    /// # Errors
    /// [`Error::is_not_found`](crate::Error::is_not_found), [`Error::is_permission`](crate::Error::is_permission) and the failures of any call.
    ///
    /// # Examples
    /// ```
    /// # async fn show(github: octoseal::Client, scope: octoseal::Scope) -> Result<(), octoseal::Error> {
    /// let mut secrets = github.secrets(scope).list();
    /// while let Some(secret) = secrets.try_next().await? {
    ///     println!("{} changed at {}", secret.name, secret.updated_at);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> List<Secret> {
        let listed = self
            .target
            .listed(stores::Role::List, "listing the secrets of", "");
        List::new(
            listed,
            |api, listed, page| async move {
                api.list_secrets(listed.place.api(), PER_PAGE, page).await
            },
            |secret, _| Ok(Secret::from(secret)),
        )
    }
}

impl<S: SeesOrganizationSecrets> Secrets<S> {
    /// The organization's secrets that this repository can use, page after page, as [`list`](Self::list) gives the
    /// repository's own. Actions and Agents have this list.
    ///
    /// GitHub's pages: [List repository organization secrets](https://docs.github.com/rest/actions/secrets#list-repository-organization-secrets)
    /// of Actions, and [that of Agents](https://docs.github.com/rest/agents/secrets#list-repository-organization-secrets).
    ///
    /// # Errors
    /// [`Error::is_unsupported`](crate::Error::is_unsupported) for a store that has no such list, before anything is sent, and the failures of any
    /// call.
    ///
    /// # Examples
    /// ```
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
    pub fn organization_secrets(&self) -> List<Secret> {
        let doing = "listing the organization secrets seen by";
        let role = stores::Role::ListOrganizationSecrets;
        List::new(
            self.target.listed(role, doing, ""),
            |api, listed, page| async move {
                let scope = listed.place.api();
                api.list_organization_secrets(scope, PER_PAGE, page).await
            },
            |secret, _| Ok(Secret::from(secret)),
        )
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
