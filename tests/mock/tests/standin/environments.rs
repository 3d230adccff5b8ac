//! Environments: asked for, made, and protected.

use octoseal_mock::{Fault, GitHub};
use serde_json::json;

use super::ask::{acme, bearing, get, put, request, send};

const PROD: &str = "/repos/acme/api/environments/prod%2FEU";

#[test]
fn an_environment_that_is_not_there_is_not_found_and_neither_are_its_secrets() {
    let (github, ..) = acme();
    for path in [
        PROD.to_owned(),
        format!("{PROD}/secrets"),
        format!("{PROD}/secrets/public-key"),
    ] {
        assert_eq!(get(&github, &path).status, 404, "{path}");
    }
}

#[test]
fn an_environment_is_made_by_a_put_and_then_holds_secrets() {
    let (github, ..) = acme();
    let made = send(&github, &request("PUT", PROD, None));
    assert_eq!(
        (made.status, &made.json()["name"]),
        (200, &json!("prod/EU"))
    );
    assert_eq!(get(&github, PROD).json()["protection_rules"], json!([]));
    assert_eq!(
        get(&github, &format!("{PROD}/secrets")).json()["total_count"],
        0
    );
}

#[test]
fn a_put_replaces_the_protection_that_an_environment_had() {
    let (github, ..) = acme();
    let reviewers = json!([{ "type": "Team", "id": 1 }]);
    let branches = json!({ "protected_branches": true, "custom_branch_policies": false });
    let body =
        json!({ "wait_timer": 30, "reviewers": reviewers, "deployment_branch_policy": branches });
    assert_eq!(put(&github, PROD, &body).status, 200);
    let shown = get(&github, PROD).json();
    let rules = shown["protection_rules"].as_array().expect("rules");
    let kinds: Vec<_> = rules
        .iter()
        .map(|rule| rule["type"].as_str().expect("a type"))
        .collect();
    assert_eq!(kinds, ["wait_timer", "required_reviewers", "branch_policy"]);
    assert_eq!(shown["deployment_branch_policy"], branches);

    github.seed("actions:env/acme/api/prod%2Feu", "TOKEN", "1");
    assert_eq!(put(&github, PROD, &json!({})).status, 200);
    let shown = get(&github, PROD).json();
    assert_eq!(
        (
            &shown["protection_rules"],
            &shown["deployment_branch_policy"]
        ),
        (&json!([]), &json!(null))
    );
    assert_eq!(get(&github, &format!("{PROD}/secrets/TOKEN")).status, 200);
}

#[test]
fn an_environment_just_made_can_be_unknown_once_to_its_secrets() {
    let (github, ..) = acme();
    github.inject(Fault::not_found().at("/environments/prod%2FEU/secrets"));
    put(&github, PROD, &json!({}));
    let ask = || get(&github, &format!("{PROD}/secrets/public-key")).status;
    assert_eq!([ask(), ask()], [404, 200]);
}

#[test]
fn who_may_write_secrets_may_not_make_environments_with_that() {
    let github = GitHub::new();
    github.add_repository("acme", "api");
    github.add_token("few").permission("environments", "write");
    github
        .add_token("more")
        .permission("administration", "write");
    let make = |token: &str| send(&github, &bearing(token, request("PUT", PROD, None))).status;
    assert_eq!((make("few"), make("more")), (403, 200));
}
