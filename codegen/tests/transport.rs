//! Transports of one's own, beneath the generated calls.

use std::error::Error as _;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Limited};
use octoseal_api::stores::{OrganizationStore, Scope};
use octoseal_api::{
    Body, Context, Error, Network, Transport, TransportError, TransportErrorKind, client,
};
use reqwest::header::HeaderValue;

const ACME: Scope<'_> = Scope::Organization {
    store: OrganizationStore::Actions,
    org: "acme",
};

fn client_of(transport: impl Transport + 'static) -> octoseal_api::Client {
    let context = Context::new(
        reqwest::Client::new(),
        Arc::new(transport),
        HeaderValue::from_static("test/1"),
    );
    client("https://api.example", context)
}

/// What a call says whose transport fails so.
async fn failed(error: TransportError) -> TransportError {
    let calls = client_of(move |_: Request<Bytes>| {
        let error = error.clone();
        async move { Err(error) }
    });
    match calls.delete_secret(ACME, "NAME").await {
        Err(Error::NoReply(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_a_transport_says_of_its_failure_reaches_the_caller_whole() {
    use TransportErrorKind::{Broken, Certificate, Connect, Request, Timeout};
    for (kind, sent) in [
        (Request, false),
        (Connect, false),
        (Certificate, false),
        (Timeout, true),
        (Broken, true),
    ] {
        let error = failed(TransportError::new(kind, "the reason")).await;
        assert_eq!((error.kind(), error.may_have_been_sent()), (kind, sent));
        assert_eq!(error.source().unwrap().to_string(), "the reason");
        let error = failed(TransportError::new(kind, "the reason").unsent()).await;
        assert!(!error.may_have_been_sent(), "{kind:?}");
    }
}

#[tokio::test]
async fn the_outermost_of_several_transports_decides_what_failed() {
    let inner = TransportError::new(TransportErrorKind::Broken, "cut");
    let outer = failed(TransportError::new(TransportErrorKind::Timeout, inner)).await;
    assert_eq!(outer.kind(), TransportErrorKind::Timeout);
}

#[tokio::test]
async fn a_refused_connection_is_told_as_such_and_without_the_address() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let network = Network::new(reqwest::Client::new());
    let context = Context::new(
        reqwest::Client::new(),
        Arc::new(network),
        HeaderValue::from_static("test/1"),
    );
    match client(&url, context).delete_secret(ACME, "NAME").await {
        Err(Error::NoReply(error)) => {
            assert_eq!(error.kind(), TransportErrorKind::Connect);
            assert!(!error.may_have_been_sent());
            assert!(!format!("{error:?}").contains("NAME"), "{error:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_request_that_can_not_be_built_was_not_sent() {
    let context = Context::new(
        reqwest::Client::new(),
        Arc::new(|_: Request<Bytes>| async { Ok(Response::new("{}".into())) }),
        HeaderValue::from_static("test/1"),
    );
    match client("not an address", context)
        .delete_secret(ACME, "NAME")
        .await
    {
        Err(Error::NoReply(error)) => {
            assert_eq!(error.kind(), TransportErrorKind::Request);
            assert!(!error.may_have_been_sent());
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_body_is_read_piece_by_piece_and_its_failure_keeps_its_cause() {
    let calls = client_of(|_: Request<Bytes>| async {
        // More than any reader takes, so that reading it whole would be noticed.
        let endless = http_body_util::StreamBody::new(futures_util::stream::repeat_with(|| {
            Ok::<_, TransportError>(http_body::Frame::data(Bytes::from_static(&[b' '; 1_024])))
        }));
        Ok(Response::new(Body::wrap(Limited::new(
            Body::wrap(endless),
            10_000,
        ))))
    });
    match calls.get_secret(ACME, "NAME").await {
        Err(Error::BrokenReply(error)) => {
            let mut causes = std::iter::successors(error.source(), |&error| error.source());
            assert!(causes.any(|error| error.is::<http_body_util::LengthLimitError>()));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_transport_can_go_on_to_another_and_reads_its_reply() {
    let inner: Arc<dyn Transport> = Arc::new(|request: Request<Bytes>| async move {
        assert!(request.headers()["authorization"].is_sensitive());
        Response::builder()
            .status(204)
            .body(Body::default())
            .map_err(Into::into)
    });
    let calls = {
        let inner = inner.clone();
        move |request: Request<Bytes>| {
            let inner = inner.clone();
            async move {
                let reply = inner.send(request).await?;
                let (head, body) = reply.into_parts();
                let read = body.collect().await?.to_bytes();
                Ok(Response::from_parts(head, read.into()))
            }
        }
    };
    let context = Context::new(
        reqwest::Client::new(),
        Arc::new(calls),
        HeaderValue::from_static("test/1"),
    )
    .with_authorization(HeaderValue::from_static("Bearer s3cret"));
    let reply = client("https://api.example", context)
        .delete_secret(ACME, "NAME")
        .await;
    assert_eq!(reply.unwrap().status(), 204);
}

/// Answers after an hour.
struct Slow;

impl Transport for Slow {
    fn send(&self, _: Request<Bytes>) -> octoseal_api::TransportFuture<'_> {
        Box::pin(async {
            tokio::time::sleep(std::time::Duration::from_secs(3_600)).await;
            Ok(Response::builder().status(204).body("".into()).unwrap())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn the_generated_client_ends_no_call_whichever_way_it_is_made() {
    let agent = HeaderValue::from_static("test/1");
    let context = Context::new(reqwest::Client::new(), Arc::new(Slow), agent);
    for slow in [
        client("https://api.example", context.clone()),
        octoseal_api::Client::new("https://api.example", context),
    ] {
        slow.delete_secret(ACME, "A").await.unwrap();
    }
}
