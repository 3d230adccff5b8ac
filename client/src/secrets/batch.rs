//! Many secrets at once.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::future::ready;
use std::sync::Arc;
use std::task::{self, Context, Poll};

use futures_core::Stream;
use futures_util::{StreamExt, stream};
use tokio::runtime::Handle;
use tokio::task::{Id, JoinSet};
use tracing::Instrument;
use tracing::instrument::WithSubscriber;

use super::breaker::{Breaker, lower, probe};
use super::change::{Change, NewSecret};
use super::target::Target;
use super::write::place;
use super::{Secret, Secrets};
use crate::client::Client;
use crate::error::{Applied, Error, Kind};
use crate::receipt::Receipt;
use crate::runtime::Place as _;
use crate::runtime::observer::Batch as Progress;
use crate::scope::{AnyScope, Scope, SecretName};

/// How many secrets of a batch are under way at once. GitHub documents 100 requests for everything that a user
/// runs; half of that leaves room for others, and stores 50 secrets in the time of one.
const AT_ONCE: usize = 50;

/// So many secrets are taken out of the input ahead, where some of them may wait for what others don't, as long as they
/// need no more than so many bytes.
const AHEAD_SECRETS: usize = 32 * 1024;
const AHEAD_BYTES: usize = 16 * 1024 * 1024;

/// What became of one secret of a batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// Where it is, or was to be stored.
    pub scope: Scope,
    /// Its name, as given.
    pub name: String,
    /// What was done, or why it was not.
    pub result: Result<Receipt, Error>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.result {
            Ok(receipt) => write!(f, "{} in {}: {receipt}", self.name, self.scope),
            Err(error) => error.fmt(f),
        }
    }
}

impl<S: AnyScope> Secrets<S> {
    /// Stores many secrets and gives an [`Outcome`] for each, as they finish.
    ///
    /// The scope's key is fetched once; up to 50 secrets are under way at once, at the pace of the client's
    /// [`Pacing`](crate::limits::Pacing); secrets are taken from the iterator only as places become free, so that memory
    /// does not grow with their number. One whose name is being written already waits for it, and holds up no other.
    /// Waits for limits have no deadline here, unless [`deadline`](Self::deadline) sets one for the batch. A secret that fails does not
    /// stop the others, unless the failure would meet them too (the owner's token is refused or can't be had, or may
    /// not write in the scope; 50 of an owner in a row got no answer, and then a probe or one more got none): then those
    /// are given back untried. If the runtime ends, each says that it was lost. Running the same batch again completes it. Where a batch names one secret
    /// more than once, the last value stays.
    ///
    /// What is under way goes on as tasks of the tokio runtime while the caller is busy with an outcome. Dropping
    /// the stream stops the batch; what was under way may or may not have been stored.
    ///
    /// # Examples
    /// ```
    /// use futures_util::StreamExt;
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
    pub fn put_all<I>(&self, secrets: I) -> impl Stream<Item = Outcome> + Send + Unpin + use<S, I>
    where
        I: IntoIterator<Item: Into<NewSecret>, IntoIter: Send + 'static>,
    {
        self.put_stream(stream::iter(secrets))
    }

    /// [`put_all`](Self::put_all) for secrets that arrive over time.
    pub fn put_stream<I>(
        &self,
        secrets: I,
    ) -> impl Stream<Item = Outcome> + Send + Unpin + use<S, I>
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
    /// use futures_util::StreamExt;
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
    pub fn change_all<I>(
        &self,
        changes: I,
    ) -> impl Stream<Item = Outcome> + Send + Unpin + use<S, I>
    where
        I: IntoIterator<Item: Into<Change>, IntoIter: Send + 'static>,
    {
        self.change_stream(stream::iter(changes))
    }

    /// [`change_all`](Self::change_all) for changes that arrive over time.
    pub fn change_stream<I>(
        &self,
        changes: I,
    ) -> impl Stream<Item = Outcome> + Send + Unpin + use<S, I>
    where
        I: Stream<Item: Into<Change>> + Send + 'static,
    {
        let Target { client, scope } = self.target.clone();
        // All of one scope share its limits.
        client.batch(changes.map(move |change| (scope.clone(), change)), false)
    }

    /// Deletes the secrets of these names, and no other: nothing if there are none. Otherwise as
    /// [`change_all`](Self::change_all). What would be deleted, [`would_delete`](Self::would_delete) tells first.
    pub fn delete_all<I>(&self, names: I) -> impl Stream<Item = Outcome> + Send + Unpin + use<S, I>
    where
        I: IntoIterator<Item: Into<String>, IntoIter: Send + 'static>,
    {
        let deletions = names.into_iter().map(|name| Change::delete(name.into()));
        self.change_all(deletions)
    }

