//! Names: what they may be, and that case does not tell them apart.

use super::ask::{ORG, acme, delete, get, put, sealed, visible};

const BAD_NAME: &str = "Secret names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores \
                        (_). Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_).";

#[test]
fn a_name_is_stored_in_upper_case_and_found_in_any() {
    let (github, ..) = acme();
    assert_eq!(
        put(
            &github,
            "/orgs/acme/actions/secrets/deploy_Key",
            &visible(&github, ORG, b"1", "all")
        )
        .status,
        201
    );
    assert_eq!(
        put(
            &github,
            "/orgs/ACME/actions/secrets/DEPLOY_KEY",
            &visible(&github, ORG, b"2", "all")
        )
        .status,
        204
    );
    let shown = get(&github, "/orgs/acme/actions/secrets/Deploy_key");
    assert_eq!(shown.json()["name"], "DEPLOY_KEY");
    assert_eq!(github.secrets(ORG).len(), 1);
    assert_eq!(
        delete(&github, "/orgs/acme/actions/secrets/deploy_key").status,
        204
    );
    assert_eq!(
        delete(&github, "/orgs/acme/actions/secrets/deploy_key").status,
        404
    );
}

#[test]
fn a_bad_name_is_refused_with_the_rules() {
    let (github, ..) = acme();
    for name in ["1ST", "WITH%20SPACE", "WITH-DASH", "%C3%9CBER", "A%2FB"] {
        let answer = put(
            &github,
            &format!("/orgs/acme/actions/secrets/{name}"),
            &visible(&github, ORG, b"1", "all"),
        );
        assert_eq!(
            (answer.status, answer.message().as_str()),
            (422, BAD_NAME),
            "{name}"
        );
    }
}

#[test]
fn githubs_own_prefix_is_reserved_in_any_case() {
    let (github, ..) = acme();
    for name in ["GITHUB_TOKEN", "github_token", "GitHub_"] {
        let answer = put(
            &github,
            &format!("/orgs/acme/actions/secrets/{name}"),
            &visible(&github, ORG, b"1", "all"),
        );
        assert_eq!(
            (answer.status, answer.message().as_str()),
            (422, "Secret names must not start with GITHUB_.")
        );
    }
    let body = visible(&github, ORG, b"1", "all");
    assert_eq!(
        put(&github, "/orgs/acme/actions/secrets/GITHUBBER", &body).status,
        201
    );
}

#[test]
fn a_slash_in_an_environment_travels_escaped_and_raw_finds_nothing() {
    let (github, ..) = acme();
    github.add_environment("acme", "api", "prod/eu");
    let scope = "actions:env/acme/api/prod%2Feu";
    let body = sealed(&github, scope, b"value");
    assert_eq!(
        put(
            &github,
            "/repos/acme/api/environments/prod%2Feu/secrets/TOKEN",
            &body
        )
        .status,
        201
    );
    assert_eq!(
        put(
            &github,
            "/repos/acme/api/environments/prod/eu/secrets/TOKEN",
            &body
        )
        .status,
        404
    );
    assert_eq!(
        put(
            &github,
            "/repos/acme/api/environments/other/secrets/TOKEN",
            &body
        )
        .status,
        404
    );
    assert_eq!(
        github.plaintext(scope, "TOKEN").as_deref(),
        Some(&b"value"[..])
    );
}
