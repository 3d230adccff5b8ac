//! What must never leave the process, nor be shown in it. That the token's header is marked sensitive when it leaves
//! is shown below the client, in codegen's tests; here it is what keeps the logs clean.

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use futures_util::StreamExt;
use octoseal::{
    Access, Client, Error, RetryPolicy, SecretValue, Visibility,
    app::{App, AppKey},
    auth::{
        AfterRefusal, Audience, EnvToken, FileToken, Token, TokenFuture, TokenRefusal, TokenSource,
    },
    registries::{PrivateRegistriesScope, RegistryAuth},
    scope::{OrganizationScope, OrganizationStore},
    secrets::NewSecret,
};
use octoseal_mock::{Fault, GitHub};
use octoseal_sealing::SecretKey;
use octoseal_tests::{ACME, acme, builder, client, put, scope};

use crate::sockets::{hasty, quick};
use crate::sockets_raw::{Act, Raw, Tap, key, reply};

/// A plaintext that occurs nowhere else, with bytes that base64 and JSON would change.
pub(crate) const PLAINTEXT: &str = "c4nary/plaintext+\"4f1d\\9e?~ of a secret";
/// A token that occurs nowhere else.
pub(crate) const TOKEN: &str = "ghp_c4naryTOKEN8f2e71";

