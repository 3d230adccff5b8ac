//! Tokens of an App's installations: made when needed, kept until shortly before they expire.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use octoseal_api::types;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::{Mutex as AsyncMutex, OnceCell};
use tokio::time::Instant;

use super::jwt::Jwt;
use super::{App, lock};
use crate::call::{Call, Effect};
use crate::client::Client;
use crate::described::typed;
use crate::error::{BoxError, Error, Kind};
use crate::headers;
use crate::retry::Allowance;
use crate::token::{AfterRefusal, Audience, Token, TokenFuture, TokenRefusal, TokenSource};

/// A token that has not this long to live, or a tenth of its life, is replaced before it is used.
const MARGIN: Duration = Duration::from_secs(120);

/// No token is used for longer, whatever the server says.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);

/// GitHub needs up to this long until it knows a new token everywhere.
const SPREADING: Duration = Duration::from_secs(5);
/// The installations' tokens.
pub(crate) struct Installations {
    app: App,
    /// Calls as the App itself.
    client: Client,
    /// Installations by owner, each looked up once for any number of callers.
    ids: Mutex<HashMap<String, Arc<OnceCell<u64>>>>,
    slots: Mutex<HashMap<u64, Arc<Slot>>>,
}

/// An installation's token. Whoever holds `turn` makes a new one; the others wait.
#[derive(Default)]
struct Slot {
    turn: AsyncMutex<()>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    minted: Option<Minted>,
    /// GitHub refused the token before.
    refused: bool,
}

struct Minted {
    token: Token,
    at: Instant,
    stale_at: Instant,
    /// It was made because GitHub refused its predecessor.
    after_refusal: bool,
}

impl Installations {
    /// The tokens of an App's installations; `client` makes a client from a token source.
    pub(crate) fn new(app: App, client: impl FnOnce(Arc<dyn TokenSource>) -> Client) -> Self {
        let client = client(Arc::new(Jwt::new(app.id.clone(), app.key.0.clone())));
        Self {
            app,
            client,
            ids: Mutex::default(),
            slots: Mutex::default(),
        }
    }

    fn slot(&self, id: u64) -> Arc<Slot> {
        lock(&self.slots).entry(id).or_default().clone()
    }

