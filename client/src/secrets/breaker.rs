//! What a batch gives up: failures that the rest of it would meet too.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::client::Client;
use crate::error::{Error, Reach};
use crate::lookup::fetch_key;
use crate::receipt::Receipt;
use crate::runtime::{RetryPolicy, Terms, lock};
use crate::scope::Scope;

/// After so many failures in a row to get an answer for an owner, its next secret is tried alone, and after a probe. If
/// that gets no answer either, the rest is not tried: of the scope, if no other was tried, or of the owner.
const MAX_UNANSWERED_IN_A_ROW: usize = 50;

/// How long a probe may take. It follows failures that took twenty times as long.
const PROBE_TIMEOUT: Duration = Duration::from_millis(1500);

/// After so many owners in a row for whom there is no token, or no answer, the next secret of all is tried alone. If that
/// fails too, it is not the owners that are wrong: GitHub locks out a caller that goes on.
const MAX_OWNERS_IN_A_ROW: usize = 3;

/// How many failed scopes and owners a batch remembers.
const MAX_REMEMBERED: usize = 1024;

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
    streaks: HashMap<Option<String>, OfOwner>,
    /// Of all owners together.
    all: Streak,
    /// The owners that may have to be given up.
    in_doubt: Vec<Option<String>>,
    /// Owners in a row that have no token, or whose token was refused.
    refused: usize,
    all_in_doubt: Option<AllInDoubt>,
}

/// All may have to be given up. Something of another owner decides, or some of the same.
struct AllInDoubt {
    /// What began after so many answers counts.
    since: u64,
    failed: usize,
}

/// The failures in a row of one owner.
#[derive(Default)]
struct OfOwner {
    streak: Streak,
    /// The scope that all of them are of, until another has one.
    scope: Option<Scope>,
    is_of_several: bool,
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
            self.answers += u64::from(self.lost == MAX_UNANSWERED_IN_A_ROW);
        }
    }

    fn is_over(&self) -> bool {
        self.lost > MAX_UNANSWERED_IN_A_ROW
    }
}

impl OfOwner {
    fn learn(&mut self, scope: &Scope, seen: u64, got_answer: bool) {
        let before = self.streak.lost;
        self.streak.learn(seen, got_answer);
        if got_answer {
            (self.scope, self.is_of_several) = (None, false);
        } else if before < self.streak.lost {
            let first = self.scope.get_or_insert_with(|| scope.clone());
            self.is_of_several |= first != scope;
        }
    }
}

/// What is known when something begins.
pub(super) struct Known {
    /// How many answers there were, for the owner and in all.
    pub(super) answers: [u64; 2],
    /// Whether its owner, or all, may have to be given up.
    pub(super) is_in_doubt: bool,
}

impl Breaker {
    /// What is known when something of a scope begins.
    pub(super) fn known(&self, scope: &Scope) -> Known {
        let (broken, owner) = (lock(&self.0), lower(scope.owner()));
        let streak = broken.streaks.get(&owner);
        let of_owner = streak.map_or(0, |owner| owner.streak.answers);
        Known {
            answers: [of_owner, broken.all.answers],
            is_in_doubt: broken.all_in_doubt.is_some() || broken.in_doubt.contains(&owner),
        }
    }

    pub(super) fn open_for(&self, scope: &Scope) -> Option<Error> {
        let broken = lock(&self.0);
        broken
            .everywhere
            .as_ref()
            .or_else(|| broken.owners.get(&lower(scope.owner())))
            .or_else(|| broken.scopes.get(scope))
            .cloned()
    }

    pub(super) fn lost(&self) -> usize {
        lock(&self.0).all.lost
    }

    /// The owners of whom one secret at a time is tried.
    pub(super) fn in_doubt(&self) -> Vec<Option<String>> {
        lock(&self.0).in_doubt.clone()
    }

    /// Whether one secret at a time is tried of all.
    pub(super) fn is_all_in_doubt(&self) -> bool {
        lock(&self.0).all_in_doubt.is_some()
    }

    /// Whether something of the scope's owner has failed, and nothing succeeded since.
    pub(super) fn has_failed(&self, scope: &Scope) -> bool {
        lock(&self.0).has_failed(&lower(scope.owner()))
    }

