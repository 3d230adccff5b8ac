//! A batch between its input and its outcomes.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::task::{self, Context, Poll};

use futures_core::Stream;
use futures_util::StreamExt;
use tokio::runtime::Handle;
use tokio::task::{Id, JoinSet};
use tracing::Instrument;
use tracing::instrument::WithSubscriber;

use super::Outcome;
use crate::client::Client;
use crate::error::{Applied, Error, ErrorKind};
use crate::runtime::Place as _;
use crate::scope::Scope;
use crate::secrets::breaker::{Breaker, Known, owner_key, probe};
use crate::secrets::change::Change;
use crate::secrets::target::{Target, name_in_scope};
use crate::secrets::write::key_of;

/// Members of a group that are under way at once. GitHub documents 100 requests for all programs of a user; half of that
/// leaves room for others.
const MAX_UNDER_WAY: usize = 50;

/// Where some members may wait for limits that don't hold for others, this many are taken out of the input ahead.
const MAX_WAITING: usize = 32 * 1024;
const MAX_WAITING_BYTES: usize = 16 * 1024 * 1024;

/// The same where members wait for nothing but earlier changes of their secret.
const MAX_WAITING_FOR_A_SECRET: usize = 1024;

/// A batch between its input and its outcomes.
pub(super) struct Batch<I> {
    client: Client,
    breaker: Arc<Breaker>,
    changes: I,
    /// Some members may wait for limits that don't hold for others, so more are taken in than may begin.
    looks_ahead: bool,
    /// The input has come to its end.
    ended: bool,
    /// Members whose calls share limits, while some of them wait or are under way. No group holds up another.
    groups: HashMap<Option<String>, Group>,
    /// Groups with a member that waits until it is known whether its owner is given up.
    groups_in_doubt: HashSet<Option<String>>,
    /// How many changes were taken in and wait.
    waiting: usize,
    /// About the memory that these need.
    waiting_bytes: usize,
    /// The keys of the secrets that are being written. Further changes of these wait, so that the last one counts.
    written: HashSet<String>,
    members: HashMap<Id, Member>,
    /// Tasks, since they must go on while the caller is busy with an outcome: otherwise their time would run out, and a
    /// probe among them would hold up all others. Dropped, it aborts them.
    under_way: JoinSet<Outcome>,
    /// Members that could not begin, since the tokio runtime has ended.
    not_begun: VecDeque<Outcome>,
}

#[derive(Default)]
struct Group {
    under_way: usize,
    waiting: VecDeque<(Scope, Change)>,
}

/// A change that is under way.
struct Member {
    group: Option<String>,
    scope: Scope,
    name: String,
    doing: &'static str,
    key: String,
}

impl<I: Stream<Item = (Scope, Change)> + Unpin> Batch<I> {
    pub(super) fn new(client: Client, changes: I, looks_ahead: bool) -> Self {
        Self {
            client,
            breaker: Arc::default(),
            changes,
            looks_ahead,
            ended: false,
            groups: HashMap::new(),
            groups_in_doubt: HashSet::new(),
            waiting: 0,
            waiting_bytes: 0,
            written: HashSet::new(),
            members: HashMap::new(),
            under_way: JoinSet::new(),
            not_begun: VecDeque::new(),
        }
    }

    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Outcome>> {
        self.take_in(context);
        if let Some(outcome) = self.not_begun.pop_front() {
            return Poll::Ready(Some(outcome));
        }
        match task::ready!(self.under_way.poll_join_next_with_id(context)) {
            Some(Ok((id, outcome))) => {
                self.end(id);
                Poll::Ready(Some(outcome))
            }
            Some(Err(failed)) => {
                let member = self.end(failed.id());
                match failed.try_into_panic() {
                    // A panic of the caller's own code, such as its transport.
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // Only the end of the runtime aborts a task.
                    Err(_) => {
                        Poll::Ready(member.map(|member| member.lost_runtime(Applied::Unknown)))
                    }
                }
            }
            None if self.ended && self.waiting == 0 => Poll::Ready(None),
            None => Poll::Pending,
        }
    }

    fn is_full(&self) -> bool {
        let most = if self.looks_ahead {
            MAX_WAITING
        } else if self.under_way.len() >= self.most_under_way() {
            return true;
        } else if self.groups_in_doubt.is_empty() {
            MAX_WAITING_FOR_A_SECRET
        } else {
            MAX_UNDER_WAY
        };
        let has_enough = self.waiting >= most || self.waiting_bytes >= MAX_WAITING_BYTES;
        has_enough || !self.not_begun.is_empty()
    }

    /// One fewer is under way for each that got no answer, until another gets one.
    fn most_under_way(&self) -> usize {
        MAX_UNDER_WAY - self.breaker.unanswered().min(MAX_UNDER_WAY - 1)
    }

