//! HTTP/2 over TLS, as GitHub itself is spoken to.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use octoseal::{Applied, Client, Error, Receipt, Visibility, Written, limits::Pacing};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{ACME, acme, put, scope};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::server::TlsStream;

use crate::security::{PLAINTEXT, TOKEN};
use crate::security_logs::Kept;
use crate::sockets::quick;
use crate::sockets_tls::Authority;

/// The stand-in behind TLS and HTTP/2.
struct Secure {
    github: GitHub,
    authority: Authority,
    port: u16,
    connections: Arc<AtomicUsize>,
}

/// What becomes of a connection.
#[derive(Clone, Copy)]
enum Fate {
    /// It is served.
    Lives,
    /// It is served one request at a time, each of which takes so long.
    TakesTurns(Duration),
    /// It says goodbye after so many requests, and serves those that it has.
    Leaves(usize),
    /// It falls silent after so many requests, without a word to the peer.
    Dies(usize),
}

impl Secure {
    /// Serves; the fate of a connection follows from how many came before it.
    async fn start(fate: fn(usize) -> Fate) -> Self {
        let authority = Authority::new();
        let anyone = WebPkiClientVerifier::no_client_auth();
        let mut config = authority.config("localhost", 2090, anyone);
        config.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            github: acme(),
            authority,
            port: listener.local_addr().unwrap().port(),
            connections: Arc::default(),
        };
        let (github, connections) = (server.github.clone(), server.connections.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fate = fate(connections.fetch_add(1, Ordering::SeqCst));
                if let Ok(stream) = acceptor.accept(stream).await {
                    tokio::spawn(serve(github.clone(), stream, fate));
                }
            }
        });
        server
    }

    fn client(&self) -> Client {
        let builder = Client::builder()
            .token(TOKEN)
            .root_certificates(self.authority.pem());
        builder
            .base_url(format!("https://localhost:{}", self.port))
            .pacing(Pacing::concurrency_only())
            .retry(quick().attempt_timeout(Duration::from_millis(1500)))
            .build()
            .unwrap()
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve(github: GitHub, stream: TlsStream<tokio::net::TcpStream>, fate: Fate) {
    let served = Arc::new(tokio::sync::watch::Sender::new(0));
    let mut count = served.subscribe();
    let service = service_fn(move |request: http::Request<Incoming>| {
        let (github, served) = (github.clone(), served.clone());
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            if let Fate::TakesTurns(each) = fate {
                tokio::time::sleep(each).await;
            }
            let reply = github.respond(&http::Request::from_parts(head, body));
            served.send_modify(|served| *served += 1);
            if matches!(fate, Fate::Dies(after) if *served.borrow() > after) {
                pending::<()>().await;
            }
            Ok::<_, Infallible>(reply.map(Full::new))
        }
    });
    let mut builder = http2::Builder::new(TokioExecutor::new());
    if let Fate::TakesTurns(_) = fate {
        builder.max_concurrent_streams(1);
    }
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    match fate {
        Fate::Lives | Fate::TakesTurns(_) => drop(connection.await),
        Fate::Leaves(after) => {
            tokio::select! {
                _ = &mut connection => return,
                _ = count.wait_for(|served| *served >= after) => {}
            }
            connection.as_mut().graceful_shutdown();
            drop(connection.await);
        }
        Fate::Dies(after) => {
            tokio::select! {
                _ = &mut connection => return,
                _ = count.wait_for(|served| *served > after) => {}
            }
            // Still open, and the server no longer reads it.
            pending().await
        }
    }
}

fn many(number: usize) -> impl Iterator<Item = (String, &'static str)> + Send {
    (0..number).map(|n| (format!("KEY_{n}"), PLAINTEXT))
}

/// Stores a batch in a repository and asserts that the stand-in holds all of it.
async fn store_all(server: &Secure, client: &Client, number: usize) {
    let repository = "actions:repo/acme/api";
    server
        .github
        .configure(|settings| settings.count_limits = false);
    let mut outcomes = client.secrets(scope(repository)).put_all(many(number));
    while let Some(outcome) = outcomes.next().await {
        assert!(outcome.result.is_ok(), "{outcome}");
    }
    for (name, value) in many(number) {
        assert_eq!(
            server.github.plaintext(repository, &name).unwrap(),
            value.as_bytes()
        );
    }
}

#[tokio::test]
async fn a_batch_shares_one_http2_connection() {
    let server = Secure::start(|_| Fate::Lives).await;
    store_all(&server, &server.client(), 200).await;
    assert_eq!(
        (server.connections(), server.github.request_count()),
        (1, 201)
    );
}

#[tokio::test]
async fn waiting_for_a_turn_on_a_connection_is_not_the_time_of_an_attempt() {
    let server = Secure::start(|_| Fate::TakesTurns(Duration::from_millis(40))).await;
    // 50 at once wait up to two seconds for their turn; an attempt may take 1.5 s.
    store_all(&server, &server.client(), 100).await;
    assert_eq!(
        (server.connections(), server.github.request_count()),
        (1, 101)
    );
}

