//! What a reply means: the value, an error that helps, and whether to try again.

use std::io;
use std::time::{Duration, SystemTime};

use octoseal_api::{Error as ApiError, TransportError, TransportErrorKind, transport_error};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::Deserialize;

use super::headers;
use super::retry::{Failed, Next, Pause};
use super::wording::{hint, safe_message};
use crate::error::{Error, Kind};
use crate::limits::{Cause, Quota, Refusal};

/// Why an attempt gave no value.
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) class: Class,
    /// The request may have been carried out all the same.
    pub(crate) maybe_done: bool,
    /// GitHub itself dealt with the request, so the gate learns that it is open.
    pub(crate) answered: bool,
    /// The server's clock.
    pub(crate) server_time: Option<SystemTime>,
    /// How long the server wants to be left alone.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) quota: Option<Quota>,
}

impl Failure {
    fn new(error: Error, class: Class) -> Self {
        Self {
            error,
            class,
            maybe_done: false,
            answered: false,
            server_time: None,
            retry_after: None,
            quota: None,
        }
    }

    /// Another attempt after a pause, or none.
    pub(super) fn then(self, pause: Option<Pause>) -> Next {
        let Self {
            error, retry_after, ..
        } = self;
        match pause {
            Some(pause) => Next::After(pause, Failed { error, retry_after }),
            None => Next::Stop(error),
        }
    }

    fn maybe_done(self) -> Self {
        Self {
            maybe_done: true,
            ..self
        }
    }

    /// No reply in time.
    pub(crate) fn timed_out(after: Duration) -> Self {
        let reason = format!("no complete reply within {:.1} s", after.as_secs_f64());
        Self::new(Error::new(Kind::Timeout, reason), Class::Transient).maybe_done()
    }
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The same request would fail the same way.
    Final,
    /// The same request may succeed after a while.
    Transient,
    /// Refused for a limit, which holds for all calls.
    Limited(Refusal),
    /// The token was refused.
    TokenRefused,
}

/// GitHub's error body; every field may be missing.
#[derive(Default, Deserialize)]
struct Body {
    message: Option<String>,
    documentation_url: Option<String>,
}

/// Reads what the low-level client made of an attempt that failed.
pub(crate) async fn failure(error: ApiError<()>, token: &str) -> Failure {
    match error {
        ApiError::UnexpectedResponse(response) => {
            let (status, headers) = (response.status(), response.headers().clone());
            // An error whose body is cut off is still that error.
            match response.bytes().await {
                Ok(body) => refused(status, &headers, &body, token),
                Err(error) => half_refused(refused(status, &headers, &[], token), error),
            }
        }
        ApiError::CommunicationError(error) | ApiError::InvalidUpgrade(error) => {
            transport(transport_error(error))
        }
        ApiError::ResponseBodyError(error) => {
            let (kind, reason, class) = if is_capped(&error) {
                let reason = "the reply is larger than any that GitHub gives";
                (Kind::UnexpectedReply, reason, Class::Final)
            } else {
                (Kind::Transport, BROKE_OFF, Class::Transient)
            };
            let error = Error::new(kind, reason).with_source(error.without_url());
            Failure::new(error, class).maybe_done()
        }
        ApiError::InvalidResponsePayload(_, why) if why.is_data() => {
            let error = Error::new(Kind::UnexpectedReply, format!("in the reply, {why}"));
            Failure::new(error, Class::Final).maybe_done()
        }
        ApiError::InvalidResponsePayload(body, _) => {
            // Neither the body nor the parser's message, which quotes it, is passed on.
            let what = if looks_like_html(&body) {
                "HTML"
            } else {
                "something other than the operation's JSON"
            };
            let error = unexpected(format!("a success with {what} for a body"));
            Failure::new(error, Class::Final).maybe_done()
        }
        ApiError::InvalidRequest(why) => Failure::new(Error::unsupported(why), Class::Final),
        ApiError::ErrorResponse(response) => {
            refused(response.status(), response.headers(), &[], token)
        }
        ApiError::Custom(why) => Failure::new(Error::new(Kind::Transport, why), Class::Final),
    }
}

