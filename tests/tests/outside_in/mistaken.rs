//! Secrets that were handed over in place of something else: a path, the name of a variable, a repository.

use std::fmt::Debug;

use futures_util::StreamExt;
use octoseal::{
    Access, Client, Error, RepositoryRef, Visibility,
    app::{App, AppKey},
    auth::{EnvToken, FileToken},
    registries::PrivateRegistriesScope,
    scope::SecretName,
    secrets::{Change, NewSecret},
};
use octoseal_tests::{ACME, acme, builder, client, put, rsa, scope};

use crate::security_logs::Kept;

/// Texts that hold a secret, each with `c4nary` in it.
fn secrets() -> Vec<String> {
    let pem = format!(
        "-----BEGIN RSA PRIVATE KEY-----\nc4nary\n{}",
        "A".repeat(1600)
    );
    vec![
        pem.replace('\n', "\\n"),
        "-----BEGIN RSA PRIVATE KEY-----c4nary".to_owned(),
        "c4nary\nof two lines".to_owned(),
        format!("{}c4nary", "MIIEowIBAAKCAQEA".repeat(100)),
        "ghp_c4nary".to_owned(),
        "github_pat_c4nary".to_owned(),
        "https://x:c4nary@ghe.example/acme/api".to_owned(),
        "https://x:ghs_c4nary@github.com/acme/api".to_owned(),
        format!("eyJhbGciOiJSUzI1NiJ9.c4nary.{}", "x".repeat(100)),
        pem,
    ]
}

fn assert_hidden(told: &str, secret: &str) {
    assert!(!told.contains("c4nary"), "{told}");
    assert!(!told.contains(secret), "{told}");
}

fn chain(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text += &format!("\n{error}\n{error:?}");
        cause = error.source();
    }
    text
}

fn debug(thing: &dyn Debug) -> String {
    format!("{thing:?}\n{thing:#?}")
}

/// A token as GitHub made them before they had prefixes, and a client secret.
const HEX: &str = "0123456789abcdef0123456789abcdef01234567";

