//! What an error says of a refusal: GitHub's message, where it is safe to repeat, and what to try.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::error::Kind;

/// GitHub's message, if passing it on can't pass on what was sent.
///
/// A refusal of content (`400`, `422`) may quote the content, so there only messages known to quote nothing are
/// kept. Elsewhere a message is kept unless it is long or holds long words, markup, control characters or the token.
pub(crate) fn safe_message(status: StatusCode, message: &str, token: &str) -> Option<String> {
    const KNOWN: [&str; 8] = [
        "Bad request - validation failed due to an improperly encrypted secret",
        "Secret names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_).",
        "Secret names must not start with GITHUB_.",
        "Validation Failed",
        "Problems parsing JSON",
        "Body should be a JSON object",
        "Invalid request.",
        "Bad Request",
    ];
    if message.is_empty() {
        return None;
    }
    if matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY
    ) {
        if KNOWN.contains(&message) {
            return Some(message.to_owned());
        }
        // `Invalid request.\n\n"key_id" wasn't supplied.` names fields of the description and quotes no value.
        let missing = message
            .strip_prefix("Invalid request.\n\n")?
            .strip_suffix(" supplied.")?;
        let list = missing
            .strip_suffix(" wasn't")
            .or_else(|| missing.strip_suffix(" weren't"))?;
        let field = |field: &str| {
            let name = field
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'));
            name.is_some_and(|name| {
                name.len() <= 40 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
            })
        };
        return list
            .split(", ")
            .all(field)
            .then(|| format!("{missing} supplied"));
    }
    // Longer than any word: a sealed value, a token, an address.
    let long = |word: &str| word.len() >= 40;
    let clean = message.len() <= 300
        && !message.split_whitespace().any(long)
        && !message.contains(['<', '>'])
        && !message.chars().any(char::is_control)
        && (token.is_empty() || !message.contains(token));
    clean.then(|| message.to_owned())
}

/// Words by which a refusal that has one remedy is known, and that remedy. They are only looked for: what stands around
/// them may repeat what was sent.
const REMEDIES: [(StatusCode, &str, &str); 6] = [
    (
        StatusCode::BAD_REQUEST,
        "The version you specified",
        "the server does not have this version of its API; set `api_version` to one that it has",
    ),
    (
        StatusCode::FORBIDDEN,
        "archived",
        "the repository is archived; unarchive it first",
    ),
    (
        StatusCode::FORBIDDEN,
        "login attempts exceeded",
        "too many wrong tokens were sent, and for some minutes GitHub refuses valid ones too; give a valid one and wait",
    ),
    (
        StatusCode::UNPROCESSABLE_ENTITY,
        "improperly encrypted",
        "seal the value with the scope's current public key",
    ),
    (
        StatusCode::UNPROCESSABLE_ENTITY,
        "does not match /^(?:[A-Za-z0-9+\\/]{4})",
        "`encrypted_value` is not base64 in the standard alphabet, padded with `=`",
    ),
    (
        StatusCode::UNPROCESSABLE_ENTITY,
        "Secret names ",
        "change the secret's name: letters, digits and underscores, not beginning with a digit or GITHUB_, not too long",
    ),
];

/// What to try, by what GitHub refused.
pub(crate) fn hint(
    kind: Kind,
    status: StatusCode,
    headers: &HeaderMap,
    message: &str,
) -> Option<&'static str> {
    let known =
        |(of, words, _): &&(StatusCode, &str, &str)| *of == status && message.contains(words);
    if let Some((.., remedy)) = REMEDIES.iter().find(known) {
        return Some(remedy);
    }
    if kind == Kind::RateLimited {
        return None;
    }
    Some(match status {
        StatusCode::UNAUTHORIZED => "the token is wrong, revoked or expired; give a valid one",
        StatusCode::FORBIDDEN if headers.contains_key("x-github-sso") => {
            "the organization requires single sign-on; authorize the token for it"
        }
        StatusCode::FORBIDDEN => {
            "give the token what the scope needs: admin:org (classic) or the organization permission for secrets at \
             an organization, repo (classic) or the repository permission for secrets at a repository"
        }
        StatusCode::NOT_FOUND if kind == Kind::Unsupported => {
            "the server may not know this operation: GitHub Enterprise Server has fewer stores than GitHub, and older \
             ones have fewer still; or what it is about may be missing, renamed, or invisible to this token"
        }
        StatusCode::NOT_FOUND => {
            "it may be missing, renamed (a renamed organization does not redirect), or invisible to this token"
        }
        StatusCode::CONFLICT => {
            "repositories can be selected only while the secret's visibility is `selected`"
        }
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST => {
            "GitHub did not accept the content of the request: perhaps a name that is too long, a value that is too \
             large, repositories that the owner does not have, or one secret more than there may be (1,000 of an \
             organization, 100 of a repository or an environment)"
        }
        status if status.is_redirection() => {
            "the repository may have been renamed; use its present name"
        }
        status if status.is_server_error() => "GitHub had a failure of its own; try again later",
        _ => return None,
    })
}
