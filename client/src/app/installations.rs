//! Tokens of an App's installations: found and made when needed, by one request for any number of callers.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use octoseal_api::operations::{self, Operation};
use octoseal_api::{Answer, Permission, types};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::App;
use super::described::typed;
use super::jwt::Jwt;
use super::kept::{KeptTokens, Purpose};
use super::refusals::Refusals;
use crate::auth::{AfterRefusal, Audience, Token, TokenRefusal};
use crate::error::{Error, ErrorKind, Reach};
use crate::limits::{Gate, Identity};
use crate::lookup::memory::{Memory, Wanted};
use crate::runtime::{Allowance, Call, Place, Runtime, Tokens, headers, lock};

/// An installation's number is good for as long as it works.
const FOR_GOOD: Duration = Duration::MAX;

/// The installations' tokens.
pub(crate) struct Installations {
    app: App,
    /// Calls as the App itself.
    runtime: Arc<Runtime>,
    /// Installations by owner.
    found: Memory<u64>,
    minted: Memory<Token>,
    kept: Mutex<KeptTokens>,
    refusals: Refusals,
}

impl Installations {
    /// The tokens of an App's installations; `runtime` makes one that calls with the tokens it is given.
    pub(crate) fn new(app: App, runtime: impl FnOnce(Arc<dyn Tokens>) -> Arc<Runtime>) -> Self {
        let jwt = Jwt::new(app.id.clone(), app.signer.clone());
        let runtime = runtime(Arc::new(jwt));
        Self {
            app,
            runtime,
            found: Memory::default(),
            minted: Memory::default(),
            kept: Mutex::default(),
            refusals: Refusals::default(),
        }
    }

    async fn found_or_made(
        self: &Arc<Self>,
        audience: Audience<'_>,
        allowance: Allowance,
    ) -> Result<Token, Error> {
        if let Some(id) = self.app.installation {
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

    /// The installation at an owner; `gone` is one that is no more.
    async fn installation(
        self: &Arc<Self>,
        owner: &str,
        repository: Option<&str>,
        gone: Option<&Arc<u64>>,
        allowance: &Allowance,
    ) -> Result<Arc<u64>, Error> {
        let what = what_is_found(owner);
        let look_up = || {
            let (this, what, allowance) = (self.clone(), what.clone(), allowance.clone());
            let (owner, repository) = (owner.to_owned(), repository.map(str::to_owned));
            async move {
                let found = this.look_up(&owner, repository.as_deref(), &allowance);
                this.refusals.ask(&what, found).await
            }
        };
        let wanted = Wanted {
            what: what.clone(),
            fresh: FOR_GOOD,
            refused: gone,
        };
        let limits = self.gate();
        self.found.get(limits, wanted, allowance, look_up).await
    }

    async fn look_up(
        &self,
        owner: &str,
        repository: Option<&str>,
        allowance: &Allowance,
    ) -> Result<u64, Error> {
        let Some(repository) = repository else {
            return self
                .look_up_by(
                    operations::APPS_GET_ORG_INSTALLATION,
                    owner,
                    allowance,
                    |api| async move { api.apps_get_org_installation(owner).await },
                )
                .await;
        };
        let found = self
            .look_up_by(
                operations::APPS_GET_REPO_INSTALLATION,
                owner,
                allowance,
                |api| async move { api.apps_get_repo_installation(owner, repository).await },
            )
            .await;
        match found {
            // The installation may cover others of the owner's repositories, whose callers wait for this answer too.
            // GitHub tells it of organizations as it does of users.
            Err(error) if error.is_githubs_not_found() => {
                self.look_up_by(
                    operations::APPS_GET_USER_INSTALLATION,
                    owner,
                    allowance,
                    |api| async move { api.apps_get_user_installation(owner).await },
                )
                .await
            }
            result => result,
        }
    }

    async fn look_up_by<F, Fut>(
        &self,
        operation: Operation,
        owner: &str,
        allowance: &Allowance,
        request: F,
    ) -> Result<u64, Error>
    where
        F: Fn(octoseal_api::Client) -> Fut,
        Fut: Future<Output = Answer<types::Installation>>,
    {
        let place = AsApp(&owner);
        let call = Call::new(&place, "finding the App's installation for", "", operation);
        let found = self.runtime.call(call, allowance, request).await;
        let found = found.map_err(explained)?;
        let id = u64::try_from(found.into_inner().id);
        id.map_err(|_| unusable("the installation's id is negative"))
    }

    /// The token of an installation, narrowed to what a call needs if that is wanted.
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
        let what = purpose.to_string();
        let mint = || {
            let (this, purpose, allowance) = (self.clone(), purpose.clone(), allowance.clone());
            async move {
                if let Some(token) = this.usable(&purpose) {
                    return Ok(token);
                }
                let minted = this.mint(&purpose, &allowance);
                let (token, life) = this.refusals.ask(&purpose.to_string(), minted).await?;
                Ok(lock(&this.kept).keep(&purpose, token, life))
            }
        };
        let wanted = Wanted {
            what: what.clone(),
            fresh: Duration::ZERO,
            refused: None,
        };
        let limits = self.gate();
        let token = self.minted.get(limits, wanted, allowance, mint);
        Ok(token.await?.as_ref().clone())
    }

    /// The limits of the App itself.
    fn gate(&self) -> Gate<'_> {
        self.runtime.gate(AsApp(&"").audience())
    }

