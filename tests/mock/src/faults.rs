//! Faults: what goes wrong, for which requests, and when.

mod changes;
pub(crate) mod effect;
pub(crate) mod orders;
mod replies;
mod text;

use std::fmt;
use std::time::Duration;

use http::Method;
use http::header::{HeaderName, HeaderValue};

use crate::faults::effect::Effect;
use crate::traffic::identity::Identity;

pub use replies::Policy;

/// Something that goes wrong, once unless said otherwise, with the next request that it fits.
///
/// A fault is made of what happens ([`and`](Self::and) adds more), of the requests that it fits, and of when and how
/// often it strikes. It can be written as text, too: see its `FromStr`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use octoseal_mock::{Fault, GitHub};
///
/// let github = GitHub::new();
/// // The next three writes meet a secondary limit which says how long it lasts.
/// github.inject(Fault::secondary_limit().header("retry-after", "30").on("PUT").times(3));
/// // Ten seconds from now the whole service is away for a minute.
/// github.inject(Fault::service_unavailable().starting_in(Duration::from_secs(10)).lasting(Duration::from_secs(60)));
/// // Writes that overlap in one scope are answered 500, always.
/// github.inject(Fault::server_error().overlapping().always());
/// // Every list comes in short pages, says nothing of the next one, and is slow.
/// let short = Fault::short_pages(10).and(Fault::without_links()).and(Fault::slow(Duration::from_secs(2)));
/// github.inject(short.on("GET").always());
/// ```
#[derive(Clone)]
pub struct Fault {
    pub(crate) effects: Vec<Effect>,
    pub(crate) method: Option<Method>,
    pub(crate) path: Option<String>,
    pub(crate) identity: Option<Identity>,
    pub(crate) token_younger_than: Option<Duration>,
    pub(crate) overlapping: bool,
    pub(crate) skip: u64,
    pub(crate) times: Option<u64>,
    pub(crate) starting_in: Duration,
    pub(crate) lasting: Option<Duration>,
}

impl Fault {
    pub(crate) fn new(effect: Effect) -> Self {
        Self {
            effects: vec![effect],
            method: None,
            path: None,
            identity: None,
            token_younger_than: None,
            overlapping: false,
            skip: 0,
            times: None,
            starting_in: Duration::ZERO,
            lasting: None,
        }
    }

    /// Does what another fault does as well, to the same requests. What was said about which requests the other one
    /// fits, and when, does not count. Of two answers in place of GitHub's, the later one is given; delays add up.
    pub fn and(mut self, other: Self) -> Self {
        self.effects.extend(other.effects);
        self
    }

    /// Adds a header to a reply that is sent instead, or replaces it: `retry-after`, `x-ratelimit-remaining`,
    /// `location`. To change a reply that GitHub gives, there is [`change`](Self::change).
    ///
    /// # Panics
    /// On what can't be a header, and on a fault that lets GitHub answer: a rotated key, a reply that is changed, slow,
    /// lost or broken.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let Some(reply) = self.own_reply() else {
            panic!("{self:?} sends no reply of its own that could have a header {name:?}");
        };
        let name: HeaderName = name.parse().expect("a header's name");
        let value = HeaderValue::from_str(value).expect("a header's value");
        reply.headers_mut().insert(name, value);
        self
    }

    /// The reply that is given in place of GitHub's.
    fn own_reply(&mut self) -> Option<&mut crate::answer::reply::Reply> {
        self.effects
            .iter_mut()
            .rev()
            .find_map(|effect| match effect {
                Effect::Instead(instead) => Some(&mut instead.reply),
                _ => None,
            })
    }

    /// Fits requests with this method alone.
    ///
    /// # Panics
    /// On what is no method.
    pub fn on(mut self, method: &str) -> Self {
        self.method = Some(method.parse().expect("a method"));
        self
    }

    /// Fits requests alone whose path, as sent and without query, contains `part`.
    pub fn at(mut self, part: impl Into<String>) -> Self {
        self.path = Some(part.into());
        self
    }

    /// Fits requests of one identity alone.
    pub fn by(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Fits requests alone whose token was given less than `age` ago, as long as not every server has heard of it.
    pub fn with_token_younger_than(mut self, age: Duration) -> Self {
        self.token_younger_than = Some(age);
        self
    }

    /// Fits writes alone that arrive while another one to the same scope is under way. They overlap where requests
    /// travel, in process or over sockets, and [take time](crate::GitHub::set_latency).
    pub fn overlapping(mut self) -> Self {
        self.overlapping = true;
        self
    }

    /// Strikes so many requests instead of one.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Strikes every request that it fits.
    pub fn always(self) -> Self {
        self.times(u64::MAX)
    }

    /// Leaves the first `requests` that it fits alone.
    pub fn after(mut self, requests: u64) -> Self {
        self.skip = requests;
        self
    }

    /// Strikes no request before this much time has passed since it was ordered.
    pub fn starting_in(mut self, delay: Duration) -> Self {
        self.starting_in = delay;
        self
    }

    /// Strikes for this long, every request unless [`times`](Self::times) says how many.
    pub fn lasting(mut self, length: Duration) -> Self {
        self.lasting = Some(length);
        self
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("effects", &self.effects)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}