const BROKE_OFF: &str = "the reply broke off";
const UNTRUSTED: &str = "TLS: the server's certificate was not accepted";

/// A refusal whose words did not arrive. A `403` is for a limit or for good, which only they tell: it is asked again.
fn half_refused(failure: Failure, error: reqwest::Error) -> Failure {
    if failure.error.status() != Some(403) || failure.class != Class::Final || is_capped(&error) {
        return failure;
    }
    let error = Error::new(Kind::Transport, BROKE_OFF).with_source(error.without_url());
    Failure::new(error, Class::Transient)
}

fn is_capped(error: &reqwest::Error) -> bool {
    in_chain::<http_body_util::LengthLimitError>(error)
}

fn unexpected(what: String) -> Error {
    Error::new(Kind::UnexpectedReply, format!("the reply is {what}")).with_hint(
        "something between here and GitHub may answer in its place; check the proxy, the captive portal and the base URL",
    )
}

fn looks_like_html(body: &[u8]) -> bool {
    let start: Vec<u8> = body
        .iter()
        .copied()
        .filter(|b| !b.is_ascii_whitespace())
        .take(9)
        .collect();
    let start = start.to_ascii_lowercase();
    start.starts_with(b"<!doctype") || start.starts_with(b"<html") || start.starts_with(b"<")
}

/// A failure below HTTP.
fn transport(error: TransportError) -> Failure {
    use TransportErrorKind::{Certificate, Connect, Request, Timeout};
    let (kind, reason, class) = match error.kind() {
        Certificate => (Kind::Tls, UNTRUSTED, Class::Final),
        Connect if is_tls(&error) => (Kind::Tls, UNTRUSTED, Class::Final),
        Request => (Kind::Config, "the request could not be built", Class::Final),
        Connect => (
            Kind::Transport,
            "no connection to the server",
            Class::Transient,
        ),
        Timeout => (Kind::Timeout, "no reply in time", Class::Transient),
        _ => (
            Kind::Transport,
            "the connection broke before the reply",
            Class::Transient,
        ),
    };
    let sent = error.may_have_been_sent();
    let mut failed = Error::new(kind, reason).with_source(error);
    if kind == Kind::Tls {
        failed = failed.with_hint(
            "check the host name, the clock, and the root certificates (SSL_CERT_FILE on Linux)",
        );
    }
    let failure = Failure::new(failed, class);
    if sent { failure.maybe_done() } else { failure }
}

/// An error and its causes. The source of an I/O error skips the error that it wraps, so that is looked at first.
fn causes<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match wrapped {
            Some(wrapped) => Some(wrapped as &(dyn std::error::Error + 'static)),
            None => error.source(),
        }
    })
}

fn in_chain<T: std::error::Error + 'static>(error: &(dyn std::error::Error + 'static)) -> bool {
    causes(error).any(|error| error.is::<T>())
}

/// Whether a failed connection failed at trust, not at the network.
fn is_tls(error: &TransportError) -> bool {
    causes(error).any(|error| {
        let text = error.to_string().to_ascii_lowercase();
        error
            .downcast_ref::<io::Error>()
            .is_some_and(|io| io.kind() == io::ErrorKind::InvalidData)
            || ["certificate", "tls ", "ssl", "handshake failure"]
                .iter()
                .any(|word| text.contains(word))
                && !text.contains("eof")
    })
}

