//! Failures of replies: the error, and whether to try again.

mod limit;

use std::time::{Duration, SystemTime};

use http_body_util::BodyExt;
use octoseal_api::{Answer, Body as ReplyBody, Error as ApiError, Head, TransportError};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::Deserialize;

use super::below_http;
use super::echo::echoes;
use super::headers;
use super::retry::{Failed, Next, Pause};
use super::wording::{hint, safe_message};
use crate::error::{Error, ErrorKind, Told};
use crate::limits::{Quota, Refusal};

pub(crate) use limit::quota;
use limit::{is_for_anonymous, limit};

/// Why an attempt gave no value.
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) class: Class,
    /// The request may have been applied.
    pub(crate) maybe_applied: bool,
    /// The request was applied: GitHub's status said so, although the rest of the reply can't be read.
    pub(crate) applied: bool,
    /// Whether the limits count the request as answered: by any reply but a server error.
    pub(crate) answered: bool,
    /// The server's clock.
    pub(crate) server_time: Option<SystemTime>,
    /// How long the server asks to wait.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) quota: Option<Quota>,
}

impl Failure {
    pub(super) fn new(error: Error, class: Class) -> Self {
        Self {
            error,
            class,
            maybe_applied: false,
            applied: false,
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

    pub(super) fn maybe_applied(self) -> Self {
        Self {
            maybe_applied: true,
            ..self
        }
    }

    /// This failure, of a write whose success the head of GitHub's own reply tells.
    pub(super) fn applied(mut self, head: &Head, token: &str) -> Self {
        let id = headers::id_of(head).filter(|id| !echoes(id, token));
        let told = Told {
            status: Some(head.status),
            request_id: id,
            ..Told::default()
        };
        let hint = "do not repeat it; read what is there now";
        self.error = self.error.with_told(told).with_hint(hint);
        Self {
            class: Class::Final,
            applied: true,
            ..self
        }
    }

    /// The success of a write, in a reply that is not GitHub's.
    pub(super) fn not_by_github(status: StatusCode) -> Self {
        let what = format!("{status} without GitHub's request id, which its other replies have");
        Self::new(unexpected(what), Class::Final).maybe_applied()
    }

    /// The request waited for a connection, or for its turn on one, and was not sent.
    pub(crate) fn unsent(after: Duration) -> Self {
        let reason = format!("no turn to be sent within {:.1} s", after.as_secs_f64());
        Self::new(Error::new(ErrorKind::Timeout, reason), Class::Transient)
    }

    /// A refusal that the newness of the token may have caused, and no time to ask again.
    pub(super) fn not_known_in_time() -> Self {
        let reason = "a new token was refused, which GitHub may not know everywhere yet, and there is no time to ask again";
        Self::new(Error::new(ErrorKind::Timeout, reason), Class::Transient)
    }

    pub(crate) fn timed_out(after: Duration) -> Self {
        let reason = format!("no complete reply within {:.1} s", after.as_secs_f64());
        Self::new(Error::new(ErrorKind::Timeout, reason), Class::Transient).maybe_applied()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The same request would fail the same way.
    Final,
    /// The same request may succeed after a while.
    Transient,
    /// Refused for a limit of the identity.
    Limited(Refusal),
    TokenRefused,
}

/// The body of GitHub's errors; any field may be missing.
#[derive(Default, Deserialize)]
struct Body {
    message: Option<String>,
    documentation_url: Option<String>,
}

/// The headers of a reply, if they are known.
pub(crate) fn headers<T>(answer: &Answer<T>) -> Option<&HeaderMap> {
    match answer {
        Ok(reply) => Some(reply.headers()),
        Err(ApiError::UnexpectedResponse(reply)) => Some(reply.headers()),
        Err(_) => None,
    }
}

/// The failure of an attempt, from the low-level client's error. If GitHub's replies are `marked`, one without a mark is
/// not GitHub's.
pub(crate) async fn failure(error: ApiError, token: &str, marked: bool) -> Failure {
    match error {
        ApiError::UnexpectedResponse(reply) => {
            let (head, body) = reply.into_parts();
            // An error reply whose body is cut off is still that error.
            let refused = |body: &[u8]| refused(head.status, &head.headers, body, token, marked);
            match start_of(body).await {
                Ok(body) => refused(&body),
                Err(error) => half_refused(refused(&[]), error),
            }
        }
        ApiError::NoReply(error) => below_http::failure(error),
        ApiError::BrokenReply(error) => {
            let (kind, reason, class) = if is_capped(&error) {
                let reason = "the reply is larger than any that GitHub gives";
                (ErrorKind::UnexpectedReply, reason, Class::Final)
            } else {
                (ErrorKind::Transport, BROKE_OFF, Class::Transient)
            };
            let error = Error::new(kind, reason).with_source(error);
            Failure::new(error, class).maybe_applied()
        }
        ApiError::InvalidResponsePayload(_, why) if why.is_data() => {
            let error = Error::new(ErrorKind::UnexpectedReply, format!("in the reply, {why}"));
            Failure::new(error, Class::Final).maybe_applied()
        }
        ApiError::InvalidResponsePayload(body, _) => {
            // The parser's message quotes the body, so the error has neither.
            let what = if looks_like_html(&body) {
                "HTML"
            } else {
                "something other than the operation's JSON"
            };
            let error = unexpected(format!("a success with {what} for a body"));
            Failure::new(error, Class::Final).maybe_applied()
        }
        ApiError::InvalidRequest(why) => Failure::new(Error::unsupported(why), Class::Final),
        // An error that a caller's own request closure made, perhaps after it has sent something.
        other => {
            let error = Error::new(ErrorKind::Transport, other.to_string());
            Failure::new(error, Class::Final).maybe_applied()
        }
    }
}

/// The beginning of an error reply's body, long enough for any error of GitHub's.
async fn start_of(mut body: ReplyBody) -> Result<Vec<u8>, TransportError> {
    const MOST_BYTES: usize = 16 * 1024;
    let mut start = Vec::new();
    while start.len() < MOST_BYTES
        && let Some(frame) = body.frame().await
    {
        let Ok(chunk) = frame?.into_data() else {
            continue;
        };
        start.extend_from_slice(&chunk[..chunk.len().min(MOST_BYTES - start.len())]);
    }
    Ok(start)
}

const BROKE_OFF: &str = "the reply broke off";

/// A refusal whose body did not arrive. Only the body tells whether a `403` is for a limit or for good, so that is tried
/// again.
fn half_refused(failure: Failure, error: TransportError) -> Failure {
    if failure.error.status() != Some(403) || failure.class != Class::Final || is_capped(&error) {
        return failure;
    }
    let error = Error::new(ErrorKind::Transport, BROKE_OFF).with_source(error);
    Failure {
        maybe_applied: failure.maybe_applied,
        ..Failure::new(error, Class::Transient)
    }
}

fn is_capped(error: &TransportError) -> bool {
    below_http::in_chain::<http_body_util::LengthLimitError>(error)
}

fn unexpected(what: String) -> Error {
    Error::new(ErrorKind::UnexpectedReply, format!("the reply is {what}")).with_hint(
        "something between here and GitHub may answer in its place; check the proxy, the captive portal and the base URL",
    )
}

fn looks_like_html(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// A reply whose status is not the operation's success.
fn refused(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    token: &str,
    marked: bool,
) -> Failure {
    let parsed = serde_json::from_slice::<Body>(body);
    // Until it is known whether GitHub's replies are marked, a `404` must name a page of GitHub's too: gateways may send
    // JSON with a message, and a write may follow if a secret is missing.
    let is_shaped = |body: &Body| {
        let has_page = status != StatusCode::NOT_FOUND || body.documentation_url.is_some();
        body.message.is_some() && has_page
    };
    let is_githubs =
        headers::request_id(headers).is_some() || !marked && parsed.as_ref().is_ok_and(is_shaped);
    let parsed = parsed.unwrap_or_default();
    let raw_message = parsed.message.unwrap_or_default();
    let documentation = parsed.documentation_url.unwrap_or_default();
    let said = if raw_message.is_empty() {
        String::from_utf8_lossy(body)
    } else {
        (&*raw_message).into()
    };
    let limit = limit(status, headers, &said, &documentation);
    let anonymous = limit.is_some() && is_for_anonymous(headers, &said);
    let limit = limit.filter(|_| !anonymous);

    let kind = match (limit, status) {
        (Some(_), _) => ErrorKind::RateLimited,
        (None, status) if status.is_success() || anonymous => ErrorKind::UnexpectedReply,
        (None, status) if !is_githubs && (status.is_client_error() || status.is_redirection()) => {
            ErrorKind::UnexpectedReply
        }
        (None, StatusCode::NOT_FOUND) if headers::is_front_page(&documentation) => {
            ErrorKind::Unsupported
        }
        (None, status) => ErrorKind::of_status(status),
    };
    let error = if anonymous {
        let reason = format!("{status}, as for a request without a token");
        Error::new(kind, reason).with_hint(
            "something between here and GitHub may take the Authorization header off; check the proxy",
        )
    } else if kind == ErrorKind::UnexpectedReply {
        foreign(status, headers, body, token)
    } else {
        githubs(kind, status, headers, (&raw_message, &documentation), token)
    };
    let now = headers::date(headers).unwrap_or_else(SystemTime::now);
    let retry_after = headers::retry_after(headers, now);
    let told = Told {
        status: Some(status),
        message: safe_message(status, &raw_message, token),
        request_id: headers::request_id(headers).filter(|id| !echoes(id, token)),
        ..error.told().clone()
    };
    let mut error = error.with_told(told);
    if let Some(wait) = limit.and_then(|refusal| refusal.wait) {
        error = error.with_retry(wait);
    }

    let class = match limit {
        Some(refusal) => Class::Limited(refusal),
        None if status == StatusCode::UNAUTHORIZED && is_githubs => Class::TokenRefused,
        None if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            Class::Transient
        }
        None => Class::Final,
    };
    Failure {
        error,
        class,
        // A reply that is not GitHub's may have been made after GitHub got the request.
        maybe_applied: class == Class::Transient
            || status.is_success()
            || !is_githubs && (status.is_redirection() || maybe_passed_on(kind, status)),
        applied: false,
        answered: !status.is_server_error(),
        server_time: headers::date(headers),
        retry_after,
        quota: quota(headers),
    }
}

/// Whether GitHub may have got a request that was refused by something else: a proxy that wants a password passes none
/// on.
fn maybe_passed_on(kind: ErrorKind, status: StatusCode) -> bool {
    kind == ErrorKind::UnexpectedReply
        && status.is_client_error()
        && status != StatusCode::PROXY_AUTHENTICATION_REQUIRED
}

/// An error of what GitHub says in its headers, its message and the documentation page of that.
fn githubs(
    kind: ErrorKind,
    status: StatusCode,
    headers: &HeaderMap,
    (message, page): (&str, &str),
    token: &str,
) -> Error {
    // Errors are logged, and must not hold a token that the server sent back.
    let clean = |text: Option<String>| text.filter(|text| !echoes(text, token));
    let reason = match clean(headers::redirect_target(headers)) {
        Some(target) => format!("{status} leads to {target}"),
        None => status.to_string(),
    };
    let mut error = Error::new(kind, reason);
    if let Some(hint) = hint(kind, status, headers, message) {
        error = error.with_hint(hint);
    }
    error.with_told(Told {
        documentation_url: clean(headers::documentation_url(page)),
        permission: clean(headers::needed(headers)),
        sso_url: clean(headers::sso_url(headers)),
        ..Told::default()
    })
}

/// An error of a reply that GitHub did not give, since it has neither a request id nor JSON with a message.
fn foreign(status: StatusCode, headers: &HeaderMap, body: &[u8], token: &str) -> Error {
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED
        || headers.contains_key("proxy-authenticate")
    {
        return Error::new(
            ErrorKind::UnexpectedReply,
            format!("the proxy answered {status}"),
        )
        .with_hint("give the proxy's user name and password in its address");
    }
    let what = if looks_like_html(body) {
        "HTML"
    } else if body.is_empty() && status.is_client_error() {
        "without a body and without GitHub's request id"
    } else {
        "not one that the operation gives"
    };
    let target = headers::redirect_target(headers).filter(|target| !echoes(target, token));
    match target.filter(|_| status.is_redirection()) {
        Some(target) => unexpected(format!("{status} and leads to {target}")),
        None => unexpected(format!("{status}, {what}")),
    }
}
