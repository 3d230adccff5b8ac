//! The methods of GitHub Actions' organization secrets under their documented names, in snake case.
//!
//! Each is the operation of the same name on [`Client::secrets`] with the scope `actions:org/ORG`.

use crate::access::RepositoryRef;
use crate::client::Client;
use crate::error::Error;
use crate::lookup::ScopeKey;
use crate::receipt::Receipt;
use crate::scope::{OrganizationScope, OrganizationStore};
use crate::secrets::{DocumentedName, Put, Repository, Secret, Secrets};

impl Client {
    fn org_secrets(&self, org: impl Into<String>) -> Result<Secrets<OrganizationScope>, Error> {
        let scope = OrganizationScope::new(OrganizationStore::Actions, org)?;
        Ok(self.secrets(scope))
    }

    /// Creates or updates an organization secret of GitHub Actions: `PUT /orgs/{org}/actions/secrets/{secret_name}`.
    ///
    /// `org` is the organization's login and `secret_name` the secret's name; the other four documented
    /// parameters are methods of the builder: `encrypted_value` and `key_id` are
    /// [`encrypted_value`](Put::encrypted_value), or [`value`](Put::value), which seals here; `visibility` and
    /// `selected_repository_ids` are [`visibility`](Put::visibility). A value is optional, as documented: without
    /// one, only the visibility is sent, and GitHub decides.
    ///
    /// GitHub's page: [Create or update an organization secret](https://docs.github.com/rest/actions/secrets#create-or-update-an-organization-secret).
    ///
    /// # Errors
    /// All are given by [`Put::send`], also those of the arguments here.
    ///
    /// # Examples
    /// ```
    /// use octoseal::{Visibility, Written};
    ///
    /// # async fn rotate(github: octoseal::Client, deploy_key: String) -> Result<(), octoseal::Error> {
    /// let receipt = github
    ///     .create_or_update_org_secret("acme", "DEPLOY_KEY")
    ///     .value(deploy_key)
    ///     .visibility(Visibility::Selected(vec![1_296_269, 1_296_280]))
    ///     .send()
    ///     .await?;
    /// if receipt.written == Written::Created {
    ///     println!("it is new");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_or_update_org_secret(
        &self,
        org: impl Into<String>,
        secret_name: impl Into<String>,
    ) -> Put<OrganizationScope, DocumentedName> {
        match self.org_secrets(org) {
            Ok(secrets) => secrets.create_or_update(secret_name).by_documented_name(),
            Err(error) => Put::failed(error, &secret_name.into()),
        }
    }

    /// The organization's public key: `GET /orgs/{org}/actions/secrets/public-key`.
    ///
    /// GitHub's page: [Get an organization public key](https://docs.github.com/rest/actions/secrets#get-an-organization-public-key).
    ///
    /// # Errors
    /// As for [`Secrets::public_key`].
    pub async fn get_org_public_key(&self, org: impl Into<String>) -> Result<ScopeKey, Error> {
        self.org_secrets(org)?.public_key().await
    }

    /// All the organization's secrets, every page: `GET /orgs/{org}/actions/secrets`. To take them one by one, use
    /// [`Secrets::list`].
    ///
    /// GitHub's page: [List organization secrets](https://docs.github.com/rest/actions/secrets#list-organization-secrets).
    ///
    /// # Errors
    /// As for [`Secrets::list`].
    ///
    /// # Examples
    /// ```
    /// # async fn show(github: octoseal::Client) -> Result<(), octoseal::Error> {
    /// for secret in github.list_org_secrets("acme").await? {
    ///     println!("{} changed at {}", secret.name, secret.updated_at);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn list_org_secrets(&self, org: impl Into<String>) -> Result<Vec<Secret>, Error> {
        self.org_secrets(org)?.list().all().await
    }

    /// One secret's metadata: `GET /orgs/{org}/actions/secrets/{secret_name}`.
    ///
    /// GitHub's page: [Get an organization secret](https://docs.github.com/rest/actions/secrets#get-an-organization-secret).
    ///
    /// # Errors
    /// As for [`Secrets::get`].
    pub async fn get_org_secret(
        &self,
        org: impl Into<String>,
        secret_name: impl Into<String>,
    ) -> Result<Secret, Error> {
        self.org_secrets(org)?.get(secret_name).await
    }

    /// Deletes a secret: `DELETE /orgs/{org}/actions/secrets/{secret_name}`.
    ///
    /// GitHub's page: [Delete an organization secret](https://docs.github.com/rest/actions/secrets#delete-an-organization-secret).
    ///
    /// # Errors
    /// As for [`Secrets::delete`].
    pub async fn delete_org_secret(
        &self,
        org: impl Into<String>,
        secret_name: impl Into<String>,
    ) -> Result<Receipt, Error> {
        self.org_secrets(org)?.delete(secret_name).await
    }

    /// The repositories a secret is selected for, every page:
    /// `GET /orgs/{org}/actions/secrets/{secret_name}/repositories`.
    ///
    /// GitHub's page: [List selected repositories for an organization secret](https://docs.github.com/rest/actions/secrets#list-selected-repositories-for-an-organization-secret).
    ///
    /// # Errors
    /// As for [`Secrets::selected_repositories`].
    ///
    /// # Examples
    /// ```
    /// # async fn show(github: octoseal::Client) -> Result<(), octoseal::Error> {
    /// for repository in github.list_selected_repos_for_org_secret("acme", "DEPLOY_KEY").await? {
    ///     println!("{}", repository.full_name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn list_selected_repos_for_org_secret(
        &self,
        org: impl Into<String>,
        secret_name: impl Into<String>,
    ) -> Result<Vec<Repository>, Error> {
        self.org_secrets(org)?
            .selected_repositories(secret_name)
            .all()
            .await
    }

    /// Replaces the repositories a secret is selected for:
    /// `PUT /orgs/{org}/actions/secrets/{secret_name}/repositories`.
    ///
    /// GitHub's page: [Set selected repositories for an organization secret](https://docs.github.com/rest/actions/secrets#set-selected-repositories-for-an-organization-secret).
    ///
    /// # Errors
    /// As for [`Secrets::set_selected_repositories`].
    pub async fn set_selected_repos_for_org_secret(
        &self,
        org: impl Into<String>,
        secret_name: impl Into<String>,
        repositories: impl IntoIterator<Item = impl Into<RepositoryRef>>,
    ) -> Result<Receipt, Error> {
        self.org_secrets(org)?
            .set_selected_repositories(secret_name, repositories)
            .await
    }

    /// Gives a secret to one more repository:
    /// `PUT /orgs/{org}/actions/secrets/{secret_name}/repositories/{repository_id}`.
    ///
    /// GitHub's page: [Add selected repository to an organization secret](https://docs.github.com/rest/actions/secrets#add-selected-repository-to-an-organization-secret).
    ///
    /// # Errors
    /// As for [`Secrets::add_selected_repository`].
    pub async fn add_selected_repo_to_org_secret(
        &self,
        org: impl Into<String>,
        secret_name: impl Into<String>,
        repository: impl Into<RepositoryRef>,
    ) -> Result<Receipt, Error> {
        self.org_secrets(org)?
            .add_selected_repository(secret_name, repository)
            .await
    }

    /// Takes a secret from one repository:
    /// `DELETE /orgs/{org}/actions/secrets/{secret_name}/repositories/{repository_id}`.
    ///
    /// GitHub's page: [Remove selected repository from an organization secret](https://docs.github.com/rest/actions/secrets#remove-selected-repository-from-an-organization-secret).
    ///
    /// # Errors
    /// As for [`Secrets::remove_selected_repository`].
    pub async fn remove_selected_repo_from_org_secret(
        &self,
        org: impl Into<String>,
        secret_name: impl Into<String>,
        repository: impl Into<RepositoryRef>,
    ) -> Result<Receipt, Error> {
        self.org_secrets(org)?
            .remove_selected_repository(secret_name, repository)
            .await
    }
}
