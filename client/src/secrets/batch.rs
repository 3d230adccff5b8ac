//! Many secrets at once.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_util::{StreamExt, stream};
use tokio::task::JoinSet;
use tracing::Instrument;
use tracing::instrument::WithSubscriber;

use super::Secrets;
use super::put::{Put, Written};
use super::target::Target;
use crate::access::{Access, RepositoryRef, Visibility};
use crate::client::Client;
use crate::error::{Error, Reach};
use crate::scope::{AnyScope, Scope};
use crate::value::SecretValue;

/// How many secrets of a batch are under way at once. GitHub documents 100 requests for everything that a user
/// runs; half of that leaves room for others, and stores 50 secrets in the time of one.
const AT_ONCE: usize = 50;

/// After so many failures in a row to get an answer out of the server, the rest of a batch is not tried.
const LOST: usize = AT_ONCE;

/// After so many owners in a row for whom there is no token, it is not theirs that is wrong: GitHub locks out whoever
/// goes on.
const REFUSED: usize = 3;

/// How many failed scopes and owners a batch remembers.
const REMEMBERED: usize = 1024;

/// A secret to be stored: a name, a value, and who may use it.
///
/// Made from a pair of name and value too, which keeps the access as it is.
#[derive(Clone, Debug)]
pub struct NewSecret {
    name: String,
    value: SecretValue,
    access: Access,
}

impl NewSecret {
    /// A secret that keeps its access if it exists.
    pub fn new(name: impl Into<String>, value: impl Into<SecretValue>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            access: Access::Keep,
        }
    }

    /// Which repositories may use it, in a scope whose secrets have a visibility.
    pub fn visibility(self, visibility: Visibility) -> Self {
        self.access(visibility)
    }

    /// Selects repositories by id or `owner/name`, in a scope whose secrets can be given to selected ones.
    pub fn selected_repositories(
        self,
        repositories: impl IntoIterator<Item = impl Into<RepositoryRef>>,
    ) -> Self {
        self.access(Access::Selected(
            repositories.into_iter().map(Into::into).collect(),
        ))
    }

    /// Who may use it.
    pub fn access(mut self, access: impl Into<Access>) -> Self {
        self.access = access.into();
        self
    }
}

impl<N: Into<String>, V: Into<SecretValue>> From<(N, V)> for NewSecret {
    fn from((name, value): (N, V)) -> Self {
        Self::new(name, value)
    }
}

impl<N: Into<String>, V: Into<SecretValue>, A: Into<Access>> From<(N, V, A)> for NewSecret {
    fn from((name, value, access): (N, V, A)) -> Self {
        Self::new(name, value).access(access)
    }
}

/// What became of one secret of a batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// Where it was to be stored.
    pub scope: Scope,
    /// Its name, as given.
    pub name: String,
    /// Whether it was created or updated, or why it was not.
    pub result: Result<Written, Error>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.result {
            Ok(written) => write!(f, "{} in {}: {written}", self.name, self.scope),
            Err(error) => error.fmt(f),
        }
    }
}

impl<S: AnyScope> Secrets<S> {
    /// Stores many secrets and gives an [`Outcome`] for each, as they finish.
    ///
    /// The scope's key is fetched once; up to 50 secrets are under way at once, at the pace of the client's
    /// [`Pacing`](crate::Pacing); secrets are taken from the iterator only as places become free, so that memory
    /// does not grow with their number. Waits for limits have no deadline here. A secret that fails does not
    /// stop the others, unless the failure would meet them too (the owner's token is refused or can't be had, or may
    /// not write in the scope; the scope's key can't be had; the server can't be reached or fails time after time):
    /// then those are given back untried. Running the same batch again completes it. Where a batch names one secret
    /// more than once, the last value stays.
    ///
    /// What is under way goes on as tasks of the tokio runtime while the caller is busy with an outcome. Dropping
    /// the stream stops the batch; what was under way may or may not have been stored.
    ///
    /// # Examples
    /// ```
    /// use futures_util::StreamExt;
    /// use octoseal::{NewSecret, Scope, Visibility};
    ///
    /// # async fn store(github: octoseal::Client) -> Result<(), octoseal::Error> {
    /// let secrets = github.secrets("actions:org/acme".parse::<Scope>()?);
    /// let batch = [("DB_PASSWORD", "s3cret"), ("API_KEY", "k3y")]
    ///     .map(|pair| NewSecret::from(pair).visibility(Visibility::Private));
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
        let Target { client, scope } = self.target.clone();
        client.put_stream(secrets.map(move |secret| (scope.clone(), secret)))
    }
}

