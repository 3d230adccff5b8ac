//! When a request leaves.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::transport::TransportError;

/// Whether a request has left, and how long ago: over HTTP/2 it may wait for its turn on a healthy connection, and it
/// waits for the connection itself.
///
/// It rides in the extensions of a request. A [`Network`](crate::Network) keeps it, for requests that change something
/// (what has no body of its own can't be seen leaving); of any other transport it says that the request left at once.
#[derive(Clone, Debug, Default)]
pub struct Departure(Arc<State>);

#[derive(Debug, Default)]
struct State {
    waits: AtomicBool,
    left: OnceLock<Instant>,
}

impl Departure {
    /// How long ago the request left, as far as is known; `None` while it waits.
    pub fn since(&self) -> Option<Duration> {
        match self.0.left.get() {
            Some(left) => Some(left.elapsed()),
            None if self.0.waits.load(Ordering::Relaxed) => None,
            None => Some(Duration::MAX),
        }
    }

    /// The body of a request that waits until it is taken.
    pub(crate) fn of(&self, body: Bytes) -> Leaving {
        self.0.waits.store(true, Ordering::Relaxed);
        Leaving {
            departure: self.clone(),
            body: Some(body),
        }
    }
}

/// A whole body, taken when its request leaves.
pub(crate) struct Leaving {
    departure: Departure,
    body: Option<Bytes>,
}

impl HttpBody for Leaving {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        self.departure.0.left.get_or_init(Instant::now);
        let body = self.body.take().filter(|body| !body.is_empty());
        Poll::Ready(body.map(|body| Ok(Frame::data(body))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.body.as_ref().map_or(0, Bytes::len) as u64)
    }
}
