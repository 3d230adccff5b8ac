//! Calls of any operation of the low-level client.

mod path;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryFutureExt};
use octoseal_api::operations::{Operation, Paged};
use octoseal_api::{Answer, Client as Api, stores};

use crate::client::{Client, Target};
use crate::error::Error;
use crate::runtime::list::List;
use crate::runtime::paging::{Listed, PER_PAGE};
use crate::runtime::{Allowance, Call, RetryPolicy, headers};

use path::OnPath;

/// The reply to a call; see [`Client::call`].
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

/// The page that `request` has to ask for; see [`Client::list`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PageWanted {
    /// Its number, from 1: the parameter `page`.
    pub number: i64,
    /// How many entries it has at most: the parameter `per_page`.
    pub per_page: i64,
}

/// A call about to be made; see [`Client::call`] and [`Client::list`].
#[derive(Clone)]
#[must_use = "nothing is sent before `send`, or before the entries of a list are taken"]
pub struct OperationCall<R> {
    client: Client,
    operation: Operation,
    owner: Option<String>,
    request: R,
}

/// Asks for the pages of a list.
#[derive(Clone)]
pub struct Pages<T>(GetPage<T>);

type GetPage<T> =
    Arc<dyn Fn(Api, i64) -> BoxFuture<'static, Answer<stores::Page<T>>> + Send + Sync>;

impl Client {
    /// Calls any operation of the low-level client, [`octoseal::api`](crate::api), with this client's tokens, limits,
    /// retries, deadline and errors: for operations that have no method of their own here.
    ///
    /// `request` makes the one request of the call, by the client that it is given. It is called once for each attempt,
    /// and once before, with a client that sends nothing, to read the request's path: the owner and the repository in it
    /// say what token is needed, and errors name the path. If the path names no owner, [`OperationCall::owned_by`] does.
    ///
    /// What the operation costs, and whether it is a write, follows from GitHub's description. A `POST` is not repeated if
    /// it may have been applied, since it may create something a second time.
    ///
    /// # Errors
    /// All are given by [`OperationCall::send`].
    ///
    /// # Examples
    /// A variable, whose value GitHub gives back:
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
        self.of(operation, request)
    }

    /// Reads any list of the low-level client that is paged by number, page after page, as
    /// [`Secrets::list`](crate::secrets::Secrets::list) does; otherwise as [`call`](Self::call). `request` has to ask for
    /// the page that it is given.
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
    pub fn list<F, Fut, P>(&self, operation: Operation, request: F) -> OperationCall<Pages<P::Item>>
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
        self.of(operation, Pages(Arc::new(page)))
    }

    fn of<R>(&self, operation: Operation, request: R) -> OperationCall<R> {
        OperationCall {
            client: self.clone(),
            operation,
            owner: None,
            request,
        }
    }
}

impl<R> OperationCall<R> {
    /// The organization or user that the call needs a token for, if the operation's path does not name it.
    pub fn owned_by(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Another deadline for this call; see [`Client::deadline`].
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.client = self.client.deadline(deadline);
        self
    }

    /// Another policy for failures of this call; see [`Client::retry`].
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.client = self.client.retry(policy);
        self
    }

    /// Makes the call.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] before anything is sent: `request` calls another operation or none, a name in its path
    /// is empty, `.` or `..`, or the owner's name can't be a login. Then the failures of any call; [`Error::applied`] says
    /// whether a write may have been applied.
    pub async fn send<Fut, T>(self) -> Result<Reply<T>, Error>
    where
        R: Fn(Api) -> Fut,
        Fut: Future<Output = Answer<T>>,
    {
        let (operation, allowance) = (self.operation, self.client.allowance());
        let place = self.place(&self.request, |_| Ok(()), &allowance).await?;
        let call = Call::new(&place, operation.method, "", operation);
        let runtime = &self.client.runtime;
        let answered = runtime.call(call, &allowance, &self.request).await?;
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

impl<T: Send + 'static> OperationCall<Pages<T>> {
    /// The list's entries, page after page.
    ///
    /// # Errors
    /// Those of [`send`](Self::send), and [`Error::is_invalid_input`] if the operation is no list that is paged by
    /// number, or `request` does not ask for the page that it is given.
    pub fn entries(self) -> List<T> {
        let (runtime, terms) = (self.client.runtime.clone(), self.client.terms.clone());
        let page = self.request.0.clone();
        List::found(
            runtime,
            terms,
            |within| self.listed(within),
            move |api, _, number| page(api, number),
            |entry, _| Ok(entry),
        )
    }

    /// All entries of the list: [`entries`](Self::entries), collected.
    ///
    /// # Errors
    /// As for [`entries`](Self::entries).
    pub async fn all(self) -> Result<Vec<T>, Error> {
        self.entries().all().await
    }

    async fn listed(self, within: Allowance) -> Result<Listed<OnPath>, Error> {
        let operation = self.operation;
        if operation.entries.is_none() {
            let why = format!("`{}` is no list that is paged by number", operation.id);
            return Err(Error::input(why));
        }
        let first = |api| (self.request.0)(api, 1);
        let place = self.place(first, asks_for_first_page, &within).await?;
        Ok(Target::new(&self.client, place).listed_by(operation.method, "", operation))
    }
}

fn asks_for_first_page(query: &str) -> Result<(), String> {
    let has = |wanted: &str| query.split('&').any(|pair| pair == wanted);
    if has("page=1") && has(&format!("per_page={PER_PAGE}")) {
        return Ok(());
    }
    Err("the request does not ask for the page that is wanted".to_owned())
}

impl<R> fmt::Debug for OperationCall<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OperationCall({})", self.operation.id)
    }
}