    pub(super) fn learn(&self, scope: &Scope, seen: [u64; 2], result: &Result<Receipt, Error>) {
        let mut broken = lock(&self.0);
        let owner = lower(scope.owner());
        let error = result.as_ref().err();
        let got_answer = error.is_none_or(|error| !error.is_transient());
        broken.all.learn(seen[1], got_answer);
        let is_known = broken.streaks.contains_key(&owner) || broken.streaks.len() < MAX_REMEMBERED;
        let is_another = !broken.has_failed(&owner);
        broken.in_doubt.retain(|other| *other != owner);
        if is_known {
            broken.learn_of_owner(&owner, scope, seen[0], got_answer, error);
        }
        let is_of_token = error.is_some_and(|error| match error.reach() {
            _ if error.is_transient() => false,
            // That an App is not installed somewhere says nothing of elsewhere.
            Reach::Owner(_) => !error.is_not_found(),
            Reach::Everyone => true,
            Reach::Secret | Reach::Scope => false,
        });
        if got_answer && !is_of_token {
            (broken.refused, broken.all_in_doubt) = (0, None);
        }
        let Some(error) = error else { return };
        match error.reach() {
            // One failure to get an answer says nothing of the next.
            _ if error.is_transient() => {}
            Reach::Secret => {}
            Reach::Scope if broken.scopes.len() < MAX_REMEMBERED => {
                broken.scopes.insert(scope.clone(), error.clone());
            }
            Reach::Owner(owner) if broken.owners.len() < MAX_REMEMBERED => {
                let owner = lower(owner.as_deref());
                let is_new = broken.owners.insert(owner, error.clone()).is_none();
                broken.refused += usize::from(is_new && is_of_token);
            }
            Reach::Scope | Reach::Owner(_) => {}
            Reach::Everyone => {
                broken.everywhere.get_or_insert_with(|| error.clone());
            }
        }
        broken.learn_of_all(seen[1], is_another, error);
    }
}

impl Broken {
    fn has_failed(&self, owner: &Option<String>) -> bool {
        let streak = self.streaks.get(owner);
        streak.is_some_and(|owner| owner.streak.lost > 0) || self.owners.contains_key(owner)
    }

    fn learn_of_owner(
        &mut self,
        owner: &Option<String>,
        scope: &Scope,
        seen: u64,
        got_answer: bool,
        error: Option<&Error>,
    ) {
        let of_owner = self.streaks.entry(owner.clone()).or_default();
        of_owner.learn(scope, seen, got_answer);
        let Some(error) = error else { return };
        if of_owner.streak.is_over() {
            if of_owner.is_of_several {
                self.owners.insert(owner.clone(), error.clone());
                return;
            }
            if self.scopes.len() < MAX_REMEMBERED {
                self.scopes.insert(scope.clone(), error.clone());
            }
            // Another scope of the owner decides about the owner.
            of_owner.streak.lost = MAX_UNANSWERED_IN_A_ROW;
        }
        if of_owner.streak.lost == MAX_UNANSWERED_IN_A_ROW {
            self.in_doubt.push(owner.clone());
        }
    }

    /// Where several owners in a row have no token or get no answer, and what is tried then fails too, all will.
    fn learn_of_all(&mut self, seen: u64, is_another: bool, error: &Error) {
        if let Some(doubt) = &mut self.all_in_doubt {
            doubt.failed += usize::from(doubt.since <= seen);
            let enough = if is_another { 1 } else { MAX_OWNERS_IN_A_ROW };
            if doubt.since <= seen && doubt.failed >= enough {
                self.everywhere.get_or_insert_with(|| error.clone());
            }
            return;
        }
        let unanswered = self.streaks.values().filter(|owner| owner.streak.lost > 0);
        let is_down = self.all.is_over() && unanswered.count() >= MAX_OWNERS_IN_A_ROW;
        if is_down || self.refused >= MAX_OWNERS_IN_A_ROW {
            // What is under way began before there was a doubt.
            self.all.answers += 1;
            let (since, failed) = (self.all.answers, 0);
            self.all_in_doubt = Some(AllInDoubt { since, failed });
        }
    }
}

/// An owner, as it is told apart from others.
pub(super) fn lower(owner: Option<&str>) -> Option<String> {
    owner.map(str::to_ascii_lowercase)
}

/// Finds out by one request whether a scope gets answers. Fails if it gets none.
pub(super) async fn probe(client: &Client, scope: &Scope) -> Result<(), Error> {
    let policy = RetryPolicy::default()
        .attempts(1)
        .retry_window(PROBE_TIMEOUT);
    let allowance = client.runtime.allowance(&Terms::of(policy));
    let key = fetch_key(&client.runtime, scope, &allowance).await;
    key.map(drop).or_else(|error| match error.is_transient() {
        true => Err(error),
        false => Ok(()),
    })
}