#[test]
fn a_key_in_place_of_a_path_or_a_variable_is_not_quoted() {
    for secret in secrets().iter().map(String::as_str).chain([HEX]) {
        for error in [
            AppKey::from_file(secret).unwrap_err(),
            AppKey::from_env(secret).unwrap_err(),
        ] {
            assert!(error.is_config(), "{error}");
            assert_hidden(&chain(&error), secret);
            assert!(error.to_string().contains("characters)"), "{error}");
            assert!(error.to_string().contains("`from_pem`"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_token_in_place_of_a_path_or_a_variable_is_not_quoted() {
    for secret in secrets().iter().map(String::as_str).chain([HEX]) {
        let (file, variable) = (FileToken::new(secret), EnvToken::new(secret));
        assert_hidden(&debug(&file), secret);
        assert_hidden(&debug(&variable), secret);
        let client = |builder: octoseal::ClientBuilder| builder.transport(acme()).build().unwrap();
        for client in [
            client(Client::builder().token_source(file)),
            client(Client::builder().token_source(variable)),
        ] {
            let error = put(&client, "KEY", "value").await.unwrap_err();
            assert!(error.is_config(), "{error}");
            assert_hidden(&chain(&error), secret);
            assert!(error.to_string().contains("characters)"), "{error}");
            assert!(error.to_string().contains("`token`"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_path_and_a_variable_are_named_where_they_can_be_meant() {
    for path in [
        "/run/secrets/no-such-token",
        "no such file",
        "./Schlüssel/app.2025-01-01.private-key.pem",
        "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-token/file",
        r"C:\keys\app.pem",
    ] {
        let error = AppKey::from_file(path).unwrap_err();
        assert!(error.to_string().contains(path), "{error}");
        assert!(format!("{:?}", FileToken::new(path)).contains(&format!("{path:?}")));
    }
    let error = AppKey::from_env("OCTOSEAL_NO_SUCH_KEY").unwrap_err();
    assert!(
        error.to_string().contains("OCTOSEAL_NO_SUCH_KEY"),
        "{error}"
    );
    let source = EnvToken::new("OCTOSEAL_NO_SUCH_TOKEN");
    assert!(format!("{source:?}").contains("OCTOSEAL_NO_SUCH_TOKEN"));
    let builder = Client::builder().token_source(source).transport(acme());
    let error = put(&builder.build().unwrap(), "KEY", "value").await;
    let error = error.unwrap_err();
    assert!(
        error.to_string().contains("OCTOSEAL_NO_SUCH_TOKEN"),
        "{error}"
    );
}

#[tokio::test]
async fn a_secret_in_place_of_a_repository_or_an_id_is_not_shown() {
    let key = AppKey::from_pem(rsa::pkcs1_pem()).unwrap();
    let client = client(&acme());
    for secret in secrets().iter().map(String::as_str).chain([HEX]) {
        let app = App::new(secret, key.clone());
        let narrowed = App::new("Iv1.1", key.clone()).repository(secret);
        let access = [
            Access::selected([secret]),
            Access::add([secret]),
            Access::remove([secret]),
            Access::keep_or(Access::selected([secret])),
        ];
        let new = NewSecret::new("KEY", "value").access(Access::selected([secret]));
        let put = client.secrets(scope(ACME)).put("KEY", "value");
        let put = put.access(Access::selected([secret]));
        let shown: [&dyn Debug; 7] = [
            &app,
            &narrowed,
            &App::new("Iv1.1", key.clone()).permission(secret, secret),
            &RepositoryRef::from(secret),
            &access,
            &new,
            &put,
        ];
        for thing in shown {
            assert_hidden(&debug(thing), secret);
        }
        let error = put.send().await.unwrap_err();
        assert_hidden(&chain(&error), secret);
        for error in [
            secret.parse::<RepositoryRef>().unwrap_err(),
            secret.parse::<Access>().unwrap_err(),
            secret.parse::<Visibility>().unwrap_err(),
            format!("selected:{secret}").parse::<Access>().unwrap_err(),
        ] {
            assert_hidden(&chain(&error), secret);
        }
        if let Err(error) = Client::builder().app(app).build() {
            assert_hidden(&chain(&error), secret);
        }
    }
    let named = App::new("Iv1.1", key).repository("acme/api");
    assert!(format!("{named:?}").contains("acme/api"));
    let access = format!("{:?}", Access::selected(["acme/api", "17"]));
    assert_eq!(access, r#"Selected([Name("acme/api"), Id(17)])"#);
}

#[tokio::test(start_paused = true)]
async fn a_value_in_place_of_a_secrets_name_is_not_shown() {
    let (kept, guard) = Kept::capture();
    let events = crate::seeing::Told::default();
    let github = acme();
    let client = builder(&github)
        .observer(events.observer())
        .build()
        .unwrap();
    let secrets = client.secrets(scope(ACME));
    let mut told = String::new();
    for secret in secrets_in_place_of_names() {
        let new_put = || secrets.put(&secret, "NAME").access(Visibility::All);
        told += &debug(&new_put());
        let new = NewSecret::new(&secret, "NAME");
        let changes = [
            Change::from(new.clone()),
            Change::access(&secret, Visibility::Private),
            Change::delete(&secret),
        ];
        told += &(debug(&new) + &debug(&changes));
        let outcomes: Vec<_> = secrets.change_all(changes).collect().await;
        told += &debug(&outcomes);
        outcomes
            .iter()
            .for_each(|outcome| told += &outcome.to_string());
        told += &tell(new_put().plan().await);
        told += &tell(new_put().only_if_exists().send().await);
        told += &tell(new_put().send().await);
        told += &tell(new_put().only_if_missing().send().await);
        told += &tell(
            secrets
                .put(&secret, "NAME")
                .access(Access::Keep)
                .send()
                .await,
        );
        told += &tell(new_put().access(Access::add(["acme/api"])).send().await);
        told += &tell(secrets.put(&secret, "").access(Access::Keep).send().await);
        told += &tell(secrets.exists(&secret).await);
        told += &tell(secrets.selected_repositories(&secret).all().await);
        told += &tell(secrets.delete(&secret).await);
        told += &tell(secrets.delete(&secret).await);
        told += &tell(secrets.get(&secret).await);
        told += &tell(secrets.selected_repositories(&secret).all().await);
        let registries = client.private_registries(PrivateRegistriesScope::new("acme").unwrap());
        told += &tell(registries.get(&secret).await);
        told += &tell(
            registries
                .update(&secret)
                .url("https://npm.example")
                .send()
                .await,
        );
        told += &tell(registries.delete(&secret).await);
        told += &debug(&SecretName::new(&secret));
    }
    put(&client, "KEY", "value").await.unwrap();
    told += &debug(&events.events());
    drop(guard);
    for hidden in ["c4nary", "deadbeef"] {
        assert!(!told.contains(hidden), "{told}");
        assert!(!kept.text().contains(hidden), "{}", kept.text());
    }
    assert!(told.contains("characters)"), "{told}");
    let sent = github.requests().into_iter();
    let sent = sent.map(|request| String::from_utf8_lossy(&request.body).into_owned());
    kept.assert_clean(&["octoseal"], sent);
}

fn tell<T: Debug>(result: Result<T, Error>) -> String {
    result.map_or_else(|error| chain(&error), |value| debug(&value))
}

/// Texts that are secrets, some of which could be names.
fn secrets_in_place_of_names() -> impl Iterator<Item = String> {
    let could_be = [
        "ghp_c4nary".to_owned(),
        "deadbeef".repeat(5),
        "c4nary!p@ss".to_owned(),
        format!("vghp_c4nary{}", "x".repeat(30)),
    ];
    secrets().into_iter().chain(could_be)
}

#[tokio::test]
async fn a_name_that_only_reminds_of_a_secret_is_shown() {
    let secrets = client(&acme()).secrets(scope(ACME));
    for name in ["DEADBEEF", "HIGHS_KEY", "highs_key"] {
        let error = secrets.get(name).await.unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}
