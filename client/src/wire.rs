//! What every request goes through on its way, over sockets and in process alike.

mod sockets;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http_body_util::Limited;
use octoseal_api::Transport;
use reqwest::header::LOCATION;
use reqwest::{Method, Request, Response, StatusCode, Url};

use crate::limits::{Cost, Gate};

pub(crate) use sockets::Sockets;

/// No reply of the operations in use is larger: a page of 100 repositories is a few hundred kilobytes.
const REPLY_CAP: usize = 16 * 1024 * 1024;

/// Follows one redirect within the origin and caps the size of replies.
pub(crate) struct Wire {
    inner: Arc<dyn Transport>,
    gate: Arc<Gate>,
}

impl Wire {
    pub(crate) fn new(inner: Arc<dyn Transport>, gate: Arc<Gate>) -> Self {
        Self { inner, gate }
    }
}

impl Transport for Wire {
    fn send(
        &self,
        request: Request,
    ) -> Pin<Box<dyn Future<Output = reqwest::Result<Response>> + Send + '_>> {
        Box::pin(async move {
            let again = request.try_clone();
            let response = self.inner.send(request).await?;
            let response = match again.and_then(|again| redirected(again, &response)) {
                Some(again) => {
                    self.gate.charge(cost(again.method()));
                    self.inner.send(again).await?
                }
                None => response,
            };
            Ok(capped(response))
        })
    }
}

fn cost(method: &Method) -> Cost {
    match *method {
        Method::GET | Method::HEAD => Cost::Read,
        _ => Cost::Write,
    }
}

/// The request that a redirect asks for, if it keeps origin and method: a renamed repository's.
fn redirected(mut request: Request, response: &Response) -> Option<Request> {
    let keeps_method = match response.status() {
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => request.method() == Method::GET,
        _ => false,
    };
    let target = response.headers().get(LOCATION)?.to_str().ok()?;
    let target: Url = request.url().join(target).ok()?;
    if !keeps_method || target.origin() != request.url().origin() || !target.username().is_empty() {
        return None;
    }
    *request.url_mut() = target;
    Some(request)
}

fn capped(response: Response) -> Response {
    let response: http::Response<reqwest::Body> = response.into();
    response
        .map(|body| reqwest::Body::wrap(Limited::new(body, REPLY_CAP)))
        .into()
}
