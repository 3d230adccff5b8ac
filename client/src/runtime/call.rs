//! One call: attempts, waits and refusals until there is an answer.

use std::fmt;
use std::future::Future;
use std::time::{Duration, SystemTime};

use octoseal_api::{Error as ApiError, ResponseValue};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tower::retry::budget::Budget;
use tracing::{Instrument, debug, debug_span, info_span, warn};

use crate::auth::token::{AfterRefusal, Audience, Token, TokenRefusal};
use crate::client::{Client, Wait};
use crate::error::{Error, Kind, Reach, Stored};
use crate::limits::gate::{LONGEST, Stays, TooLong, WaitReason};
use crate::limits::pacing::Cost;
use crate::runtime::headers;
use crate::runtime::reply::{self, Failure, Next};
use crate::runtime::retry::Allowance;

/// What a call does, for limits, retries, errors and logs.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    /// What is done, as a verb form: "storing".
    pub(crate) doing: &'static str,
    /// What it is done to: a secret's name, or nothing.
    pub(crate) name: &'a str,
    /// Where.
    pub(crate) place: &'a (dyn fmt::Display + Sync),
    pub(crate) effect: Effect,
    pub(crate) audience: Audience<'a>,
    /// Whether a missing permission would be missing for every secret of the scope.
    pub(crate) about_scope: bool,
}

/// So many attempts are made at most while tokens are refused, whatever their source says: GitHub locks out whoever
/// goes on.
const MOST_TOKENS: u32 = 20;

/// What a request changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing.
    Read,
    /// The same when it is carried out twice as once.
    Write,
    /// Something new each time: tried again only if it surely was not carried out.
    Create,
}

impl Effect {
    fn cost(self) -> Cost {
        match self {
            Self::Read => Cost::Read,
            Self::Write | Self::Create => Cost::Write,
        }
    }
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            doing, name, place, ..
        } = self;
        if name.is_empty() {
            write!(f, "{doing} {place}")
        } else {
            write!(f, "{doing} {name} in {place}")
        }
    }
}

/// The state of a call between its attempts.
struct Progress {
    attempts: u32,
    /// An attempt may have been carried out without our learning of it.
    maybe_done: bool,
}

impl Client {
    /// Makes attempts until one gives a value, or none can.
    pub(crate) async fn call<T, F, Fut>(
        &self,
        call: Call<'_>,
        allowance: &Allowance,
        attempt: F,
    ) -> Result<ResponseValue<T>, Error>
    where
        F: Fn(octoseal_api::Client) -> Fut,
        Fut: Future<Output = Result<ResponseValue<T>, ApiError<()>>>,
    {
        let span =
            info_span!("octoseal", operation = call.doing, secret = call.name, scope = %call.place);
        let mut progress = Progress {
            attempts: 0,
            maybe_done: false,
        };
        let result = self
            .attempts(call, allowance, &mut progress, attempt)
            .instrument(span)
            .await;
        result.map_err(|error| {
            let stored = if progress.maybe_done {
                Stored::Unknown
            } else {
                Stored::No
            };
            let one_token = self.inner.tokens.is_one();
            let error = if *error.reach() == Reach::Everyone {
                error
            } else if error.is_tls() || error.is_unauthorized() && one_token {
                error.with_reach(Reach::Everyone)
            } else if error.is_unauthorized() {
                error.with_reach(Reach::Owner(call.audience.owner.map(str::to_owned)))
            } else if error.is_permission() && call.about_scope {
                error.with_reach(Reach::Scope)
            } else {
                error
            };
            error
                .with_action(call.to_string())
                .with_stored(stored)
                .with_attempts(progress.attempts)
        })
    }

