//! Where a runtime gets the token of each attempt.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::timeout;

use super::allowance::Allowance;
use crate::auth::{AfterRefusal, Audience, Token, TokenRefusal, TokenSource};
use crate::error::{Error, Kind};
use crate::limits::Identity;

/// Gives tokens within a call's time.
pub(crate) trait Tokens: Send + Sync {
    /// The token to use now.
    fn token<'a>(
        &'a self,
        audience: Audience<'a>,
        allowance: &'a Allowance,
    ) -> BoxFuture<'a, Result<Token, Error>>;

    /// Whom GitHub counts the token for, as far as is known; `None` for the client's own identity.
    fn identity(&self, audience: Audience<'_>) -> Option<Identity>;

    /// Who shares an identity, before that may be known; `None` for those who call as the client's own.
    fn group(&self, audience: Audience<'_>) -> Option<String> {
        self.identity(audience).map(|identity| identity.to_string())
    }

    /// What to do after GitHub refused a token with `401`.
    fn refused(&self, audience: Audience<'_>, refusal: &TokenRefusal<'_>) -> AfterRefusal;

    /// How long to wait before another attempt after GitHub answered `403` or `404` to a token that it may not know
    /// everywhere yet, or that is older than what it may do. `first`: it has answered nothing else so far.
    fn denied(&self, token: &Token, error: &Error, first: bool) -> Option<Duration> {
        let _ = (token, error, first);
        None
    }

    /// Forgets the tokens that are kept.
    fn forget(&self) {}

    /// Whether all calls use one token, so that its refusal meets them all.
    fn is_shared(&self) -> bool {
        false
    }
}

/// Tokens of a caller's source, which has as long to answer as a call has for its failures.
pub(crate) struct Sourced {
    pub(crate) source: Arc<dyn TokenSource>,
    /// It gives one token to all.
    pub(crate) shared: bool,
}

impl Tokens for Sourced {
    fn token<'a>(
        &'a self,
        audience: Audience<'a>,
        allowance: &'a Allowance,
    ) -> BoxFuture<'a, Result<Token, Error>> {
        Box::pin(async move {
            // Callers may share what waits for it: a panic of one would be a panic of all.
            let token = AssertUnwindSafe(async { self.source.token(audience).await });
            match timeout(allowance.left(), token.catch_unwind()).await {
                Ok(Ok(Ok(token))) => Ok(token),
                Ok(Err(_)) => Err(Error::new(Kind::Token, "the token source panicked")),
                Ok(Ok(Err(error))) => Err(Error::of_source(error, || {
                    Error::new(Kind::Token, "the token source gave no token")
                })),
                Err(_) => Err(Error::new(
                    Kind::Timeout,
                    "the token source did not answer in time",
                )),
            }
        })
    }

    fn identity(&self, audience: Audience<'_>) -> Option<Identity> {
        let identity = AssertUnwindSafe(|| self.source.identity(audience));
        catch_unwind(identity).unwrap_or_default()
    }

    fn refused(&self, audience: Audience<'_>, refusal: &TokenRefusal<'_>) -> AfterRefusal {
        self.source.refused(audience, refusal)
    }

    fn is_shared(&self) -> bool {
        self.shared
    }
}
