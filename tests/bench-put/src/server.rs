//! The stand-in behind TLS, in threads of the process that measures, not in one that is measured.

use std::convert::Infallible;
use std::io::Write as _;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use octoseal_mock::GitHub;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::NamedTempFile;
use tokio_rustls::TlsAcceptor;

use crate::BoxError;

pub struct Server {
    pub url: String,
    /// A file with what clients are to trust.
    pub certificate: NamedTempFile,
    github: GitHub,
    latency: Arc<Mutex<Duration>>,
}

impl Server {
    pub fn start() -> Result<Self, BoxError> {
        let github = GitHub::new();
        github.add_organization("acme");
        github.set_limits(None);
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let mut certificate = NamedTempFile::new()?;
        certificate.write_all(pair.cert.pem().as_bytes())?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::try_from(pair.signing_key.serialize_der())?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![pair.cert.der().clone()], key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];

        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let server = Self {
            url: format!("https://localhost:{}", listener.local_addr()?.port()),
            certificate,
            github,
            latency: Arc::default(),
        };
        let (github, latency) = (server.github.clone(), server.latency.clone());
        std::thread::spawn(move || serve(listener, config, github, latency));
        Ok(server)
    }

    pub fn latency(&self, latency: Duration) {
        *self.latency.lock().expect("not poisoned") = latency;
    }

    /// How many secrets there are.
    pub fn stored(&self) -> usize {
        self.github.secrets("actions:org/acme").len()
    }

    /// Begins anew, with no secrets.
    pub fn forget(&self) {
        self.github.delete_organization("acme");
        self.github.add_organization("acme");
    }
}

#[tokio::main]
async fn serve(
    listener: TcpListener,
    config: ServerConfig,
    github: GitHub,
    latency: Arc<Mutex<Duration>>,
) {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::from_std(listener).expect("within a runtime");
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, github, latency) = (acceptor.clone(), github.clone(), latency.clone());
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let answer = service_fn(|request| answer(github.clone(), latency.clone(), request));
            let http = auto::Builder::new(TokioExecutor::new());
            let _ = http.serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

async fn answer(
    github: GitHub,
    latency: Arc<Mutex<Duration>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let latency = *latency.lock().expect("not poisoned");
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes());
    let request = Request::from_parts(parts, body.unwrap_or_default());
    tokio::time::sleep(latency).await;
    Ok(github.respond(&request).map(Full::new))
}
