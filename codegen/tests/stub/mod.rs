//! A transport in this process.

#![allow(dead_code)]

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Request;
use octoseal_api::{Client, Context, Transport, TransportFuture, client};
use reqwest::header::HeaderValue;
use serde_json::Value;

/// Answers everything alike and keeps the last request.
pub(crate) struct Stub {
    status: u16,
    body: String,
    pub(crate) last: Mutex<Option<Request<Bytes>>>,
}

impl Transport for Stub {
    fn send(&self, request: Request<Bytes>) -> TransportFuture<'_> {
        *self.last.lock().unwrap() = Some(request);
        let reply = http::Response::builder()
            .status(self.status)
            .header("x-github-request-id", "AB:CD")
            .body(self.body.clone().into())
            .unwrap();
        Box::pin(async { Ok(reply) })
    }
}

impl Stub {
    pub(crate) fn answering(status: u16, body: &str) -> (Arc<Self>, Client) {
        let stub = Arc::new(Self {
            status,
            body: body.to_owned(),
            last: Mutex::new(None),
        });
        let authorization = HeaderValue::from_static("Bearer s3cret");
        let context = stub.context().with_authorization(authorization);
        (stub, client("https://api.example/", context))
    }

    /// A context whose requests come here, without authorization.
    pub(crate) fn context(self: &Arc<Self>) -> Context {
        Context::new(
            reqwest::Client::new(),
            self.clone(),
            HeaderValue::from_static("test/1"),
        )
    }

    pub(crate) fn request(&self) -> Request<Bytes> {
        self.last
            .lock()
            .unwrap()
            .take()
            .expect("a request was sent")
    }

    pub(crate) fn body(&self) -> Value {
        serde_json::from_slice(self.request().body()).unwrap()
    }

    pub(crate) fn nothing_was_sent(&self) -> bool {
        self.last.lock().unwrap().is_none()
    }
}
