//! Sources of tokens in environment variables and mounted files, which may change.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::file::read_secret;
use super::reading::Reading;
use super::token::{AfterRefusal, Audience, Token, TokenFuture, TokenRefusal, TokenSource};
use crate::error::{BoxError, Error, Given, GivenPath, shown, shown_path};

const NOT_THE_TOKEN: &str = "give where the token is; for the token itself there is `token`";

/// The error of an environment variable that is not set, or is not text.
pub(crate) fn unset_variable(name: &str) -> Error {
    let name = shown(name);
    Error::config(format!("the environment variable {name} is not set"))
}

/// A token in an environment variable, read again for each request.
///
/// # Examples
/// ```
/// let source = octoseal::auth::EnvToken::new("GITHUB_TOKEN");
/// let github = octoseal::Client::builder().token_source(source).build()?;
/// # Ok::<(), octoseal::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct EnvToken {
    variable: Given,
}

impl EnvToken {
    /// The variable's name.
    pub fn new(variable: impl Into<String>) -> Self {
        Self {
            variable: Given(variable.into()),
        }
    }

    fn read(&self) -> Result<Token, Error> {
        let text = std::env::var(&*self.variable)
            .map_err(|_| unset_variable(&self.variable).with_hint(NOT_THE_TOKEN))?;
        Token::new(text)
    }
}

/// A token in a file, such as a mounted secret, read again for each request, so that a rotated token is used at
/// once. Blanks and line breaks around it are ignored. It must be a regular file of at most 64 KiB; reading it counts
/// towards the call's time. A file system that hangs holds up one thread for each source, however many calls wait for it,
/// and keeps a runtime from ending for a second at most.
///
/// # Examples
/// ```
/// let source = octoseal::auth::FileToken::new("/run/secrets/github-token");
/// let github = octoseal::Client::builder().token_source(source).build()?;
/// # Ok::<(), octoseal::Error>(())
/// ```
#[derive(Clone)]
pub struct FileToken {
    path: GivenPath,
    reading: Reading<Result<Token, Error>>,
}

impl FileToken {
    /// The file's path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = GivenPath(path.into());
        let reading = Reading::default();
        Self { path, reading }
    }

    fn read(path: &Path) -> Result<Token, Error> {
        let bytes = read_secret("the token file", path, NOT_THE_TOKEN)?;
        let text = std::str::from_utf8(&bytes).map_err(|why| {
            let refused = format!("the token file {} is not text", shown_path(path));
            Error::config(refused).with_source(why)
        })?;
        Token::new(text.trim())
    }
}

/// Asks again, since the source reads afresh; if it gives the same token, that is not sent again.
const READ_AFRESH: AfterRefusal = AfterRefusal::AskAgain(Duration::ZERO);

impl fmt::Debug for FileToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileToken")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl TokenSource for EnvToken {
    fn token<'a>(&'a self, _: Audience<'a>) -> TokenFuture<'a> {
        Box::pin(std::future::ready(self.read().map_err(BoxError::from)))
    }

    fn refused(&self, _: Audience<'_>, _: &TokenRefusal<'_>) -> AfterRefusal {
        READ_AFRESH
    }
}

impl TokenSource for FileToken {
    fn token<'a>(&'a self, _: Audience<'a>) -> TokenFuture<'a> {
        let path = self.path.0.clone();
        Box::pin(async move {
            let read = self.reading.join_or(move || Self::read(&path));
            let lost = || {
                Error::config(
                    "the token file could not be read: its thread did not start, or panicked",
                )
            };
            Ok(read.await.unwrap_or_else(|| Err(lost()))?)
        })
    }

    fn refused(&self, _: Audience<'_>, _: &TokenRefusal<'_>) -> AfterRefusal {
        READ_AFRESH
    }
}
