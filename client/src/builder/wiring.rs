//! Makes a client by its settings: the only place that knows all rooms.

use std::sync::Arc;

use octoseal_api::Context;
use reqwest::Url;
use reqwest::header::HeaderValue;

use super::{ClientBuilder, Credentials};
#[cfg(feature = "app")]
use crate::app::Installations;
use crate::auth::{Server, Token, base_url, is_loopback, is_own_server};
use crate::client::Client;
use crate::error::Error;
use crate::limits::{Identity, Limits, Pacing};
use crate::runtime::{Observer, Runtime, Tokens};
use crate::wire::{Connections, Wire};

impl ClientBuilder {
    /// Builds the client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::is_config`] without a token, for a token that no header can hold, an address that is not `https` (or
    /// loopback), a proxy that can't be used, variables of the environment that disagree, TLS that can't be set up,
    /// connections of a client of another server, or for `https` without a feature that gives TLS.
    pub fn build(self) -> Result<Client, Error> {
        let base = self.address()?;
        let limits = match &self.limits {
            Some(shared) => shared.clone(),
            None => {
                let host = base.host_str().unwrap_or_default();
                Limits::new(self.pacing_for(&base), self.ledger.clone(), host)
            }
        };
        let connections = self.connections(&base)?;
        let context = self.context(&connections)?;
        let observer = Observer::new(self.observer.clone());
        let budget = Arc::new(self.retry.budget_of_retries());
        let runtime = |tokens: Arc<dyn Tokens>, identity: Identity| {
            let runtime = Runtime::new(
                base.clone(),
                context.clone(),
                tokens,
                limits.clone(),
                identity,
                (self.retry.clone(), budget.clone()),
                observer.clone(),
            );
            Arc::new(runtime.with_route(connections.route.clone()))
        };
        let mut identity = Identity::named("");
        let mut one_token = |text| -> Result<Arc<dyn Tokens>, Error> {
            let token = Token::of_secret(text)?;
            identity = Identity::of_token(token.expose());
            Ok(Arc::new(token))
        };
        let tokens: Arc<dyn Tokens> = match self.token {
            Some(Credentials::Text(token)) => one_token(token)?,
            Some(Credentials::Environment(found)) => one_token(found.token_for(&base)?)?,
            Some(Credentials::Source(source)) => Arc::new(source),
            #[cfg(feature = "app")]
            // GitHub counts an App's own requests apart from its installations'.
            Some(Credentials::App(app)) => {
                let app = app.checked()?;
                let app_itself = Identity::named(&format!("app {}", app.id()));
                let own = |tokens| runtime(tokens, app_itself);
                Arc::new(Arc::new(Installations::new(app, own)))
            }
            None => {
                return Err(Error::config("no token was given")
                    .with_hint("give one, or build from the environment"));
            }
        };
        let runtime = runtime(tokens, self.identity.unwrap_or(identity));
        Ok(Client::new(
            runtime,
            connections,
            self.refuses_unknown_settings,
        ))
    }

    fn pacing_for(&self, base: &Url) -> Pacing {
        match &self.pacing {
            Some(pacing) => pacing.clone(),
            None if is_own_server(base) => Pacing::concurrency_only(),
            None => Pacing::learning(),
        }
    }

    fn connections(&self, base: &Url) -> Result<Arc<Connections>, Error> {
        let Some(shared) = &self.connections else {
            let own = match &self.transport {
                Some(transport) => Connections::by(transport.clone(), base),
                None => {
                    let (connect, attempt) =
                        (self.retry.connect_timeout, self.retry.attempt_timeout);
                    self.sockets.open(base, is_loopback(base), connect, attempt)
                }
            };
            return own.map(Arc::new);
        };
        let refuse = |why: &str| Err(Error::config(format!("connections can't be shared: {why}")));
        if !shared.lead_to(base) {
            refuse("the other client is one of another server")
        } else if self.transport.is_some() || self.sockets.are_set() {
            refuse("a transport, a proxy or certificates are set here, too")
        } else {
            Ok(shared.clone())
        }
    }

    /// The transport and the headers of all requests.
    fn context(&self, connections: &Connections) -> Result<Context, Error> {
        let layers = self.layers.iter();
        let transport = layers.fold(connections.transport.clone(), |inner, around| around(inner));
        let wire = Arc::new(Wire::new(transport));
        let user_agent = user_agent(self.user_agent.as_deref())?;
        let context = Context::new(connections.requests.clone(), wire, user_agent);
        Ok(match &self.api_version {
            Some(version) => context.with_api_version(header(version, "API version")?),
            None => context,
        })
    }

    fn address(&self) -> Result<Url, Error> {
        match (&self.base_url, &self.host, &self.token) {
            (Some(url), ..) => base_url(url),
            (None, Some(host), _) => base_url(&Server::named(host, "the host")?.to_string()),
            (None, None, Some(Credentials::Environment(found))) => found.address(base_url),
            (None, None, _) => base_url(&Server::GitHub.to_string()),
        }
    }
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
        .map_err(|_| Error::config(format!("the {what} does not fit into a header")))
}
