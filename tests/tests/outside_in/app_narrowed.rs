//! Tokens that are narrowed to the call that needs them, and what each call needs.

use std::time::Duration;

use octoseal::{Client, app::App};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{ACME, acme, client as with_token, put, rsa, scope};
use serde_json::{Value, json};

use crate::app::{ID, app, client, count, installed};
use crate::scopes::{SCOPES, place, world};

fn narrowed(github: &GitHub) -> Client {
    client(github, app().narrowed())
}

/// What tokens were asked for, in order.
fn asked_for(github: &GitHub) -> Vec<Value> {
    let requests = github.requests();
    let minted = requests
        .iter()
        .filter(|it| it.path.ends_with("/access_tokens"));
    minted.map(|request| request.json()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_token_is_narrowed_to_the_calls_repository_and_the_stores_permission() {
    for (text, asked) in [
        (
            ACME,
            json!({"permissions": {"organization_secrets": "write"}}),
        ),
        (
            "actions:repo/acme/api",
            json!({"permissions": {"secrets": "write"}, "repositories": ["api"]}),
        ),
        (
            "dependabot:repo/acme/API",
            json!({"permissions": {"dependabot_secrets": "write"}, "repositories": ["api"]}),
        ),
        (
            "actions:env/acme/api/prod%2Feu",
            json!({"permissions": {"environments": "write"}, "repositories": ["api"]}),
        ),
        (
            "private-registries:org/acme",
            json!({"permissions": {"organization_private_registries": "write"}}),
        ),
    ] {
        let github = installed();
        github.add_environment("acme", "api", "prod/eu");
        let client = narrowed(&github);
        let place = place(&client, text);
        let (name, _) = place.put("KEY", "value".into()).await.unwrap();
        place.names().await.unwrap();
        place.delete(&name).await.unwrap();
        assert_eq!(asked_for(&github), [asked], "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn repositories_given_by_name_are_looked_up_with_one_token_that_may_do_nothing_else() {
    let github = installed();
    let client = narrowed(&github);
    let put = client.secrets(scope(ACME)).put("KEY", "value");
    let put = put.access(["acme/api", "acme/web", "acme/docs"]);
    put.send().await.unwrap();
    let asked = asked_for(&github);
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked.contains(&json!({"permissions": {"metadata": "read"}})));
}

/// A stand-in with an installation that may read this and nothing else.
fn may_read(what: &str) -> GitHub {
    let github = acme();
    let app = github.add_app(ID).public_key(&rsa::public_pem());
    app.permission(what, "read").install("acme");
    github
}

#[tokio::test(start_paused = true)]
async fn an_installation_that_may_only_read_gets_tokens_that_read() {
    let github = may_read("organization_secrets");
    let client = narrowed(&github);
    let secrets = client.secrets(scope(ACME));
    assert_eq!(secrets.list().all().await.unwrap().len(), 0);
    let error = put(&client, "KEY", "value").await.unwrap_err();
    assert!(error.is_permission(), "{error}");
    let asked: Vec<_> = asked_for(&github)
        .iter()
        .map(|it| it["permissions"]["organization_secrets"].clone())
        .collect();
    assert_eq!(asked, ["write", "read"]);
}

#[tokio::test(start_paused = true)]
async fn a_permission_that_the_installation_lacks_is_told_as_before() {
    let github = may_read("metadata");
    let error = put(&narrowed(&github), "KEY", "value").await.unwrap_err();
    assert!(error.is_permission(), "{error}");
    assert!(error.hint().unwrap().contains("not granted"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_narrowed_token_is_replaced_when_it_expires_and_when_it_is_refused() {
    let github = installed();
    let client = narrowed(&github);
    put(&client, "ONE", "value").await.unwrap();
    tokio::time::advance(Duration::from_secs(3590)).await;
    put(&client, "TWO", "value").await.unwrap();
    tokio::time::advance(Duration::from_secs(600)).await;
    github.expire_installation_tokens();
    put(&client, "THREE", "value").await.unwrap();
    assert_eq!(count(&github, "/access_tokens"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_permission_that_stays_missing_costs_one_token_a_minute_over_all_repositories() {
    let github = installed();
    let client = narrowed(&github);
    let all = ["api", "web", "docs"].map(|name| scope(&format!("actions:repo/acme/{name}")));
    for scope in all.clone() {
        client.secrets(scope).list().all().await.unwrap();
    }
    tokio::time::advance(Duration::from_secs(600)).await;
    let lacking = r#"{"message":"Resource not accessible by integration"}"#;
    let lacking = octoseal_mock::Fault::reply(403, lacking).at("/actions/secrets");
    github.inject(lacking.always());
    for scope in all {
        client.secrets(scope).list().all().await.unwrap_err();
    }
    assert_eq!(count(&github, "/access_tokens"), 4);
}

#[test]
fn narrowing_to_each_call_and_by_name_exclude_each_other() {
    let refused = |app: App| Client::builder().app(app).build().unwrap_err();
    for app in [
        app().permission("secrets", "write"),
        app().repository("acme/api"),
    ] {
        assert!(refused(app.narrowed()).is_config());
    }
}

/// The rows of the guide's table: scope, permission, classic scope.
fn table() -> Vec<[String; 3]> {
    let guide = include_str!("../../../client/src/guide/apps.md");
    let rows = guide.lines().filter(|line| line.starts_with("| `"));
    let cells = |row: &str| -> Vec<String> {
        let cells = row.split('`').skip(1).step_by(2);
        cells.map(str::to_owned).collect()
    };
    rows.filter_map(|row| cells(row).try_into().ok()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_guides_table_is_what_github_asks_for_and_what_a_403_says() {
    let table = table();
    assert_eq!(table.len(), SCOPES.len());
    for text in SCOPES {
        let kind = |text: &str| text.split('/').next().unwrap().to_owned();
        let row = table.iter().find(|row| kind(&row[0]) == kind(text));
        let [_, permission, classic] = row.unwrap();
        let github = world();
        github.add_token("test-token").without_permissions();
        let error = place(&with_token(&github), text).names().await.unwrap_err();
        let needed = error.required_permission().unwrap();
        assert_eq!(needed, format!("{permission}=read"), "{text}");
        let said = format!("`{permission}` (read)");
        assert!(error.hint().unwrap().contains(&said), "{error}");

        let github = world();
        github.add_token("test-token").scopes(["gist"]);
        let error = place(&with_token(&github), text).names().await.unwrap_err();
        assert_eq!(error.required_permission(), Some(&**classic), "{text}");
        let hint = error.hint().unwrap();
        assert!(hint.contains(&said) && hint.contains(classic), "{hint}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_second_question_for_a_token_is_not_told_as_the_refusal_of_the_first() {
    let github = may_read("organization_secrets");
    let refusal = Fault::reply(
        422,
        r#"{"message":"The permissions requested are not granted."}"#,
    );
    github.inject(refusal.at("/access_tokens").times(1));
    github.inject(Fault::unicorn().at("/access_tokens").always());
    let error = put(&narrowed(&github), "KEY", "value").await.unwrap_err();
    assert!(error.is_server_error() && error.is_retryable(), "{error}");
}
