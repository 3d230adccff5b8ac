//! What somebody else does at GitHub, without a request.

use std::panic::catch_unwind;

use octoseal_mock::GitHub;
use serde_json::json;

use super::ask::{ORG, SECRET, acme, get};

const REPOSITORY: &str = "actions:repo/acme/api";
const ENVIRONMENT: &str = "actions:env/acme/api/prod%2Feu";

#[test]
fn a_deleted_secret_is_gone() {
    let (github, ..) = acme();
    github.seed(ORG, "TOKEN", "1");
    github.seed(ORG, "OTHER", "1");
    github.delete_secret(ORG, "token");
    assert_eq!(get(&github, SECRET).status, 404);
    assert_eq!(
        get(&github, "/orgs/acme/actions/secrets").json()["total_count"],
        1
    );
}

#[test]
fn access_can_be_changed_behind_a_clients_back() {
    let (github, api, web) = acme();
    github.seed(ORG, "TOKEN", "1").visibility("all");
    github.edit(ORG, "token").selected([api, web]);
    assert_eq!(get(&github, SECRET).json()["visibility"], "selected");
    let repositories = get(&github, &format!("{SECRET}/repositories")).json();
    assert_eq!(repositories["total_count"], 2);
    github.edit(ORG, "TOKEN").visibility("private");
    let secret = github.secret(ORG, "TOKEN").expect("a secret");
    assert_eq!(secret.visibility.as_deref(), Some("private"));
    assert!(secret.selected_repository_ids.is_empty());
    assert_eq!(secret.value, b"1");
}

#[test]
fn a_deleted_environment_takes_its_secrets_along_and_leaves_the_others() {
    let (github, ..) = acme();
    github.seed(ENVIRONMENT, "TOKEN", "1");
    github.seed(REPOSITORY, "TOKEN", "1");
    github.delete_environment("ACME", "api", "Prod/EU");
    let path = "/repos/acme/api/environments/prod%2Feu/secrets/TOKEN";
    assert_eq!(get(&github, path).status, 404);
    assert_eq!(
        get(&github, "/repos/acme/api/actions/secrets/TOKEN").status,
        200
    );
    github.add_environment("acme", "api", "prod/eu");
    assert_eq!(github.secrets(ENVIRONMENT), []);
}

#[test]
fn a_deleted_organization_takes_its_repositories_along() {
    let (github, ..) = acme();
    github.seed(ORG, "TOKEN", "1");
    github.seed(REPOSITORY, "TOKEN", "1");
    github.seed("actions:repo/other/api", "TOKEN", "1");
    github.delete_organization("Acme");
    assert_eq!(get(&github, SECRET).status, 404);
    let of_repository = |owner: &str| {
        get(
            &github,
            &format!("/repos/{owner}/api/actions/secrets/TOKEN"),
        )
    };
    assert_eq!(
        (of_repository("acme").status, of_repository("other").status),
        (404, 200)
    );
}

#[test]
fn what_is_made_again_under_a_deleted_name_is_something_else() {
    let (github, api, web) = acme();
    let acme = github.add_organization("acme");
    github.seed(REPOSITORY, "TOKEN", "1");
    github.seed("actions:repo/acme/web", "TOKEN", "1");
    github.delete_repository("acme", "api");
    let again = github.add_repository("acme", "api");
    assert!(![api, web].contains(&again));
    assert_eq!(github.secrets(REPOSITORY), []);

    github.seed(ORG, "TOKEN", "1");
    let other = github.add_organization("other");
    github.delete_organization("acme");
    assert!(![acme, other].contains(&github.add_organization("acme")));
    assert_eq!(github.secrets(ORG), []);
    assert_eq!(
        get(&github, "/orgs/acme/actions/secrets").json(),
        json!({ "total_count": 0, "secrets": [] })
    );
}

#[test]
fn what_is_not_there_cannot_be_deleted_or_changed() {
    let (github, ..) = acme();
    type Step = fn(&GitHub);
    let steps: [Step; 5] = [
        |github| github.delete_secret(ORG, "TOKEN"),
        |github| drop(github.edit(ORG, "TOKEN")),
        |github| github.delete_secret("actions:org/other", "TOKEN"),
        |github| github.delete_environment("acme", "api", "prod"),
        |github| github.delete_organization("other"),
    ];
    for step in steps {
        let github = github.clone();
        let panic =
            catch_unwind(std::panic::AssertUnwindSafe(|| step(&github))).expect_err("a panic");
        let why = panic.downcast_ref::<String>().expect("a message");
        assert!(why.starts_with("there is no "), "{why}");
    }
}
