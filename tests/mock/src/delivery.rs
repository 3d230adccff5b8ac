//! How a reply travels: one description for both mounts.

use std::future::pending;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};
use http::header::CONTENT_LENGTH;
use http::{Request, Response};
use http_body_util::StreamBody;
use hyper::body::Frame;

use crate::github::GitHub;

/// What a fault does to a reply on its way: an extension of the response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) delay: Duration,
    pub(crate) how: Way,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Way {
    #[default]
    Whole,
    /// Nothing arrives, and the connection stays open.
    Never,
    /// The connection ends instead.
    Lost,
    /// Half the body arrives, then the connection breaks.
    Truncated,
    /// The body never ends.
    Endless,
}

/// What arrives of a reply's body.
pub(crate) enum Arriving {
    Whole(Bytes),
    Pieces(Pieces),
}

pub(crate) type Pieces =
    StreamBody<Pin<Box<dyn Stream<Item = io::Result<Frame<Bytes>>> + Send + Sync>>>;

fn pieces(stream: impl Stream<Item = io::Result<Bytes>> + Send + Sync + 'static) -> Arriving {
    Arriving::Pieces(StreamBody::new(Box::pin(stream.map_ok(Frame::data))))
}

impl GitHub {
    /// Answers a request, taking the time that it travels. `None`: the connection ends without a reply.
    pub(crate) async fn deliver(&self, request: &Request<Bytes>) -> Option<Response<Arriving>> {
        let latency = self.state().settings.latency;
        travel(latency / 2).await;
        let reply = self.respond(request);
        let delivery = reply.extensions().get::<Delivery>();
        let Delivery { delay, how } = delivery.copied().unwrap_or_default();
        travel(latency - latency / 2 + delay).await;
        match how {
            Way::Never => pending().await,
            Way::Lost => None,
            Way::Truncated if !reply.body().is_empty() => Some(cut(reply)),
            Way::Whole | Way::Truncated => Some(reply.map(Arriving::Whole)),
            Way::Endless => Some(reply.map(|_| endless())),
        }
    }

    /// Counts a request as under way until the returned value is dropped: also when the caller loses patience.
    pub(crate) fn flight(&self) -> Flight<'_> {
        let mut state = self.state();
        state.under_way += 1;
        state.most_under_way = state.most_under_way.max(state.under_way);
        Flight(self)
    }
}

/// A request under way.
pub(crate) struct Flight<'a>(&'a GitHub);

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.state().under_way -= 1;
    }
}

async fn travel(time: Duration) {
    if time.is_zero() {
        // Still a point where other tasks may run, as there is one in every real request.
        tokio::task::yield_now().await;
    } else {
        tokio::time::sleep(time).await;
    }
}

fn cut(mut reply: Response<Bytes>) -> Response<Arriving> {
    let length = reply.body().len();
    reply.headers_mut().insert(CONTENT_LENGTH, length.into());
    reply.map(|body| {
        let half = body.slice(..length / 2);
        let broken = async {
            // A socket sends what it has when it is told to wait; an error at once would take the half along.
            tokio::task::yield_now().await;
            let why = "the connection broke in the middle of a body";
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, why))
        };
        pieces(stream::iter([Ok(half)]).chain(stream::once(broken)))
    })
}

fn endless() -> Arriving {
    let chunk = Bytes::from_static(&[b' '; 16 * 1_024]);
    pieces(stream::repeat_with(move || Ok(chunk.clone())))
}
