//! One table of behaviours over every scope that has a public key.

use std::pin::Pin;

use futures_util::{StreamExt, TryFutureExt, TryStreamExt};
use octoseal::{
    Client, Error, Scope, SecretValue, Visibility, Written,
    registries::{PrivateRegistriesScope, RegistryAuth},
    scope::{OrganizationScope, OrganizationStore},
};
use octoseal_mock::GitHub;
use octoseal_tests::{acme, builder, client, scope};

/// Every scope of the README's table.
pub(crate) const SCOPES: [&str; 11] = [
    "actions:org/acme",
    "actions:repo/acme/api",
    "actions:env/acme/api/prod%2Feu",
    "agents:org/acme",
    "agents:repo/acme/api",
    "codespaces:org/acme",
    "codespaces:repo/acme/api",
    "codespaces:user",
    "dependabot:org/acme",
    "dependabot:repo/acme/api",
    "private-registries:org/acme",
];

pub(crate) type Done<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// What every scope can do. Private registries name a secret themselves, so a test takes the name that a put gives.
pub(crate) trait Place: Sync {
    fn put<'a>(&'a self, name: &'a str, value: SecretValue) -> Done<'a, (String, Written)>;
    fn names(&self) -> Done<'_, Vec<String>>;
    fn get<'a>(&'a self, name: &'a str) -> Done<'a, String>;
    fn delete<'a>(&'a self, name: &'a str) -> Done<'a, ()>;
    fn key(&self) -> Done<'_, String>;
}

/// What both handles do under the same names.
macro_rules! reads_and_deletes {
    () => {
        fn names(&self) -> Done<'_, Vec<String>> {
            Box::pin(self.0.list().map_ok(|listed| listed.name).try_collect())
        }

        fn get<'a>(&'a self, name: &'a str) -> Done<'a, String> {
            Box::pin(async move { Ok(self.0.get(name).await?.name) })
        }

        fn delete<'a>(&'a self, name: &'a str) -> Done<'a, ()> {
            Box::pin(self.0.delete(name).map_ok(drop))
        }

        fn key(&self) -> Done<'_, String> {
            Box::pin(async move { Ok(self.0.public_key().await?.key().to_base64()) })
        }
    };
}

struct Secrets(octoseal::secrets::Secrets<Scope>);

impl Place for Secrets {
    fn put<'a>(&'a self, name: &'a str, value: SecretValue) -> Done<'a, (String, Written)> {
        Box::pin(async move {
            let put = self.0.put(name, value);
            let put = if self.0.scope().has_visibility() {
                put.access(Visibility::Private)
            } else {
                put
            };
            Ok((name.to_owned(), put.send().await?.written))
        })
    }

    reads_and_deletes!();
}

struct Registries(octoseal::registries::PrivateRegistries);

impl Place for Registries {
    fn put<'a>(&'a self, name: &'a str, value: SecretValue) -> Done<'a, (String, Written)> {
        Box::pin(async move {
            let auth = RegistryAuth::Token { token: value };
            match self.0.get(name).await {
                Ok(_) => {
                    self.0.update(name).auth(auth).send().await?;
                    Ok((name.to_owned(), Written::Updated))
                }
                Err(error) if error.is_not_found() => {
                    let create =
                        self.0
                            .create("npm_registry", "https://npm.example", Visibility::Private);
                    Ok((
                        create.auth(auth).send().await?.registry.name,
                        Written::Created,
                    ))
                }
                Err(error) => Err(error),
            }
        })
    }

    reads_and_deletes!();
}

pub(crate) fn place(client: &Client, text: &str) -> Box<dyn Place> {
    match text.parse::<PrivateRegistriesScope>() {
        Ok(scope) => Box::new(Registries(client.private_registries(scope))),
        Err(_) => Box::new(Secrets(client.secrets(scope(text)))),
    }
}

pub(crate) fn world() -> GitHub {
    let github = acme();
    github.add_environment("acme", "api", "prod/eu");
    github
}

/// Seeds a secret or a registry; of a registry GitHub always tells the kind.
fn seed(github: &GitHub, text: &str, name: &str) -> octoseal_mock::SecretEditor {
    let seeded = github.seed(text, name, "value");
    if text.starts_with("private-registries") {
        seeded.field("registry_type", "npm_registry")
    } else {
        seeded
    }
}

