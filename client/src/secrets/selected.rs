//! The repositories that a secret is selected for.

use std::sync::Arc;

use octoseal_api::{Answer, stores};

use super::Secrets;
use crate::access::{Access, RepositoryRef};
use crate::error::{Error, ErrorKind};
use crate::receipt::Receipt;
use crate::runtime::list::List;
use crate::runtime::paging::{Listed, PER_PAGE};
use crate::scope::{HasSelectedRepositories, Scope, SecretName};

/// A repository that a secret is selected for.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Repository {
    /// GitHub's id, which survives a rename.
    pub id: u64,
    /// Its name, without the owner; empty if GitHub leaves it out.
    pub name: String,
    /// `owner/name`; empty if GitHub leaves it out.
    pub full_name: String,
}

/// The listing as errors say it.
pub(super) const LISTING: &str = "listing the selected repositories of";

/// A page of `ENTRIES` of the repositories that a secret is selected for.
pub(super) async fn page_of_selected<const ENTRIES: i64>(
    api: octoseal_api::Client,
    listed: Arc<Listed<Scope>>,
    page: i64,
) -> Answer<stores::Page<stores::Repository>> {
    let (scope, name) = (listed.place.api(), listed.name.as_str());
    api.list_selected_repositories(scope, name, ENTRIES, page)
        .await
}

