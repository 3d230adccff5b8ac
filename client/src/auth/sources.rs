//! Tokens that the surroundings give and may change: environment variables and mounted files.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::auth::server::Server;
use crate::auth::token::{AfterRefusal, Audience, Token, TokenFuture, TokenRefusal, TokenSource};
use crate::error::{BoxError, Error};

/// A token in an environment variable, read again for each request.
///
/// # Examples
/// ```
/// let source = octoseal::EnvironmentToken::new("GITHUB_TOKEN");
/// let github = octoseal::Client::builder().token_source(source).build()?;
/// # Ok::<(), octoseal::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct EnvironmentToken {
    variable: String,
}

impl EnvironmentToken {
    /// The variable's name.
    pub fn new(variable: impl Into<String>) -> Self {
        Self {
            variable: variable.into(),
        }
    }

    fn read(&self) -> Result<Token, Error> {
        let text = std::env::var(&self.variable).map_err(|_| {
            Error::config(format!(
                "the environment variable {} is not set",
                self.variable
            ))
        })?;
        Token::new(text)
    }
}

/// A token in a file, such as a mounted secret, read again for each request, so that a rotated token is used at
/// once. Space and line breaks around it are no part of it.
///
/// # Examples
/// ```
/// let source = octoseal::FileToken::new("/run/secrets/github-token");
/// let github = octoseal::Client::builder().token_source(source).build()?;
/// # Ok::<(), octoseal::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FileToken {
    path: PathBuf,
}

impl FileToken {
    /// The file's path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    fn read(&self) -> Result<Token, Error> {
        let text = std::fs::read_to_string(&self.path)
            .map(Zeroizing::new)
            .map_err(|why| {
                Error::config(format!(
                    "the token file {} can't be read",
                    self.path.display()
                ))
                .with_source(why)
            })?;
        Token::new(SecretString::from(text.trim()))
    }
}

/// A source that reads afresh: a refused token is worth another try only if there is another by now.
macro_rules! read_afresh {
    ($($source:ident),*) => {$(
        impl TokenSource for $source {
            fn token<'a>(&'a self, _: Audience<'a>) -> TokenFuture<'a> {
                Box::pin(std::future::ready(self.read().map_err(BoxError::from)))
            }

            fn refused(&self, _: Audience<'_>, refusal: &TokenRefusal<'_>) -> AfterRefusal {
                match self.read() {
                    Ok(token) if token.expose() != refusal.token.expose() => AfterRefusal::AskAgain(Duration::ZERO),
                    _ => AfterRefusal::GiveUp,
                }
            }
        }
    )*};
}

read_afresh!(EnvironmentToken, FileToken);

/// What the surroundings say about the server and the token.
pub(crate) struct Surroundings {
    /// The API's address.
    pub(crate) base_url: Option<String>,
    /// The host, if no address is given.
    pub(crate) host: Option<String>,
    /// The token.
    pub(crate) token: Option<SecretString>,
}

impl Surroundings {
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

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("base_url", &self.base_url)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}
