//! GitHub Apps: tokens of installations, made when needed.
//!
//! GitHub's pages: [Generating a JWT](https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app),
//! [Authenticating as an installation](https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation).

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use octoseal_api::types;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::{Mutex as AsyncMutex, OnceCell};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::call::{Call, Effect};
use crate::client::Client;
use crate::described::typed;
use crate::error::{BoxError, Error, Kind};
use crate::headers;
use crate::retry::Allowance;
use crate::token::{AfterRefusal, Audience, Token, TokenFuture, TokenRefusal, TokenSource};

/// A GitHub App that calls as its installations.
///
/// For each organization (or user) that a call is about, the App's installation is looked up once, and a token made for
/// it, kept until shortly before it expires, and shared by all calls; any number of callers wait for one request.
///
/// # Examples
/// ```no_run
/// use octoseal::{App, AppKey, Client};
///
/// let key = AppKey::from_file("app.private-key.pem")?;
/// let app = App::new("Iv23liExample", key).permission("organization_secrets", "write");
/// let github = Client::builder().app(app).build()?;
/// # Ok::<(), octoseal::Error>(())
/// ```
#[derive(Clone)]
pub struct App {
    id: String,
    key: AppKey,
    installation: Option<u64>,
    permissions: Map<String, Value>,
    repositories: Vec<String>,
}

impl App {
    /// An App by its client id or app id, and its private key.
    pub fn new(id: impl Into<String>, key: AppKey) -> Self {
        Self {
            id: id.into(),
            key,
            installation: None,
            permissions: Map::new(),
            repositories: Vec::new(),
        }
    }

    /// Calls as this installation, whatever the call is about, and looks none up.
    pub fn installation(mut self, id: u64) -> Self {
        self.installation = Some(id);
        self
    }

    /// Narrows tokens to the permissions named this way, for example `organization_secrets` and `write`. Without any,
    /// tokens have what the installation has.
    pub fn permission(mut self, name: impl Into<String>, level: impl Into<String>) -> Self {
        self.permissions.insert(name.into(), level.into().into());
        self
    }

    /// Narrows tokens to the repositories named this way, without their owner. Without any, tokens reach what the
    /// installation reaches.
    pub fn repository(mut self, name: impl Into<String>) -> Self {
        self.repositories.push(name.into());
        self
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("id", &self.id)
            .field("installation", &self.installation)
            .field("permissions", &self.permissions)
            .field("repositories", &self.repositories)
            .finish_non_exhaustive()
    }
}

/// A GitHub App's private key: RSA, as PEM in PKCS#1 (as GitHub gives it out) or PKCS#8. Never printed.
#[derive(Clone)]
pub struct AppKey(EncodingKey);

impl AppKey {
    /// Reads a key from its PEM text. Line breaks written as `\n`, as environment variables often have them, are
    /// read as such.
    ///
    /// # Errors
    /// [`Error::is_config`] for an encrypted key, another kind of key, or no key at all.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self, Error> {
        let text = std::str::from_utf8(pem.as_ref())
            .map_err(|_| Error::config("the App's key is not PEM text"))?;
        let text = Zeroizing::new(if text.trim().contains('\n') {
            text.to_owned()
        } else {
            text.replace("\\n", "\n")
        });
        if text.contains("ENCRYPTED") {
            return Err(Error::config("the App's key is encrypted")
                .with_hint("decrypt it first: openssl pkcs8 -in KEY -out PLAIN -nocrypt -topk8"));
        }
        let refuse = || {
            Error::config("the App's key is not an RSA private key in PEM").with_hint(
                "it looks like -----BEGIN RSA PRIVATE KEY----- or -----BEGIN PRIVATE KEY-----",
            )
        };
        let key = EncodingKey::from_rsa_pem(text.trim().as_bytes()).map_err(|_| refuse())?;
        // Only signing tells whether what is inside of the PEM is a whole key.
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &json!({}), &key)
            .map_err(|_| refuse())?;
        Ok(Self(key))
    }

    /// Reads a key from a PEM file.
    ///
    /// # Errors
    /// [`Error::is_config`] if the file can't be read, and as for [`from_pem`](Self::from_pem).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let pem = std::fs::read(path).map(Zeroizing::new).map_err(|why| {
            Error::config(format!(
                "the App's key file {} can't be read",
                path.display()
            ))
            .with_source(why)
        })?;
        Self::from_pem(&*pem)
    }

    /// Reads a key from an environment variable that holds the PEM text.
    ///
    /// # Errors
    /// [`Error::is_config`] if the variable is not set, and as for [`from_pem`](Self::from_pem).
    pub fn from_env(variable: &str) -> Result<Self, Error> {
        let pem = std::env::var(variable).map(Zeroizing::new).map_err(|_| {
            Error::config(format!("the environment variable {variable} is not set"))
        })?;
        Self::from_pem(pem.as_bytes())
    }
}

