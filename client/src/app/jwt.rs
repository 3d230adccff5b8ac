//! The App's own tokens: JWTs that its signer signs.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use serde_json::json;
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

use super::signer::{Signer, sign};
use crate::auth::{AfterRefusal, Audience, Token, TokenRefusal};
use crate::error::{Error, ErrorKind};
use crate::runtime::{Allowance, Tokens, lock};

/// How long before a JWT expires another is signed.
const MARGIN: Duration = Duration::from_secs(120);

/// Less than the ten minutes that GitHub allows.
const JWT_LIFE: Duration = Duration::from_secs(9 * 60);

/// How far back a JWT is dated, as GitHub advises, since clocks differ.
const JWT_BACKDATE: Duration = Duration::from_secs(60);

const HEADER: &str = r#"{"typ":"JWT","alg":"RS256"}"#;

/// The smallest difference of clocks for which GitHub may refuse a JWT.
const LEAST_SKEW: Duration = Duration::from_secs(10);

/// The App's own tokens.
pub(super) struct Jwt {
    id: String,
    signer: Arc<dyn Signer>,
    state: Mutex<State>,
}

struct State {
    /// The time at the instant `set_at`, by this machine's clock, or by the server's once that was found to differ.
    clock: SystemTime,
    set_at: Instant,
    /// With the instant at which another is signed.
    kept: Option<(Token, Instant)>,
    signing: Option<WeakShared<Signing>>,
}

/// A signature under way. Each caller that waits for it drives it, and it is dropped with the last of them.
type Signing = BoxFuture<'static, Result<(Token, Instant), Error>>;

impl State {
    fn new(clock: SystemTime) -> Self {
        Self {
            clock,
            set_at: Instant::now(),
            kept: None,
            signing: None,
        }
    }

    fn now(&self) -> SystemTime {
        self.clock + self.set_at.elapsed()
    }
}

impl Jwt {
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
            "iat": now.saturating_sub(JWT_BACKDATE).as_secs(),
            "exp": (now + JWT_LIFE).as_secs(),
            "iss": self.id,
        });
        let encoded = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let message = format!("{}.{}", encoded(HEADER), encoded(&claims.to_string()));
        let signer = self.signer.clone();
        let signing = async move {
            // The signature is as secret as the token, and copies of it are wiped.
            let signature = Zeroizing::new(sign(&*signer, message.as_bytes()).await?);
            let signature = Zeroizing::new(URL_SAFE_NO_PAD.encode(&*signature));
            let token = [&*message, &*signature].join(".");
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

    /// Sets the clock by the reply, since a JWT is refused when clocks differ. If they don't, there is another reason.
    fn refused(&self, _: Audience<'_>, refusal: &TokenRefusal<'_>) -> AfterRefusal {
        let mut state = lock(&self.state);
        let is_kept = |(kept, _): &(Token, Instant)| kept.expose() == refusal.token.expose();
        if !state.kept.as_ref().is_some_and(is_kept) {
            // The clock was set meanwhile.
            return AfterRefusal::AskAgain(Duration::ZERO);
        }
        state.kept = None;
        let Some(theirs) = refusal.server_time else {
            return AfterRefusal::GiveUp;
        };
        let ours = state.now();
        let apart = theirs
            .duration_since(ours)
            .or_else(|_| ours.duration_since(theirs))
            .unwrap_or_default();
        if apart < LEAST_SKEW {
            return AfterRefusal::GiveUp;
        }
        *state = State::new(theirs);
        AfterRefusal::AskAgain(Duration::ZERO)
    }
}
