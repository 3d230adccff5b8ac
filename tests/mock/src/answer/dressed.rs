//! What every reply carries.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};

use crate::access::Grant;
use crate::answer::State;
use crate::answer::call::asked_version;
use crate::answer::reply::Reply;
use crate::when;

/// A version goes on for two years once there is another one.
const VERSION_NOTICE: Duration = Duration::from_secs(730 * 24 * 3_600);

pub(super) const API_VERSION: HeaderName = HeaderName::from_static("x-github-api-version");

impl State {
    /// Adds what every reply carries.
    pub(super) fn dress(
        &self,
        now: Duration,
        request: &Request<Bytes>,
        mut reply: Reply,
        grant: Option<Grant>,
    ) -> Reply {
        let serial = self.log.total() + 1;
        let version = request
            .headers()
            .get(API_VERSION)
            .cloned()
            .filter(|_| reply.status() != StatusCode::BAD_REQUEST);
        let usual = self
            .settings
            .api_versions
            .first()
            .and_then(|version| version.parse().ok());
        let etag = (reply.status() == StatusCode::OK).then(|| etag(reply.body()));
        let headers = reply.headers_mut();
        let mut set = |name: &'static str, value: Option<HeaderValue>| {
            if let Some(value) = value {
                headers.entry(name).or_insert(value);
            }
        };
        set("date", when::http(now).parse().ok());
        set("server", Some(HeaderValue::from_static("github.com")));
        set(
            "x-github-media-type",
            Some(HeaderValue::from_static("github.v3; format=json")),
        );
        set(
            "x-github-request-id",
            format!("0C70:{serial:06X}:{:08X}", now.as_secs())
                .parse()
                .ok(),
        );
        set("x-github-api-version-selected", version.or(usual));
        set(
            "x-github-enterprise-version",
            self.settings
                .enterprise_version
                .as_ref()
                .and_then(|version| format!("enterprise-server@{version}").parse().ok()),
        );
        set("etag", etag.clone());
        let version = asked_version(request.headers(), &self.settings.api_versions);
        if let Some(end) = self.settings.api_version_ends.get(&version) {
            let begin = end.saturating_sub(VERSION_NOTICE);
            set("deprecation", when::http(begin).parse().ok());
            set("sunset", when::http(*end).parse().ok());
        }
        if self.settings.rate_limit_headers {
            let identity = grant.map(|grant| grant.identity).unwrap_or_default();
            self.limiter.quota(now, &identity).write(headers);
        }
        let known = request.headers().get(header::IF_NONE_MATCH);
        if *request.method() == Method::GET && known.is_some() && known == etag.as_ref() {
            *reply.status_mut() = StatusCode::NOT_MODIFIED;
            reply.headers_mut().remove(header::CONTENT_TYPE);
            *reply.body_mut() = Bytes::new();
        }
        reply
    }
}

fn etag(body: &Bytes) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    let half = format!("{:016x}", hasher.finish());
    HeaderValue::from_str(&format!("W/\"{half}{half}{half}{half}\""))
        .unwrap_or(HeaderValue::from_static("W/\"\""))
}
