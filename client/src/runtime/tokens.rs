//! The sources of the token of each attempt.

use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::timeout;

use super::allowance::Allowance;
use crate::auth::{AfterRefusal, Audience, Token, TokenRefusal, TokenSource};
use crate::error::{Error, ErrorKind};
use crate::limits::Identity;

/// Gives tokens within a call's time.
pub(crate) trait Tokens: Send + Sync {
    /// The token to use now.
    fn token<'a>(
        &'a self,
        audience: Audience<'a>,
        allowance: &'a Allowance,
    ) -> BoxFuture<'a, Result<Token, Error>>;

    /// The identity that GitHub counts the token for, as far as is known; `None` for the client's own.
    fn identity(&self, audience: Audience<'_>) -> Option<Identity> {
        let _ = audience;
        None
    }

    /// A name that is the same for all calls of one identity, even before the identity is known; `None` for the client's
    /// own.
    fn group(&self, audience: Audience<'_>) -> Option<String> {
        self.identity(audience).map(|identity| identity.to_string())
    }

    /// Called after GitHub refused a token with `401`; says whether to ask for another.
    fn refused(&self, audience: Audience<'_>, refusal: &TokenRefusal<'_>) -> AfterRefusal {
        let _ = (audience, refusal);
        AfterRefusal::GiveUp
    }

    /// How long to wait before another attempt after a `403` or `404` that the token may have caused: GitHub may not
    /// know it everywhere yet, or it may be older than its permissions. `None` if it can't have. `is_first`: no request
    /// with this token has been accepted before, or it does not count that one was.
    fn denied(&self, token: &Token, error: &Error, is_first: bool) -> Option<Duration> {
        let _ = (token, error, is_first);
        None
    }

    /// Forgets the tokens that are kept.
    fn forget(&self) {}

    /// Whether all calls use one token.
    fn is_shared(&self) -> bool {
        false
    }
}

/// One token for all calls.
impl Tokens for Token {
    fn token<'a>(
        &'a self,
        _: Audience<'a>,
        _: &'a Allowance,
    ) -> BoxFuture<'a, Result<Token, Error>> {
        Box::pin(ready(Ok(self.clone())))
    }

    fn is_shared(&self) -> bool {
        true
    }
}

/// Tokens of a caller's source, which has what is left of the call's retry window to answer.
impl Tokens for Arc<dyn TokenSource> {
    fn token<'a>(
        &'a self,
        audience: Audience<'a>,
        allowance: &'a Allowance,
    ) -> BoxFuture<'a, Result<Token, Error>> {
        Box::pin(async move {
            // Several calls may share this future, and a panic would end them all.
            let token = AssertUnwindSafe(async { self.as_ref().token(audience).await });
            let failed =
                |why| Error::new(ErrorKind::TokenSource, format!("the token source {why}"));
            match timeout(allowance.left(), token.catch_unwind()).await {
                Ok(Ok(Ok(token))) => Ok(token),
                Ok(Ok(Err(error))) => Err(Error::of_source(error, || failed("gave no token"))),
                Ok(Err(_)) => Err(failed("panicked")),
                Err(_) => {
                    let why = "the token source did not answer in time";
                    Err(Error::new(ErrorKind::Timeout, why))
                }
            }
        })
    }

    fn identity(&self, audience: Audience<'_>) -> Option<Identity> {
        let identity = AssertUnwindSafe(|| self.as_ref().identity(audience));
        catch_unwind(identity).unwrap_or_default()
    }

    fn refused(&self, audience: Audience<'_>, refusal: &TokenRefusal<'_>) -> AfterRefusal {
        let refused = AssertUnwindSafe(|| self.as_ref().refused(audience, refusal));
        catch_unwind(refused).unwrap_or(AfterRefusal::GiveUp)
    }
}
