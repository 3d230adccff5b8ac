//! Raw requests, and what came back.

use std::fmt::Display;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request};
use octoseal::sealing::PublicKey;
use octoseal_mock::GitHub;
use serde_json::{Value, json};

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("a JSON body")
    }

    pub(crate) fn message(&self) -> String {
        self.json()["message"]
            .as_str()
            .expect("a message")
            .to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("a readable header"))
    }
}

/// A request as a well-behaved client sends it.
pub(crate) fn request(method: &str, path: &str, body: Option<&Value>) -> Request<Bytes> {
    Request::builder()
        .method(method)
        .uri(format!("https://api.github.com{path}"))
        .header("user-agent", "standin-tests")
        .header("authorization", "Bearer any")
        .body(
            body.map(|body| Bytes::from(body.to_string()))
                .unwrap_or_default(),
        )
        .expect("a request")
}

/// The same request with another value for a header.
pub(crate) fn with(name: &'static str, value: &str, mut request: Request<Bytes>) -> Request<Bytes> {
    let value = HeaderValue::from_str(value).expect("a header's value");
    request.headers_mut().insert(name, value);
    request
}

/// The same request by the bearer of another token.
pub(crate) fn bearing(token: &str, request: Request<Bytes>) -> Request<Bytes> {
    with("authorization", &format!("Bearer {token}"), request)
}

pub(crate) fn send(github: &GitHub, request: &Request<Bytes>) -> Answer {
    send_at(github, github.now(), request)
}

pub(crate) fn send_at(github: &GitHub, now: Duration, request: &Request<Bytes>) -> Answer {
    let reply = github.respond_at(now, request);
    Answer {
        status: reply.status().as_u16(),
        headers: reply.headers().clone(),
        text: String::from_utf8(reply.body().to_vec()).expect("text"),
    }
}

pub(crate) fn get(github: &GitHub, path: &str) -> Answer {
    send(github, &request("GET", path, None))
}

pub(crate) fn delete(github: &GitHub, path: &str) -> Answer {
    send(github, &request("DELETE", path, None))
}

pub(crate) fn put(github: &GitHub, path: &str, body: &Value) -> Answer {
    send(github, &request("PUT", path, Some(body)))
}

pub(crate) fn post(github: &GitHub, path: &str, body: &Value) -> Answer {
    send(github, &request("POST", path, Some(body)))
}

pub(crate) fn patch(github: &GitHub, path: &str, body: &Value) -> Answer {
    send(github, &request("PATCH", path, Some(body)))
}

/// A body with a value sealed for a scope, and nothing else.
pub(crate) fn sealed(github: &GitHub, scope: impl Display, value: &[u8]) -> Value {
    let (key_id, key) = github.public_key(scope);
    let key = PublicKey::from_base64(&key).expect("a real key");
    json!({ "encrypted_value": key.seal(value).to_base64(), "key_id": key_id })
}

/// The same with a visibility, as organizations want it.
pub(crate) fn visible(
    github: &GitHub,
    scope: impl Display,
    value: &[u8],
    visibility: &str,
) -> Value {
    let mut body = sealed(github, scope, value);
    body["visibility"] = json!(visibility);
    body
}

/// A GitHub with `acme`, its repositories `api` and `web`, and the numbers of the two.
pub(crate) fn acme() -> (GitHub, u64, u64) {
    let github = GitHub::new();
    let (api, web) = (
        github.add_repository("acme", "api"),
        github.add_repository("acme", "web"),
    );
    (github, api, web)
}

pub(crate) const ORG: &str = "actions:org/acme";
pub(crate) const SECRET: &str = "/orgs/acme/actions/secrets/TOKEN";
