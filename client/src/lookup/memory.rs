//! What is asked for once and used by many: public keys, ids of repositories, an App's installations and their tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use crate::client::Client;
use crate::error::{Error, Kind};
use crate::runtime::retry::Allowance;

/// Things remembered at once. A service that walks over more asks for some again.
const REMEMBERED: usize = 4096;

/// What a client has learnt, by the words that say what it is.
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

/// A fetch under way. Everyone who waits for it drives it, so that none who stops polling holds up the others; when
/// the last of them is dropped, so is the fetch.
type Fetching<T> = BoxFuture<'static, Result<Arc<T>, Missed>>;

/// Why a fetch gave nothing.
#[derive(Clone)]
struct Missed {
    error: Error,
    /// The call that began it had a deadline of its own or fewer attempts: others may have more.
    excuse: Option<Excuse>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Excuse {
    WantOfTime,
    Impatience,
}

/// What is known of one thing.
struct Slot<T>(Mutex<Known<T>>);

struct Known<T> {
    value: Option<(Arc<T>, Instant)>,
    fetch: Option<WeakShared<Fetching<T>>>,
}

impl<T> Slot<T> {
    fn lock(&self) -> MutexGuard<'_, Known<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= REMEMBERED && !slots.contains_key(what) {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        let empty = || {
            Arc::new(Slot(Mutex::new(Known {
                value: None,
                fetch: None,
            })))
        };
        slots.entry(what.to_owned()).or_insert_with(empty).clone()
    }
}

impl Client {
    /// What is wanted, from memory if it is there and fresh. Callers at the same time share one fetch.
    pub(crate) async fn remembered<T, Fut>(
        &self,
        memory: &Memory<T>,
        wanted: Wanted<'_, T>,
        allowance: &Allowance,
        fetch: impl Fn() -> Fut,
    ) -> Result<Arc<T>, Error>
    where
        T: Send + Sync + 'static,
        Fut: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let slot = memory.slot(&wanted.what);
        loop {
            let (shared, joined) = {
                let mut known = slot.lock();
                if let Some((value, since)) = &known.value
                    && since.elapsed() < wanted.fresh
                    && wanted
                        .refused
                        .is_none_or(|refused| !Arc::ptr_eq(refused, value))
                {
                    return Ok(value.clone());
                }
                match known.fetch.as_ref().and_then(WeakShared::upgrade) {
                    Some(shared) => (shared, true),
                    None => {
                        let shared = start(slot.clone(), allowance.clone(), fetch());
                        known.fetch = shared.downgrade();
                        (shared, false)
                    }
                }
            };
            if joined {
                self.in_time(allowance.deadline)?;
            }
            let fetched = match allowance.deadline {
                Some(deadline) => timeout_at(deadline, shared).await,
                None => Ok(shared.await),
            };
            match fetched {
                Ok(Err(missed)) if joined && missed.is_excused(allowance) => continue,
                Ok(result) => return result.map_err(|missed| missed.error),
                Err(_) => {
                    self.in_time(allowance.deadline)?;
                    let Wanted { what, .. } = wanted;
                    return Err(Error::new(
                        Kind::Timeout,
                        format!("{what} did not arrive in time"),
                    )
                    .with_action(format!("reading {what}")));
                }
            }
        }
    }
}

fn start<T: Send + Sync + 'static>(
    slot: Arc<Slot<T>>,
    allowance: Allowance,
    fetch: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Shared<Fetching<T>> {
    let fetch = async move {
        let fetched = fetch.await;
        let mut known = slot.lock();
        known.fetch = None;
        match fetched {
            Ok(value) => {
                let value = Arc::new(value);
                known.value = Some((value.clone(), Instant::now()));
                Ok(value)
            }
            Err(error) => {
                known.value = None;
                Err(Missed::new(error, &allowance))
            }
        }
    };
    fetch.in_current_span().boxed().shared()
}

impl Missed {
    fn new(error: Error, allowance: &Allowance) -> Self {
        let passes = error.passes();
        let excuse = if error.is_rate_limited() || passes && allowance.ends_by_deadline() {
            Some(Excuse::WantOfTime)
        } else if passes && !allowance.patient {
            Some(Excuse::Impatience)
        } else {
            None
        };
        Self { error, excuse }
    }

    /// Whether a call that only waited for this fetch had better make one of its own.
    fn is_excused(&self, allowance: &Allowance) -> bool {
        match self.excuse {
            Some(Excuse::WantOfTime) => true,
            Some(Excuse::Impatience) => allowance.patient,
            None => false,
        }
    }
}