impl fmt::Debug for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppKey([redacted])")
    }
}

/// A token that has not this long to live, or a tenth of its life, is replaced before it is used.
const MARGIN: Duration = Duration::from_secs(120);

/// No token is used for longer, whatever the server says.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);

/// GitHub needs up to this long until it knows a new token everywhere.
const SPREADING: Duration = Duration::from_secs(5);

/// How far ahead a JWT expires: less than the ten minutes that GitHub allows.
const JWT_LIFE: Duration = Duration::from_secs(9 * 60);

/// How far back a JWT is dated, as GitHub advises, for clocks that run apart.
const JWT_BACK: Duration = Duration::from_secs(60);

/// Clocks that differ by less are not why a JWT is refused.
const SKEW: Duration = Duration::from_secs(10);

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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Installations {
    /// The tokens of an App's installations; `client` makes a client from a token source.
    pub(crate) fn new(app: App, client: impl FnOnce(Arc<dyn TokenSource>) -> Client) -> Self {
        let jwt = Jwt {
            id: app.id.clone(),
            key: app.key.0.clone(),
            state: Mutex::new(JwtState::new()),
        };
        let client = client(Arc::new(jwt));
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

/// The App's own credentials: a JWT that it signs.
struct Jwt {
    id: String,
    key: EncodingKey,
    state: Mutex<JwtState>,
}

struct JwtState {
    /// The time that went with `since`: this machine's, or the server's once that was found to differ.
    clock: SystemTime,
    since: Instant,
    kept: Option<(Token, Instant)>,
}

impl JwtState {
    fn new() -> Self {
        Self {
            clock: SystemTime::now(),
            since: Instant::now(),
            kept: None,
        }
    }

    fn now(&self) -> SystemTime {
        self.clock + self.since.elapsed()
    }
}

impl Jwt {
    fn get(&self) -> Result<Token, Error> {
        let mut state = lock(&self.state);
        if let Some((token, until)) = &state.kept
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let now = state
            .now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let claims = json!({
            "iat": now.saturating_sub(JWT_BACK).as_secs(),
            "exp": (now + JWT_LIFE).as_secs(),
            "iss": self.id,
        });
        let text = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key)
            .map_err(|_| Error::config("the App's key can't sign"))?;
        let token = Token::new(text)?;
        state.kept = Some((token.clone(), Instant::now() + JWT_LIFE - MARGIN));
        Ok(token)
    }
}

impl TokenSource for Jwt {
    fn token<'a>(&'a self, _: Audience<'a>) -> TokenFuture<'a> {
        Box::pin(std::future::ready(self.get().map_err(BoxError::from)))
    }

    /// A JWT is refused when the clocks differ; the reply says what the server's shows. Once it is set by that, a
    /// second refusal has another reason.
    fn refused(&self, _: Audience<'_>, refusal: &TokenRefusal<'_>) -> AfterRefusal {
        let Some(theirs) = refusal.server_time else {
            return AfterRefusal::GiveUp;
        };
        let mut state = lock(&self.state);
        let ours = state.now();
        let apart = theirs
            .duration_since(ours)
            .or_else(|_| ours.duration_since(theirs))
            .unwrap_or_default();
        if apart < SKEW {
            return AfterRefusal::GiveUp;
        }
        *state = JwtState {
            clock: theirs,
            since: Instant::now(),
            kept: None,
        };
        AfterRefusal::AskAgain(Duration::ZERO)
    }
}
