//! The secrets of one scope.

mod batch;
mod breaker;
mod change;
mod compare;
mod environment;
mod existing;
mod kept;
mod listing;
mod put;
mod selected;
mod target;
mod write;

use std::collections::HashMap;
use std::marker::PhantomData;
use std::time::Duration;

use octoseal_api::stores;

use crate::client::Client;
use crate::error::Error;
use crate::limits::Cost;
use crate::lookup::{ScopeKey, fetch_key};
use crate::receipt::Receipt;
use crate::runtime::{Allowance, Call, Place, RetryPolicy, cost};
use crate::scope::{AnyScope, Scope, SecretName};
use crate::value::SecretValue;

use target::Target;

pub use crate::value::MAX_VALUE_BYTES;
pub use batch::{Outcome, Outcomes};
pub use change::{Change, NewSecret};
pub use compare::{Comparison, Doubt};
pub use listing::Secret;
pub use put::{AnyName, DocumentedName, Put, PutPlan};
pub use selected::Repository;

/// The secrets of one scope: what [`Client::secrets`] gives.
///
/// Methods that a scope lacks do not compile: a repository's secrets have no visibility and no selected
/// repositories.
///
/// ```no_run
/// # async fn f(github: octoseal::Client) -> Result<(), octoseal::Error> {
/// # use octoseal::{scope::{RepositoryScope, RepositoryStore}, Visibility};
/// let scope = RepositoryScope::new(RepositoryStore::Actions, "acme", "api")?;
/// github.secrets(scope).put("NAME", "value").send().await?;
/// # Ok(())
/// # }
/// ```
/// ```compile_fail
/// # async fn f(github: octoseal::Client) -> Result<(), octoseal::Error> {
/// # use octoseal::{scope::{RepositoryScope, RepositoryStore}, Visibility};
/// let scope = RepositoryScope::new(RepositoryStore::Actions, "acme", "api")?;
/// github.secrets(scope).put("NAME", "value").access(Visibility::All).send().await?;
/// # Ok(())
/// # }
/// ```
///
/// With a dynamic [`Scope`] every method is there, and one that the scope lacks is an
/// [`Error::is_unsupported`] before anything is sent.
///
/// # GitHub's pages
/// The methods' docs link to the page of Actions at an organization; those of the other stores and places say the same
/// with these differences: where there is no visibility, none is sent, and Dependabot takes repositories' ids as text,
/// which is seen to here.
///
/// | store | organization | repository | environment | user |
/// |---|---|---|---|---|
/// | Actions | [secrets](https://docs.github.com/rest/actions/secrets) | [secrets](https://docs.github.com/rest/actions/secrets) | [secrets](https://docs.github.com/rest/actions/secrets) | |
/// | Agents | [secrets](https://docs.github.com/rest/agents/secrets) | [secrets](https://docs.github.com/rest/agents/secrets) | | |
/// | Codespaces | [organization secrets](https://docs.github.com/rest/codespaces/organization-secrets) | [repository secrets](https://docs.github.com/rest/codespaces/repository-secrets) | | [user secrets](https://docs.github.com/rest/codespaces/secrets) |
/// | Dependabot | [secrets](https://docs.github.com/rest/dependabot/secrets) | [secrets](https://docs.github.com/rest/dependabot/secrets) | | |
///
/// # Limits
/// A name holds letters, digits and underscores (see [`SecretName`]), a value at most
/// [`MAX_VALUE_BYTES`] bytes. GitHub stores 1,000 secrets for an organization, 100 for a
/// repository and 100 for an environment; of Codespaces 100 for an organization, a repository and a user each
/// ([Limits for secrets](https://docs.github.com/actions/reference/security/secrets#limits-for-secrets)).
#[derive(Clone, Debug)]
pub struct Secrets<S> {
    target: Target,
    kind: PhantomData<fn() -> S>,
}

impl Client {
    /// The secrets of one scope: a typed scope such as [`OrganizationScope`](crate::scope::OrganizationScope), whose
    /// handle has just the methods that the scope has, or a [`Scope`](crate::Scope) known at run time.
    ///
    /// Text is parsed first, since it may be wrong:
    /// ```
    /// # fn f(github: octoseal::Client) -> Result<(), octoseal::Error> {
    /// let secrets = github.secrets("actions:org/acme".parse::<octoseal::Scope>()?);
    /// # Ok(())
    /// # }
    /// ```
    /// ```compile_fail,E0277
    /// # fn f(github: octoseal::Client) {
    /// let secrets = github.secrets("actions:org/acme");
    /// # }
    /// ```
    pub fn secrets<S: AnyScope>(&self, scope: S) -> Secrets<S> {
        Secrets {
            target: Target::new(self, scope),
            kind: PhantomData,
        }
    }
}

