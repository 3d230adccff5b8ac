//! The mount inside the process: no sockets, and all time is tokio's.

use bytes::Bytes;
use http::Request;
use octoseal_api::{Body, Transport, TransportError, TransportErrorKind, TransportFuture};

use crate::github::GitHub;
use crate::mount::delivery::Arriving;

impl Transport for GitHub {
    fn send(&self, request: Request<Bytes>) -> TransportFuture<'_> {
        Box::pin(async move {
            let flight = self.flight();
            match self.deliver(&request, &flight).await {
                Some(reply) => Ok(reply.map(|body| match body {
                    Arriving::Whole(body) => body.into(),
                    Arriving::Pieces(pieces) => Body::wrap(pieces),
                })),
                None => Err(TransportError::new(
                    TransportErrorKind::Broken,
                    "the connection ended instead of a reply",
                )),
            }
        })
    }
}
