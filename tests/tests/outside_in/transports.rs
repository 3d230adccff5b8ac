//! Transports of the caller's: what they say of a failure decides, and layers see what travels.

use std::sync::{Arc, Mutex};

use http::{Request, Response};
use octoseal::transport::{Bytes, Transport, TransportError, TransportErrorKind, TransportFuture};
use octoseal::{Applied, Client};
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
