//! What is said of a GitHub App: its key, its ids, and what GitHub refuses of them.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use octoseal::{
    Client, Error, Visibility,
    app::{App, AppKey},
    secrets::NewSecret,
};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{ACME, acme, put, rsa, scope};

use crate::app::{ID, app, client, count, installed};

#[test]
fn a_key_is_read_in_every_spelling_that_can_mean_no_other() {
    for pem in [rsa::pkcs1_pem(), rsa::pkcs8_pem()] {
        let pem = pem.trim();
        let body: Vec<_> = pem
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .collect();
        for text in [
            pem.replace('\n', "\\r\\n"),
            pem.replace('\n', "\\\\n"),
            pem.replace('\n', "\\\\r\\\\n"),
            pem.replace('\n', "\r\n"),
            pem.replace('\n', "\n\n"),
            pem.replace('\n', " "),
            pem.replace('\n', ""),
            format!("\u{feff}{pem}\n"),
            format!("\"{}\"", pem.replace('\n', "\\n")),
            STANDARD.encode(pem),
            STANDARD.encode(pem).replace("LS0t", "LS0t\n"),
            body.join("\n"),
            body.join(""),
            body.join("\\n"),
        ] {
            assert!(AppKey::from_pem(&text).is_ok(), "{}", &text[..60]);
        }
    }
}

#[test]
fn a_text_that_is_another_thing_is_told_as_that_thing_and_not_shown() {
    for (text, word) in [
        (rsa::pem("OPENSSH PRIVATE KEY", b"c4nary"), "OpenSSH"),
        (rsa::public_pem(), "public key"),
        ("ssh-rsa c4nary me@example".to_owned(), "public key"),
        (rsa::pem("CERTIFICATE", b"c4nary"), "certificate"),
        (rsa::pem("EC PRIVATE KEY", b"c4nary"), "elliptic"),
        (
            "0123456789abcdef0123456789abcdef01234567".to_owned(),
            "client secret",
        ),
        ("ghp_c4nary".to_owned(), "a token"),
        ("/run/c4nary.pem".to_owned(), "from_file"),
        (" \n".to_owned(), "empty"),
    ] {
        let error = AppKey::from_pem(&text).unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(error.is_config() && told.contains(word), "{told}");
        assert!(
            !told.contains("c4nary") && !told.contains("0123456789"),
            "{told}"
        );
    }
}

#[test]
fn a_key_file_that_is_no_small_regular_file_is_refused() {
    let large = tempfile::NamedTempFile::new().unwrap();
    large.as_file().set_len(300 << 20).unwrap();
    assert!(
        AppKey::from_file(large.path())
            .unwrap_err()
            .to_string()
            .contains("64 KiB")
    );
    let folder = tempfile::tempdir().unwrap();
    assert!(AppKey::from_file(folder.path()).unwrap_err().is_config());
}

fn key() -> AppKey {
    AppKey::from_pem(rsa::pkcs1_pem()).unwrap()
}

fn refused(app: App) -> Error {
    Client::builder().app(app).build().unwrap_err()
}

#[test]
fn ids_and_names_that_github_could_not_mean_are_refused_at_build() {
    for id in [
        "",
        " ",
        "12345\n",
        "12 345",
        "\"12345\"",
        "Iv1.a\u{200b}b",
        "acme/app",
    ] {
        let error = refused(App::new(id, key()));
        assert!(
            error.is_config() && error.to_string().contains("id"),
            "{error}"
        );
    }
    for id in [0, i64::MAX as u64 + 1, u64::MAX] {
        assert!(refused(App::new("12345", key()).installation(id)).is_config());
    }
    for name in ["", "acme/", "acme/api/x", "a b"] {
        assert!(
            refused(App::new("12345", key()).repository(name)).is_config(),
            "{name}"
        );
    }
    let two = App::new("12345", key())
        .repository("acme/api")
        .repository("globex/api");
    assert!(refused(two).to_string().contains("several owners"));
}