/// Everything that the plaintext could look like on the wire.
fn disguises(plaintext: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![plaintext.to_vec(), plaintext[..12].to_vec()];
    forms.push(
        plaintext
            .iter()
            .flat_map(|byte| format!("{byte:02x}").into_bytes())
            .collect(),
    );
    let json = serde_json::to_string(std::str::from_utf8(plaintext).unwrap()).unwrap();
    forms.push(json.trim_matches('"').into());
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        // Base64 within base64 begins at one of three places; the edges depend on what is beside.
        for before in 0..3 {
            let shifted = [&[0; 3][..before], plaintext].concat();
            let text = engine.encode(shifted).into_bytes();
            forms.push(text[4..text.len() - 4].to_vec());
        }
    }
    forms
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// A journey through everything that takes a value, with its mishaps.
async fn journey(github: &GitHub, client: &Client) {
    let org = client.secrets(scope(ACME));
    put(client, "DOCUMENTED", PLAINTEXT).await.unwrap();
    for place in [ACME, "dependabot:repo/acme/api", "codespaces:user"] {
        let batch = (0..5).map(|n| (format!("KEY_{n}"), PLAINTEXT, Access::Keep));
        let outcomes: Vec<_> = client.secrets(scope(place)).put_all(batch).collect().await;
        assert_eq!(outcomes.len(), 5);
    }
    github.rotate_key(ACME);
    put(client, "DOCUMENTED", PLAINTEXT).await.unwrap();
    for fault in [
        Fault::unicorn(),
        Fault::lost_reply(),
        Fault::reply(422, r#"{"message":"Validation Failed"}"#),
    ] {
        github.inject(fault.on("PUT"));
        let _ = org.put("DOCUMENTED", PLAINTEXT).send().await;
    }
    let registries = client.private_registries(PrivateRegistriesScope::new("acme").unwrap());
    let url = "https://npm.acme.example";
    let token = RegistryAuth::Token {
        token: PLAINTEXT.into(),
    };
    let create = registries.create("npm_registry", url, Visibility::Private);
    let created = create.auth(token).send().await.unwrap();
    let token = RegistryAuth::Token {
        token: PLAINTEXT.into(),
    };
    registries
        .update(&created.registry.name)
        .auth(token)
        .send()
        .await
        .unwrap();
    let _ = org.put("NOT A NAME", PLAINTEXT).send().await;
    org.list().all().await.unwrap();
    org.delete("DOCUMENTED").await.unwrap();
}

#[tokio::test]
async fn no_byte_that_leaves_the_process_gives_the_plaintext_away() {
    let github = acme();
    let server = github.serve();
    let tap = Tap::start(&server.url()).await;
    let builder = Client::builder().token(TOKEN).base_url(&tap.url);
    let client = builder.retry(quick()).build().unwrap();
    journey(&github, &client).await;
    // The plaintext did arrive, and the tap did hear it all.
    let stored = github
        .plaintext("dependabot:repo/acme/api", "KEY_0")
        .unwrap();
    assert_eq!(stored, PLAINTEXT.as_bytes());
    let bytes = tap.bytes();
    assert!(bytes.len() > 10_000);
    for heard in ["\"encrypted_value\":\"", "KEY_4", "npm.acme.example", TOKEN] {
        assert!(
            holds(&bytes, heard.as_bytes()),
            "the tap did not hear {heard}"
        );
    }
    for form in disguises(PLAINTEXT.as_bytes()) {
        let text = String::from_utf8_lossy(&form).into_owned();
        assert!(!holds(&bytes, &form), "the plaintext left as {text}");
    }
}

fn shown(things: &[&dyn Debug]) -> String {
    let shown = things
        .iter()
        .map(|thing| format!("{thing:?}\n{thing:#?}\n"));
    shown.collect()
}

pub(crate) fn assert_clean(text: &str) {
    for canary in ["c4nary", PLAINTEXT, TOKEN, "YzRuYXJ5"] {
        assert!(!text.contains(canary), "{canary} is in {text}");
    }
    let bytes = format!("{:?}", PLAINTEXT.as_bytes());
    assert!(
        !text.contains(&bytes[1..20]),
        "the plaintext's bytes are in {text}"
    );
}

/// A source that keeps how it was told of a refusal.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<String>>);

impl TokenSource for Told {
    fn token<'a>(&'a self, _: Audience<'a>) -> TokenFuture<'a> {
        Box::pin(std::future::ready(Token::new(TOKEN).map_err(Into::into)))
    }

    fn refused(&self, audience: Audience<'_>, refusal: &TokenRefusal<'_>) -> AfterRefusal {
        *self.0.lock().unwrap() = shown(&[&audience, refusal]);
        AfterRefusal::GiveUp
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_shows_no_token_to_the_source_that_logs_it() {
    let github = acme();
    github.revoke(TOKEN);
    let told = Told::default();
    let builder = Client::builder()
        .token_source(told.clone())
        .transport(github.clone());
    let client = builder.build().unwrap();
    put(&client, "KEY", "value").await.unwrap_err();
    let text = told.0.lock().unwrap().clone();
    assert!(text.contains("TokenRefusal"), "{text}");
    assert_clean(&text);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_as_a_name_is_described_where_it_may_be_a_value_or_an_address() {
    let client = octoseal_tests::client(&acme());
    let secrets = client.secrets("actions:org/acme".parse::<octoseal::Scope>().unwrap());
    let pasted = "https://x-access-token:ghs_c4nary@github.com/acme/api";
    let selected = secrets.set_selected_repositories("KEY", [pasted]).await;
    let access = octoseal::Access::selected([pasted]);
    let errors = [
        selected.unwrap_err(),
        secrets
            .put("KEY", "v")
            .access(access)
            .send()
            .await
            .unwrap_err(),
        secrets.put("c4nary!p@ss", "KEY").send().await.unwrap_err(),
        secrets.get("c4nary$").await.unwrap_err(),
        "c4nary#:org/acme".parse::<octoseal::Scope>().unwrap_err(),
        "selected:https://u:c4nary@x"
            .parse::<octoseal::Access>()
            .unwrap_err(),
        "c4nary\"pass".parse::<octoseal::Access>().unwrap_err(),
        Client::builder()
            .token("t")
            .user_agent("c4nary\n")
            .build()
            .unwrap_err(),
    ];
    for error in errors {
        let told = format!("{error} {error:?}");
        assert!(!told.contains("c4nary"), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_public_type_shows_a_token_or_a_plaintext() {
    let github = acme();
    let value = SecretValue::from(PLAINTEXT);
    let token = Token::new(TOKEN).unwrap();
    let builder = || Client::builder().token(TOKEN).transport(github.clone());
    let client = builder().build().unwrap();
    let secrets =
        client.secrets(OrganizationScope::new(OrganizationStore::Actions, "acme").unwrap());
    let registries = client.private_registries(PrivateRegistriesScope::new("acme").unwrap());
    let auth = RegistryAuth::UsernamePassword {
        username: "robot".into(),
        password: PLAINTEXT.into(),
    };
    let new = NewSecret::new("NAME", PLAINTEXT).access(Visibility::All);
    let address = format!("https://robot:{PLAINTEXT}@npm.acme.example");
    let create = registries.create("npm_registry", address, Visibility::All);
    let outcomes: Vec<_> = secrets.put_all([new.clone()]).collect().await;
    let pem = octoseal_tests_key();
    let key = SecretKey::from_bytes(*PLAINTEXT.as_bytes().first_chunk().unwrap());
    let app_key = AppKey::from_pem(&pem).unwrap();
    let text = shown(&[
        &value,
        &vec![Some(value.clone())],
        &token,
        &new,
        &outcomes,
        &builder(),
        &Client::builder()
            .token(TOKEN)
            .base_url(format!("https://user:{TOKEN}@ghe.example.com")),
        &Client::builder()
            .token(TOKEN)
            .proxy(format!("http://user:{TOKEN}@proxy.example.com")),
        &client,
        &secrets,
        &secrets.put("NAME", PLAINTEXT),
        &client
            .create_or_update_org_secret("acme", "NAME")
            .value(PLAINTEXT),
        &auth,
        &create.auth(auth.clone()),
        &registries.update("NAME").auth(auth.clone()),
        &registries,
        &EnvToken::new("GITHUB_TOKEN"),
        &FileToken::new("/var/run/token"),
        &app_key,
        &App::new("Iv1.1", app_key.clone()),
        &github,
        &github.requests(),
        &github.add_token(TOKEN),
        &Fault::reply(401, TOKEN).header("x-echo", TOKEN),
        &Fault::public_key(TOKEN, PLAINTEXT),
        &key.public_key(),
        &key.public_key().seal(PLAINTEXT.as_bytes()),
        &key,
    ]);
    assert!(text.contains("redacted") && text.contains("acme"), "{text}");
    assert_clean(&text);
    let line = pem.lines().nth(1).unwrap();
    assert!(!text.contains(line), "the App's key is shown");
}

/// An RSA key in PEM, as an App has one.
fn octoseal_tests_key() -> String {
    let params =
        rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048);
    params.unwrap().serialize_pem()
}

/// Display, Debug and every cause of an error.
fn chain(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text += &format!("{error}\n{error:?}\n");
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn no_error_nor_its_causes_show_a_token_or_a_plaintext() {
    let url = |url: &str| Client::builder().base_url(url).retry(hasty()).token(TOKEN);
    let mut errors: Vec<Error> = vec![
        Token::new(format!("{TOKEN}\n")).unwrap_err(),
        Client::builder()
            .token(format!("{TOKEN} "))
            .build()
            .unwrap_err(),
        url(&format!("https://user:{TOKEN}@ghe.example.com"))
            .build()
            .unwrap_err(),
        url("https://ghe.example.com")
            .proxy(format!("::{TOKEN}"))
            .build()
            .unwrap_err(),
        AppKey::from_pem(format!("-----BEGIN RSA PRIVATE KEY-----\n{TOKEN}")).unwrap_err(),
    ];
    let garbage = |head: &str| Act::Partial(format!("{head}\r\n\r\n"));
    let acts = [
        Act::Reset,
        Act::Close,
        garbage("c4nary is not HTTP"),
        garbage(&format!(
            "HTTP/1.1 200 OK\r\nx: {TOKEN}\r\ncontent-length: c4nary"
        )),
        reply(
            "200 OK",
            &format!("{{\"key_id\":[\"{TOKEN}\"],\"key\":\"{PLAINTEXT}\"}}"),
        ),
        reply(
            "200 OK",
            &format!("{{\"key_id\":\"1\",\"key\":\"{TOKEN}\"}}"),
        ),
        reply("403 Forbidden", &format!("{{\"message\":\"{TOKEN}\"}}")),
        reply("500 c4nary", &format!("<html>{TOKEN}</html>")),
        Act::Hang,
    ];
    for act in acts {
        for at in [0, 1] {
            let act = act.clone();
            let server = Raw::start(move |n| if n < at { key() } else { act.clone() }).await;
            let client = url(&server.url).build().unwrap();
            if let Err(error) = put(&client, "KEY", PLAINTEXT).await {
                errors.push(error);
            }
        }
    }
    let client = url("https://api.octoseal.invalid").build().unwrap();
    errors.push(put(&client, "KEY", PLAINTEXT).await.unwrap_err());
    errors.push(
        put(&client, "KEY", &PLAINTEXT.repeat(2000))
            .await
            .unwrap_err(),
    );
    assert!(errors.len() >= 20, "{}", errors.len());
    for error in errors {
        assert_clean(&chain(&error));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_that_the_server_echoes_is_passed_on() {
    for status in [400, 401, 403, 404, 409, 413, 422, 500] {
        let github = acme();
        // Whatever was sent, and a canary, wherever an error has room for text.
        github.inject(
            Fault::change(move |mut response| {
                let id = serde_json::json!({
                    "message": format!("Invalid request.\n\n{PLAINTEXT} does not match /^…$/."),
                    "documentation_url": format!("https://docs.github.com/{TOKEN}?{TOKEN}"),
                    "errors": [PLAINTEXT, {"value": TOKEN}],
                });
                *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
                *response.body_mut() = id.to_string().into();
                for name in [
                    "x-github-request-id",
                    "x-accepted-oauth-scopes",
                    "x-github-sso",
                ] {
                    let value = format!("required; url=https://{TOKEN}.example/{PLAINTEXT}");
                    response.headers_mut().insert(name, value.parse().unwrap());
                }
                response
            })
            .on("PUT")
            .always(),
        );
        let error = put(&client(&github), "KEY", PLAINTEXT).await.unwrap_err();
        assert_eq!(error.status(), Some(status));
        assert!(!chain(&error).contains("match"), "{status}: {error:?}");
    }
}

/// What a server may make of a token that it repeats.
fn echoes_of(token: &str) -> Vec<String> {
    let wrapped = |text: &str| {
        let lines = text.as_bytes().chunks(76);
        let lines = lines.map(|line| String::from_utf8_lossy(line).into_owned());
        lines.collect::<Vec<_>>().join("\n")
    };
    let mut echoes = vec![token.to_owned(), wrapped(token)];
    echoes.extend(token.split('.').map(str::to_owned));
    echoes.extend([STANDARD_NO_PAD, URL_SAFE_NO_PAD].map(|it| wrapped(&it.encode(token))));
    echoes.push(token.split('.').next().unwrap().to_owned());
    echoes.push(token.replace('.', " . "));
    echoes
}

#[tokio::test(start_paused = true)]
async fn no_part_of_a_token_shows_whatever_its_shape_and_however_it_is_repeated() {
    let letters = "q7Zt0bVx3KfLw9RmYc5HnDsEoG1aJpUi8M2S".repeat(120);
    let stateless = |length: usize| {
        let (claims, signature) = letters[..length - 120].split_at((length - 120) / 2);
        format!("ghs_12345_eyJhbGciOiJFUzI1NiJ9.{claims}-_x.{signature}")
    };
    for token in [
        "t".to_owned(),
        "tk".to_owned(),
        format!("ghs_{}", &letters[..36]),
        stateless(520),
        stateless(4096),
    ] {
        for echo in echoes_of(&token) {
            for status in [401, 403, 404, 409, 422, 500] {
                let github = acme();
                let message = format!("The token {echo} is not welcome.");
                let body = serde_json::json!({ "message": message, "documentation_url": echo });
                let fault = Fault::reply(status, body.to_string()).at("/secrets");
                github.inject(fault.header("x-github-request-id", "0C70:1").always());
                let client = Client::builder().token(token.as_str());
                let client = client.transport(github.clone()).build().unwrap();
                let shown = chain(&put(&client, "KEY", "value").await.unwrap_err());
                let pieces = echo
                    .as_bytes()
                    .windows(8)
                    .filter_map(|it| std::str::from_utf8(it).ok());
                let mut pieces = pieces.filter(|piece| !piece.contains(char::is_whitespace));
                assert!(
                    !pieces.any(|piece| shown.contains(piece)),
                    "{status}: {shown}"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_sealed_value_that_is_echoed_is_not_passed_on() {
    for status in [400, 403, 404, 409, 422] {
        let github = acme();
        let sealed = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJCrze8SNFZ4kA==";
        let body = serde_json::json!({ "message": format!("{sealed} is wrong") });
        github.inject(Fault::reply(status, body.to_string()).on("PUT").always());
        let error = put(&client(&github), "KEY", "value").await.unwrap_err();
        assert!(
            !chain(&error).contains(&sealed[..20]),
            "{status}: {error:?}"
        );
    }
}

#[tokio::test]
async fn token_and_body_stay_on_the_origin_that_was_named() {
    let other = Raw::start(|_| reply("201 Created", "{}")).await;
    let target = other.url.clone();
    for (at, status) in [
        (0, "301 Moved"),
        (0, "307 Temporary"),
        (1, "307 Temporary"),
        (1, "308 Permanent"),
    ] {
        let location = format!("{target}/orgs/acme/actions/secrets/KEY");
        let redirect = Act::Reply(format!(
            "HTTP/1.1 {status}\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
        ));
        let first = Raw::start(move |n| if n == at { redirect.clone() } else { key() }).await;
        let builder = Client::builder().token(TOKEN).base_url(&first.url);
        let client = builder.retry(quick()).build().unwrap();
        let error = put(&client, "KEY", PLAINTEXT).await.unwrap_err();
        assert!(error.is_redirect(), "{error:?}");
        assert_eq!(first.requests().len(), at + 1);
    }
    assert_eq!((other.connections(), other.requests().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_redirect_from_https_to_http_is_refused() {
    for location in [
        "http://api.github.com/x",
        "http://api.github.com:443/x",
        "http://127.0.0.1/x",
    ] {
        let github = acme();
        github.inject(Fault::reply(307, "").header("location", location).on("PUT"));
        let error = put(&client(&github), "KEY", "value").await.unwrap_err();
        assert!(error.is_redirect(), "{error:?}");
        assert_eq!(github.request_count(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn every_seal_has_an_ephemeral_key_of_its_own_and_opens() {
    let github = acme();
    github.configure(|settings| settings.count_limits = false);
    let policy = RetryPolicy::default().deadline(None);
    let client = builder(&github).retry(policy).build().unwrap();
    let batch = (0..500).map(|n| (format!("KEY_{n}"), "the same value", Visibility::All));
    let outcomes: Vec<_> = client.secrets(scope(ACME)).put_all(batch).collect().await;
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
    let sealed = github
        .requests()
        .into_iter()
        .filter(|request| request.method == "PUT");
    let keys: HashSet<Vec<u8>> = sealed
        .map(|request| {
            let text = request.json()["encrypted_value"]
                .as_str()
                .unwrap()
                .to_owned();
            let sealed = base64::engine::general_purpose::STANDARD
                .decode(text)
                .unwrap();
            sealed[..32].to_vec()
        })
        .collect();
    assert_eq!(keys.len(), 500);
    assert!(
        github
            .secrets(ACME)
            .iter()
            .all(|secret| secret.value == b"the same value")
    );
}
