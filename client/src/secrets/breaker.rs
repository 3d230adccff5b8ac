//! The circuit breaker of a batch: failures that the rest of it would meet too.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::client::Client;
use crate::error::{Error, Reach};
use crate::lookup::fetch_key;
use crate::receipt::Receipt;
use crate::runtime::{RetryPolicy, Terms, lock};
use crate::scope::Scope;

/// Failures in a row to get an answer for an owner, after which its next secret is tried alone, and after a probe. If that
/// gets no answer either, the rest is not tried: of the scope, if all failures were in one, otherwise of the owner.
const MAX_UNANSWERED_IN_A_ROW: usize = 50;

/// How long a probe may take; the failures before it took about twenty times as long.
const PROBE_TIMEOUT: Duration = Duration::from_millis(1500);

/// Owners in a row for which there is no token or no answer, after which the next secret of all is tried alone. If that
/// fails too, the cause is not the owners, and nothing more is tried: GitHub locks out clients that go on.
const MAX_OWNERS_IN_A_ROW: usize = 3;

/// Failed scopes, and failed owners, that a batch remembers.
const MAX_REMEMBERED: usize = 1024;

/// Notices failures that the rest of a batch would meet too.
#[derive(Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    everywhere: Option<Error>,
    /// By login in lower case; a user's own scope has none.
    owners: HashMap<Option<String>, Error>,
    scopes: HashMap<Scope, Error>,
    streaks: HashMap<Option<String>, OwnerStreak>,
    /// Of all owners together.
    all: Streak,
    /// The owners of which one secret at a time is tried, since they may have to be given up.
    in_doubt: Vec<Option<String>>,
    /// Owners in a row that have no token, or whose token was refused.
    refused_owners: usize,
    all_in_doubt: Option<AllInDoubt>,
}

/// One secret of all at a time is tried, since all may have to be given up: if one of an owner that had not failed before
/// fails too, or several of others.
struct AllInDoubt {
    /// Members count that began after this many answers.
    since: u64,
    failed: usize,
}

/// The failures in a row of one owner.
#[derive(Default)]
struct OwnerStreak {
    streak: Streak,
    /// The scope of the first of them.
    scope: Option<Scope>,
    is_of_several: bool,
}

/// Failures in a row to get an answer.
#[derive(Clone, Copy, Default)]
struct Streak {
    unanswered: usize,
    answers: u64,
}

impl Streak {
    /// Counts the end of a member that began after `seen` answers. If it got no answer although others did since it began,
    /// that says nothing of what comes next.
    fn learn(&mut self, seen: u64, got_answer: bool) {
        if got_answer {
            self.unanswered = 0;
            self.answers += 1;
        } else if self.answers == seen {
            self.unanswered += 1;
            // From here on, members count that begin now and not those under way.
            self.answers += u64::from(self.unanswered == MAX_UNANSWERED_IN_A_ROW);
        }
    }

    fn is_over(&self) -> bool {
        self.unanswered > MAX_UNANSWERED_IN_A_ROW
    }
}

impl OwnerStreak {
    fn learn(&mut self, scope: &Scope, seen: u64, got_answer: bool) {
        let before = self.streak.unanswered;
        self.streak.learn(seen, got_answer);
        if got_answer {
            (self.scope, self.is_of_several) = (None, false);
        } else if before < self.streak.unanswered {
            let first = self.scope.get_or_insert_with(|| scope.clone());
            self.is_of_several |= first != scope;
        }
    }
}

/// The state when a member begins.
pub(super) struct Known {
    /// How many answers there were, for its owner and in all.
    pub(super) answers: [u64; 2],
    /// Whether its owner, or all, may have to be given up.
    pub(super) is_in_doubt: bool,
}

impl Breaker {
    pub(super) fn known(&self, scope: &Scope) -> Known {
        let (state, owner) = (lock(&self.0), owner_key(scope.owner()));
        let streak = state.streaks.get(&owner);
        let of_owner = streak.map_or(0, |owner| owner.streak.answers);
        Known {
            answers: [of_owner, state.all.answers],
            is_in_doubt: state.all_in_doubt.is_some() || state.in_doubt.contains(&owner),
        }
    }

    /// The failure for which no more members of a scope are tried, if there is one.
    pub(super) fn open_for(&self, scope: &Scope) -> Option<Error> {
        let state = lock(&self.0);
        state
            .everywhere
            .as_ref()
            .or_else(|| state.owners.get(&owner_key(scope.owner())))
            .or_else(|| state.scopes.get(scope))
            .cloned()
    }