impl Client {
    /// How long it takes at least until this many secrets are stored in each of these scopes, by the limits that are known
    /// now and what is left of the hours' quotas: zero if all of them may leave at once. Nothing is sent. Before a batch it
    /// tells how long the batch takes; while one runs, how long those take that have no outcome yet.
    ///
    /// # Examples
    /// ```
    /// # fn ask(github: octoseal::Client, scopes: Vec<octoseal::Scope>) {
    /// let batch = scopes.iter().map(|scope| (scope, 100));
    /// println!("100 secrets in each take {:?} or longer", github.takes_at_least(batch));
    /// # }
    /// ```
    pub fn takes_at_least<'s>(
        &self,
        secrets: impl IntoIterator<Item = (&'s Scope, u32)>,
    ) -> Duration {
        let mut groups = HashMap::<_, (&Scope, Cost)>::new();
        for (scope, secrets) in secrets {
            if let Ok(put) = scope.operation(stores::Role::Put) {
                let group = self.runtime.group(scope.audience());
                let (_, all) = groups.entry(group).or_insert((scope, Cost::NONE));
                *all = *all + cost(put).times(secrets);
            }
        }
        let longest = groups
            .into_values()
            .map(|(scope, cost)| self.runtime.gate(scope.audience()).least_time(cost));
        longest.max().unwrap_or_default()
    }
}

impl<S: AnyScope> Secrets<S> {
    /// The scope.
    pub fn scope(&self) -> &Scope {
        &self.target.scope
    }

