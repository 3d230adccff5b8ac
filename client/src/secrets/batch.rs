//! Changes of many secrets.

mod engine;

use std::collections::HashSet;
use std::fmt;
use std::future::ready;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use super::change::{Change, NewSecret};
use super::target::{Target, name_in_scope};
use super::{Secret, Secrets};
use crate::client::Client;
use crate::error::{Error, Given};
use crate::receipt::Receipt;
use crate::runtime::observer::Batch as Progress;
use crate::scope::{AnyScope, Scope, SecretName};

use engine::Batch;

/// The outcome of one secret of a batch.
#[derive(Clone)]
#[non_exhaustive]
pub struct Outcome {
    /// Where it is, or was to be stored.
    pub scope: Scope,
    /// Its name, as given.
    pub name: String,
    /// The receipt of the change, or why it was not made.
    pub result: Result<Receipt, Error>,
}

/// Shows the name only if it can't be a secret in the wrong place.
impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("scope", &self.scope)
            .field("name", &Given(self.name.clone()))
            .field("result", &self.result)
            .finish()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.result {
            Ok(receipt) => write!(f, "{}: {receipt}", name_in_scope(&self.name, &self.scope)),
            Err(error) => error.fmt(f),
        }
    }
}

/// The outcomes of a batch, as its members finish. Dropping it stops the batch.
///
/// It is a [`Stream`] as well.
#[must_use = "nothing is sent before an outcome is asked for"]
pub struct Outcomes(BoxStream<'static, Outcome>);

impl Outcomes {
    /// The next outcome, or `None` once each member has had its own.
    pub async fn next(&mut self) -> Option<Outcome> {
        StreamExt::next(self).await
    }
}

impl Stream for Outcomes {
    type Item = Outcome;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Outcome>> {
        self.0.poll_next_unpin(context)
    }
}

impl fmt::Debug for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outcomes")
    }
}

impl<S: AnyScope> Secrets<S> {
    /// Stores many secrets and gives an [`Outcome`] for each, as they finish.
    ///
    /// The scope's key is fetched once; up to 50 secrets are under way at once, at the pace of the client's
    /// [`Pacing`](crate::limits::Pacing); secrets are taken from the iterator only as places become free, and at most
    /// 1,024 beyond that, which wait for a secret of the same name that is being written: so they hold up no other, and
    /// memory does not grow with the number of secrets.
    /// Waits for limits have no deadline here, unless [`deadline`](Self::deadline) sets one for the batch. Where a batch
    /// names one secret more than once, the last value stays. Running the same batch again completes it.
    ///
    /// A secret that fails does not stop the others, unless the failure would meet them too; then those are given back
    /// untried:
    /// - those of a scope or an owner, if the owner's token is refused or can't be had, or may not write in the scope;
    /// - those of a scope, if 50 of it in a row got no answer, and then a probe or one more got none; those of its owner,
    ///   if another of its scopes gets none either;
    /// - all, if three owners in a row have no token or get no answer, and the next that is tried alone fails too.
    ///
    /// If the tokio runtime ends, each outcome says so.
    ///
    /// Members under way go on as tasks of the tokio runtime while the caller is busy with an outcome. Dropping
    /// the stream stops the batch; what was under way may or may not have been stored.
    ///
    /// # Examples
    /// ```
    /// use octoseal::{Scope, secrets::NewSecret, Visibility};
    ///
    /// # async fn store(github: octoseal::Client) -> Result<(), octoseal::Error> {
    /// let secrets = github.secrets("actions:org/acme".parse::<Scope>()?);
    /// let batch = [("DB_PASSWORD", "s3cret"), ("API_KEY", "k3y")]
    ///     .map(|pair| NewSecret::from(pair).access(Visibility::Private));
    /// let mut outcomes = secrets.put_all(batch);
    /// while let Some(outcome) = outcomes.next().await {
    ///     println!("{outcome}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn put_all<I>(&self, secrets: I) -> Outcomes
    where
        I: IntoIterator<Item: Into<NewSecret>, IntoIter: Send + 'static>,
    {
        self.put_stream(stream::iter(secrets))
    }

    /// [`put_all`](Self::put_all) for secrets that arrive over time.
    pub fn put_stream<I>(&self, secrets: I) -> Outcomes
    where
        I: Stream<Item: Into<NewSecret>> + Send + 'static,
    {
        self.change_stream(secrets.map(Into::<NewSecret>::into))
    }

    /// Makes many changes of secrets, and gives an [`Outcome`] for each, as they finish: puts, deletions and changes of
    /// access, mixed as they come; otherwise as [`put_all`](Self::put_all). Changes of one secret, whose name may be
    /// written in upper or lower case, are made in the order of the input.
    ///
    /// Two batches of one client, or a batch and a call, never write to one secret at the same time.
    ///
    /// # Examples
    /// ```
    /// use octoseal::{Access, Scope, secrets::{Change, NewSecret}};
    ///
    /// # async fn apply(github: octoseal::Client) -> Result<(), octoseal::Error> {
    /// let secrets = github.secrets("actions:org/acme".parse::<Scope>()?);
    /// let mut outcomes = secrets.change_all([
    ///     NewSecret::new("API_KEY", "k3y").into(),
    ///     Change::access("DEPLOY_KEY", Access::add(["acme/web"])),
    ///     Change::delete("OLD_KEY"),
    /// ]);
    /// while let Some(outcome) = outcomes.next().await {
    ///     println!("{outcome}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn change_all<I>(&self, changes: I) -> Outcomes
    where
        I: IntoIterator<Item: Into<Change>, IntoIter: Send + 'static>,
    {
        self.change_stream(stream::iter(changes))
    }

