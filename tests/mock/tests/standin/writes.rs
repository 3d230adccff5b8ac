//! Storing a value: what is accepted, and every way to be refused.

use octoseal_mock::StaleKeys;
use serde_json::json;

use super::ask::{ORG, SECRET, acme, get, put, sealed, visible};

const SEALED_BADLY: &str = "Bad request - validation failed due to an improperly encrypted secret";

#[test]
fn a_new_secret_is_201_with_an_empty_object_and_an_old_one_204_without_body() {
    let (github, ..) = acme();
    let created = put(&github, SECRET, &visible(&github, ORG, b"one", "all"));
    assert_eq!((created.status, created.text.as_str()), (201, "{}"));
    assert_eq!(
        created.header("content-type"),
        Some("application/json; charset=utf-8")
    );

    let updated = put(&github, SECRET, &visible(&github, ORG, b"two", "all"));
    assert_eq!((updated.status, updated.text.as_str()), (204, ""));
    assert_eq!(updated.header("content-type"), None);
    assert_eq!(github.plaintext(ORG, "TOKEN").as_deref(), Some(&b"two"[..]));
}

#[test]
fn a_value_comes_out_byte_for_byte() {
    let (github, ..) = acme();
    for value in [
        &b""[..],
        b" spaces and \n lines \n",
        &[0, 255, 128],
        &[7; 49_152],
    ] {
        assert!(put(&github, SECRET, &visible(&github, ORG, value, "all")).status < 300);
        assert_eq!(github.plaintext(ORG, "TOKEN").as_deref(), Some(value));
    }
}

#[test]
fn a_missing_field_is_named() {
    let (github, ..) = acme();
    for (field, message) in [
        ("key_id", "Invalid request.\n\n\"key_id\" wasn't supplied."),
        (
            "encrypted_value",
            "Invalid request.\n\n\"encrypted_value\" wasn't supplied.",
        ),
        (
            "visibility",
            "Invalid request.\n\n\"visibility\" wasn't supplied.",
        ),
    ] {
        let mut body = visible(&github, ORG, b"value", "all");
        body.as_object_mut().expect("an object").remove(field);
        let answer = put(&github, SECRET, &body);
        assert_eq!((answer.status, answer.message().as_str()), (422, message));
    }
    assert_eq!(github.secret(ORG, "TOKEN"), None);
}

#[test]
fn an_error_points_to_its_page_and_repeats_its_status() {
    let (github, ..) = acme();
    let error = put(&github, SECRET, &json!({})).json();
    assert_eq!(error["status"], "422");
    assert!(
        error["documentation_url"]
            .as_str()
            .expect("a page")
            .starts_with("https://docs.github.com/rest/actions/")
    );
}

#[test]
fn what_is_not_base64_is_echoed() {
    let (github, ..) = acme();
    let mut body = visible(&github, ORG, b"value", "all");
    body["encrypted_value"] = json!("plain canary text!");
    let answer = put(&github, SECRET, &body);
    assert_eq!(answer.status, 422);
    assert!(
        answer
            .message()
            .starts_with("Invalid request.\n\nplain canary text! does not match /^")
    );
}

#[test]
fn base64_that_does_not_open_is_improperly_encrypted() {
    let (github, ..) = acme();
    let mut body = visible(&github, ORG, b"value", "all");
    body["encrypted_value"] = json!("dmFsdWU=");
    let answer = put(&github, SECRET, &body);
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (422, SEALED_BADLY)
    );
}

#[test]
fn a_value_sealed_for_another_scope_does_not_open_though_the_key_id_is_the_same() {
    let (github, ..) = acme();
    let (organization, repository) = (
        github.public_key(ORG),
        github.public_key("actions:repo/acme/api"),
    );
    assert_eq!(organization.0, repository.0);
    assert_ne!(organization.1, repository.1);

    let body = sealed(&github, ORG, b"value");
    let answer = put(&github, "/repos/acme/api/actions/secrets/TOKEN", &body);
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (422, SEALED_BADLY)
    );
}

#[test]
fn scopes_can_have_key_ids_of_their_own() {
    let (github, ..) = acme();
    github.configure(|settings| settings.shared_key_ids = false);
    assert_ne!(
        github.public_key(ORG).0,
        github.public_key("actions:repo/acme/api").0
    );
}

#[test]
fn a_rotated_key_refuses_what_was_sealed_before() {
    let (github, ..) = acme();
    let old = visible(&github, ORG, b"value", "all");
    github.rotate_key(ORG);
    assert_ne!(github.public_key(ORG).0, old["key_id"]);
    let answer = put(&github, SECRET, &old);
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (422, SEALED_BADLY)
    );
    assert_eq!(
        put(&github, SECRET, &visible(&github, ORG, b"value", "all")).status,
        201
    );
}

