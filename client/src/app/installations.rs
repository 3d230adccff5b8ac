//! Tokens of an App's installations: made when needed, by one request for any number of callers, and kept.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::App;
use super::calls::AppCalls;
use super::kept::{KeptTokens, Purpose};
use super::refusals::Refusals;
use crate::auth::{AfterRefusal, Audience, Token, TokenRefusal};
use crate::error::Error;
use crate::limits::Identity;
use crate::lookup::memory::{Memory, Wanted};
use crate::runtime::{Allowance, Runtime, Tokens, lock};

/// The installations' tokens.
pub(crate) struct Installations {
    calls: AppCalls,
    /// The ids of installations, by owner.
    ids: Memory<u64>,
    /// Shares the requests for new tokens.
    new_tokens: Memory<Token>,
    kept: Mutex<KeptTokens>,
    refusals: Refusals,
}

impl Installations {
    /// The tokens of an App's installations; `runtime` makes one that calls with the tokens it is given.
    pub(crate) fn new(app: App, runtime: impl FnOnce(Arc<dyn Tokens>) -> Arc<Runtime>) -> Self {
        Self {
            calls: AppCalls::new(app, runtime),
            ids: Memory::default(),
            new_tokens: Memory::default(),
            kept: Mutex::default(),
            refusals: Refusals::default(),
        }
    }

    async fn token_for(
        self: &Arc<Self>,
        audience: Audience<'_>,
        allowance: Allowance,
    ) -> Result<Token, Error> {
        if let Some(id) = self.calls.app.installation {
            return self.token_of(id, audience, &allowance).await;
        }
        let owner = audience.owner.ok_or_else(|| {
            Error::unsupported("a GitHub App has no secrets of a user")
                .with_hint("use the user's own token")
        })?;
        let installation = |gone| self.installation(owner, audience.repository, gone, &allowance);
        let id = installation(None).await?;
        match self.token_of(*id, audience, &allowance).await {
            Err(error) if error.is_githubs_not_found() => {
                // The App was removed; if it has been installed again, that is another installation.
                lock(&self.kept).remove(*id);
                let new = installation(Some(&id)).await?;
                self.token_of(*new, audience, &allowance).await
            }
            result => result,
        }
    }

    /// The installation at an owner, other than `gone`.
    async fn installation(
        self: &Arc<Self>,
        owner: &str,
        repository: Option<&str>,
        gone: Option<&Arc<u64>>,
        allowance: &Allowance,
    ) -> Result<Arc<u64>, Error> {
        let what = installation_of(owner);
        let find = || {
            let (this, what, allowance) = (self.clone(), what.clone(), allowance.clone());
            let (owner, repository) = (owner.to_owned(), repository.map(str::to_owned));
            async move {
                let calls = &this.calls;
                let found = calls.find_installation(&owner, repository.as_deref(), &allowance);
                this.refusals.ask(&what, found).await
            }
        };
        let wanted = Wanted {
            what: what.clone(),
            // It is looked up again when it is gone.
            fresh_for: Duration::MAX,
            refused: gone,
        };
        let limits = self.calls.gate();
        self.ids.get(limits, wanted, allowance, find).await
    }

    /// The token of an installation, narrowed to what the call needs if the App wants that.
    async fn token_of(
        self: &Arc<Self>,
        installation: u64,
        audience: Audience<'_>,
        allowance: &Allowance,
    ) -> Result<Token, Error> {
        let purpose = self.purpose(installation, audience);
        if let Some(token) = self.usable(&purpose) {
            return Ok(token);
        }
        let make = || {
            let (this, purpose, allowance) = (self.clone(), purpose.clone(), allowance.clone());
            async move {
                if let Some(token) = this.usable(&purpose) {
                    return Ok(token);
                }
                let made = this.calls.make_token(&purpose, &allowance);
                let (token, life) = this.refusals.ask(&purpose.to_string(), made).await?;
                Ok(lock(&this.kept).keep(&purpose, token, life))
            }
        };
        let wanted = Wanted {
            what: purpose.to_string(),
            fresh_for: Duration::ZERO,
            refused: None,
        };
        let limits = self.calls.gate();
        let token = self.new_tokens.get(limits, wanted, allowance, make);
        Ok(token.await?.as_ref().clone())
    }

    fn usable(&self, purpose: &Purpose) -> Option<Token> {
        lock(&self.kept).usable(purpose)
    }

    fn purpose(&self, installation: u64, audience: Audience<'_>) -> Purpose {
        // Not narrowed at all if the call's permission is not known, nor to a repository for one that all tokens have.
        let permission = audience.permission.filter(|_| self.calls.app.narrowed);
        let narrowing = permission.filter(|permission| *permission != "metadata");
        let repository = audience.repository.filter(|_| narrowing.is_some());
        Purpose {
            installation,
            repository: repository.map(str::to_ascii_lowercase),
            permission: permission.map(str::to_owned),
        }
    }
}

impl Tokens for Arc<Installations> {
    /// Failures on the way to the token have a retry window of their own, but the call's deadline.
    fn token<'a>(
        &'a self,
        audience: Audience<'a>,
        allowance: &'a Allowance,
    ) -> BoxFuture<'a, Result<Token, Error>> {
        Box::pin(self.token_for(audience, allowance.with_new_window()))
    }

    fn identity(&self, audience: Audience<'_>) -> Option<Identity> {
        let found = || self.ids.peek(&installation_of(audience.owner?));
        let id = self.calls.app.installation.or_else(|| Some(*found()?))?;
        Some(Identity::installation(id))
    }

    fn group(&self, audience: Audience<'_>) -> Option<String> {
        let is_one = self.calls.app.installation.is_some();
        let owner = audience.owner.filter(|_| !is_one);
        owner.map(str::to_ascii_lowercase)
    }

    fn refused(&self, _: Audience<'_>, refusal: &TokenRefusal<'_>) -> AfterRefusal {
        // A token that is no longer kept has been replaced.
        let replaced = AfterRefusal::AskAgain(Duration::ZERO);
        lock(&self.kept).refuse(refusal.token).unwrap_or(replaced)
    }

    fn denied(&self, token: &Token, error: &Error, is_first: bool) -> Option<Duration> {
        lock(&self.kept).deny(token, error, is_first)
    }

    fn forget(&self) {
        lock(&self.kept).clear();
        self.refusals.forget();
    }
}

/// An owner's installation in words, by which it is remembered.
fn installation_of(owner: &str) -> String {
    format!("the App's installation for {}", owner.to_ascii_lowercase())
}