/// Runs one behaviour in a world of its own for each scope, naming the scope that fails.
async fn everywhere(behaviour: impl AsyncFn(&'static str, &GitHub, &dyn Place)) {
    for text in SCOPES {
        println!("in {text}");
        let github = world();
        let client = client(&github);
        behaviour(text, &github, place(&client, text).as_ref()).await;
    }
}

#[tokio::test]
async fn a_value_is_created_then_updated_and_opens_each_time() {
    everywhere(async |text, github, place| {
        let (name, written) = place.put("KEY", "one".into()).await.unwrap();
        assert_eq!(written, Written::Created);
        assert_eq!(github.plaintext(text, &name).unwrap(), b"one");
        let (name, written) = place.put(&name, vec![0, 255, 10].into()).await.unwrap();
        assert_eq!(written, Written::Updated);
        assert_eq!(github.plaintext(text, &name).unwrap(), [0, 255, 10]);
    })
    .await;
}

#[tokio::test]
async fn what_was_put_is_listed_got_and_deleted() {
    everywhere(async |_, _, place| {
        let (name, _) = place.put("KEY", "value".into()).await.unwrap();
        assert_eq!(place.names().await.unwrap(), std::slice::from_ref(&name));
        assert_eq!(place.get(&name).await.unwrap(), name);
        place.delete(&name).await.unwrap();
        assert!(place.names().await.unwrap().is_empty());
        assert!(place.get(&name).await.unwrap_err().is_not_found());
        assert!(place.delete(&name).await.unwrap_err().is_not_found());
    })
    .await;
}

#[tokio::test]
async fn a_list_of_many_pages_comes_whole() {
    everywhere(async |text, github, place| {
        github.configure(|settings| settings.count_limits = false);
        for number in 0..201 {
            seed(github, text, &format!("KEY_{number:03}"));
        }
        assert_eq!(place.names().await.unwrap().len(), 201);
    })
    .await;
}

#[tokio::test]
async fn the_key_is_the_scopes_own_also_under_a_shared_key_id() {
    let github = world();
    github.configure(|settings| settings.shared_key_ids = true);
    let client = client(&github);
    let mut keys = std::collections::BTreeSet::new();
    for text in SCOPES {
        let place = place(&client, text);
        assert!(
            keys.insert(place.key().await.unwrap()),
            "{text} has the key of another scope"
        );
        let (name, _) = place.put("KEY", text.into()).await.unwrap();
        assert_eq!(github.plaintext(text, &name).unwrap(), text.as_bytes());
    }
}

#[tokio::test]
async fn a_numeric_key_id_of_an_old_server_keeps_its_text() {
    everywhere(async |text, github, place| {
        github.configure(|settings| settings.numeric_key_ids = true);
        let (name, _) = place.put("KEY", "value".into()).await.unwrap();
        assert_eq!(github.plaintext(text, &name).unwrap(), b"value");
        let sent = github.requests().last().unwrap().json()["key_id"].clone();
        assert_eq!(sent.as_str().unwrap(), github.public_key(text).0);
    })
    .await;
}

#[tokio::test]
async fn a_key_rotated_between_get_and_put_is_fetched_again_once() {
    everywhere(async |text, github, place| {
        let (name, _) = place.put("KEY", "old".into()).await.unwrap();
        github.rotate_key(text);
        place.put(&name, "new".into()).await.unwrap();
        assert_eq!(github.plaintext(text, &name).unwrap(), b"new");
    })
    .await;
}

#[tokio::test]
async fn a_value_too_large_and_a_bad_name_never_reach_the_wire() {
    everywhere(async |_, github, place| {
        assert!(
            place
                .get("not a name")
                .await
                .unwrap_err()
                .is_invalid_input()
        );
        assert!(
            place
                .delete("GITHUB_X")
                .await
                .unwrap_err()
                .is_invalid_input()
        );
        let error = place.put("KEY", vec![0; 49_153].into()).await.unwrap_err();
        assert!(error.is_invalid_input(), "{error}");
        assert!(
            github
                .requests()
                .iter()
                .all(|request| request.method == "GET")
        );
    })
    .await;
}

#[tokio::test]
async fn additional_and_unknown_things_in_replies_never_fail_a_call() {
    everywhere(async |text, github, place| {
        seed(github, text, "KEY")
            .field("brand_new", serde_json::json!({ "x": [1] }))
            .visibility("enterprise");
        assert_eq!(place.names().await.unwrap(), ["KEY"]);
        assert_eq!(place.get("KEY").await.unwrap(), "KEY");
    })
    .await;
}

#[tokio::test]
async fn a_server_without_the_store_says_so_instead_of_a_bare_404() {
    everywhere(async |text, github, place| {
        github.remove_store(text.split(':').next().unwrap());
        for error in [
            place.names().await.unwrap_err(),
            place.key().await.unwrap_err(),
            place.put("KEY", "value".into()).await.unwrap_err(),
        ] {
            assert!(error.is_unsupported(), "{text}: {error}");
            assert!(error.is_not_found(), "{text}: {error}");
            assert!(error.to_string().contains("Enterprise Server"), "{error}");
        }
    })
    .await;
}

#[test]
fn the_table_names_every_scope_that_the_description_has() {
    let mut stores = Vec::new();
    let places = |all: &[&str], place: &str| -> Vec<String> {
        all.iter().map(|store| format!("{store}:{place}")).collect()
    };
    stores.extend(places(
        &OrganizationStore::ALL
            .iter()
            .map(|s| s.as_str())
            .collect::<Vec<_>>(),
        "org/acme",
    ));
    stores.extend(places(
        &octoseal::scope::RepositoryStore::ALL
            .iter()
            .map(|s| s.as_str())
            .collect::<Vec<_>>(),
        "repo/acme/api",
    ));
    stores.extend(places(
        &octoseal::scope::EnvironmentStore::ALL
            .iter()
            .map(|s| s.as_str())
            .collect::<Vec<_>>(),
        "env/acme/api/prod%2Feu",
    ));
    stores.extend(places(
        &octoseal::scope::UserStore::ALL
            .iter()
            .map(|s| s.as_str())
            .collect::<Vec<_>>(),
        "user",
    ));
    stores.push("private-registries:org/acme".to_owned());
    stores.sort();
    let mut table = SCOPES;
    table.sort();
    assert_eq!(stores, table);
}

#[test]
fn a_scope_is_one_string_both_ways() {
    for text in SCOPES {
        if let Ok(scope) = text.parse::<PrivateRegistriesScope>() {
            assert_eq!(scope.to_string(), text);
            continue;
        }
        let parsed = scope(text);
        assert_eq!(parsed.to_string(), text);
        let json = serde_json::to_string(&parsed).unwrap();
        assert_eq!(json, format!("{text:?}"));
        assert_eq!(serde_json::from_str::<Scope>(&json).unwrap(), parsed);
    }
    for text in [
        "",
        "actions",
        "actions:",
        "actions:org",
        "actions:org/",
        "actions:org/a/b",
        "actions:repo/acme",
        "actions:repo/acme/..",
        "actions:env/acme/api/",
        "actions:env/acme/api/..",
        "actions:env/acme/api/%FF",
        "actions:user",
        "codespaces:env/acme/api/prod",
        "robots:org/acme",
        "ACTIONS:org/acme",
        "private-registries:org/acme",
        "actions:org/acme\n",
    ] {
        let error = text.parse::<Scope>().unwrap_err();
        assert!(error.is_invalid_input(), "{text:?} was accepted");
    }
}

#[tokio::test]
async fn dependabot_gets_its_repository_ids_as_strings_before_a_version_and_all_others_as_numbers()
{
    let (old, new) = ("2022-11-28", "2026-03-10");
    for (text, version, as_string) in [
        ("actions:org/acme", old, false),
        ("codespaces:org/acme", old, false),
        ("dependabot:org/acme", old, true),
        ("dependabot:org/acme", new, false),
        ("actions:org/acme", new, false),
    ] {
        let github = world();
        let api = github.add_repository("acme", "api");
        let client = builder(&github).api_version(version).build().unwrap();
        let secrets = client.secrets(scope(text));
        secrets
            .put("KEY", "v")
            .access(Visibility::Selected(vec![api]))
            .send()
            .await
            .unwrap();
        let sent = github.requests().last().unwrap().json()["selected_repository_ids"][0].clone();
        assert_eq!(sent.is_string(), as_string, "{text} under {version}");
        assert_eq!(
            github.secret(text, "KEY").unwrap().selected_repository_ids,
            [api].into()
        );
    }
}

#[tokio::test]
async fn selected_repositories_work_wherever_they_exist() {
    for text in [
        "actions:org/acme",
        "agents:org/acme",
        "codespaces:org/acme",
        "dependabot:org/acme",
        "codespaces:user",
    ] {
        let github = world();
        let secrets = client(&github).secrets(scope(text));
        secrets
            .put("KEY", "v")
            .access(["acme/api"])
            .send()
            .await
            .unwrap();
        secrets
            .add_selected_repository("KEY", "acme/web")
            .await
            .unwrap();
        secrets
            .remove_selected_repository("KEY", "acme/api")
            .await
            .unwrap();
        let names = async || -> Vec<String> {
            secrets
                .selected_repositories("KEY")
                .map_ok(|repository| repository.name)
                .try_collect()
                .await
                .unwrap()
        };
        assert_eq!(names().await, ["web"], "{text}");
        secrets
            .set_selected_repositories("KEY", ["acme/docs"])
            .await
            .unwrap();
        assert_eq!(names().await, ["docs"], "{text}");
        secrets.put("KEY", "new value").send().await.unwrap();
        assert_eq!(names().await, ["docs"], "{text}: access was not kept");
        assert_eq!(github.plaintext(text, "KEY").unwrap(), b"new value");
    }
}

#[tokio::test]
async fn a_repository_lists_the_organization_secrets_it_sees() {
    let github = world();
    let api = github.add_repository("acme", "api");
    github
        .seed("actions:org/acme", "FOR_ALL", "v")
        .visibility("all");
    github
        .seed("actions:org/acme", "FOR_API", "v")
        .selected([api]);
    github
        .seed("actions:org/acme", "FOR_NONE", "v")
        .selected([]);
    let names = async |text: &str| -> Result<Vec<String>, Error> {
        client(&github)
            .secrets(scope(text))
            .organization_secrets()
            .map_ok(|secret| secret.name)
            .try_collect()
            .await
    };
    assert_eq!(
        names("actions:repo/acme/api").await.unwrap(),
        ["FOR_ALL", "FOR_API"]
    );
    assert_eq!(names("actions:repo/acme/web").await.unwrap(), ["FOR_ALL"]);
    assert!(
        names("dependabot:repo/acme/api")
            .await
            .unwrap_err()
            .is_unsupported()
    );
}

#[tokio::test]
async fn the_documented_method_is_two_lines_on_a_handle() {
    let github = world();
    let secrets = client(&github)
        .secrets(OrganizationScope::new(OrganizationStore::Actions, "acme").unwrap());
    secrets
        .put("KEY", "value")
        .access(Visibility::All)
        .send()
        .await
        .unwrap();
    assert_eq!(
        github.plaintext("actions:org/acme", "KEY").unwrap(),
        b"value"
    );
}

#[tokio::test]
async fn an_environment_with_a_slash_travels_as_one_piece() {
    let github = world();
    let server = github.serve();
    let client = octoseal_tests::over_sockets(&server.url());
    let text = "actions:env/acme/api/prod%2Feu";
    client
        .secrets(scope(text))
        .put("KEY", "value")
        .send()
        .await
        .unwrap();
    assert_eq!(github.plaintext(text, "KEY").unwrap(), b"value");
    let path = github.requests().last().unwrap().path.clone();
    assert_eq!(path, "/repos/acme/api/environments/prod%2Feu/secrets/KEY");
}

#[tokio::test]
async fn an_invalid_name_ends_a_stream_with_one_error() {
    let github = world();
    let secrets = client(&github).secrets(scope("actions:org/acme"));
    let items: Vec<_> = secrets.selected_repositories("not a name").collect().await;
    assert_eq!(items.len(), 1);
    assert!(items[0].as_ref().unwrap_err().is_invalid_input());
    assert_eq!(github.request_count(), 0);
}
