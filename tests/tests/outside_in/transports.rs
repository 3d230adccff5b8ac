//! Transports of the caller's: what they say of a failure decides, and layers see what travels.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{future, stream};
use http::{Request, Response};
use http_body_util::StreamBody;
use hyper::body::Frame;
use octoseal::transport::{
    Body, Bytes, Transport, TransportError, TransportErrorKind, TransportFuture,
};
use octoseal::{Applied, Client, RetryPolicy};
use octoseal_tests::{acme, builder, put};

/// Gives the key, and fails every write so; `requests` counts them all.
struct Failing {
    error: TransportError,
    requests: Arc<Mutex<u32>>,
}

impl Transport for Failing {
    fn send(&self, request: Request<Bytes>) -> TransportFuture<'_> {
        *self.requests.lock().unwrap() += 1;
        let outcome = if request.method() == "GET" {
            let key = r#"{"key_id":"1","key":"2Sg8iYjAxxmI2LvUXpJjkYrMxURPc8r+dB7TJyvvcCU="}"#;
            Ok(Response::new(key.into()))
        } else {
            Err(self.error.clone())
        };
        Box::pin(async { outcome })
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_transport_says_of_its_failure_decides_about_retries_and_what_was_stored() {
    use TransportErrorKind::{Broken, Certificate, Connect, Request, Timeout};
    for (kind, attempts, stored) in [
        (Request, 1, Applied::No),
        (Certificate, 1, Applied::No),
        (Connect, 5, Applied::No),
        (Timeout, 5, Applied::Unknown),
        (Broken, 5, Applied::Unknown),
    ] {
        let requests = Arc::default();
        let failing = Failing {
            error: TransportError::new(kind, "the reason"),
            requests: Arc::clone(&requests),
        };
        let client = Client::builder()
            .token("t")
            .transport(failing)
            .build()
            .unwrap();
        let error = put(&client, "KEY", "value").await.unwrap_err();
        assert_eq!(
            (error.attempts(), error.applied()),
            (attempts, stored),
            "{kind:?}"
        );
        assert_eq!(*requests.lock().unwrap(), attempts + 1);
        assert_eq!(error.is_tls(), kind == Certificate, "{error:?}");
        assert_eq!(error.is_timeout(), kind == Timeout, "{error:?}");
        let causes =
            std::iter::successors(std::error::Error::source(&error), |&error| error.source());
        assert!(
            causes.last().unwrap().to_string() == "the reason",
            "{error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_surely_was_not_sent_is_not_stored_though_the_connection_broke() {
    let failing = Failing {
        error: TransportError::new(TransportErrorKind::Broken, "refused stream").unsent(),
        requests: Arc::default(),
    };
    let client = Client::builder()
        .token("t")
        .transport(failing)
        .build()
        .unwrap();
    let error = put(&client, "KEY", "value").await.unwrap_err();
    assert_eq!((error.attempts(), error.applied()), (5, Applied::No));
}

/// Notes who it is as a request passes, and goes on.
struct Noted(
    &'static str,
    Arc<Mutex<Vec<&'static str>>>,
    Arc<dyn Transport>,
);

impl Transport for Noted {
    fn send(&self, request: Request<Bytes>) -> TransportFuture<'_> {
        assert!(request.headers()["authorization"].is_sensitive());
        self.1.lock().unwrap().push(self.0);
        self.2.send(request)
    }
}

#[tokio::test]
async fn the_layer_that_was_added_last_is_the_outermost_and_the_tokens_mark_stays() {
    let github = acme();
    let passed = Arc::<Mutex<Vec<_>>>::default();
    let (first, second) = (passed.clone(), passed.clone());
    let client = builder(&github)
        .layer(move |inner| Noted("first", first.clone(), inner))
        .layer(move |inner| Noted("second", second.clone(), inner))
        .build()
        .unwrap();
    client.list_org_secrets("acme").await.unwrap();
    assert_eq!(*passed.lock().unwrap(), ["second", "first"]);
    assert_eq!(github.request_count(), 1);
}

#[tokio::test]
async fn a_layer_sees_what_leaves_over_sockets_too() {
    let github = acme();
    let server = github.serve();
    let passed = Arc::<Mutex<Vec<_>>>::default();
    let seen = passed.clone();
    let client = Client::builder()
        .token("t")
        .base_url(server.url())
        .layer(move |inner| Noted("seen", seen.clone(), inner))
        .build()
        .unwrap();
    client.list_org_secrets("acme").await.unwrap();
    assert_eq!(*passed.lock().unwrap(), ["seen"]);
}

/// Sends every request to the server with this address.
struct Moved(http::Uri, Arc<dyn Transport>);

impl Transport for Moved {
    fn send(&self, mut request: Request<Bytes>) -> TransportFuture<'_> {
        let mut parts = request.uri().clone().into_parts();
        parts.authority = self.0.authority().cloned();
        *request.uri_mut() = http::Uri::from_parts(parts).unwrap();
        self.1.send(request)
    }
}

#[tokio::test]
async fn a_request_goes_over_sockets_where_a_layer_sends_it() {
    let (named, other) = (acme(), acme());
    let (server, other_server) = (named.serve(), other.serve());
    let address: http::Uri = other_server.url().parse().unwrap();
    let client = Client::builder()
        .token("t")
        .base_url(server.url())
        .layer(move |inner| Moved(address.clone(), inner))
        .build()
        .unwrap();
    client.list_org_secrets("acme").await.unwrap();
    assert_eq!((named.request_count(), other.request_count()), (0, 1));
}

/// Gives lists of fifteen pieces of 1 MiB each, and counts the bytes of those that are being read. Everything else is
/// answered by GitHub.
#[derive(Clone, Default)]
struct Large {
    status: http::StatusCode,
    under_way: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

const PIECE: usize = 1024 * 1024;

/// What has arrived of one reply.
struct Arrived(Large, usize);

impl Drop for Arrived {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(self.1, Ordering::Relaxed);
    }
}

impl Transport for Large {
    fn send(&self, request: Request<Bytes>) -> TransportFuture<'_> {
        if !request.uri().path().ends_with("/actions/secrets") {
            return Box::pin(async move { acme().send(request).await });
        }
        let pieces = stream::unfold(Arrived(self.clone(), 0), |mut arrived| async move {
            if arrived.1 == 15 * PIECE {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            arrived.1 += PIECE;
            let Large {
                under_way, most, ..
            } = &arrived.0;
            let now = under_way.fetch_add(PIECE, Ordering::Relaxed) + PIECE;
            most.fetch_max(now, Ordering::Relaxed);
            let piece = Frame::data(Bytes::from(vec![b' '; PIECE]));
            Some((Ok::<_, std::io::Error>(piece), arrived))
        });
        let body = Body::wrap(StreamBody::new(pieces));
        let mut reply = Response::new(body);
        *reply.status_mut() = self.status;
        Box::pin(async { Ok(reply) })
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_large_error_no_more_is_read_than_its_first_piece() {
    let large = Large {
        status: http::StatusCode::FORBIDDEN,
        ..Large::default()
    };
    let client = Client::builder().token("t").transport(large.clone());
    let client = client.build().unwrap();
    let lists = (0..50).map(|_| client.list_org_secrets("acme"));
    let lists = future::join_all(lists).await;
    assert!(lists.iter().all(Result::is_err));
    let most = large.most.load(Ordering::Relaxed) / PIECE;
    assert!((1..=50).contains(&most), "{most} MiB");
}

#[tokio::test(start_paused = true)]
async fn all_replies_under_way_together_are_bounded_and_one_alone_may_be_large() {
    let large = Large::default();
    let client = Client::builder()
        .token("t")
        .transport(large.clone())
        .retry(RetryPolicy::default().attempts(1))
        .build()
        .unwrap();
    // GitHub accepts the token. Until then, requests with it go one at a time.
    let error = client.get_org_secret("acme", "KEY").await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    let most = || large.most.load(Ordering::Relaxed) / PIECE;
    let error = client.list_org_secrets("acme").await.unwrap_err();
    assert!(error.is_unexpected_reply(), "{error}");
    assert_eq!(most(), 15);
    let lists = (0..50).map(|_| client.list_org_secrets("acme"));
    let lists = future::join_all(lists).await;
    assert!(lists.iter().all(Result::is_err));
    assert!((60..=64 + 50).contains(&most()), "{} MiB", most());
    assert_eq!(large.under_way.load(Ordering::Relaxed), 0);
    client.list_org_secrets("acme").await.unwrap_err();
}