    /// Which secrets [`delete_all`](Self::delete_all) would delete: those of these names that are there, as GitHub lists
    /// them. Nothing is deleted.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for a name that no secret can have, and those of [`list_all`](Self::list_all).
    ///
    /// # Examples
    /// ```
    /// use futures_util::StreamExt;
    ///
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
        let mut secrets = self.list_all().await?;
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
    /// use futures_util::StreamExt;
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
    pub fn put_all<I, N>(
        &self,
        secrets: I,
    ) -> impl Stream<Item = Outcome> + Send + Unpin + use<I, N>
    where
        I: IntoIterator<Item = (Scope, N), IntoIter: Send + 'static>,
        N: Into<NewSecret>,
    {
        self.put_stream(stream::iter(secrets))
    }

    /// [`put_all`](Self::put_all) for secrets that arrive over time.
    pub fn put_stream<I, N>(
        &self,
        secrets: I,
    ) -> impl Stream<Item = Outcome> + Send + Unpin + use<I, N>
    where
        I: Stream<Item = (Scope, N)> + Send + 'static,
        N: Into<NewSecret>,
    {
        self.change_stream(secrets.map(|(scope, secret)| (scope, secret.into())))
    }

    /// Makes changes of secrets in many scopes, as [`Secrets::change_all`] does in one.
    pub fn change_all<I, C>(
        &self,
        changes: I,
    ) -> impl Stream<Item = Outcome> + Send + Unpin + use<I, C>
    where
        I: IntoIterator<Item = (Scope, C), IntoIter: Send + 'static>,
        C: Into<Change>,
    {
        self.change_stream(stream::iter(changes))
    }

    /// [`change_all`](Self::change_all) for changes that arrive over time.
    pub fn change_stream<I, C>(
        &self,
        changes: I,
    ) -> impl Stream<Item = Outcome> + Send + Unpin + use<I, C>
    where
        I: Stream<Item = (Scope, C)> + Send + 'static,
        C: Into<Change>,
    {
        self.batch(changes, !self.runtime.has_one_token())
    }

    fn batch<I, C>(
        &self,
        changes: I,
        looks_ahead: bool,
    ) -> impl Stream<Item = Outcome> + Send + Unpin + use<I, C>
    where
        I: Stream<Item = (Scope, C)> + Send + 'static,
        C: Into<Change>,
    {
        let mut batch = Batch {
            client: self.in_batch(),
            breaker: Arc::default(),
            changes: changes
                .map(|(scope, change)| (scope, change.into()))
                .boxed(),
            looks_ahead,
            ended: false,
            groups: HashMap::new(),
            held: HashSet::new(),
            waiting: 0,
            waiting_bytes: 0,
            places: HashSet::new(),
            members: HashMap::new(),
            under_way: JoinSet::new(),
            not_begun: VecDeque::new(),
        };
        let (runtime, mut progress) = (self.runtime.clone(), Progress::begin());
        let limits = runtime.limits.clone();
        let end = stream::once(Box::pin(async move {
            limits.told().await;
            None
        }));
        let outcomes = stream::poll_fn(move |context| batch.poll_next(context));
        let outcomes = outcomes.inspect(move |outcome| {
            let error = outcome.result.as_ref().err();
            runtime.observer.batch(&mut progress, error);
        });
        outcomes.chain(end.filter_map(ready))
    }

    async fn member(&self, breaker: &Breaker, scope: Scope, change: Change) -> Outcome {
        let (name, action) = (change.name().to_owned(), change.action(&scope));
        let seen = breaker.answers(&scope);
        let mut given_up = breaker.open_for(&scope);
        if given_up.is_none()
            && breaker.is_in_doubt(&scope)
            && let Err(error) = probe(self, &scope).await
        {
            breaker.learn(&scope, seen, &Err(error.clone()));
            given_up = Some(error);
        }
        let result = match given_up {
            Some(error) => Err(error.not_tried(action)),
            None => {
                let result = change.make(&Target::new(self, scope.clone())).await;
                breaker.learn(&scope, seen, &result);
                result.map_err(|error| error.with_action(action))
            }
        };
        Outcome {
            scope,
            name,
            result,
        }
    }
}

/// A batch between its input and its outcomes.
struct Batch<I> {
    client: Client,
    breaker: Arc<Breaker>,
    changes: I,
    /// Some of the input may wait for limits that don't hold for the rest, so that more is taken in than may begin.
    looks_ahead: bool,
    /// The input has come to its end.
    ended: bool,
    /// Those who share limits, while something of theirs waits or is under way: what holds up one holds up no other.
    groups: HashMap<Option<String>, Group>,
    /// Groups of which something waits until it is known whether its owner is given up.
    held: HashSet<Option<String>>,
    /// How many changes have been taken in and wait, and the bytes that they need.
    waiting: usize,
    waiting_bytes: usize,
    /// Which places are being written: what is to be written there next waits, so that the later counts.
    places: HashSet<String>,
    members: HashMap<Id, Member>,
    /// Tasks, and not futures polled here: a caller that is busy with an outcome must not hold up those under way,
    /// whose time would run out, nor the gate, where one of them may go ahead of everyone. Dropped, it aborts them.
    under_way: JoinSet<Outcome>,
    /// What could not begin, since there is no runtime any more.
    not_begun: VecDeque<Outcome>,
}

