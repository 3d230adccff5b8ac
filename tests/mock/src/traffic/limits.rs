//! GitHub's limits on traffic: what each allows.

use std::time::Duration;

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

/// The limits that [`GitHub::set_limits`](crate::GitHub::set_limits) enforces, for each
/// [identity](crate::Identity) by itself. `None` leaves a limit out.
///
/// Windows slide: a limit of 80 a minute holds for every span of sixty seconds, wherever it begins, so a schedule that
/// passes here passes any way of counting minutes. A request that a fault answers is not counted.
///
/// # Examples
/// ```
/// use octoseal_mock::{GitHub, Limits};
///
/// let github = GitHub::new();
/// // What GitHub documents, as far as secrets are concerned.
/// github.set_limits(Limits::documented());
/// // A server that takes every write for content.
/// github.set_limits(Limits::documented().with_content());
/// // One whose administrator allows little, and which does not say when to come back.
/// let mut tight = Limits::none();
/// (tight.points_a_minute, tight.retry_after) = (Some(100), false);
/// github.set_limits(tight);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Requests under way at once. They are counted where requests travel, in process and over sockets.
    pub concurrent: Option<u32>,
    /// Points in a minute: a GET costs 1, everything that writes 5.
    pub points_a_minute: Option<u32>,
    /// POSTs, PUTs and PATCHes in a minute, for a server that takes them all for content.
    pub content_a_minute: Option<u32>,
    /// The same in an hour.
    pub content_an_hour: Option<u32>,
    /// The least time between two writes.
    pub between_writes: Option<Duration>,
    /// Requests in the hour that begins with the first: the primary limit, which every reply's headers count.
    pub requests_an_hour: Option<u32>,
    /// The status of a refusal, 403 or 429. GitHub documents both.
    pub status: u16,
    /// Whether a secondary refusal says in `retry-after` how long to wait.
    pub retry_after: bool,
    /// How long after a secondary refusal everything is refused.
    pub penalty: Duration,
}

impl Limits {
    /// The limits that GitHub documents for one user: 100 requests at once, 900 points a minute, 5,000 requests an hour.
    ///
    /// Secrets and variables are no content: GitHub's description marks what is, and none of their operations.
    /// One second between writes is advice rather than a limit, and left out.
    pub fn documented() -> Self {
        Self {
            concurrent: Some(100),
            points_a_minute: Some(900),
            requests_an_hour: Some(5_000),
            ..Self::none()
        }
    }

    /// The same for a server that takes every write but a deletion for content: 80 a minute and 500 an hour.
    pub fn with_content(self) -> Self {
        Self {
            content_a_minute: Some(80),
            content_an_hour: Some(500),
            ..self
        }
    }

    /// No limit at all: a place to start from.
    pub fn none() -> Self {
        Self {
            concurrent: None,
            points_a_minute: None,
            content_a_minute: None,
            content_an_hour: None,
            between_writes: None,
            requests_an_hour: None,
            status: 403,
            retry_after: true,
            penalty: MINUTE,
        }
    }
}

/// Which limit a request ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExceededLimit {
    /// [`Limits::concurrent`].
    Concurrent,
    /// [`Limits::points_a_minute`].
    Points,
    /// [`Limits::content_a_minute`] or [`Limits::content_an_hour`].
    Content,
    /// [`Limits::between_writes`].
    BetweenWrites,
    /// [`Limits::requests_an_hour`].
    Requests,
    /// [`Limits::penalty`]: an earlier request of the same identity ran into another one.
    Penalty,
}

/// What an identity has used: see [`GitHub::usage`](crate::GitHub::usage).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Requests that were let through.
    pub admitted: u64,
    /// Those of them that write.
    pub writes: u64,
    /// The points that they cost.
    pub points: u64,
    /// Requests that a limit refused.
    pub refused: u64,
    /// The most requests that were under way at once.
    pub most_under_way: u32,
}
