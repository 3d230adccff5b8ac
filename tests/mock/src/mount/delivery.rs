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
use crate::mount::flights::Flight;

/// What a fault does to a reply on its way: an extension of the response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// How much longer the reply takes.
    pub(crate) delay: Duration,
    /// How many interim replies come before it, over a socket.
    pub(crate) interim: u32,
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
    /// The body arrives byte by byte, with this much time before each.
    Dripping(Duration),
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
    pub(crate) async fn deliver(
        &self,
        request: &Request<Bytes>,
        flight: &Flight<'_>,
    ) -> Option<Response<Arriving>> {
        let latency = self.state().settings.latency;
        travel(latency / 2).await;
        let reply = self.respond_in(self.now(), request, Some(flight.id));
        let delivery = delivery_of(&reply);
        travel(latency - latency / 2 + delivery.delay).await;
        match delivery.how {
            Way::Never => pending().await,
            Way::Lost => None,
            Way::Truncated if !reply.body().is_empty() => Some(cut(reply)),
            Way::Whole | Way::Truncated => Some(reply.map(Arriving::Whole)),
            Way::Endless => Some(reply.map(|_| endless())),
            Way::Dripping(pause) => Some(reply.map(|body| dripping(body, pause))),
        }
    }
}

/// How a reply is to travel.
pub(crate) fn delivery_of<B>(reply: &Response<B>) -> Delivery {
    let delivery = reply.extensions().get::<Delivery>();
    delivery.copied().unwrap_or_default()
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

fn dripping(body: Bytes, pause: Duration) -> Arriving {
    let drops = (0..body.len()).map(move |at| body.slice(at..=at));
    pieces(stream::iter(drops).then(move |drop| async move {
        tokio::time::sleep(pause).await;
        Ok(drop)
    }))
}
