//! One call of GitHub's API, whatever it is about. Knows no secrets, and of scopes that they are places.
//!
//! # What a call passes, in order
//! Each attempt passes 1 to 6 (`attempt.rs`; before 3 `attempt/admission.rs`, 6 `attempt/verdict.rs`), and the loop (`retry.rs`) repeats it or does not:
//! 1. **Token** of its [source](tokens), which has the call's retry window to answer, and whom GitHub counts it for.
//! 2. **Leave** of that identity's [limits](crate::limits), which bound how many are under way and close when GitHub
//!    says stop. Ends the call if the deadline comes first. It is had last, so that nothing is held while a token is
//!    made; if it was long in coming, the token is asked for again. The first request with a token goes alone, and none
//!    goes with one that was [refused](proofs).
//! 3. **Time**: the attempt's timeout, or what is left of the call's [allowance](allowance) if that is less. Ends the
//!    call if it is too short to be useful.
//! 4. **Request**: a generated method of the low-level client, over the [wire](crate::wire).
//! 5. **Reply**, [read](reply) with all headers: a value, or a failure and its class.
//! 6. **Verdict**: the gate learns of limits and quota, the source of a refused token.
//! 7. **Pause** before another attempt, if attempts, window, deadline and the client's budget of retries have room.
//! 8. **Error**: what was attempted, how often, whether it may have been carried out, and which other calls it would meet.

mod allowance;
mod attempt;
mod below_http;
mod call;
mod echo;
pub(crate) mod headers;
mod in_time;
mod limited;
pub(crate) mod list;
pub(crate) mod observer;
pub(crate) mod paging;
mod policy;
mod proofs;
mod reply;
mod retry;
mod terms;
mod tokens;
mod wording;

use std::collections::HashMap;
use std::future::{Future, ready};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use octoseal_api::operations::Operation;
use octoseal_api::{Answer, Context, Journey, Transport};
use reqwest::Url;
use tokio::time::Instant;
use tracing::Instrument;

use crate::auth::{Audience, Server, Token};
use crate::error::Error;
use crate::limits::{Budget, Gate, Identity, Limits};

use attempt::Attempts;
use call::number_of;
use observer::{UnknownSetting, of_call};
use proofs::Proofs;
use retry::{Bounds, retry};

pub(crate) use allowance::{Allowance, Used};
pub(crate) use call::{Answered, Call, Place, cost};
pub(crate) use observer::{Observer, Tell};
pub use policy::RetryPolicy;
pub(crate) use terms::Terms;
#[cfg(feature = "app")]
pub(crate) use tokens::Coming;
pub(crate) use tokens::Tokens;

/// For so long GitHub may not see a place everywhere that was just made.
const NEW_FOR: Duration = Duration::from_secs(5);

/// Makes calls: as whom, to which server, within which limits.
pub(crate) struct Runtime {
    /// The address that requests go to.
    pub(crate) base: Url,
    /// Host and proxy, for errors.
    route: String,
    context: Context,
    tokens: Arc<dyn Tokens>,
    pub(crate) limits: Arc<Limits>,
    /// Whom calls count for, unless their token's source says.
    pub(crate) identity: Identity,
    policy: RetryPolicy,
    /// The retries left, for all that this client asks the server.
    budget: Arc<Budget>,
    pub(crate) observer: Arc<Observer>,
    proofs: Proofs,
    /// Whether the last reply to a read had GitHub's request id, which some proxies take away.
    marked: AtomicBool,
    /// When this client made places, by their number.
    made: Mutex<HashMap<u64, Instant>>,
}

impl Runtime {
    pub(crate) fn new(
        base: Url,
        context: Context,
        tokens: Arc<dyn Tokens>,
        limits: Arc<Limits>,
        identity: Identity,
        (policy, budget): (RetryPolicy, Arc<Budget>),
        observer: Arc<Observer>,
    ) -> Self {
        Self {
            base,
            route: String::new(),
            context,
            tokens,
            limits,
            identity,
            policy,
            budget,
            observer,
            proofs: Proofs::default(),
            marked: AtomicBool::new(false),
            made: Mutex::default(),
        }
    }

    /// The same, which says in errors which way it goes.
    pub(crate) fn with_route(mut self, route: String) -> Self {
        self.route = route;
        self
    }

    /// The time that a call of the public API has, beginning now.
    pub(crate) fn allowance(&self, terms: &Terms) -> Allowance {
        Allowance::new(&self.policy, terms)
    }

    /// Makes attempts until one gives a value, or none can. Each attempt makes the same `request`.
    pub(crate) async fn call<T, F, Fut>(
        &self,
        call: Call<'_>,
        allowance: &Allowance,
        request: F,
    ) -> Result<Answered<T>, Error>
    where
        F: Fn(octoseal_api::Client) -> Fut,
        Fut: Future<Output = Answer<T>>,
    {
        let attempts = Attempts::new(self, call, allowance, 0);
        let nothing = || ready(Ok(()));
        self.repeat(attempts, nothing, |api, ()| request(api)).await
    }

