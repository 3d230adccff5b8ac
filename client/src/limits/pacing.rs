//! The settings: which limits are kept.

/// How fast a client sends for one identity, so that GitHub does not have to refuse it.
///
/// A burst leaves at once; only what exceeds a limit waits, for as long as that limit asks and no longer. The limits
/// are those that GitHub documents for
/// [the REST API](https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits),
/// and the hour's quota is kept as the replies tell it.
///
/// | | [`learning`](Self::learning), the default | [`writes_as_content`](Self::writes_as_content) | [`concurrency_only`](Self::concurrency_only) |
/// |---|---|---|---|
/// | requests under way at once | 100 | 100 | 100 |
/// | points a minute | 900 | 900 | – |
/// | content a minute | 80 | 80 | – |
/// | content an hour | 500 | 500 | – |
/// | what counts as content | what GitHub's description marks; every write once GitHub refuses | every write | – |
///
/// Whatever the setting, a server that refuses is obeyed, and where its limits prove to be lower than these, what had
/// passed in the minute before the refusal becomes the limit for a while.
///
/// # Examples
/// ```
/// use octoseal::limits::Pacing;
///
/// let as_known = Pacing::learning();
/// let cautious = Pacing::writes_as_content();
/// let half_of_it = Pacing::learning().concurrent(50).points_per_minute(450);
/// let own_server = Pacing::concurrency_only();
/// # let _ = (as_known, cautious, half_of_it, own_server);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pacing {
    pub(super) concurrent: u32,
    pub(super) points_per_minute: Option<u32>,
    pub(super) content_per_minute: Option<u32>,
    pub(super) content_per_hour: Option<u32>,
    pub(super) writes_are_content: bool,
}

impl Pacing {
    /// Counts requests under way and points, and takes a write for content if GitHub's description marks it as such.
    /// If a server refuses writes as content all the same, or for a reason that the points don't explain, every
    /// write of that identity counts as content, those already sent included: for an hour, and longer each time it
    /// happens again, up to a day.
    ///
    /// Where an identity has not been seen to pass the limits on content yet, five writes are under way at once
    /// beyond them, so that no more than five can be refused.
    pub fn learning() -> Self {
        Self {
            concurrent: 100,
            points_per_minute: Some(900),
            content_per_minute: Some(80),
            content_per_hour: Some(500),
            writes_are_content: false,
        }
    }

    /// As [`learning`](Self::learning), but every write counts as content from the start: for a server that is known
    /// to count so.
    pub fn writes_as_content() -> Self {
        Self {
            writes_are_content: true,
            ..Self::learning()
        }
    }

    /// Counts requests under way and nothing else: for GitHub Enterprise Server, where limits are off by default.
    pub fn concurrency_only() -> Self {
        Self {
            concurrent: 100,
            points_per_minute: None,
            content_per_minute: None,
            content_per_hour: None,
            writes_are_content: false,
        }
    }

    /// This number of requests at once, and no other limit.
    pub(super) fn without_rates(&self) -> Self {
        let concurrent = self.concurrent;
        Self {
            concurrent,
            ..Self::concurrency_only()
        }
    }

    /// How many requests may be under way at once, at least 1: for one identity, and for one client in all. GitHub
    /// documents 100.
    pub fn concurrent(mut self, requests: usize) -> Self {
        self.concurrent = u32::try_from(requests).unwrap_or(u32::MAX).max(1);
        self
    }

    /// Points in any 60 seconds, where a read counts 1 and a write 5; `None` for no such limit.
    pub fn points_per_minute(mut self, points: impl Into<Option<u32>>) -> Self {
        self.points_per_minute = points.into();
        self
    }

    /// Requests in any 60 seconds that count as content; `None` for no such limit, whatever a server says.
    pub fn content_per_minute(mut self, requests: impl Into<Option<u32>>) -> Self {
        self.content_per_minute = requests.into();
        self
    }

    /// Requests in any 60 minutes that count as content; `None` for no such limit, whatever a server says.
    pub fn content_per_hour(mut self, requests: impl Into<Option<u32>>) -> Self {
        self.content_per_hour = requests.into();
        self
    }
}

impl Default for Pacing {
    fn default() -> Self {
        Self::learning()
    }
}
