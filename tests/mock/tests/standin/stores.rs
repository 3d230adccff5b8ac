//! The same behaviour in every store and place, and what a place does not have.

use octoseal_mock::GitHub;
use serde_json::json;

use super::ask::{acme, delete, get, put, sealed, visible};

/// Every scope whose values are stored by PUT, with the path of its list.
const SCOPES: [(&str, &str); 10] = [
    ("actions:org/acme", "/orgs/acme/actions/secrets"),
    ("agents:org/acme", "/orgs/acme/agents/secrets"),
    ("codespaces:org/acme", "/orgs/acme/codespaces/secrets"),
    ("dependabot:org/acme", "/orgs/acme/dependabot/secrets"),
    ("actions:repo/acme/api", "/repos/acme/api/actions/secrets"),
    ("agents:repo/acme/api", "/repos/acme/api/agents/secrets"),
    (
        "codespaces:repo/acme/api",
        "/repos/acme/api/codespaces/secrets",
    ),
    (
        "dependabot:repo/acme/api",
        "/repos/acme/api/dependabot/secrets",
    ),
    (
        "actions:env/acme/api/prod",
        "/repos/acme/api/environments/prod/secrets",
    ),
    ("codespaces:user", "/user/codespaces/secrets"),
];

fn round_trip(github: &GitHub, scope: &str, path: &str) {
    let key = get(github, &format!("{path}/public-key")).json();
    assert_eq!((key["key_id"].clone(), key["key"].clone()), {
        let (id, key) = github.public_key(scope);
        (json!(id), json!(key))
    });
    let mut body = sealed(github, scope, scope.as_bytes());
    if scope.contains(":org/") {
        body["visibility"] = json!("all");
    }
    assert_eq!(
        put(github, &format!("{path}/TOKEN"), &body).status,
        201,
        "{scope}"
    );
    assert_eq!(
        put(github, &format!("{path}/TOKEN"), &body).status,
        204,
        "{scope}"
    );
    assert_eq!(
        github.plaintext(scope, "TOKEN").as_deref(),
        Some(scope.as_bytes())
    );
    let shown = get(github, &format!("{path}/TOKEN")).json();
    assert_eq!(shown["name"], "TOKEN");
    assert_eq!(
        shown.get("visibility").is_some(),
        scope.contains(":org/") || scope.ends_with(":user")
    );
    assert_eq!(get(github, path).json()["secrets"], json!([shown]));
    assert_eq!(delete(github, &format!("{path}/TOKEN")).status, 204);
    assert_eq!(get(github, &format!("{path}/TOKEN")).status, 404);
}

#[test]
fn every_scope_stores_shows_lists_and_deletes() {
    let (github, ..) = acme();
    github.add_environment("acme", "api", "prod");
    for (scope, path) in SCOPES {
        round_trip(&github, scope, path);
    }
}

#[test]
fn scopes_do_not_see_each_others_secrets() {
    let (github, ..) = acme();
    github.add_environment("acme", "api", "prod");
    for (scope, _) in SCOPES {
        github.seed(scope, "TOKEN", scope);
    }
    for (scope, _) in SCOPES {
        assert_eq!(
            github.plaintext(scope, "TOKEN").as_deref(),
            Some(scope.as_bytes())
        );
    }
}

#[test]
fn a_store_that_nobody_has_heard_of_works_like_the_others() {
    let (github, ..) = acme();
    assert_eq!(get(&github, "/orgs/acme/robots/secrets").status, 404);
    github.add_store("robots");
    round_trip(&github, "robots:org/acme", "/orgs/acme/robots/secrets");
    round_trip(
        &github,
        "robots:repo/acme/api",
        "/repos/acme/api/robots/secrets",
    );
}

#[test]
fn an_enterprise_server_has_fewer_stores_and_names_its_version() {
    let github = GitHub::enterprise("3.19.0");
    github.add_organization("acme");
    let answer = get(&github, "/api/v3/orgs/acme/actions/secrets");
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("x-github-enterprise-version"),
        Some("enterprise-server@3.19.0")
    );
    assert_eq!(answer.header("x-ratelimit-limit"), None);
    assert_eq!(get(&github, "/api/v3/rate_limit").status, 404);
    // Outside of /api/v3 there are pages for people alone.
    let page = get(&github, "/orgs/acme/actions/secrets");
    assert_eq!(
        (page.status, page.header("x-github-request-id")),
        (404, None)
    );
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    for path in ["agents/secrets", "codespaces/secrets/public-key"] {
        assert_eq!(
            get(&github, &format!("/api/v3/orgs/acme/{path}")).status,
            404,
            "{path}"
        );
    }
}

#[test]
fn what_a_place_does_not_have_is_not_found() {
    let (github, api, _) = acme();
    github.seed("actions:repo/acme/api", "TOKEN", "1");
    for path in [
        "/repos/acme/api/actions/secrets/TOKEN/repositories".to_owned(),
        format!("/repos/acme/api/actions/secrets/TOKEN/repositories/{api}"),
        "/user/actions/secrets".to_owned(),
        "/orgs/nobody/actions/secrets".to_owned(),
        "/repos/acme/nothing/actions/secrets".to_owned(),
        "/repos/acme/api/environments/nowhere/secrets".to_owned(),
        "/orgs/acme/dependabot/variables".to_owned(),
        "/anything".to_owned(),
    ] {
        let answer = get(&github, &path);
        assert_eq!(
            (answer.status, answer.message().as_str()),
            (404, "Not Found"),
            "{path}"
        );
    }
}

#[test]
fn a_repository_is_found_by_name_and_by_number() {
    let (github, api, _) = acme();
    for path in [
        "/repos/acme/api".to_owned(),
        "/repos/ACME/Api".to_owned(),
        format!("/repositories/{api}"),
    ] {
        let shown = get(&github, &path).json();
        assert_eq!(
            (&shown["id"], &shown["full_name"]),
            (&json!(api), &json!("acme/api")),
            "{path}"
        );
        assert_eq!(shown["owner"]["login"], "acme");
    }
}

#[test]
fn the_other_places_are_shown_too() {
    let (github, ..) = acme();
    github.add_environment("acme", "api", "prod/eu");
    assert_eq!(get(&github, "/orgs/ACME").json()["login"], "acme");
    let environment = get(&github, "/repos/acme/api/environments/prod%2Feu");
    assert_eq!(environment.json()["name"], "prod/eu");
    assert_eq!(get(&github, "/user").json()["login"], "octocat");
    for path in ["/orgs/nobody", "/repos/acme/api/environments/nowhere"] {
        assert_eq!(get(&github, path).status, 404, "{path}");
    }
}

#[test]
fn an_organization_has_room_for_a_hundred_codespaces_secrets() {
    let github = GitHub::new();
    for number in 0..100 {
        github.seed("codespaces:org/acme", &format!("S{number}"), "1");
        github.seed("actions:org/acme", &format!("S{number}"), "1");
    }
    let put_one_more = |store: &str| {
        let body = visible(&github, format!("{store}:org/acme"), b"1", "all");
        put(&github, &format!("/orgs/acme/{store}/secrets/MORE"), &body).status
    };
    assert_eq!(
        (put_one_more("codespaces"), put_one_more("actions")),
        (422, 201)
    );
}
