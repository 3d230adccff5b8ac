//! Refusals say whose they are, what they are for, and nothing that was sent.

use std::time::Duration;

use futures_util::StreamExt;
use octoseal::{Applied, Client, Error, RetryPolicy};
use octoseal_mock::{Fault, GitHub, Policy};
use octoseal_tests::{ACME, acme, builder, client, put, scope};

/// What a put comes to whose write is refused so, by a client that waits for no limit.
async fn refused(fault: Fault) -> (Error, u64) {
    let github = acme();
    github.inject(fault.on("PUT").always());
    let policy = RetryPolicy::default().deadline(Duration::from_secs(30));
    let client = builder(&github).retry(policy).build().unwrap();
    let error = put(&client, "KEY", "value").await.unwrap_err();
    let puts = github
        .requests()
        .iter()
        .filter(|it| it.method == "PUT")
        .count();
    (error, puts as u64)
}

fn message(status: u16, text: &str) -> Fault {
    Fault::reply(status, serde_json::json!({ "message": text }).to_string())
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_known_by_any_of_its_marks() {
    let page = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api";
    let documented = serde_json::json!({ "message": "No.", "documentation_url": page });
    for fault in [
        Fault::limit_page(),
        Fault::reply(
            403,
            "<html><h1>Whoa there!</h1> You have exceeded a secondary rate limit.",
        ),
        Fault::reply(429, ""),
        Fault::reply(403, "").header("retry-after", "60"),
        Fault::reply(403, "").header("x-ratelimit-remaining", "0"),
        message(403, "API rate limit exceeded for installation ID 12345."),
        message(403, "You have triggered an ABUSE detection mechanism."),
        message(403, "Sorry, a rate limit holds for you."),
        message(403, "you have exceeded a Secondary Rate Limit")
            .header("x-ratelimit-remaining", "0")
            .header("x-ratelimit-reset", "1"),
        Fault::reply(403, documented.to_string()),
    ] {
        let told = format!("{fault:?}");
        let (error, puts) = refused(fault).await;
        assert!(
            error.is_rate_limited() && !error.is_permission(),
            "{told}: {error}"
        );
        assert!(
            error.retry_after().unwrap() >= Duration::from_secs(59),
            "{told}: {error}"
        );
        assert_eq!(puts, 1, "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_is_none_the_less_one_when_it_used_the_last_of_the_quota() {
    let fault = Fault::forbidden().header("x-ratelimit-remaining", "0");
    let (error, puts) = refused(fault).await;
    assert!(error.is_permission() && puts == 1, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_told_as_the_server_asked_for_it() {
    for fault in [
        Fault::secondary_limit().header("retry-after", "7200"),
        Fault::service_unavailable().header("retry-after", "7200"),
    ] {
        let (error, _) = refused(fault).await;
        assert_eq!(
            error.retry_after(),
            Some(Duration::from_secs(7200)),
            "{error}"
        );
        assert!(!error.to_string().contains("3601"), "{error}");
    }
}

#[tokio::test]
async fn a_403_advises_what_its_message_asks_for() {
    let sso = "Resource protected by organization SAML enforcement. You must grant your Personal Access token access.";
    for (fault, remedy) in [
        (Fault::refused_by(Policy::IpAllowList), "IP allow list"),
        (
            Fault::refused_by(Policy::ClassicTokens),
            "fine-grained one or a GitHub App",
        ),
        (Fault::refused_by(Policy::TokenLifetime), "earlier end"),
        (Fault::refused_by(Policy::SuspendedAccount), "suspended"),
        (
            Fault::refused_by(Policy::SuspendedInstallation),
            "suspended",
        ),
        (message(403, sso), "single sign-on"),
        (message(403, "Repository access blocked"), "blocked"),
        (
            message(403, "Repository was archived so is read-only."),
            "unarchive",
        ),
        (
            message(403, "Resource not accessible by personal access token"),
            "edit the token",
        ),
    ] {
        let (error, puts) = refused(fault).await;
        assert!(error.is_permission() && puts == 1, "{error}");
        let hint = error.hint().unwrap();
        assert!(hint.contains(remedy), "{remedy}: {error}");
        assert!(!hint.contains("admin:org"), "{error}");
        assert!(error.message().is_some(), "{error:?}");
    }
}

#[tokio::test]
async fn of_a_message_the_word_that_looks_like_a_secret_is_cut_and_not_the_sentence() {
    let (error, _) = refused(Fault::refused_by(Policy::TokenLifetime)).await;
    let said = error.message().unwrap();
    assert!(said.contains("lifetime is greater than 90 days"), "{said}");
    assert!(said.ends_with("following URL: …"), "{said}");

    let marks = "Must\u{202e} have\u{2028}admin\u{0} rights \u{2066}to Repository.";
    let (error, _) = refused(message(403, marks)).await;
    assert_eq!(
        error.message(),
        Some("Must have admin rights to Repository.")
    );
}

const TOKEN: &str = "ghs_Qw3rTyUi0pAsDfGhJkLzXcVbNm1234567890";

#[tokio::test]
async fn no_spelling_of_the_token_shows_wherever_a_server_puts_it() {
    let hex: String = TOKEN.bytes().map(|b| format!("{b:02x}")).collect();
    let escaped: String = TOKEN.bytes().map(|b| format!("%{b:02x}")).collect();
    let base64 = "Z2hzX1F3M3JUeVVpMHBBc0RmR2hKa0x6WGNWYk5tMTIzNDU2Nzg5MA==";
    let (first, second) = TOKEN.split_at(20);
    let spellings = [
        TOKEN.to_owned(),
        TOKEN.to_uppercase(),
        hex.clone(),
        hex.to_uppercase(),
        escaped,
        base64.to_owned(),
        base64[4..30].to_owned(),
        first.to_owned(),
        second.to_owned(),
        format!("{first} {second}"),
        TOKEN[4..].to_lowercase(),
    ];
    for spelling in spellings {
        let said = serde_json::json!({
            "message": format!("Not with {spelling} here"),
            "documentation_url": format!("https://docs.github.com/rest/{spelling}"),
        });
        let github = acme();
        github.add_token(TOKEN);
        let fault = Fault::reply(403, said.to_string())
            .header("x-accepted-oauth-scopes", &spelling)
            .header("x-accepted-github-permissions", &spelling)
            .header("x-github-request-id", &format!("A:{spelling}"))
            .header(
                "x-github-sso",
                &format!("required; url=https://github.com/orgs/{spelling}/sso"),
            );
        github.inject(fault.on("PUT").always());
        let client = builder(&github).token(TOKEN).build().unwrap();
        let error = put(&client, "KEY", "value").await.unwrap_err();
        let shown = format!("{error} {error:?}").to_lowercase();
        for piece in spelling.split(' ') {
            assert!(!shown.contains(&piece.to_lowercase()), "{piece}: {shown}");
        }
        assert!(shown.contains("not with … "), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_403_that_is_not_githubs_condemns_no_other_secret() {
    for fault in [
        Fault::firewall(),
        Fault::foreign_reply(403, ""),
        Fault::foreign_reply(401, "<html>Log in</html>"),
        Fault::proxy_authentication(),
    ] {
        let told = format!("{fault:?}");
        let (error, puts) = refused(fault.clone()).await;
        assert!(error.is_unexpected_reply() && puts == 1, "{told}: {error}");
        assert!(
            !error.is_permission() && !error.is_unauthorized(),
            "{told}: {error}"
        );
        let text = error.to_string();
        assert!(
            !text.contains("admin:org") && !text.contains("scope"),
            "{text}"
        );

        let github = acme();
        github.inject(fault.on("PUT").times(1));
        let puts = (0..20).map(|n| (format!("KEY_{n}"), "value"));
        let outcomes = client(&github).secrets(scope(API)).put_all(puts);
        let outcomes: Vec<_> = outcomes.collect().await;
        let failed = outcomes.iter().filter(|it| it.result.is_err()).count();
        assert_eq!((failed, outcomes.len()), (1, 20), "{told}");
    }
}

const API: &str = "actions:repo/acme/api";

#[tokio::test(start_paused = true)]
async fn a_token_that_did_not_arrive_is_told_at_once_and_is_no_limit() {
    let (error, puts) = refused(Fault::anonymous_limit()).await;
    assert!(
        !error.is_rate_limited() && !error.is_permission(),
        "{error}"
    );
    assert!(
        error.to_string().contains("Authorization header"),
        "{error}"
    );
    assert_eq!((puts, error.applied()), (1, Applied::No));
}

#[tokio::test]
async fn an_api_version_that_has_ended_is_told_as_that() {
    let (error, _) = refused(message(410, "This API version is no longer supported")).await;
    assert!(error.hint().unwrap().contains("`api_version`"), "{error}");
}

#[tokio::test]
async fn a_redirect_that_is_not_followed_says_where_it_leads() {
    for (status, location, shown) in [
        (
            307,
            "https://login.example/sso/start?state=c4nary",
            "login.example/sso/start",
        ),
        (308, "//other.example/api?x=c4nary", "other.example/api"),
        (
            303,
            "/repositories/7/actions?x=c4nary",
            "/repositories/7/actions",
        ),
        (307, "https://user:c4nary@evil.example/x", "evil.example/x"),
    ] {
        let (error, _) = refused(Fault::reply(status, "").header("location", location)).await;
        let text = format!("{error} {error:?}");
        assert!(error.is_redirect() && text.contains(shown), "{text}");
        assert!(!text.contains("c4nary"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_went_on_says_how_often_and_how_long_it_was_tried() {
    let (error, puts) = refused(Fault::unicorn()).await;
    let text = error.to_string();
    assert!(
        puts > 1 && text.contains(&format!("{puts} attempts in ")),
        "{text}"
    );
}

fn with_pages() -> GitHub {
    let github = acme();
    for n in 0..250 {
        github.seed(ACME, &format!("KEY_{n}"), "value");
    }
    github
}

#[tokio::test]
async fn of_a_link_to_another_host_the_page_is_taken_and_nothing_travels_there() {
    let github = with_pages();
    github.inject(Fault::links_to("internal.example").on("GET").always());
    let listed = client(&github)
        .secrets(scope(ACME))
        .list()
        .all()
        .await
        .unwrap();
    assert_eq!((listed.len(), github.request_count()), (250, 3));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_holds_for_the_whole_of_a_collected_list() {
    let github = with_pages();
    github.inject(Fault::slow(Duration::from_secs(3)).on("GET").always());
    let policy = RetryPolicy::default().deadline(Duration::from_secs(5));
    let client: Client = builder(&github).retry(policy).build().unwrap();
    let began = tokio::time::Instant::now();
    let error = client.secrets(scope(ACME)).list().all().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(
        began.elapsed() <= Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn the_address_of_githubs_website_is_refused_and_that_of_its_api_named() {
    for url in ["https://github.com", "https://www.github.com/acme"] {
        let error = builder(&acme()).base_url(url).build().unwrap_err();
        assert!(error.is_config(), "{error}");
        assert!(
            error.hint().unwrap().contains("https://api.github.com"),
            "{error}"
        );
    }
}
