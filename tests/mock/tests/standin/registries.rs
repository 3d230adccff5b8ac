//! Private registries.

use serde_json::{Value, json};

use super::ask::{acme, delete, get, patch, post, sealed};

const LIST: &str = "/orgs/acme/private-registries";
const SCOPE: &str = "private-registries:org/acme";

fn npm(github: &octoseal_mock::GitHub) -> Value {
    let mut body = sealed(github, SCOPE, b"password");
    body["registry_type"] = json!("npm_registry");
    body["url"] = json!("https://npm.example.com");
    body["visibility"] = json!("private");
    body
}

#[test]
fn a_registry_is_created_shown_updated_and_deleted() {
    let (github, api, _) = acme();
    assert!(get(&github, &format!("{LIST}/public-key")).json()["key"].is_string());
    let created = post(&github, LIST, &npm(&github));
    assert_eq!(created.status, 201);
    assert_eq!(created.json()["name"], "NPM_REGISTRY_SECRET");
    assert_eq!(created.json()["auth_type"], "token");
    assert_eq!(created.json().get("encrypted_value"), None);

    let one = format!("{LIST}/NPM_REGISTRY_SECRET");
    assert_eq!(get(&github, &one).json(), created.json());
    assert_eq!(
        get(&github, LIST).json()["configurations"],
        json!([created.json()])
    );

    let mut update = sealed(&github, SCOPE, b"other");
    update["visibility"] = json!("selected");
    update["selected_repository_ids"] = json!([api]);
    assert_eq!(patch(&github, &one, &update).status, 204);
    let registry = github.secret(SCOPE, "NPM_REGISTRY_SECRET").expect("stored");
    assert_eq!(registry.value, b"other");
    assert_eq!(
        get(&github, &one).json()["selected_repository_ids"],
        json!([api])
    );
    assert_eq!(get(&github, &one).json()["url"], "https://npm.example.com");

    assert_eq!(delete(&github, &one).status, 204);
    assert_eq!(get(&github, &one).status, 404);
    assert_eq!(patch(&github, &one, &update).status, 404);
}

#[test]
fn a_second_registry_of_a_type_gets_a_name_of_its_own() {
    let (github, ..) = acme();
    let first = post(&github, LIST, &npm(&github)).json();
    let second = post(&github, LIST, &npm(&github)).json();
    assert_ne!(first["name"], second["name"]);
    assert_eq!(get(&github, LIST).json()["total_count"], 2);
}

#[test]
fn oidc_needs_no_value_but_its_own_fields() {
    let (github, ..) = acme();
    for (auth, fields) in [
        ("oidc_azure", vec!["tenant_id", "client_id"]),
        (
            "oidc_aws",
            vec![
                "aws_region",
                "account_id",
                "role_name",
                "domain",
                "domain_owner",
            ],
        ),
        ("oidc_jfrog", vec!["jfrog_oidc_provider_name"]),
        (
            "oidc_cloudsmith",
            vec!["namespace", "service_slug", "audience"],
        ),
        ("oidc_gcp", vec!["workload_identity_provider"]),
    ] {
        let mut body = json!({ "registry_type": "docker_registry", "url": "https://d.example.com", "visibility": "all" });
        body["auth_type"] = json!(auth);
        assert_eq!(post(&github, LIST, &body).status, 422, "{auth}");
        for field in &fields {
            body[*field] = json!("something");
        }
        let created = post(&github, LIST, &body);
        assert_eq!(created.status, 201, "{auth}");
        assert_eq!(created.json()[fields[0]], "something");
        // A sealed value has no place here.
        let key = sealed(&github, SCOPE, b"1");
        body["encrypted_value"] = key["encrypted_value"].clone();
        body["key_id"] = key["key_id"].clone();
        assert_eq!(post(&github, LIST, &body).status, 422, "{auth}");
    }
}

#[test]
fn a_user_name_and_password_need_both() {
    let (github, ..) = acme();
    let mut body = npm(&github);
    body["auth_type"] = json!("username_password");
    assert_eq!(
        post(&github, LIST, &body).message(),
        "Invalid request.\n\n\"username\" wasn't supplied."
    );
    body["username"] = json!("monalisa");
    assert_eq!(post(&github, LIST, &body).status, 201);
    body.as_object_mut()
        .expect("an object")
        .remove("encrypted_value");
    assert_eq!(
        post(&github, LIST, &body).message(),
        "Invalid request.\n\n\"encrypted_value\" wasn't supplied."
    );
}

#[test]
fn the_way_to_log_in_can_not_be_changed() {
    let (github, ..) = acme();
    post(&github, LIST, &npm(&github));
    let one = format!("{LIST}/NPM_REGISTRY_SECRET");
    assert_eq!(
        patch(&github, &one, &json!({ "auth_type": "username_password" })).status,
        422
    );
    assert_eq!(
        patch(
            &github,
            &one,
            &json!({ "auth_type": "token", "url": "https://new.example.com" })
        )
        .status,
        204
    );
}

#[test]
fn what_is_missing_or_unheard_of_is_refused() {
    let (github, ..) = acme();
    for (field, value) in [
        ("registry_type", Value::Null),
        ("registry_type", json!("shopping_basket")),
        ("url", Value::Null),
        ("visibility", Value::Null),
        ("visibility", json!("everyone")),
        ("auth_type", json!("handshake")),
        ("key_id", Value::Null),
        ("encrypted_value", json!("not base64!")),
        ("encrypted_value", json!("dmFsdWU=")),
    ] {
        let mut body = npm(&github);
        match value {
            Value::Null => drop(body.as_object_mut().expect("an object").remove(field)),
            value => body[field] = value,
        }
        assert_eq!(post(&github, LIST, &body).status, 422, "{field}");
    }
    assert!(github.secrets(SCOPE).is_empty());
}