    fn usable(&self, purpose: &Purpose) -> Option<Token> {
        lock(&self.kept).usable(purpose)
    }

    fn purpose(&self, installation: u64, audience: Audience<'_>) -> Purpose {
        // What is known of no permission is not narrowed; what every token may see need not be, by repository.
        let permission = audience.permission.filter(|_| self.app.narrowed);
        let narrowing = permission.filter(|permission| *permission != "metadata");
        let repository = audience.repository.filter(|_| narrowing.is_some());
        Purpose {
            installation,
            repository: repository.map(str::to_ascii_lowercase),
            permission: permission.map(str::to_owned),
        }
    }

    /// Makes a token, and says how long it lives.
    async fn mint(
        &self,
        purpose: &Purpose,
        allowance: &Allowance,
    ) -> Result<(Token, Duration), Error> {
        // Boxed, as there are several of them in one future.
        let mint = |permissions| self.mint_for(purpose, permissions, allowance).boxed();
        let Some(permission) = &purpose.permission else {
            return mint(self.app.permissions.clone()).await;
        };
        let at = |level: &str| mint(Map::from_iter([(permission.clone(), level.into())]));
        if Permission::is_only_read(permission) {
            return at("read").await;
        }
        match at("write").await {
            // Perhaps the installation may only read.
            Err(error) if error.status() == Some(422) => at("read").await.map_err(|_| error),
            result => result,
        }
    }

    async fn mint_for(
        &self,
        purpose: &Purpose,
        permissions: Map<String, Value>,
        allowance: &Allowance,
    ) -> Result<(Token, Duration), Error> {
        let mut body = Map::new();
        if !permissions.is_empty() {
            body.insert("permissions".to_owned(), json!(permissions));
        }
        let of_call = purpose.repository.as_slice();
        let repositories = if of_call.is_empty() {
            &self.app.repositories
        } else {
            of_call
        };
        if !repositories.is_empty() {
            body.insert("repositories".to_owned(), json!(repositories));
        }
        // By itself first: an error then names the permission that the description lacks.
        typed::<types::AppPermissions>(&permissions)?;
        let body: types::AppsCreateInstallationAccessTokenBody = typed(&body)?;
        let id = purpose.installation;
        let place = AsApp(&id);
        let call = Call::new(
            &place,
            "making a token for the App's installation",
            "",
            operations::APPS_CREATE_INSTALLATION_ACCESS_TOKEN,
        )
        .repeatable();
        let number = id as i64;
        let body = &body;
        let run = |api: octoseal_api::Client| async move {
            api.apps_create_installation_access_token(number, body)
                .await
        };
        let reply = self.runtime.call(call, allowance, run).await;
        let reply = reply.map_err(explained)?;
        // By the server's clock on both ends, so that ours does not matter.
        let now = headers::date(reply.reply.headers()).unwrap_or_else(SystemTime::now);
        let reply = reply.into_inner();
        let expires = instant(&reply.expires_at);
        let expires = expires.ok_or_else(|| unusable("the token's `expires_at` is not a time"))?;
        let life = expires.duration_since(now).unwrap_or_default();
        if life.is_zero() {
            let why = "the token's `expires_at` is past by the server's own clock";
            return Err(unusable(why));
        }
        Ok((Token::new(reply.token.expose())?, life))
    }
}

