//! The way of every request to the transport, over sockets or in process.

mod bodies;
mod proxy;
mod sockets;

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::header::LOCATION;
use http::{Method, Request, Response, StatusCode};
use octoseal_api::{Body, Transport, TransportFuture};
use reqwest::Url;
use tokio::task::spawn_blocking;

use crate::error::Error;
use crate::limits::charge_again;

use bodies::Bodies;

pub(crate) use proxy::Proxies;
pub(crate) use sockets::Sockets;

/// The transport to one server, which several clients may share.
pub(crate) struct Connections {
    base: Url,
    /// Host and proxy, for errors.
    pub(crate) route: String,
    /// Puts requests together, and sends none.
    pub(crate) requests: reqwest::Client,
    pub(crate) transport: Arc<dyn Transport>,
}

impl Connections {
    /// Connections by a transport of the caller's, which needs no sockets.
    pub(crate) fn by(transport: Arc<dyn Transport>, base: &Url) -> Result<Self, Error> {
        Ok(Self {
            base: base.clone(),
            route: sockets::name(base),
            requests: sockets::unconnected()?,
            transport,
        })
    }

    pub(crate) fn lead_to(&self, base: &Url) -> bool {
        self.base.origin() == base.origin()
    }
}

/// Follows one redirect within the origin and caps the size of replies.
pub(crate) struct Wire {
    inner: Arc<dyn Transport>,
    bodies: Bodies,
}

impl Wire {
    pub(crate) fn new(inner: Arc<dyn Transport>) -> Self {
        Self {
            inner,
            bodies: Bodies::default(),
        }
    }
}

impl Transport for Wire {
    fn send(&self, request: Request<Bytes>) -> TransportFuture<'_> {
        Box::pin(async move {
            warm_up().await;
            let again = request.clone();
            let response = self.inner.send(request).await?;
            let response = match redirected(again, &response) {
                Some(again) => {
                    charge_again();
                    self.inner.send(again).await?
                }
                None => response,
            };
            Ok(response.map(|body| self.bodies.bounded(body)))
        })
    }
}

/// Draws the process's first random bytes before any are needed, on a thread that may block: AWS-LC may take tens of
/// milliseconds to gather them from a clock's jitter.
async fn warm_up() {
    static IS_WARM: OnceLock<()> = OnceLock::new();
    // Each caller spawns a task on its own runtime, since a paused clock waits for no other.
    if IS_WARM.get().is_none() {
        let draw = || *IS_WARM.get_or_init(octoseal_sealing::warm_up);
        drop(spawn_blocking(draw).await);
    }
}

/// The request that a redirect asks for, if it keeps origin and method, as that of a renamed repository does.
fn redirected(mut request: Request<Bytes>, response: &Response<Body>) -> Option<Request<Bytes>> {
    let keeps_method = match response.status() {
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => request.method() == Method::GET,
        _ => false,
    };
    let target = response.headers().get(LOCATION)?.to_str().ok()?;
    let from = Url::parse(&request.uri().to_string()).ok()?;
    let target = from.join(target).ok()?;
    if !keeps_method || target.origin() != from.origin() || !target.username().is_empty() {
        return None;
    }
    *request.uri_mut() = target.as_str().parse().ok()?;
    Some(request)
}
