//! Whether GitHub accepts a token: one request finds out for all calls of a client, and a token that was refused is not
//! sent again for some minutes.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::Allowance;
use super::lock;
use crate::auth::{AfterRefusal, Token};
use crate::error::Error;

/// Tokens remembered at once; the oldest are forgotten first.
const MAX_TOKENS: usize = 4096;

/// How long other requests wait for the first one with a token.
const LONGEST_PROBE: Duration = Duration::from_secs(2);

/// Refusals of one token, in all calls together, until it counts as refused although its source asks to wait.
const MAX_REFUSALS: u32 = 8;

/// How long a refused token is not sent again. After that one request may try it: the `401` may have been a fault of
/// GitHub's, and one such request every ten minutes gets no client locked out.
const REFUSED_FOR: Duration = Duration::from_secs(600);

/// The tokens of a client, and whether GitHub accepts them.
#[derive(Default)]
pub(super) struct Proofs {
    known: Mutex<Known>,
    changed: Notify,
}

#[derive(Default)]
struct Known {
    hasher: RandomState,
    states: HashMap<u64, State>,
    /// The tokens, the oldest first.
    order: VecDeque<u64>,
}

#[derive(Clone)]
enum State {
    /// One request may try it from this instant on; with the number of refusals so far, and the error of the last.
    Unproven(Instant, u32, Option<Error>),
    /// One request tries it, and others wait until this instant; with the number of refusals so far.
    Probed(Instant, u32),
    Accepted,
    /// Until this instant.
    Refused(Error, Instant),
}

impl Proofs {
    /// Forgets all tokens, so that refused ones may be sent again.
    pub(super) fn forget(&self) {
        let mut known = lock(&self.known);
        known.states.clear();
        known.order.clear();
        drop(known);
        self.changed.notify_waiters();
    }

    fn set(&self, token: u64, state: State) {
        let mut known = lock(&self.known);
        if known.states.insert(token, state).is_none() {
            known.order.push_back(token);
        }
        if known.order.len() > MAX_TOKENS
            && let Some(oldest) = known.order.pop_front()
        {
            known.states.remove(&oldest);
        }
        drop(known);
        self.changed.notify_waiters();
    }

    /// Waits while another request tries a token. Fails with the token's refusal, also if its source asks to wait for
    /// longer than `allowance` leaves time.
    pub(super) async fn wait(&self, token: &Token, allowance: &Allowance) -> Result<(), Error> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let now = Instant::now();
            let until = match lock(&self.known).state(token).1 {
                Some(State::Refused(error, until)) if now < until => return Err(error),
                Some(State::Unproven(at, _, Some(error)))
                    if !allowance.leaves_time_after(at.saturating_duration_since(now), at) =>
                {
                    return Err(error);
                }
                Some(State::Unproven(at, ..) | State::Probed(at, _)) if now < at => at,
                _ => return Ok(()),
            };
            let _ = timeout_at(until, changed).await;
        }
    }

    pub(super) fn has_accepted(&self, token: &Token) -> bool {
        matches!(lock(&self.known).state(token).1, Some(State::Accepted))
    }

    /// Begins a request with a token, unless it must [wait](Self::wait).
    pub(super) fn begin(&self, token: &Token) -> Option<Proof<'_>> {
        let now = Instant::now();
        let (token, state) = lock(&self.known).state(token);
        let refusals = match state {
            Some(State::Accepted) => None,
            None => Some(0),
            Some(State::Unproven(at, refusals, _) | State::Probed(at, refusals)) if at <= now => {
                Some(refusals)
            }
            Some(State::Refused(_, until)) if until <= now => Some(0),
            Some(_) => return None,
        };
        if let Some(refusals) = refusals {
            self.set(token, State::Probed(now + LONGEST_PROBE, refusals));
        }
        Some(Proof {
            proofs: self,
            token,
            refusals,
        })
    }
}

impl Known {
    fn state(&self, token: &Token) -> (u64, Option<State>) {
        let token = self.hasher.hash_one(token.expose());
        (token, self.states.get(&token).cloned())
    }
}

/// A request with a token. If it is dropped without an outcome, another request may try the token.
pub(super) struct Proof<'a> {
    proofs: &'a Proofs,
    token: u64,
    /// The refusals of the token so far, if this request is the one that tries it.
    refusals: Option<u32>,
}

impl Proof<'_> {
    /// Whether no request with the token has been accepted before.
    pub(super) fn is_first(&self) -> bool {
        self.refusals.is_some()
    }

    /// Notes that GitHub accepts the token: what it answered itself was no refusal of it.
    pub(super) fn accept(mut self) {
        if self.refusals.take().is_some() {
            self.proofs.set(self.token, State::Accepted);
        }
    }

    /// Notes that GitHub refused the token, and says how long to wait before its source is asked again, if it is.
    pub(super) fn refuse(mut self, error: &Error, after: AfterRefusal) -> Option<Duration> {
        let refusals = self.refusals.take().unwrap_or(0) + 1;
        let refused = || State::Refused(error.clone(), Instant::now() + REFUSED_FOR);
        let (state, pause) = match after {
            AfterRefusal::AskAgain(pause) if !pause.is_zero() && refusals < MAX_REFUSALS => {
                let at = Instant::now() + pause.min(REFUSED_FOR);
                (
                    State::Unproven(at, refusals, Some(error.clone())),
                    Some(pause),
                )
            }
            AfterRefusal::AskAgain(pause) if pause.is_zero() => (refused(), Some(pause)),
            _ => (refused(), None),
        };
        self.proofs.set(self.token, state);
        pause
    }
}

impl Drop for Proof<'_> {
    fn drop(&mut self) {
        let Some(refusals) = self.refusals else {
            return;
        };
        // Another request may have found out meanwhile.
        let is_open = {
            let known = lock(&self.proofs.known);
            matches!(known.states.get(&self.token), Some(State::Probed(..)))
        };
        if is_open {
            let state = State::Unproven(Instant::now(), refusals, None);
            self.proofs.set(self.token, state);
        }
    }
}