/// A reply whose status is not the operation's success.
fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8], token: &str) -> Failure {
    let parsed: Body = serde_json::from_slice(body).unwrap_or_default();
    let raw_message = parsed.message.unwrap_or_default();
    let documentation = parsed.documentation_url.unwrap_or_default();
    let limit = limit(status, headers, &raw_message, &documentation);
    // Whatever the server says is for logs, where the token must not turn up even if it is sent back.
    let quiet =
        |text: Option<String>| text.filter(|text| token.is_empty() || !text.contains(token));

    let kind = match (limit, status) {
        (Some(_), _) => Kind::RateLimited,
        (None, status) if status.is_success() => Kind::UnexpectedReply,
        (None, StatusCode::NOT_FOUND) if headers::is_front_page(&documentation) => {
            Kind::Unsupported
        }
        (None, status) => Kind::Status(status),
    };
    let error = if kind == Kind::UnexpectedReply {
        let what = if looks_like_html(body) {
            "HTML"
        } else {
            "not one that the operation gives"
        };
        unexpected(format!("{status}, {what}"))
    } else {
        let mut error = Error::new(kind, status.to_string());
        if let Some(hint) = hint(kind, status, headers, &raw_message) {
            error = error.with_hint(hint);
        }
        error
            .with_message(safe_message(status, &raw_message, token))
            .with_documentation_url(quiet(headers::documentation_url(&documentation)))
            .with_permission(quiet(headers::needed(headers)))
            .with_sso_url(quiet(headers::sso_url(headers)))
    };
    let error = error
        .with_status(status)
        .with_request_id(quiet(headers::request_id(headers)));

    let class = match limit {
        Some(refusal) => Class::Limited(refusal),
        None if status == StatusCode::UNAUTHORIZED => Class::TokenRefused,
        None if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            Class::Transient
        }
        None => Class::Final,
    };
    let now = headers::date(headers).unwrap_or_else(SystemTime::now);
    Failure {
        error,
        class,
        // A success that is not this operation's may come from anyone, after anything.
        maybe_done: class == Class::Transient || status.is_success(),
        answered: !status.is_server_error(),
        server_time: headers::date(headers),
        retry_after: headers::retry_after(headers, now),
        quota: quota(headers),
    }
}

/// Whether a refusal is about traffic, and what it says about coming back. The message goes before the headers: a
/// secondary limit can carry `x-ratelimit-remaining: 0`, and an installation's primary limit does not always.
fn limit(
    status: StatusCode,
    headers: &HeaderMap,
    message: &str,
    documentation: &str,
) -> Option<Refusal> {
    if status != StatusCode::FORBIDDEN && status != StatusCode::TOO_MANY_REQUESTS {
        return None;
    }
    let date = headers::date(headers);
    let now = date.unwrap_or_else(SystemTime::now);
    let retry_after = headers::retry_after(headers, now);
    let used_up = headers::remaining(headers) == Some(0);
    let cause = if message.starts_with("Maximum number of login attempts exceeded") {
        Cause::Tokens
    } else if message.contains("content creation") {
        Cause::Content
    } else if message.starts_with("You have exceeded a secondary rate limit")
        || documentation.contains("secondary-rate-limit")
        || message.contains("abuse detection")
    {
        Cause::Traffic
    } else if message.starts_with("API rate limit exceeded")
        || used_up && (message.is_empty() || status == StatusCode::TOO_MANY_REQUESTS)
    {
        Cause::Quota
    } else if retry_after.is_some() || status == StatusCode::TOO_MANY_REQUESTS {
        Cause::Traffic
    } else {
        return None;
    };
    let reset = headers::until_reset(headers, now).filter(|_| cause == Cause::Quota && used_up);
    Some(Refusal {
        cause,
        wait: reset.max(retry_after),
        sure: date.is_some() || reset.is_none() && headers::asks_for_seconds(headers),
    })
}

/// What a reply says is left of the quota.
pub(crate) fn quota(headers: &HeaderMap) -> Option<Quota> {
    let now = headers::date(headers).unwrap_or_else(SystemTime::now);
    Some(Quota::new(
        headers::limit(headers),
        headers::remaining(headers)?,
        headers::until_reset(headers, now)?,
    ))
}
