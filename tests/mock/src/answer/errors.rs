//! The errors of the behaviour sheet, one function a row.

use http::StatusCode;
use serde_json::Value;

use crate::answer::reply::{self, Refusal, Reply};
use crate::traffic::identity::Identity;

pub(crate) const REST_PAGE: &str = "https://docs.github.com/rest";
pub(crate) const LIMITS_PAGE: &str =
    "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api";
pub(crate) const SECONDARY_PAGE: &str = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits";

/// The pattern that GitHub names when a sealed value is not base64.
const BASE64_PATTERN: &str =
    r"/^(?:[A-Za-z0-9+\/]{4})*(?:[A-Za-z0-9+\/]{2}==|[A-Za-z0-9+\/]{3}=|[A-Za-z0-9+\/]{4})$/";

pub(crate) fn not_found() -> Refusal {
    Refusal::new(404, "Not Found")
}

pub(crate) fn requires_authentication() -> Refusal {
    Refusal::new(401, "Requires authentication")
}

pub(crate) fn bad_credentials() -> Refusal {
    Refusal::new(401, "Bad credentials").documentation(REST_PAGE)
}

pub(crate) fn locked_out() -> Refusal {
    Refusal::new(
        403,
        "Maximum number of login attempts exceeded. Please try again later.",
    )
}

pub(crate) fn unsupported_version(sent: &str, known: &[String]) -> Refusal {
    let known: Vec<String> = known.iter().map(|version| format!("{version:?}")).collect();
    let message = format!(
        "Bad Request: The version you specified in the \"X-GitHub-API-Version\" request header, {sent:?}, is not a \
         supported version. The following versions are currently supported: {}.",
        known.join(", ")
    );
    Refusal::new(400, message)
}

pub(crate) fn ended_version(version: &str) -> Refusal {
    let message = format!("Version {version} of the API is no longer available.");
    Refusal::new(410, message)
}

/// What an Enterprise Server's pages for people answer, which are all there is outside of `/api/v3`.
pub(crate) fn page_not_found() -> Reply {
    let page = "<!DOCTYPE html>\n<html><head><title>Page not found &middot; GitHub Enterprise</title></head></html>\n";
    reply::with_body(StatusCode::NOT_FOUND, reply::HTML, page)
}

/// Reads a body as a JSON object.
pub(crate) fn json_object(body: &[u8]) -> Result<serde_json::Map<String, Value>, Refusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Refusal::new(400, "Body should be a JSON object")),
        Err(_) => Err(Refusal::new(400, "Problems parsing JSON")),
    }
}

pub(crate) fn missing(fields: &[&str]) -> Refusal {
    let verb = if fields.len() == 1 {
        "wasn't"
    } else {
        "weren't"
    };
    let fields: Vec<String> = fields.iter().map(|field| format!("{field:?}")).collect();
    invalid(format!("{} {verb} supplied.", fields.join(", ")))
}

pub(crate) fn wrong_type(field: &str, found: &Value, wanted: &str) -> Refusal {
    invalid(format!("For '{field}', {found} is not {wanted}."))
}

pub(crate) fn not_a_member(found: &str, members: &[&str]) -> Refusal {
    invalid(format!("{found} is not a member of {members:?}."))
}

pub(crate) fn not_base64(sent: &str) -> Refusal {
    invalid(format!("{sent} does not match {BASE64_PATTERN}."))
}

/// Dependabot's way to refuse numbers, which is not the way of the other stores.
pub(crate) fn not_strings(ids: &[Value]) -> Refusal {
    let lines: Vec<String> = ids
        .iter()
        .enumerate()
        .filter(|(_, id)| !id.is_string())
        .map(|(at, id)| {
            format!(
                "Invalid property /selected_repository_ids/{at}: `{id}` is not of type `string`."
            )
        })
        .collect();
    invalid(lines.join("\n"))
}

pub(crate) fn invalid(what: impl AsRef<str>) -> Refusal {
    Refusal::new(422, format!("Invalid request.\n\n{}", what.as_ref()))
}

pub(crate) fn improperly_encrypted() -> Refusal {
    Refusal::new(
        422,
        "Bad request - validation failed due to an improperly encrypted secret",
    )
}

pub(crate) fn bad_name() -> Refusal {
    Refusal::new(
        422,
        "Secret names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). Spaces are \
         not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_).",
    )
}

pub(crate) fn reserved_name() -> Refusal {
    Refusal::new(422, "Secret names must not start with GITHUB_.")
}

pub(crate) fn long_name(limit: usize) -> Refusal {
    Refusal::new(
        422,
        format!("Secret names can't be longer than {limit} characters."),
    )
}

pub(crate) fn too_large(limit: usize) -> Refusal {
    Refusal::new(
        422,
        format!("Secret values can't be larger than {limit} bytes."),
    )
}

pub(crate) fn too_many(limit: usize) -> Refusal {
    Refusal::new(
        422,
        format!("You can't have more than {limit} secrets here."),
    )
}

pub(crate) fn variable_exists() -> Refusal {
    Refusal::new(409, "Already exists - Variable already exists")
}

pub(crate) fn unknown_repositories(ids: &[u64]) -> Refusal {
    Refusal::new(422, "Validation Failed").with("errors", format!("no such repositories: {ids:?}"))
}

pub(crate) fn ids_without_selected() -> Refusal {
    invalid("\"selected_repository_ids\" can only be given when \"visibility\" is \"selected\".")
}

/// Its `errors` is a string where every other error has a list.
pub(crate) fn not_selected() -> Refusal {
    Refusal::new(409, "Conflict").with("errors", "The secret's visibility is not 'selected'.")
}

pub(crate) fn archived() -> Refusal {
    Refusal::new(403, "Repository was archived so is read-only.")
}

pub(crate) fn not_accessible_by_integration() -> Refusal {
    Refusal::new(403, "Resource not accessible by integration")
}

pub(crate) fn primary_limit(identity: &Identity) -> Refusal {
    let whom = match identity {
        Identity::User(login) => format!("user {login}"),
        Identity::Installation(id) => format!("installation ID {id}"),
        Identity::App(id) => format!("app ID {id}"),
    };
    let message = format!("API rate limit exceeded for {whom}.");
    Refusal::new(403, message).documentation(LIMITS_PAGE)
}

/// A secondary limit on what creates content.
pub(crate) fn content_limit() -> Refusal {
    let message = "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. \
                   Please retry your request again later.";
    Refusal::new(403, message).documentation(SECONDARY_PAGE)
}

pub(crate) fn secondary_limit() -> Refusal {
    Refusal::new(
        403,
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    )
    .documentation(SECONDARY_PAGE)
}

pub(crate) fn secrets_service_unavailable() -> Refusal {
    Refusal::new(503, "Secrets service unavailable")
}
