//! A memory of things that are asked for once and used by many: one fetch at a time for each, and an age.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use crate::error::{Error, ErrorKind};
use crate::limits::Gate;
use crate::runtime::{Allowance, lock};

/// So many things are remembered at once. A service that walks over more asks for some again.
const MAX_REMEMBERED: usize = 4096;

/// Things that were fetched, by the words that say what they are.
pub(crate) struct Memory<T> {
    slots: Mutex<HashMap<String, Arc<Slot<T>>>>,
}

/// What is wanted from a memory.
pub(crate) struct Wanted<'a, T> {
    /// What it is, in words that name nothing else.
    pub(crate) what: String,
    /// How long it is used before it is asked for again.
    pub(crate) fresh: Duration,
    /// One that has proved wrong: it is not given again.
    pub(crate) refused: Option<&'a Arc<T>>,
}

/// A fetch under way. Each future that waits for it drives it, so that one that is not polled holds up no other; when
/// the last of them is dropped, so is the fetch.
type Fetching<T> = BoxFuture<'static, Result<Arc<T>, Missed>>;

/// Why a fetch gave nothing.
#[derive(Clone)]
struct Missed {
    error: Error,
    given_up: GivenUp,
}

/// What ended a fetch. Callers that only waited for it may have more time or more attempts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum GivenUp {
    ByAnswer,
    /// By an answer that is not GitHub's, or a panic: another may get through.
    OnTheWay,
    ByDeadline,
    AfterAttempts(u32),
}

/// What is known of one thing.
struct Slot<T>(Mutex<Known<T>>);

struct Known<T> {
    value: Option<(Arc<T>, Instant)>,
    fetch: Option<WeakShared<Fetching<T>>>,
}

impl<T> Slot<T> {
    fn lock(&self) -> MutexGuard<'_, Known<T>> {
        lock(&self.0)
    }
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self {
            slots: Mutex::default(),
        }
    }
}

impl<T> Memory<T> {
    fn slot(&self, what: &str) -> Arc<Slot<T>> {
        let mut slots = lock(&self.slots);
        if let Some(slot) = slots.get(what) {
            return slot.clone();
        }
        if slots.len() >= MAX_REMEMBERED {
            // Any one goes: were it the oldest, a walk over one more than fits would find nothing the second time.
            let idle = |(_, slot): &(&String, &Arc<Slot<T>>)| Arc::strong_count(slot) == 1;
            if let Some(idle) = slots.iter().find(idle).map(|(what, _)| what.clone()) {
                slots.remove(&idle);
            }
        }
        let empty = Arc::new(Slot(Mutex::new(Known {
            value: None,
            fetch: None,
        })));
        slots.insert(what.to_owned(), empty.clone());
        empty
    }

    #[cfg(feature = "app")]
    /// What is in memory, however old.
    pub(crate) fn peek(&self, what: &str) -> Option<Arc<T>> {
        let slots = lock(&self.slots);
        let value = slots.get(what)?.lock().value.clone();
        value.map(|(value, _)| value)
    }

    /// What is wanted, from memory if it is there and fresh. Callers at the same time share one fetch; one that would
    /// wait for `limits` past its deadline does not join it.
    pub(crate) async fn get<Fut>(
        &self,
        limits: Gate<'_>,
        wanted: Wanted<'_, T>,
        allowance: &Allowance,
        fetch: impl Fn() -> Fut,
    ) -> Result<Arc<T>, Error>
    where
        T: Send + Sync + 'static,
        Fut: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let slot = self.slot(&wanted.what);
        let mut waited_for = 0;
        loop {
            let (fetching, joined) = match slot.look(&wanted, allowance, &fetch) {
                Look::Found(value) => return Ok(value),
                Look::Joined(fetching) => (fetching, true),
                Look::Started(fetching) => (fetching, false),
            };
            if joined {
                allowance.ensure_open(limits)?;
            }
            let fetched = match allowance.deadline() {
                Some(deadline) => timeout_at(deadline, fetching).await,
                None => Ok(fetching.await),
            };
            match fetched {
                Ok(Err(missed))
                    if joined && missed.is_worth_another_try(allowance, waited_for == 0) =>
                {
                    waited_for += 1;
                }
                Ok(result) => return result.map_err(|missed| missed.error),
                Err(_) => {
                    allowance.ensure_open(limits)?;
                    let why = format!("{} did not arrive in time", wanted.what);
                    return Err(Error::new(ErrorKind::Timeout, why)
                        .with_action(format!("reading {}", wanted.what)));
                }
            }
        }
    }
}

/// What a look into a slot gives.
enum Look<T> {
    Found(Arc<T>),
    /// The fetch of another caller.
    Joined(Shared<Fetching<T>>),
    Started(Shared<Fetching<T>>),
}

impl<T: Send + Sync + 'static> Slot<T> {
    fn look<Fut>(
        self: &Arc<Self>,
        wanted: &Wanted<'_, T>,
        allowance: &Allowance,
        fetch: impl Fn() -> Fut,
    ) -> Look<T>
    where
        Fut: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let mut known = self.lock();
        if let Some((value, since)) = &known.value
            && since.elapsed() < wanted.fresh
            && wanted
                .refused
                .is_none_or(|refused| !Arc::ptr_eq(refused, value))
        {
            return Look::Found(value.clone());
        }
        if let Some(fetching) = known.fetch.as_ref().and_then(WeakShared::upgrade) {
            return Look::Joined(fetching);
        }
        let fetching = start(self.clone(), allowance.clone(), fetch());
        known.fetch = fetching.downgrade();
        Look::Started(fetching)
    }
}

fn start<T: Send + Sync + 'static>(
    slot: Arc<Slot<T>>,
    allowance: Allowance,
    fetch: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Shared<Fetching<T>> {
    let fetch = async move {
        // Callers share this: a panic of one would be a panic of all.
        let fetched = AssertUnwindSafe(fetch).catch_unwind().await;
        let mut known = slot.lock();
        known.fetch = None;
        match fetched {
            Ok(Ok(value)) => {
                let value = Arc::new(value);
                known.value = Some((value.clone(), Instant::now()));
                Ok(value)
            }
            Ok(Err(error)) => {
                known.value = None;
                Err(Missed::new(error, &allowance))
            }
            Err(_) => {
                let why = "the transport, or what is wrapped around it, panicked";
                Err(Missed {
                    error: Error::new(ErrorKind::Transport, why),
                    given_up: GivenUp::OnTheWay,
                })
            }
        }
    };
    fetch.in_current_span().boxed().shared()
}

impl Missed {
    fn new(error: Error, allowance: &Allowance) -> Self {
        let transient = error.is_transient();
        let given_up = if error.is_rate_limited() || transient && allowance.ends_by_deadline() {
            GivenUp::ByDeadline
        } else if transient {
            GivenUp::AfterAttempts(allowance.attempts())
        } else if error.is_unexpected_reply() {
            GivenUp::OnTheWay
        } else {
            GivenUp::ByAnswer
        };
        Self { error, given_up }
    }

    /// Whether a call that only waited for this fetch, the first that it waited for or a later, had better make one of
    /// its own.
    fn is_worth_another_try(&self, allowance: &Allowance, is_first: bool) -> bool {
        match self.given_up {
            GivenUp::ByDeadline => true,
            GivenUp::AfterAttempts(attempts) => attempts < allowance.attempts(),
            GivenUp::OnTheWay => is_first,
            GivenUp::ByAnswer => false,
        }
    }
}
