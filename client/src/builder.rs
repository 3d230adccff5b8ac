//! The settings of a client.

mod wiring;

use std::fmt;
use std::sync::Arc;

use octoseal_api::Transport;
use zeroize::Zeroizing;

#[cfg(feature = "app")]
use crate::app::App;
use crate::auth::{Environment, TokenSource, base_url};
use crate::client::Client;
use crate::error::Error;
use crate::limits::{Identity, Ledger, Limits, Pacing};
use crate::runtime::observer::Event;
use crate::runtime::{Listener, RetryPolicy};
use crate::wire::{Connections, Proxies, Sockets};

impl Client {
    /// Starts to build a client.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client as the environment describes it; see [`ClientBuilder::from_env`].
    ///
    /// # Errors
    /// As for [`ClientBuilder::build`].
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env().build()
    }
}

/// Builds a [`Client`]: its token, its server, its limits and retries.
#[derive(Clone, Default)]
pub struct ClientBuilder {
    token: Option<Credentials>,
    base_url: Option<String>,
    host: Option<String>,
    user_agent: Option<String>,
    api_version: Option<String>,
    pacing: Option<Pacing>,
    identity: Option<Identity>,
    /// Those of another client.
    limits: Option<Arc<Limits>>,
    ledger: Option<Arc<dyn Ledger>>,
    retry: RetryPolicy,
    observer: Option<Listener>,
    sockets: Sockets,
    /// Those of another client.
    connections: Option<Arc<Connections>>,
    transport: Option<Arc<dyn Transport>>,
    layers: Vec<Layer>,
    refuses_unknown_settings: bool,
}

type Layer = Arc<dyn Fn(Arc<dyn Transport>) -> Arc<dyn Transport> + Send + Sync>;

#[derive(Clone)]
enum Credentials {
    Text(Zeroizing<String>),
    Environment(Environment),
    Source(Arc<dyn TokenSource>),
    #[cfg(feature = "app")]
    App(Box<App>),
}

impl ClientBuilder {
    /// Starts from the environment variables that GitHub's own tools read. An empty variable counts as unset.
    ///
    /// | what | first one set of |
    /// |---|---|
    /// | address | `GITHUB_API_URL`; `GH_HOST`, read as [`host`](Self::host); GitHub itself |
    /// | token for GitHub and data residency | `GH_TOKEN`, `GITHUB_TOKEN` |
    /// | token for any other server | `GH_ENTERPRISE_TOKEN`, `GITHUB_ENTERPRISE_TOKEN`; `GITHUB_TOKEN` if `GITHUB_API_URL` names that server, as its own runners have it |
    ///
    /// The address decides which token is used, whichever variable or setting gave the address: no server gets a token that
    /// is meant for another. A `GITHUB_TOKEN` beside a `GITHUB_API_URL` is for that server alone. If `GITHUB_API_URL` and
    /// `GH_HOST` name different servers, [`build`](Self::build) fails, unless the builder is given the address itself;
    /// runners always set `GITHUB_API_URL`, so a job that calls another server sets or unsets it. See [`gh help environment`](https://cli.github.com/manual/gh_help_environment).
    ///
    /// Settings of the builder that follow replace those of the environment.
    pub fn from_env() -> Self {
        Self::from_vars(|name| std::env::var(name).ok())
    }