    /// This handle with another deadline for each of its calls: each put, each page of a list that is streamed, each list
    /// that is collected, and each batch as a whole; see [`Client::deadline`].
    ///
    /// # Examples
    /// ```
    /// # async fn f(github: octoseal::Client, scope: octoseal::Scope) -> Result<(), octoseal::Error> {
    /// use std::time::Duration;
    ///
    /// let secrets = github.secrets(scope).deadline(Duration::from_secs(20)).list().all().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.target = self.target.deadline(deadline);
        self
    }

    /// This handle with another policy for failures of its calls; see [`Client::retry`].
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.target = self.target.retry(policy);
        self
    }

    /// How long it takes at least until this many secrets are stored here; see [`Client::takes_at_least`].
    ///
    /// # Examples
    /// ```
    /// # fn ask(github: octoseal::Client) -> Result<(), octoseal::Error> {
    /// let secrets = github.secrets("actions:org/acme".parse::<octoseal::Scope>()?);
    /// println!("300 secrets take {:?} or longer", secrets.takes_at_least(300));
    /// # Ok(())
    /// # }
    /// ```
    pub fn takes_at_least(&self, secrets: u32) -> Duration {
        let Target { client, scope } = &self.target;
        client.takes_at_least([(scope, secrets)])
    }

    /// Creates or updates a secret: seals `value` with the scope's public key, fetched when needed, and stores it.
    /// Nothing happens until [`Put::send`].
    ///
    /// GitHub's page: [Create or update an organization secret](https://docs.github.com/rest/actions/secrets#create-or-update-an-organization-secret);
    /// [other scopes](Self#githubs-pages).
    ///
    /// # Errors
    /// All are given by [`Put::send`].
    ///
    /// # Examples
    /// ```
    /// # async fn store(github: octoseal::Client, password: String) -> Result<(), octoseal::Error> {
    /// use octoseal::scope::{EnvironmentScope, EnvironmentStore};
    ///
    /// let scope = EnvironmentScope::new(EnvironmentStore::Actions, "acme", "api", "prod/eu")?;
    /// let receipt = github.secrets(scope).put("DB_PASSWORD", &password).send().await?;
    /// println!("{receipt}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn put(&self, name: impl Into<String>, value: impl Into<SecretValue>) -> Put<S> {
        self.create_or_update(name).value(value)
    }

    /// Creates or updates a secret without saying its value yet: [`Put::value`] does, or [`Put::encrypted_value`] for
    /// one sealed elsewhere. With neither, no value is sent, and GitHub decides; where its description requires one,
    /// that is an [`Error::is_invalid_input`] of [`Put::send`]. Nothing happens until then.
    ///
    /// GitHub's page: [Create or update an organization secret](https://docs.github.com/rest/actions/secrets#create-or-update-an-organization-secret);
    /// [other scopes](Self#githubs-pages).
    ///
    /// # Errors
    /// All are given by [`Put::send`].
    ///
    /// # Examples
    /// ```
    /// # async fn store(github: octoseal::Client, sealed: String) -> Result<(), octoseal::Error> {
    /// use octoseal::{scope::{OrganizationScope, OrganizationStore}, Visibility};
    ///
    /// let secrets = github.secrets(OrganizationScope::new(OrganizationStore::Dependabot, "acme")?);
    /// secrets.create_or_update("NPM_TOKEN").encrypted_value(sealed, "3380204578043523366").send().await?;
    /// // The visibility alone.
    /// secrets.create_or_update("NPM_TOKEN").access(Visibility::Private).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_or_update(&self, name: impl Into<String>) -> Put<S> {
        Put::new(Ok(self.target.clone()), name.into())
    }

    /// Gets one secret, by its name in any case: everything but the value.
    ///
    /// GitHub's page: [Get an organization secret](https://docs.github.com/rest/actions/secrets#get-an-organization-secret);
    /// [other scopes](Self#githubs-pages).
    ///
    /// # Errors
    /// [`Error::is_not_found`] if there is none of this name, [`Error::is_invalid_input`] for a name that none
    /// can have, and the failures of any call.
    pub async fn get(&self, name: impl Into<String>) -> Result<Secret, Error> {
        let name = SecretName::new(name)?;
        let target = &self.target;
        let call = target.call("reading", name.as_str(), stores::Role::Get)?;
        let secret = target.read(call, &name, &target.allowance()).await?;
        Ok(secret.into())
    }

    /// Whether there is a secret of this name, in any case.
    ///
    /// # Errors
    /// [`Error::is_not_found`] if it is the scope that is missing, or invisible to this token (one whose public key this
    /// client has read within the last day counts as there);
    /// [`Error::is_invalid_input`] for a name that no secret can have, and the failures of any call.
    pub async fn exists(&self, name: impl Into<String>) -> Result<bool, Error> {
        let (name, target) = (name.into(), &self.target);
        let (name, allowance) = (name.as_str(), &target.allowance());
        let call = target.call("looking for", name, stores::Role::Get)?;
        let look = async {
            let name = SecretName::new(name)?;
            let own = target.hold(&name, allowance).await?.clone();
            let existing = target
                .existing(&name, own.as_ref(), false, allowance)
                .await?;
            if existing.is_none() {
                target.ensure_scope(allowance).await?;
            }
            Ok(existing.is_some())
        };
        target.client.runtime.watch(call, allowance, look).await
    }

    /// Deletes a secret, found by its name in any case.
    ///
    /// GitHub's page: [Delete an organization secret](https://docs.github.com/rest/actions/secrets#delete-an-organization-secret);
    /// [other scopes](Self#githubs-pages).
    ///
    /// # Errors
    /// [`Error::is_not_found`] if there was none: also when an earlier attempt of this call deleted it and the
    /// reply was lost, which [`Error::applied`] then leaves open. [`Error::is_invalid_input`] for a name that none can
    /// have, and the failures of any call.
    pub async fn delete(&self, name: impl Into<String>) -> Result<Receipt, Error> {
        let name = SecretName::new(name)?;
        self.target.delete(&name, &self.target.allowance()).await
    }

    /// The scope's public key, fetched now. To seal and store a value, [`put`](Self::put) is enough.
    ///
    /// GitHub's page: [Get an organization public key](https://docs.github.com/rest/actions/secrets#get-an-organization-public-key);
    /// [other scopes](Self#githubs-pages).
    ///
    /// # Errors
    /// [`Error::is_public_key`] if the server gives a key that can't be sealed to, and the failures of any call.
    pub async fn public_key(&self) -> Result<ScopeKey, Error> {
        let Target { client, scope } = &self.target;
        fetch_key(&client.runtime, scope, &self.target.allowance()).await
    }
}

impl Target {
    async fn read(
        &self,
        call: Call<'_>,
        name: &SecretName,
        allowance: &Allowance,
    ) -> Result<stores::Secret, Error> {
        let request = |api: octoseal_api::Client| async move {
            api.get_secret(self.scope.api(), name.as_str()).await
        };
        let reply = self.client.runtime.call(call, allowance, request).await?;
        Ok(reply.into_inner())
    }
}
