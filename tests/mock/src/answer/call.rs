//! A request, taken apart.

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap};
use http::{Method, Request};

use crate::answer::dressed::API_VERSION;
use crate::answer::{routes, writes};
use crate::faults::effect::Twist;

/// A request, taken apart once.
pub(crate) struct Call<'a> {
    pub(crate) now: Duration,
    pub(crate) method: &'a Method,
    /// The raw path, without the prefix of Enterprise Server.
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
    #[cfg(feature = "app")]
    pub(crate) headers: &'a HeaderMap,
    /// What the URLs in replies begin with: the origin that the request came to, and its prefix.
    pub(crate) root: String,
    /// The version of the API that was asked for, or else the usual one.
    pub(crate) version: String,
    /// What is not as it is in what the request is shown.
    pub(crate) twists: &'a [Twist],
}

impl<'a> Call<'a> {
    pub(super) fn new(
        now: Duration,
        request: &'a Request<Bytes>,
        versions: &[String],
        twists: &'a [Twist],
    ) -> Self {
        let uri = request.uri();
        let (prefix, path) = routes::split_prefix(uri.path());
        let host = request
            .headers()
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let authority = uri
            .authority()
            .map(|authority| authority.as_str())
            .or(host)
            .unwrap_or("api.github.com");
        let scheme = uri
            .scheme_str()
            .unwrap_or(if host.is_some() { "http" } else { "https" });
        Self {
            now,
            method: request.method(),
            path,
            query: uri.query().unwrap_or_default(),
            body: request.body(),
            #[cfg(feature = "app")]
            headers: request.headers(),
            root: format!("{scheme}://{authority}{prefix}"),
            version: asked_version(request.headers(), versions),
            twists,
        }
    }

    pub(crate) fn writes(&self) -> bool {
        writes(self.method)
    }

    /// The instant whose state the request is shown; `None`: as it is now.
    pub(crate) fn as_of(&self) -> Option<Duration> {
        self.twists.iter().find_map(|twist| match twist {
            Twist::Stale(lag) => Some(self.now.saturating_sub(*lag)),
            _ => None,
        })
    }
}

/// The version of the API that a request asks for, or the usual one.
pub(super) fn asked_version(headers: &HeaderMap, versions: &[String]) -> String {
    let asked = headers.get(API_VERSION);
    let asked = asked.and_then(|version| version.to_str().ok());
    let usual = || versions.first().cloned().unwrap_or_default();
    asked.map_or_else(usual, str::to_owned)
}
