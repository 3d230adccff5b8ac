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
    Unproven(Instant, u32, Error),
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
        lock(&self.known).set(token, state);
        self.changed.notify_waiters();
    }

    /// Waits while another request tries a token. Fails with the token's refusal, also if its source asks to wait for
    /// longer than `allowance` leaves time.
    pub(super) async fn wait(&self, token: &Token, allowance: &Allowance) -> Result<(), Error> {
        let began = Instant::now();
        let result = loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let now = Instant::now();
            let until = match lock(&self.known).state(token).1 {
                Some(State::Accepted) => return Ok(()),
                Some(State::Refused(error, until)) if now < until => break Err(error),
                Some(State::Unproven(at, _, error))
                    if now < at && !allowance.leaves_time_after(at - now, at) =>
                {
                    break Err(error);
                }
                Some(State::Unproven(at, ..) | State::Probed(at, _)) if now < at => at,
                _ => break Ok(()),
            };
            let _ = timeout_at(until, changed).await;
        };
        // While nothing is answered, requests with the token go one by one: that wait is one for a failure.
        allowance.spend(began.elapsed());
        result
    }

    /// Begins a request with a token, unless it must [wait](Self::wait).
    pub(super) fn begin(&self, token: &Token) -> Option<Proof<'_>> {
        let now = Instant::now();
        let mut known = lock(&self.known);
        let (token, state) = known.state(token);
        let refusals = match state {
            Some(State::Accepted) => None,
            None => Some(0),
            Some(State::Unproven(at, refusals, _) | State::Probed(at, refusals)) if at <= now => {
                Some(refusals)
            }
            Some(State::Refused(_, until)) if until <= now => Some(0),
            Some(_) => return None,
        };
        let probe = refusals.map(|refusals| (now + LONGEST_PROBE, refusals));
        if let Some((until, refusals)) = probe {
            known.set(token, State::Probed(until, refusals));
        }
        drop(known);
        Some(Proof {
            proofs: self,
            token,
            probe,
        })
    }
}

impl Known {
    fn state(&self, token: &Token) -> (u64, Option<State>) {
        let token = self.hasher.hash_one(token.expose());
        (token, self.states.get(&token).cloned())
    }

    fn set(&mut self, token: u64, state: State) {
        if self.states.insert(token, state).is_none() {
            self.order.push_back(token);
        }
        if self.order.len() > MAX_TOKENS
            && let Some(oldest) = self.order.pop_front()
        {
            self.states.remove(&oldest);
        }
    }
}

/// A request with a token. If it is dropped without an outcome, another request may try the token.
pub(super) struct Proof<'a> {
    proofs: &'a Proofs,
    token: u64,
    /// Until when others wait, and the refusals of the token so far, if this request is the one that tries it.
    probe: Option<(Instant, u32)>,
}

impl Proof<'_> {
    /// Whether no request with the token has been accepted before.
    pub(super) fn is_first(&self) -> bool {
        self.probe.is_some()
    }

    /// Notes that GitHub accepts the token: what it answered itself was no refusal of it.
    pub(super) fn accept(mut self) {
        if self.probe.take().is_some() {
            self.proofs.set(self.token, State::Accepted);
        }
    }

    /// Notes that GitHub refused the token, and says how long to wait before its source is asked again, if it is.
    pub(super) fn refuse(mut self, error: &Error, after: AfterRefusal) -> Option<Duration> {
        let refusals = self.probe.take().map_or(0, |(_, refusals)| refusals) + 1;
        let refused = || State::Refused(error.clone(), Instant::now() + REFUSED_FOR);
        let (state, pause) = match after {
            AfterRefusal::AskAgain(pause) if !pause.is_zero() && refusals < MAX_REFUSALS => {
                let at = Instant::now() + pause.min(REFUSED_FOR);
                (State::Unproven(at, refusals, error.clone()), Some(pause))
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
        let Some((until, _)) = self.probe else {
            return;
        };
        let mut known = lock(&self.proofs.known);
        // Another request may have found out meanwhile, or be at it.
        if let Some(State::Probed(at, _)) = known.states.get_mut(&self.token)
            && *at == until
        {
            *at = Instant::now();
            self.proofs.changed.notify_waiters();
        }
    }
}
