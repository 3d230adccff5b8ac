//! GitHub Apps: their own tokens, installations, and the tokens of those.

use std::sync::OnceLock;
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use octoseal_mock::{GitHub, Identity, Limits};
use serde_json::{Value, json};

use super::ask::{Answer, ORG, SECRET, bearing, request, send, send_at, visible, with};

const APP: u64 = 12_345;

/// The key pair of most Apps here, made once.
fn pair() -> &'static KeyPair {
    static PAIR: OnceLock<KeyPair> = OnceLock::new();
    PAIR.get_or_init(another_pair)
}

fn another_pair() -> KeyPair {
    KeyPair::generate(KeySize::Rsa2048).expect("a key pair")
}

/// The public half, as PEM.
fn public_pem() -> String {
    let der: PublicKeyX509Der<'_> = pair().public_key().as_der().expect("a public key");
    let text = STANDARD.encode(der.as_ref());
    format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
}

fn sign(key: &KeyPair, header: &Value, claims: &Value) -> String {
    let part = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        message.as_bytes(),
        &mut signature,
    )
    .expect("a signature");
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A JWT as an App should make it.
fn jwt(github: &GitHub) -> String {
    let now = github.now().as_secs();
    sign(
        pair(),
        &json!({ "alg": "RS256", "typ": "JWT" }),
        &json!({ "iss": APP, "iat": now - 60, "exp": now + 540 }),
    )
}

fn by(github: &GitHub, token: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
    send(github, &bearing(token, request(method, path, body)))
}

fn get(github: &GitHub, path: &str) -> Answer {
    by(github, &jwt(github), "GET", path, None)
}

fn exchange(github: &GitHub, installation: u64, body: Option<&Value>) -> Answer {
    by(
        github,
        &jwt(github),
        "POST",
        &format!("/app/installations/{installation}/access_tokens"),
        body,
    )
}

fn token(answer: &Answer) -> String {
    answer.json()["token"].as_str().expect("a token").to_owned()
}

/// A GitHub with `acme` and two repositories, and an App that is installed there.
fn acme() -> (GitHub, u64) {
    let github = GitHub::new();
    github.add_repository("acme", "api");
    github.add_repository("acme", "web");
    let installation = github
        .add_app(APP)
        .public_key(&public_pem())
        .install("acme");
    (github, installation)
}

#[test]
fn an_installation_is_found_by_organization_repository_user_and_number() {
    let (github, installation) = acme();
    let alone = github.add_app(APP + 1).public_key(&public_pem());
    alone.install("globex");
    for path in [
        "/orgs/acme/installation".to_owned(),
        "/users/acme/installation".to_owned(),
        "/repos/acme/web/installation".to_owned(),
        format!("/app/installations/{installation}"),
    ] {
        let shown = get(&github, &path).json();
        assert_eq!(
            (&shown["id"], &shown["account"]["login"]),
            (&json!(installation), &json!("acme")),
            "{path}"
        );
    }
    assert_eq!(get(&github, "/orgs/globex/installation").status, 404);
    assert_eq!(get(&github, "/orgs/nobody/installation").status, 404);
    assert_eq!(
        get(&github, &format!("/app/installations/{}", installation + 1)).status,
        404
    );
    assert_eq!(get(&github, "/app").json()["id"], APP);
}

#[test]
fn an_installation_token_works_for_an_hour() {
    let (github, installation) = acme();
    let given = exchange(&github, installation, None);
    assert_eq!(
        (given.status, &given.json()["repository_selection"]),
        (201, &json!("all"))
    );
    let token = token(&given);
    assert_eq!(
        by(
            &github,
            &token,
            "PUT",
            SECRET,
            Some(&visible(&github, ORG, b"1", "all"))
        )
        .status,
        201
    );

    let late = bearing(&token, request("GET", SECRET, None));
    let now = github.now();
    assert_eq!(
        send_at(&github, now + Duration::from_secs(3_590), &late).status,
        200
    );
    let ended = send_at(&github, now + Duration::from_secs(3_601), &late);
    assert_eq!(
        (ended.status, ended.message().as_str()),
        (401, "Bad credentials")
    );
}

#[test]
fn a_tokens_end_is_told() {
    let (github, installation) = acme();
    github.configure(|settings| settings.installation_token_lifetime = Duration::from_secs(90));
    let now = github.now();
    let asking = request(
        "POST",
        &format!("/app/installations/{installation}/access_tokens"),
        None,
    );
    let given = send_at(&github, now, &bearing(&jwt(&github), asking));

    // A secret of that instant shows how it is written.
    let end = now + Duration::from_secs(90);
    github.seed(ORG, "TOKEN", "1").written(end, end);
    let secret = by(&github, &self::token(&given), "GET", SECRET, None);
    assert_eq!(given.json()["expires_at"], secret.json()["created_at"]);
}

