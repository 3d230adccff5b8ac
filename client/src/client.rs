//! The client and its builder.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use octoseal_api::{Context, Transport};
use reqwest::Url;
use reqwest::header::HeaderValue;
use secrecy::SecretString;
use tower::retry::budget::TpsBudget;

use crate::Error;
use crate::gate::{Gate, WaitReason};
use crate::keys::Keys;
use crate::pacing::Pacing;
use crate::retry::{self, RetryPolicy};
use crate::scope::AnyScope;
use crate::secrets::Secrets;
use crate::token::{Static, Token, TokenSource};
use crate::wire::Wire;

/// A client of GitHub's secrets.
///
/// Cheap to clone; clones share the connection pool, the keys, and the gate that keeps GitHub's limits.
///
/// # Examples
/// ```
/// # fn main() -> Result<(), octoseal::Error> {
/// let github = octoseal::Client::builder().token("a-token").build()?;
/// let secrets = github.secrets("actions:org/acme".parse::<octoseal::Scope>()?);
/// # let _ = secrets;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    base: Url,
    base_text: String,
    context: Context,
    pub(crate) tokens: Arc<dyn TokenSource>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) retry: RetryPolicy,
    pub(crate) budget: TpsBudget,
    pub(crate) keys: Keys,
    pub(crate) on_wait: Option<OnWait>,
}

type OnWait = Arc<dyn Fn(&Wait) + Send + Sync>;

/// A wait that a client is about to begin; see [`ClientBuilder::on_wait`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait {
    /// Why nothing is sent meanwhile.
    pub reason: WaitReason,
    /// How long.
    pub duration: Duration,
    /// Until when, by this machine's clock.
    pub until: SystemTime,
}

impl Client {
    /// Starts to build a client.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// The secrets of one scope: a typed scope such as [`OrganizationScope`](crate::OrganizationScope), whose
    /// handle has just the methods that the scope has, or a [`Scope`](crate::Scope) known at run time.
    pub fn secrets<S: AnyScope>(&self, scope: S) -> Secrets<S> {
        Secrets::new(self.clone(), scope)
    }

    /// The address that requests go to.
    pub(crate) fn base(&self) -> &Url {
        &self.inner.base
    }

    /// The low-level client for one request with one token.
    pub(crate) fn api(&self, token: &Token) -> octoseal_api::Client {
        octoseal_api::client(
            &self.inner.base_text,
            self.inner
                .context
                .clone()
                .with_authorization(token.header()),
        )
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.inner.base.as_str())
            .finish_non_exhaustive()
    }
}

/// Builds a [`Client`]: who calls, which server, how patiently.
#[derive(Clone, Default)]
pub struct ClientBuilder {
    token: Option<Credentials>,
    base_url: Option<String>,
    user_agent: Option<String>,
    api_version: Option<String>,
    pacing: Option<Pacing>,
    gate: Option<Arc<Gate>>,
    retry: RetryPolicy,
    on_wait: Option<OnWait>,
    transport: Option<Arc<dyn Transport>>,
}

#[derive(Clone)]
enum Credentials {
    Text(SecretString),
    Source(Arc<dyn TokenSource>),
}

/// Where GitHub itself answers.
const GITHUB: &str = "https://api.github.com";

impl ClientBuilder {
    /// The token to call with. It needs the `admin:org` scope (classic) or the organization permission
    /// `secrets` (fine-grained, GitHub App) for an organization's secrets, `repo` or `secrets` for a repository's.
    pub fn token(mut self, token: impl Into<SecretString>) -> Self {
        self.token = Some(Credentials::Text(token.into()));
        self
    }

    /// A source that is asked for the token before each request, in place of [`token`](Self::token).
    pub fn token_source(mut self, source: impl TokenSource + 'static) -> Self {
        self.token = Some(Credentials::Source(Arc::new(source)));
        self
    }

