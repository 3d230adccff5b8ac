//! What tokens permit, where renamed things have gone, and which requests are not understood.

use std::time::Duration;

use octoseal_mock::GitHub;

use super::ask::{
    Answer, ORG, SECRET, acme, bearing, get, put, request, sealed, send, send_at, visible, with,
};

fn get_as(github: &GitHub, token: &str, path: &str) -> Answer {
    send(
        github,
        &with("authorization", token, request("GET", path, None)),
    )
}

fn put_as(github: &GitHub, token: &str, path: &str) -> Answer {
    let body = visible(github, ORG, b"1", "all");
    send(github, &bearing(token, request("PUT", path, Some(&body))))
}

#[test]
fn any_token_is_accepted_until_one_is_known() {
    let (github, ..) = acme();
    assert_eq!(
        get_as(&github, "Bearer whatever", "/orgs/acme/actions/secrets").status,
        200
    );
    github.add_token("t0ken");
    let refused = get_as(&github, "Bearer whatever", "/orgs/acme/actions/secrets");
    assert_eq!(
        (refused.status, refused.message().as_str()),
        (401, "Bad credentials")
    );
    assert_eq!(
        get_as(&github, "Bearer t0ken", "/orgs/acme/actions/secrets").status,
        200
    );
    assert_eq!(
        get_as(&github, "token t0ken", "/orgs/acme/actions/secrets").status,
        200
    );
}

#[test]
fn no_token_is_401() {
    let (github, ..) = acme();
    let mut request = request("GET", "/orgs/acme/actions/secrets", None);
    request.headers_mut().remove("authorization");
    let answer = send(&github, &request);
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (401, "Requires authentication")
    );
}

#[test]
fn a_token_ends_begins_and_is_revoked() {
    let (github, ..) = acme();
    let path = "/orgs/acme/actions/secrets";
    github
        .add_token("short")
        .expires_in(Duration::from_secs(60));
    github.add_token("fresh").valid_in(Duration::from_secs(3));
    let at = |token: &str, seconds: u64| {
        let then = github.now() + Duration::from_secs(seconds);
        send_at(&github, then, &bearing(token, request("GET", path, None))).status
    };
    assert_eq!((at("short", 0), at("short", 61)), (200, 401));
    assert_eq!((at("fresh", 0), at("fresh", 4)), (401, 200));
    github.revoke("short");
    assert_eq!(at("short", 0), 401);
}

#[test]
fn many_bad_tokens_lock_good_ones_out_for_a_while() {
    let (github, ..) = acme();
    github.add_token("good");
    github.configure(|settings| settings.login_attempts = 3);
    for _ in 0..3 {
        assert_eq!(
            get_as(&github, "Bearer bad", "/orgs/acme/actions/secrets").status,
            401
        );
    }
    assert_eq!(
        get_as(&github, "Bearer good", "/orgs/acme/actions/secrets").status,
        403
    );
    let later = bearing("good", request("GET", "/orgs/acme/actions/secrets", None));
    assert_eq!(
        send_at(&github, github.now() + Duration::from_secs(61), &later).status,
        200
    );
}

#[test]
fn a_classic_token_without_the_scope_is_told_so() {
    let (github, ..) = acme();
    github.add_token("classic").scopes(["repo"]);
    let answer = put_as(&github, "classic", SECRET);
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (403, "Must have admin rights to Repository.")
    );
    assert_eq!(answer.header("x-oauth-scopes"), Some("repo"));
    assert_eq!(answer.header("x-accepted-oauth-scopes"), Some("admin:org"));
    github.add_token("classic").scopes(["repo", "admin:org"]);
    assert_eq!(put_as(&github, "classic", SECRET).status, 201);
}

