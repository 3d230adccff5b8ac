//! Public keys, fetched once for each scope.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use octoseal_api::{Error as ApiError, ResponseValue, stores};
use octoseal_sealing::PublicKey;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use crate::call::{Call, Effect};
use crate::client::Client;
use crate::error::{Error, Kind, Stored};
use crate::retry::Allowance;
use crate::scope::Scope;
use crate::secrets::audience;
use crate::token::Audience;
use crate::value::SecretValue;

/// A scope's public key: what values for it are sealed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeKey {
    key_id: String,
    key: PublicKey,
}

impl ScopeKey {
    /// The key's id, to send along with what was sealed.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }
}

/// A value as it travels.
#[derive(Clone)]
pub(crate) struct Sealed {
    /// The sealed box, as base64.
    pub(crate) encrypted_value: String,
    /// The key it was sealed with.
    pub(crate) key_id: String,
}

/// How long a key is used before it is asked for again. GitHub documents no rotation; a stale key is noticed
/// when GitHub refuses the value, and this only keeps a service that runs for months from being refused first. A day
/// is longer than any batch.
const FRESH: Duration = Duration::from_secs(24 * 3600);

/// Scopes remembered at once. A service that walks over more fetches some keys again.
const REMEMBERED: usize = 4096;

/// A fetch under way. Everyone who waits for it drives it, so that none who stops polling holds up the others; when
/// the last of them is dropped, so is the fetch.
type Fetch = Shared<Fetching>;

type Fetching = BoxFuture<'static, Result<Arc<ScopeKey>, Missed>>;

/// Why a fetch gave no key.
#[derive(Clone)]
struct Missed {
    error: Error,
    /// Only the deadline of the call that began it made it fail: others may have more time.
    for_want_of_time: bool,
}

/// What is known of one key.
#[derive(Default)]
struct Slot(Mutex<Known>);

#[derive(Default)]
struct Known {
    key: Option<(Arc<ScopeKey>, Instant)>,
    fetch: Option<WeakShared<Fetching>>,
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keys of one client, and so of one host, by scope: organizations and repositories can have different keys
/// under one key id.
#[derive(Default)]
pub(crate) struct Keys {
    slots: Mutex<HashMap<String, Arc<Slot>>>,
}

impl Keys {
    fn slot(&self, place: String) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= REMEMBERED && !slots.contains_key(&place) {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        slots.entry(place).or_default().clone()
    }
}

/// A place that has a public key: a scope, or an organization's private registries.
pub(crate) trait HasKey: fmt::Display + Clone + Send + Sync + 'static {
    /// Whom a call about it needs a token for.
    fn audience(&self) -> Audience<'_>;

    /// The request for the key.
    fn request(
        &self,
        api: octoseal_api::Client,
    ) -> impl Future<Output = Result<ResponseValue<stores::PublicKey>, ApiError<()>>> + Send;
}

impl HasKey for Scope {
    fn audience(&self) -> Audience<'_> {
        audience(self)
    }

    async fn request(
        &self,
        api: octoseal_api::Client,
    ) -> Result<ResponseValue<stores::PublicKey>, ApiError<()>> {
        api.secret_public_key(self.api()).await
    }
}

