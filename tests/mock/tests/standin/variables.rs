//! Variables, which are listed, got, deleted and shared as secrets are, and written in their own way.

use octoseal_mock::GitHub;
use serde_json::json;

use super::ask::{acme, bearing, delete, get, patch, post, put, request, send};

/// Every place that has variables: as a scope, and as a path.
const PLACES: [(&str, &str); 5] = [
    ("actions/variables:org/acme", "/orgs/acme/actions/variables"),
    ("agents/variables:org/acme", "/orgs/acme/agents/variables"),
    (
        "actions/variables:repo/acme/api",
        "/repos/acme/api/actions/variables",
    ),
    (
        "agents/variables:repo/acme/api",
        "/repos/acme/api/agents/variables",
    ),
    (
        "actions/variables:env/acme/api/prod",
        "/repos/acme/api/environments/prod/variables",
    ),
];

#[test]
fn a_variable_is_created_shown_updated_and_deleted_everywhere() {
    let (github, ..) = acme();
    github.add_environment("acme", "api", "prod");
    for (scope, list) in PLACES {
        let path = format!("{list}/COLOUR");
        let mut body = json!({ "name": "colour", "value": "blue" });
        if list.starts_with("/orgs") {
            body["visibility"] = json!("all");
        }
        let created = post(&github, list, &body);
        assert_eq!(
            (created.status, created.text.as_str()),
            (201, "{}"),
            "{list}"
        );
        let again = post(&github, list, &body);
        assert_eq!(
            (again.status, again.message().as_str()),
            (409, "Already exists - Variable already exists")
        );
        let shown = get(&github, &path).json();
        assert_eq!(
            (&shown["name"], &shown["value"]),
            (&json!("COLOUR"), &json!("blue"))
        );
        assert_eq!(get(&github, list).json()["variables"][0], shown);

        assert_eq!(
            patch(&github, &path, &json!({ "value": "red" })).status,
            204
        );
        assert_eq!(
            github.plaintext(scope, "COLOUR").as_deref(),
            Some(&b"red"[..])
        );
        assert_eq!(
            get(&github, &path).json()["visibility"],
            shown["visibility"]
        );
        assert_eq!(put(&github, &path, &body).status, 404);
        assert_eq!(
            (delete(&github, &path).status, delete(&github, &path).status),
            (204, 404)
        );
        assert_eq!(
            patch(&github, &path, &json!({ "value": "red" })).status,
            404
        );
    }
}

#[test]
fn a_variable_can_be_renamed_but_not_to_a_name_that_is_taken() {
    let github = GitHub::new();
    let scope = "actions/variables:org/acme";
    for name in ["ONE", "TWO"] {
        github.seed(scope, name, name);
    }
    let rename = |name: &str| {
        patch(
            &github,
            "/orgs/acme/actions/variables/ONE",
            &json!({ "name": name }),
        )
        .status
    };
    assert_eq!(
        [rename("two"), rename("GITHUB_X"), rename("THREE")],
        [409, 422, 204]
    );
    assert_eq!(github.plaintext(scope, "ONE"), None);
    assert_eq!(
        github.plaintext(scope, "THREE").as_deref(),
        Some(&b"ONE"[..])
    );
}

#[test]
fn an_organizations_variable_is_shared_with_repositories() {
    let (github, api, web) = acme();
    let list = "/orgs/acme/actions/variables";
    let body = json!({ "name": "V", "value": "1", "visibility": "selected", "selected_repository_ids": [api] });
    assert_eq!(post(&github, list, &body).status, 201);
    let add = send(
        &github,
        &request("PUT", &format!("{list}/V/repositories/{web}"), None),
    );
    assert_eq!(add.status, 204);
    let shared = get(&github, &format!("{list}/V/repositories")).json();
    assert_eq!(shared["total_count"], 2);
    let only_web = json!({ "selected_repository_ids": [web] });
    assert_eq!(
        put(&github, &format!("{list}/V/repositories"), &only_web).status,
        204
    );
    let seen = |repository: &str| {
        let path = format!("/repos/acme/{repository}/actions/organization-variables");
        get(&github, &path).json()["total_count"].clone()
    };
    assert_eq!((seen("api"), seen("web")), (json!(0), json!(1)));
    let missing = post(&github, list, &json!({ "name": "W", "value": "1" }));
    assert_eq!(
        (missing.status, missing.message().contains("visibility")),
        (422, true)
    );
}

#[test]
fn variables_come_ten_to_a_page_and_thirty_at_most() {
    let github = GitHub::new();
    for number in 0..40 {
        github.seed("actions/variables:org/acme", &format!("V{number:02}"), "1");
    }
    let entries = |query: &str| {
        let page = get(&github, &format!("/orgs/acme/actions/variables{query}")).json();
        page["variables"].as_array().expect("a list").len()
    };
    assert_eq!((entries(""), entries("?per_page=100")), (10, 30));
}

#[test]
fn variables_are_apart_from_secrets_and_have_a_permission_of_their_own() {
    let github = GitHub::new();
    github.seed("actions/variables:org/acme", "V", "1");
    assert_eq!(get(&github, "/orgs/acme/actions/secrets/V").status, 404);
    assert_eq!(
        get(&github, "/orgs/acme/actions%2Fvariables/secrets/V").status,
        404
    );
    assert_eq!(get(&github, "/orgs/acme/dependabot/variables").status, 404);
    github
        .add_token("secrets")
        .permission("organization_secrets", "write");
    github
        .add_token("variables")
        .permission("organization_actions_variables", "read");
    let by = |token: &str| {
        send(
            &github,
            &bearing(token, request("GET", "/orgs/acme/actions/variables", None)),
        )
        .status
    };
    assert_eq!((by("secrets"), by("variables")), (403, 200));
}
