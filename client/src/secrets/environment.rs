//! The creation of a scope's environment.

use std::sync::atomic::{AtomicBool, Ordering};

use octoseal_api::operations::{REPOS_CREATE_OR_UPDATE_ENVIRONMENT, REPOS_GET_ENVIRONMENT};
use octoseal_api::types::ReposCreateOrUpdateEnvironmentBody;

use super::Secrets;
use super::write::key_of;
use crate::error::{Applied, Error, ErrorKind};
use crate::receipt::{Receipt, Written};
use crate::runtime::Call;
use crate::scope::HasEnvironment;

impl<S: HasEnvironment> Secrets<S> {
    /// Creates the scope's environment if the repository has none of this name, without any protection, and gives the
    /// receipt; `None` if it is there already, which is then left as it is. For some seconds after that, calls are tried
    /// again if GitHub does not find the environment yet.
    ///
    /// The environment is looked for directly before, after every wait for a limit, since GitHub's operation replaces the
    /// protection rules of one that exists. What stays is a race of one round trip: if another program creates it in
    /// between, the rules that it was given are lost.
    ///
    /// The token needs the permission `administration: write` of the repository to create one.
    ///
    /// GitHub's page: [Create or update an environment](https://docs.github.com/rest/deployments/environments#create-or-update-an-environment).
    ///
    /// # Errors
    /// [`Error::is_unsupported`] for a [`Scope`](crate::Scope) that is no environment's, [`Error::is_not_found`] if the
    /// repository is missing or invisible, [`Error::is_permission`], and the failures of any call. If a reply was lost
    /// and the environment is there then, this call may have created it, without protection, or another: that is an
    /// [`Error::is_conflict`], and [`Error::applied`] is [`Applied::Unknown`].
    ///
    /// # Examples
    /// ```
    /// # async fn store(github: octoseal::Client) -> Result<(), octoseal::Error> {
    /// use octoseal::scope::{EnvironmentScope, EnvironmentStore};
    ///
    /// let scope = EnvironmentScope::new(EnvironmentStore::Actions, "acme", "api", "staging")?;
    /// let secrets = github.secrets(scope);
    /// if secrets.ensure_environment().await?.is_some() {
    ///     println!("staging is new");
    /// }
    /// secrets.put("DB_PASSWORD", "s3cret").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn ensure_environment(&self) -> Result<Option<Receipt>, Error> {
        let (target, allowance) = (&self.target, &self.target.allowance());
        let (runtime, scope) = (&target.client.runtime, &target.scope);
        let (Some(owner), Some(repo), Some(environment)) =
            (scope.owner(), scope.repository(), scope.environment())
        else {
            let why = format!("{scope} is not in an environment");
            return Err(Error::unsupported(why));
        };
        let look = Call::new(scope, "looking for", "", REPOS_GET_ENVIRONMENT).deciding_a_write();
        let create = Call::new(scope, "creating", "", REPOS_CREATE_OR_UPDATE_ENVIRONMENT);
        let there = AtomicBool::new(false);
        let read = || async {
            let request = async |api: octoseal_api::Client| {
                api.repos_get_environment(owner, repo, environment).await
            };
            match runtime.call(look, allowance, request).await {
                Err(error) if error.is_githubs_not_found() => Ok(()),
                Err(error) => Err(error),
                Ok(_) => {
                    there.store(true, Ordering::Relaxed);
                    Err(Error::new(
                        ErrorKind::Conflict,
                        format!("{scope} is there already"),
                    ))
                }
            }
        };
        let rules = ReposCreateOrUpdateEnvironmentBody::default();
        let write = async |api: octoseal_api::Client, ()| {
            api.repos_create_or_update_environment(owner, repo, environment, Some(&rules))
                .await
        };
        let ensure = async {
            let own_writes = &target.client.lookup.own_writes;
            let held = own_writes.hold(&key_of(scope, ""), allowance).await;
            let _held = held.map_err(|error| error.with_action(create.to_string()))?;
            let created = runtime.read_and_write(create, allowance, read, write).await;
            // An attempt whose reply was lost may have made it, then without any protection.
            let may_be_ours = match &created {
                Ok(_) => true,
                Err(error) => error.applied() != Applied::No,
            };
            if may_be_ours {
                runtime.remember_new_place(scope);
            } else if there.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let created = created.map_err(|error| match error.is_githubs_not_found() {
                true => error.with_hint(
                    "the repository may be missing, renamed, or invisible to this token, or the token may not \
                     administer it",
                ),
                false => error,
            })?;
            Ok(Some(Receipt::new(Written::Created, scope, "", &created)))
        };
        runtime.watch(create, allowance, ensure).await
    }
}