#[tokio::test]
async fn waiting_for_a_turn_is_not_the_time_of_a_read_either() {
    let server = Secure::start(|_| Fate::TakesTurns(Duration::from_millis(40))).await;
    let client = server.client();
    let once = quick().attempts(1).attempt_timeout(Duration::from_secs(1));
    let once = once.retry_window(Duration::from_secs(20));
    let secrets = client.retry(once).secrets(scope(ACME));
    put(&client, "KEY", "value").await.unwrap();
    let reads = (0..60).map(|_| secrets.get("KEY"));
    let read = futures_util::future::join_all(reads).await;
    assert!(read.iter().all(Result::is_ok));
    assert_eq!(server.github.request_count(), 62);
}

/// One write by each of two clients, of which the first reads the key for both.
async fn at_once(
    first: &Client,
    second: &Client,
) -> (Result<Receipt, Error>, Result<Receipt, Error>) {
    let key = first.secrets(scope(ACME)).public_key().await.unwrap();
    let write = async |client: &Client, name| {
        let put = client.create_or_update_org_secret("acme", name);
        let put = put.encrypted_value(key.key().seal(b"value"), key.key_id());
        put.access(Visibility::All).send().await
    };
    tokio::join!(write(first, "FIRST"), write(second, "SECOND"))
}

#[tokio::test]
async fn a_write_that_never_had_its_turn_is_told_as_not_sent() {
    let server = Secure::start(|_| Fate::TakesTurns(Duration::from_millis(700))).await;
    let patient = server.client();
    let ms = Duration::from_millis;
    let hasty = Client::builder()
        .token(TOKEN)
        .base_url(format!("https://localhost:{}", server.port))
        .retry(
            quick()
                .attempts(1)
                .attempt_timeout(ms(200))
                .retry_window(ms(200)),
        )
        .share_connections_with(&patient)
        .build()
        .unwrap();
    let (first, second) = at_once(&patient, &hasty).await;
    first.unwrap();
    let error = second.unwrap_err();
    assert_eq!(error.applied(), Applied::No, "{error}");
    assert!(error.to_string().contains("turn"), "{error}");
}

#[tokio::test]
async fn a_write_that_has_its_turn_late_still_ends_by_its_deadline() {
    let server = Secure::start(|_| Fate::TakesTurns(Duration::from_millis(700))).await;
    let patient = server.client();
    let hasty = patient.deadline(Duration::from_millis(1_000));
    // The second leaves after 0.7 s, and would be answered after 1.4 s.
    let (first, second) = at_once(&patient, &hasty).await;
    first.unwrap();
    assert!(second.unwrap_err().is_timeout());
}

#[tokio::test]
async fn a_batch_survives_connections_that_say_goodbye() {
    let server = Secure::start(|_| Fate::Leaves(30)).await;
    store_all(&server, &server.client(), 200).await;
    assert!(server.connections() > 2, "{}", server.connections());
}

#[tokio::test]
async fn a_connection_that_died_without_a_word_does_not_outlive_the_attempt_that_meets_it() {
    let server = Secure::start(|n| if n == 0 { Fate::Dies(2) } else { Fate::Lives }).await;
    let client = server.client();
    assert_eq!(
        put(&client, "FIRST", "value").await.unwrap().written,
        Written::Created
    );
    // Carried out by a server that could no longer say so, and once more over another connection.
    let receipt = put(&client, "SECOND", "value").await.unwrap();
    assert_eq!(
        (receipt.written, server.connections()),
        (Written::Updated, 2)
    );
    assert_eq!(server.github.plaintext(ACME, "SECOND").unwrap(), b"value");
}

#[tokio::test]
async fn clients_of_different_tokens_share_one_connection_and_its_certificates() {
    let server = Secure::start(|_| Fate::Lives).await;
    let first = server.client();
    put(&first, "FIRST", "value").await.unwrap();
    let base = format!("https://localhost:{}", server.port);
    for n in 0..3 {
        let other = Client::builder().token(format!("token-{n}"));
        let other = other.base_url(&base).share_connections_with(&first);
        put(&other.build().unwrap(), "OTHER", "value")
            .await
            .unwrap();
    }
    assert_eq!(server.connections(), 1);
    let last = server.github.requests().pop().unwrap();
    assert_eq!(last.headers["authorization"], "Bearer token-2");

    let elsewhere = Client::builder().token("t").share_connections_with(&first);
    let error = elsewhere.clone().build().unwrap_err();
    assert!(error.to_string().contains("another server"), "{error}");
    let twice = elsewhere.base_url(base).proxy("http://127.0.0.1:9");
    assert!(twice.build().unwrap_err().is_config());
}

#[tokio::test]
async fn logs_over_http2_are_clean_at_trace_too() {
    let (kept, guard) = Kept::capture();
    let server = Secure::start(|_| Fate::Lives).await;
    let client = server.client();
    for fault in [Fault::service_unavailable(), Fault::rotated_key()] {
        server.github.inject(fault.on("PUT"));
        put(&client, "KEY", PLAINTEXT).await.unwrap();
    }
    drop(guard);
    let sent = server.github.requests().into_iter();
    let sent = sent.map(|request| String::from_utf8_lossy(&request.body).into_owned());
    kept.assert_clean(&["h2::", "Headers", "octoseal"], sent);
}
