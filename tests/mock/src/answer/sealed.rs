//! What a request that stores something must be like.

use serde_json::{Map, Value};

use crate::answer::errors;
use crate::answer::reply::Refusal;
use crate::settings::{RepositoryIds, Settings};

pub(crate) const VISIBILITIES: [&str; 3] = ["all", "private", "selected"];

/// A secret's name, by GitHub's rules.
pub(crate) fn check_name(name: &str, settings: &Settings) -> Result<(), Refusal> {
    let mut letters = name.chars();
    let first = letters
        .next()
        .is_some_and(|letter| letter.is_ascii_alphabetic() || letter == '_');
    if !first || !letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
        return Err(errors::bad_name());
    }
    if name.to_ascii_uppercase().starts_with("GITHUB_") {
        return Err(errors::reserved_name());
    }
    if name.len() > settings.max_name {
        return Err(errors::long_name(settings.max_name));
    }
    Ok(())
}

/// The key's id and the sealed value, the latter surely base64. The id is text, or a number where the server sent one.
pub(crate) fn read(body: &Map<String, Value>) -> Result<(String, String), Refusal> {
    let sealed =
        string(body, "encrypted_value")?.ok_or_else(|| errors::missing(&["encrypted_value"]))?;
    let key_id = match body.get("key_id") {
        Some(Value::String(id)) => id.clone(),
        Some(Value::Number(id)) => id.to_string(),
        Some(other) => return Err(errors::wrong_type("properties/key_id", other, "a string")),
        None => return Err(errors::missing(&["key_id"])),
    };
    if !is_base64(&sealed) {
        return Err(errors::not_base64(&sealed));
    }
    Ok((key_id, sealed))
}

pub(crate) fn string(body: &Map<String, Value>, field: &str) -> Result<Option<String>, Refusal> {
    match body.get(field) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(errors::wrong_type(
            &format!("properties/{field}"),
            other,
            "a string",
        )),
    }
}

pub(crate) fn one_of(
    body: &Map<String, Value>,
    field: &str,
    members: &[&str],
) -> Result<Option<String>, Refusal> {
    match string(body, field)? {
        Some(text) if !members.contains(&text.as_str()) => {
            Err(errors::not_a_member(&text, members))
        }
        other => Ok(other),
    }
}

/// The repositories of a body, in the way that the store wants them. `None`: none were named, not even an empty list.
pub(crate) fn repository_ids(
    body: &Map<String, Value>,
    style: RepositoryIds,
) -> Result<Option<Vec<u64>>, Refusal> {
    let ids = match body.get("selected_repository_ids") {
        None => return Ok(None),
        Some(Value::Array(ids)) => ids,
        Some(other) => {
            return Err(errors::wrong_type(
                "properties/selected_repository_ids",
                other,
                "an array",
            ));
        }
    };
    if style == RepositoryIds::Strings && !ids.iter().all(Value::is_string) {
        return Err(errors::not_strings(ids));
    }
    ids.iter()
        .map(|id| {
            match id {
                Value::String(text) if style != RepositoryIds::Integers => text.parse().ok(),
                Value::Number(number) if style != RepositoryIds::Strings => number.as_u64(),
                _ => None,
            }
            .ok_or_else(|| errors::wrong_type("items", id, "an integer"))
        })
        .collect::<Result<_, _>>()
        .map(Some)
}

/// The pattern of GitHub's description: groups of four, the last one padded, and at least one.
fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    !text.is_empty()
        && text.len().is_multiple_of(4)
        && padding <= 2
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
}
