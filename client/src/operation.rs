//! Any operation of the low-level client, called as the documented methods are.

mod path;

use std::fmt;
use std::future::{Future, ready};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_core::Stream;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryFutureExt, TryStreamExt};
use octoseal_api::operations::{Operation, Paged};
use octoseal_api::{Answer, Client as Api, stores};

use crate::client::Client;
use crate::error::Error;
use crate::runtime::paging::{Listed, PER_PAGE, pages};
use crate::runtime::{Allowance, Call, RetryPolicy, headers};

use path::OnPath;

/// What an operation gave; see [`Client::call`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reply<T> {
    /// The reply's body, or `()` if it has none.
    pub value: T,
    /// The HTTP status, which tells kinds of success apart.
    pub status: u16,
    /// GitHub's id of the request, which its support asks for.
    pub request_id: Option<String>,
    /// When GitHub answered, by its own clock.
    pub server_time: Option<SystemTime>,
    /// How many requests were sent until this one was answered.
    pub attempts: u32,
}

/// The page that a list is asked for; see [`Client::list`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PageWanted {
    /// Its number, from 1: the parameter `page`.
    pub number: i64,
    /// How many entries it has at most: the parameter `per_page`.
    pub per_page: i64,
}

/// A call about to be made; see [`Client::call`].
#[derive(Clone)]
#[must_use = "nothing is sent before `send`"]
pub struct OperationCall<F> {
    of: Of,
    request: F,
}

/// A list about to be read; see [`Client::list`].
#[derive(Clone)]
#[must_use = "nothing is sent before `stream` or `all`"]
pub struct OperationList<T> {
    of: Of,
    page: GetPage<T>,
}

type GetPage<T> =
    Arc<dyn Fn(Api, i64) -> BoxFuture<'static, Answer<stores::Page<T>>> + Send + Sync>;

/// An operation, and as whom it is called.
#[derive(Clone)]
struct Of {
    client: Client,
    operation: Operation,
    owner: Option<String>,
}

impl Client {
    /// Calls any operation of the low-level client, [`octoseal::api`](crate::api), with this client's tokens, limits,
    /// retries, deadline and errors: for what has no method of its own here.
    ///
    /// `request` makes the one request of the call, by the client that it is given. It is called once for each attempt,
    /// and once before, by a client that sends nothing, to learn where the call leads: the owner and the repository in
    /// the operation's path say whose token is wanted, and errors name the path. [`OperationCall::owned_by`] says whose,
    /// where the path does not.
    ///
    /// What the operation costs, and whether it changes something, follows from GitHub's description. A `POST` is not
    /// repeated if it may have been carried out already, since each makes something new.
    ///
    /// # Errors
    /// All are given by [`OperationCall::send`].
    ///
    /// # Examples
    /// A variable, which anybody may read who may read the repository:
    /// ```
    /// # async fn region(github: octoseal::Client) -> Result<(), octoseal::Error> {
    /// use octoseal::api::{operations, types};
    ///
    /// let operation = operations::ACTIONS_GET_ORG_VARIABLE;
    /// let reply = github
    ///     .call(operation, async |api| api.actions_get_org_variable("acme", "REGION").await)
    ///     .send()
    ///     .await?;
    /// println!("{} (request {:?})", reply.value.value, reply.request_id);
    ///
    /// let mut body = types::ActionsUpdateOrgVariableBody::default();
    /// body.value = Some("eu-west-1".to_owned());
    /// let operation = operations::ACTIONS_UPDATE_ORG_VARIABLE;
    /// github
    ///     .call(operation, async |api| api.actions_update_org_variable("acme", "REGION", &body).await)
    ///     .send()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn call<F, Fut, T>(&self, operation: Operation, request: F) -> OperationCall<F>
    where
        F: Fn(Api) -> Fut,
        Fut: Future<Output = Answer<T>>,
    {
        OperationCall {
            of: Of::new(self, operation),
            request,
        }
    }

    /// Reads any list of the low-level client that is paged by number, page after page, as
    /// [`Secrets::list`](crate::secrets::Secrets::list) does; otherwise as [`call`](Self::call). `request` asks for the page that
    /// it is given.
    ///
    /// # Examples
    /// ```
    /// # async fn variables(github: octoseal::Client) -> Result<(), octoseal::Error> {
    /// use octoseal::api::{operations, options};
    ///
    /// let variables = github.list(operations::ACTIONS_LIST_REPO_VARIABLES, |api, page| async move {
    ///     let mut options = options::ActionsListRepoVariables::default();
    ///     (options.page, options.per_page) = (Some(page.number), Some(page.per_page));
    ///     api.actions_list_repo_variables_with("acme", "api", &options).await
    /// });
    /// for variable in variables.all().await? {
    ///     println!("{} = {}", variable.name, variable.value);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list<F, Fut, P>(&self, operation: Operation, request: F) -> OperationList<P::Item>
    where
        F: Fn(Api, PageWanted) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer<P>> + Send + 'static,
        P: Paged + 'static,
    {
        let page = move |api, number| {
            let per_page = PER_PAGE;
            let page = request(api, PageWanted { number, per_page });
            page.map_ok(|reply| reply.map(stores::Page::of)).boxed()
        };
        OperationList {
            of: Of::new(self, operation),
            page: Arc::new(page),
        }
    }
}