    /// [`from_env`](Self::from_env) with variables that come from elsewhere, for example from a configuration.
    ///
    /// # Examples
    /// ```
    /// let variables = |name: &str| match name {
    ///     "GITHUB_API_URL" => Some("https://ghe.example/api/v3".to_owned()),
    ///     "GITHUB_TOKEN" => Some("a-token".to_owned()),
    ///     _ => None,
    /// };
    /// let github = octoseal::ClientBuilder::from_vars(variables).build()?;
    /// # Ok::<(), octoseal::Error>(())
    /// ```
    pub fn from_vars(variable: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            token: Some(Credentials::Environment(Environment::read(variable))),
            ..Self::default()
        }
    }

    /// The token to call with. It needs the `admin:org` scope (classic) or the organization permission
    /// `secrets` (fine-grained, GitHub App) for an organization's secrets, `repo` or `secrets` for a repository's.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(Credentials::Text(token.into().into()));
        self
    }

    /// Refuses a put that keeps access if the secret has settings that this version does not know, since a write may reset
    /// them. Otherwise each such setting is told once, as an
    /// [`Event::UnknownSetting`](crate::observe::Event::UnknownSetting), and the put goes on. With this, the secret is read
    /// before each such put, even in scopes without access to keep.
    pub fn refuse_unknown_settings(mut self) -> Self {
        self.refuses_unknown_settings = true;
        self
    }

    /// A source that is asked for the token before each request, in place of [`token`](Self::token).
    pub fn token_source(mut self, source: impl TokenSource + 'static) -> Self {
        self.token = Some(Credentials::Source(Arc::new(source)));
        self
    }

    /// Calls as a GitHub App: with a token of the installation that each call is about.
    #[cfg(feature = "app")]
    pub fn app(mut self, app: App) -> Self {
        self.token = Some(Credentials::App(Box::new(app)));
        self
    }

    /// The server by its host alone, in any case: `github.com`, `TENANT.ghe.com` for data residency, anything else for an
    /// Enterprise Server. Replaces an earlier [`base_url`](Self::base_url).
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self.base_url = None;
        self
    }

    /// Trusts the root certificates of a PEM bundle, in addition to those that the platform trusts: for a server or a proxy
    /// with a certificate authority of its own. May be called several times.
    ///
    /// On Linux and the BSDs, the platform's certificates are read from where OpenSSL looks for them, and
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` name others **instead**. macOS and Windows ask the system and ignore both.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.sockets.roots.push(pem.into());
        self
    }

    /// Presents a client certificate: its chain and its unencrypted private key (PKCS#8), both PEM.
    pub fn client_certificate(
        mut self,
        certificate: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.sockets.identity = Some((certificate.into(), key.into().into()));
        self
    }

    /// Sends all requests through a proxy, for example `http://proxy.example:3128`, with a user name and a password before
    /// its host if it needs them. `http` and `https` proxies are supported, SOCKS is not; without a scheme it is `http`.
    /// A server on this machine (a loopback address) is always reached directly.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.sockets.proxies = Proxies::Setting(url.into());
        self
    }

    /// Uses the proxies that the environment names. Without this they are ignored, since a variable that something else
    /// has set should not redirect secrets.
    ///
    /// | what | variable, in upper or lower case |
    /// |---|---|
    /// | the proxy | `HTTPS_PROXY`, else `ALL_PROXY`, written as for [`proxy`](Self::proxy) |
    /// | servers that are reached directly | `NO_PROXY`: `*`, or a list of domains (with all below them), addresses and ranges (`10.0.0.0/8`), a domain or address also with its port |
    ///
    /// An empty variable counts as unset. A variable that can't be used, or is set in upper and lower case to different
    /// values, is an error of [`build`](Self::build). `HTTP_PROXY` and `REQUEST_METHOD` are ignored: plain http is for
    /// loopback alone.
    pub fn proxy_from_env(self) -> Self {
        // Characters that are not Unicode are replaced, and then refused.
        let text = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
        self.proxy_from_vars(text)
    }

    /// [`proxy_from_env`](Self::proxy_from_env) with variables that come from elsewhere.
    pub fn proxy_from_vars(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        self.sockets.proxies = Proxies::of_environment(variable);
        self
    }

    /// The API's address, as `GITHUB_API_URL` gives it: `https://api.github.com` (the default),
    /// `https://HOST/api/v3` for GitHub Enterprise Server, `https://api.TENANT.ghe.com` for data residency.
    /// Plain `http` is accepted for loopback addresses alone.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self.host = None;
        self
    }

    /// The service's name and version, which `User-Agent` has before Octoseal's own.
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

    /// How fast to send. By default [`Pacing::learning`] against GitHub and data residency, and
    /// [`Pacing::concurrency_only`] against an Enterprise Server, which has limits off by default.
    pub fn pacing(mut self, pacing: Pacing) -> Self {
        self.pacing = Some(pacing);
        self
    }

    /// The identity that GitHub counts this client's calls for, which clients and processes of one user share. By default
    /// it is made from the token; each of an App's installations always has its own.
    ///
    /// # Examples
    /// ```
    /// let identity = octoseal::limits::Identity::named("ci-bot");
    /// let github = octoseal::Client::builder().token("a-token").identity(identity).build()?;
    /// # Ok::<(), octoseal::Error>(())
    /// ```
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Keeps limits together with other processes, by a store that all of them reach.
    pub fn share_limits_through(mut self, ledger: Arc<dyn Ledger>) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// Keeps limits together with another client, as clones do anyway, and counts this client's calls for the same
    /// user: GitHub counts by user, not by client or token. An App's installations count each for itself. The other's
    /// [`Pacing`] then holds for both.
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
        self.limits = Some(other.runtime.limits.clone());
        self.identity.get_or_insert(other.runtime.identity);
        self
    }

    /// Uses the connections of another client of the same server, with its proxy, certificates,
    /// [`RetryPolicy::connect_timeout`] and [`transport`](Self::transport), but not its [layers](Self::layer) and limits:
    /// for many clients with a token each. As with a clone, the tokio runtime that opened a connection has to run while it
    /// is used.
    ///
    /// # Examples
    /// ```
    /// # fn main() -> Result<(), octoseal::Error> {
    /// let github = octoseal::Client::builder().token("a-token").build()?;
    /// let other = octoseal::Client::builder().token("another").share_connections_with(&github).build()?;
    /// # let _ = other;
    /// # Ok(())
    /// # }
    /// ```
    pub fn share_connections_with(mut self, other: &Client) -> Self {
        self.connections = Some(other.connections.clone());
        self
    }

    /// How to deal with transient failures, and how long calls may take.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Tells a function of every [`Event`]: requests, waits, limits and what they teach. It runs on the task of the call
    /// and should return at once. A panic in it ends there, and the call goes on.
    ///
    /// # Examples
    /// ```
    /// use octoseal::observe::Event;
    ///
    /// let github = octoseal::Client::builder()
    ///     .token("a-token")
    ///     .observer(|event| match event {
    ///         Event::Wait(wait) => eprintln!("waiting {:?} for {}", wait.duration, wait.reason.as_str()),
    ///         Event::Request(request) => eprintln!("{}: {:?}", request.operation, request.status),
    ///         _ => {}
    ///     })
    ///     .build()?;
    /// # Ok::<(), octoseal::Error>(())
    /// ```
    pub fn observer(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(listener));
        self
    }

    /// Sends by this transport instead of over sockets: to a stand-in GitHub in this process, or to a recording.
    /// Certificates and proxies then have no effect. See [`transport`](crate::transport).
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Puts a layer around the transport, the sockets included: it sees each request as it leaves and each reply as it
    /// arrives, and may change both. The layer that is added last is the outermost. See [`transport`](crate::transport).
    pub fn layer<T: Transport + 'static>(
        mut self,
        around: impl Fn(Arc<dyn Transport>) -> T + Send + Sync + 'static,
    ) -> Self {
        self.layers
            .push(Arc::new(move |inner| Arc::new(around(inner))));
        self
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address that `build` would refuse is not shown, since it may hold a password.
        let clean = |url: &&String| base_url(url).is_ok();
        f.debug_struct("ClientBuilder")
            .field("base_url", &self.base_url.as_ref().filter(clean))
            .field("pacing", &self.pacing)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(feature = "rustls"), not(feature = "native-tls")))]
mod tests {
    use super::Client;

    #[cfg(not(feature = "rustls-no-provider"))]
    #[test]
    fn https_without_a_feature_for_tls_is_an_error_that_names_them_and_loopback_is_none() {
        let error = Client::builder().token("t").build().unwrap_err();
        assert!(error.is_config(), "{error}");
        for feature in ["rustls,", "rustls-no-provider", "native-tls"] {
            assert!(error.to_string().contains(feature), "{error}");
        }
        let plain = Client::builder().token("t").base_url("http://127.0.0.1:1");
        assert!(plain.build().is_ok());
    }

    #[cfg(feature = "rustls-no-provider")]
    #[test]
    fn without_a_crypto_provider_building_is_an_error_that_says_how_to_install_one() {
        let error = Client::builder().token("t").build().unwrap_err();
        assert!(error.is_config(), "{error}");
        assert!(error.to_string().contains("install_default"), "{error}");
    }
}
