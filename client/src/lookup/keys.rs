//! Public keys, fetched once for each scope, and values that are sealed with them.

use std::sync::Arc;
use std::time::Duration;

use octoseal_api::operations::Operation;
use octoseal_api::{Answer, EncryptedValue, NotSealed, stores};
use octoseal_sealing::PublicKey;

use super::Lookup;
use super::memory::Wanted;
use crate::auth::Audience;
use crate::error::{Applied, Error, ErrorKind, Reach};
use crate::runtime::{Allowance, Call, Place, Runtime};
use crate::scope::Scope;
use crate::value::SecretValue;

/// A scope's public key, which values for the scope are sealed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeKey {
    key_id: String,
    key: PublicKey,
}

impl ScopeKey {
    /// The key's id, to be sent with the values that were sealed with it.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }
}

/// A sealed value and the key it was sealed with.
#[derive(Clone)]
pub(crate) struct Sealed {
    /// The sealed box, as base64.
    pub(crate) encrypted_value: String,
    /// The key it was sealed with.
    pub(crate) key_id: String,
}

impl Sealed {
    /// The box. Fails if it can't be one by its form, since callers may give a plaintext by mistake.
    pub(crate) fn checked(&self) -> Result<EncryptedValue, Error> {
        if self.key_id.trim().is_empty() {
            return Err(Error::input(
                "a sealed value needs the id of the key that it was sealed with",
            ));
        }
        let checked = self.encrypted_value.parse();
        checked.map_err(|why: NotSealed| Error::input(format!("{why}; this one is not")))
    }
}

/// How long a key is used before it is fetched again. GitHub documents no rotation, and refuses values that were sealed
/// with a stale key; this spares a service that runs for months most such refusals.
const KEY_FRESH_FOR: Duration = Duration::from_secs(24 * 3600);

/// A place that has a public key: a scope, or an organization's private registries.
pub(crate) trait HasKey: Place + Clone + 'static {
    /// The operation that gives the key.
    fn key_operation(&self) -> Result<Operation, Error>;

    /// The request for the key.
    fn request(
        &self,
        api: octoseal_api::Client,
    ) -> impl Future<Output = Answer<stores::PublicKey>> + Send;
}

impl Place for Scope {
    fn hint_if_missing(&self) -> Option<&'static str> {
        self.environment().map(|_| {
            "the environment may not exist yet, and `Secrets::ensure_environment` creates it; or the repository or the \
             secret may be missing, renamed, or invisible to this token"
        })
    }

    fn audience(&self) -> Audience<'_> {
        Audience::new(self.owner(), self.repository())
    }
}

impl HasKey for Scope {
    fn key_operation(&self) -> Result<Operation, Error> {
        self.operation(stores::Role::PublicKey)
    }

    async fn request(&self, api: octoseal_api::Client) -> Answer<stores::PublicKey> {
        api.secret_public_key(self.api()).await
    }
}

impl Lookup {
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
        // If the first write may have been applied, a refusal of the second does not change that.
        again.map_err(|error| match refusal.applied() {
            Applied::Unknown => error.with_applied(Applied::Unknown),
            _ => error,
        })
    }

    /// The place's key, from memory if it is there and is not `refused`, one that GitHub has just refused.
    pub(crate) async fn key(
        &self,
        place: &impl HasKey,
        refused: Option<&Arc<ScopeKey>>,
        allowance: &Allowance,
    ) -> Result<Arc<ScopeKey>, Error> {
        let wanted = Wanted {
            what: format!("the public key of {place}"),
            fresh_for: KEY_FRESH_FOR,
            refused,
        };
        let fetch = || {
            let (runtime, place, allowance) =
                (self.runtime.clone(), place.clone(), allowance.clone());
            async move {
                let key = fetch_key(&runtime, &place, &allowance).await;
                // A reply that is not GitHub's says nothing of the scope.
                key.map_err(|error| match error.reach() {
                    Reach::Secret if !error.is_unexpected_reply() => error.with_reach(Reach::Scope),
                    _ => error,
                })
            }
        };
        let limits = self.runtime.gate(place.audience());
        self.keys.get(limits, wanted, allowance, fetch).await
    }
}

pub(crate) async fn fetch_key(
    runtime: &Runtime,
    place: &impl HasKey,
    allowance: &Allowance,
) -> Result<ScopeKey, Error> {
    let call = Call::new(
        place,
        "reading the public key of",
        "",
        place.key_operation()?,
    );
    let call = call.keeping_token();
    let answered = runtime.call(call, allowance, |api| place.request(api));
    let answered = answered.await?;
    let id = &answered.reply.key_id;
    // Digits are GitHub's own, and may be a token's in hexadecimal by chance.
    let is_echo = !id.bytes().all(|byte| byte.is_ascii_digit()) && answered.echoes(id);
    let reply = answered.into_inner();
    let parsed = match is_echo {
        true => Err(refuse("has an id that repeats the token")),
        false => parse(reply.key_id, &reply.key),
    };
    parsed.map_err(|error| error.with_action(call.to_string()))
}

/// GitHub's have 18 or 19 digits.
const LONGEST_KEY_ID_BYTES: usize = 64;

/// Whether a text may be the id of a key: it is told in receipts.
fn is_key_id(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._=-".contains(&byte);
    (1..=LONGEST_KEY_ID_BYTES).contains(&text.len()) && text.bytes().all(fits)
}

fn refuse(why: &str) -> Error {
    let reason = format!("the server's public key {why}");
    Error::new(ErrorKind::PublicKey, reason)
        .with_hint("nothing was sealed or sent; check what answers at the base URL")
}

fn parse(key_id: String, key: &str) -> Result<ScopeKey, Error> {
    let key =
        PublicKey::from_base64(key).map_err(|why| refuse(&format!("can't be used: {why}")))?;
    if !is_key_id(&key_id) {
        return Err(refuse("has no id, or one that is too long or no word"));
    }
    Ok(ScopeKey { key_id, key })
}

/// Whether a refusal may mean that the value was sealed with a key that is no longer the scope's: it says so, or its
/// message is none that tells of another cause.
fn may_mean_stale_key(error: &Error) -> bool {
    let unclear = |message| matches!(message, "Validation Failed" | "Bad Request");
    error.status() == Some(422) && (says_stale_key(error) || error.message().is_none_or(unclear))
}

fn says_stale_key(error: &Error) -> bool {
    error
        .message()
        .is_some_and(|message| message.contains("improperly encrypted"))
}
