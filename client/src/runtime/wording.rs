//! Messages of refusals: GitHub's, where it is safe to quote, and hints.

use octoseal_api::Permission;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use super::echo::without_secrets;
use crate::error::{Error, ErrorKind};

/// GitHub's message, as far as it can't quote what was sent.
///
/// A refusal of content (`400`, `422`) may quote the content, so there only messages known to quote nothing are
/// kept. Otherwise the message is kept without its words that [look like a secret](super::echo).
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
    // These words quote content, whatever the status.
    if message.contains(" does not match /") {
        return None;
    }
    without_secrets(message, token)
}

/// Words of refusals, in lower case, and the remedy of each. The messages around them are not passed on.
const REMEDIES: &[(StatusCode, &[(&str, &str)])] = &[
    (
        StatusCode::BAD_REQUEST,
        &[(
            "the version you specified",
            "the server does not have this version of its API; set `api_version` to one that it has",
        )],
    ),
    (
        StatusCode::FORBIDDEN,
        &[
            ("archived", "the repository is archived; unarchive it first"),
            (
                "login attempts exceeded",
                "too many wrong tokens were sent, and for some minutes GitHub refuses valid ones too; give a valid one and wait",
            ),
            (
                "ip allow list",
                "the address that the request comes from is not on the IP allow list; call from one that is, or have an owner \
         add it",
            ),
            (
                "ip address is not permitted",
                "the address that the request comes from is not allowed; call from one that is, or have an owner add it",
            ),
            (
                "personal access token (classic)",
                "classic personal access tokens are forbidden there; use a fine-grained one or a GitHub App",
            ),
            (
                "lifetime",
                "the token is valid for longer than the policy there allows; give it an earlier end, or make one that has it",
            ),
            (
                "fine-grained personal access token",
                "fine-grained personal access tokens are forbidden there, or wait for an owner's approval; ask an owner, or use a \
         GitHub App",
            ),
            (
                "oauth app access restrictions",
                "the token's OAuth App is not approved there; have an owner approve it",
            ),
            (
                "saml",
                "single sign-on is required; authorize the token for it, in the settings where the token was made",
            ),
            (
                "suspended",
                "the account or the App's installation is suspended; an administrator or the owner can lift that",
            ),
            (
                "access disabled",
                "access to it is disabled; ask its owner, or GitHub's support",
            ),
            (
                "access blocked",
                "access to it is blocked; ask its owner, or GitHub's support",
            ),
            (
                "not accessible by integration",
                "grant the GitHub App, or the workflow's token, what the call needs, and have the owner accept it",
            ),
            (
                "not accessible by personal access token",
                "edit the token, which lacks this repository or what the call needs",
            ),
        ],
    ),
    (
        StatusCode::UNPROCESSABLE_ENTITY,
        &[
            (
                "improperly encrypted",
                "seal the value with the scope's current public key",
            ),
            (
                "does not match /^(?:[a-za-z0-9+\\/]{4})",
                "`encrypted_value` is not base64 in the standard alphabet, padded with `=`",
            ),
            (
                "secret names ",
                "change the secret's name: letters, digits and underscores, not beginning with a digit or GITHUB_, not too long",
            ),
        ],
    ),
];

fn remedy(status: StatusCode, message: &str) -> Option<&'static str> {
    let message = message.to_lowercase();
    let (_, remedies) = REMEDIES.iter().find(|(of, _)| *of == status)?;
    let known = remedies.iter().find(|(words, _)| message.contains(words));
    known.map(|(_, remedy)| *remedy)
}

/// Adds to the error of a `403` the permission that the call needs, unless its message tells another cause.
pub(super) fn with_needed(error: Error, needed: Option<&Permission>) -> Error {
    let says = error.message().unwrap_or_default().to_lowercase();
    let hint = match (error.hint(), needed) {
        (Some(hint), Some(needed)) if says.contains("not accessible by ") => {
            format!("{hint}: `{}` ({})", needed.name, needed.level)
        }
        (Some(_), _) => return error,
        (None, None) => "give the token what the call needs".to_owned(),
        (None, Some(needed)) => format!(
            "give the token what the call needs: the scope {} (classic), or the permission `{}` ({}) (fine-grained, \
             GitHub App)",
            needed.classic_scope, needed.name, needed.level
        ),
    };
    error.with_hint(hint)
}

/// Whether a `403` is known to be about permissions, and not about a limit.
pub(crate) fn is_about_access(headers: &HeaderMap, message: &str) -> bool {
    headers.contains_key("x-github-sso")
        || message.starts_with("Must have admin")
        || remedy(StatusCode::FORBIDDEN, message).is_some()
}

/// A hint what to try after a refusal.
pub(crate) fn hint(
    kind: ErrorKind,
    status: StatusCode,
    headers: &HeaderMap,
    message: &str,
) -> Option<&'static str> {
    if let Some(remedy) = remedy(status, message) {
        return Some(remedy);
    }
    if kind == ErrorKind::RateLimited {
        return None;
    }
    Some(match status {
        StatusCode::UNAUTHORIZED => "the token is wrong, revoked or expired; give a valid one",
        StatusCode::FORBIDDEN if headers.contains_key("x-github-sso") => {
            "the organization requires single sign-on; authorize the token for it"
        }
        StatusCode::NOT_FOUND if kind == ErrorKind::Unsupported => {
            "the server may not know this operation: GitHub Enterprise Server has fewer stores than GitHub, and older \
             ones have fewer still; or what it is about may be missing, renamed, or invisible to this token"
        }
        StatusCode::NOT_FOUND => {
            "it may be missing, renamed (a renamed organization does not redirect), or invisible to this token"
        }
        StatusCode::CONFLICT => {
            "it does not fit what is there: what was to be made may exist already, or repositories were to be selected \
             for something whose visibility is not `selected`"
        }
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST => {
            "GitHub did not accept the content of the request: perhaps a name that is too long, a value that is too \
             large, or one secret more than there may be (1,000 of an \
             organization, 100 of a repository or an environment, 100 of any place for Codespaces)"
        }
        StatusCode::GONE => {
            "this version of the API has ended; set `api_version` to a later one, or use a later release of octoseal"
        }
        status if status.is_redirection() => {
            "a redirect is followed once, to the same server and by the same method; if the repository was renamed, use \
             its present name, otherwise check the base URL"
        }
        status if status.is_server_error() => "GitHub had a failure of its own; try again later",
        _ => return None,
    })
}
