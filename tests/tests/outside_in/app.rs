//! GitHub Apps: the fewest tokens, never a stale one.

use std::time::Duration;

use futures_util::StreamExt;
use octoseal::{
    Client, Scope, Visibility,
    app::{App, AppKey},
    secrets::NewSecret,
};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{ACME, acme, put, rsa, scope};
use tokio::time::{Instant, advance};

pub(crate) const ID: u64 = 12_345;

pub(crate) fn app() -> App {
    App::new(ID.to_string(), AppKey::from_pem(rsa::pkcs1_pem()).unwrap())
}

pub(crate) fn client(github: &GitHub, app: App) -> Client {
    Client::builder()
        .app(app)
        .transport(github.clone())
        .build()
        .unwrap()
}

/// A stand-in where the App is installed at acme.
pub(crate) fn installed() -> GitHub {
    let github = acme();
    github
        .add_app(ID)
        .public_key(&rsa::public_pem())
        .install("acme");
    github
}

pub(crate) fn count(github: &GitHub, part: &str) -> usize {
    github
        .requests()
        .iter()
        .filter(|request| request.path.contains(part))
        .count()
}

#[tokio::test(start_paused = true)]
async fn an_app_finds_its_installation_makes_a_token_and_stores() {
    let github = installed();
    let client = client(&github, app());
    put(&client, "KEY", "one").await.unwrap();
    put(&client, "KEY", "two").await.unwrap();
    assert_eq!(github.plaintext(ACME, "KEY").unwrap(), b"two");
    let paths: Vec<String> = github
        .requests()
        .iter()
        .map(|request| request.path.clone())
        .collect();
    assert_eq!(paths.len(), 5, "{paths:?}");
    assert_eq!(paths[0], "/orgs/acme/installation");
    assert!(paths[1].ends_with("/access_tokens"), "{paths:?}");
}