    async fn attempts<T, F, Fut>(
        &self,
        call: Call<'_>,
        allowance: &Allowance,
        progress: &mut Progress,
        attempt: F,
    ) -> Result<ResponseValue<T>, Error>
    where
        F: Fn(octoseal_api::Client) -> Fut,
        Fut: Future<Output = Result<ResponseValue<T>, ApiError<()>>>,
    {
        let policy = &self.inner.retry;
        let mut backoff = policy.waits(allowance.patient);
        let mut last_limit: Option<Error> = None;
        loop {
            let passed =
                self.inner
                    .gate
                    .pass(call.effect.cost(), allowance.deadline, |until, reason| {
                        self.waits(until, reason);
                    });
            let pass = match passed.await {
                Ok(pass) => pass,
                Err(Stays::TooLong(wait)) => return Err(limited(wait, last_limit)),
                Err(Stays::Crowded) => {
                    let why = "no request under way made room for it in time";
                    return Err(Error::new(Kind::Timeout, why));
                }
            };
            // Asked for only now, since the wait may have outlasted a token.
            let token = self.token(call, allowance).await?;
            // And a limit may have been met while the source was busy.
            if pass.outdated() {
                continue;
            }
            let time = policy.attempt_timeout.min(allowance.left());
            if time.is_zero() || time < allowance.enough {
                let why = "the time of this call was used up before it could be sent";
                return Err(Error::new(Kind::Timeout, why));
            }
            progress.attempts += 1;
            let began = Instant::now();
            let api = self.api(&token);
            // Reading a refusal's body belongs to the attempt: it may drip too.
            let tried = async {
                match attempt(api).await {
                    Ok(value) => Ok(value),
                    Err(error) => Err(reply::failure(error, token.expose()).await),
                }
            };
            let span = debug_span!("attempt", number = progress.attempts);
            let outcome = timeout(time, tried)
                .instrument(span.clone())
                .await
                .unwrap_or_else(|_| Err(Failure::timed_out(time)));
            let failure = match outcome {
                Ok(value) => {
                    span.in_scope(|| answered(value.status(), value.headers(), began.elapsed()));
                    pass.answered(reply::quota(value.headers()));
                    self.inner.budget.deposit();
                    return Ok(value);
                }
                Err(failure) => failure,
            };
            allowance.spend(began.elapsed());
            span.in_scope(|| failed(&failure, began.elapsed()));
            progress.maybe_done |= failure.maybe_done && call.effect != Effect::Read;
            if let Next::Wait(refusal) = failure.next {
                let (until, reason) = pass.refused(refusal);
                warn!(
                    reason = reason.as_str(),
                    seconds = (until - Instant::now()).as_secs(),
                    "limited"
                );
                last_limit = Some(failure.error);
                continue;
            }
            if failure.answered {
                pass.answered(failure.quota);
            } else {
                drop(pass);
            }
            let wait = match failure.next {
                Next::NewToken => match self.refused(call, &token, &failure) {
                    AfterRefusal::AskAgain(after) if progress.attempts < MOST_TOKENS => Some(after),
                    AfterRefusal::AskAgain(_) | AfterRefusal::GiveUp => None,
                },
                // What makes something new each time is not repeated if it may have been done.
                Next::Retry if failure.maybe_done && call.effect == Effect::Create => None,
                Next::Retry => backoff.next(),
                Next::Stop | Next::Wait(_) => None,
            };
            let Some(wait) = wait else {
                return Err(failure.error);
            };
            if !self.comes_back(wait, &failure, allowance).await {
                return Err(match failure.retry_after {
                    Some(after) => failure.error.with_retry(after.min(LONGEST)),
                    None => failure.error,
                });
            }
        }
    }