    /// Failures in a row to get an answer, of all owners together.
    pub(super) fn unanswered(&self) -> usize {
        lock(&self.0).all.unanswered
    }

    /// The owners of which one secret at a time is tried.
    pub(super) fn in_doubt(&self) -> Vec<Option<String>> {
        lock(&self.0).in_doubt.clone()
    }

    /// Whether one secret of all at a time is tried.
    pub(super) fn is_all_in_doubt(&self) -> bool {
        lock(&self.0).all_in_doubt.is_some()
    }

    /// Whether a member of the scope's owner has failed, and none got an answer since.
    pub(super) fn has_failed(&self, scope: &Scope) -> bool {
        lock(&self.0).has_failed(&owner_key(scope.owner()))
    }

    pub(super) fn learn(&self, scope: &Scope, seen: [u64; 2], result: &Result<Receipt, Error>) {
        let mut state = lock(&self.0);
        let owner = owner_key(scope.owner());
        let error = result.as_ref().err();
        let got_answer = error.is_none_or(|error| !error.is_transient());
        state.all.learn(seen[1], got_answer);
        let is_known = state.streaks.contains_key(&owner) || state.streaks.len() < MAX_REMEMBERED;
        let is_another = !state.has_failed(&owner);
        state.in_doubt.retain(|other| *other != owner);
        if is_known {
            state.learn_of_owner(&owner, scope, seen[0], got_answer, error);
        }
        let is_of_token = error.is_some_and(|error| match error.reach() {
            _ if error.is_transient() => false,
            // That an App is not installed somewhere says nothing of elsewhere.
            Reach::Owner(_) => !error.is_not_found(),
            Reach::Everyone => true,
            Reach::Secret | Reach::Scope => false,
        });
        if got_answer && !is_of_token {
            (state.refused_owners, state.all_in_doubt) = (0, None);
        }
        let Some(error) = error else { return };
        match error.reach() {
            // One failure to get an answer says nothing of the next.
            _ if error.is_transient() => {}
            Reach::Secret => {}
            Reach::Scope if state.scopes.len() < MAX_REMEMBERED => {
                state.scopes.insert(scope.clone(), error.clone());
            }
            Reach::Owner(owner) if state.owners.len() < MAX_REMEMBERED => {
                let owner = owner_key(owner.as_deref());
                let is_new = state.owners.insert(owner, error.clone()).is_none();
                state.refused_owners += usize::from(is_new && is_of_token);
            }
            Reach::Scope | Reach::Owner(_) => {}
            Reach::Everyone => {
                state.everywhere.get_or_insert_with(|| error.clone());
            }
        }
        state.learn_of_all(seen[1], is_another, error);
    }
}

impl State {
    fn has_failed(&self, owner: &Option<String>) -> bool {
        let streak = self.streaks.get(owner);
        streak.is_some_and(|owner| owner.streak.unanswered > 0) || self.owners.contains_key(owner)
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
            of_owner.streak.unanswered = MAX_UNANSWERED_IN_A_ROW;
        }
        if of_owner.streak.unanswered == MAX_UNANSWERED_IN_A_ROW {
            self.in_doubt.push(owner.clone());
        }
    }

    /// Gives up all, if several owners in a row have no token or get no answer, and what is tried then fails too.
    fn learn_of_all(&mut self, seen: u64, is_another: bool, error: &Error) {
        if let Some(doubt) = &mut self.all_in_doubt {
            doubt.failed += usize::from(doubt.since <= seen);
            let enough = if is_another { 1 } else { MAX_OWNERS_IN_A_ROW };
            if doubt.since <= seen && doubt.failed >= enough {
                self.everywhere.get_or_insert_with(|| error.clone());
            }
            return;
        }
        let unanswered = self
            .streaks
            .values()
            .filter(|owner| owner.streak.unanswered > 0);
        let is_down = self.all.is_over() && unanswered.count() >= MAX_OWNERS_IN_A_ROW;
        if is_down || self.refused_owners >= MAX_OWNERS_IN_A_ROW {
            // Members under way began before there was a doubt, and don't count.
            self.all.answers += 1;
            let (since, failed) = (self.all.answers, 0);
            self.all_in_doubt = Some(AllInDoubt { since, failed });
        }
    }
}

/// The key of an owner: GitHub compares logins without regard to case.
pub(super) fn owner_key(owner: Option<&str>) -> Option<String> {
    owner.map(str::to_ascii_lowercase)
}

/// Makes one request for a scope's public key. Fails if it gets no answer.
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
