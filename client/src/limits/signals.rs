//! Refusals and quotas, as replies tell them, and the reasons for waits.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::log::Ms;

/// No wait is longer than GitHub's longest documented window, whatever a header says.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(3601);
pub(super) const LONGEST_WAIT_MS: Ms = LONGEST_WAIT.as_millis() as Ms;

/// Why a request has to wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WaitReason {
    /// The quota of the hour is used up.
    PrimaryLimit,
    /// GitHub refused for a secondary limit, or asked to retry later.
    SecondaryLimit,
    /// The client's own [`Pacing`](super::Pacing) keeps a limit.
    #[default]
    Pacing,
    /// A request failed and the client waits before it tries again.
    Backoff,
}

impl WaitReason {
    /// The reason in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PrimaryLimit => "GitHub's primary rate limit",
            Self::SecondaryLimit => "GitHub's secondary rate limit",
            Self::Pacing => "the pace of GitHub's documented limits",
            Self::Backoff => "a failed attempt",
        }
    }
}

/// The limit that a refusal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The hour's quota is used up.
    Quota,
    /// A secondary limit; the reply does not say which.
    Traffic,
    /// The secondary limit on the creation of content.
    Content,
    /// Too many refused tokens, which says nothing of the pace.
    Tokens,
}

/// A refusal for a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) cause: Cause,
    /// How long GitHub asks to wait, if it says.
    pub(crate) wait: Option<Duration>,
    /// Whether `wait` is exact: a number of seconds, or reckoned by the server's clock and not by this machine's.
    pub(crate) exact: bool,
}

/// For how long a refusal closes the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// At least this many milliseconds.
    pub wait_ms: u64,
    /// And at least this many, doubled for each refusal in a row before it.
    pub doubled_ms: u64,
    /// Why nothing is sent meanwhile.
    pub reason: WaitReason,
}

impl From<Refusal> for Closing {
    fn from(refusal: Refusal) -> Self {
        let wait_ms = bounded_ms(refusal.wait.unwrap_or_default());
        // Never 0, since a server that says "retry now" each time would be asked in a hot loop.
        let doubled_ms = match refusal.wait {
            Some(_) if refusal.exact => 1_000,
            _ => 60_000,
        };
        let (wait_ms, reason) = match refusal.cause {
            Cause::Quota => (wait_ms + 1_000, WaitReason::PrimaryLimit),
            _ => (wait_ms, WaitReason::SecondaryLimit),
        };
        Self {
            wait_ms,
            doubled_ms,
            reason,
        }
    }
}

/// The rest of the hour's quota, by a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Requests an hour, if the reply says.
    pub limit: Option<u64>,
    /// Requests that are left.
    pub remaining: u64,
    /// Milliseconds from now until the quota is full again.
    pub reset_ms: u64,
}

impl Quota {
    pub(crate) fn new(limit: Option<u64>, remaining: u64, reset: Duration) -> Self {
        let reset_ms = bounded_ms(reset);
        Self {
            limit,
            remaining,
            reset_ms,
        }
    }
}

/// Milliseconds of `time`, bounded so that no instant they are added to overflows.
pub(super) fn bounded_ms(time: Duration) -> Ms {
    time.min(LONGEST_WAIT).as_millis() as Ms
}
