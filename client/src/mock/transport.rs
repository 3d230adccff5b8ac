//! The mount inside the process: no sockets, and all time is tokio's.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body_util::BodyExt;
use octoseal_api::Transport;
use reqwest::ResponseBuilderExt;

use super::faults::{Delivery, Way};
use super::github::GitHub;

impl Transport for GitHub {
    fn send(
        &self,
        request: reqwest::Request,
    ) -> Pin<Box<dyn Future<Output = reqwest::Result<reqwest::Response>> + Send + '_>> {
        Box::pin(async move {
            let url = request.url().clone();
            let request = collect(request).await?;
            let _flight = Flight::begin(self);
            let latency = self.state().settings.latency;
            travel(latency / 2).await;
            let reply = self.respond(&request);
            let delivery = reply
                .extensions()
                .get::<Delivery>()
                .copied()
                .unwrap_or_default();
            travel(latency - latency / 2 + delivery.delay).await;
            if delivery.how == Way::Lost {
                return pending().await;
            }
            Ok(arrive(url, reply, delivery.how))
        })
    }
}

/// A request under way, counted until it is dropped: also when the caller loses patience.
struct Flight<'a>(&'a GitHub);

impl<'a> Flight<'a> {
    fn begin(github: &'a GitHub) -> Self {
        let mut state = github.state();
        state.under_way += 1;
        state.most_under_way = state.most_under_way.max(state.under_way);
        Self(github)
    }
}

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

async fn collect(mut request: reqwest::Request) -> reqwest::Result<Request<Bytes>> {
    let body = match request.body_mut().take() {
        Some(body) => body.collect().await?.to_bytes(),
        None => Bytes::new(),
    };
    let mut collected = Request::new(body);
    *collected.method_mut() = request.method().clone();
    *collected.headers_mut() = request.headers().clone();
    // Every URL is a URI; should one not be, it finds nothing.
    *collected.uri_mut() = request.url().as_str().parse().unwrap_or_default();
    Ok(collected)
}

fn arrive(url: reqwest::Url, reply: Response<Bytes>, how: Way) -> reqwest::Response {
    let (parts, body) = reply.into_parts();
    let body = match how {
        Way::Whole | Way::Lost => reqwest::Body::from(body),
        Way::Truncated => {
            let half = body.slice(..body.len() / 2);
            let broken = io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the connection broke in the middle of a body",
            );
            reqwest::Body::wrap_stream(stream::iter([Ok(half), Err(broken)]))
        }
        Way::Endless => {
            let chunk = Bytes::from_static(&[b' '; 16 * 1_024]);
            reqwest::Body::wrap_stream(stream::repeat_with(move || {
                Ok::<_, Infallible>(chunk.clone())
            }))
        }
    };
    let mut response = Response::builder()
        .status(parts.status)
        .url(url)
        .body(body)
        .unwrap_or_default();
    *response.headers_mut() = parts.headers;
    response.into()
}
