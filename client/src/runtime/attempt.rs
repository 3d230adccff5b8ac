//! The attempts of one call: what each passes, and what its reply means for the call.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use octoseal_api::{Error as ApiError, Journey, Permission, ResponseValue};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::Runtime;
use super::allowance::Allowance;
use super::call::{Call, number_of};
use super::echo::echoes;
use super::headers;
use super::in_time::{OutOf, in_time};
use super::limited::limited;
use super::observer::{Request, of_request};
use super::policy::A_YEAR;
use super::proofs::Proof;
use super::reply::{self, Class, Failure};
use super::retry::{Next, Pause, Verdict};
use super::wording;
use crate::auth::{AfterRefusal, Audience, Token, TokenRefusal};
use crate::error::{Applied, Error, ErrorKind, Kind, Reach};
use crate::limits::{Ask, Cost, Identity, Leave, Stays, Ticket};

/// So many attempts are made at most while tokens are refused, whatever their source says: GitHub locks out whoever
/// goes on.
const MAX_ATTEMPTS_WITH_NEW_TOKENS: u32 = 20;

/// How long to wait until a place that was just made may be seen.
const NEW_PLACE_PAUSE: Duration = Duration::from_secs(1);

/// The attempts of a call.
pub(super) struct Attempts<'a> {
    runtime: &'a Runtime,
    pub(super) call: Call<'a>,
    pub(super) allowance: &'a Allowance,
    /// What its token must be allowed, if that is known.
    needed: Option<Permission>,
    began: Instant,
    progress: Mutex<Progress>,
}