#[test]
fn a_token_without_the_permission_is_told_which_one() {
    let (github, ..) = acme();
    for (token, message) in [
        ("ghs_app", "Resource not accessible by integration"),
        (
            "github_pat_mine",
            "Resource not accessible by personal access token",
        ),
    ] {
        github
            .add_token(token)
            .permission("organization_secrets", "read");
        assert_eq!(
            get_as(
                &github,
                &format!("Bearer {token}"),
                "/orgs/acme/actions/secrets"
            )
            .status,
            200
        );
        let answer = put_as(&github, token, SECRET);
        assert_eq!((answer.status, answer.message().as_str()), (403, message));
        assert_eq!(
            answer.header("x-accepted-github-permissions"),
            Some("organization_secrets=write")
        );
    }
    github
        .add_token("ghs_app")
        .permission("organization_secrets", "write");
    assert_eq!(put_as(&github, "ghs_app", SECRET).status, 201);
}

#[test]
fn single_sign_on_names_where_to_go() {
    let (github, ..) = acme();
    let url = "https://github.com/orgs/acme/sso?authorization_request=A1";
    github.add_token("t0ken").sso_required(url);
    let answer = put_as(&github, "t0ken", SECRET);
    assert_eq!(answer.status, 403);
    assert_eq!(
        answer.header("x-github-sso"),
        Some(format!("required; url={url}").as_str())
    );
}

#[test]
fn what_a_token_does_not_see_is_not_found() {
    let (github, ..) = acme();
    github.add_organization("globex");
    github.add_token("t0ken").sees("globex");
    assert_eq!(
        get_as(&github, "Bearer t0ken", "/orgs/globex/actions/secrets").status,
        200
    );
    assert_eq!(
        get_as(&github, "Bearer t0ken", "/orgs/acme/actions/secrets").status,
        404
    );
    assert_eq!(
        get_as(&github, "Bearer t0ken", "/repos/acme/api").status,
        404
    );
}

#[test]
fn an_archived_repository_is_read_only() {
    let (github, ..) = acme();
    github.archive("acme", "api");
    let body = sealed(&github, "actions:repo/acme/api", b"1");
    let answer = put(&github, "/repos/acme/api/actions/secrets/TOKEN", &body);
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (403, "Repository was archived so is read-only.")
    );
    assert_eq!(get(&github, "/repos/acme/api/actions/secrets").status, 200);
}

#[test]
fn a_renamed_repository_redirects_to_its_number() {
    let (github, api, _) = acme();
    github.seed("actions:repo/acme/api", "TOKEN", "1");
    github.rename_repository("acme", "api", "backend");
    let body = sealed(&github, "actions:repo/acme/backend", b"2");
    let answer = put(&github, "/repos/acme/api/actions/secrets/TOKEN?a=b", &body);
    let location = format!("https://api.github.com/repositories/{api}/actions/secrets/TOKEN?a=b");
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (307, "Moved Permanently")
    );
    assert_eq!(answer.header("location"), Some(location.as_str()));
    assert_eq!(answer.json()["url"], location);
    assert_eq!(get(&github, "/repos/acme/api").status, 301);
    assert_eq!(
        get(&github, "/repos/acme/api")
            .header("location")
            .map(str::to_owned),
        Some(format!("https://api.github.com/repositories/{api}"))
    );

    let path = location
        .strip_prefix("https://api.github.com")
        .expect("the same host");
    assert_eq!(put(&github, path, &body).status, 204);
    assert_eq!(
        github
            .plaintext("actions:repo/acme/backend", "TOKEN")
            .as_deref(),
        Some(&b"2"[..])
    );
}

#[test]
fn a_renamed_organization_does_not_redirect_and_its_name_can_be_taken() {
    let (github, ..) = acme();
    github.seed(ORG, "TOKEN", "1");
    github.rename_organization("acme", "emca");
    assert_eq!(get(&github, SECRET).status, 404);
    assert_eq!(get(&github, "/orgs/emca/actions/secrets/TOKEN").status, 200);
    github.add_organization("acme");
    assert_eq!(
        get(&github, "/orgs/acme/actions/secrets").json()["total_count"],
        0
    );
}

