//! The rotation. Steps that can't be taken back come after all checks, and each step is written to the state before it, so
//! that the next run can go on wherever one was stopped.

use std::collections::BTreeSet;
use std::fmt;
use std::pin::pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use octoseal::{
    Client, Error, Receipt, Scope, SecretValue,
    secrets::{MAX_VALUE_BYTES, NewSecret},
};

use crate::BoxError;
use crate::config::{Config, is_of_one_scope};
use crate::issuer::{Credential, Issuer};
use crate::state::{Known, New, Sealed, State};

/// Sealed values that are stored at once.
const PUTS_AT_ONCE: usize = 10;

/// The pauses before the issuer is asked for its list, until that has the new credential.
const LIST_PAUSES_SECONDS: [u64; 6] = [0, 1, 2, 4, 8, 16];

pub(crate) struct Rotation<'a, I> {
    pub(crate) github: &'a Client,
    pub(crate) config: &'a Config,
    pub(crate) issuer: &'a I,
    pub(crate) state: &'a State,
}

impl<I: Issuer> Rotation<'_, I> {
    /// Finishes what an earlier run has begun, if that can be finished; otherwise makes a new credential, stores it
    /// everywhere and revokes the old ones.
    pub(crate) async fn run(&self) -> Result<(), BoxError> {
        let valid = self.valid().await?;
        let known = self.state.read(&self.config.name)?;
        if let Some(new) = &known.new {
            match self.obstacle(new, &valid).await? {
                None => {
                    println!("finishing {}, which an earlier run began to store", new.id);
                    let puts = self.sealed_puts(new);
                    return self.confirm(known, &valid, puts).await;
                }
                Some(obstacle) => println!("{} can't be finished: {obstacle}", new.id),
            }
        }
        self.begin(known, valid).await
    }

    async fn valid(&self) -> Result<BTreeSet<String>, BoxError> {
        let ids = self.issuer.valid().await?;
        let odd = |c: char| c.is_whitespace() || c.is_control();
        match ids.iter().any(|id| id.is_empty() || id.contains(odd)) {
            true => Err("the issuer lists what is no id: an id is one word".into()),
            false => Ok(ids.into_iter().collect()),
        }
    }

    /// Why a credential that some scopes may have can't be stored in the others.
    async fn obstacle(
        &self,
        new: &New,
        valid: &BTreeSet<String>,
    ) -> Result<Option<String>, BoxError> {
        if !valid.contains(&new.id) {
            return Ok(Some("it is no longer valid".to_owned()));
        }
        for scope in self.unconfirmed(new) {
            let Some(sealed) = new.boxes.get(scope) else {
                return Ok(Some(format!("{scope} has come into the configuration")));
            };
            match self.github.secrets(scope.clone()).public_key().await {
                Ok(key) if !sealed.opens_with(&key) => {
                    return Ok(Some(format!("the key of {scope} has changed")));
                }
                Err(error) if !is_of_one_scope(&error) => return Err(error.into()),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(None)
    }

    /// The scopes that are not known to have the new credential.
    fn unconfirmed<'a>(&'a self, new: &'a New) -> impl Iterator<Item = &'a Scope> {
        let scopes = self.config.scopes.keys();
        scopes.filter(|scope| !new.stored.contains(scope))
    }

    /// Stores the values that an earlier run has sealed.
    fn sealed_puts(
        &self,
        new: &New,
    ) -> impl Stream<Item = (Scope, Result<Receipt, Error>)> + use<I> {
        let puts = self.unconfirmed(new).filter_map(|scope| {
            let (access, sealed) = (self.config.scopes.get(scope)?, new.boxes.get(scope)?);
            let secrets = self.github.secrets(scope.clone());
            let put = secrets
                .create_or_update(&self.config.name)
                .access(access.clone());
            let put = put.encrypted_value(&sealed.encrypted_value, &sealed.key_id);
            let scope = scope.clone();
            Some(async move { (scope, put.send().await) })
        });
        stream::iter(puts.collect::<Vec<_>>()).buffer_unordered(PUTS_AT_ONCE)
    }

    /// Makes a credential and stores it everywhere.
    async fn begin(&self, mut known: Known, valid: BTreeSet<String>) -> Result<(), BoxError> {
        let keys = self.config.check(self.github).await?;
        known.asked_beside.get_or_insert_with(|| valid.clone());
        // Before the credential is made, so that none is made if the state can't be written.
        self.state.write(&known)?;
        let made = self.issuer.issue().await;
        let made = made.map_err(|error| format!("{error}; {}", by_hand(&known, &valid)))?;
        let old = self.listed_beside(&made.id, &valid).await?;
        if let Err(why) = check_value(&made.value) {
            return self.discard(known, &made.id, why).await;
        }
        let Credential { id, value } = made;
        println!("issued {id}");
        let sealed = |(scope, key)| (scope, Sealed::new(&key, &value));
        let (stored, boxes) = (BTreeSet::new(), keys.into_iter().map(sealed).collect());
        known.new = Some(New {
            id,
            old: old.clone(),
            stored,
            boxes,
        });
        known.asked_beside = None;
        self.state.write(&known)?;
        let secret = NewSecret::new(&self.config.name, SecretValue::from(&value[..]));
        let scopes = self.config.scopes.clone().into_iter();
        let batch = scopes.map(move |(scope, access)| (scope, secret.clone().access(access)));
        let puts = self
            .github
            .put_all(batch)
            .map(|outcome| (outcome.scope, outcome.result));
        self.confirm(known, &old, puts).await
    }

    /// The valid ids other than the new one, as soon as the issuer lists that. `before` was valid before it was made.
    async fn listed_beside(
        &self,
        id: &str,
        before: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, BoxError> {
        let mut valid = Ok(BTreeSet::new());
        for seconds in LIST_PAUSES_SECONDS {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            valid = self.valid().await;
            if before.contains(id) {
                break;
            }
            if valid.as_mut().is_ok_and(|valid| valid.remove(id)) {
                return valid;
            }
        }
        let valid = valid.map_err(|error| format!("{error}; nothing was stored"))?;
        // The output is not quoted, since it may be the value.
        let made = listed(valid.difference(before));
        let why = "what the issuer printed first is no id of a new credential; nothing was stored";
        Err(format!("{why}; revoke by hand what it has made: {}", or_none(made)).into())
    }

    /// Revokes a new credential that can't be stored.
    async fn discard(&self, mut known: Known, id: &str, why: &str) -> Result<(), BoxError> {
        let why = format!("the issuer gave {why}; nothing was stored");
        let revoked = self.issuer.revoke(id).await;
        revoked.map_err(|error| format!("{why}; revoke {id} by hand: {error}"))?;
        println!("revoked {id}, which no store has");
        known.asked_beside = None;
        self.state.write(&known)?;
        Err(why.into())
    }

    /// Revokes the old credentials once every store has said that it has the new one.
    async fn confirm(
        &self,
        mut known: Known,
        valid: &BTreeSet<String>,
        puts: impl Stream<Item = (Scope, Result<Receipt, Error>)>,
    ) -> Result<(), BoxError> {
        let (mut puts, mut errors) = (pin!(puts), Vec::new());
        while let Some((scope, put)) = puts.next().await {
            match put {
                Ok(receipt) => {
                    println!("  {scope}: {receipt}");
                    known.confirm(scope);
                }
                Err(error) => {
                    println!("  {error}");
                    errors.push(error);
                }
            }
        }
        self.state.write(&known)?;
        let Some(new) = known.new else {
            return Ok(());
        };
        // Every scope must have confirmed: a put without an error is not enough if its outcome was lost.
        let open: BTreeSet<Scope> = self.unconfirmed(&new).cloned().collect();
        let old: BTreeSet<String> = new.old.intersection(valid).cloned().collect();
        if !open.is_empty() {
            return Err(Unconfirmed {
                new: new.id,
                open,
                old,
                errors,
            }
            .into());
        }
        let mut left = Vec::new();
        for id in &old {
            match self.issuer.revoke(id).await {
                Ok(()) => println!("revoked {id}"),
                Err(error) => left.push(format!("{id} ({error})")),
            }
        }
        if !left.is_empty() {
            let (id, left) = (new.id, left.join(", "));
            return Err(format!(
                "every store has {id}; not revoked: {left}; run again, or see to that by hand"
            )
            .into());
        }
        let mut done = Known::nothing(known.name);
        done.current = Some(new.id);
        self.state.write(&done)
    }
}

/// Fails for a value that must not be stored, and says what it is.
fn check_value(value: &[u8]) -> Result<(), &'static str> {
    if value.trim_ascii().is_empty() {
        return Err("an empty value");
    }
    if value.starts_with(b"\n") || value.starts_with(b"\r") {
        return Err("a value that begins with an empty line");
    }
    if value.len() > MAX_VALUE_BYTES {
        return Err("a value larger than the 48 KiB that GitHub stores");
    }
    Ok(())
}

/// What to revoke by hand when the issuer makes no other credential, perhaps since it allows no more.
fn by_hand(known: &Known, valid: &BTreeSet<String>) -> String {
    let before = known.asked_beside.as_ref().unwrap_or(valid);
    let since = listed(valid.difference(before));
    let which = match (&known.new, &known.current) {
        (Some(new), _) if valid.contains(&new.id) => format!(
            "revoke {}, which then works no longer in {} until a run has ended",
            new.id,
            or_none(listed(&new.stored))
        ),
        _ if !since.is_empty() => {
            format!("revoke {since}, made for a run that was stopped, unless a store has it")
        }
        (_, Some(current)) if valid.contains(current) => {
            format!("revoke one that is not {current}, which the stores have")
        }
        _ => "revoke one that no store has".to_owned(),
    };
    let valid = or_none(listed(valid));
    format!("valid: {valid}; if it allows no more, {which}, by hand, and run again")
}

fn listed<'a>(words: impl IntoIterator<Item = &'a (impl fmt::Display + 'a)>) -> String {
    let words: Vec<String> = words.into_iter().map(ToString::to_string).collect();
    words.join(", ")
}

fn or_none(words: String) -> String {
    if words.is_empty() {
        "none".to_owned()
    } else {
        words
    }
}

/// Some stores may lack the new credential, so that the old ones are still needed.
#[derive(Debug)]
pub(crate) struct Unconfirmed {
    pub(crate) new: String,
    pub(crate) open: BTreeSet<Scope>,
    pub(crate) old: BTreeSet<String>,
    pub(crate) errors: Vec<Error>,
}

impl fmt::Display for Unconfirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (new, open, old) = (&self.new, listed(&self.open), listed(&self.old));
        write!(
            f,
            "{new} is not confirmed by {open}; still valid: {old}; run again, which goes on with {new}, after taking \
             out of the configuration what is gone for good"
        )
    }
}

impl std::error::Error for Unconfirmed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.errors.first().map(|error| error as _)
    }
}
