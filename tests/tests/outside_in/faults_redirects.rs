//! Where replies lead: to other addresses and to next pages.

use octoseal::Client;
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{ACME, acme, client, put, scope};

use crate::faults::arrivals;

#[tokio::test(start_paused = true)]
async fn a_307_within_the_origin_is_followed_once_with_method_and_body() {
    let github = acme();
    github.rename_repository("acme", "api", "core");
    let secrets = client(&github).secrets(scope("actions:repo/acme/api"));
    secrets.put("KEY", "value").send().await.unwrap();
    assert_eq!(
        github.plaintext("actions:repo/acme/core", "KEY").unwrap(),
        b"value"
    );
    assert_eq!(arrivals(&github, "PUT").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_second_redirect_in_a_row_is_an_error() {
    let github = acme();
    let again = || Fault::reply(307, "").header("location", "/orgs/acme/actions/secrets/KEY");
    github.inject(again().on("PUT").always());
    let error = put(&client(&github), "KEY", "value").await.unwrap_err();
    assert!(error.is_redirect(), "{error}");
    assert_eq!(arrivals(&github, "PUT").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_redirect_to_another_origin_or_to_a_get_is_an_error_after_one_request() {
    for (status, location) in [
        (307, "https://evil.example/orgs/acme/actions/secrets/KEY"),
        (308, "//evil.example/orgs/acme/actions/secrets/KEY"),
        (307, "http://api.github.com/orgs/acme/actions/secrets/KEY"),
        (
            307,
            "https://api.github.com:8443/orgs/acme/actions/secrets/KEY",
        ),
        (
            307,
            "https://user@api.github.com/orgs/acme/actions/secrets/KEY",
        ),
        (303, "/orgs/acme/actions/secrets/KEY"),
        (307, "https://[::"),
    ] {
        let github = acme();
        let fault = Fault::reply(status, "").header("location", location);
        github.inject(fault.on("PUT").always());
        let error = put(&client(&github), "KEY", "value").await.unwrap_err();
        assert!(error.is_redirect(), "{status} {location}: {error}");
        assert_eq!(arrivals(&github, "PUT").len(), 1, "{status} {location}");
        assert!(github.secret(ACME, "KEY").is_none());
    }
}

async fn listed(github: &GitHub) -> Result<usize, octoseal::Error> {
    let client: Client = client(github);
    let secrets = client.secrets(scope(ACME)).list().all().await?;
    Ok(secrets.len())
}

fn with_pages() -> GitHub {
    let github = acme();
    for n in 0..250 {
        github.seed(ACME, &format!("KEY_{n}"), "value");
    }
    github
}

#[tokio::test(start_paused = true)]
async fn a_page_that_fails_for_a_while_is_asked_for_again() {
    let github = with_pages();
    github.inject(Fault::unicorn().on("GET").after(1).times(2));
    assert_eq!(listed(&github).await.unwrap(), 250);
    assert_eq!(github.request_count(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_goes_on_failing_is_an_error_and_never_a_short_list() {
    let github = with_pages();
    github.inject(Fault::unicorn().on("GET").after(1).always());
    let error = listed(&github).await.unwrap_err();
    assert!(error.is_server_error(), "{error}");
    assert_eq!(github.request_count(), 1 + 5);
}

#[tokio::test(start_paused = true)]
async fn a_link_to_a_page_that_is_not_next_is_an_error() {
    for link in [
        "<https://api.github.com/orgs/acme/actions/secrets?page=1>; rel=\"next\"",
        "<https://api.github.com/orgs/acme/actions/secrets?page=9>; rel=\"next\"",
        "<https://other.example/orgs/acme/actions/secrets?page=1>; rel=\"next\"",
        "<https://api.github.com/orgs/acme/actions/secrets>; rel=\"next\"",
        "<https://api.github.com/orgs/acme/actions/secrets?page=-1>; rel=next",
    ] {
        let github = with_pages();
        github.inject(Fault::change(move |mut reply| {
            reply.headers_mut().insert("link", link.parse().unwrap());
            reply
        }));
        let error = listed(&github).await.unwrap_err();
        assert!(error.is_unexpected_reply(), "{link}: {error}");
        assert_eq!(github.request_count(), 1, "{link}");
    }
}
