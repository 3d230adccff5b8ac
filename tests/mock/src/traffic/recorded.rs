//! What was asked of the stand-in.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Request};

use crate::answer::reply::Reply;
use crate::traffic::identity::Identity;
use crate::traffic::limits::ExceededLimit;

/// A request that reached the stand-in. `Debug` shows no token and no body.
#[derive(Clone)]
#[non_exhaustive]
pub struct Recorded {
    /// The method.
    pub method: Method,
    /// The path as it was sent, escapes and all.
    pub path: String,
    /// What came after the `?`, as it was sent.
    pub query: Option<String>,
    /// The headers. `Authorization` is marked sensitive here, however it came.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// When it came, on the stand-in's clock, since the Unix epoch: the difference of two is the gap between them.
    pub at: Duration,
    /// The status that it was answered with.
    pub status: u16,
    /// Whom it was counted as; `None` without a token that is known, or without any.
    pub identity: Option<Identity>,
    /// The limit that refused it.
    pub exceeded: Option<ExceededLimit>,
}

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = self
            .query
            .as_deref()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        write!(
            f,
            "{} {}{query} -> {} at {:?}",
            self.method, self.path, self.status, self.at
        )
    }
}

impl Recorded {
    pub(crate) fn new(
        at: Duration,
        request: &Request<Bytes>,
        reply: &Reply,
        identity: Option<Identity>,
        exceeded: Option<ExceededLimit>,
    ) -> Self {
        let mut headers = request.headers().clone();
        if let Some(authorization) = headers.get_mut(AUTHORIZATION) {
            authorization.set_sensitive(true);
        }
        Self {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().map(str::to_owned),
            headers,
            body: request.body().clone(),
            at,
            status: reply.status().as_u16(),
            identity,
            exceeded,
        }
    }

    /// The body read as JSON; `null` when it is not.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Log {
    kept: VecDeque<Recorded>,
    total: u64,
}

impl Log {
    /// Notes a request, of which the last `limit` are kept.
    pub(crate) fn note(&mut self, limit: usize, request: impl FnOnce() -> Recorded) {
        self.total += 1;
        if limit == 0 {
            return;
        }
        while self.kept.len() >= limit {
            self.kept.pop_front();
        }
        self.kept.push_back(request());
    }

    pub(crate) fn kept(&self) -> Vec<Recorded> {
        self.kept.iter().cloned().collect()
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn clear(&mut self) {
        self.kept.clear();
        self.total = 0;
    }
}
