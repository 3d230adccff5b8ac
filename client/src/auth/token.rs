//! Tokens and their sources.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::HeaderValue;
#[cfg(feature = "secrecy")]
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::error::{BoxError, Error};
use crate::limits::Identity;

/// A token that GitHub accepts as `Bearer`: personal, fine-grained, of an OAuth app or of an installation. Any length and
/// form that fits into a header. Never printed, wiped on drop.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// Checks and keeps a token.
    ///
    /// # Errors
    /// [`Error::is_config`] if it is empty or holds what a header can't (a line break from a file, for example).
    pub fn new(token: impl Into<String>) -> Result<Self, Error> {
        Self::of_secret(token.into().into())
    }

    pub(crate) fn of_secret(token: Zeroizing<String>) -> Result<Self, Error> {
        let fits = |b: u8| b.is_ascii_graphic();
        if token.is_empty() {
            return Err(Error::config("the token is empty"));
        }
        if !token.bytes().all(fits) {
            return Err(Error::config(
                "the token holds a space, a line break or another character no token has",
            )
            .with_hint("trim what was read from a file or variable"));
        }
        Ok(Self(token))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn header(&self) -> HeaderValue {
        // The header takes over the string's memory, so that no other copy is left.
        let mut text = String::with_capacity(7 + self.expose().len());
        text.push_str("Bearer ");
        text.push_str(self.expose());
        let mut value = HeaderValue::try_from(text).expect("Token::new admits graphic ASCII only");
        value.set_sensitive(true);
        value
    }
}

#[cfg(feature = "secrecy")]
impl TryFrom<SecretString> for Token {
    type Error = Error;

    fn try_from(token: SecretString) -> Result<Self, Error> {
        Self::new(token.expose_secret())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([redacted])")
    }
}

/// What a call needs a token for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Audience<'a> {
    /// The organization or repository owner; `None` for the authenticated user.
    pub owner: Option<&'a str>,
    /// The repository's name, if the call is about one.
    pub repository: Option<&'a str>,
    /// The permission that the call needs, by its word in GitHub's API (`organization_secrets`), if that is known: for
    /// sources that narrow their tokens. The [guide](crate::guide::apps) lists them.
    pub permission: Option<&'a str>,
}

impl<'a> Audience<'a> {
    pub(crate) fn new(owner: Option<&'a str>, repository: Option<&'a str>) -> Self {
        Self {
            owner,
            repository,
            permission: None,
        }
    }
}

/// A token that GitHub refused with `401`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TokenRefusal<'a> {
    /// The token.
    pub token: &'a Token,
    /// The server's clock when it refused, if the reply says: a token that was signed on this machine may be refused since
    /// the clocks differ.
    pub server_time: Option<SystemTime>,
}

/// What to do after GitHub refused a token with `401`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AfterRefusal {
    /// Give up: asking again would give the same token.
    GiveUp,
    /// Ask for a token again, after this long.
    AskAgain(Duration),
}

/// The future of a [`TokenSource`].
pub type TokenFuture<'a> = Pin<Box<dyn Future<Output = Result<Token, BoxError>> + Send + 'a>>;

/// Gives tokens, for example from a vault.
///
/// # Examples
/// ```
/// use octoseal::auth::{Audience, Token, TokenFuture, TokenSource};
///
/// struct Vault;
///
/// impl Vault {
///     async fn read(&self, path: &str) -> Result<String, std::io::Error> {
///         Ok(format!("token-for-{path}"))
///     }
/// }
///
/// impl TokenSource for Vault {
///     fn token<'a>(&'a self, audience: Audience<'a>) -> TokenFuture<'a> {
///         Box::pin(async move {
///             let text = self.read(audience.owner.unwrap_or("user")).await?;
///             Ok(Token::new(text)?)
///         })
///     }
/// }
///
/// let github = octoseal::Client::builder().token_source(Vault).build()?;
/// # Ok::<(), octoseal::Error>(())
/// ```
pub trait TokenSource: Send + Sync {
    /// Gives the token to use now. Called before every request, so it should cache.
    fn token<'a>(&'a self, audience: Audience<'a>) -> TokenFuture<'a>;

    /// The identity that GitHub counts the token for, since each user and each installation of an App has limits of its
    /// own. By default all tokens of the source have one identity; a source that gives tokens of several users or
    /// installations tells them apart here. Called for each request, after [`token`](Self::token).
    fn identity(&self, audience: Audience<'_>) -> Option<Identity> {
        let _ = audience;
        None
    }

    /// Called when GitHub refused a token with `401`; says whether to ask for another. By default it is not asked again,
    /// since after repeated bad credentials GitHub refuses good ones too.
    ///
    /// A token that was refused is not sent again by any call of the client for ten minutes, after which one call tries it
    /// again; at once after [`Client::forget_tokens`](crate::Client::forget_tokens). If the source asks to wait first, as
    /// for one that GitHub may not know everywhere yet, it is sent eight times at most, by all calls together.
    fn refused(&self, audience: Audience<'_>, refusal: &TokenRefusal<'_>) -> AfterRefusal {
        let _ = (audience, refusal);
        AfterRefusal::GiveUp
    }
}

macro_rules! delegate_to_inner {
    ($($holder:ident),*) => {$(
        impl<T: TokenSource + ?Sized> TokenSource for $holder<T> {
            fn token<'a>(&'a self, audience: Audience<'a>) -> TokenFuture<'a> {
                (**self).token(audience)
            }

            fn identity(&self, audience: Audience<'_>) -> Option<Identity> {
                (**self).identity(audience)
            }

            fn refused(&self, audience: Audience<'_>, refusal: &TokenRefusal<'_>) -> AfterRefusal {
                (**self).refused(audience, refusal)
            }
        }
    )*};
}

delegate_to_inner!(Arc, Box);