impl<S: HasSelectedRepositories> Secrets<S> {
    /// The repositories that a secret is selected for, page after page.
    ///
    /// GitHub's page: [List selected repositories for an organization secret](https://docs.github.com/rest/actions/secrets#list-selected-repositories-for-an-organization-secret);
    /// [other scopes](Self#githubs-pages).
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for a name that no secret can have, [`Error::is_not_found`] if there is none of this
    /// name, and the failures of any call.
    ///
    /// # Examples
    /// ```
    /// use octoseal::scope::{UserScope, UserStore};
    ///
    /// # async fn show(github: octoseal::Client) -> Result<(), octoseal::Error> {
    /// let secrets = github.secrets(UserScope::new(UserStore::Codespaces));
    /// let mut repositories = secrets.selected_repositories("DOTFILES_KEY");
    /// while let Some(repository) = repositories.try_next().await? {
    ///     println!("{}", repository.full_name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn selected_repositories(&self, name: impl Into<String>) -> List<Repository> {
        let (role, name) = (stores::Role::ListRepositories, name.into());
        let name = SecretName::new(name);
        let listed = name.and_then(|name| self.target.listed(role, LISTING, name.as_str()));
        List::new(
            listed,
            page_of_selected::<PER_PAGE>,
            |repository, listed| {
                let read = Repository::read(repository);
                read.map_err(|error| error.with_action(listed.call().to_string()))
            },
        )
    }

    /// Replaces the repositories that the secret `name` is selected for. They are given by id or `owner/name`; names
    /// are looked up first, one request each. [`RepositoryRef::NONE`] takes the secret from every repository.
    ///
    /// GitHub's page: [Set selected repositories for an organization secret](https://docs.github.com/rest/actions/secrets#set-selected-repositories-for-an-organization-secret);
    /// [other scopes](Self#githubs-pages).
    ///
    /// # Errors
    /// [`Error::is_conflict`] while the secret's visibility is not `selected`; [`Error::is_invalid_input`] that
    /// names every repository that was not found, before anything is changed, or for a name that no secret can have;
    /// [`Error::is_not_found`] if there is no such secret; [`Error::is_unsupported`] where secrets have no selected
    /// repositories; and the failures of any call.
    ///
    /// # Examples
    /// ```
    /// use octoseal::RepositoryRef;
    ///
    /// # async fn select(github: octoseal::Client, scope: octoseal::Scope) -> Result<(), octoseal::Error> {
    /// let secrets = github.secrets(scope);
    /// secrets.set_selected_repositories("DEPLOY_KEY", ["acme/api", "acme/web"]).await?;
    /// secrets.set_selected_repositories("OLD_KEY", RepositoryRef::NONE).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn set_selected_repositories(
        &self,
        name: impl Into<String>,
        repositories: impl IntoIterator<Item = impl Into<RepositoryRef>>,
    ) -> Result<Receipt, Error> {
        let name = SecretName::new(name)?;
        let repositories: Vec<RepositoryRef> = repositories.into_iter().map(Into::into).collect();
        let allowance = self.target.allowance();
        self.target.select(&name, &repositories, &allowance).await
    }

    /// Changes which repositories may use the secret `name`, and not its value: replaces the repositories that it is
    /// selected for, or adds and removes them one by one. Another visibility is sent without a value, and GitHub decides.
    ///
    /// # Errors
    /// As for [`set_selected_repositories`](Self::set_selected_repositories); [`Error::is_invalid_input`] for an access
    /// that changes nothing, and where GitHub's description requires a value.
    ///
    /// # Examples
    /// ```
    /// # async fn share(github: octoseal::Client, scope: octoseal::Scope) -> Result<(), octoseal::Error> {
    /// use octoseal::Access;
    ///
    /// let secrets = github.secrets(scope);
    /// secrets.change_access("DEPLOY_KEY", Access::add(["acme/api", "acme/web"])).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn change_access(
        &self,
        name: impl Into<String>,
        access: impl Into<Access>,
    ) -> Result<Receipt, Error> {
        let (name, allowance) = (SecretName::new(name)?, self.target.allowance());
        let access = access.into();
        self.target.change_access(&name, &access, &allowance).await
    }

    /// Gives the secret `name` to one more repository, by id or, looked up first, by `owner/name`. One that has it
    /// already keeps it.
    ///
    /// GitHub's page: [Add selected repository to an organization secret](https://docs.github.com/rest/actions/secrets#add-selected-repository-to-an-organization-secret);
    /// [other scopes](Self#githubs-pages).
    ///
    /// # Errors
    /// [`Error::is_conflict`] while the secret's visibility is not `selected`; [`Error::is_invalid_input`] for a
    /// repository that is not found, before anything is changed, or for a name that no secret can have;
    /// [`Error::is_not_found`] if there is no such secret; [`Error::is_unsupported`] where secrets have no selected
    /// repositories; and the failures of any call.
    pub async fn add_selected_repository(
        &self,
        name: impl Into<String>,
        repository: impl Into<RepositoryRef>,
    ) -> Result<Receipt, Error> {
        let access = Access::add([repository]);
        self.change_access(name, access).await
    }

    /// Takes the secret `name` from one repository, by id or, looked up first, by `owner/name`.
    ///
    /// GitHub's page: [Remove selected repository from an organization secret](https://docs.github.com/rest/actions/secrets#remove-selected-repository-from-an-organization-secret);
    /// [other scopes](Self#githubs-pages).
    ///
    /// # Errors
    /// [`Error::is_conflict`] while the secret's visibility is not `selected`; [`Error::is_invalid_input`] for a
    /// repository that is not found, before anything is changed, or for a name that no secret can have;
    /// [`Error::is_not_found`] if there is no such secret; [`Error::is_unsupported`] where secrets have no selected
    /// repositories; and the failures of any call.
    pub async fn remove_selected_repository(
        &self,
        name: impl Into<String>,
        repository: impl Into<RepositoryRef>,
    ) -> Result<Receipt, Error> {
        let access = Access::remove([repository]);
        self.change_access(name, access).await
    }
}

impl Repository {
    /// Fails if the id is not a positive number.
    fn read(repository: stores::Repository) -> Result<Self, Error> {
        let stores::Repository {
            id,
            name,
            full_name,
        } = repository;
        let id = u64::try_from(id).ok().filter(|id| *id > 0);
        let refuse = || Error::new(ErrorKind::UnexpectedReply, "a repository's id is not one");
        Ok(Self {
            id: id.ok_or_else(refuse)?,
            name: name.unwrap_or_default(),
            full_name: full_name.unwrap_or_default(),
        })
    }
}

impl From<&Repository> for RepositoryRef {
    fn from(repository: &Repository) -> Self {
        Self::Id(repository.id)
    }
}

impl From<Repository> for RepositoryRef {
    fn from(repository: Repository) -> Self {
        Self::Id(repository.id)
    }
}
