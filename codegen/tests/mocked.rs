//! The typed mocks of single operations, over sockets.

use std::sync::Arc;

use httpmock::{MockServer, Then};
use octoseal_api::httpmock::MockServerExt as _;
use octoseal_api::stores::{OrganizationStore, Scope};
use octoseal_api::types::{
    ActionsCreateOrUpdateEnvironmentSecretBody, StorePublicKey, StoreSecretPage,
};
use octoseal_api::{Client, Context, Error, Network, client};
use reqwest::header::HeaderValue;
use serde_json::{from_value, json};

fn client_of(server: &MockServer) -> Client {
    let requests = reqwest::Client::new();
    let context = Context::new(
        requests.clone(),
        Arc::new(Network::new(requests)),
        HeaderValue::from_static("test/1"),
    );
    client(&server.base_url(), context)
}

fn sealed(value: &str) -> ActionsCreateOrUpdateEnvironmentSecretBody {
    let value = value.repeat(12);
    from_value(json!({ "encrypted_value": value, "key_id": "568250167242549743" })).unwrap()
}

#[tokio::test]
async fn a_mocked_operation_answers_the_low_level_client() {
    let server = MockServer::start_async().await;
    let key: StorePublicKey = from_value(json!({
        "key_id": "568250167242549743",
        "key": "2Sg8iYjAxxmI2LvUXpJjkYrMxURPc8r+dB7TJyvvcCU=",
    }))
    .unwrap();
    let mock = server.actions_get_org_public_key(|when, then| {
        when.org("acme");
        then.ok(&key);
    });
    let reply = client_of(&server)
        .actions_get_org_public_key("acme")
        .await
        .unwrap();
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.key, key.key);
    assert_eq!(reply.key_id, key.key_id);
    mock.assert();
}

#[tokio::test]
async fn a_mock_fits_only_what_it_was_told() {
    let server = MockServer::start_async().await;
    let page: StoreSecretPage = from_value(json!({
        "total_count": 101,
        "secrets": [{
            "name": "DEPLOY_KEY",
            "created_at": "2026-01-02T03:04:05Z",
            "updated_at": "2026-01-02T03:04:05Z",
            "visibility": "all",
        }],
    }))
    .unwrap();
    let mock = server.actions_list_org_secrets(|when, then| {
        when.org("acme").page(2).per_page(100);
        then.ok(&page);
    });
    let client = client_of(&server);
    // By the dispatch, whose arguments stay when an operation takes one more.
    let list = |org, page, per_page| {
        let store = OrganizationStore::Actions;
        client.list_secrets(Scope::Organization { store, org }, per_page, page)
    };
    for (org, page, per_page) in [
        ("acme", 1, 100),
        ("acme", 2, 99),
        ("acme-2", 2, 100),
        ("2-acme", 2, 100),
    ] {
        let reply = list(org, page, per_page).await;
        assert!(
            matches!(reply, Err(Error::UnexpectedResponse(_))),
            "{org}, {page}, {per_page}"
        );
    }
    let page = list("acme", 2, 100).await.unwrap();
    assert_eq!(page.total_count, Some(101));
    assert_eq!(page.items[0].name, "DEPLOY_KEY");
    mock.assert_calls(1);
}

#[tokio::test]
async fn names_are_taken_literally_and_escaped_as_they_travel() {
    let server = MockServer::start_async().await;
    let mock = server.actions_create_or_update_environment_secret(|when, then| {
        when.owner("acme")
            .repo("a.c")
            .environment_name("prod/eu (blue)")
            .secret_name("NAME")
            .body(&sealed("thisZbox"));
        then.created();
    });
    let client = client_of(&server);
    let body = sealed("thisZbox");
    let put = |repo, environment, name, body| {
        let client = &client;
        async move {
            client
                .actions_create_or_update_environment_secret("acme", repo, environment, name, body)
                .await
        }
    };
    assert!(put("abc", "prod/eu (blue)", "NAME", &body).await.is_err());
    assert!(put("a.c", "prod", "NAME", &body).await.is_err());
    let other = sealed("sameZbox");
    assert!(put("a.c", "prod/eu (blue)", "NAME", &other).await.is_err());
    let reply = put("a.c", "prod/eu (blue)", "NAME", &body).await.unwrap();
    assert_eq!(reply.status(), 201);
    mock.assert_calls(1);
}

#[tokio::test]
async fn what_the_description_does_not_declare_is_said_on_the_inner_value() {
    let server = MockServer::start_async().await;
    server.actions_delete_org_secret(|_, then| {
        let then: Then = then.into_inner();
        then.status(503).header("retry-after", "30").body("busy");
    });
    let reply = client_of(&server)
        .actions_delete_org_secret("acme", "NAME")
        .await;
    let Err(Error::UnexpectedResponse(reply)) = reply else {
        panic!("{reply:?}");
    };
    assert_eq!(reply.status(), 503);
    assert_eq!(reply.headers()["retry-after"], "30");
}
