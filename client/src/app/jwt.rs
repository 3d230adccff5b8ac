//! The App's own credentials: a JWT that it signs.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use tokio::time::Instant;

use super::lock;
use crate::auth::{AfterRefusal, Audience, Token, TokenFuture, TokenRefusal, TokenSource};
use crate::error::{BoxError, Error};

/// Once less than this is left of a JWT's life, another is signed.
const MARGIN: Duration = Duration::from_secs(120);

/// How far ahead a JWT expires: less than the ten minutes that GitHub allows.
const JWT_LIFE: Duration = Duration::from_secs(9 * 60);

/// How far back a JWT is dated, as GitHub advises, for clocks that run apart.
const JWT_BACK: Duration = Duration::from_secs(60);

/// Clocks that differ by less are not why a JWT is refused.
const SKEW: Duration = Duration::from_secs(10);
/// The App's own credentials: a JWT that it signs.
pub(super) struct Jwt {
    id: String,
    key: EncodingKey,
    state: Mutex<JwtState>,
}

struct JwtState {
    /// The time that went with `since`: this machine's, or the server's once that was found to differ.
    clock: SystemTime,
    since: Instant,
    kept: Option<(Token, Instant)>,
}

impl JwtState {
    fn new() -> Self {
        Self {
            clock: SystemTime::now(),
            since: Instant::now(),
            kept: None,
        }
    }

    fn now(&self) -> SystemTime {
        self.clock + self.since.elapsed()
    }
}

impl Jwt {
    /// Signs as the App of this id with its key.
    pub(super) fn new(id: String, key: EncodingKey) -> Self {
        Self {
            id,
            key,
            state: Mutex::new(JwtState::new()),
        }
    }

    fn get(&self) -> Result<Token, Error> {
        let mut state = lock(&self.state);
        if let Some((token, until)) = &state.kept
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let now = state
            .now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let claims = json!({
            "iat": now.saturating_sub(JWT_BACK).as_secs(),
            "exp": (now + JWT_LIFE).as_secs(),
            "iss": self.id,
        });
        let text = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key)
            .map_err(|_| Error::config("the App's key can't sign"))?;
        let token = Token::new(text)?;
        state.kept = Some((token.clone(), Instant::now() + JWT_LIFE - MARGIN));
        Ok(token)
    }
}

impl TokenSource for Jwt {
    fn token<'a>(&'a self, _: Audience<'a>) -> TokenFuture<'a> {
        Box::pin(std::future::ready(self.get().map_err(BoxError::from)))
    }

    /// A JWT is refused when the clocks differ; the reply says what the server's shows. Once it is set by that, a
    /// second refusal has another reason.
    fn refused(&self, _: Audience<'_>, refusal: &TokenRefusal<'_>) -> AfterRefusal {
        let mut state = lock(&self.state);
        let present = |(kept, _): &(Token, Instant)| kept.expose() == refusal.token.expose();
        if !state.kept.as_ref().is_some_and(present) {
            // Somebody has set the clock meanwhile.
            return AfterRefusal::AskAgain(Duration::ZERO);
        }
        // Refused for whatever reason, it is not given out again.
        state.kept = None;
        let Some(theirs) = refusal.server_time else {
            return AfterRefusal::GiveUp;
        };
        let ours = state.now();
        let apart = theirs
            .duration_since(ours)
            .or_else(|_| ours.duration_since(theirs))
            .unwrap_or_default();
        if apart < SKEW {
            return AfterRefusal::GiveUp;
        }
        *state = JwtState {
            clock: theirs,
            since: Instant::now(),
            kept: None,
        };
        AfterRefusal::AskAgain(Duration::ZERO)
    }
}