    /// The API's address, as `GITHUB_API_URL` gives it: `https://api.github.com` (the default),
    /// `https://HOST/api/v3` for GitHub Enterprise Server, `https://api.TENANT.ghe.com` for data residency.
    /// Plain `http` is accepted for loopback addresses alone.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// What to send as `User-Agent`, beside Octoseal's own name: the service's name and version.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = Some(name.into());
        self
    }

    /// The [REST API version](https://docs.github.com/rest/about-the-rest-api/api-versions) to ask for, if not
    /// the one that the client was generated for.
    pub fn api_version(mut self, version: impl Into<String>) -> Self {
        self.api_version = Some(version.into());
        self
    }

    /// How fast to send. By default [`Pacing::documented`] against GitHub and data residency, and
    /// [`Pacing::off`] against an Enterprise Server, which has limits off by default.
    pub fn pacing(mut self, pacing: Pacing) -> Self {
        self.pacing = Some(pacing);
        self
    }

    /// Keeps limits together with another client: GitHub counts by user, not by client, so clients of one user's
    /// tokens should share one gate, as clones do anyway. The other's [`Pacing`] then holds for both.
    ///
    /// # Examples
    /// ```
    /// # fn main() -> Result<(), octoseal::Error> {
    /// let patient = octoseal::Client::builder().token("a-token").build()?;
    /// let impatient = octoseal::Client::builder()
    ///     .token("a-token")
    ///     .retry(octoseal::RetryPolicy::default().attempts(1))
    ///     .share_limits_with(&patient)
    ///     .build()?;
    /// # let _ = impatient;
    /// # Ok(())
    /// # }
    /// ```
    pub fn share_limits_with(mut self, other: &Client) -> Self {
        self.gate = Some(other.inner.gate.clone());
        self
    }

    /// How to deal with failures that pass, and how long calls may take.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Calls a function each time a call is about to wait: for a limit, for the pace, or before it tries again.
    /// It runs on the task of the call, so many calls that wait for one limit tell it many times; it should
    /// return at once.
    pub fn on_wait(mut self, tell: impl Fn(&Wait) + Send + Sync + 'static) -> Self {
        self.on_wait = Some(Arc::new(tell));
        self
    }

    /// Sends to a stand-in GitHub in this process instead of over sockets, so that a test can pause tokio's clock.
    #[cfg(feature = "mock")]
    pub fn mock(mut self, github: &crate::mock::GitHub) -> Self {
        self.transport = Some(Arc::new(github.clone()));
        self
    }

    /// Builds the client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::is_config`] without a token, with a token no header can hold, with an address that is not
    /// `https` (or loopback), or if TLS could not be set up.
    pub fn build(self) -> Result<Client, Error> {
        let base = base_url(self.base_url.as_deref().unwrap_or(GITHUB))?;
        let tokens = match self.token {
            Some(Credentials::Text(token)) => {
                Arc::new(Static(Token::new(token)?)) as Arc<dyn TokenSource>
            }
            Some(Credentials::Source(source)) => source,
            None => {
                return Err(
                    Error::config("no token was given").with_hint("call `token` or `token_source`")
                );
            }
        };
        let transport = match self.transport {
            Some(transport) => transport,
            None => Arc::new(sockets(&self.retry)?),
        };
        let gate = self.gate.unwrap_or_else(|| {
            let pacing = self.pacing.unwrap_or_else(|| {
                if is_own_server(&base) {
                    Pacing::off()
                } else {
                    Pacing::documented()
                }
            });
            Gate::new(&pacing)
        });
        let mut context = Context::new(
            Arc::new(Wire::new(transport, gate.clone())),
            user_agent(self.user_agent.as_deref())?,
        );
        if let Some(version) = &self.api_version {
            context = context.with_api_version(header(version, "API version")?);
        }
        Ok(Client {
            inner: Arc::new(Inner {
                base_text: base.as_str().trim_end_matches('/').to_owned(),
                base,
                context,
                tokens,
                gate,
                retry: self.retry,
                budget: retry::shared_budget(),
                keys: Keys::default(),
                on_wait: self.on_wait,
            }),
        })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("base_url", &self.base_url)
            .field("pacing", &self.pacing)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

/// Checks an API address.
fn base_url(text: &str) -> Result<Url, Error> {
    let refuse = |why: &str| Error::config(format!("the base URL {why}"));
    let url = Url::parse(text).map_err(|why| refuse(&format!("is not a URL: {why}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("holds a user name or password").with_hint("give the token by `token`"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(
            refuse("holds a query or fragment").with_hint("it looks like https://HOST/api/v3")
        );
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(
            refuse("is plain http, which would show the token to the network")
                .with_hint("use https"),
        ),
        _ => Err(refuse("is neither https nor http on loopback")),
    }
}

fn is_loopback(url: &Url) -> bool {
    // The host as the URL parser normalized it: `127.1` and `0x7f.1` have become `127.0.0.1` here.
    url.host_str().is_some_and(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || address
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    })
}

/// Whether this is a GitHub Enterprise Server: neither GitHub's own host nor one with data residency.
fn is_own_server(base: &Url) -> bool {
    base.host_str()
        .is_some_and(|host| host != "api.github.com" && !host.ends_with(".ghe.com"))
        && !is_loopback(base)
}

fn user_agent(name: Option<&str>) -> Result<HeaderValue, Error> {
    let own = concat!("octoseal/", env!("CARGO_PKG_VERSION"));
    match name {
        Some(name) => header(&format!("{name} {own}"), "user agent"),
        None => Ok(HeaderValue::from_static(own)),
    }
}

fn header(text: &str, what: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text)
        .map_err(|_| Error::config(format!("the {what} {text:?} does not fit into a header")))
}

/// Connections over sockets, where this crate alone decides on redirects and retries.
fn sockets(policy: &RetryPolicy) -> Result<reqwest::Client, Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout(policy.connect_timeout)
        .build()
        .map_err(|error| Error::config("TLS could not be set up").with_source(error))
}