    fn call<'a>(
        doing: &'static str,
        place: &'a (dyn fmt::Display + Sync),
        effect: Effect,
    ) -> Call<'a> {
        Call {
            doing,
            name: "",
            place,
            effect,
            audience: Audience {
                owner: None,
                repository: None,
            },
            about_scope: false,
        }
    }

    /// The installation to call as.
    async fn installation(&self, audience: Audience<'_>) -> Result<u64, Error> {
        if let Some(id) = self.app.installation {
            return Ok(id);
        }
        let owner = audience.owner.ok_or_else(|| {
            Error::unsupported("a GitHub App has no secrets of a user")
                .with_hint("use the user's own token")
        })?;
        let found = self.known(owner);
        found
            .get_or_try_init(|| self.look_up(owner, audience.repository))
            .await
            .copied()
    }

    /// What is known of an owner's installation.
    fn known(&self, owner: &str) -> Arc<OnceCell<u64>> {
        lock(&self.ids)
            .entry(owner.to_ascii_lowercase())
            .or_default()
            .clone()
    }

    async fn look_up(&self, owner: &str, repository: Option<&str>) -> Result<u64, Error> {
        let allowance = Allowance::new(&self.client.inner.retry);
        let call = Self::call("finding the App's installation for", &owner, Effect::Read);
        let run = |api: octoseal_api::Client| async move {
            match repository {
                Some(repository) => api.apps_get_repo_installation(owner, repository).await,
                None => api.apps_get_org_installation(owner).await,
            }
        };
        let found = self
            .client
            .call(call, &allowance, run)
            .await
            .map_err(|error| {
                if error.is_not_found() {
                    return error
                        .with_hint("install the App there, and give it access to the repository");
                }
                error
            })?;
        u64::try_from(found.into_inner().id)
            .map_err(|_| Error::new(Kind::UnexpectedReply, "the installation's id is negative"))
    }

    async fn get(&self, audience: Audience<'_>) -> Result<Token, Error> {
        let id = self.installation(audience).await?;
        let slot = self.slot(id);
        if let Some(token) = lock(&slot.kept).fresh() {
            return Ok(token);
        }
        let _turn = slot.turn.lock().await;
        if let Some(token) = lock(&slot.kept).fresh() {
            return Ok(token);
        }
        let minted = self.mint(id).await;
        let mut kept = lock(&slot.kept);
        let mut minted = minted?;
        minted.after_refusal = std::mem::take(&mut kept.refused);
        let token = minted.token.clone();
        kept.minted = Some(minted);
        Ok(token)
    }

    async fn mint(&self, id: u64) -> Result<Minted, Error> {
        let mut body = Map::new();
        if !self.app.permissions.is_empty() {
            body.insert(
                "permissions".to_owned(),
                Value::Object(self.app.permissions.clone()),
            );
        }
        if !self.app.repositories.is_empty() {
            body.insert("repositories".to_owned(), json!(self.app.repositories));
        }
        // By itself first: an error then names the permission that the description lacks.
        typed::<types::AppPermissions>(&self.app.permissions)?;
        let body: types::AppsCreateInstallationAccessTokenBody = typed(&body)?;
        let allowance = Allowance::new(&self.client.inner.retry);
        let call = Self::call(
            "making a token for the App's installation",
            &id,
            Effect::Write,
        );
        let number = id as i64;
        let body = &body;
        let run = |api: octoseal_api::Client| async move {
            api.apps_create_installation_access_token(number, body)
                .await
        };
        let reply = self.client.call(call, &allowance, run).await?;
        // By the server's clock on both ends, so that ours does not matter.
        let now = headers::date(reply.headers()).unwrap_or_else(SystemTime::now);
        let reply = reply.into_inner();
        let expires = OffsetDateTime::parse(&reply.expires_at, &Rfc3339).map_err(|_| {
            Error::new(
                Kind::UnexpectedReply,
                "the token's time of expiry is not a time",
            )
        })?;
        let life = SystemTime::from(expires)
            .duration_since(now)
            .unwrap_or_default();
        let at = Instant::now();
        Ok(Minted {
            token: Token::new(reply.token.expose())?,
            at,
            stale_at: at + (life - MARGIN.min(life / 10)).min(LONGEST_LIFE),
            after_refusal: false,
        })
    }
}

impl Kept {
    fn fresh(&self) -> Option<Token> {
        self.minted
            .as_ref()
            .filter(|minted| Instant::now() < minted.stale_at)
            .map(|minted| minted.token.clone())
    }

    /// What a refusal of `token` means.
    fn refuse(&mut self, token: &Token) -> AfterRefusal {
        let Some(minted) = self
            .minted
            .as_ref()
            .filter(|minted| minted.token.expose() == token.expose())
        else {
            // Somebody has replaced it meanwhile.
            return AfterRefusal::AskAgain(Duration::ZERO);
        };
        let age = minted.at.elapsed();
        if age < SPREADING {
            // GitHub does not know it everywhere yet: the same token again, after twice the time each time.
            return AfterRefusal::AskAgain(
                age.max(Duration::from_millis(250)).min(SPREADING - age),
            );
        }
        if minted.after_refusal && age < SPREADING * 6 {
            return AfterRefusal::GiveUp;
        }
        self.minted = None;
        self.refused = true;
        AfterRefusal::AskAgain(Duration::ZERO)
    }
}

impl TokenSource for Installations {
    fn token<'a>(&'a self, audience: Audience<'a>) -> TokenFuture<'a> {
        Box::pin(async move { self.get(audience).await.map_err(BoxError::from) })
    }

    fn refused(&self, audience: Audience<'_>, refusal: &TokenRefusal<'_>) -> AfterRefusal {
        let known = || self.known(audience.owner?).get().copied();
        let id = self.app.installation.or_else(known);
        match id {
            Some(id) => lock(&self.slot(id).kept).refuse(refusal.token),
            None => AfterRefusal::GiveUp,
        }
    }
}