#[test]
fn an_unsupported_version_is_400_and_a_supported_one_is_repeated() {
    let (github, ..) = acme();
    let ask = |version: &str| {
        let request = request("GET", "/orgs/acme/actions/secrets", None);
        send(&github, &with("x-github-api-version", version, request))
    };
    assert_eq!(ask("v3").status, 400);
    assert!(ask("v3").message().contains("2022-11-28"));
    assert_eq!(
        ask("2026-03-10").header("x-github-api-version-selected"),
        Some("2026-03-10")
    );
    let unsaid = get(&github, "/orgs/acme/actions/secrets");
    assert_eq!(
        unsaid.header("x-github-api-version-selected"),
        Some("2022-11-28")
    );
}

#[test]
fn a_request_without_user_agent_is_forbidden() {
    let (github, ..) = acme();
    let mut request = request("GET", "/orgs/acme/actions/secrets", None);
    request.headers_mut().remove("user-agent");
    let answer = send(&github, &request);
    assert_eq!(answer.status, 403);
    assert!(answer.text.contains("User-Agent"));
    github.configure(|settings| settings.require_user_agent = false);
    assert_eq!(send(&github, &request).status, 200);
}

#[test]
fn every_reply_carries_githubs_headers() {
    let (github, ..) = acme();
    for path in ["/orgs/acme/actions/secrets", "/nowhere"] {
        let answer = get(&github, path);
        for name in [
            "date",
            "x-github-request-id",
            "x-github-media-type",
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-used",
            "x-ratelimit-reset",
        ] {
            assert!(answer.header(name).is_some(), "{name} at {path}");
        }
        assert_eq!(answer.header("x-ratelimit-resource"), Some("core"));
    }
    let (first, second) = (get(&github, "/nowhere"), get(&github, "/nowhere"));
    assert_ne!(
        first.header("x-github-request-id"),
        second.header("x-github-request-id")
    );
}

#[test]
fn an_unchanged_reply_is_304_to_who_knows_its_etag() {
    let (github, ..) = acme();
    let etag = get(&github, "/orgs/acme/actions/secrets")
        .header("etag")
        .expect("an etag")
        .to_owned();
    assert!(etag.starts_with("W/\""));
    let again = request("GET", "/orgs/acme/actions/secrets", None);
    let again = with("if-none-match", &etag, again);
    let answer = send(&github, &again);
    assert_eq!((answer.status, answer.text.as_str()), (304, ""));
    github.seed(ORG, "TOKEN", "1");
    assert_eq!(send(&github, &again).status, 200);
}

#[test]
fn a_deleted_repository_is_gone_and_a_token_without_permissions_may_nothing() {
    let (github, api, _) = acme();
    github.delete_repository("acme", "api");
    assert_eq!(get(&github, "/repos/acme/api").status, 404);
    assert_eq!(get(&github, &format!("/repositories/{api}")).status, 404);
    github.add_token("bare").without_permissions();
    let refused = get_as(&github, "Bearer bare", "/orgs/acme/actions/secrets");
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.header("x-accepted-github-permissions"),
        Some("organization_secrets=read")
    );
}

#[test]
fn a_version_that_ends_says_so_and_then_is_gone() {
    let (github, ..) = acme();
    let end = github.now() + Duration::from_secs(3_600);
    github.configure(|settings| {
        settings
            .api_version_ends
            .insert("2022-11-28".to_owned(), end);
    });
    let ask = |version: &str, after: u64| {
        let request = request("GET", "/orgs/acme/actions/secrets", None);
        let at = github.now() + Duration::from_secs(after);
        send_at(&github, at, &with("x-github-api-version", version, request))
    };
    let before = ask("2022-11-28", 0);
    assert_eq!(before.status, 200);
    assert!(before.header("deprecation").is_some() && before.header("sunset").is_some());
    assert_eq!(ask("2022-11-28", 3_601).status, 410);
    let other = ask("2026-03-10", 3_601);
    assert_eq!((other.status, other.header("sunset")), (200, None));
}
