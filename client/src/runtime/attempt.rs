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
use super::in_time::{OutOf, in_time};
use super::lock;
use super::observer::{Request, of_request};
use super::reply::{self, Failure};
use super::retry::{Next, Verdict};
use crate::auth::Token;
use crate::error::{Error, ErrorKind};
use crate::limits::Ticket;

/// So many attempts are made at most while tokens are refused, whatever their source says: after more refusals GitHub
/// refuses valid tokens too.
const MAX_ATTEMPTS_WITH_NEW_TOKENS: u32 = 20;

/// The attempts of a call.
pub(super) struct Attempts<'a> {
    runtime: &'a Runtime,
    pub(super) call: Call<'a>,
    pub(super) allowance: &'a Allowance,
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
        Fut: Future<Output = Answer<T>>,
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
                Err(error) => {
                    let marked = self.runtime.marked.load(Ordering::Relaxed);
                    Err(reply::failure(error, token.expose(), marked).await)
                }
            }
        });
        let (left, deadline) = (self.allowance.left(), self.allowance.deadline());
        let sent = in_time(exchange, &journey, time, left, deadline).instrument(span.clone());
        let outcome = match sent.await {
            Ok(outcome) => outcome,
            Err(OutOf::Time(after)) => Err(Failure::timed_out(after)),
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
}
