//! The server and the token that the environment names.

use std::fmt;

use secrecy::SecretString;

use super::server::Server;

/// What the environment says about the server and the token.
pub(crate) struct Environment {
    /// The API's address.
    pub(crate) base_url: Option<String>,
    /// The host, if no address is given.
    pub(crate) host: Option<String>,
    /// The token.
    pub(crate) token: Option<SecretString>,
}

impl Environment {
    /// Reads the variables that GitHub's own tools read. An empty one counts as unset.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let base_url = variable("GITHUB_API_URL");
        let host = variable("GH_HOST").filter(|_| base_url.is_none());
        let names = match host.as_deref().map(Server::of) {
            Some(Server::Own(_)) => ["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"],
            _ => ["GH_TOKEN", "GITHUB_TOKEN"],
        };
        let token = names
            .iter()
            .find_map(|name| variable(name))
            .map(SecretString::from);
        Self {
            base_url,
            host,
            token,
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("base_url", &self.base_url)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}
