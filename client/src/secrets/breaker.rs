//! What a batch gives up: failures that the rest of it would meet too.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::client::Client;
use crate::error::{Error, Reach};
use crate::lookup::fetch_key;
use crate::receipt::Receipt;
use crate::runtime::{RetryPolicy, Terms};
use crate::scope::Scope;

/// After so many failures in a row to get an answer for an owner, its next secret is tried alone, and after a probe. If
/// that gets no answer either, the rest is not tried.
const LOST: usize = 50;

/// How long a probe may take. It follows failures that took twenty times as long.
const PROBE: Duration = Duration::from_millis(1500);

/// After so many owners in a row for whom there is no token, or no answer, it is not theirs that is wrong: GitHub locks
/// out a caller that goes on.
const OWNERS: usize = 3;

/// How many failed scopes and owners a batch remembers.
const REMEMBERED: usize = 1024;

/// Notices failures that the rest of a batch would meet too.
#[derive(Default)]
pub(super) struct Breaker(Mutex<Broken>);

#[derive(Default)]
struct Broken {
    everywhere: Option<Error>,
    /// By login in lower case; a user's own scope has none.
    owners: HashMap<Option<String>, Error>,
    scopes: HashMap<Scope, Error>,
    /// By owner: what fails for one may work for another.
    streaks: HashMap<Option<String>, Streak>,
    /// Of all owners together.
    all: Streak,
    /// The owners who may have to be given up.
    in_doubt: Vec<Option<String>>,
    /// Owners in a row whose token was refused.
    refused: usize,
}

/// Failures in a row to get an answer.
#[derive(Clone, Copy, Default)]
struct Streak {
    lost: usize,
    answers: u64,
}

impl Streak {
    /// Counts an end of what began after so many answers. A definite answer is an answer, whatever it says; and what
    /// began before the last one says nothing of what is now.
    fn learn(&mut self, seen: u64, got_answer: bool) {
        if got_answer {
            self.lost = 0;
            self.answers += 1;
        } else if self.answers == seen {
            self.lost += 1;
            // What is under way began before there was a doubt: only what begins now decides.
            self.answers += u64::from(self.lost == LOST);
        }
    }

    fn is_over(&self) -> bool {
        self.lost > LOST
    }
}

/// What is known before a secret is tried.
pub(super) struct Before {
    /// How many answers there were, for the owner and in all.
    pub(super) seen: [u64; 2],
    /// What the scope is given up for.
    pub(super) given_up: Option<Error>,
    /// Its owner may have to be given up.
    pub(super) is_in_doubt: bool,
}

impl Breaker {
    pub(super) fn before(&self, scope: &Scope) -> Before {
        let (owner, broken) = (lower(scope.owner()), self.lock());
        let streak = broken.streaks.get(&owner);
        let given_up = broken
            .everywhere
            .as_ref()
            .or_else(|| broken.owners.get(&owner))
            .or_else(|| broken.scopes.get(scope));
        Before {
            seen: [
                streak.map_or(0, |streak| streak.answers),
                broken.all.answers,
            ],
            given_up: given_up.cloned(),
            is_in_doubt: broken.in_doubt.contains(&owner),
        }
    }

    pub(super) fn lost(&self) -> usize {
        self.lock().all.lost
    }

    /// The owners of whom one secret at a time is tried.
    pub(super) fn in_doubt(&self) -> Vec<Option<String>> {
        self.lock().in_doubt.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Broken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn learn(&self, scope: &Scope, seen: [u64; 2], result: &Result<Receipt, Error>) {
        let mut broken = self.lock();
        let owner = lower(scope.owner());
        let error = result.as_ref().err();
        let got_answer = error.is_none_or(|error| !error.is_transient());
        broken.all.learn(seen[1], got_answer);
        let is_known = broken.streaks.contains_key(&owner) || broken.streaks.len() < REMEMBERED;
        let mut streak = Streak::default();
        if is_known {
            let of_owner = broken.streaks.entry(owner.clone()).or_default();
            of_owner.learn(seen[0], got_answer);
            streak = *of_owner;
        }
        broken.in_doubt.retain(|other| *other != owner);
        let Some(error) = error else {
            broken.refused = 0;
            return;
        };
        if streak.is_over() {
            broken.owners.insert(owner, error.clone());
        } else if streak.lost == LOST {
            broken.in_doubt.push(owner);
        }
        match error.reach() {
            // One failure to get an answer says nothing of the next.
            _ if error.is_transient() => {}
            Reach::Secret => {}
            Reach::Scope if broken.scopes.len() < REMEMBERED => {
                broken.scopes.insert(scope.clone(), error.clone());
            }
            Reach::Owner(owner) if broken.owners.len() < REMEMBERED => {
                let owner = lower(owner.as_deref());
                let is_new = broken.owners.insert(owner, error.clone()).is_none();
                // That an App is not installed somewhere says nothing of elsewhere.
                if is_new && !error.is_not_found() {
                    broken.refused += 1;
                }
            }
            Reach::Scope | Reach::Owner(_) => {}
            Reach::Everyone => broken.refused = OWNERS,
        }
        // Where several owners get no answer and none gets one, nobody will.
        let without = broken.streaks.values().filter(|streak| streak.lost > 0);
        let is_down = broken.all.is_over() && without.count() >= OWNERS;
        if broken.refused >= OWNERS || is_down {
            broken.everywhere.get_or_insert_with(|| error.clone());
        }
    }
}

/// An owner, as it is told apart from others.
pub(super) fn lower(owner: Option<&str>) -> Option<String> {
    owner.map(str::to_ascii_lowercase)
}

/// Finds out by one request whether a scope gets answers. Fails if it gets none.
pub(super) async fn probe(client: &Client, scope: &Scope) -> Result<(), Error> {
    let policy = RetryPolicy::default().attempts(1).retry_window(PROBE);
    let allowance = client.runtime.allowance(&Terms::of(policy));
    let key = fetch_key(&client.runtime, scope, &allowance).await;
    key.map(drop).or_else(|error| match error.is_transient() {
        true => Err(error),
        false => Ok(()),
    })
}