/// What is known between attempts.
#[derive(Default)]
struct Progress {
    made: u32,
    /// So many tokens of the source had been refused already.
    turned_away: u32,
    /// An attempt may have been carried out without our learning of it.
    maybe_done: bool,
    /// GitHub said that it was carried out.
    done: bool,
    /// The last refusal for a limit.
    limited: Option<Error>,
    /// The place in the line for leave of an attempt that is not made yet.
    ticket: Ticket,
    /// How many requests go before it, by the same leave.
    reads: u32,
    /// GitHub's id of the last request, if it was answered with a success.
    request_id: Option<String>,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(
        runtime: &'a Runtime,
        call: Call<'a>,
        allowance: &'a Allowance,
        reads: u32,
    ) -> Self {
        let progress = Progress {
            reads,
            ..Progress::default()
        };
        Self {
            runtime,
            call,
            allowance,
            needed: call.operation.permission(),
            began: Instant::now(),
            progress: Mutex::new(progress),
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// GitHub's id of the last request, if it was answered with a success.
    pub(super) fn request_id(&self) -> Option<String> {
        self.progress().request_id.clone()
    }

    /// How many requests were sent; of writes, those before it count that belong to the same call of the public API.
    pub(super) fn made(&self) -> u32 {
        match self.call.is_write() {
            true => self.allowance.writes(),
            false => self.progress().made,
        }
    }

    /// Makes one attempt: its steps are listed in [`runtime`](super).
    pub(super) async fn make<R, T, G, ReadFut, F, Fut>(
        &self,
        read: &G,
        request: &F,
    ) -> Verdict<ResponseValue<T>>
    where
        G: Fn() -> ReadFut,
        ReadFut: Future<Output = Result<R, Error>>,
        F: Fn(octoseal_api::Client, R) -> Fut,
        Fut: Future<Output = Result<ResponseValue<T>, ApiError<()>>>,
    {
        let lent = self.borrow();
        let is_lent = lent.is_some();
        let (token, leave) = match lent {
            Some(lent) => lent,
            None => self.token_and_leave().await?,
        };
        if leave.is_outdated() {
            return Err(Next::Again);
        }
        let (token, mut leave, read) = self.read_first(token, leave, read).await?;
        let Some(proof) = self.runtime.proofs.begin(&token) else {
            return Err(Next::Again);
        };
        let Some(time) = self.allowance.time_for_attempt() else {
            let why = "the time of this call was used up before it could be sent";
            return Err(Next::Stop(Error::new(Kind::Timeout, why)));
        };
        let number = {
            let mut progress = self.progress();
            progress.made += 1;
            progress.ticket = Ticket::default();
            progress.made
        };
        if self.call.is_write() {
            self.allowance.count_write();
        }
        let request = |api| request(api, read);
        let sent = self.send(request, &token, time, number);
        let (result, leave) = match leave.send(self.call.cost(), sent).await {
            Ok(reply) => {
                leave.answered(reply::quota(reply.headers()));
                if self.call.is_write() {
                    leave.ended_well(true);
                }
                proof.passed();
                (Ok(reply), Some(leave))
            }
            Err(failure) => {
                let (next, leave) = self.after(failure, leave, &token, proof);
                (Err(next), leave)
            }
        };
        if let Some(leave) = leave.filter(|_| is_lent) {
            self.allowance.lend(token, leave);
        }
        result
    }

    /// What a write lends to the reads before it. If its leave does not cover this one, it is given back, and the write
    /// begins again.
    fn borrow(&self) -> Option<(Token, Leave)> {
        let cost = self.call.cost();
        self.allowance.with_loan(|loan| loan.reads += 1);
        let lent = self.allowance.take_lent();
        lent.and_then(|(token, mut leave)| leave.covers(cost).then_some((token, leave)))
    }

    /// Gets the token, and then leave to send.
    async fn token_and_leave(&self) -> Result<(Token, Leave), Next> {
        let token = self.accepted_token().await?;
        let leave = self.leave().await?;
        if !leave.waited() {
            return Ok((token, leave));
        }
        // The token may have been replaced meanwhile. If that takes a wait, nothing is held during it.
        match self.token().now_or_never() {
            Some(token) => Ok((token?, leave)),
            None => Err(Next::Again),
        }
    }

    /// Reads what is to be written back, by the same leave, so that nothing comes between the two. If something did,
    /// a refusal or a wait, both are made again.
    async fn read_first<R, G, ReadFut>(
        &self,
        token: Token,
        leave: Leave,
        read: &G,
    ) -> Result<(Token, Leave, R), Next>
    where
        G: Fn() -> ReadFut,
        ReadFut: Future<Output = Result<R, Error>>,
    {
        if self.progress().reads == 0 {
            let read = read().await.map_err(Next::Stop)?;
            return Ok((token, leave, read));
        }
        self.allowance.with_loan(|loan| loan.reads = 0);
        self.allowance.lend(token, leave);
        let read = read().await;
        let lent = self.allowance.take_lent();
        let reads = self.allowance.with_loan(|loan| loan.reads);
        {
            let mut progress = self.progress();
            progress.reads = progress.reads.max(reads);
            progress.made += read.as_ref().err().map_or(0, Error::attempts);
        }
        let read = read.map_err(Next::Stop)?;
        match lent {
            Some((token, leave)) if !leave.is_outdated() => Ok((token, leave, read)),
            _ => Err(Next::Again),
        }
    }

    /// Waits for leave to send. Fails if it can't be had by the deadline.
    async fn leave(&self) -> Result<Leave, Next> {
        let call = self.call;
        let gate = self.runtime.gate(call.place.audience());
        let reads = Cost::READ.times(self.progress().reads);
        let ask = Ask {
            identity: gate.identity,
            cost: call.cost() + reads,
            place: call.is_write().then(|| number_of(call.place)),
            deadline: self.allowance.deadline(),
        };
        let mut ticket = std::mem::take(&mut self.progress().ticket);
        let observer = &self.runtime.observer;
        let waiting = |until, reason| observer.waiting(ask.identity, until, reason);
        let leave = gate.limits.leave(ask, &mut ticket, waiting).await;
        self.progress().ticket = ticket;
        leave.map_err(|stays| {
            Next::Stop(match stays {
                Stays::TooLong(wait) => limited(wait, self.progress().limited.clone()),
                Stays::Crowded => {
                    let why = "no request under way made room for it in time";
                    Error::new(Kind::Timeout, why)
                }
            })
        })
    }

    /// Asks for the token, and waits while another request finds out about it.
    async fn accepted_token(&self) -> Result<Token, Next> {
        let token = self.token().await?;
        let deadline = self.allowance.deadline();
        let deadline = deadline.unwrap_or_else(|| Instant::now() + A_YEAR);
        let refusal = match timeout_at(deadline, self.runtime.proofs.wait(&token)).await {
            Ok(Ok(())) => return Ok(token),
            Ok(Err(refusal)) => refusal,
            Err(_) => {
                let why = "whether GitHub accepts the token was not known in time";
                return Err(Next::Stop(Error::new(Kind::Timeout, why)));
            }
        };
        // Its source may have another by now.
        let is_other = self.token().await?.expose() != token.expose();
        let mut progress = self.progress();
        progress.turned_away += 1;
        Err(
            if is_other && progress.turned_away < MAX_ATTEMPTS_WITH_NEW_TOKENS {
                Next::Again
            } else {
                Next::Stop(refusal)
            },
        )
    }

    /// For whom GitHub counts the call, as far as is known.
    pub(super) fn identity(&self) -> Identity {
        self.runtime.gate(self.call.place.audience()).identity
    }

    /// Asks for the token.
    async fn token(&self) -> Result<Token, Next> {
        let audience = Audience {
            permission: self.needed.as_ref().map(|needed| needed.name.as_str()),
            ..self.call.place.audience()
        };
        let token = self.runtime.tokens.token(audience, self.allowance).await;
        token.map_err(|error| {
            let says_it_all = error.is_transient()
                || error.is_rate_limited()
                || *error.reach() == Reach::Everyone;
            Next::Stop(if says_it_all {
                error
            } else {
                error.with_reach(self.reach_of_missing_token())
            })
        })
    }

    /// Makes the request and reads the reply, both within `time` of its leaving: the body of a refusal may drip too.
    async fn send<T, F, Fut>(
        &self,
        request: F,
        token: &Token,
        time: Duration,
        number: u32,
    ) -> Result<ResponseValue<T>, Failure>
    where
        F: FnOnce(octoseal_api::Client) -> Fut,
        Fut: Future<Output = Result<ResponseValue<T>, ApiError<()>>>,
    {
        let span = of_request(&self.call, &self.runtime.base, number);
        let began = Instant::now();
        let journey = Journey::default();
        let api = self
            .runtime
            .api(self.call.operation, token, journey.clone());
        // In a box, since generated calls are large and lie within others.
        let exchange = Box::pin(async {
            let result = request(api).await;
            if let Some(headers) = reply::headers(&result) {
                let operation = self.call.operation.id;
                self.runtime.observer.replied(operation, headers);
            }
            match result {
                Ok(reply) => Ok(reply),
                Err(error) => Err(reply::failure(error, token.expose()).await),
            }
        });
        let left = self.allowance.left();
        let sent = in_time(exchange, &journey, time, left).instrument(span.clone());
        let outcome = match sent.await {
            Ok(outcome) => outcome,
            Err(OutOf::Time) => Err(Failure::timed_out(time)),
            Err(OutOf::Patience(after)) => Err(Failure::never_left(after)),
        };
        let outcome = self.by_github(outcome, &journey, token);
        let took = began.elapsed();
        if outcome.is_err() {
            self.allowance.spend(took);
        }
        // A server may send the token back in it.
        let headers = outcome.as_ref().ok().map(ResponseValue::headers);
        let request_id = headers
            .and_then(headers::request_id)
            .filter(|id| !echoes(id, token.expose()));
        self.progress().request_id = request_id;
        self.runtime.observer.request(&span, || {
            let id = self.request_id();
            Request::new(&self.call, self.identity(), number, took, &outcome, id)
        });
        outcome
    }

    /// Tells GitHub's own replies from those of what stands between: of a change, GitHub's tell that it was made even if
    /// they can't be read, and others do not tell it where GitHub's are marked.
    fn by_github<T>(
        &self,
        outcome: Result<ResponseValue<T>, Failure>,
        journey: &Journey,
        token: &Token,
    ) -> Result<ResponseValue<T>, Failure> {
        let Some(head) = journey.head() else {
            return outcome;
        };
        let marked = &self.runtime.marked;
        let has_mark = head.request_id.is_some();
        match outcome {
            Ok(reply) if !self.call.is_write() => {
                marked.store(has_mark, Ordering::Relaxed);
                Ok(reply)
            }
            Ok(_) if !has_mark && marked.load(Ordering::Relaxed) => {
                Err(Failure::not_by_github(head.status))
            }
            Err(failure)
                if self.call.is_write()
                    && has_mark
                    && head.status.is_success()
                    && failure.error.status().is_none() =>
            {
                Err(failure.carried_out(head, token.expose()))
            }
            outcome => outcome,
        }
    }

    /// What follows a failure, with the leave if GitHub's answer was definite. Tells the gate, and the source of a
    /// refused token.
    fn after(
        &self,
        failure: Failure,
        mut leave: Leave,
        token: &Token,
        proof: Proof<'_>,
    ) -> (Next, Option<Leave>) {
        let is_write = self.call.is_write();
        {
            let mut progress = self.progress();
            progress.maybe_done |= failure.maybe_done && is_write;
            progress.done |= failure.done;
        }
        match failure.class {
            Class::Limited(refusal) => {
                let stop = leave.refused(refusal);
                self.runtime.observer.limited(self.identity(), stop);
                self.progress().limited = Some(failure.error);
                return (Next::Again, None);
            }
            _ if failure.answered => leave.answered(failure.quota),
            _ => {}
        }
        // What a place that can't take several changes at once answers to them.
        if let Some(status) = failure.error.status().filter(|_| is_write) {
            leave.ended_well(!matches!(status, 409 | 500 | 503));
        }
        let leave = Some(leave).filter(|_| failure.class == Class::Final);
        if failure.class == Class::TokenRefused {
            let pause = self.pause_for_new_token(&failure, token, proof);
            return (failure.then(pause.map(Pause::Fixed)), None);
        }
        if let Some(pause) = self.pause_for_young_token(&failure, token, &proof) {
            let pause = proof.refused(&failure.error, AfterRefusal::AskAgain(pause));
            return (failure.then(pause.map(Pause::Fixed)), None);
        }
        proof.passed();
        if failure.error.is_not_found() && self.runtime.is_new(self.call.place) {
            return (failure.then(Some(Pause::Fixed(NEW_PLACE_PAUSE))), None);
        }
        let pause = match failure.class {
            Class::Transient if failure.maybe_done && !self.call.is_repeatable() => None,
            Class::Transient => Some(Pause::Backoff),
            Class::Final | Class::Limited(_) | Class::TokenRefused => None,
        };
        (failure.then(pause), leave)
    }

    fn pause_for_new_token(
        &self,
        failure: &Failure,
        token: &Token,
        proof: Proof<'_>,
    ) -> Option<Duration> {
        let refusal = TokenRefusal {
            token,
            server_time: failure.server_time,
        };
        let audience = self.call.place.audience();
        let after = self.runtime.tokens.refused(audience, &refusal);
        let has_attempts = self.progress().made < MAX_ATTEMPTS_WITH_NEW_TOKENS;
        let pause = proof.refused(&failure.error, after);
        pause.filter(|_| has_attempts)
    }

    fn pause_for_young_token(
        &self,
        failure: &Failure,
        token: &Token,
        proof: &Proof<'_>,
    ) -> Option<Duration> {
        let denied = matches!(failure.error.status(), Some(403 | 404));
        let may_pass = denied && failure.class == Class::Final;
        let has_attempts = self.progress().made < MAX_ATTEMPTS_WITH_NEW_TOKENS;
        let tokens = &self.runtime.tokens;
        (may_pass && has_attempts)
            .then(|| tokens.denied(token, &failure.error, proof.is_first()))
            .flatten()
    }

    /// Says in the call's error what was attempted, how often, what became of it, and whom else it would meet.
    pub(super) fn explain(&self, mut error: Error) -> Error {
        let (call, progress) = (self.call, self.progress());
        if error.is_transport() || error.is_unexpected_reply() && error.message().is_none() {
            error = error.with_detail(&self.runtime.route);
        }
        if error.is_transient() && progress.made > 1 {
            let took = self.began.elapsed().as_secs_f64();
            error = error.with_detail(&format!("{} attempts in {took:.1} s", progress.made));
        }
        if error.is_permission() && error.status() == Some(403) {
            error = wording::explained(error, self.needed.as_ref());
        }
        if error.kind() == ErrorKind::NotFound
            && let Some(hint) = call.place.if_missing()
        {
            error = error.with_hint(hint);
        }
        if self.runtime.may_lack_prefix() && is_of_a_website(&error) {
            error = error.with_hint(
                "the API of an Enterprise Server is below /api/v3, which the base URL lacks",
            );
        }
        let stored = if progress.done {
            Applied::Yes
        } else if progress.maybe_done {
            Applied::Unknown
        } else {
            Applied::No
        };
        let reach = if *error.reach() == Reach::Everyone
            || error.is_tls()
            || error.is_unauthorized() && self.runtime.tokens.is_shared()
        {
            Reach::Everyone
        } else if error.is_unauthorized() {
            Reach::Owner(call.place.audience().owner.map(str::to_owned))
        } else if error.is_permission() && call.place.is_scope() {
            Reach::Scope
        } else {
            error.reach().clone()
        };
        error
            .with_reach(reach)
            .with_action(call.to_string())
            .with_applied(stored)
            .with_attempts(progress.made)
    }

    /// Whom else it would meet that the source has no token for this call.
    fn reach_of_missing_token(&self) -> Reach {
        let Audience {
            owner, repository, ..
        } = self.call.place.audience();
        if !self.call.place.is_scope() {
            Reach::Secret
        } else if repository.is_some() {
            Reach::Scope
        } else {
            Reach::Owner(owner.map(str::to_owned))
        }
    }
}

/// Whether pages for people may have answered: the API gives each refusal a message.
fn is_of_a_website(error: &Error) -> bool {
    let refuses = error.is_not_found() || error.is_validation() || error.is_redirect();
    error.message().is_none() && (refuses || error.is_unexpected_reply())
}