#[tokio::test(start_paused = true)]
async fn any_number_of_callers_wait_for_one_token() {
    let github = installed();
    github.set_latency(Duration::from_millis(40));
    let client = client(&github, app());
    let puts = (0..50).map(|number| {
        let client = client.clone();
        async move { put(&client, &format!("KEY_{number}"), "value").await }
    });
    for written in futures_util::future::join_all(puts).await {
        written.unwrap();
    }
    assert_eq!(github.installation_tokens(), 1);
    assert_eq!(count(&github, "/orgs/acme/installation"), 1);
    assert_eq!(github.request_count(), 53);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_replaced_shortly_before_it_expires() {
    let github = installed();
    let client = client(&github, app());
    put(&client, "KEY", "one").await.unwrap();
    advance(Duration::from_secs(57 * 60)).await;
    put(&client, "KEY", "two").await.unwrap();
    assert_eq!(github.installation_tokens(), 1);
    advance(Duration::from_secs(2 * 60)).await;
    put(&client, "KEY", "three").await.unwrap();
    assert_eq!(github.installation_tokens(), 2);
    assert!(
        github
            .requests()
            .iter()
            .all(|request| request.status != 401)
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expired_early_is_refreshed_once() {
    let github = installed();
    let client = client(&github, app());
    put(&client, "KEY", "one").await.unwrap();
    advance(Duration::from_secs(600)).await;
    github.expire_installation_tokens();
    put(&client, "KEY", "two").await.unwrap();
    assert_eq!(github.plaintext(ACME, "KEY").unwrap(), b"two");
    assert_eq!(github.installation_tokens(), 2);
    assert_eq!(
        github
            .requests()
            .iter()
            .filter(|request| request.status == 401)
            .count(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_refused_just_after_it_was_made_is_tried_again_for_five_seconds() {
    let github = installed();
    let refusal = || Fault::reply(401, r#"{"message":"Bad credentials"}"#).at("/actions/secrets");
    github.inject(refusal().times(3));
    put(&client(&github, app()), "KEY", "value").await.unwrap();
    assert_eq!(github.installation_tokens(), 1);
    let requests = github.requests();
    let tries = requests
        .iter()
        .filter(|it| it.path.ends_with("/public-key"));
    let at: Vec<_> = tries.map(|request| request.at).collect();
    let gaps: Vec<_> = at
        .windows(2)
        .map(|at| (at[1] - at[0]).as_millis())
        .collect();
    // After the first refusal at once; then the token's age doubles each time.
    assert_eq!(gaps, [250, 250, 500]);
    assert_eq!(github.request_count(), 7);
}

#[tokio::test(start_paused = true)]
async fn an_app_whose_tokens_are_refused_for_good_gives_up() {
    let github = installed();
    github.inject(
        Fault::reply(401, r#"{"message":"Bad credentials"}"#)
            .at("/actions/secrets")
            .always(),
    );
    let began = Instant::now();
    let error = put(&client(&github, app()), "KEY", "value")
        .await
        .unwrap_err();
    assert!(error.is_unauthorized(), "{error}");
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(github.installation_tokens(), 2);
    assert!(
        github.request_count() < 20,
        "{} requests",
        github.request_count()
    );
}

#[tokio::test(start_paused = true)]
async fn a_minute_after_an_incident_in_which_new_tokens_were_refused_another_is_made() {
    let github = installed();
    let refusal = Fault::reply(401, r#"{"message":"Bad credentials"}"#).at("/actions/secrets");
    github.inject(refusal.lasting(Duration::from_secs(15)));
    let client = client(&github, app());
    assert!(
        put(&client, "KEY", "value")
            .await
            .unwrap_err()
            .is_unauthorized()
    );
    advance(Duration::from_secs(30)).await;
    // At most one a minute, while calls go on.
    put(&client, "KEY", "value").await.unwrap_err();
    assert_eq!(github.installation_tokens(), 2);
    advance(Duration::from_secs(30)).await;
    put(&client, "KEY", "value").await.unwrap();
    put(&client, "KEY", "value").await.unwrap();
    assert_eq!(github.installation_tokens(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_jwt_refused_for_clock_skew_is_corrected_from_the_servers_clock_once() {
    // The stand-in's clock follows tokio's, which runs ahead of this machine's from here on.
    let github = installed();
    advance(Duration::from_secs(3 * 3600)).await;
    put(&client(&github, app()), "KEY", "value").await.unwrap();
    let refused = github
        .requests()
        .iter()
        .filter(|request| request.status == 401)
        .count();
    assert_eq!(refused, 1);
}

#[tokio::test(start_paused = true)]
async fn a_jwt_refused_for_another_reason_is_not_made_again() {
    let github = acme();
    github
        .add_app(ID)
        .public_key(&rsa::public_pem_of(&rsa::another_pair()))
        .install("acme");
    let error = put(&client(&github, app()), "KEY", "value")
        .await
        .unwrap_err();
    assert!(error.is_unauthorized(), "{error}");
    assert_eq!(github.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_app_that_is_not_installed_says_so() {
    let github = acme();
    github.add_app(ID).public_key(&rsa::public_pem());
    let error = put(&client(&github, app()), "KEY", "value")
        .await
        .unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert!(error.to_string().contains("install the App"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_is_named_and_not_tried_twice() {
    let github = acme();
    github
        .add_app(ID)
        .public_key(&rsa::public_pem())
        .permission("metadata", "read")
        .install("acme");
    let error = put(&client(&github, app()), "KEY", "value")
        .await
        .unwrap_err();
    assert!(error.is_permission(), "{error}");
    assert!(
        error
            .required_permission()
            .unwrap()
            .contains("organization_secrets"),
        "{error}"
    );
    assert_eq!(github.request_count(), 3);
}

#[tokio::test(start_paused = true)]
async fn tokens_are_narrowed_when_asked() {
    let github = installed();
    let narrow = app()
        .permission("organization_secrets", "write")
        .repository("api")
        .repository("web");
    put(&client(&github, narrow), "KEY", "value").await.unwrap();
    let requests = github.requests();
    let request = requests
        .iter()
        .find(|request| request.path.ends_with("/access_tokens"))
        .unwrap();
    let expected = serde_json::json!({
        "permissions": { "organization_secrets": "write" },
        "repositories": ["api", "web"],
    });
    assert_eq!(request.json(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_permission_that_the_description_lacks_is_asked_for_all_the_same() {
    let github = installed();
    let app = app()
        .permission("organization_secrets", "write")
        .permission("organization_dependabot_secrets", "write");
    put(&client(&github, app), "KEY", "v").await.unwrap();
    let requests = github.requests();
    let mut minted = requests
        .iter()
        .filter(|request| request.path.ends_with("/access_tokens"));
    let expected = serde_json::json!({
        "organization_secrets": "write",
        "organization_dependabot_secrets": "write",
    });
    assert_eq!(minted.next().unwrap().json()["permissions"], expected);
}

#[tokio::test(start_paused = true)]
async fn a_named_installation_is_not_looked_up() {
    let github = acme();
    let id = github
        .add_app(ID)
        .public_key(&rsa::public_pem())
        .install("acme");
    put(&client(&github, app().installation(id)), "KEY", "value")
        .await
        .unwrap();
    assert_eq!(count(&github, "/orgs/acme/installation"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_repository_of_a_user_finds_the_users_installation() {
    let github = installed();
    let scope = scope("actions:repo/acme/api");
    client(&github, app())
        .secrets(scope)
        .put("KEY", "value")
        .send()
        .await
        .unwrap();
    assert_eq!(count(&github, "/repos/acme/api/installation"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_app_has_no_secrets_of_a_user() {
    let github = installed();
    let secrets = client(&github, app()).secrets(scope("codespaces:user"));
    let error = secrets.put("KEY", "value").send().await.unwrap_err();
    assert!(error.is_unsupported(), "{error}");
    assert_eq!(github.request_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_batch_over_three_organizations_outlives_its_tokens_twice_with_three_tokens_each() {
    let github = GitHub::new();
    let registered = github.add_app(ID).public_key(&rsa::public_pem());
    let organizations = ["acme", "globex", "initech"];
    for organization in organizations {
        registered.install(organization);
    }
    github.configure(|settings| settings.installation_token_lifetime = Duration::from_secs(100));
    github.set_latency(Duration::from_millis(40));
    let client = Client::builder()
        .app(app())
        .transport(github.clone())
        .build()
        .unwrap();
    let batch = (0..3_000).map(move |number| {
        let scope: Scope = format!("actions:org/{}", organizations[number % 3])
            .parse()
            .unwrap();
        (
            scope,
            NewSecret::new(format!("KEY_{number}"), "value").access(Visibility::Private),
        )
    });
    let began = Instant::now();
    let outcomes: Vec<_> = client.put_all(batch).collect().await;
    let stored = outcomes
        .iter()
        .filter(|outcome| outcome.result.is_ok())
        .count();
    assert_eq!(
        stored,
        3_000,
        "{:?}",
        outcomes.iter().find(|outcome| outcome.result.is_err())
    );
    assert!(
        began.elapsed() > Duration::from_secs(300),
        "the tokens did not expire twice: {:?}",
        began.elapsed()
    );
    // 300 seconds of writing with tokens good for 100, at bursts a minute apart: three for each organization, and not one refused.
    assert_eq!(github.installation_tokens(), 9);
    assert!(
        github
            .requests()
            .iter()
            .all(|request| request.status != 401)
    );
}

#[test]
fn keys_are_read_in_both_forms_and_with_escaped_line_breaks() {
    AppKey::from_pem(rsa::pkcs1_pem()).unwrap();
    AppKey::from_pem(rsa::pkcs8_pem()).unwrap();
    AppKey::from_pem(rsa::pkcs8_pem().replace('\n', "\\n")).unwrap();
    AppKey::from_pem(format!("\n  {}  ", rsa::pkcs1_pem())).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), rsa::pkcs1_pem()).unwrap();
    AppKey::from_file(file.path()).unwrap();
    assert!(AppKey::from_file("no such file").unwrap_err().is_config());
    assert!(
        AppKey::from_env("OCTOSEAL_NO_SUCH_VARIABLE")
            .unwrap_err()
            .is_config()
    );
}

#[test]
fn a_key_that_is_none_gets_a_clear_error_that_does_not_show_it() {
    let encrypted = rsa::pkcs8_pem().replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let old_style = rsa::pkcs1_pem().replacen('\n', "\nProc-Type: 4,ENCRYPTED\n\n", 1);
    for text in [encrypted, old_style] {
        let error = AppKey::from_pem(&text).unwrap_err();
        assert!(error.to_string().contains("encrypted"), "{error}");
    }
    let mut cut = rsa::pkcs1_pem();
    cut.replace_range(100..400, "");
    for text in [
        cut,
        rsa::public_pem(),
        "c4nary".to_owned(),
        String::new(),
        rsa::pem("PRIVATE KEY", b"c4nary"),
    ] {
        let error = AppKey::from_pem(&text).unwrap_err();
        assert!(error.is_config());
        assert!(!format!("{error} {error:?}").contains("c4nary"));
    }
    let shown = format!(
        "{:?} {:?}",
        AppKey::from_pem(rsa::pkcs1_pem()).unwrap(),
        app()
    );
    assert!(
        !shown.contains("BEGIN") && shown.contains("12345"),
        "{shown}"
    );
}