impl Client {
    /// Seals with the place's key and writes. If GitHub can't open the box, the key may have changed since it was
    /// fetched: it is fetched again and the value sealed again, once.
    pub(crate) async fn seal_and_write<T, F, Fut>(
        &self,
        place: &impl HasKey,
        value: &SecretValue,
        allowance: &Allowance,
        write: F,
    ) -> Result<T, Error>
    where
        F: Fn(Sealed) -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let sealed = |key: &ScopeKey| Sealed {
            encrypted_value: key.key().seal(value.expose()).to_base64(),
            key_id: key.key_id().to_owned(),
        };
        let key = self.key(place, None, allowance).await?;
        let refusal = match write(sealed(&key)).await {
            Err(error) if may_mean_stale_key(&error) => error,
            result => return result,
        };
        let again = match self.key(place, Some(&key), allowance).await {
            Ok(fresh) if says_stale_key(&refusal) || fresh != key => write(sealed(&fresh)).await,
            Err(error) if says_stale_key(&refusal) => Err(error),
            Ok(_) | Err(_) => return Err(refusal),
        };
        // What the first write left open is not settled by the second's refusal.
        again.map_err(|error| match refusal.stored() {
            Stored::Unknown => error.with_stored(Stored::Unknown),
            _ => error,
        })
    }

    /// The place's key, from memory if it is there. `refused` is a key that GitHub has just refused: it is not
    /// given again. Callers at the same time share one fetch.
    async fn key(
        &self,
        place: &impl HasKey,
        refused: Option<&Arc<ScopeKey>>,
        allowance: &Allowance,
    ) -> Result<Arc<ScopeKey>, Error> {
        let slot = self.inner.keys.slot(place.to_string());
        loop {
            let (fetch, joined) = {
                let mut known = slot.lock();
                if let Some((key, since)) = &known.key
                    && since.elapsed() < FRESH
                    && refused.is_none_or(|refused| !Arc::ptr_eq(refused, key))
                {
                    return Ok(key.clone());
                }
                match known.fetch.as_ref().and_then(WeakShared::upgrade) {
                    Some(fetch) => (fetch, true),
                    None => {
                        let fetch = self.start_fetch(place, &slot, allowance);
                        known.fetch = fetch.downgrade();
                        (fetch, false)
                    }
                }
            };
            if joined {
                self.in_time(allowance.deadline)?;
            }
            let fetched = match allowance.deadline {
                Some(deadline) => timeout_at(deadline, fetch).await,
                None => Ok(fetch.await),
            };
            match fetched {
                Ok(Err(missed)) if joined && missed.for_want_of_time => continue,
                Ok(result) => return result.map_err(|missed| missed.error),
                Err(_) => {
                    self.in_time(allowance.deadline)?;
                    return Err(Error::new(
                        Kind::Timeout,
                        format!("the public key of {place} did not arrive in time"),
                    )
                    .with_action(format!("reading the public key of {place}")));
                }
            }
        }
    }

    fn start_fetch(&self, place: &impl HasKey, slot: &Arc<Slot>, allowance: &Allowance) -> Fetch {
        let (client, place, allowance) = (self.clone(), place.clone(), allowance.clone());
        let slot = slot.clone();
        let fetch = async move {
            let fetched = client.fetch_key(&place, &allowance).await;
            let mut known = slot.lock();
            known.fetch = None;
            match fetched {
                Ok(key) => {
                    let key = Arc::new(key);
                    known.key = Some((key.clone(), Instant::now()));
                    Ok(key)
                }
                Err(error) => {
                    known.key = None;
                    let for_want_of_time = error.is_rate_limited() || allowance.ends_by_deadline();
                    Err(Missed {
                        error: error.of_scope(),
                        for_want_of_time,
                    })
                }
            }
        };
        fetch.in_current_span().boxed().shared()
    }

    pub(crate) async fn fetch_key(
        &self,
        place: &impl HasKey,
        allowance: &Allowance,
    ) -> Result<ScopeKey, Error> {
        let call = Call {
            doing: "reading the public key of",
            name: "",
            place,
            effect: Effect::Read,
            audience: place.audience(),
        };
        let reply = self
            .call(call, allowance, |api| place.request(api))
            .await?
            .into_inner();
        usable(reply.key_id, &reply.key).map_err(|error| error.with_action(call.to_string()))
    }
}

/// Checks what the server gave as its public key.
fn usable(key_id: String, key: &str) -> Result<ScopeKey, Error> {
    let key = PublicKey::from_base64(key).map_err(|why| {
        Error::new(
            Kind::Key,
            format!("the server's public key can't be used: {why}"),
        )
        .with_hint("nothing was sealed or sent; check what answers at the base URL")
    })?;
    if key_id.is_empty() {
        return Err(Error::new(Kind::Key, "the server's public key has no id"));
    }
    Ok(ScopeKey { key_id, key })
}

/// Whether a refusal may mean that the value was sealed with a key that is no longer the scope's: it says so, or it
/// says nothing that is known to mean something else.
fn may_mean_stale_key(error: &Error) -> bool {
    let unclear = |message| matches!(message, "Validation Failed" | "Bad Request");
    error.status() == Some(422) && (says_stale_key(error) || error.message().is_none_or(unclear))
}

fn says_stale_key(error: &Error) -> bool {
    error
        .message()
        .is_some_and(|message| message.contains("improperly encrypted"))
}