#[test]
fn tokens_have_two_shapes_in_turn_and_none_comes_twice() {
    let (github, installation) = acme();
    let give = || token(&exchange(&github, installation, None));
    let tokens: Vec<String> = (0..10).map(|_| give()).collect();
    let lengths: Vec<usize> = tokens.iter().take(4).map(String::len).collect();
    assert_eq!(lengths, [40, 520, 40, 520]);
    let stateless = format!("ghs_{APP}_");
    assert!(tokens[1].starts_with(&stateless) && tokens[1].contains(['.', '-', '_']));
    let distinct: std::collections::BTreeSet<_> = tokens.iter().collect();
    assert_eq!(distinct.len(), 10);
    assert_eq!(github.installation_tokens(), 10);

    github.configure(|settings| settings.stateless_token_length = 4_096);
    let path = format!("/app/installations/{installation}/access_tokens");
    let asking = |shape: &str| {
        let request = bearing(&jwt(&github), request("POST", &path, None));
        let answer = send(
            &github,
            &with("x-github-stateless-s2s-token", shape, request),
        );
        token(&answer)
    };
    for _ in 0..2 {
        let (new, old) = (asking("enabled"), asking("disabled"));
        assert_eq!((new.len(), old.len()), (4_096, 40));
        assert_eq!(
            by(&github, &new, "GET", "/orgs/acme/actions/secrets", None).status,
            200
        );
    }
}

#[test]
fn a_permission_that_is_granted_later_is_missing_in_older_tokens() {
    let github = GitHub::new();
    github.add_organization("acme");
    let app = github.add_app(APP).public_key(&public_pem());
    let installation = app.permission("metadata", "read").install("acme");
    let give = || token(&exchange(&github, installation, None));
    let list = |token: &str| by(&github, token, "GET", "/orgs/acme/actions/secrets", None);
    let older = give();
    github.grant_permission(installation, "organization_secrets", "read");
    let newer = give();
    assert_eq!((list(&older).status, list(&newer).status), (403, 200));
    assert_eq!(
        list(&older).message(),
        "Resource not accessible by integration"
    );
}

#[test]
fn a_suspension_shows_and_ends() {
    let (github, installation) = acme();
    let path = format!("/app/installations/{installation}");
    let suspended = || get(&github, &path).json()["suspended_at"].is_string();
    github.suspend_installation(installation);
    assert!(suspended());
    assert_eq!(exchange(&github, installation, None).status, 403);
    github.unsuspend_installation(installation);
    assert!(!suspended());
    assert_eq!(exchange(&github, installation, None).status, 201);
}

#[test]
fn an_app_that_is_installed_again_has_another_number_and_its_old_token_is_dead() {
    let (github, installation) = acme();
    let old = token(&exchange(&github, installation, None));
    github.remove_installation(installation);
    assert_eq!(exchange(&github, installation, None).status, 404);
    assert_eq!(
        by(&github, &old, "GET", "/orgs/acme/actions/secrets", None).status,
        401
    );
    let again = github
        .add_app(APP)
        .public_key(&public_pem())
        .install("acme");
    assert_ne!(again, installation);
    assert_eq!(exchange(&github, again, None).status, 201);
}

#[test]
fn installations_of_one_app_are_counted_by_themselves() {
    let (github, acme) = acme();
    let globex = github
        .add_app(APP)
        .public_key(&public_pem())
        .install("globex");
    let mut limits = Limits::none();
    limits.requests_an_hour = Some(2);
    github.set_limits(limits);
    let give = |installation| {
        github.set_limits_of(&Identity::App(APP), None);
        token(&exchange(&github, installation, None))
    };
    let (first, second, other) = (give(acme), give(acme), give(globex));
    let list = |token: &str, org: &str| {
        let path = format!("/orgs/{org}/actions/secrets");
        by(&github, token, "GET", &path, None).status
    };
    // Two tokens of one installation share its quota; the other installation has one of its own.
    assert_eq!(
        [
            list(&first, "acme"),
            list(&second, "acme"),
            list(&first, "acme")
        ],
        [200, 200, 403]
    );
    assert_eq!(list(&other, "globex"), 200);
    let used = |installation| {
        let usage = github.usage(&Identity::Installation(installation));
        (usage.admitted, usage.points, usage.refused)
    };
    assert_eq!((used(acme), used(globex)), ((2, 2, 1), (1, 1, 0)));
    assert_eq!(github.refusals(), 1);
}