impl Client {
    /// Stores secrets in many scopes, for example one secret in 500 repositories; otherwise as
    /// [`Secrets::put_all`]. Each scope's key is fetched once.
    ///
    /// # Examples
    /// ```
    /// use futures_util::StreamExt;
    /// use octoseal::{RepositoryScope, RepositoryStore, Scope};
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
        let mut batch = Batch {
            client: self.clone(),
            breaker: Arc::default(),
            secrets: secrets
                .map(|(scope, secret)| (scope, secret.into()))
                .fuse()
                .boxed(),
            held: None,
            places: HashSet::new(),
            under_way: JoinSet::new(),
        };
        stream::poll_fn(move |context| batch.poll_next(context))
    }

    async fn member(&self, breaker: &Breaker, scope: Scope, secret: NewSecret) -> Outcome {
        let NewSecret {
            name,
            value,
            access,
        } = secret;
        let result = match breaker.open_for(&scope) {
            Some(error) => Err(error.not_tried(format!("storing {name} in {scope}"))),
            None => {
                let put = Put::<Scope>::new(Ok(Target::new(self, scope.clone())), name.clone());
                let result = put.value(value).access(access).in_batch().send().await;
                breaker.learn(&scope, &result);
                result
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
    secrets: I,
    /// A secret whose place is being written by an earlier one of this batch, until that is done: the later counts.
    held: Option<(Scope, NewSecret)>,
    /// Which places are being written.
    places: HashSet<String>,
    /// Tasks, and not futures polled here: a caller that is busy with an outcome must not hold up those under way,
    /// whose time would run out, nor the gate, where one of them may go ahead of everyone. Dropped, it aborts them.
    under_way: JoinSet<Outcome>,
}

impl<I: Stream<Item = (Scope, NewSecret)> + Unpin> Batch<I> {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Outcome>> {
        let mut more = true;
        // Nobody takes the place of one that got no answer, until another gets one.
        let at_once = AT_ONCE - self.breaker.lost().min(AT_ONCE - 1);
        while more && self.under_way.len() < at_once {
            let next = match self.held.take() {
                Some(held) => Poll::Ready(Some(held)),
                None => self.secrets.poll_next_unpin(context),
            };
            match next {
                Poll::Ready(Some((scope, secret))) => {
                    if !self.places.insert(place(&scope, &secret.name)) {
                        self.held = Some((scope, secret));
                        break;
                    }
                    let (client, breaker) = (self.client.clone(), self.breaker.clone());
                    // In a box, since tokio moves a task a dozen times on its way to where it stays.
                    let member = async move { client.member(&breaker, scope, secret).await };
                    let member = Box::pin(member);
                    self.under_way
                        .spawn(member.in_current_span().with_current_subscriber());
                }
                Poll::Ready(None) => more = false,
                Poll::Pending => break,
            }
        }
        match ready!(self.under_way.poll_join_next(context)) {
            Some(Ok(outcome)) => {
                self.places.remove(&place(&outcome.scope, &outcome.name));
                Poll::Ready(Some(outcome))
            }
            // Nobody aborts them but the end of the runtime; what is left is a panic, which belongs to the caller.
            Some(Err(ended)) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Poll::Ready(None),
            },
            None if more => Poll::Pending,
            None => Poll::Ready(None),
        }
    }
}

/// Where a secret is stored: GitHub reads names without regard to case.
fn place(scope: &Scope, name: &str) -> String {
    let mut place = format!("{scope} {name}");
    place.make_ascii_uppercase();
    place
}

/// Notices failures that the rest of a batch would meet too.
#[derive(Default)]
struct Breaker(Mutex<Broken>);

#[derive(Default)]
struct Broken {
    everywhere: Option<Error>,
    /// By login in lower case; a user's own scope has none.
    owners: HashMap<Option<String>, Error>,
    scopes: HashMap<Scope, Error>,
    /// Failures in a row to get an answer out of the server.
    lost: usize,
    /// Owners in a row whose token was refused.
    refused: usize,
}

impl Breaker {
    fn open_for(&self, scope: &Scope) -> Option<Error> {
        let broken = self.lock();
        broken
            .everywhere
            .as_ref()
            .or_else(|| broken.owners.get(&lower(scope.owner())))
            .or_else(|| broken.scopes.get(scope))
            .cloned()
    }

    fn lost(&self) -> usize {
        self.lock().lost
    }

    fn lock(&self) -> MutexGuard<'_, Broken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, scope: &Scope, result: &Result<Written, Error>) {
        let mut broken = self.lock();
        let error = match result {
            Ok(_) => {
                broken.lost = 0;
                broken.refused = 0;
                return;
            }
            Err(error) => error,
        };
        if error.is_transient() {
            broken.lost += 1;
        }
        match error.reach() {
            Reach::Secret => {}
            Reach::Scope if broken.scopes.len() < REMEMBERED => {
                broken.scopes.insert(scope.clone(), error.clone());
            }
            Reach::Owner(owner) if broken.owners.len() < REMEMBERED => {
                let owner = lower(owner.as_deref());
                if broken.owners.insert(owner, error.clone()).is_none() {
                    broken.refused += 1;
                }
            }
            Reach::Scope | Reach::Owner(_) => {}
            Reach::Everyone => broken.refused = REFUSED,
        }
        if broken.lost >= LOST || broken.refused >= REFUSED {
            broken.everywhere.get_or_insert_with(|| error.clone());
        }
    }
}

fn lower(owner: Option<&str>) -> Option<String> {
    owner.map(str::to_ascii_lowercase)
}