#[derive(Default)]
struct Group {
    under_way: usize,
    waiting: VecDeque<(Scope, Change)>,
}

/// What is under way.
struct Member {
    group: Option<String>,
    scope: Scope,
    name: String,
    /// What is done, for an error.
    action: String,
}

impl<I: Stream<Item = (Scope, Change)> + Unpin> Batch<I> {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Outcome>> {
        self.take_in(context);
        if let Some(outcome) = self.not_begun.pop_front() {
            return Poll::Ready(Some(outcome));
        }
        match task::ready!(self.under_way.poll_join_next_with_id(context)) {
            Some(Ok((id, outcome))) => {
                self.end(id);
                Poll::Ready(Some(outcome))
            }
            Some(Err(failed)) => {
                let member = self.end(failed.id());
                match failed.try_into_panic() {
                    // It belongs to the caller.
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // Only the end of the runtime aborts a task.
                    Err(_) => {
                        Poll::Ready(member.map(|member| member.lost_runtime(Applied::Unknown)))
                    }
                }
            }
            None if self.ended && self.waiting == 0 => Poll::Ready(None),
            None => Poll::Pending,
        }
    }

    fn is_full(&self) -> bool {
        if self.looks_ahead {
            self.waiting >= AHEAD_SECRETS || self.waiting_bytes >= AHEAD_BYTES
        } else {
            self.waiting >= AT_ONCE || self.under_way.len() >= AT_ONCE
        }
    }

    /// Takes changes out of the input until it is full, and lets begin what may.
    fn take_in(&mut self, context: &mut Context<'_>) {
        while !self.ended && !self.is_full() {
            match self.changes.poll_next_unpin(context) {
                Poll::Ready(Some((scope, change))) => {
                    let group = self.client.runtime.group(scope.audience());
                    self.waiting += 1;
                    self.waiting_bytes += change.bytes();
                    let of_group = self.groups.entry(group.clone()).or_default();
                    of_group.waiting.push_back((scope, change));
                    self.begin(&group);
                }
                Poll::Ready(None) => self.ended = true,
                Poll::Pending => break,
            }
        }
    }

    /// Begins what waits in a group and may be under way, in order for each place.
    fn begin(&mut self, group: &Option<String>) {
        // Nobody takes the place of one that got no answer, until another gets one.
        let at_once = AT_ONCE - self.breaker.lost().min(AT_ONCE - 1);
        let Some(of_group) = self.groups.get_mut(group) else {
            return;
        };
        while of_group.under_way < at_once {
            let (places, members) = (&self.places, &self.members);
            let mut in_doubt = self.breaker.in_doubt();
            in_doubt.retain(|owner| members.values().any(|it| lower(it.scope.owner()) == *owner));
            let is_free = |(scope, change): &(Scope, Change)| {
                let is_held = !in_doubt.is_empty() && in_doubt.contains(&lower(scope.owner()));
                !is_held && !places.contains(&place(scope, change.name()))
            };
            let next = of_group.waiting.iter().position(is_free);
            let Some((scope, change)) = next.and_then(|next| of_group.waiting.remove(next)) else {
                if !in_doubt.is_empty() {
                    self.held.insert(group.clone());
                }
                break;
            };
            self.waiting -= 1;
            self.waiting_bytes -= change.bytes();
            let member = Member {
                group: group.clone(),
                scope: scope.clone(),
                name: change.name().to_owned(),
                action: change.action(&scope),
            };
            if Handle::try_current().is_err() {
                self.not_begun.push_back(member.lost_runtime(Applied::No));
                continue;
            }
            self.places.insert(place(&scope, change.name()));
            let (client, breaker) = (self.client.clone(), self.breaker.clone());
            // In a box, since tokio moves a task a dozen times on its way to where it stays.
            let work = Box::pin(async move { client.member(&breaker, scope, change).await });
            let work = work.in_current_span().with_current_subscriber();
            let task = self.under_way.spawn(work);
            of_group.under_way += 1;
            self.members.insert(task.id(), member);
        }
        if of_group.under_way == 0 && of_group.waiting.is_empty() {
            self.groups.remove(group);
        }
    }

    /// Gives back what a member holds, however it ended.
    fn end(&mut self, id: Id) -> Option<Member> {
        let member = self.members.remove(&id)?;
        self.places.remove(&place(&member.scope, &member.name));
        if let Some(group) = self.groups.get_mut(&member.group) {
            group.under_way -= 1;
        }
        self.begin(&member.group);
        for group in std::mem::take(&mut self.held) {
            self.begin(&group);
        }
        Some(member)
    }
}

impl Member {
    fn lost_runtime(self, stored: Applied) -> Outcome {
        let error = Error::new(Kind::Transport, "the runtime that it ran on has ended")
            .with_action(self.action)
            .with_applied(stored);
        Outcome {
            scope: self.scope,
            name: self.name,
            result: Err(error.with_hint("run the batch again for what is not stored")),
        }
    }
}
