//! Private registries: every way to log in, sealed or not.

use octoseal::{
    Applied, Visibility,
    registries::{PrivateRegistries, PrivateRegistriesScope, RegistryAuth},
};
use octoseal_mock::Fault;
use octoseal_tests::{acme, client};

const SCOPE: &str = "private-registries:org/acme";

fn registries(github: &octoseal_mock::GitHub) -> PrivateRegistries {
    client(github).private_registries(PrivateRegistriesScope::new("acme").unwrap())
}

/// One of each, with the fields that have no secret in them.
fn ways() -> Vec<(RegistryAuth, serde_json::Value)> {
    let text = |s: &str| s.to_owned();
    let json = |value| value;
    vec![
        (
            RegistryAuth::Token {
                token: "t0ken".into(),
            },
            json(serde_json::json!({})),
        ),
        (
            RegistryAuth::UsernamePassword {
                username: text("robot"),
                password: "t0ken".into(),
            },
            serde_json::json!({ "username": "robot" }),
        ),
        (
            RegistryAuth::OidcAzure {
                tenant_id: text("t"),
                client_id: text("c"),
            },
            serde_json::json!({ "tenant_id": "t", "client_id": "c" }),
        ),
        (
            RegistryAuth::OidcAws {
                aws_region: text("eu-central-1"),
                account_id: text("1"),
                role_name: text("r"),
                domain: text("d"),
                domain_owner: text("2"),
                audience: Some(text("a")),
            },
            serde_json::json!({ "aws_region": "eu-central-1", "account_id": "1", "role_name": "r", "domain": "d", "domain_owner": "2", "audience": "a" }),
        ),
        (
            RegistryAuth::OidcJfrog {
                jfrog_oidc_provider_name: text("j"),
                audience: None,
                identity_mapping_name: Some(text("m")),
            },
            serde_json::json!({ "jfrog_oidc_provider_name": "j", "identity_mapping_name": "m" }),
        ),
        (
            RegistryAuth::OidcCloudsmith {
                namespace: text("n"),
                service_slug: text("s"),
                audience: text("a"),
                api_host: None,
            },
            serde_json::json!({ "namespace": "n", "service_slug": "s", "audience": "a" }),
        ),
        (
            RegistryAuth::OidcGcp {
                workload_identity_provider: text("w"),
                service_account: Some(text("s@x")),
                audience: None,
            },
            serde_json::json!({ "workload_identity_provider": "w", "service_account": "s@x" }),
        ),
    ]
}

#[tokio::test]
async fn every_way_to_log_in_is_created_and_updated() {
    for (auth, fields) in ways() {
        let github = acme();
        let registries = registries(&github);
        let sealed = matches!(auth.as_str(), "token" | "username_password");
        let create = registries.create("npm_registry", "https://npm.example", Visibility::All);
        let created = create.auth(auth.clone()).send().await.unwrap().registry;
        assert_eq!(created.auth_type.as_deref(), Some(auth.as_str()));
        registries
            .update(&created.name)
            .auth(auth.clone())
            .url("https://npm2.example")
            .send()
            .await
            .unwrap();
        for request in github
            .requests()
            .iter()
            .filter(|request| request.method != "GET")
        {
            let body = request.json();
            for (field, value) in fields.as_object().unwrap() {
                assert_eq!(&body[field], value, "{} {field}", auth.as_str());
            }
            assert_eq!(
                body.get("encrypted_value").is_some(),
                sealed,
                "{}",
                auth.as_str()
            );
            assert_eq!(body.get("key_id").is_some(), sealed, "{}", auth.as_str());
            assert!(body.get("replaces_base").is_none());
        }
        if sealed {
            assert_eq!(github.plaintext(SCOPE, &created.name).unwrap(), b"t0ken");
        }
        assert_eq!(
            registries.get(&created.name).await.unwrap().url.as_deref(),
            Some("https://npm2.example")
        );
    }
}

