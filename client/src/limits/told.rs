//! What GitHub tells of its limits, and what waits are for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::log::Ms;

/// No wait is longer than GitHub's longest documented window, whatever a header says.
pub(crate) const LONGEST: Duration = Duration::from_secs(3601);

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

/// What a refusal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The hour's quota is used up.
    Quota,
    /// A secondary limit, whichever.
    Traffic,
    /// A secondary limit on the creation of content.
    Content,
    /// Something that says nothing of the pace: too many refused tokens.
    Tokens,
}

/// A refusal for a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) cause: Cause,
    /// How long GitHub asks to wait, if it says.
    pub(crate) wait: Option<Duration>,
    /// Whether that is so by the server's clock or needs none, and not by this machine's.
    pub(crate) sure: bool,
}

/// For how long a refusal closes the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// At least so many milliseconds, from now.
    pub wait_ms: u64,
    /// And at least so many, doubled for each refusal before it with no answer between them.
    pub doubled_ms: u64,
    /// Why nothing is sent meanwhile.
    pub reason: WaitReason,
}

impl From<Refusal> for Closing {
    fn from(refusal: Refusal) -> Self {
        let wait_ms = ms(refusal.wait.unwrap_or_default());
        // Repeated refusals wait longer each time even if the headers say "now": no hot loop.
        let said = refusal.wait.is_some() && refusal.sure;
        let doubled_ms = if said { 1_000 } else { 60_000 };
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

/// What a reply says is left of the hour's quota.
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
        let reset_ms = ms(reset);
        Self {
            limit,
            remaining,
            reset_ms,
        }
    }
}

/// A length of time, bounded so that no instant lies beyond what a clock can say.
pub(super) fn ms(time: Duration) -> Ms {
    time.min(LONGEST).as_millis() as Ms
}
