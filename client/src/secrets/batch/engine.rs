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
use crate::scope::{Scope, is_secret_name, shown};
use crate::secrets::breaker::{Breaker, Known, lower, probe};
use crate::secrets::change::Change;
use crate::secrets::target::Target;
use crate::secrets::write::place;

/// How many secrets of a batch are under way at once. GitHub documents 100 requests for everything that a user
/// runs; half of that leaves room for others, and stores 50 secrets in the time of one.
const AT_ONCE: usize = 50;

/// So many secrets are taken out of the input ahead, where some of them may wait for what others don't, as long as they
/// need no more than so many bytes.
const AHEAD_SECRETS: usize = 32 * 1024;
const AHEAD_BYTES: usize = 16 * 1024 * 1024;

/// A batch between its input and its outcomes.
pub(super) struct Batch<I> {
    client: Client,
    breaker: Arc<Breaker>,
    changes: I,
    /// Some of the input may wait for limits that don't hold for the rest, so that more is taken in than may begin.
    looks_ahead: bool,
    /// The input has come to its end.
    ended: bool,
    /// Changes whose calls share limits, while some of them wait or are under way: what holds up one group holds up no
    /// other.
    groups: HashMap<Option<String>, Group>,
    /// Groups of which something waits until it is known whether its owner is given up.
    held: HashSet<Option<String>>,
    /// How many changes have been taken in and wait, and the bytes that they need.
    waiting: usize,
    waiting_bytes: usize,
    /// Which places are being written: what is to be written there next waits, so that the later counts.
    places: HashSet<String>,
    members: HashMap<Id, Member>,
    /// Tasks, and not futures polled here: a caller that is busy with an outcome must not hold up those under way,
    /// whose time would run out, nor the gate, where one of them may go ahead of everyone. Dropped, it aborts them.
    under_way: JoinSet<Outcome>,
    /// What could not begin, since there is no runtime any more.
    not_begun: VecDeque<Outcome>,
}

#[derive(Default)]
struct Group {
    under_way: usize,
    waiting: VecDeque<(Scope, Change)>,
}

/// What is under way.
struct Member {
    group: Option<String>,
    scope: Scope,
    name: String,
    /// What is done, for an error.
    doing: &'static str,
    place: String,
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
            held: HashSet::new(),
            waiting: 0,
            waiting_bytes: 0,
            places: HashSet::new(),
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
                    // It belongs to the caller.
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
        if !self.not_begun.is_empty() {
            true
        } else if self.looks_ahead {
            self.waiting >= AHEAD_SECRETS || self.waiting_bytes >= AHEAD_BYTES
        } else {
            self.waiting >= AT_ONCE || self.under_way.len() >= AT_ONCE
        }
    }

    /// Takes changes out of the input until it is full, and lets begin what may.
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

    /// Begins what waits in a group and may be under way, in order for each place.
    fn begin(&mut self, group: &Option<String>) {
        // The place of a member that got no answer stays empty until another gets one.
        let at_once = AT_ONCE - self.breaker.lost().min(AT_ONCE - 1);
        let Some(of_group) = self.groups.get_mut(group) else {
            return;
        };
        while of_group.under_way < at_once {
            let (places, members) = (&self.places, &self.members);
            let mut in_doubt = self.breaker.in_doubt();
            in_doubt.retain(|owner| members.values().any(|it| lower(it.scope.owner()) == *owner));
            let (breaker, waiting) = (&self.breaker, &of_group.waiting);
            let is_all_in_doubt = breaker.is_all_in_doubt();
            let all_held = is_all_in_doubt && !members.is_empty();
            let free_place = |(at, (scope, change)): (usize, &(Scope, Change))| {
                let is_held =
                    all_held || !in_doubt.is_empty() && in_doubt.contains(&lower(scope.owner()));
                let place = place(scope, change.name());
                (!is_held && !places.contains(&place)).then_some((at, place))
            };
            let mut next = None;
            if is_all_in_doubt {
                let is_fresh = |(_, change): &(usize, &(Scope, _))| !breaker.has_failed(&change.0);
                let fresh = waiting.iter().enumerate().filter(is_fresh);
                next = fresh.filter_map(free_place).next();
            }
            let next = next.or_else(|| waiting.iter().enumerate().find_map(free_place));
            let next = next.and_then(|(at, place)| Some((of_group.waiting.remove(at)?, place)));
            let Some(((scope, change), place)) = next else {
                if all_held || !in_doubt.is_empty() {
                    self.held.insert(group.clone());
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
                place,
            };
            if Handle::try_current().is_err() {
                self.not_begun.push_back(member.lost_runtime(Applied::No));
                continue;
            }
            self.places.insert(member.place.clone());
            let (client, breaker) = (self.client.clone(), self.breaker.clone());
            let known = breaker.known(&scope);
            // In a box, since tokio moves a task a dozen times on its way to where it stays.
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

    /// Gives back what a member holds, however it ended.
    fn end(&mut self, id: Id) -> Option<Member> {
        let member = self.members.remove(&id)?;
        self.places.remove(&member.place);
        if let Some(group) = self.groups.get_mut(&member.group) {
            group.under_way -= 1;
        }
        self.begin(&member.group);
        for group in std::mem::take(&mut self.held) {
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
    if is_secret_name(name) {
        format!("{doing} {name} in {scope}")
    } else {
        format!("{doing} {} in {scope}", shown(name))
    }
}
