//! Faults on order.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};

use crate::delivery::{Delivery, Way};
use crate::reply::{self, Reply};
use crate::{errors, routes};

/// Something that goes wrong, once unless said otherwise, with the next request that it fits.
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
/// ```
#[derive(Clone)]
pub struct Fault {
    effect: Effect,
    method: Option<Method>,
    path: Option<String>,
    skip: u64,
    times: Option<u64>,
    starting_in: Duration,
    lasting: Option<Duration>,
}

type Change = Arc<dyn Fn(Response<Bytes>) -> Response<Bytes> + Send + Sync>;

#[derive(Clone)]
enum Effect {
    /// The request is not worked on: this is the answer.
    Instead(Reply),
    /// The same, with the instant added at which the primary limit comes back, so long after the refusal.
    PrimaryLimit(Reply, Duration),
    /// The key of the scope that the request is about is replaced before the request is worked on.
    RotateKey,
    /// The request is worked on, and its reply changed.
    Changed(Change),
    /// The request is worked on or not, and its reply travels badly.
    Delivery { applied: bool, delivery: Delivery },
}

impl Fault {
    fn new(effect: Effect) -> Self {
        Self {
            effect,
            method: None,
            path: None,
            skip: 0,
            times: None,
            starting_in: Duration::ZERO,
            lasting: None,
        }
    }

