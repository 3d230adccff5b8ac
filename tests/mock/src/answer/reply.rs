//! Replies and refusals, before the headers that every reply carries.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde_json::{Value, json};

pub(crate) type Reply = Response<Bytes>;

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
pub(crate) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// A reply with a JSON body.
pub(crate) fn json(status: StatusCode, body: &Value) -> Reply {
    with_body(status, JSON, body.to_string())
}

/// `200` with a JSON body.
pub(crate) fn ok(body: &Value) -> Reply {
    json(StatusCode::OK, body)
}

/// `201` with the empty object, as a created secret is answered.
pub(crate) fn created() -> Reply {
    json(StatusCode::CREATED, &json!({}))
}

/// `204`, which has neither body nor content type.
pub(crate) fn no_content() -> Reply {
    let mut reply = Response::new(Bytes::new());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    reply
}

pub(crate) fn with_body(
    status: StatusCode,
    content_type: HeaderValue,
    body: impl Into<Bytes>,
) -> Reply {
    let mut reply = Response::new(body.into());
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, content_type);
    reply
}

/// An error on its way to becoming a reply: what it says, and which headers go with it.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    /// A field beside GitHub's usual ones.
    pub(crate) extra: Option<(&'static str, String)>,
    pub(crate) documentation: Option<&'static str>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self {
            status,
            message: message.into(),
            extra: None,
            documentation: None,
            headers: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, field: &'static str, text: impl Into<String>) -> Self {
        self.extra = Some((field, text.into()));
        self
    }

    pub(crate) fn documentation(mut self, url: &'static str) -> Self {
        self.documentation = Some(url);
        self
    }

    /// Adds a header; one whose value can't be a header's is left out.
    pub(crate) fn header(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    /// The reply, in GitHub's shape of an error.
    pub(crate) fn into_reply(self, documentation: &str) -> Reply {
        let mut body = json!({
            "message": self.message,
            "documentation_url": documentation,
            "status": self.status.as_str(),
        });
        if let Some((field, text)) = self.extra {
            body[field] = text.into();
        }
        let mut reply = json(self.status, &body);
        reply.headers_mut().extend(self.headers);
        reply
    }
}
