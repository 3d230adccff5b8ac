//! The mount inside the process: no sockets, and all time is tokio's.

use std::future::{Future, pending};
use std::pin::Pin;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use octoseal_api::Transport;
use reqwest::ResponseBuilderExt;

use super::delivery::Arriving;
use super::github::GitHub;

impl Transport for GitHub {
    fn send(
        &self,
        request: reqwest::Request,
    ) -> Pin<Box<dyn Future<Output = reqwest::Result<reqwest::Response>> + Send + '_>> {
        Box::pin(async move {
            let url = request.url().clone();
            let request = collect(request).await?;
            let _flight = self.flight();
            match self.deliver(&request).await {
                Some(reply) => Ok(arrive(url, reply)),
                // There is no connection whose end would be noticed.
                None => pending().await,
            }
        })
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

fn arrive(url: reqwest::Url, reply: Response<Arriving>) -> reqwest::Response {
    let (parts, body) = reply.into_parts();
    let body = match body {
        Arriving::Whole(body) => reqwest::Body::from(body),
        Arriving::Pieces(pieces) => reqwest::Body::wrap_stream(pieces),
    };
    let mut response = Response::builder()
        .status(parts.status)
        .url(url)
        .body(body)
        .unwrap_or_default();
    *response.headers_mut() = parts.headers;
    response.into()
}