    /// Answers with `status` and `body` instead of working on the request. A body that begins with `<` is sent as
    /// HTML, any other as JSON; [`header`](Self::header) says otherwise.
    ///
    /// # Panics
    /// On a number that is no status.
    pub fn reply(status: u16, body: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).expect("a status between 100 and 999");
        let body = body.into();
        let content_type = if body.starts_with('<') {
            reply::HTML
        } else {
            reply::JSON
        };
        Self::new(Effect::Instead(reply::with_body(
            status,
            content_type,
            body,
        )))
    }

    /// A secondary limit, without `retry-after` and with plenty of the primary limit left, as GitHub was seen to
    /// send it. Add the header with [`header`](Self::header).
    pub fn secondary_limit() -> Self {
        Self::new(Effect::Instead(
            errors::secondary_limit().into_reply(errors::SECONDARY_PAGE),
        ))
    }

    /// The primary limit, used up until `reset_in` from the refusal.
    pub fn primary_limit(reset_in: Duration) -> Self {
        let mut reply = errors::primary_limit().into_reply(errors::LIMITS_PAGE);
        let headers = reply.headers_mut();
        headers.insert("x-ratelimit-remaining", HeaderValue::from_static("0"));
        headers.insert("x-ratelimit-used", HeaderValue::from_static("5000"));
        Self::new(Effect::PrimaryLimit(reply, reset_in))
    }

    /// 503, as GitHub answers when the service behind the secrets is away.
    pub fn service_unavailable() -> Self {
        Self::new(Effect::Instead(
            errors::secrets_service_unavailable().into_reply("https://docs.github.com/rest"),
        ))
    }

    /// 502 with a page of HTML, as GitHub's gateway answers.
    pub fn unicorn() -> Self {
        Self::reply(
            502,
            "<!DOCTYPE html>\n<html><head><title>Unicorn! &middot; GitHub</title></head><body></body></html>\n",
        )
    }

    /// 504 with a page of HTML: what was asked for took too long.
    pub fn gateway_timeout() -> Self {
        Self::reply(
            504,
            "<html><body><h1>504 Gateway Time-out</h1></body></html>\n",
        )
    }

    /// 200 with a page of HTML, as the network of a hotel answers for everybody.
    pub fn captive_portal() -> Self {
        Self::reply(
            200,
            "<!DOCTYPE html>\n<html><body><h1>Please accept our terms</h1></body></html>\n",
        )
    }

    /// A public key of your choice, for what is no key at all. Fits requests for public keys alone.
    pub fn public_key(key_id: &str, key: &str) -> Self {
        let body = serde_json::json!({ "key_id": key_id, "key": key });
        Self::new(Effect::Instead(reply::ok(&body)))
            .at("/public-key")
            .on("GET")
    }

    /// Replaces the key of the scope that the request is about just before the request is worked on. With
    /// [`on("PUT")`](Self::on) that is a rotation between fetching a key and using it.
    pub fn rotated_key() -> Self {
        Self::new(Effect::RotateKey)
    }

    /// Works on the request and changes the reply. `change` must not call the stand-in, which waits for it.
    pub fn change(
        change: impl Fn(Response<Bytes>) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self::new(Effect::Changed(Arc::new(change)))
    }

    /// Works on the request; the reply takes longer by `delay`.
    pub fn slow(delay: Duration) -> Self {
        Self::delivery(
            true,
            Delivery {
                delay,
                how: Way::Whole,
            },
        )
    }

    /// Works on the request; the reply never arrives. Over a socket the connection is closed instead of it; in process
    /// the caller waits until it gives up.
    pub fn lost_reply() -> Self {
        Self::travelling(true, Way::Lost)
    }

    /// Takes the request and never answers, over a socket with the connection left open.
    pub fn hang() -> Self {
        Self::travelling(false, Way::Never)
    }

    /// Works on the request; the reply's body breaks off in the middle. A reply without one (204) arrives whole.
    pub fn truncated_body() -> Self {
        Self::travelling(true, Way::Truncated)
    }

    /// Works on the request; the reply's body never ends.
    pub fn endless_body() -> Self {
        Self::travelling(true, Way::Endless)
    }

    fn travelling(applied: bool, how: Way) -> Self {
        let delay = Duration::ZERO;
        Self::delivery(applied, Delivery { delay, how })
    }

    fn delivery(applied: bool, delivery: Delivery) -> Self {
        Self::new(Effect::Delivery { applied, delivery })
    }

    /// Adds a header to a reply that is sent instead, or replaces it: `retry-after`, `x-ratelimit-remaining`,
    /// `location`. To change a reply that GitHub gives, there is [`change`](Self::change).
    ///
    /// # Panics
    /// On what can't be a header, and on a fault that lets GitHub answer: a rotated key, a reply that is changed, slow,
    /// lost or broken.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let reply = match &mut self.effect {
            Effect::Instead(reply) | Effect::PrimaryLimit(reply, _) => reply,
            _ => panic!("{self:?} sends no reply of its own that could have a header {name:?}"),
        };
        let name: HeaderName = name.parse().expect("a header's name");
        let value = HeaderValue::from_str(value).expect("a header's value");
        reply.headers_mut().insert(name, value);
        self
    }

    /// Whether it answers instead of GitHub, by a reply that can have headers.
    pub(crate) fn has_own_reply(&self) -> bool {
        matches!(self.effect, Effect::Instead(_) | Effect::PrimaryLimit(..))
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
        let effect = match &self.effect {
            Effect::Instead(reply) => format!("answer {}", reply.status()),
            Effect::PrimaryLimit(_, reset_in) => format!("primary limit for {reset_in:?}"),
            Effect::RotateKey => "rotate the key".to_owned(),
            Effect::Changed(_) => "change the reply".to_owned(),
            Effect::Delivery { applied, delivery } => format!("applied: {applied}, {delivery:?}"),
        };
        f.debug_struct("Fault")
            .field("effect", &effect)
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// What a struck request is to suffer.
pub(crate) enum Strike {
    Instead(Reply),
    RotateKey,
    Changed(Change),
    Delivery { applied: bool, delivery: Delivery },
}

#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Ordered>);

#[derive(Debug)]
struct Ordered {
    fault: Fault,
    from: Duration,
    until: Duration,
    skip: u64,
    /// How many requests it may still strike.
    left: u64,
    /// How many it has to strike for what was ordered to have happened.
    owed: u64,
}

impl Faults {
    pub(crate) fn order(&mut self, now: Duration, fault: Fault) {
        let from = now.saturating_add(fault.starting_in);
        let until = fault
            .lasting
            .map_or(Duration::MAX, |length| from.saturating_add(length));
        let once = if fault.lasting.is_some() { u64::MAX } else { 1 };
        let left = fault.times.unwrap_or(once);
        self.0.push(Ordered {
            from,
            until,
            skip: fault.skip,
            left,
            owed: if left == u64::MAX { 1 } else { left },
            fault,
        });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn pending(&self) -> Vec<Fault> {
        let pending = self.0.iter().filter(|ordered| ordered.owed > 0);
        pending.map(|ordered| ordered.fault.clone()).collect()
    }

    /// The first fault that fits the request, counted down.
    pub(crate) fn strike(&mut self, now: Duration, request: &Request<Bytes>) -> Option<Strike> {
        self.0.retain(|ordered| ordered.left > 0);
        let path = routes::split_prefix(request.uri().path()).1;
        for ordered in &mut self.0 {
            let fault = &ordered.fault;
            let fits = (ordered.from..ordered.until).contains(&now)
                && fault
                    .method
                    .as_ref()
                    .is_none_or(|method| method == request.method())
                && fault.path.as_deref().is_none_or(|part| path.contains(part));
            if !fits {
                continue;
            }
            if ordered.skip > 0 {
                ordered.skip -= 1;
                continue;
            }
            ordered.left -= 1;
            ordered.owed = ordered.owed.saturating_sub(1);
            return Some(match &fault.effect {
                Effect::Instead(reply) => Strike::Instead(reply.clone()),
                Effect::PrimaryLimit(reply, reset_in) => {
                    let mut reply = reply.clone();
                    let reset = (now + *reset_in).as_secs();
                    let headers = reply.headers_mut();
                    headers.entry("x-ratelimit-reset").or_insert(reset.into());
                    Strike::Instead(reply)
                }
                Effect::RotateKey => Strike::RotateKey,
                Effect::Changed(change) => Strike::Changed(Arc::clone(change)),
                Effect::Delivery { applied, delivery } => Strike::Delivery {
                    applied: *applied,
                    delivery: *delivery,
                },
            });
        }
        None
    }
}
