//! The App's own credentials: a JWT that its signer signs.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use serde_json::json;
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

use super::signer::{Signer, signed};
use crate::auth::{AfterRefusal, Audience, Token, TokenRefusal};
use crate::error::{Error, ErrorKind};
use crate::runtime::{Allowance, Tokens, lock};

/// Once less than this is left of a JWT's life, another is signed.
const MARGIN: Duration = Duration::from_secs(120);

/// How far ahead a JWT expires: less than the ten minutes that GitHub allows.
const JWT_LIFE: Duration = Duration::from_secs(9 * 60);

/// How far back a JWT is dated, as GitHub advises, for clocks that run apart.
const JWT_BACK: Duration = Duration::from_secs(60);

const HEADER: &str = r#"{"typ":"JWT","alg":"RS256"}"#;

/// Clocks that differ by less are not why a JWT is refused.
const SKEW: Duration = Duration::from_secs(10);

/// The App's own credentials: a JWT that its signer signs.
pub(super) struct Jwt {
    id: String,
    signer: Arc<dyn Signer>,
    state: Mutex<State>,
}

struct State {
    /// The time that went with `since`: this machine's, or the server's once that was found to differ.
    clock: SystemTime,
    since: Instant,
    /// With the instant from which on another is signed.
    kept: Option<(Token, Instant)>,
    signing: Option<WeakShared<Signing>>,
}

/// Driven by each caller that waits for it, and given up with the last.
type Signing = BoxFuture<'static, Result<(Token, Instant), Error>>;

impl State {
    fn new(clock: SystemTime) -> Self {
        Self {
            clock,
            since: Instant::now(),
            kept: None,
            signing: None,
        }
    }

    fn now(&self) -> SystemTime {
        self.clock + self.since.elapsed()
    }
}

impl Jwt {
    /// Calls as the App of this id.
    pub(super) fn new(id: String, signer: Arc<dyn Signer>) -> Self {
        Self {
            id,
            signer,
            state: Mutex::new(State::new(SystemTime::now())),
        }
    }

    async fn kept_or_signed(&self) -> Result<Token, Error> {
        let signing = {
            let mut state = lock(&self.state);
            if let Some((token, until)) = &state.kept
                && Instant::now() < *until
            {
                return Ok(token.clone());
            }
            let under_way = state.signing.as_ref().and_then(WeakShared::upgrade);
            under_way.unwrap_or_else(|| {
                let signing = self.sign(state.now());
                state.signing = signing.downgrade();
                signing
            })
        };
        let result = signing.clone().await;
        let mut state = lock(&self.state);
        let present = state.signing.as_ref().and_then(WeakShared::upgrade);
        // Unless the clock was set meanwhile.
        if present.is_some_and(|present| present.ptr_eq(&signing)) {
            state.signing = None;
            state.kept = result.clone().ok();
        }
        Ok(result?.0)
    }

    fn sign(&self, now: SystemTime) -> Shared<Signing> {
        let until = Instant::now() + JWT_LIFE - MARGIN;
        let now = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let claims = json!({
            "iat": now.saturating_sub(JWT_BACK).as_secs(),
            "exp": (now + JWT_LIFE).as_secs(),
            "iss": self.id,
        });
        let encoded = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let message = format!("{}.{}", encoded(HEADER), encoded(&claims.to_string()));
        let signer = self.signer.clone();
        let signing = async move {
            // With its signature the message is a token: no copy of either is left.
            let signature = Zeroizing::new(signed(&*signer, message.as_bytes()).await?);
            let signature = Zeroizing::new(URL_SAFE_NO_PAD.encode(&*signature));
            let mut token = String::with_capacity(message.len() + 1 + signature.len());
            [&*message, ".", &*signature]
                .into_iter()
                .for_each(|piece| token.push_str(piece));
            Ok((Token::new(token)?, until))
        };
        signing.boxed().shared()
    }
}

impl Tokens for Jwt {
    fn token<'a>(
        &'a self,
        _: Audience<'a>,
        allowance: &'a Allowance,
    ) -> BoxFuture<'a, Result<Token, Error>> {
        Box::pin(async move {
            let late = |_| {
                Error::new(
                    ErrorKind::Timeout,
                    "the App's signer did not answer in time",
                )
            };
            timeout(allowance.left(), self.kept_or_signed())
                .await
                .map_err(late)?
        })
    }

    fn is_shared(&self) -> bool {
        true
    }

    /// A JWT is refused when the clocks differ; the reply says what the server's shows. Once it is set by that, a
    /// second refusal has another reason.
    fn refused(&self, _: Audience<'_>, refusal: &TokenRefusal<'_>) -> AfterRefusal {
        let mut state = lock(&self.state);
        let present = |(kept, _): &(Token, Instant)| kept.expose() == refusal.token.expose();
        if !state.kept.as_ref().is_some_and(present) {
            // The clock was set meanwhile.
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
        *state = State::new(theirs);
        AfterRefusal::AskAgain(Duration::ZERO)
    }
}