    /// Takes changes out of the input until enough wait, and begins those that may.
    fn take_in(&mut self, context: &mut Context<'_>) {
        while !self.ended && !self.is_full() {
            match self.changes.poll_next_unpin(context) {
                Poll::Ready(Some((scope, change))) => {
                    let group = self.client.runtime.group(scope.audience());
                    self.waiting += 1;
                    self.waiting_bytes += change.bytes();
                    let of_group = self.groups.entry(group.clone()).or_default();
                    of_group.waiting.push_back((scope, change));
                    self.begin(&group);
                }
                Poll::Ready(None) => self.ended = true,
                Poll::Pending => break,
            }
        }
    }

    /// Begins the members of a group that may begin, those of one secret in the order of the input.
    fn begin(&mut self, group: &Option<String>) {
        let at_once = self.most_under_way();
        let Some(of_group) = self.groups.get_mut(group) else {
            return;
        };
        while of_group.under_way < at_once {
            let (written, members) = (&self.written, &self.members);
            let mut in_doubt = self.breaker.in_doubt();
            in_doubt.retain(|owner| {
                members
                    .values()
                    .any(|it| owner_key(it.scope.owner()) == *owner)
            });
            let (breaker, waiting) = (&self.breaker, &of_group.waiting);
            let is_all_in_doubt = breaker.is_all_in_doubt();
            let all_held = is_all_in_doubt && !members.is_empty();
            let startable = |(at, (scope, change)): (usize, &(Scope, Change))| {
                let is_held = all_held
                    || !in_doubt.is_empty() && in_doubt.contains(&owner_key(scope.owner()));
                let key = key_of(scope, change.name());
                (!is_held && !written.contains(&key)).then_some((at, key))
            };
            let mut next = None;
            if is_all_in_doubt {
                let is_fresh = |(_, change): &(usize, &(Scope, _))| !breaker.has_failed(&change.0);
                let fresh = waiting.iter().enumerate().filter(is_fresh);
                next = fresh.filter_map(startable).next();
            }
            let next = next.or_else(|| waiting.iter().enumerate().find_map(startable));
            let next = next.and_then(|(at, key)| Some((of_group.waiting.remove(at)?, key)));
            let Some(((scope, change), key)) = next else {
                if all_held || !in_doubt.is_empty() {
                    self.groups_in_doubt.insert(group.clone());
                }
                break;
            };
            self.waiting -= 1;
            self.waiting_bytes -= change.bytes();
            let member = Member {
                group: group.clone(),
                scope: scope.clone(),
                name: change.name().to_owned(),
                doing: change.doing(),
                key,
            };
            if Handle::try_current().is_err() {
                self.not_begun.push_back(member.lost_runtime(Applied::No));
                continue;
            }
            self.written.insert(member.key.clone());
            let (client, breaker) = (self.client.clone(), self.breaker.clone());
            let known = breaker.known(&scope);
            // Boxed, since tokio moves a task a dozen times while it is spawned.
            let work = Box::pin(async move { client.member(&breaker, known, scope, change).await });
            let work = work.in_current_span().with_current_subscriber();
            let task = self.under_way.spawn(work);
            of_group.under_way += 1;
            self.members.insert(task.id(), member);
        }
        if of_group.under_way == 0 && of_group.waiting.is_empty() {
            self.groups.remove(group);
        }
    }

    /// Removes a member that has ended, and begins those that waited for it.
    fn end(&mut self, id: Id) -> Option<Member> {
        let member = self.members.remove(&id)?;
        self.written.remove(&member.key);
        if let Some(group) = self.groups.get_mut(&member.group) {
            group.under_way -= 1;
        }
        self.begin(&member.group);
        for group in std::mem::take(&mut self.groups_in_doubt) {
            self.begin(&group);
        }
        Some(member)
    }
}

impl Member {
    fn lost_runtime(self, stored: Applied) -> Outcome {
        let action = action(self.doing, &self.name, &self.scope);
        let error = Error::new(ErrorKind::Transport, "the runtime that it ran on has ended")
            .with_action(action)
            .with_applied(stored);
        Outcome {
            scope: self.scope,
            name: self.name,
            result: Err(error.with_hint("run the batch again for what is not stored")),
        }
    }
}

impl Client {
    async fn member(
        &self,
        breaker: &Breaker,
        known: Known,
        scope: Scope,
        change: Change,
    ) -> Outcome {
        let (name, doing) = (change.name().to_owned(), change.doing());
        let seen = known.answers;
        let mut given_up = breaker.open_for(&scope);
        if given_up.is_none()
            && known.is_in_doubt
            && let Err(error) = probe(self, &scope).await
        {
            breaker.learn(&scope, seen, &Err(error.clone()));
            given_up = Some(error);
        }
        let result = match given_up {
            Some(error) => Err(error.not_tried(action(doing, &name, &scope))),
            None => {
                let result = change.make(Target::new(self, scope.clone())).await;
                breaker.learn(&scope, seen, &result);
                result.map_err(|error| error.with_action(action(doing, &name, &scope)))
            }
        };
        Outcome {
            scope,
            name,
            result,
        }
    }
}

fn action(doing: &str, name: &str, scope: &Scope) -> String {
    format!("{doing} {}", name_in_scope(name, scope))
}