#[test]
fn tokens_can_be_ended_and_can_take_a_while_to_be_known() {
    let (github, installation) = acme();
    let old = token(&exchange(&github, installation, None));
    github.expire_installation_tokens();
    assert_eq!(
        by(&github, &old, "GET", "/orgs/acme/actions/secrets", None).status,
        401
    );

    github.configure(|settings| settings.installation_token_delay = Duration::from_secs(3));
    let fresh = token(&exchange(&github, installation, None));
    let request = bearing(&fresh, request("GET", "/orgs/acme/actions/secrets", None));
    assert_eq!(send(&github, &request).status, 401);
    assert_eq!(
        send_at(&github, github.now() + Duration::from_secs(4), &request).status,
        200
    );
}

#[test]
fn a_token_sees_its_own_account_alone() {
    let (github, installation) = acme();
    github.add_organization("globex");
    let token = token(&exchange(&github, installation, None));
    assert_eq!(
        by(&github, &token, "GET", "/orgs/acme/actions/secrets", None).status,
        200
    );
    assert_eq!(
        by(&github, &token, "GET", "/orgs/globex/actions/secrets", None).status,
        404
    );
}

#[test]
fn a_token_can_be_narrowed_to_permissions_and_repositories() {
    let (github, installation) = acme();
    let body = json!({ "permissions": { "secrets": "read" }, "repositories": ["api"] });
    let given = exchange(&github, installation, Some(&body));
    assert_eq!(given.json()["permissions"], json!({ "secrets": "read" }));
    assert_eq!(given.json()["repository_selection"], "selected");
    assert_eq!(given.json()["repositories"][0]["full_name"], "acme/api");
    let token = token(&given);
    assert_eq!(
        by(
            &github,
            &token,
            "GET",
            "/repos/acme/api/actions/secrets",
            None
        )
        .status,
        200
    );
    assert_eq!(
        by(
            &github,
            &token,
            "GET",
            "/repos/acme/web/actions/secrets",
            None
        )
        .status,
        404
    );
    let refused = by(
        &github,
        &token,
        "PUT",
        "/repos/acme/api/actions/secrets/TOKEN",
        Some(&json!({})),
    );
    assert_eq!(
        (refused.status, refused.message().as_str()),
        (403, "Resource not accessible by integration")
    );
    assert_eq!(
        refused.header("x-accepted-github-permissions"),
        Some("secrets=write")
    );
}

#[test]
fn a_token_can_not_be_wider_than_its_installation() {
    let github = GitHub::new();
    let (api, web) = (
        github.add_repository("acme", "api"),
        github.add_repository("acme", "web"),
    );
    github.add_repository("globex", "api");
    let app = github
        .add_app(APP)
        .public_key(&public_pem())
        .permission("organization_secrets", "read");
    let narrow = app.install_on("acme", [api]);
    for (status, body) in [
        (
            422,
            json!({ "permissions": { "organization_secrets": "write" } }),
        ),
        (422, json!({ "permissions": { "secrets": "read" } })),
        (
            201,
            json!({ "permissions": { "organization_secrets": "read", "metadata": "read" } }),
        ),
        (422, json!({ "repository_ids": [web] })),
        (422, json!({ "repositories": ["nothing"] })),
        (201, json!({ "repository_ids": [api] })),
    ] {
        assert_eq!(
            exchange(&github, narrow, Some(&body)).status,
            status,
            "{body}"
        );
    }
    assert_eq!(
        exchange(&github, narrow, None).json()["repository_selection"],
        "selected"
    );
    assert_eq!(get(&github, "/repos/acme/web/installation").status, 404);
}

#[test]
fn a_suspended_installation_gets_no_token() {
    let (github, installation) = acme();
    github.suspend_installation(installation);
    assert_eq!(exchange(&github, installation, None).status, 403);
}

#[test]
fn a_removed_installation_is_not_found_and_its_tokens_end() {
    let (github, installation) = acme();
    let token = token(&exchange(&github, installation, None));
    let listed = || by(&github, &token, "GET", "/orgs/acme/actions/secrets", None).status;
    assert_eq!(listed(), 200);
    github.remove_installation(installation);
    assert_eq!(listed(), 401);
    assert_eq!(exchange(&github, installation, None).status, 404);
    assert_eq!(get(&github, "/orgs/acme/installation").status, 404);
}

