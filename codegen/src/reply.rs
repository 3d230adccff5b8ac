//! Reading replies: what can't be read is told by the field that it is about, without a word of the reply.

use std::collections::BTreeMap;
use std::mem::take;

use bytes::Bytes;
use serde::de::{DeserializeOwned, Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_path_to_error::{Path, Segment};

use crate::answer::{Answer, Error, ResponseValue};
use crate::journey::REQUEST_ID;
use crate::transport::transport_error;

/// Reads a reply as JSON.
///
/// # Errors
///
/// [`Error::InvalidResponsePayload`]. If the reply is JSON, but not that of the operation, its error names the field, and
/// the body is left out: it may hold a token. Otherwise the body is there, complete.
pub(crate) async fn read<T: DeserializeOwned>(response: reqwest::Response) -> Answer<T> {
    read_as(response, |reply| reply).await
}

/// Reads a reply as one of the types that it may be, of which its status tells, and makes `R` of it.
pub(crate) async fn read_as<T: DeserializeOwned, R>(
    mut response: reqwest::Response,
    make: impl FnOnce(T) -> R,
) -> Answer<R> {
    let (status, headers) = (response.status(), take(response.headers_mut()));
    let body = whole(response).await?;
    match parse(&body) {
        Ok(reply) => Ok(ResponseValue::new(make(reply), status, headers)),
        Err(error) => Err(unreadable(body, error)),
    }
}

/// Takes a reply that has nothing to say. GitHub's own is one whatever its body is; another with a body that is no JSON
/// object may come from what stands between here and GitHub.
///
/// # Errors
///
/// As for [`read`].
pub(crate) async fn empty(mut response: reqwest::Response) -> Answer<()> {
    let (status, headers) = (response.status(), take(response.headers_mut()));
    if headers.contains_key(REQUEST_ID) {
        return Ok(ResponseValue::new((), status, headers));
    }
    let body = whole(response).await?;
    if body.trim_ascii().is_empty() {
        return Ok(ResponseValue::new((), status, headers));
    }
    match parse::<BTreeMap<String, IgnoredAny>>(&body) {
        Ok(_) => Ok(ResponseValue::new((), status, headers)),
        Err(error) => Err(unreadable(body, error)),
    }
}

/// A body that is not the operation's.
fn unreadable(body: Bytes, error: serde_json::Error) -> Error {
    let body = if error.is_data() { Bytes::new() } else { body };
    Error::InvalidResponsePayload(body, error)
}

/// The reply of a kind of success that has no body, where another kind has one. Few operations have both.
#[allow(dead_code)]
pub(crate) fn none<T>(mut response: reqwest::Response) -> ResponseValue<Option<T>> {
    let headers = take(response.headers_mut());
    ResponseValue::new(None, response.status(), headers)
}

/// Reads a field of a body that tells `null` from nothing: what is not there does not come here. Few fields do.
#[allow(dead_code)]
pub(crate) fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    value: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(value).map(Some)
}

async fn whole(response: reqwest::Response) -> Result<Bytes, Error> {
    let body = response.bytes().await;
    body.map_err(|error| Error::BrokenReply(transport_error(error)))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let reply = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().clone();
        let error = error.into_inner();
        if error.is_data() {
            serde_json::Error::custom(complaint(&path, &error.to_string()))
        } else {
            error
        }
    })?;
    json.end()?;
    Ok(reply)
}

/// What is wrong, and where. serde's own message quotes what it has read.
fn complaint(path: &Path, message: &str) -> String {
    let mut field = shown(path);
    let name = |start: &str| message.strip_prefix(start)?.split('`').next();
    if let Some(name) = name("missing field `") {
        if !field.is_empty() {
            field.push('.');
        }
        return format!("`{field}{name}` is missing");
    }
    let subject = match field.as_str() {
        "" => "the reply".to_owned(),
        field => format!("`{field}`"),
    };
    match message.rsplit_once(", expected ") {
        Some((_, expected)) => {
            let expected = expected.split(" at line ").next().unwrap_or_default();
            format!("{subject} is not {expected}")
        }
        None => format!("{subject} is not as described"),
    }
}

/// A path, but for keys that are no names: the reply chose them.
fn shown(path: &Path) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => text.push_str(&format!("[{index}]")),
            Segment::Map { key } => {
                let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
                let known = key.len() <= LONGEST_NAME && key.chars().all(is_name);
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(if known { key } else { "?" });
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    text
}

/// In bytes; the longest name in GitHub's description has 56.
const LONGEST_NAME: usize = 64;
