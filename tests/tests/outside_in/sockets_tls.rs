//! TLS that can't be trusted: one connection, no retry, and nothing said to the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use octoseal::{Applied, Client, ClientBuilder, Error};
use octoseal_tests::{Rerun, acme, client, put};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::sockets::quick;

/// An authority of our own.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// Serves TLS with a certificate for `name`, valid until the end of `year`.
    async fn serve(&self, name: &str, year: i32) -> Tls {
        self.serve_to(name, year, WebPkiClientVerifier::no_client_auth())
            .await
    }

    /// The same, for clients alone that have a certificate of this authority.
    async fn serve_members(&self, name: &str, year: i32) -> Tls {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder(Arc::new(roots))
            .build()
            .unwrap();
        self.serve_to(name, year, verifier).await
    }

    /// What a client has to trust.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// TLS with a certificate for `name`, valid until the end of `year`.
    pub(crate) fn config(
        &self,
        name: &str,
        year: i32,
        clients: Arc<dyn ClientCertVerifier>,
    ) -> ServerConfig {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 12, 31);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        ServerConfig::builder()
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }

    async fn serve_to(&self, name: &str, year: i32, clients: Arc<dyn ClientCertVerifier>) -> Tls {
        let config = self.config(name, year, clients);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Tls {
            port: listener.local_addr().unwrap().port(),
            connections: Arc::default(),
            bytes: Arc::default(),
        };
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (connections, bytes) = (server.connections.clone(), server.bytes.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let mut piece = [0; 4096];
                    let read = stream.read(&mut piece).await.unwrap_or_default();
                    bytes.fetch_add(read, Ordering::SeqCst);
                }
            }
        });
        server
    }
}

struct Tls {
    port: u16,
    connections: Arc<AtomicUsize>,
    /// What arrived inside of TLS.
    bytes: Arc<AtomicUsize>,
}

impl Tls {
    fn client(&self) -> ClientBuilder {
        Client::builder()
            .token("test-token")
            .base_url(format!("https://localhost:{}", self.port))
            .retry(quick())
    }

    /// Asserts that the client did not trust the server, did not ask twice and said nothing.
    async fn assert_refused(&self, builder: ClientBuilder) -> Error {
        let error = put(&builder.build().unwrap(), "KEY", "value")
            .await
            .unwrap_err();
        assert!(error.is_tls() && error.is_transport(), "{error:?}");
        assert_eq!((error.attempts(), error.applied()), (1, Applied::No));
        assert_eq!(self.connections.load(Ordering::SeqCst), 1);
        assert_eq!(self.bytes.load(Ordering::SeqCst), 0);
        error
    }
}

#[tokio::test]
async fn a_certificate_of_an_unknown_issuer_is_refused_without_a_retry() {
    let server = Authority::new().serve("localhost", 2090).await;
    let error = server.assert_refused(server.client()).await;
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused_without_a_retry() {
    let authority = Authority::new();
    let server = authority.serve("api.github.com", 2090).await;
    let trusting = server.client().root_certificates(authority.pem());
    server.assert_refused(trusting).await;
}

#[tokio::test]
async fn an_expired_certificate_is_refused_without_a_retry() {
    let authority = Authority::new();
    let server = authority.serve("localhost", 2021).await;
    let trusting = server.client().root_certificates(authority.pem());
    server.assert_refused(trusting).await;
}

#[tokio::test]
async fn the_same_authority_is_trusted_for_the_right_host_in_time() {
    let authority = Authority::new();
    let server = authority.serve("localhost", 2090).await;
    let trusting = server.client().root_certificates(authority.pem());
    let error = put(&trusting.build().unwrap(), "KEY", "value")
        .await
        .unwrap_err();
    // It hangs up after the first bytes, which shows that it was trusted with them.
    assert!(!error.is_tls(), "{error:?}");
    assert!(server.bytes.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn what_is_no_tls_is_tried_again_as_any_failed_connection_and_named_at_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            let _ = stream.read(&mut [0; 4096]).await;
        }
    });
    let url = format!("https://localhost:{port}");
    let builder = Client::builder().token("test-token").base_url(url);
    let client = builder.retry(quick()).build().unwrap();
    let error = put(&client, "KEY", "value").await.unwrap_err();
    assert!(error.is_transport() && !error.is_tls(), "{error:?}");
    assert_eq!((error.attempts(), error.applied()), (4, Applied::No));
    let told = error.to_string();
    assert!(told.contains(&format!("localhost:{port}")), "{told}");
    assert!(told.contains("check the port and the scheme"), "{told}");
    assert!(!told.contains("certificate"), "{told}");
}

