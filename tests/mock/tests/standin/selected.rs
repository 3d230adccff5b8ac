//! Visibility and selected repositories.

use octoseal_mock::RepositoryIds;
use serde_json::{Value, json};

use super::ask::{ORG, SECRET, acme, delete, get, put, visible};

fn with_ids(mut body: Value, ids: Value) -> Value {
    body["selected_repository_ids"] = ids;
    body
}

#[test]
fn selected_repositories_are_kept_and_listed() {
    let (github, api, web) = acme();
    let body = with_ids(visible(&github, ORG, b"1", "selected"), json!([api, web]));
    assert_eq!(put(&github, SECRET, &body).status, 201);
    assert_eq!(
        get(&github, SECRET).json()["selected_repositories_url"],
        "https://api.github.com/orgs/acme/actions/secrets/TOKEN/repositories"
    );
    let list = get(&github, &format!("{SECRET}/repositories")).json();
    assert_eq!(list["total_count"], 2);
    assert_eq!(list["repositories"][1]["full_name"], "acme/web");
    assert_eq!(list["repositories"][1]["id"], web);
}

#[test]
fn actions_wants_integers_and_refuses_strings() {
    let (github, api, _) = acme();
    let body = with_ids(
        visible(&github, ORG, b"1", "selected"),
        json!([api.to_string()]),
    );
    let answer = put(&github, SECRET, &body);
    let message = format!("Invalid request.\n\nFor 'items', \"{api}\" is not an integer.");
    assert_eq!((answer.status, answer.message()), (422, message));
}

#[test]
fn dependabot_wants_strings_and_refuses_integers() {
    let (github, api, web) = acme();
    let (scope, path) = ("dependabot:org/acme", "/orgs/acme/dependabot/secrets/TOKEN");
    let answer = put(
        &github,
        path,
        &with_ids(visible(&github, scope, b"1", "selected"), json!([api, web])),
    );
    let message = format!(
        "Invalid request.\n\nInvalid property /selected_repository_ids/0: `{api}` is not of type `string`.\n\
         Invalid property /selected_repository_ids/1: `{web}` is not of type `string`."
    );
    assert_eq!((answer.status, answer.message()), (422, message));

    let ids = json!([api.to_string(), web.to_string()]);
    assert_eq!(
        put(
            &github,
            path,
            &with_ids(visible(&github, scope, b"1", "selected"), ids)
        )
        .status,
        201
    );
    assert_eq!(
        github
            .secret(scope, "TOKEN")
            .expect("stored")
            .selected_repository_ids,
        [api, web].into()
    );
}

#[test]
fn how_a_store_wants_ids_can_be_varied() {
    let (github, api, _) = acme();
    github.configure(|settings| {
        settings
            .repository_ids
            .insert("actions".to_owned(), RepositoryIds::Either);
    });
    for id in [json!(api), json!(api.to_string())] {
        assert!(
            put(
                &github,
                SECRET,
                &with_ids(visible(&github, ORG, b"1", "selected"), json!([id]))
            )
            .status
                < 300
        );
    }
}

#[test]
fn selected_with_an_empty_list_or_without_one_clears_the_list() {
    let (github, api, _) = acme();
    for ids in [Some(json!([])), None] {
        github.seed(ORG, "TOKEN", "1").selected([api]);
        let body = visible(&github, ORG, b"1", "selected");
        let body = ids.map_or(body.clone(), |ids| with_ids(body, ids));
        assert_eq!(put(&github, SECRET, &body).status, 204);
        assert!(
            github
                .secret(ORG, "TOKEN")
                .expect("stored")
                .selected_repository_ids
                .is_empty()
        );
    }
}

