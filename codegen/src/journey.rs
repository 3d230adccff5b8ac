//! What becomes of a request on its way.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use reqwest::Url;

use crate::transport::TransportError;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-github-request-id");

/// When one request left, and the head of its reply: known even if the reply's body can't be read.
///
/// It travels in the extensions of the request. A request waits for its connection, and over HTTP/2 for its turn on a
/// healthy one: a [`Network`](crate::Network) notes when it left. With any other transport, requests leave at once.
#[derive(Clone, Debug, Default)]
pub struct Journey(Arc<State>);

#[derive(Debug, Default)]
struct State {
    address: OnceLock<Url>,
    waits: AtomicBool,
    left: OnceLock<Instant>,
    head: OnceLock<Head>,
}

/// What came first of a reply.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Head {
    /// The status.
    pub status: StatusCode,
    /// What GitHub calls the request by, in every reply of its own: `X-GitHub-Request-Id`.
    pub request_id: Option<HeaderValue>,
}

impl Journey {
    /// How long ago the request left, as far as is known; `None` while it waits.
    pub fn since(&self) -> Option<Duration> {
        match self.0.left.get() {
            Some(left) => Some(left.elapsed()),
            None if self.0.waits.load(Ordering::Relaxed) => None,
            None => Some(Duration::MAX),
        }
    }

    /// The head of the reply, when it has arrived.
    pub fn head(&self) -> Option<&Head> {
        self.0.head.get()
    }

    pub(crate) fn leads_to(&self, address: Url) {
        self.0.address.get_or_init(|| address);
    }

    /// Where the request was to go at first.
    pub(crate) fn address(&self) -> Option<&Url> {
        self.0.address.get()
    }

    pub(crate) fn arrived(&self, reply: &reqwest::Response) {
        self.0.head.get_or_init(|| Head {
            status: reply.status(),
            request_id: reply.headers().get(REQUEST_ID).cloned(),
        });
    }

    /// The body of a request that waits until it is taken.
    pub(crate) fn of(&self, body: Bytes) -> Leaving {
        self.waiting(Some(body))
    }

    /// No body: of a request that waits until its head is sent.
    pub(crate) fn without_body(&self) -> Leaving {
        self.waiting(None)
    }

    fn waiting(&self, body: Option<Bytes>) -> Leaving {
        self.0.waits.store(true, Ordering::Relaxed);
        Leaving {
            journey: self.clone(),
            has_frames: body.is_some(),
            body,
        }
    }

    fn leaves(&self) {
        self.0.left.get_or_init(Instant::now);
    }
}

/// A whole body, taken when its request leaves; none at all is dropped then.
pub(crate) struct Leaving {
    journey: Journey,
    has_frames: bool,
    body: Option<Bytes>,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if !self.has_frames {
            self.journey.leaves();
        }
    }
}

impl HttpBody for Leaving {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        self.journey.leaves();
        let body = self.body.take().filter(|body| !body.is_empty());
        Poll::Ready(body.map(|body| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        !self.has_frames
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.body.as_ref().map_or(0, Bytes::len) as u64)
    }
}
