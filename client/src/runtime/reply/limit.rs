//! Whether a refusal is about traffic, and what replies say of the quota.

use std::time::SystemTime;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::limits::{Cause, Quota, Refusal};
use crate::runtime::headers;
use crate::runtime::wording::is_about_access;

/// Whether the limit is that of an IP address, since the token did not arrive.
pub(super) fn is_for_anonymous(headers: &HeaderMap, message: &str) -> bool {
    message.contains("Authenticated requests get a higher rate limit")
        || message.starts_with("API rate limit exceeded for") && headers::limit(headers) == Some(60)
}

/// Whether a refusal is for a limit, and for how long. The message goes before the headers: a reply for a secondary limit
/// may say `x-ratelimit-remaining: 0`, and one for an installation's primary limit may not.
pub(super) fn limit(
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
    let too_many = status == StatusCode::TOO_MANY_REQUESTS;
    let words = message.to_lowercase();
    let speaks_of = |words_of: &[&str]| words_of.iter().any(|each| words.contains(each));
    let cause = if speaks_of(&["login attempts exceeded"]) {
        Cause::Tokens
    } else if speaks_of(&["content creation"]) {
        Cause::Content
    } else if speaks_of(&[
        "secondary rate limit",
        "abuse detection",
        "abuse rate limit",
    ]) || documentation.contains("secondary-rate-limit")
        || documentation.contains("abuse-rate-limit")
    {
        Cause::Traffic
    } else if speaks_of(&["api rate limit exceeded"]) {
        Cause::Quota
    } else if !too_many && is_about_access(headers, message) {
        return None;
    } else if used_up {
        Cause::Quota
    } else if too_many
        || retry_after.is_some()
        || speaks_of(&["rate limit", "too many requests"])
        || documentation.contains("rate-limit")
    {
        Cause::Traffic
    } else {
        return None;
    };
    let reset = headers::until_reset(headers, now).filter(|_| cause == Cause::Quota && used_up);
    Some(Refusal {
        cause,
        wait: reset.max(retry_after),
        exact: date.is_some() || reset.is_none() && headers::asks_for_seconds(headers),
    })
}

pub(crate) fn quota(headers: &HeaderMap) -> Option<Quota> {
    let now = headers::date(headers).unwrap_or_else(SystemTime::now);
    Some(Quota::new(
        headers::limit(headers),
        headers::remaining(headers)?,
        headers::until_reset(headers, now)?,
    ))
}
