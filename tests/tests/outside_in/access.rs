//! Who may use a secret: never widened, never lost.

use octoseal::{Access, Visibility, Written};
use octoseal_tests::{ACME, acme, client, scope};

#[tokio::test]
async fn an_update_without_visibility_keeps_it() {
    for visibility in ["all", "private"] {
        let github = acme();
        github.seed(ACME, "KEY", "old").visibility(visibility);
        let call = client(&github)
            .create_or_update_org_secret("acme", "KEY")
            .value("new");
        assert_eq!(call.send().await.unwrap(), Written::Updated);
        let secret = github.secret(ACME, "KEY").unwrap();
        assert_eq!(
            (secret.visibility.as_deref(), secret.value.as_slice()),
            (Some(visibility), &b"new"[..])
        );
    }
}

#[tokio::test]
async fn an_update_without_visibility_keeps_all_selected_repositories_of_every_page() {
    let github = acme();
    let ids: Vec<u64> = (0..230)
        .map(|n| github.repository("acme", &format!("repo-{n}")))
        .collect();
    github
        .seed(ACME, "KEY", "old")
        .selected(ids.iter().copied());
    client(&github)
        .create_or_update_org_secret("acme", "KEY")
        .value("new")
        .send()
        .await
        .unwrap();
    let secret = github.secret(ACME, "KEY").unwrap();
    assert_eq!(secret.visibility.as_deref(), Some("selected"));
    assert_eq!(secret.selected_repository_ids, ids.into_iter().collect());
    assert_eq!(secret.value, b"new");
}

#[tokio::test]
async fn a_new_secret_without_visibility_is_an_error_that_asks_for_one_and_sends_nothing() {
    let github = acme();
    let error = client(&github)
        .create_or_update_org_secret("acme", "KEY")
        .value("v")
        .send()
        .await
        .unwrap_err();
    assert!(error.is_invalid_input());
    assert!(error.to_string().contains("visibility"), "{error}");
    assert!(
        github
            .requests()
            .iter()
            .all(|request| request.method == "GET")
    );
    assert!(github.secret(ACME, "KEY").is_none());
}

#[tokio::test]
async fn an_empty_selection_is_sent_as_an_empty_list() {
    let github = acme();
    let api = github.repository("acme", "api");
    github.seed(ACME, "KEY", "old").selected([api]);
    let call = client(&github)
        .create_or_update_org_secret("acme", "KEY")
        .value("new");
    call.visibility(Visibility::Selected(vec![]))
        .send()
        .await
        .unwrap();
    assert_eq!(
        github.requests().last().unwrap().json()["selected_repository_ids"],
        serde_json::json!([])
    );
    assert!(
        github
            .secret(ACME, "KEY")
            .unwrap()
            .selected_repository_ids
            .is_empty()
    );
}

#[tokio::test]
async fn repositories_are_selected_by_name_too() {
    let github = acme();
    let call = client(&github)
        .create_or_update_org_secret("acme", "KEY")
        .value("new");
    call.selected_repositories(["acme/api", "acme/web"])
        .send()
        .await
        .unwrap();
    let expected = [
        github.repository("acme", "api"),
        github.repository("acme", "web"),
    ];
    assert_eq!(
        github.secret(ACME, "KEY").unwrap().selected_repository_ids,
        expected.into()
    );
}

#[tokio::test]
async fn unknown_repositories_are_all_named_before_anything_is_written() {
    let github = acme();
    let call = client(&github)
        .create_or_update_org_secret("acme", "KEY")
        .value("new");
    let error = call
        .selected_repositories(["acme/api", "acme/nope", "neither"])
        .send()
        .await
        .unwrap_err();
    assert!(error.is_invalid_input());
    let text = error.to_string();
    assert!(
        text.contains("acme/nope") && text.contains("neither") && !text.contains("acme/api"),
        "{text}"
    );
    assert!(
        github
            .requests()
            .iter()
            .all(|request| request.method == "GET")
    );
}

#[tokio::test]
async fn a_visibility_newer_than_this_crate_is_not_guessed_at() {
    let github = acme();
    github.seed(ACME, "KEY", "old").visibility("enterprise");
    let error = client(&github)
        .create_or_update_org_secret("acme", "KEY")
        .value("new")
        .send()
        .await
        .unwrap_err();
    assert!(error.is_invalid_input(), "{error}");
    assert_eq!(github.plaintext(ACME, "KEY").unwrap(), b"old");
}

#[tokio::test]
async fn a_user_secret_keeps_its_repositories() {
    let github = acme();
    let api = github.repository("acme", "api");
    github.seed("codespaces:user", "KEY", "old").selected([api]);
    client(&github)
        .secrets(scope("codespaces:user"))
        .put("KEY", "new")
        .send()
        .await
        .unwrap();
    let secret = github.secret("codespaces:user", "KEY").unwrap();
    assert_eq!(
        (secret.selected_repository_ids, secret.value),
        ([api].into(), b"new".to_vec())
    );
}

#[tokio::test]
async fn a_scope_without_visibility_refuses_one_before_the_wire() {
    use futures_util::StreamExt;
    let github = acme();
    let secrets = client(&github).secrets(scope("actions:repo/acme/api"));
    let error = secrets
        .put("KEY", "v")
        .visibility(Visibility::All)
        .send()
        .await
        .unwrap_err();
    assert!(error.is_unsupported(), "{error}");
    let batch = [("KEY", "v", Access::from(Visibility::All))];
    let outcome = secrets.put_all(batch).next().await.unwrap();
    assert!(outcome.result.unwrap_err().is_unsupported());
    assert!(
        secrets
            .set_selected_repositories("KEY", [1])
            .await
            .unwrap_err()
            .is_unsupported()
    );
    assert_eq!(github.request_count(), 0);
}
