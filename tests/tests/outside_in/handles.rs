//! What a handle offers: writes without a value, lists that outlive it, scopes that can be read.

use futures_util::TryStreamExt;
use octoseal::{
    Access, Scope, Visibility, Written,
    registries::PrivateRegistriesScope,
    scope::{
        EnvironmentScope, EnvironmentStore, OrganizationScope, OrganizationStore, RepositoryScope,
        RepositoryStore, UserScope, UserStore,
    },
};
use octoseal_tests::{ACME, acme, client, scope};

use crate::scopes::SCOPES;

#[tokio::test]
async fn a_box_sealed_elsewhere_is_stored_in_every_scope() {
    for text in SCOPES {
        // A registry is no name and a value.
        let Ok(scope) = text.parse::<Scope>() else {
            assert!(text.starts_with("private-registries:"), "{text}");
            continue;
        };
        let github = acme();
        github.add_environment("acme", "api", "prod/eu");
        let secrets = client(&github).secrets(scope);
        let key = secrets.public_key().await.unwrap();
        let sealed = key.key().seal(b"sealed elsewhere").to_base64();
        let call = secrets
            .create_or_update("KEY")
            .encrypted_value(sealed, key.key_id());
        let call = match secrets.scope().has_visibility() {
            true => call.access(Visibility::Private),
            false => call,
        };
        assert_eq!(
            call.send().await.unwrap().written,
            Written::Created,
            "{text}"
        );
        assert_eq!(
            github.plaintext(text, "KEY").unwrap(),
            b"sealed elsewhere",
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_call_without_a_value_changes_the_visibility_alone_wherever_one_may_be_left_out() {
    for text in [ACME, "codespaces:org/acme", "dependabot:org/acme"] {
        let github = acme();
        github.configure(|settings| settings.value_optional = true);
        github.seed(text, "KEY", "kept").visibility("private");
        let written = client(&github)
            .secrets(scope(text))
            .create_or_update("KEY")
            .access(Visibility::All)
            .send()
            .await;
        assert_eq!(written.unwrap().written, Written::Updated, "{text}");
        let body = github.requests().last().unwrap().json();
        assert_eq!(body, serde_json::json!({ "visibility": "all" }), "{text}");
        let secret = github.secret(text, "KEY").unwrap();
        assert_eq!(secret.visibility.as_deref(), Some("all"), "{text}");
        assert_eq!(secret.value, b"kept", "{text}");
        assert_eq!(github.request_count(), 1, "{text}: a key was fetched");
    }
}

#[tokio::test]
async fn a_call_without_the_value_that_a_scope_needs_never_reaches_the_wire() {
    for text in [
        "actions:repo/acme/api",
        "actions:env/acme/api/prod",
        "agents:org/acme",
        "agents:repo/acme/api",
        "codespaces:user",
    ] {
        let github = acme();
        let call = client(&github).secrets(scope(text)).create_or_update("KEY");
        let error = call.send().await.unwrap_err();
        assert!(error.is_invalid_input(), "{text}: {error}");
        assert!(error.to_string().contains("value"), "{text}: {error}");
        assert_eq!(github.request_count(), 0, "{text}");
    }
}

#[tokio::test]
async fn a_list_outlives_the_handle_the_client_and_the_name_it_came_from() {
    let github = acme();
    let api = github.add_repository("acme", "api");
    github.seed(ACME, "KEY", "value").selected([api]);
    github
        .seed("private-registries:org/acme", "REGISTRY", "value")
        .field("registry_type", "npm_registry");
    let (secrets, repositories, inherited, registries) = {
        let client = client(&github);
        let registries = PrivateRegistriesScope::new("acme").unwrap();
        let name = "KEY".to_owned();
        (
            client.secrets(scope(ACME)).list(),
            client.secrets(scope(ACME)).selected_repositories(&name),
            client
                .secrets(scope("actions:repo/acme/api"))
                .organization_secrets(),
            client.private_registries(registries).list(),
        )
    };
    let listed = tokio::spawn(async move {
        let names = [
            secrets.map_ok(|secret| secret.name).try_collect().await?,
            repositories
                .map_ok(|repository| repository.name)
                .try_collect()
                .await?,
            inherited.map_ok(|secret| secret.name).try_collect().await?,
            registries
                .map_ok(|registry| registry.name)
                .try_collect()
                .await?,
        ];
        Ok::<[Vec<String>; 4], octoseal::Error>(names)
    });
    assert_eq!(
        listed.await.unwrap().unwrap(),
        [["KEY"], ["api"], ["KEY"], ["REGISTRY"]]
    );
}

#[tokio::test]
async fn every_list_comes_collected_too_over_all_its_pages() {
    let github = acme();
    github.configure(|settings| settings.count_limits = false);
    let ids: Vec<u64> = (0..150)
        .map(|number| github.add_repository("acme", &format!("repo-{number}")))
        .collect();
    for number in 0..150 {
        github
            .seed(ACME, &format!("KEY_{number}"), "value")
            .selected(ids.iter().copied());
    }
    let client = client(&github);
    let secrets = client.secrets(scope(ACME));
    assert_eq!(secrets.list().all().await.unwrap().len(), 150);
    let repositories = secrets.selected_repositories("KEY_0").all().await.unwrap();
    assert_eq!(repositories.len(), 150);
    let repository = client.secrets(scope("actions:repo/acme/repo-0"));
    let inherited = repository.organization_secrets().all().await.unwrap();
    assert_eq!(inherited.len(), 150);
    let error = secrets.organization_secrets().all().await.unwrap_err();
    assert!(error.is_unsupported(), "{error}");
}

#[test]
fn a_scope_tells_what_it_was_made_of() {
    let organization = OrganizationScope::new(OrganizationStore::Agents, "acme").unwrap();
    assert_eq!(
        (organization.store(), organization.org()),
        (OrganizationStore::Agents, "acme")
    );
    let repository = RepositoryScope::new(RepositoryStore::Dependabot, "acme", "api").unwrap();
    assert_eq!(repository.store(), RepositoryStore::Dependabot);
    assert_eq!(
        (repository.owner(), repository.repository()),
        ("acme", "api")
    );
    let environment =
        EnvironmentScope::new(EnvironmentStore::Actions, "acme", "api", "prod/eu").unwrap();
    assert_eq!(environment.store(), EnvironmentStore::Actions);
    assert_eq!(
        (
            environment.owner(),
            environment.repository(),
            environment.environment()
        ),
        ("acme", "api", "prod/eu")
    );
    let user = UserScope::new(UserStore::Codespaces);
    assert_eq!(user.store(), UserStore::Codespaces);
    let environments = [
        organization.into(),
        repository.into(),
        Scope::from(environment),
        user.into(),
    ]
    .map(|scope| scope.environment().map(str::to_owned));
    assert_eq!(environments, [None, None, Some("prod/eu".to_owned()), None]);
}

#[tokio::test]
async fn access_from_a_configuration_is_what_a_put_is_told() {
    let github = acme();
    let api = github.add_repository("acme", "api");
    let secrets = client(&github).secrets(scope(ACME));
    for (text, visibility, repositories) in [
        ("selected:acme/api", "selected", vec![api]),
        ("keep", "selected", vec![api]),
        ("selected:", "selected", vec![]),
        ("private", "private", vec![]),
        ("all", "all", vec![]),
    ] {
        let access: Access = text.parse().unwrap();
        secrets
            .put("KEY", "value")
            .access(access)
            .send()
            .await
            .unwrap();
        let stored = github.secret(ACME, "KEY").unwrap();
        assert_eq!(stored.visibility.as_deref(), Some(visibility), "{text}");
        let stored: Vec<u64> = stored.selected_repository_ids.into_iter().collect();
        assert_eq!(stored, repositories, "{text}");
    }
    let user = client(&github).secrets(scope("codespaces:user"));
    let put = user.put("KEY", "value").access(Access::All);
    assert!(put.send().await.unwrap_err().is_unsupported());
}