#[test]
fn repositories_are_set_added_and_removed() {
    let (github, api, web) = acme();
    github.seed(ORG, "TOKEN", "1").selected([]);
    let ids = || {
        github
            .secret(ORG, "TOKEN")
            .expect("stored")
            .selected_repository_ids
    };
    let list = format!("{SECRET}/repositories");
    assert_eq!(
        put(&github, &list, &json!({ "selected_repository_ids": [api] })).status,
        204
    );
    assert_eq!(ids(), [api].into());
    assert_eq!(
        put(&github, &format!("{list}/{web}"), &json!({})).status,
        204
    );
    assert_eq!(
        put(&github, &format!("{list}/{web}"), &json!({})).status,
        204
    );
    assert_eq!(ids(), [api, web].into());
    assert_eq!(delete(&github, &format!("{list}/{api}")).status, 204);
    assert_eq!(ids(), [web].into());
    assert_eq!(
        put(&github, &list, &json!({ "selected_repository_ids": [] })).status,
        204
    );
    assert!(ids().is_empty());
    assert_eq!(put(&github, &list, &json!({})).status, 422);
}

#[test]
fn repositories_of_a_secret_that_is_not_selected_are_a_conflict_whose_errors_are_a_string() {
    let (github, api, _) = acme();
    github.seed(ORG, "TOKEN", "1").visibility("all");
    let list = format!("{SECRET}/repositories");
    for answer in [
        put(&github, &list, &json!({ "selected_repository_ids": [api] })),
        put(&github, &format!("{list}/{api}"), &json!({})),
        delete(&github, &format!("{list}/{api}")),
    ] {
        assert_eq!(answer.status, 409);
        assert!(answer.json()["errors"].is_string());
    }
}

#[test]
fn repositories_of_others_are_refused_or_dropped() {
    let (github, api, _) = acme();
    let foreign = github.add_repository("globex", "api");
    let body = with_ids(
        visible(&github, ORG, b"1", "selected"),
        json!([api, foreign, 7]),
    );
    assert_eq!(put(&github, SECRET, &body).status, 422);
    github.configure(|settings| settings.refuse_unknown_repositories = false);
    assert_eq!(put(&github, SECRET, &body).status, 201);
    assert_eq!(
        github
            .secret(ORG, "TOKEN")
            .expect("stored")
            .selected_repository_ids,
        [api].into()
    );
    assert_eq!(
        put(
            &github,
            &format!("{SECRET}/repositories/{foreign}"),
            &json!({})
        )
        .status,
        404
    );
}

#[test]
fn ids_beside_another_visibility_are_refused_or_ignored() {
    let (github, api, _) = acme();
    let body = with_ids(visible(&github, ORG, b"1", "private"), json!([api]));
    assert_eq!(put(&github, SECRET, &body).status, 422);
    github.configure(|settings| settings.refuse_unused_repository_ids = false);
    assert_eq!(put(&github, SECRET, &body).status, 201);
    assert!(
        github
            .secret(ORG, "TOKEN")
            .expect("stored")
            .selected_repository_ids
            .is_empty()
    );
}

#[test]
fn another_visibility_is_taken_silently() {
    let (github, api, _) = acme();
    github.seed(ORG, "TOKEN", "1").selected([api]);
    assert_eq!(
        put(&github, SECRET, &visible(&github, ORG, b"2", "all")).status,
        204
    );
    let secret = github.secret(ORG, "TOKEN").expect("stored");
    assert_eq!(secret.visibility.as_deref(), Some("all"));
    assert!(secret.selected_repository_ids.is_empty());
}

#[test]
fn a_users_secret_has_repositories_and_no_choice_of_visibility() {
    let (github, api, web) = acme();
    let path = "/user/codespaces/secrets/TOKEN";
    let body = with_ids(
        super::ask::sealed(&github, "codespaces:user", b"1"),
        json!([api.to_string(), web]),
    );
    assert_eq!(put(&github, path, &body).status, 201);
    assert_eq!(get(&github, path).json()["visibility"], "selected");
    assert_eq!(
        get(&github, path).json()["selected_repositories_url"],
        "https://api.github.com/user/codespaces/secrets/TOKEN/repositories"
    );
    // Once it exists, its key_id is enough to change its repositories.
    let body = json!({ "key_id": github.public_key("codespaces:user").0, "selected_repository_ids": [api] });
    assert_eq!(put(&github, path, &body).status, 204);
    let secret = github.secret("codespaces:user", "TOKEN").expect("stored");
    assert_eq!(
        (secret.value.as_slice(), secret.selected_repository_ids),
        (&b"1"[..], [api].into())
    );
}
