//! How replies are read: what is not needed may be missing, and what is needed is named when it is.

mod stub;

use octoseal_api::stores::{OrganizationStore, Put, RepositoryStore, Scope};
use octoseal_api::{Error, client};
use reqwest::header::HeaderValue;
use serde_json::{Value, json};
use stub::Stub;

const ACME: Scope<'_> = Scope::Organization {
    store: OrganizationStore::Actions,
    org: "acme",
};
const API: Scope<'_> = Scope::Repository {
    store: RepositoryStore::Actions,
    owner: "acme",
    repo: "api",
};

#[tokio::test]
async fn values_and_fields_that_are_new_do_not_fail_a_reply() {
    let secret =
        r#"{"name":"A","created_at":"x","updated_at":"y","visibility":"friends","new":{}}"#;
    let (stub, client) = Stub::answering(
        200,
        &format!(r#"{{"total_count":31,"secrets":[{secret}],"new":1}}"#),
    );
    let page = client
        .list_secrets(ACME, 100, 2)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (page.total_count, page.items[0].visibility.as_deref()),
        (Some(31), Some("friends"))
    );
    let request = stub.request();
    assert_eq!(request.uri().query(), Some("page=2&per_page=100"));
}

#[tokio::test]
async fn an_error_arrives_complete_and_unread() {
    let (_, client) = Stub::answering(502, "<html>Unicorn!</html>");
    match client.get_secret(API, "NAME").await {
        Err(Error::UnexpectedResponse(reply)) => {
            assert_eq!(reply.status(), 502);
            assert_eq!(reply.headers()["x-github-request-id"], "AB:CD");
            assert_eq!(
                reply.into_body().bytes().await.unwrap(),
                "<html>Unicorn!</html>"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_in_a_reply_is_read_and_not_printed() {
    let (_, client) = Stub::answering(
        201,
        r#"{"token":"ghs_s3cret","expires_at":"2030-01-01T00:00:00Z"}"#,
    );
    let body = octoseal_api::types::AppsCreateInstallationAccessTokenBody::default();
    let reply = client
        .apps_create_installation_access_token(1, &body)
        .await
        .unwrap();
    assert_eq!(reply.token.expose(), "ghs_s3cret");
    assert!(!format!("{reply:?}").contains("s3cret"));
}

#[tokio::test]
async fn what_is_not_needed_may_be_missing_or_null() {
    for body in [
        json!({ "secrets": [{ "name": "A" }] }),
        json!({ "total_count": null, "secrets": [
            { "name": "A", "created_at": null, "updated_at": null, "visibility": null, "selected_repositories_url": null },
        ] }),
    ] {
        let (_, client) = Stub::answering(200, &body.to_string());
        let page = client.list_secrets(ACME, 100, 1).await.unwrap();
        assert_eq!(page.total_count, None);
        assert_eq!(page.items[0].name, "A");
        assert_eq!(page.items[0].created_at, None);
    }
    let (_, client) = Stub::answering(200, r#"{"id":7,"app_slug":null}"#);
    let installation = client.apps_get_org_installation("acme").await.unwrap();
    assert_eq!((installation.id, installation.target_id), (7, None));
    let (_, client) = Stub::answering(200, r#"{"id":7}"#);
    assert_eq!(client.repos_get("acme", "api").await.unwrap().id, 7);
    let (_, client) = Stub::answering(200, r#"{"variables":[{"name":"A","value":"1"}]}"#);
    let page = client.actions_list_org_variables("acme").await;
    assert_eq!(page.unwrap().variables[0].value, "1");
}

/// The message for a reply that can't be read, and what is left of the body.
fn unreadable<T: std::fmt::Debug>(result: Result<T, Error>) -> (String, usize) {
    match result {
        Err(Error::InvalidResponsePayload(body, why)) => (why.to_string(), body.len()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_field_that_is_needed_is_named_with_its_path_and_nothing_of_the_reply_is_told() {
    let canary = "s3cret, expected bread";
    for (reply, expected) in [
        (
            json!({ "secrets": [{ "name": "A" }, { "value": canary }] }),
            "`secrets[1].name` is missing",
        ),
        (
            json!({ "secrets": [{ "name": { canary: canary } }] }),
            "`secrets[0].name` is not a string",
        ),
        (json!({ "secrets": canary }), "`secrets` is not a sequence"),
        (
            json!({ "secrets": [], "total_count": canary }),
            "`total_count` is not i64",
        ),
        (json!({ "message": canary }), "`secrets` is missing"),
        (json!(canary), "the reply is not struct StoreSecretPage"),
    ] {
        let (_, client) = Stub::answering(200, &reply.to_string());
        let result = client.list_secrets(ACME, 100, 1).await;
        assert!(!format!("{result:?}").contains("s3cret"), "{result:?}");
        assert_eq!(unreadable(result), (expected.to_owned(), 0));
    }
    let (_, client) = Stub::answering(201, r#"{"token":"ghs_s3cret","expires_at":null}"#);
    let body = octoseal_api::types::AppsCreateInstallationAccessTokenBody::default();
    let result = client.apps_create_installation_access_token(1, &body).await;
    let (why, _) = unreadable(result);
    assert_eq!(why, "`expires_at` is not a string");
}

#[tokio::test]
async fn a_reply_that_is_no_json_arrives_complete() {
    for body in ["<html>", "", r#"{"secrets":["#, "{} {}"] {
        let (_, client) = Stub::answering(200, body);
        let result = client.get_secret(API, "NAME").await;
        let (_, length) = unreadable(result);
        assert_eq!(length, if body == "{} {}" { 0 } else { body.len() });
    }
}

#[tokio::test]
async fn settings_that_the_description_lacks_are_passed_through() {
    let secret =
        json!({ "name": "A", "visibility": "all", "branches": ["main"], "created_at": "x" });
    let (_, client) = Stub::answering(200, &secret.to_string());
    let secret = client.get_secret(ACME, "A").await.unwrap();
    let extra = Value::Object(secret.extra.clone());
    assert_eq!(extra, json!({ "branches": ["main"] }));

    let registry = json!({ "name": "NPM", "registry_type": "npm_registry", "workflows": null });
    let (_, client) = Stub::answering(200, &registry.to_string());
    let registry = client.get_registry("acme", "NPM").await.unwrap();
    let extra = Value::Object(registry.extra.clone());
    assert_eq!(extra, json!({ "workflows": null }));
}

#[tokio::test]
async fn repository_ids_are_spelled_as_the_version_that_is_asked_for_wants_them() {
    let (dependabot, actions) = (OrganizationStore::Dependabot, OrganizationStore::Actions);
    for (store, version, expected) in [
        (dependabot, "2022-11-28", json!(["1296269"])),
        (dependabot, "2026-03-09", json!(["1296269"])),
        (dependabot, "2026-03-10", json!([1296269])),
        (dependabot, "2027-01-01", json!([1296269])),
        (actions, "2022-11-28", json!([1296269])),
        (actions, "2026-03-10", json!([1296269])),
    ] {
        let (stub, _) = Stub::answering(204, "");
        let context = stub.context();
        let context = context.with_api_version(HeaderValue::from_static(version));
        let client = client("https://api.example/", context);
        let scope = Scope::Organization { store, org: "acme" };
        let put = Put {
            visibility: Some("selected"),
            selected_repository_ids: Some(&[1_296_269]),
            ..Put::default()
        };
        client.put_secret(scope, "NAME", &put).await.unwrap();
        let sent = stub.body();
        assert_eq!(
            sent["selected_repository_ids"], expected,
            "{store} under {version}"
        );
    }
}

#[test]
fn a_parameter_that_can_be_no_header_is_an_invalid_request() {
    fn never(error: std::convert::Infallible) -> Error {
        error.into()
    }
    let _ = never;
    let error = reqwest::header::HeaderValue::from_str("one\ntwo").unwrap_err();
    assert!(matches!(error.into(), Error::InvalidRequest(_)));
}