#[tokio::test]
async fn an_update_keeps_what_it_does_not_name() {
    let github = acme();
    let registries = registries(&github);
    let create = registries
        .create("npm_registry", "https://npm.example", ["acme/api"])
        .replaces_base(true);
    let create = create.auth(RegistryAuth::Token {
        token: "t0ken".into(),
    });
    let created = create.send().await.unwrap().registry;
    registries
        .update(&created.name)
        .url("https://new.example")
        .send()
        .await
        .unwrap();
    let now = registries.get(&created.name).await.unwrap();
    assert_eq!(now.visibility, "selected");
    assert_eq!(
        now.selected_repository_ids,
        [github.add_repository("acme", "api")]
    );
    assert_eq!(now.replaces_base, Some(true));
    assert_eq!(github.plaintext(SCOPE, &created.name).unwrap(), b"t0ken");
    registries
        .update(&created.name)
        .access(Visibility::Private)
        .send()
        .await
        .unwrap();
    assert_eq!(
        registries.get(&created.name).await.unwrap().visibility,
        "private"
    );
}

#[tokio::test]
async fn an_update_without_a_user_name_clears_the_one_that_github_has() {
    let github = acme();
    let registries = registries(&github);
    let create = registries.create("npm_registry", "https://npm.example", Visibility::All);
    let token = || RegistryAuth::Token {
        token: "t0ken".into(),
    };
    let create = create.auth(token()).username("monalisa");
    let name = create.send().await.unwrap().registry.name;
    let user = async || registries.get(&name).await.unwrap().username;
    let update = || registries.update(&name);
    update().url("https://new.example").send().await.unwrap();
    assert_eq!(user().await.as_deref(), Some("monalisa"));
    update().without_username().send().await.unwrap();
    assert_eq!(user().await, None);
    let last = update().without_username().username("hubot");
    last.send().await.unwrap();
    assert_eq!(user().await.as_deref(), Some("hubot"));
}

#[tokio::test]
async fn an_unknown_kind_of_registry_never_reaches_the_wire() {
    let github = acme();
    let create = registries(&github).create("floppy_disk", "https://a.example", Visibility::All);
    let error = create.send().await.unwrap_err();
    assert!(error.is_invalid_input());
    assert!(error.to_string().contains("npm_registry"), "{error}");
    assert_eq!(github.request_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_reply_is_lost_is_not_made_twice() {
    let github = acme();
    github.inject(Fault::silence().on("POST"));
    let create = registries(&github).create("npm_registry", "https://npm.example", Visibility::All);
    let error = create
        .auth(RegistryAuth::Token {
            token: "t0ken".into(),
        })
        .send()
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(error.applied(), Applied::Unknown);
    assert_eq!(registries(&github).list().all().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_registry_whose_creation_is_answered_beyond_reading_may_exist() {
    let github = acme();
    // A repository's id that is none.
    let spoil = || {
        Fault::change(|reply| {
            reply.map(|body| {
                let mut registry: serde_json::Value = serde_json::from_slice(&body).unwrap();
                registry["selected_repository_ids"] = serde_json::json!([-1]);
                registry.to_string().into()
            })
        })
    };
    github.inject(spoil().on("POST"));
    let registries = registries(&github);
    let create = registries.create("npm_registry", "https://npm.example", Visibility::All);
    let auth = RegistryAuth::Token {
        token: "t0ken".into(),
    };
    let error = create.auth(auth).send().await.unwrap_err();
    assert!(error.is_unexpected_reply(), "{error}");
    assert_eq!(error.applied(), Applied::Unknown);
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("creating a registry in {SCOPE}: ")),
        "{text}"
    );

    let name = registries.list().all().await.unwrap().remove(0).name;
    github.inject(spoil().on("GET"));
    let error = registries.get(&name).await.unwrap_err();
    assert!(error.to_string().starts_with("reading "), "{error}");
    assert_eq!(error.applied(), Applied::No);
}

#[tokio::test(start_paused = true)]
async fn a_list_ends_after_an_entry_that_can_not_be_read() {
    let github = acme();
    let entry = |name: &str, id: i64| {
        serde_json::json!({
            "name": name, "registry_type": "npm_registry", "visibility": "selected",
            "selected_repository_ids": [id],
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
        })
    };
    let entries = [entry("ONE", -1), entry("TWO", 1)];
    let page = serde_json::json!({ "total_count": 2, "configurations": entries });
    github.inject(Fault::reply(200, page.to_string()));
    let mut list = registries(&github).list();
    assert!(list.try_next().await.unwrap_err().is_unexpected_reply());
    assert_eq!(list.try_next().await.unwrap(), None);
}