    /// [`change_all`](Self::change_all) for changes that arrive over time.
    pub fn change_stream<I>(&self, changes: I) -> Outcomes
    where
        I: Stream<Item: Into<Change>> + Send + 'static,
    {
        let Target { client, scope } = self.target.clone();
        // All changes of one scope share its limits, so it is of no use to look ahead.
        client.batch(changes.map(move |change| (scope.clone(), change)), false)
    }

    /// Deletes the secrets of these names, and no other: nothing if there are none. Otherwise as
    /// [`change_all`](Self::change_all). What would be deleted, [`would_delete`](Self::would_delete) tells first.
    pub fn delete_all<I>(&self, names: I) -> Outcomes
    where
        I: IntoIterator<Item: Into<String>, IntoIter: Send + 'static>,
    {
        let deletions = names.into_iter().map(|name| Change::delete(name.into()));
        self.change_all(deletions)
    }

    /// Which secrets [`delete_all`](Self::delete_all) would delete: those of these names that are there, as GitHub lists
    /// them.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for a name that no secret can have, and those of [`list`](Self::list).
    ///
    /// # Examples
    /// ```
    /// # async fn tidy(github: octoseal::Client, scope: octoseal::Scope) -> Result<(), octoseal::Error> {
    /// let secrets = github.secrets(scope);
    /// for secret in secrets.would_delete(["OLD_KEY", "OLDER_KEY"]).await? {
    ///     println!("{} of {} would go", secret.name, secret.updated_at);
    /// }
    /// let mut outcomes = secrets.delete_all(["OLD_KEY", "OLDER_KEY"]);
    /// while let Some(outcome) = outcomes.next().await {
    ///     println!("{outcome}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn would_delete(
        &self,
        names: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Vec<Secret>, Error> {
        let names = names.into_iter().map(|name| {
            let name = SecretName::new(name)?;
            Ok(name.as_str().to_ascii_uppercase())
        });
        let names = names.collect::<Result<HashSet<_>, Error>>()?;
        let mut secrets = self.list().all().await?;
        secrets.retain(|secret| names.contains(&secret.name.to_ascii_uppercase()));
        Ok(secrets)
    }
}

impl Client {
    /// Stores secrets in many scopes, for example one secret in 500 repositories; otherwise as
    /// [`Secrets::put_all`]. Each scope's key is fetched once.
    ///
    /// Up to 50 are under way for each identity that GitHub counts, so an organization whose hour is used up holds up no
    /// other. Where there may be several, as for an App, up to 32,768 secrets or 16 MiB are taken from the iterator ahead.
    ///
    /// # Examples
    /// ```
    /// use octoseal::{Scope, scope::{RepositoryScope, RepositoryStore}};
    ///
    /// # async fn store(github: octoseal::Client, repositories: Vec<String>) -> Result<(), octoseal::Error> {
    /// let scopes = repositories
    ///     .iter()
    ///     .map(|repo| Ok(RepositoryScope::new(RepositoryStore::Actions, "acme", repo)?.into()))
    ///     .collect::<Result<Vec<Scope>, octoseal::Error>>()?;
    /// let mut outcomes = github.put_all(scopes.into_iter().map(|scope| (scope, ("NPM_TOKEN", "t0ken"))));
    /// while let Some(outcome) = outcomes.next().await {
    ///     println!("{outcome}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn put_all<I, N>(&self, secrets: I) -> Outcomes
    where
        I: IntoIterator<Item = (Scope, N), IntoIter: Send + 'static>,
        N: Into<NewSecret>,
    {
        self.put_stream(stream::iter(secrets))
    }

    /// [`put_all`](Self::put_all) for secrets that arrive over time.
    pub fn put_stream<I, N>(&self, secrets: I) -> Outcomes
    where
        I: Stream<Item = (Scope, N)> + Send + 'static,
        N: Into<NewSecret>,
    {
        self.change_stream(secrets.map(|(scope, secret)| (scope, secret.into())))
    }

    /// Makes changes of secrets in many scopes, as [`Secrets::change_all`] does in one.
    pub fn change_all<I, C>(&self, changes: I) -> Outcomes
    where
        I: IntoIterator<Item = (Scope, C), IntoIter: Send + 'static>,
        C: Into<Change>,
    {
        self.change_stream(stream::iter(changes))
    }

    /// [`change_all`](Self::change_all) for changes that arrive over time.
    pub fn change_stream<I, C>(&self, changes: I) -> Outcomes
    where
        I: Stream<Item = (Scope, C)> + Send + 'static,
        C: Into<Change>,
    {
        self.batch(changes, !self.runtime.has_one_token())
    }

    fn batch<I, C>(&self, changes: I, looks_ahead: bool) -> Outcomes
    where
        I: Stream<Item = (Scope, C)> + Send + 'static,
        C: Into<Change>,
    {
        let changes = changes.map(|(scope, change)| (scope, change.into()));
        let mut batch = Batch::new(self.in_batch(), changes.boxed(), looks_ahead);
        let (runtime, mut progress) = (self.runtime.clone(), Progress::begin());
        let limits = runtime.limits.clone();
        let end = stream::once(Box::pin(async move {
            limits.wait_for_ledger().await;
            None
        }));
        let outcomes = stream::poll_fn(move |context| batch.poll_next(context));
        let outcomes = outcomes.inspect(move |outcome| {
            let error = outcome.result.as_ref().err();
            runtime.observer.tell_outcome(&mut progress, error);
        });
        Outcomes(outcomes.chain(end.filter_map(ready)).boxed())
    }
}
