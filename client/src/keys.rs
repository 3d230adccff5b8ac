//! Public keys, fetched once for each scope.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use octoseal_sealing::PublicKey;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use crate::call::{Call, Effect};
use crate::client::Client;
use crate::error::{Error, Kind};
use crate::retry::Allowance;
use crate::scope::Scope;
use crate::secrets::audience;

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
    slots: Mutex<HashMap<Scope, Arc<Slot>>>,
}

impl Keys {
    fn slot(&self, scope: &Scope) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= REMEMBERED && !slots.contains_key(scope) {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        slots.entry(scope.clone()).or_default().clone()
    }
}

impl Client {
    /// The scope's key, from memory if it is there. `refused` is a key that GitHub has just refused: it is not
    /// given again.
    pub(crate) async fn key(
        &self,
        scope: &Scope,
        refused: Option<&Arc<ScopeKey>>,
        allowance: &Allowance,
    ) -> Result<Arc<ScopeKey>, Error> {
        let slot = self.inner.keys.slot(scope);
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
        let result = self.fetch_key(scope, allowance).await;
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
        scope: &Scope,
        allowance: &Allowance,
    ) -> Result<ScopeKey, Error> {
        let call = Call {
            doing: "reading the public key of",
            name: "",
            place: scope,
            effect: Effect::Read,
            audience: audience(scope),
        };
        let reply = self
            .call(call, allowance, |api| async move {
                api.secret_public_key(scope.api()).await
            })
            .await?;
        let reply = reply.into_inner();
        usable(reply.key_id, &reply.key).map_err(|error| error.with_action(call.to_string()))
    }
}

/// Checks what the server gave as its public key.
pub(crate) fn usable(key_id: String, key: &str) -> Result<ScopeKey, Error> {
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
