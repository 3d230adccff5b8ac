//! The server and the token that environment variables name.

use reqwest::Url;
use zeroize::Zeroizing;

use super::server::Server;
use crate::error::Error;

/// The variables that name them.
#[derive(Clone)]
pub(crate) struct Environment {
    base_url: Option<String>,
    host: Option<String>,
    /// For GitHub and data residency: `GH_TOKEN`.
    github: Option<Zeroizing<String>>,
    /// For the server of `GITHUB_API_URL`: `GITHUB_TOKEN`.
    runner: Option<Zeroizing<String>>,
    /// For an Enterprise Server: `GH_ENTERPRISE_TOKEN` or `GITHUB_ENTERPRISE_TOKEN`.
    enterprise: Option<Zeroizing<String>>,
}

impl Environment {
    /// Reads the variables that GitHub's own tools read. An empty one counts as unset.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let token = |name: &str| variable(name).map(Zeroizing::new);
        Self {
            base_url: variable("GITHUB_API_URL"),
            host: variable("GH_HOST"),
            github: token("GH_TOKEN"),
            runner: token("GITHUB_TOKEN"),
            enterprise: token("GH_ENTERPRISE_TOKEN").or_else(|| token("GITHUB_ENTERPRISE_TOKEN")),
        }
    }

    /// The API's address, which `check` parses.
    pub(crate) fn address(&self, check: impl Fn(&str) -> Result<Url, Error>) -> Result<Url, Error> {
        let host = self.host.as_deref();
        let host = host
            .map(|host| Server::named(host, "GH_HOST"))
            .transpose()?;
        let Some(base_url) = &self.base_url else {
            return check(&host.unwrap_or(Server::GitHub).to_string());
        };
        let url = check(base_url)?;
        match host {
            Some(host) if host != Server::at(&url) => Err(Error::config(
                "GITHUB_API_URL and GH_HOST name different servers",
            )
            .with_hint(
                "set both to the server that is meant, or unset one; a runner sets GITHUB_API_URL to its own server",
            )),
            _ => Ok(url),
        }
    }

    /// The token for the server at an address.
    pub(crate) fn token_for(self, address: &Url) -> Result<Zeroizing<String>, Error> {
        let server = Server::at(address);
        let is_runners = match &self.base_url {
            None => !matches!(server, Server::Own(_)),
            // An address that can't be read names no server.
            Some(url) => Url::parse(url).is_ok_and(|url| Server::at(&url) == server),
        };
        let (first, hint) = match server {
            Server::Own(_) => (
                self.enterprise,
                "set GH_ENTERPRISE_TOKEN: GH_TOKEN is GitHub's, and GITHUB_TOKEN counts for another server only if \
                 GITHUB_API_URL names it",
            ),
            _ => (
                self.github,
                "set GH_TOKEN, or GITHUB_TOKEN unless GITHUB_API_URL names another server; GH_ENTERPRISE_TOKEN is an \
                 Enterprise Server's",
            ),
        };
        first
            .or(self.runner.filter(|_| is_runners))
            .ok_or_else(|| Error::config("no token was given").with_hint(hint))
    }
}