/// Calls a server that answers each greeting with this alert, of this level, and counts its connections.
async fn alerted(level: u8, alert: u8) -> (Error, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(&[21, 3, 3, 0, 2, level, alert]).await;
        }
    });
    let builder = Client::builder().token("test-token").base_url(url);
    let client = builder.retry(quick()).build().unwrap();
    let error = put(&client, "KEY", "value").await.unwrap_err();
    (error, connections.load(Ordering::SeqCst))
}

#[tokio::test]
async fn an_alert_of_the_other_side_is_tried_again_and_not_blamed_on_the_certificate() {
    let (warning, fatal) = (1, 2);
    let (close_notify, handshake_failure, internal_error) = (0, 40, 80);
    for (level, alert) in [
        (warning, close_notify),
        (fatal, handshake_failure),
        (fatal, internal_error),
    ] {
        let (error, connections) = alerted(level, alert).await;
        assert!(error.is_transport() && !error.is_tls(), "{alert}: {error}");
        assert_eq!(connections, 4, "{alert}: {error}");
        assert_eq!(error.applied(), Applied::No);
        assert!(!error.to_string().contains("certificate"), "{error}");
    }
}

#[tokio::test]
async fn a_client_certificate_is_presented_to_a_server_that_asks_for_one() {
    let authority = Authority::new();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["rotation-service".to_owned()]).unwrap();
    let member = params.signed_by(&key, &authority.0).unwrap();
    for (presented, heard) in [(true, true), (false, false)] {
        let server = authority.serve_members("localhost", 2090).await;
        let mut builder = server.client().root_certificates(authority.pem());
        if presented {
            builder = builder.client_certificate(member.pem(), key.serialize_pem().into_bytes());
        }
        put(&builder.build().unwrap(), "KEY", "value")
            .await
            .unwrap_err();
        assert_eq!(server.bytes.load(Ordering::SeqCst) > 0, heard);
    }
}

#[tokio::test]
async fn where_the_platform_has_no_certificates_all_works_that_needs_none_and_the_rest_is_an_error_of_build()
 {
    if !Rerun::is_this() {
        let test = "sockets_tls::where_the_platform_has_no_certificates_all_works_that_needs_none_and_the_rest_is_an_error_of_build";
        let again = Rerun::of(test).with("SSL_CERT_FILE", "/nothing/here");
        return again.with("SSL_CERT_DIR", "/nothing/there").passes().await;
    }
    // A stand-in in this process, and plain http.
    put(&client(&acme()), "KEY", "value").await.unwrap();
    let plain = Client::builder().token("t").base_url("http://127.0.0.1:9");
    let plain = plain.retry(quick()).build().unwrap();
    let error = put(&plain, "KEY", "value").await.unwrap_err();
    assert!(error.is_transport(), "{error:?}");

    // TLS with roots of one's own.
    let authority = Authority::new();
    let server = authority.serve("localhost", 2090).await;
    let trusting = server.client().root_certificates(authority.pem());
    let error = put(&trusting.build().unwrap(), "KEY", "value").await;
    assert!(!error.unwrap_err().is_tls());
    assert!(server.bytes.load(Ordering::SeqCst) > 0);

    // TLS without any.
    let error = server.client().build().unwrap_err();
    assert!(error.is_config(), "{error:?}");
    assert!(error.to_string().contains("root_certificates"), "{error}");
}
