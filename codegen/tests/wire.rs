//! What goes over the wire: through a transport in this process.

mod stub;

use octoseal_api::operations::{self, Cost, Operation, Paged};
use octoseal_api::options;
use octoseal_api::stores::registries::Write;
use octoseal_api::stores::{
    EnvironmentStore, OrganizationStore, Put, RepositoryStore, Role, Scope, UserStore,
};
use octoseal_api::types::{
    ActionsCreateOrgVariableBody, ActionsCreateOrgVariableBodyVisibility,
    ReposCreateOrUpdateEnvironmentBody,
};
use octoseal_api::{Answer, EncryptedValue, Error, OperationInfo, client};
use reqwest::header::HeaderValue;
use serde_json::json;
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

fn scopes() -> Vec<Scope<'static>> {
    let (org, owner, repo, environment) = ("acme", "acme", "api", "prod");
    let mut all = Vec::new();
    all.extend(
        OrganizationStore::ALL
            .iter()
            .map(|&store| Scope::Organization { store, org }),
    );
    all.extend(
        RepositoryStore::ALL
            .iter()
            .map(|&store| Scope::Repository { store, owner, repo }),
    );
    all.extend(
        EnvironmentStore::ALL
            .iter()
            .map(|&store| Scope::Environment {
                store,
                owner,
                repo,
                environment,
            }),
    );
    all.extend(UserStore::ALL.iter().map(|&store| Scope::User { store }));
    all
}

#[tokio::test]
async fn every_request_carries_githubs_headers_and_none_of_progenitors() {
    let (stub, client) = Stub::answering(204, "");
    client.delete_secret(ACME, "NAME").await.unwrap();
    let request = stub.request();
    let headers = request.headers();
    assert_eq!(headers["accept"], "application/vnd.github+json");
    assert_eq!(headers["x-github-api-version"], "2022-11-28");
    assert_eq!(headers["user-agent"], "test/1");
    assert_eq!(headers["authorization"], "Bearer s3cret");
    assert!(headers["authorization"].is_sensitive());
    assert!(!headers.contains_key("api-version"));
    assert_eq!(
        request.uri(),
        "https://api.example/orgs/acme/actions/secrets/NAME"
    );
}

#[test]
fn neither_client_nor_context_prints_the_token() {
    let (_, client) = Stub::answering(204, "");
    assert!(!format!("{client:?}").contains("s3cret"));
}

#[tokio::test]
async fn another_api_version_is_sent_when_asked_for() {
    let (stub, _) = Stub::answering(204, "");
    let context = stub
        .context()
        .with_api_version(HeaderValue::from_static("2026-03-10"));
    client("https://api.example", context)
        .delete_secret(ACME, "NAME")
        .await
        .unwrap();
    let request = stub.request();
    assert_eq!(request.headers()["x-github-api-version"], "2026-03-10");
    assert!(!request.headers().contains_key("authorization"));
}

