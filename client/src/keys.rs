//! Public keys, fetched once for each scope.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use octoseal_api::{Error as ApiError, ResponseValue, stores};
use octoseal_sealing::PublicKey;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use crate::call::{Call, Effect};
use crate::client::Client;
use crate::error::{Error, Kind};
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
/// when GitHub refuses the value, and this only keeps a service that runs for months from being refused first.
const FRESH: Duration = Duration::from_secs(3600);

/// Scopes remembered at once. A service that walks over more fetches some keys again.
const REMEMBERED: usize = 4096;

/// A place for a scope's key. Whoever holds the lock fetches; the others wait for the result, be it a key or a
/// failure. If the fetching future is dropped, the next one in line fetches.
#[derive(Default)]
struct Slot {
    fetched: AsyncMutex<Fetched>,
    /// How many fetches have ended: who began to wait before one ended takes its result.
    ended: AtomicU64,
}

#[derive(Default)]
struct Fetched {
    key: Option<(Arc<ScopeKey>, Instant)>,
    failed: Option<Error>,
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
pub(crate) trait HasKey: fmt::Display + Sync {
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
        let mut refused: Option<Arc<ScopeKey>> = None;
        loop {
            let key = self.key(place, refused.as_ref(), allowance).await?;
            let sealed = Sealed {
                encrypted_value: key.key().seal(value.expose()).to_base64(),
                key_id: key.key_id().to_owned(),
            };
            match write(sealed).await {
                Err(error) if refused.is_none() && is_stale_key(&error) => refused = Some(key),
                result => return result,
            }
        }
    }

    /// The scope's key, from memory if it is there. `refused` is a key that GitHub has just refused: it is not
    /// given again.
    async fn key(
        &self,
        place: &impl HasKey,
        refused: Option<&Arc<ScopeKey>>,
        allowance: &Allowance,
    ) -> Result<Arc<ScopeKey>, Error> {
        let slot = self.inner.keys.slot(place.to_string());
        let ended_before = slot.ended.load(Ordering::Acquire);
        let mut fetched = slot.fetched.lock().await;
        if let Some((key, since)) = &fetched.key
            && since.elapsed() < FRESH
            && refused.is_none_or(|refused| !Arc::ptr_eq(refused, key))
        {
            return Ok(key.clone());
        }
        if let Some(error) = &fetched.failed
            && slot.ended.load(Ordering::Acquire) != ended_before
        {
            return Err(error.clone());
        }
        let result = self.fetch_key(place, allowance).await;
        slot.ended.fetch_add(1, Ordering::Release);
        match result {
            Ok(key) => {
                let key = Arc::new(key);
                *fetched = Fetched {
                    key: Some((key.clone(), Instant::now())),
                    failed: None,
                };
                Ok(key)
            }
            Err(error) => {
                let error = error.of_scope();
                *fetched = Fetched {
                    key: None,
                    failed: Some(error.clone()),
                };
                Err(error)
            }
        }
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

/// Whether a refusal may mean that the value was sealed with a key that is no longer the scope's.
fn is_stale_key(error: &Error) -> bool {
    error.status() == Some(422)
        && error
            .message()
            .is_some_and(|message| message.contains("improperly encrypted"))
}