#[tokio::test(start_paused = true)]
async fn a_repository_may_be_named_with_its_owner() {
    let github = installed();
    let narrowed = app().repository("acme/api");
    let client = client(&github, narrowed);
    let secrets = client.secrets(scope("actions:repo/acme/api"));
    secrets.put("KEY", "value").send().await.unwrap();
}

async fn hint_of(github: &GitHub, app: App) -> (Error, String) {
    let error = put(&client(github, app), "KEY", "value").await.unwrap_err();
    let hint = error.hint().unwrap_or_default().to_owned();
    (error, hint)
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_app_itself_says_what_to_do_about_the_app() {
    let (_, hint) = hint_of(&acme(), app()).await;
    assert!(hint.contains("the App's id"), "{hint}");

    let github = acme();
    github.add_app(ID).public_key(&rsa::public_pem());
    let (_, hint) = hint_of(&github, app()).await;
    assert!(hint.contains("install the App"), "{hint}");

    let suspended = r#"{"message":"This installation has been suspended"}"#;
    let github = installed();
    github.inject(Fault::reply(403, suspended).at("/access_tokens").always());
    let (_, hint) = hint_of(&github, app()).await;
    assert!(
        hint.contains("suspended") && !hint.contains("admin:org"),
        "{hint}"
    );

    let narrowed =
        r#"{"message":"The permissions requested are not granted to this installation."}"#;
    let github = installed();
    github.inject(Fault::reply(422, narrowed).at("/access_tokens").always());
    let (error, hint) = hint_of(&github, app()).await;
    assert!(error.is_permission() && !error.is_validation(), "{error:?}");
    assert_eq!(error.status(), Some(422));
    assert!(
        hint.contains("granted") && !hint.contains("too large"),
        "{hint}"
    );

    let github = installed();
    let unknown = r#"{"message":"A JSON web token could not be decoded"}"#;
    github.inject(Fault::reply(401, unknown).at("/installation").always());
    let (_, hint) = hint_of(&github, app()).await;
    assert!(hint.contains("its keys"), "{hint}");
}

fn expiring(at: &str) -> GitHub {
    let github = installed();
    github.inject(
        Fault::extra_field("expires_at", at)
            .at("/access_tokens")
            .always(),
    );
    github
}

#[tokio::test(start_paused = true)]
async fn the_time_at_which_a_token_expires_is_read_in_every_form_and_garbage_is_named() {
    for at in [
        "2099-01-01T00:00:00",
        "2099-01-01T00:00:00.123456Z",
        "2099-01-01T02:00:00+02:00",
        "2099-01-01 00:00:00Z",
    ] {
        put(&client(&expiring(at), app()), "KEY", "value")
            .await
            .unwrap();
    }
    for at in ["soon", "", "4070908800", "2099-13-01T00:00:00Z"] {
        let (error, _) = hint_of(&expiring(at), app()).await;
        assert!(error.is_unexpected_reply(), "{error}");
        assert!(error.to_string().contains("expires_at"), "{error}");
    }
}

async fn batch_of_100(github: &GitHub) -> usize {
    github.set_latency(Duration::from_millis(200));
    let secret = |n| NewSecret::new(format!("KEY_{n}"), "value").access(Visibility::Private);
    let client = client(github, app());
    let batch = client.secrets(scope(ACME)).put_all((0..100).map(secret));
    let outcomes: Vec<_> = batch.collect().await;
    outcomes
        .iter()
        .filter(|outcome| outcome.result.is_ok())
        .count()
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_born_expired_is_not_used_and_not_made_again_and_again() {
    let github = expiring("2001-01-01T00:00:00Z");
    assert_eq!(batch_of_100(&github).await, 0);
    assert_eq!(
        (count(&github, "/access_tokens"), count(&github, "/secrets")),
        (1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn tokens_that_live_for_seconds_are_not_made_again_and_again() {
    let github = installed();
    github.configure(|settings| settings.installation_token_lifetime = Duration::from_secs(3));
    batch_of_100(&github).await;
    assert!(count(&github, "/access_tokens") <= 3);
}
