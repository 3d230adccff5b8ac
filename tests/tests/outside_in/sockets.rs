//! What goes wrong below HTTP, over real sockets with short timeouts.

use std::time::{Duration, Instant};

use octoseal::{Applied, Client, RetryPolicy, Written};
use octoseal_mock::Fault;
use octoseal_tests::{acme, put, scope};

use crate::sockets_raw::{Act, Raw, key, reply};

/// The default but for the waits between attempts.
pub(crate) fn quick() -> RetryPolicy {
    let ms = Duration::from_millis;
    RetryPolicy::default().attempts(4).backoff(ms(2), ms(10))
}

/// With timeouts that a test can sit out.
pub(crate) fn hasty() -> RetryPolicy {
    let ms = Duration::from_millis;
    quick().attempt_timeout(ms(300)).retry_window(ms(1500))
}

fn client_with(url: &str, policy: RetryPolicy) -> Client {
    let builder = Client::builder().token("test-token").base_url(url);
    builder.retry(policy).build().unwrap()
}

fn client(url: &str) -> Client {
    client_with(url, quick())
}

fn puts(server: &Raw) -> usize {
    server
        .requests()
        .iter()
        .filter(|request| request.starts_with("PUT "))
        .count()
}

#[tokio::test]
async fn a_refused_connection_is_a_transport_error_after_a_bounded_number_of_attempts() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = put(&client(&url), "KEY", "value").await.unwrap_err();
    assert!(error.is_transport() && !error.is_tls(), "{error:?}");
    assert_eq!((error.applied(), error.attempts()), (Applied::No, 4));
    assert!(error.to_string().contains("no connection"), "{error}");
}

#[tokio::test]
async fn a_secret_named_like_a_failure_of_tls_does_not_make_it_one() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let client = client(&format!("http://{}", listener.local_addr().unwrap()));
    drop(listener);
    for name in ["TLS_CERTIFICATE", "SSL_KEY"] {
        let secrets = client.secrets(scope("actions:org/acme"));
        let error = secrets.get(name).await.unwrap_err();
        assert!(!error.is_tls(), "{error:?}");
        assert_eq!(error.attempts(), 4);
    }
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_a_transport_error_and_nothing_was_stored() {
    // `.invalid` never resolves (RFC 2606).
    let client = client("https://api.octoseal.invalid");
    let error = put(&client, "KEY", "value").await.unwrap_err();
    // A resolver that does not answer at all shows as a timeout of the connection.
    assert!(error.is_transport() || error.is_timeout(), "{error:?}");
    assert!(!error.is_tls());
    assert_eq!((error.applied(), error.attempts()), (Applied::No, 4));
}

#[tokio::test]
async fn a_connection_reset_before_the_headers_is_tried_again() {
    for act in [Act::Reset, Act::Close] {
        let server = Raw::start(move |n| match n {
            0 | 2 | 3 => act.clone(),
            1 => key(),
            _ => reply("201 Created", "{}"),
        })
        .await;
        let receipt = put(&client(&server.url), "KEY", "value").await.unwrap();
        assert_eq!(receipt.written, Written::Created);
        assert_eq!((server.requests().len(), puts(&server)), (5, 3));
    }
}

#[tokio::test]
async fn a_put_that_is_always_reset_ends_with_its_outcome_unknown() {
    let server = Raw::start(|n| if n == 0 { key() } else { Act::Reset }).await;
    let error = put(&client(&server.url), "KEY", "value").await.unwrap_err();
    assert!(error.is_transport(), "{error:?}");
    assert_eq!(
        (error.applied(), error.attempts(), puts(&server)),
        (Applied::Unknown, 4, 4)
    );
}

#[tokio::test]
async fn a_reply_truncated_in_head_or_body_is_read_again() {
    for part in [
        "HTTP/1.1 200 O",
        "HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{\"key_id\":",
    ] {
        let server = Raw::start(move |n| match n {
            0 | 1 => Act::Partial(part.to_owned()),
            2 => key(),
            _ => reply("201 Created", "{}"),
        })
        .await;
        put(&client(&server.url), "KEY", "value").await.unwrap();
        assert_eq!(server.requests().len(), 4);
    }
}

#[tokio::test]
async fn a_403_whose_reason_was_cut_off_is_asked_again_and_is_no_missing_permission() {
    let half = "HTTP/1.1 403 Forbidden\r\ncontent-length: 90\r\n\r\n{\"message\":\"You have";
    for lasting in [1, 9] {
        let server = Raw::start(move |n| match n {
            n if n < lasting => Act::Partial(half.to_owned()),
            1 => key(),
            _ => reply("201 Created", "{}"),
        })
        .await;
        let result = put(&client(&server.url), "KEY", "value").await;
        let requests = server.requests().len();
        match result {
            Ok(_) => assert_eq!((lasting, requests), (1, 3)),
            Err(error) => {
                assert!(error.is_transport() && !error.is_permission(), "{error:?}");
                assert_eq!((lasting, requests, error.applied()), (9, 4, Applied::No));
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_hangs_or_drips_is_given_up_in_time() {
    for act in [Act::Hang, Act::Drip] {
        let server = Raw::start(move |_| act.clone()).await;
        let began = Instant::now();
        let error = put(&client_with(&server.url, hasty()), "KEY", "value")
            .await
            .unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
        assert!(
            began.elapsed() < Duration::from_secs(3),
            "{:?}",
            began.elapsed()
        );
        assert_eq!((error.applied(), server.requests().len()), (Applied::No, 4));
    }
}

#[tokio::test]
async fn the_deadline_ends_a_call_whatever_the_attempts() {
    let github = acme();
    let server = github.serve();
    github.inject(Fault::hang().always());
    let client = client_with(&server.url(), hasty().deadline(Duration::from_millis(450)));
    let began = Instant::now();
    let error = put(&client, "KEY", "value").await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert!(
        began.elapsed() < Duration::from_millis(900),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_body_without_end_is_cut_at_a_cap_and_not_asked_for_again() {
    let github = acme();
    let server = github.serve();
    github.inject(Fault::endless_body().always());
    let client = client(&server.url());
    let error = client
        .secrets(scope(octoseal_tests::ACME))
        .list()
        .all()
        .await
        .unwrap_err();
    assert!(error.is_unexpected_reply(), "{error:?}");
    assert!(error.to_string().contains("larger than any"), "{error}");
    assert_eq!(github.request_count(), 1);
    // An error's body is no different.
    let error = client.get_org_secret("acme", "MISSING").await.unwrap_err();
    assert!(error.is_not_found(), "{error:?}");
}

#[tokio::test]
async fn a_dropped_call_closes_its_connection_and_sends_nothing_more() {
    let github = acme();
    let server = github.serve();
    github.inject(Fault::hang().on("PUT").always());
    let client = client(&server.url());
    let left = tokio::time::timeout(Duration::from_millis(150), put(&client, "KEY", "value"));
    assert!(left.await.is_err());
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(github.request_count(), 2);
    // The server has gone.
    github.clear_requests();
    assert_eq!(github.most_under_way(), 0);
}

#[tokio::test]
async fn calls_one_after_another_share_a_connection() {
    let server = Raw::start(|n| {
        if n == 0 {
            key()
        } else {
            reply("201 Created", "{}")
        }
    })
    .await;
    let client = client(&server.url);
    for n in 0..20 {
        put(&client, &format!("KEY_{n}"), "value").await.unwrap();
    }
    assert_eq!(server.requests().len(), 21);
    assert_eq!(server.connections(), 1);
}