#[tokio::test]
async fn a_key_id_keeps_the_digits_that_old_servers_send() {
    for (sent, read) in [
        (r#""568250167242549743""#, "568250167242549743"),
        ("568250167242549743", "568250167242549743"),
        (
            "123456789012345678901234567890",
            "123456789012345678901234567890",
        ),
    ] {
        let (_, client) =
            Stub::answering(200, &format!(r#"{{"key_id":{sent},"key":"aGk=","new":1}}"#));
        assert_eq!(client.secret_public_key(API).await.unwrap().key_id, read);
    }
    for sent in ["1.5", "true", "null", "[]"] {
        let (_, client) = Stub::answering(200, &format!(r#"{{"key_id":{sent},"key":"aGk="}}"#));
        assert!(client.secret_public_key(API).await.is_err(), "{sent}");
    }
}

#[tokio::test]
async fn an_empty_list_of_repositories_is_sent_and_none_is_not() {
    let write = |ids| Put {
        visibility: Some("selected"),
        selected_repository_ids: ids,
        ..Put::default()
    };
    let (stub, client) = Stub::answering(204, "");
    client
        .put_secret(ACME, "NAME", &write(Some(&[])))
        .await
        .unwrap();
    assert_eq!(
        stub.body(),
        json!({ "visibility": "selected", "selected_repository_ids": [] })
    );
    client.put_secret(ACME, "NAME", &write(None)).await.unwrap();
    assert_eq!(stub.body(), json!({ "visibility": "selected" }));
}

#[tokio::test]
async fn ids_are_text_where_servers_want_text() {
    let scope = Scope::Organization {
        store: OrganizationStore::Dependabot,
        org: "acme",
    };
    let write = Put {
        visibility: Some("selected"),
        selected_repository_ids: Some(&[7, 8]),
        ..Put::default()
    };
    let (stub, client) = Stub::answering(201, "{}");
    client.put_secret(scope, "NAME", &write).await.unwrap();
    assert_eq!(stub.body()["selected_repository_ids"], json!(["7", "8"]));
    client.put_secret(ACME, "NAME", &write).await.unwrap();
    assert_eq!(stub.body()["selected_repository_ids"], json!([7, 8]));
}

/// What can be a sealed value by its form.
fn sealed() -> EncryptedValue {
    "c2VhbGVkYm94".repeat(6).parse().unwrap()
}

#[tokio::test]
async fn created_and_updated_are_told_by_the_status_and_headers_survive() {
    let sealed = sealed();
    let write = Put {
        encrypted_value: Some(&sealed),
        key_id: Some("1"),
        ..Put::default()
    };
    for (status, body) in [(201, "{}"), (204, ""), (201, "")] {
        let (_, client) = Stub::answering(status, body);
        let reply = client.put_secret(API, "NAME", &write).await.unwrap();
        assert_eq!(reply.status(), status);
        assert_eq!(reply.headers()["x-github-request-id"], "AB:CD");
    }
}

#[tokio::test]
async fn what_a_scope_has_no_place_for_or_lacks_is_refused_before_the_wire() {
    let (stub, client) = Stub::answering(204, "");
    let value = sealed();
    let sealed = Put {
        encrypted_value: Some(&value),
        key_id: Some("1"),
        ..Put::default()
    };
    for (scope, write, named) in [
        (
            API,
            Put {
                visibility: Some("all"),
                ..sealed
            },
            "`visibility`",
        ),
        (
            API,
            Put {
                selected_repository_ids: Some(&[]),
                ..sealed
            },
            "`selected_repository_ids`",
        ),
        (
            API,
            Put {
                key_id: None,
                ..sealed
            },
            "`key_id`",
        ),
        (ACME, sealed, "`visibility`"),
        (
            ACME,
            Put {
                visibility: Some("everyone"),
                ..sealed
            },
            "`everyone`",
        ),
    ] {
        match client.put_secret(scope, "NAME", &write).await {
            Err(Error::InvalidRequest(why)) => assert!(why.contains(named), "{why}"),
            other => panic!("{named}: {other:?}"),
        }
    }
    assert!(matches!(
        client.list_selected_repositories(API, "NAME", 30, 1).await,
        Err(Error::InvalidRequest(_))
    ));
    assert!(stub.nothing_was_sent());
}

#[tokio::test]
async fn an_environments_slash_travels_escaped() {
    let scope = Scope::Environment {
        store: EnvironmentStore::Actions,
        owner: "acme",
        repo: "api",
        environment: "prod/eu 1?#%",
    };
    let (stub, client) = Stub::answering(204, "");
    client.delete_secret(scope, "NAME").await.unwrap();
    assert_eq!(
        stub.request().uri().path(),
        "/repos/acme/api/environments/prod%2Feu%201%3F%23%25/secrets/NAME"
    );
}

#[tokio::test]
async fn a_supported_operation_sends_and_any_other_does_not() {
    let (stub, client) = Stub::answering(500, "");
    for scope in scopes() {
        use Role::{
            AddRepository, Delete, Get, List, ListOrganizationSecrets, ListRepositories, PublicKey,
            RemoveRepository, SetRepositories,
        };
        let ids: &[i64] = &[];
        let mut sent = Vec::new();
        let mut each = |operation| {
            sent.push((
                operation,
                !stub.nothing_was_sent(),
                stub.last.lock().unwrap().take(),
            ))
        };
        client.list_secrets(scope, 1, 1).await.unwrap_err();
        each(List);
        client.secret_public_key(scope).await.unwrap_err();
        each(PublicKey);
        client.get_secret(scope, "N").await.unwrap_err();
        each(Get);
        client.delete_secret(scope, "N").await.unwrap_err();
        each(Delete);
        client
            .list_selected_repositories(scope, "N", 1, 1)
            .await
            .unwrap_err();
        each(ListRepositories);
        client
            .set_selected_repositories(scope, "N", ids)
            .await
            .unwrap_err();
        each(SetRepositories);
        client
            .add_selected_repository(scope, "N", 1)
            .await
            .unwrap_err();
        each(AddRepository);
        client
            .remove_selected_repository(scope, "N", 1)
            .await
            .unwrap_err();
        each(RemoveRepository);
        client
            .list_organization_secrets(scope, 1, 1)
            .await
            .unwrap_err();
        each(ListOrganizationSecrets);
        for (operation, was_sent, request) in sent {
            assert_eq!(
                was_sent,
                scope.supports(operation),
                "{scope:?} {operation:?}"
            );
            if let Some(request) = request {
                let path = request.uri().path();
                let described = scope.operation(operation).unwrap();
                assert!(fits(described.path, path), "{described:?} asked {path}");
                assert_eq!(request.method().as_str(), described.method);
            }
        }
    }
}

/// Whether a path was made from a template.
fn fits(template: &str, path: &str) -> bool {
    let pieces = template.split('/').zip(path.split('/'));
    template.split('/').count() == path.split('/').count()
        && pieces
            .into_iter()
            .all(|(piece, asked)| piece.starts_with('{') || piece == asked)
}

#[test]
fn an_operation_is_found_by_its_id_and_by_what_a_hook_is_told() {
    let list = operations::ACTIONS_LIST_ORG_VARIABLES;
    assert_eq!(Operation::by_id("actions/list-org-variables"), Some(list));
    let operation_id = "actions_list_org_variables";
    assert_eq!(Operation::of(&OperationInfo { operation_id }), Some(list));
    assert_eq!(Operation::by_id("actions/list-org-robots"), None);
    for operation in operations::ALL {
        assert_eq!(Operation::by_id(operation.id), Some(*operation));
        let reads = operation.method == "GET";
        assert_eq!(operation.cost == Cost::Read, reads, "{operation:?}");
    }
}

#[tokio::test]
async fn one_function_reads_the_pages_of_any_list_that_is_paged_by_number() {
    async fn all<P: Paged>(get: impl AsyncFn(i64) -> Answer<P>) -> Vec<P::Item> {
        let mut found = Vec::new();
        for page in 1.. {
            let page = get(page).await.unwrap().into_inner();
            let total = page.total_count();
            found.extend(page.into_items());
            if total.is_none_or(|total| found.len() as i64 >= total) {
                break;
            }
        }
        found
    }
    let variable = r#"{"name":"A","value":"1","created_at":"","updated_at":"","visibility":"all"}"#;
    let (stub, client) = Stub::answering(
        200,
        &format!(r#"{{"total_count":3,"variables":[{variable}]}}"#),
    );
    let get = async |page| {
        let mut options = options::ActionsListOrgVariables::default();
        (options.page, options.per_page) = (Some(page), Some(1));
        client
            .actions_list_org_variables_with("acme", &options)
            .await
    };
    assert_eq!(all(get).await.len(), 3);
    assert_eq!(stub.request().uri().query(), Some("page=3&per_page=1"));
    assert_eq!(
        operations::ACTIONS_LIST_ORG_VARIABLES.entries,
        Some("variables")
    );
    assert_eq!(operations::ACTIONS_GET_ORG_VARIABLE.entries, None);
}

#[tokio::test]
async fn a_variable_is_created_with_a_reply_that_says_nothing() {
    let (stub, client) = Stub::answering(201, "{}");
    let visibility = ActionsCreateOrgVariableBodyVisibility::All;
    let body = ActionsCreateOrgVariableBody::new("REGION".to_owned(), "eu".to_owned(), visibility);
    let created = client.actions_create_org_variable("acme", &body).await;
    assert_eq!(created.unwrap().status(), 201);
    let sent = json!({ "name": "REGION", "value": "eu", "visibility": "all" });
    assert_eq!(stub.body(), sent);
}

#[test]
fn stores_are_found_by_the_names_they_print() {
    for store in OrganizationStore::ALL {
        assert_eq!(store.to_string().parse(), Ok(*store));
    }
    assert!("robots".parse::<RepositoryStore>().is_err());
}

#[test]
fn calls_can_move_between_threads() {
    fn send<T: Send>(_: T) {}
    let (_, client) = Stub::answering(204, "");
    send(client.put_secret(ACME, "NAME", &Put::default()));
    send(client.list_secrets(ACME, 1, 1));
}

#[tokio::test]
async fn a_body_says_null_or_leaves_a_field_out_as_it_is_told() {
    let (stub, client) = Stub::answering(200, "{}");
    let mut body = ReposCreateOrUpdateEnvironmentBody::default();
    body.reviewers = Some(None);
    let sent = client.repos_create_or_update_environment("acme", "api", "prod", Some(&body));
    assert!(sent.await.is_err(), "the reply has no name");
    let sent = stub.body();
    assert_eq!(sent, json!({ "reviewers": null }));
    let read: ReposCreateOrUpdateEnvironmentBody = serde_json::from_value(sent).unwrap();
    assert!(matches!(read.reviewers, Some(None)));
    assert!(read.deployment_branch_policy.is_none());

    let (stub, client) = Stub::answering(204, "");
    let mut write = Write::default();
    write.username = Some("monalisa".to_owned());
    client.update_registry("acme", "NPM", &write).await.unwrap();
    assert_eq!(stub.body(), json!({ "username": "monalisa" }));
    write.username_null = true;
    client.update_registry("acme", "NPM", &write).await.unwrap();
    assert_eq!(stub.body(), json!({ "username": null }));
}
