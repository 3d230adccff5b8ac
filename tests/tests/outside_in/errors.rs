//! Every refusal of GitHub's becomes an error that says what it means and what to do.

use std::time::Duration;

use octoseal::{Applied, Client, Error, RetryPolicy};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{acme, builder, client, put, scope};

async fn refused(fault: Fault) -> Error {
    let github = acme();
    github.inject(fault.on("PUT").always());
    put(&client(&github), "KEY", "value").await.unwrap_err()
}

#[tokio::test]
async fn a_bad_token_is_unauthorized_and_not_tried_twice() {
    let github = acme();
    github.add_token("another");
    let error = put(&client(&github), "KEY", "value").await.unwrap_err();
    assert!(error.is_unauthorized(), "{error}");
    assert_eq!(
        (error.status(), error.attempts(), github.request_count()),
        (Some(401), 1, 1)
    );
    assert_eq!(error.message(), Some("Bad credentials"));
}

#[tokio::test]
async fn a_missing_organization_is_not_found_and_says_what_that_may_mean() {
    let github = acme();
    let call = client(&github)
        .create_or_update_org_secret("ghost", "KEY")
        .value("v");
    let error = call
        .access(octoseal::Visibility::All)
        .send()
        .await
        .unwrap_err();
    assert!(error.is_not_found());
    let text = error.to_string();
    assert!(
        text.contains("missing") && text.contains("renamed") && text.contains("invisible"),
        "{text}"
    );
    assert_eq!(github.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_enterprise_servers_address_without_the_prefix_of_its_api_is_told_whatever_answers() {
    let login = Fault::reply(302, "").header("location", "/login");
    let page = |status| {
        Fault::reply(status, "<!DOCTYPE html><title>x</title>").header("content-type", "text/html")
    };
    let of_github = |fault: Fault| fault.header("x-github-request-id", "0C70:1");
    for fault in [
        None,
        Some(login),
        Some(page(200)),
        Some(of_github(page(404))),
        Some(of_github(page(422))),
    ] {
        let github = GitHub::enterprise("3.19.0");
        github.add_organization("acme");
        if let Some(fault) = fault {
            github.inject(fault.always());
        }
        for base in ["https://ghe.example", "https://ghe.example:8443/"] {
            let client = builder(&github).base_url(base).build().unwrap();
            let error = client.delete_org_secret("acme", "KEY").await.unwrap_err();
            assert!(error.hint().unwrap().contains("/api/v3"), "{error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_api_says_is_not_blamed_on_its_address() {
    for base in [
        "https://ghe.example/api/v3",
        "https://api.acme.ghe.com",
        "https://proxy.example",
    ] {
        let github = match base.ends_with("/api/v3") {
            true => GitHub::enterprise("3.19.0"),
            false => GitHub::new(),
        };
        let client = builder(&github).base_url(base).build().unwrap();
        let error = client.delete_org_secret("acme", "KEY").await.unwrap_err();
        assert!(error.is_not_found(), "{error}");
        assert!(!error.hint().unwrap().contains("/api/v3"), "{error}");
    }
}

#[tokio::test]
async fn a_store_that_an_enterprise_server_lacks_is_unsupported_and_not_found_alike() {
    let github = GitHub::enterprise("3.19.0");
    github.add_organization("acme");
    let server = builder(&github).base_url("https://ghe.example/api/v3");
    let client = server.build().unwrap();
    let page = "https://docs.github.com/enterprise-server@3.19/rest";

    let lacking = client.secrets(scope("agents:org/acme"));
    let error = lacking.delete("KEY").await.unwrap_err();
    assert!(error.is_unsupported() && error.is_not_found(), "{error}");
    assert_eq!(error.documentation_url(), Some(page));
    let text = error.to_string();
    let meanings = ["Enterprise Server", "missing", "renamed", "invisible"];
    assert!(meanings.iter().all(|it| text.contains(it)), "{text}");

    let error = client.delete_org_secret("acme", "KEY").await.unwrap_err();
    assert!(error.is_not_found() && !error.is_unsupported(), "{error}");
    assert_eq!(
        error.documentation_url(),
        Some(format!("{page}/actions/secrets").as_str())
    );
}

/// A store at acme's repository `api`.
const API: &str = "actions:repo/acme/api";

async fn put_in_api(client: &Client) -> Error {
    let put = client.secrets(scope(API)).put("DEPLOY_KEY", "c4nary-value");
    put.send().await.unwrap_err()
}

#[tokio::test]
async fn refusals_that_anyone_may_meet_say_what_to_change() {
    let archived = acme();
    archived.archive("acme", "api");
    let full = acme();
    for n in 0..100 {
        full.seed(API, &format!("KEY_{n}"), "v");
    }
    let narrow = acme();
    narrow.configure(|settings| settings.max_name = 5);
    let small = acme();
    small.configure(|settings| settings.max_value = 5);
    let modern = builder(&acme()).api_version("2030-01-01");
    let sealed_wrong = client(&acme())
        .create_or_update_org_secret("acme", "KEY")
        .encrypted_value("c2VhbGVkYm94".repeat(6), "1")
        .access(octoseal::Visibility::All);
    for (error, status, remedy) in [
        (put_in_api(&client(&archived)).await, 403, "unarchive it"),
        (
            put_in_api(&modern.build().unwrap()).await,
            400,
            "`api_version`",
        ),
        (
            sealed_wrong.send().await.unwrap_err(),
            422,
            "current public key",
        ),
        (put_in_api(&client(&full)).await, 422, "100 of a repository"),
        (put_in_api(&client(&narrow)).await, 422, "not too long"),
        (put_in_api(&client(&small)).await, 422, "too large"),
    ] {
        assert_eq!(error.status(), Some(status), "{error}");
        assert_eq!(error.applied(), Applied::No, "{error}");
        let hint = error.hint().unwrap();
        assert!(hint.contains(remedy), "{remedy}: {error}");
        assert!(
            !format!("{error} {error:?}").contains("c4nary"),
            "{error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_out_is_a_limit_that_passes_and_says_what_brought_it_about() {
    let github = acme();
    github.add_token("another");
    github.configure(|settings| settings.login_attempts = 2);
    for _ in 0..2 {
        assert!(put_in_api(&client(&github)).await.is_unauthorized());
    }
    let policy = RetryPolicy::default().deadline(Duration::from_secs(30));
    let hasty = builder(&github).retry(policy).build().unwrap();
    let error = put_in_api(&hasty).await;
    assert!(error.is_rate_limited(), "{error}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("refuses valid ones too"), "{error}");
    let patient = builder(&github).token("another").build().unwrap();
    let secrets = patient.secrets(scope(API));
    secrets.put("KEY", "value").send().await.unwrap();
}

#[tokio::test]
async fn a_refusal_names_the_permission_it_wants() {
    let github = acme();
    github.add_token("test-token").without_permissions();
    let error = put(&client(&github), "KEY", "value").await.unwrap_err();
    assert!(error.is_permission(), "{error}");
    assert!(error.required_permission().is_some(), "{error:?}");
    assert_eq!(github.request_count(), 1);
}

#[tokio::test]
async fn single_sign_on_is_named_with_githubs_own_address_only() {
    let sso = |url: &str| {
        Fault::reply(
            403,
            r#"{"message":"Resource protected by organization SAML enforcement."}"#,
        )
        .header("x-github-sso", &format!("required; url={url}"))
    };
    let good = "https://github.com/orgs/acme/sso?authorization_request=abc";
    assert_eq!(refused(sso(good)).await.sso_url(), Some(good));
    for bad in [
        "https://github.com.evil.example/orgs/acme/sso",
        "http://github.com/sso",
        "https://u:p@github.com/sso",
        "x",
    ] {
        assert_eq!(refused(sso(bad)).await.sso_url(), None, "{bad}");
    }
}

#[tokio::test]
async fn what_a_422_echoes_is_not_passed_on() {
    let echo = r#"{"message":"Invalid request.\n\nc4nary-sealed does not match /^x$/.","documentation_url":"https://docs.github.com/rest/c4nary?c4nary"}"#;
    let error = refused(Fault::reply(422, echo)).await;
    assert!(error.is_validation());
    let shown = format!(
        "{error} {error:?} {:?} {:?}",
        error.message(),
        error.documentation_url()
    );
    assert!(!shown.contains("c4nary-sealed"), "{shown}");
}

#[tokio::test]
async fn a_token_echoed_in_any_message_is_not_passed_on() {
    for status in [400, 403, 404, 409, 422, 500] {
        let body = r#"{"message":"no good: test-token"}"#;
        let error = refused(Fault::reply(status, body)).await;
        assert!(
            !format!("{error} {error:?}").contains("test-token"),
            "{status}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_conflict_whose_errors_are_a_string_is_typed() {
    let github = acme();
    github
        .seed(octoseal_tests::ACME, "KEY", "v")
        .visibility("all");
    let error = client(&github)
        .set_selected_repos_for_org_secret("acme", "KEY", [1])
        .await
        .unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert!(error.to_string().contains("selected"), "{error}");
}

#[tokio::test]
async fn a_captive_portal_is_an_error_and_never_success() {
    let github = acme();
    github.inject(Fault::captive_portal().on("PUT").always());
    let error = put(&client(&github), "KEY", "value").await.unwrap_err();
    assert!(error.is_unexpected_reply(), "{error}");
    assert!(error.to_string().contains("HTML"), "{error}");
    let github = acme();
    github.inject(Fault::captive_portal().always());
    let error = put(&client(&github), "KEY", "value").await.unwrap_err();
    assert!(error.is_unexpected_reply(), "{error}");
    assert_eq!(github.request_count(), 1);
}

#[tokio::test]
async fn a_key_that_cannot_be_sealed_to_is_refused_before_sealing() {
    use base64::Engine;
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let mut one = [0; 32];
    one[0] = 1;
    for key in [
        base64(&[7; 31]),
        base64(&[7; 33]),
        base64(&[0; 32]),
        base64(&one),
        "not base64!".into(),
        String::new(),
    ] {
        let github = acme();
        github.inject(Fault::public_key("1", &key).always());
        let error = put(&client(&github), "KEY", "value").await.unwrap_err();
        assert!(error.is_public_key(), "{key}: {error}");
        let methods: Vec<_> = github.requests().into_iter().map(|r| r.method).collect();
        assert_eq!(methods, ["GET"], "{key}");
    }
}

#[tokio::test]
async fn an_error_carries_request_id_documentation_and_what_became_of_the_secret() {
    let error = refused(
        Fault::reply(403, r#"{"message":"Must have admin rights to Repository.","documentation_url":"https://docs.github.com/rest/actions/secrets"}"#)
            .header("x-github-request-id", "ABCD:1234"),
    )
    .await;
    assert_eq!(error.request_id(), Some("ABCD:1234"));
    assert_eq!(
        error.documentation_url(),
        Some("https://docs.github.com/rest/actions/secrets")
    );
    assert_eq!(
        error.message(),
        Some("Must have admin rights to Repository.")
    );
    assert_eq!(error.applied(), Applied::No);
    let text = error.to_string();
    assert!(
        text.starts_with("storing KEY in actions:org/acme: 403 Forbidden"),
        "{text}"
    );
}

#[tokio::test]
async fn a_renamed_repository_is_followed_once_within_its_origin() {
    let github = acme();
    github.rename_repository("acme", "api", "core");
    let secrets = client(&github).secrets(scope("actions:repo/acme/api"));
    secrets.put("KEY", "value").send().await.unwrap();
    assert_eq!(
        github.plaintext("actions:repo/acme/core", "KEY").unwrap(),
        b"value"
    );
}

#[tokio::test]
async fn a_redirect_to_another_origin_or_method_is_an_error() {
    for (status, location) in [
        (307, "https://evil.example/orgs/acme/actions/secrets/KEY"),
        (307, "http://api.github.com/orgs/acme/actions/secrets/KEY"),
        (307, "https://api.github.com:8443/x"),
        (303, "/orgs/acme/actions/secrets/KEY"),
        (301, "/orgs/acme/actions/secrets/KEY"),
    ] {
        let error = refused(Fault::reply(status, "").header("location", location)).await;
        assert!(error.is_redirect(), "{status} {location}: {error}");
        assert_eq!(error.attempts(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_kind_says_what_the_predicates_say_and_whether_to_try_again() {
    use octoseal::ErrorKind;

    let reply = |status| Fault::reply(status, r#"{"message":"no"}"#).always();
    for (fault, kind, retryable) in [
        (
            Fault::bad_credentials().always(),
            ErrorKind::Unauthorized,
            false,
        ),
        (Fault::forbidden().always(), ErrorKind::Permission, false),
        (reply(404), ErrorKind::NotFound, false),
        (reply(409), ErrorKind::Conflict, false),
        (reply(422), ErrorKind::Validation, false),
        (reply(418), ErrorKind::Status, false),
        (Fault::server_error().always(), ErrorKind::Server, true),
        (Fault::reset().always(), ErrorKind::Transport, true),
        (Fault::hang().always(), ErrorKind::Timeout, true),
        (
            Fault::primary_limit(std::time::Duration::from_secs(3_000)).always(),
            ErrorKind::RateLimited,
            true,
        ),
        (
            Fault::captive_portal().always(),
            ErrorKind::UnexpectedReply,
            false,
        ),
    ] {
        let github = acme();
        github.inject(fault);
        let error = put_in_api(&client(&github)).await;
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (kind, retryable),
            "{error}"
        );
        assert!(!error.is_untried(), "{error}");
    }
    let nameless = client(&acme()).create_or_update_org_secret("acme", "1");
    let error = nameless.value("v").send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.is_untried() && !error.is_retryable());
}
