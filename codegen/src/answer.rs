//! What a call gives: a reply that was read, or why there is none.

use std::error::Error as StdError;
use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};

use crate::transport::{Body, TransportError, body_of, transport_error};

/// What a call gives.
pub type Answer<T> = Result<ResponseValue<T>, Error>;

/// A reply that was read, with the status and the headers that it came with.
#[derive(Clone)]
pub struct ResponseValue<T> {
    value: T,
    status: StatusCode,
    headers: HeaderMap,
}

impl<T> ResponseValue<T> {
    /// A reply that says this.
    pub fn new(value: T, status: StatusCode, headers: HeaderMap) -> Self {
        Self {
            value,
            status,
            headers,
        }
    }

    /// What it says.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The same with another value, made of this one.
    pub fn map<R>(self, make: impl FnOnce(T) -> R) -> ResponseValue<R> {
        ResponseValue::new(make(self.value), self.status, self.headers)
    }
}

/// For generated code. Few operations have a reply that is not JSON.
#[allow(dead_code)]
impl ResponseValue<Body> {
    pub(crate) fn stream(reply: reqwest::Response) -> Self {
        let (head, body) = body_of(reply).into_parts();
        Self::new(body, head.status, head.headers)
    }
}

impl<T> Deref for ResponseValue<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// As what it says.
impl<T: fmt::Debug> fmt::Debug for ResponseValue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// Why a call gave no value.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The call can't be made as it was asked for, and why. Nothing was sent.
    InvalidRequest(String),
    /// No reply came.
    NoReply(TransportError),
    /// The reply to the operation broke off, or there was more of it than the transport lets through.
    BrokenReply(TransportError),
    /// The reply is not what the operation gives. Its body is here, complete, if it is no JSON at all; otherwise the error
    /// names the field that it is about.
    InvalidResponsePayload(Bytes, serde_json::Error),
    /// A reply that the description does not declare, errors above all, complete and unread.
    UnexpectedResponse(Box<Response<Body>>),
    /// What code of the caller's own says, or that it made another call before, of which nothing is known here.
    Custom(String),
}

impl Error {
    /// For generated code.
    pub(crate) fn unexpected(reply: reqwest::Response) -> Self {
        Self::UnexpectedResponse(Box::new(body_of(reply)))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidRequest(why) => write!(f, "the call can't be made: {why}"),
            Self::NoReply(error) => error.fmt(f),
            Self::BrokenReply(_) => f.write_str("the reply broke off"),
            Self::InvalidResponsePayload(_, why) => write!(f, "the reply can't be read: {why}"),
            Self::UnexpectedResponse(reply) => {
                write!(f, "a reply that is not described: {}", reply.status())
            }
            Self::Custom(why) => f.write_str(why),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::NoReply(error) | Self::BrokenReply(error) => Some(error),
            Self::InvalidResponsePayload(_, why) => Some(why),
            Self::InvalidRequest(_) | Self::UnexpectedResponse(_) | Self::Custom(_) => None,
        }
    }
}

/// For generated code.
impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        Self::NoReply(transport_error(error))
    }
}

/// For generated code: a parameter that is a header.
impl From<http::header::InvalidHeaderValue> for Error {
    fn from(error: http::header::InvalidHeaderValue) -> Self {
        Self::InvalidRequest(error.to_string())
    }
}

/// For generated code: a body that can't fail to be one.
impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

/// For generated code: what [`ClientHooks`](progenitor_client::ClientHooks) refuse.
impl From<progenitor_client::Error<()>> for Error {
    fn from(error: progenitor_client::Error<()>) -> Self {
        match error {
            progenitor_client::Error::InvalidRequest(why) => Self::InvalidRequest(why),
            progenitor_client::Error::Custom(why) => Self::Custom(why),
            other => Self::Custom(other.to_string()),
        }
    }
}
