//! Token and leave of an attempt, and the read before a write.

use std::future::Future;

use futures_util::FutureExt;
use tokio::time::{Instant, timeout_at};

use super::{Attempts, MAX_ATTEMPTS_WITH_NEW_TOKENS};
use crate::auth::{Audience, Token};
use crate::error::{Error, ErrorKind, Reach};
use crate::limits::{Ask, Cost, Identity, Leave, NoLeave};
use crate::runtime::call::number_of;
use crate::runtime::limited::limited;
use crate::runtime::retry::Next;

impl Attempts<'_> {
    /// The token and leave that a write lends to the reads before it. If the leave does not cover this read, it is given
    /// back, and the write begins again.
    pub(super) fn borrow(&self) -> Option<(Token, Leave)> {
        let cost = self.call.cost();
        self.allowance.with_loan(|loan| loan.reads += 1);
        let lent = self.allowance.take_lent();
        lent.and_then(|(token, mut leave)| leave.extend_to(cost).then_some((token, leave)))
    }

    /// Gets the token, and then leave to send.
    pub(super) async fn token_and_leave(&self) -> Result<(Token, Leave), Next> {
        let token = self.accepted_token().await?;
        let leave = self.wait_for_leave().await?;
        if !leave.waited() {
            return Ok((token, leave));
        }
        // The token may have been replaced meanwhile. If its source has to be waited for, leave is not held.
        match self.token().now_or_never() {
            Some(token) => Ok((token?, leave)),
            None => Err(Next::Again),
        }
    }

    /// Reads what is to be written back, by the leave of the write. If a refusal or a wait came between the two, both
    /// are made again.
    pub(super) async fn read_first<R, G, ReadFut>(
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

    /// Waits for leave to send. Fails if it does not come by the deadline.
    async fn wait_for_leave(&self) -> Result<Leave, Next> {
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
        let tell = |until, reason| observer.tell_wait(ask.identity, until, reason);
        let leave = gate.limits.wait_for_leave(ask, &mut ticket, tell).await;
        self.progress().ticket = ticket;
        leave.map_err(|no_leave| {
            Next::Stop(match no_leave {
                NoLeave::TooLong(wait) => limited(wait, self.progress().limited.clone()),
                NoLeave::Crowded => {
                    let why = "no request under way made room for it in time";
                    Error::new(ErrorKind::Timeout, why)
                }
            })
        })
    }

    /// Asks for the token, and waits while another request finds out whether GitHub accepts it.
    async fn accepted_token(&self) -> Result<Token, Next> {
        let token = self.token().await?;
        let began = Instant::now();
        let proven = self.runtime.proofs.wait(&token, self.allowance);
        let refusal = match timeout_at(began + self.allowance.left(), proven).await {
            Ok(Ok(())) => return Ok(token),
            Ok(Err(refusal)) => refusal,
            Err(_) => {
                self.allowance.spend(began.elapsed());
                let why = "whether GitHub accepts the token was not known in time";
                return Err(Next::Stop(Error::new(ErrorKind::Timeout, why)));
            }
        };
        let is_other = self.token().await?.expose() != token.expose();
        let mut progress = self.progress();
        progress.refused_tokens += 1;
        Err(
            if is_other && progress.refused_tokens < MAX_ATTEMPTS_WITH_NEW_TOKENS {
                Next::Again
            } else {
                Next::Stop(refusal)
            },
        )
    }

    /// The identity that GitHub counts the call for, as far as is known.
    pub(in crate::runtime) fn identity(&self) -> Identity {
        self.runtime.gate(self.call.place.audience()).identity
    }

    async fn token(&self) -> Result<Token, Next> {
        let tokens = &self.runtime.tokens;
        // A token that all calls share can't be narrowed to the permission of one.
        let needed = match tokens.is_shared() {
            true => None,
            false => self.call.operation.permission(),
        };
        let audience = Audience {
            permission: needed.as_ref().map(|needed| needed.name.as_str()),
            ..self.call.place.audience()
        };
        let token = tokens.token(audience, self.allowance).await;
        token.map_err(|error| {
            // A reply that is not GitHub's says nothing of other calls.
            let is_foreign = error.is_unexpected_reply() && *error.reach() == Reach::Secret;
            let says_it_all = error.is_transient()
                || error.is_rate_limited()
                || is_foreign
                || *error.reach() == Reach::Everyone;
            Next::Stop(if says_it_all {
                error
            } else {
                error.with_reach(self.reach_of_missing_token())
            })
        })
    }
}
