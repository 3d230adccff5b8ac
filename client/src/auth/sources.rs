//! Tokens that are kept elsewhere and may change: in environment variables and mounted files.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::token::{AfterRefusal, Audience, Token, TokenFuture, TokenRefusal, TokenSource};
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