#[test]
fn a_rotated_key_can_be_borne() {
    let (github, ..) = acme();
    github.configure(|settings| settings.stale_keys = StaleKeys::Accepted);
    let old = visible(&github, ORG, b"value", "all");
    github.rotate_key(ORG);
    assert_eq!(put(&github, SECRET, &old).status, 201);
}

#[test]
fn an_old_enterprise_server_sends_key_ids_as_numbers_too_large_for_a_float() {
    let (github, ..) = acme();
    github.configure(|settings| settings.numeric_key_ids = true);
    let key = get(&github, "/orgs/acme/actions/secrets/public-key").json();
    let number = key["key_id"].as_u64().expect("a number");
    assert_ne!(number as f64 as u64, number);
    assert_eq!(number.to_string(), github.public_key(ORG).0);
    // Its text is what comes back.
    assert_eq!(
        put(&github, SECRET, &visible(&github, ORG, b"value", "all")).status,
        201
    );
}

#[test]
fn a_value_is_at_most_48_kilobytes() {
    let (github, ..) = acme();
    let answer = put(&github, SECRET, &visible(&github, ORG, &[7; 49_153], "all"));
    assert_eq!(answer.status, 422);
    assert_eq!(github.secret(ORG, "TOKEN"), None);
}

#[test]
fn secrets_are_counted() {
    let (github, ..) = acme();
    for number in 0..100 {
        github.seed(
            "actions:repo/acme/api",
            &format!("SECRET_{number}"),
            "value",
        );
    }
    let body = sealed(&github, "actions:repo/acme/api", b"value");
    assert_eq!(
        put(&github, "/repos/acme/api/actions/secrets/ONE_MORE", &body).status,
        422
    );
    assert_eq!(
        put(&github, "/repos/acme/api/actions/secrets/SECRET_7", &body).status,
        204
    );
    github.configure(|settings| settings.count_limits = false);
    assert_eq!(
        put(&github, "/repos/acme/api/actions/secrets/ONE_MORE", &body).status,
        201
    );
}

#[test]
fn a_body_that_is_no_object_is_400() {
    let (github, ..) = acme();
    assert_eq!(put(&github, SECRET, &json!([])).status, 400);
    let mut request = super::ask::request("PUT", SECRET, None);
    *request.body_mut() = "{".into();
    let answer = super::ask::send(&github, &request);
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (400, "Problems parsing JSON")
    );
}

#[test]
fn an_unheard_of_visibility_is_refused() {
    let (github, ..) = acme();
    let answer = put(
        &github,
        SECRET,
        &visible(&github, ORG, b"value", "everyone"),
    );
    assert_eq!(answer.status, 422);
}

#[test]
fn access_alone_can_be_changed_where_the_server_lets_a_value_be_left_out() {
    let (github, ..) = acme();
    github.seed(ORG, "TOKEN", "value").visibility("all");
    let body = json!({ "visibility": "private" });
    assert_eq!(put(&github, SECRET, &body).status, 422);
    github.configure(|settings| settings.value_optional = true);
    assert_eq!(put(&github, SECRET, &body).status, 204);
    let secret = github.secret(ORG, "TOKEN").expect("still there");
    assert_eq!(
        (secret.value.as_slice(), secret.visibility.as_deref()),
        (&b"value"[..], Some("private"))
    );
    // A new one needs a value all the same.
    assert_eq!(
        put(&github, "/orgs/acme/actions/secrets/OTHER", &body).status,
        422
    );
}

#[test]
fn an_update_keeps_the_date_of_creation() {
    let (github, ..) = acme();
    let long_ago = std::time::Duration::from_secs(784_111_777);
    github
        .seed(ORG, "TOKEN", "value")
        .written(long_ago, long_ago);
    assert_eq!(
        get(&github, SECRET).json()["updated_at"],
        "1994-11-06T08:49:37Z"
    );
    assert_eq!(
        put(&github, SECRET, &visible(&github, ORG, b"new", "all")).status,
        204
    );
    let secret = github.secret(ORG, "TOKEN").expect("still there");
    assert_eq!(secret.created_at, long_ago);
    assert!(secret.updated_at > long_ago);
}

#[test]
fn what_is_not_to_be_kept_is_checked_answered_and_forgotten() {
    let (github, ..) = acme();
    github.configure(|settings| settings.keep_secrets = false);
    let body = visible(&github, ORG, b"value", "all");
    assert_eq!(put(&github, SECRET, &body).status, 201);
    assert_eq!(put(&github, SECRET, &body).status, 201);
    assert_eq!(put(&github, SECRET, &json!({})).status, 422);
    assert_eq!(github.secret(ORG, "TOKEN"), None);
}
