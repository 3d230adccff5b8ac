//! The mount inside the process: no sockets, and all time is tokio's.

use std::future::pending;

use bytes::Bytes;
use http::Request;
use octoseal_api::{Body, Transport, TransportFuture};

use crate::delivery::Arriving;
use crate::github::GitHub;

impl Transport for GitHub {
    fn send(&self, request: Request<Bytes>) -> TransportFuture<'_> {
        Box::pin(async move {
            let _flight = self.flight();
            match self.deliver(&request).await {
                Some(reply) => Ok(reply.map(|body| match body {
                    Arriving::Whole(body) => body.into(),
                    Arriving::Pieces(pieces) => Body::wrap(pieces),
                })),
                // There is no connection whose end would be noticed.
                None => pending().await,
            }
        })
    }
}