    /// Waits before the next attempt: for as long as the server asks, `backoff` at least, and until the client's
    /// budget has a retry left. Says `false`, at once where possible, if that would take too long.
    async fn comes_back(
        &self,
        backoff: Duration,
        failure: &Failure,
        allowance: &Allowance,
    ) -> bool {
        let enough = allowance.enough;
        // A wait that the server asks for is like one for a limit: the deadline alone bounds it.
        let asked = failure.retry_after.unwrap_or_default().min(LONGEST);
        let until = Instant::now() + asked.max(backoff);
        if allowance.left() < backoff + enough
            || allowance
                .deadline
                .is_some_and(|deadline| deadline < until + enough)
        {
            return false;
        }
        self.waits(until, WaitReason::Backoff);
        sleep_until(until).await;
        allowance.spend(backoff);
        while failure.next == Next::Retry && !self.inner.budget.withdraw() {
            let pause = Duration::from_millis(500).mul_f64(0.5 + fastrand::f64());
            if allowance.left() < pause + enough {
                return false;
            }
            sleep(pause).await;
            allowance.spend(pause);
        }
        true
    }

    /// Says whether the gate will be open by the deadline, as far as is known.
    pub(crate) fn in_time(&self, deadline: Option<Instant>) -> Result<(), Error> {
        match (self.inner.gate.closed(), deadline) {
            (Some(closed), Some(deadline)) if deadline < closed.until => Err(limited(closed, None)),
            _ => Ok(()),
        }
    }

    /// Tells the source of a refused token.
    fn refused(&self, call: Call<'_>, token: &Token, failure: &Failure) -> AfterRefusal {
        let server_time = failure.server_time;
        self.inner
            .tokens
            .refused(call.audience, &TokenRefusal { token, server_time })
    }

    async fn token(&self, call: Call<'_>, allowance: &Allowance) -> Result<Token, Error> {
        let token = self.inner.tokens.token(call.audience, allowance).await;
        token.map_err(|error| {
            if error.passes() || error.is_rate_limited() || *error.reach() == Reach::Everyone {
                return error;
            }
            error.with_reach(without_token(call))
        })
    }

    /// Tells whoever wants to know that a call waits.
    fn waits(&self, until: Instant, reason: WaitReason) {
        let duration = until.saturating_duration_since(Instant::now());
        debug!(
            reason = reason.as_str(),
            ms = duration.as_millis() as u64,
            "waiting"
        );
        if let Some(tell) = &self.inner.on_wait {
            tell(&Wait {
                reason,
                duration,
                until: SystemTime::now() + duration,
            });
        }
    }
}

/// Whom a source without a token for this call leaves without one.
fn without_token(call: Call<'_>) -> Reach {
    match call.audience {
        _ if !call.about_scope => Reach::Secret,
        Audience {
            repository: Some(_),
            ..
        } => Reach::Scope,
        Audience { owner, .. } => Reach::Owner(owner.map(str::to_owned)),
    }
}

/// Logs a reply that gave a value.
fn answered(status: StatusCode, headers: &HeaderMap, took: Duration) {
    debug!(
        status = status.as_u16(),
        request_id = headers::request_id(headers),
        remaining = headers::remaining(headers),
        ms = took.as_millis() as u64,
        "answered"
    );
}

/// Logs an attempt that gave none.
fn failed(failure: &Failure, took: Duration) {
    debug!(
        status = failure.error.status(),
        request_id = failure.error.request_id(),
        remaining = failure.quota.map(|quota| quota.remaining),
        ms = took.as_millis() as u64,
        error = %failure.error,
        "failed"
    );
}

const TRY_THEN: &str = "try again then, or give the call a longer deadline";

/// The wait for a limit would outlast the deadline.
fn limited(too_long: TooLong, refusal: Option<Error>) -> Error {
    let wait = too_long.until.saturating_duration_since(Instant::now());
    let reason = format!(
        "{} asks to wait {} s, longer than this call may take",
        too_long.reason.as_str(),
        wait.as_secs()
    );
    let mut error = Error::new(Kind::RateLimited, reason)
        .with_retry(wait)
        .with_hint(TRY_THEN);
    if let Some(refusal) = refusal {
        error = error
            .with_hint(refusal.hint().unwrap_or(TRY_THEN))
            .with_message(refusal.message().map(str::to_owned))
            .with_request_id(refusal.request_id().map(str::to_owned))
            .with_documentation_url(refusal.documentation_url().map(str::to_owned));
    }
    error
}
