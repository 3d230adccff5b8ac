//! A memory of what was fetched, with an age. Callers at the same time share one fetch of each value.

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

/// Values remembered at once. A service that uses more fetches some again.
const MAX_REMEMBERED: usize = 4096;

/// Values by the words that errors call them.
pub(crate) struct Memory<T> {
    slots: Mutex<HashMap<String, Arc<Slot<T>>>>,
}

/// A value that a caller wants.
pub(crate) struct Wanted<'a, T> {
    /// The value in words that no other value has.
    pub(crate) what: String,
    /// How long a value is used before it is fetched again.
    pub(crate) fresh_for: Duration,
    /// A value that has proved wrong, and is not given again.
    pub(crate) refused: Option<&'a Arc<T>>,
}

/// A fetch under way. Each caller that waits for it drives it, so that one that is no longer polled holds up no other;
/// when the last of them is dropped, so is the fetch.
type Fetching<T> = BoxFuture<'static, Result<Arc<T>, Missed>>;

/// A fetch without a value.
#[derive(Clone)]
struct Missed {
    error: Error,
    given_up: GivenUp,
}

/// The end of a fetch without a value. Callers that only waited for it may have more time or more attempts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum GivenUp {
    ByAnswer,
    /// By a reply that is not GitHub's, or a panic: another attempt may reach GitHub.
    OnTheWay,
    ByDeadline,
    AfterAttempts(u32),
}

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
            // Any idle one. If it were the oldest, a service that goes round one value more than fits would find none.
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

    /// The value in memory, however old.
    #[cfg(feature = "app")]
    pub(crate) fn peek(&self, what: &str) -> Option<Arc<T>> {
        let slots = lock(&self.slots);
        let value = slots.get(what)?.lock().value.clone();
        value.map(|(value, _)| value)
    }

    /// The value, from memory if it is there and fresh. A caller that would wait for `limits` past its deadline does not
    /// join the fetch of another.
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
                // The fetch may wait for the very leave that this call has.
                allowance.give_back_leave();
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
            && since.elapsed() < wanted.fresh_for
            && wanted
                .refused
                .is_none_or(|refused| !Arc::ptr_eq(refused, value))
        {
            return Look::Found(value.clone());
        }
        if let Some(fetching) = known.fetch.as_ref().and_then(WeakShared::upgrade) {
            return Look::Joined(fetching);
        }
        let fetching = start(
            self.clone(),
            wanted.what.clone(),
            allowance.clone(),
            fetch(),
        );
        known.fetch = fetching.downgrade();
        Look::Started(fetching)
    }
}

fn start<T: Send + Sync + 'static>(
    slot: Arc<Slot<T>>,
    what: String,
    allowance: Allowance,
    fetch: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Shared<Fetching<T>> {
    let fetch = async move {
        // Several callers share this future, and a panic would end them all.
        let fetched = AssertUnwindSafe(fetch).catch_unwind().await;
        let mut known = slot.lock();
        (known.value, known.fetch) = (None, None);
        match fetched {
            Ok(Ok(value)) => {
                let value = Arc::new(value);
                known.value = Some((value.clone(), Instant::now()));
                Ok(value)
            }
            Ok(Err(error)) => Err(Missed::new(error, &allowance)),
            Err(_) => {
                let why = "the transport, or what is wrapped around it, panicked";
                let error = Error::new(ErrorKind::Transport, why);
                Err(Missed {
                    error: error.with_action(format!("reading {what}")),
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

    /// Whether a caller that only waited for this fetch should look again; `is_first`: it had waited for no other before.
    fn is_worth_another_try(&self, allowance: &Allowance, is_first: bool) -> bool {
        match self.given_up {
            GivenUp::ByDeadline => true,
            GivenUp::AfterAttempts(attempts) => attempts < allowance.attempts(),
            GivenUp::OnTheWay => is_first,
            GivenUp::ByAnswer => false,
        }
    }
}