impl<F> OperationCall<F> {
    /// Whose token is wanted, an organization's or a user's, where the operation's path does not say.
    pub fn owned_by(mut self, owner: impl Into<String>) -> Self {
        self.of.owner = Some(owner.into());
        self
    }

    /// Another deadline for this call; see [`Client::deadline`].
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.of.client = self.of.client.deadline(deadline);
        self
    }

    /// Another policy for failures of this call; see [`Client::retry`].
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.of.client = self.of.client.retry(policy);
        self
    }

    /// Makes the call.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] before anything is sent: `request` calls another operation or none, a name in its path
    /// is empty, `.` or `..`, or the owner's name is none. Then the failures of any call; [`Error::applied`] says whether
    /// a write may have been carried out.
    pub async fn send<Fut, T>(self) -> Result<Reply<T>, Error>
    where
        F: Fn(Api) -> Fut,
        Fut: Future<Output = Answer<T>>,
    {
        let (of, request) = (&self.of, &self.request);
        let allowance = of.client.allowance();
        let place = of.place(request, |_| Ok(()), &allowance).await?;
        let runtime = &of.client.runtime;
        let call = Call::new(&place, of.operation.method, "", of.operation);
        let answered = runtime.call(call, &allowance, request).await?;
        let (attempts, reply) = (answered.attempts, answered.reply);
        Ok(Reply {
            status: reply.status().as_u16(),
            request_id: answered.request_id,
            server_time: headers::date(reply.headers()),
            attempts,
            value: reply.into_inner(),
        })
    }
}

impl<T: Send + 'static> OperationList<T> {
    /// Whose token is wanted, an organization's or a user's, where the operation's path does not say.
    pub fn owned_by(mut self, owner: impl Into<String>) -> Self {
        self.of.owner = Some(owner.into());
        self
    }

    /// Another deadline for this call; see [`Client::deadline`].
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.of.client = self.of.client.deadline(deadline);
        self
    }

    /// Another policy for failures of this call; see [`Client::retry`].
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.of.client = self.of.client.retry(policy);
        self
    }

    /// The entries, page after page of 100; a page is asked for when those before it are taken.
    ///
    /// # Errors
    /// Those of [`OperationCall::send`], and [`Error::is_invalid_input`] if the operation is no list that is paged by
    /// number, or `request` does not ask for the page that it is given. A page that fails ends the stream.
    pub fn stream(self) -> impl Stream<Item = Result<T, Error>> + Send + Unpin + use<T> {
        let page = self.page.clone();
        let listed = async {
            let within = self.of.client.allowance();
            self.listed(within).await
        };
        pages(listed, None, move |api, _, number| page(api, number))
    }

    /// The entries, collected within the time of one call; all pages or an error.
    ///
    /// # Errors
    /// As for [`stream`](Self::stream).
    pub async fn all(self) -> Result<Vec<T>, Error> {
        let within = self.of.client.allowance();
        let page = self.page.clone();
        let listed = self.listed(within.clone()).await?;
        let pages = pages(
            ready(Ok(listed.clone())),
            Some(within.clone()),
            move |api, _, number| page(api, number),
        );
        let all = pages.try_collect();
        listed.runtime.watch(listed.call(), &within, all).await
    }

    async fn listed(self, within: Allowance) -> Result<Arc<Listed<OnPath>>, Error> {
        let Of { operation, .. } = self.of;
        if operation.entries.is_none() {
            let why = format!("`{}` is no list that is paged by number", operation.id);
            return Err(Error::input(why));
        }
        let first = |api| (self.page)(api, 1);
        Ok(Arc::new(Listed {
            runtime: self.of.client.runtime.clone(),
            terms: self.of.client.terms.clone(),
            doing: operation.method,
            name: String::new(),
            place: self.of.place(first, asks_for_first_page, &within).await?,
            operation,
        }))
    }
}

fn asks_for_first_page(query: &str) -> Result<(), String> {
    let has = |wanted: &str| query.split('&').any(|pair| pair == wanted);
    if has("page=1") && has(&format!("per_page={PER_PAGE}")) {
        return Ok(());
    }
    Err("the request does not ask for the page that is wanted".to_owned())
}

impl Of {
    fn new(client: &Client, operation: Operation) -> Self {
        Self {
            client: client.clone(),
            operation,
            owner: None,
        }
    }
}

impl<F> fmt::Debug for OperationCall<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OperationCall({})", self.of.operation.id)
    }
}

impl<T> fmt::Debug for OperationList<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OperationList({})", self.of.operation.id)
    }
}
