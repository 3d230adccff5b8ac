//! One call of GitHub's API, of any operation. It knows no secrets, and knows scopes as places only.
//!
//! # What a call passes, in order
//! Each attempt passes 1 to 6 (1 and 2 in `attempt/admission.rs`, 6 in `attempt/verdict.rs`, the rest in `attempt.rs`),
//! and the loop (`retry.rs`) decides on another:
//! 1. **Token** of its [source](tokens), which has the call's retry window to answer, and the identity that GitHub
//!    counts it for. The first request with a token goes alone, and none goes with one that was [refused](proofs).
//! 2. **Leave** of that identity's [limits](crate::limits), which bound how many requests are under way and close when
//!    GitHub refuses. Ends the call if the deadline comes first. It comes after the token, so that nothing is held while
//!    a token is made; after a long wait the token is asked for again.
//! 3. **Time**: the attempt's timeout, or what is left of the call's [allowance](allowance) if that is less. Ends the
//!    call if it is too short to be useful.
//! 4. **Request**: a generated method of the low-level client, over the [wire](crate::wire).
//! 5. **Reply**, [read](reply) with all headers: a value, or a failure and its class.
//! 6. **Verdict**: the gate is told of limits and quota, and the source of a refused token.
//! 7. **Pause** before another attempt, if attempts, window, deadline and the client's budget of retries have room.
//! 8. **Error**: what was attempted, how often, whether it may have been applied, and which other calls it would meet.

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
pub(crate) use observer::{Listener, Observer};
pub use policy::RetryPolicy;
pub(crate) use terms::Terms;
pub(crate) use tokens::Tokens;

/// How long after a place was made GitHub may still answer `404` for it.
const NEW_PLACE_FOR: Duration = Duration::from_secs(5);

/// Makes calls: as whom, to which server, within which limits.
pub(crate) struct Runtime {
    /// The address that requests go to.
    pub(crate) base: Url,
    /// Host and proxy, for errors.
    route: String,
    context: Context,
    tokens: Arc<dyn Tokens>,
    pub(crate) limits: Arc<Limits>,
    /// The identity that calls count for if their token's source names none.
    pub(crate) identity: Identity,
    policy: RetryPolicy,
    budget: Arc<Budget>,
    pub(crate) observer: Arc<Observer>,
    proofs: Proofs,
    /// Whether GitHub's replies arrive with its request id, which some proxies take away: one had it, and no read
    /// succeeded without it since.
    replies_are_marked: AtomicBool,
    /// When this client made places, by their number.
    new_places: Mutex<HashMap<u64, Instant>>,
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
            replies_are_marked: AtomicBool::new(false),
            new_places: Mutex::default(),
        }
    }

    /// Sets what errors say of the host and the proxy.
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

    /// As [`call`](Self::call), for a write of what each attempt reads first. Leave is taken for both, so that the write
    /// follows the read at once; if a refusal or a wait comes between them, both are made again. The calls of `read`
    /// must have the same `allowance`.
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
                    token: attempts.kept_token(),
                }),
                Err(error) => Err(attempts.explain(error)),
            }
        };
        self.watch(call, allowance, work).await
    }

    /// Does the work of a call of the public API in a span, and tells the observer how it ended. Further calls within it
    /// that have the same `allowance` get no span of their own.
    pub(crate) fn watch<'a, T: 'a>(
        &'a self,
        call: Call<'a>,
        allowance: &'a Allowance,
        work: impl Future<Output = Result<T, Error>> + 'a,
    ) -> impl Future<Output = Result<T, Error>> + 'a {
        // Boxed at once, since calls make calls, and their futures would be large and moved often.
        let work = Box::pin(work);
        async move {
            let is_part = !allowance.begin_watch();
            if is_part {
                return work.await;
            }
            let span = of_call(&call);
            let began = Instant::now();
            let work = work.instrument(span.clone());
            let result = allowance.with_heartbeat(work).await;
            let took = began.elapsed();
            let event = || observer::Call::new(&call, took, &result);
            self.observer.tell_call(&span, event);
            result
        }
    }

    /// Tells the observer that a secret at a place has a setting which this version does not know.
    pub(crate) fn tell_unknown_setting(&self, place: &dyn Place, name: &str, setting: &str) {
        self.observer.tell_unknown_setting(UnknownSetting {
            place: place.to_string(),
            name: name.to_owned(),
            setting: setting.to_owned(),
        });
    }

    pub(crate) fn remember_new_place(&self, place: &dyn Place) {
        let mut places = lock(&self.new_places);
        places.retain(|_, made_at| made_at.elapsed() < NEW_PLACE_FOR);
        places.insert(number_of(place), Instant::now());
    }

    fn is_new_place(&self, place: &dyn Place) -> bool {
        let places = lock(&self.new_places);
        places
            .get(&number_of(place))
            .is_some_and(|made_at| made_at.elapsed() < NEW_PLACE_FOR)
    }

    /// The gate of the identity that a call counts for, as far as that is known before it has a token.
    pub(crate) fn gate(&self, audience: Audience<'_>) -> Gate<'_> {
        Gate {
            limits: &self.limits,
            identity: self.tokens.identity(audience).unwrap_or(self.identity),
        }
    }

    /// A name that is the same for all calls that share limits, as far as that is known without a request.
    pub(crate) fn group(&self, audience: Audience<'_>) -> Option<String> {
        self.tokens.group(audience)
    }

    /// Whether all calls have one token.
    pub(crate) fn has_one_token(&self) -> bool {
        self.tokens.is_shared()
    }

    /// Forgets the tokens that are kept, and which of them were refused.
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

    /// Whether the base URL is that of an Enterprise Server without the path of its API.
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

/// Locks, also after a panic of another holder: no panic can leave the data of this crate half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