    /// As [`call`](Self::call), for a write of what each attempt reads first. Leave is had for both, so that the write
    /// follows the read at once; if something comes between them all the same, both are made again. What `read` calls
    /// has the same `allowance`.
    pub(crate) async fn read_and_write<R, T, G, ReadFut, F, Fut>(
        &self,
        call: Call<'_>,
        allowance: &Allowance,
        read: G,
        write: F,
    ) -> Result<Answered<T>, Error>
    where
        G: Fn() -> ReadFut,
        ReadFut: Future<Output = Result<R, Error>>,
        F: Fn(octoseal_api::Client, R) -> Fut,
        Fut: Future<Output = Answer<T>>,
    {
        let attempts = Attempts::new(self, call, allowance, 1);
        self.repeat(attempts, read, write).await
    }

    async fn repeat<R, T, G, ReadFut, F, Fut>(
        &self,
        attempts: Attempts<'_>,
        read: G,
        request: F,
    ) -> Result<Answered<T>, Error>
    where
        G: Fn() -> ReadFut,
        ReadFut: Future<Output = Result<R, Error>>,
        F: Fn(octoseal_api::Client, R) -> Fut,
        Fut: Future<Output = Answer<T>>,
    {
        let Attempts {
            call, allowance, ..
        } = attempts;
        let identity = || attempts.identity();
        let bounds = Bounds {
            allowance,
            budget: &self.budget,
            observer: &self.observer,
            identity: &identity,
        };
        let work = async {
            match retry(bounds, || attempts.make(&read, &request)).await {
                Ok(reply) => Ok(Answered {
                    reply,
                    attempts: attempts.made(),
                    request_id: attempts.request_id(),
                }),
                Err(error) => Err(attempts.explain(error)),
            }
        };
        self.watch(call, allowance, work).await
    }

    /// Does the work of a call of the public API, in a span, and tells how it ended. What it calls with the same
    /// `allowance` is part of it.
    pub(crate) fn watch<'a, T: 'a>(
        &'a self,
        call: Call<'a>,
        allowance: &'a Allowance,
        work: impl Future<Output = Result<T, Error>> + 'a,
    ) -> impl Future<Output = Result<T, Error>> + 'a {
        // In a box, at once: a call makes others, and all of it would lie on one stack, and be moved there.
        let work = Box::pin(work);
        async move {
            let is_part = !allowance.begin_watch();
            if is_part {
                return work.await;
            }
            let span = of_call(&call);
            let began = Instant::now();
            let result = allowance.live(work.instrument(span.clone())).await;
            let took = began.elapsed();
            let told = || observer::Call::new(&call, took, &result);
            self.observer.call(&span, told);
            result
        }
    }

    /// Tells of a setting that a secret at a place has and nothing is known of here.
    pub(crate) fn tell_unknown_setting(&self, place: &dyn Place, name: &str, setting: &str) {
        self.observer.unknown_setting(UnknownSetting {
            place: place.to_string(),
            name: name.to_owned(),
            setting: setting.to_owned(),
        });
    }

    /// Keeps in mind that a place was made just now.
    pub(crate) fn made(&self, place: &dyn Place) {
        let mut made = lock(&self.made);
        made.retain(|_, made| made.elapsed() < NEW_FOR);
        made.insert(number_of(place), Instant::now());
    }

    /// Whether GitHub may not see the place everywhere yet, since it was made just now.
    fn is_new(&self, place: &dyn Place) -> bool {
        let made = lock(&self.made);
        made.get(&number_of(place))
            .is_some_and(|made| made.elapsed() < NEW_FOR)
    }

    /// The limits of whom a call counts for, as far as that is known before it has a token.
    pub(crate) fn gate(&self, audience: Audience<'_>) -> Gate<'_> {
        Gate {
            limits: &self.limits,
            identity: self.tokens.identity(audience).unwrap_or(self.identity),
        }
    }

    /// A name that is the same for all calls that share limits, as far as that can be told without asking.
    pub(crate) fn group(&self, audience: Audience<'_>) -> Option<String> {
        self.tokens.group(audience)
    }

    /// Whether all calls have one token.
    pub(crate) fn has_one_token(&self) -> bool {
        self.tokens.is_shared()
    }

    /// Forgets the tokens that are kept, and which were refused.
    pub(crate) fn forget_tokens(&self) {
        self.tokens.forget();
        self.proofs.forget();
    }

    /// The low-level client for one request of this operation, without a token, over another transport.
    pub(crate) fn api_over(
        &self,
        transport: Arc<dyn Transport>,
        operation: Operation,
    ) -> octoseal_api::Client {
        let context = self.context.clone().with_transport(transport);
        octoseal_api::client(self.base.as_str(), context.for_one(operation))
    }

    /// Whether this is the address of an Enterprise Server, and not of its API.
    fn may_lack_prefix(&self) -> bool {
        matches!(Server::at(&self.base), Server::Own(_)) && !self.base.path().contains("/api/")
    }

    /// The low-level client for one request of this operation with one token.
    fn api(&self, operation: Operation, token: &Token, journey: Journey) -> octoseal_api::Client {
        let context = self.context.clone().with_authorization(token.header());
        let context = context.for_one(operation).with_journey(journey);
        octoseal_api::client(self.base.as_str(), context)
    }
}

/// Locks, also after a panic of another: what is locked here is whole between any two statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