impl Tokens for Arc<Installations> {
    /// Failures on the way to the token have a window of their own; waits for limits end by the call's deadline.
    fn token<'a>(
        &'a self,
        audience: Audience<'a>,
        allowance: &'a Allowance,
    ) -> BoxFuture<'a, Result<Token, Error>> {
        Box::pin(self.found_or_made(audience, allowance.with_new_window()))
    }

    fn identity(&self, audience: Audience<'_>) -> Option<Identity> {
        let found = || self.found.peek(&what_is_found(audience.owner?));
        let id = self.app.installation.or_else(|| Some(*found()?))?;
        Some(Identity::installation(id))
    }

    fn group(&self, audience: Audience<'_>) -> Option<String> {
        let owner = audience.owner.filter(|_| self.app.installation.is_none());
        owner.map(str::to_ascii_lowercase)
    }

    fn refused(&self, _: Audience<'_>, refusal: &TokenRefusal<'_>) -> AfterRefusal {
        // One that is not kept has been replaced meanwhile.
        let replaced = AfterRefusal::AskAgain(Duration::ZERO);
        lock(&self.kept).refuse(refusal.token).unwrap_or(replaced)
    }

    fn denied(&self, token: &Token, error: &Error, first: bool) -> Option<Duration> {
        lock(&self.kept).deny(token, error, first)
    }

    fn forget(&self) {
        lock(&self.kept).clear();
        self.refusals.forget();
    }
}

/// What an owner's installation goes by in memory.
fn what_is_found(owner: &str) -> String {
    format!("the App's installation for {}", owner.to_ascii_lowercase())
}

/// A time with an offset from UTC, or in UTC without one; a blank may stand for its `T`.
fn instant(text: &str) -> Option<SystemTime> {
    let text = text.trim().replacen(' ', "T", 1);
    let read = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    read(&text)
        .or_else(|| read(&format!("{text}Z")))
        .map(SystemTime::from)
}

/// What the operation gives, but nothing that can be used: asked again, GitHub would give the same.
fn unusable(why: &str) -> Error {
    Error::new(ErrorKind::UnexpectedReply, why).with_reach(Reach::Scope)
}

/// Says what to try after GitHub refused the App itself.
fn explained(error: Error) -> Error {
    let says = |words: &str| error.message().is_some_and(|it| it.contains(words));
    let hint = if error.is_unauthorized() {
        "check the App's id and that the key is one of its keys, none of which may have been deleted"
    } else if error.is_githubs_not_found() && says("Integration not found") {
        "check the App's id, and that the address is that of the server where the App is registered"
    } else if error.is_githubs_not_found() {
        "install the App there, and give it access to the repository; an installation that was removed and made again \
         has another id"
    } else if error.is_permission() && says("suspended") {
        "the installation is suspended; whoever suspended it, its owner or the App's, can lift that in the settings"
    } else if error.is_permission() {
        "the App may not do this; see its settings and those of its installation"
    } else if error.is_validation() {
        let hint = "tokens are narrowed to a permission that the owner has not granted to the App, or to a repository that \
                    the installation does not reach; grant it, or leave out `permission` or `repository`";
        return error.of_permission().with_hint(hint);
    } else {
        return error;
    };
    error.with_hint(hint)
}

/// What a call of the App itself is about: it needs the App's own token.
struct AsApp<'a>(&'a (dyn fmt::Display + Send + Sync));

impl fmt::Display for AsApp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Place for AsApp<'_> {
    fn audience(&self) -> Audience<'_> {
        Audience::new(None, None)
    }

    fn is_scope(&self) -> bool {
        false
    }
}