#[test]
fn a_jwt_is_checked() {
    let (github, _) = acme();
    let now = github.now().as_secs();
    let rs256 = json!({ "alg": "RS256", "typ": "JWT" });
    let good = json!({ "iss": APP, "iat": now - 60, "exp": now + 540 });
    let with = |field: &str, value: Value| {
        let mut claims = good.clone();
        claims[field] = value;
        sign(pair(), &rs256, &claims)
    };
    let other = another_pair();
    let undecodable = "A JSON web token could not be decoded";
    for (what, token, status, message) in [
        ("another key", sign(&other, &rs256, &good), 401, undecodable),
        (
            "another algorithm",
            sign(pair(), &json!({ "alg": "RS512" }), &good),
            401,
            undecodable,
        ),
        (
            "no algorithm",
            sign(pair(), &json!({ "alg": "none" }), &good),
            401,
            undecodable,
        ),
        ("no JWT", "ghp_something".to_owned(), 401, undecodable),
        (
            "expired",
            with("exp", json!(now - 1)),
            401,
            "'Expiration time' claim ('exp') must be",
        ),
        (
            "no end",
            with("exp", Value::Null),
            401,
            "'Expiration time' claim ('exp') must be",
        ),
        (
            "too long",
            with("exp", json!(now + 700)),
            401,
            "'Expiration time' claim ('exp') is too far in the future",
        ),
        (
            "from the future",
            with("iat", json!(now + 60)),
            401,
            "'Issued at' claim ('iat') must be an Integer",
        ),
        (
            "a broken beginning",
            with("iat", json!("now")),
            401,
            "'Issued at' claim ('iat') must be an Integer",
        ),
        (
            "another App",
            with("iss", json!(1)),
            404,
            "Integration not found",
        ),
        (
            "nobody's",
            with("iss", Value::Null),
            401,
            "'Issuer' claim ('iss')",
        ),
    ] {
        let answer = by(&github, &token, "GET", "/app", None);
        assert!(
            answer.status == status && answer.message().starts_with(message),
            "{what}: {answer:?}"
        );
    }
    for issuer in [json!(APP), json!(APP.to_string())] {
        assert_eq!(
            by(&github, &with("iss", issuer), "GET", "/app", None).status,
            200
        );
    }
    // GitHub's clock may be another than the App's.
    github.configure(|settings| settings.clock_ahead = -3_600);
    assert_eq!(
        by(&github, &with("iss", json!(APP)), "GET", "/app", None).status,
        401
    );
}

#[test]
fn an_app_may_call_itself_by_its_client_id() {
    let (github, _) = acme();
    github
        .add_app(APP)
        .public_key(&public_pem())
        .client_id("Iv23liExample")
        .install("acme");
    let now = github.now().as_secs();
    let claims = json!({ "iss": "Iv23liExample", "iat": now, "exp": now + 60 });
    let token = sign(pair(), &json!({ "alg": "RS256" }), &claims);
    assert_eq!(
        by(&github, &token, "GET", "/app", None).json()["client_id"],
        "Iv23liExample"
    );
}

#[test]
fn a_jwt_is_no_token_and_a_token_no_jwt() {
    let (github, installation) = acme();
    assert_eq!(get(&github, "/orgs/acme/actions/secrets").status, 401);
    let token = token(&exchange(&github, installation, None));
    assert_eq!(by(&github, &token, "GET", "/app", None).status, 401);
}

#[test]
fn a_key_that_is_none_is_a_mistake_of_the_test() {
    let pem = public_pem().replace("END", "");
    let registered = std::panic::catch_unwind(|| GitHub::new().add_app(APP).public_key(&pem));
    assert!(registered.is_err());
}

#[test]
fn an_app_has_the_keys_that_were_made_for_it_and_no_others() {
    let github = GitHub::new();
    let app = github.add_app(APP);
    assert_eq!(get(&github, "/app").status, 401, "there is no key yet");
    let keys = [app.generate_private_key(), app.generate_private_key()];
    let now = github.now().as_secs();
    let claims = json!({ "iss": APP, "iat": now, "exp": now + 60 });
    for pem in keys {
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let key = KeyPair::from_pkcs8(&STANDARD.decode(base64).expect("base64")).expect("a key");
        let token = sign(&key, &json!({ "alg": "RS256" }), &claims);
        assert_eq!(by(&github, &token, "GET", "/app", None).status, 200);
    }
    assert_eq!(get(&github, "/app").status, 401);
}
