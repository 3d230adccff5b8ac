//! The attempts of one call: what each passes, and what its reply means for the call.

mod admission;
mod explained;
mod verdict;

use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use octoseal_api::{Answer, Journey, ResponseValue};
use tokio::time::Instant;
use tracing::Instrument;

use super::Runtime;
use super::allowance::Allowance;
use super::call::Call;
use super::echo::echoes;
use super::headers;
use super::in_time::{GivenUp, in_time};
use super::lock;
use super::observer::{Request, of_request};
use super::reply::{self, Failure};
use super::retry::{Next, Verdict};
use crate::auth::Token;
use crate::error::{Error, ErrorKind};
use crate::limits::Ticket;

/// Attempts of a call while tokens are refused, whatever their source says: after more refusals GitHub refuses valid
/// tokens too.
const MAX_ATTEMPTS_WITH_NEW_TOKENS: u32 = 20;

/// The attempts of a call.
pub(super) struct Attempts<'a> {
    runtime: &'a Runtime,
    pub(super) call: Call<'a>,
    pub(super) allowance: &'a Allowance,
    began: Instant,
    progress: Mutex<Progress>,
}

/// Facts that one attempt leaves for the next.
#[derive(Default)]
struct Progress {
    made: u32,
    /// How many times the source gave a token that had been refused before.
    refused_tokens: u32,
    /// The request may have been applied without a reply that says so.
    maybe_applied: bool,
    /// GitHub said that the request was applied.
    applied: bool,
    /// The last refusal for a limit.
    limited: Option<Error>,
    /// The position in the line for leave, of an attempt that is not made yet.
    ticket: Ticket,
    /// How many reads go before the request, by the same leave.
    reads: u32,
    /// GitHub's id of the last request, if it was answered with a success.
    request_id: Option<String>,
    /// The token of the last request, if the call keeps it.
    token: Option<Token>,
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
            began: Instant::now(),
            progress: Mutex::new(progress),
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        lock(&self.progress)
    }

    /// GitHub's id of the last request, if it was answered with a success.
    pub(super) fn request_id(&self) -> Option<String> {
        self.progress().request_id.clone()
    }

    pub(super) fn kept_token(&self) -> Option<Token> {
        self.progress().token.take()
    }

    /// How many requests were sent; of a write, all writes of its call of the public API.
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
        Fut: Future<Output = Answer<T>>,
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
            return Err(Next::Stop(Error::new(ErrorKind::Timeout, why)));
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
                leave.settle_answered(reply::quota(reply.headers()));
                if self.call.is_write() {
                    leave.adapt_place(true);
                }
                proof.accept();
                (Ok(reply), Some(leave))
            }
            Err(failure) => {
                let (next, leave) = self.next_after(failure, leave, &token, proof);
                (Err(next), leave)
            }
        };
        if let Some(leave) = leave.filter(|_| is_lent) {
            self.allowance.lend(token, leave);
        }
        result
    }

    /// Makes the request and reads the reply, the body of a refusal included, within `time` of its leaving.
    async fn send<T, F, Fut>(
        &self,
        request: F,
        token: &Token,
        time: Duration,
        number: u32,
    ) -> Result<ResponseValue<T>, Failure>
    where
        F: FnOnce(octoseal_api::Client) -> Fut,
        Fut: Future<Output = Answer<T>>,
    {
        let span = of_request(&self.call, &self.runtime.base, number);
        let began = Instant::now();
        let journey = Journey::default();
        let api = self
            .runtime
            .api(self.call.operation, token, journey.clone());
        // Boxed, since futures of generated methods are large.
        let exchange = Box::pin(async {
            let result = request(api).await;
            if let Some(headers) = reply::headers(&result) {
                let operation = self.call.operation.id;
                self.runtime.observer.tell_deprecation(operation, headers);
            }
            match result {
                Ok(reply) => Ok(reply),
                Err(error) => {
                    let marked = self.runtime.replies_are_marked.load(Ordering::Relaxed);
                    Err(reply::failure(error, token.expose(), marked).await)
                }
            }
        });
        let (left, deadline) = (self.allowance.left(), self.allowance.deadline());
        let sent = in_time(exchange, &journey, time, left, deadline).instrument(span.clone());
        let outcome = match sent.await {
            Ok(outcome) => outcome,
            Err(GivenUp::Unanswered(after)) => Err(Failure::timed_out(after)),
            Err(GivenUp::Unsent(after)) => Err(Failure::unsent(after)),
        };
        let outcome = self.check_origin(outcome, &journey, token);
        let took = began.elapsed();
        if outcome.is_err() {
            self.allowance.spend(took);
        }
        // A server may send the token back in its id.
        let headers = outcome.as_ref().ok().map(ResponseValue::headers);
        let request_id = headers
            .and_then(headers::request_id)
            .filter(|id| !echoes(id, token.expose()));
        let mut progress = self.progress();
        progress.request_id = request_id;
        progress.token = self.call.keeps_token.then(|| token.clone());
        drop(progress);
        self.runtime.observer.tell_request(&span, || {
            let id = self.request_id();
            Request::new(&self.call, self.identity(), number, took, &outcome, id)
        });
        outcome
    }

    /// Checks whether a reply is GitHub's own, by the mark of its request id. A write with a marked success was applied
    /// even if the reply can't be read; an unmarked success of a write, where other replies are marked, does not prove it.
    fn check_origin<T>(
        &self,
        outcome: Result<ResponseValue<T>, Failure>,
        journey: &Journey,
        token: &Token,
    ) -> Result<ResponseValue<T>, Failure> {
        let Some(head) = journey.head() else {
            return outcome;
        };
        let replies_are_marked = &self.runtime.replies_are_marked;
        let has_mark = head.request_id.is_some();
        // Refusals are told from others' by the form of the mark, so by that it is learnt.
        let has_githubs_mark = headers::id_of(head).is_some();
        let is_write = self.call.is_write();
        // An unmarked success of a write teaches nothing: the next would then count as made.
        if has_githubs_mark || outcome.is_ok() && !is_write {
            replies_are_marked.store(has_githubs_mark, Ordering::Relaxed);
        }
        match outcome {
            Ok(_) if is_write && !has_mark && replies_are_marked.load(Ordering::Relaxed) => {
                Err(Failure::not_by_github(head.status))
            }
            Err(failure)
                if is_write
                    && has_mark
                    && head.status.is_success()
                    && failure.error.status().is_none() =>
            {
                Err(failure.applied(head, token.expose()))
            }
            outcome => outcome,
        }
    }
}
