//! Transports, which take a finished request and give the reply: for tests, and for layers between a service and GitHub.
//!
//! The client's own [`Transport`] uses sockets. [`ClientBuilder::transport`](crate::ClientBuilder::transport) replaces it,
//! and [`ClientBuilder::layer`](crate::ClientBuilder::layer) wraps it. Limits, retries, tokens and sealing stay in the
//! client: a transport sees every attempt, and the sealed value, never the plaintext.
//!
//! A transport does not retry, follow redirects or wait: it gives one reply, or a [`TransportError`] whose kind says what
//! failed and whether the request may have been carried out. The client decides about the rest.
//!
//! | [`TransportErrorKind`] | the client tries again | [`Error::applied`](crate::Error::applied) of a write |
//! |---|---|---|
//! | `Request` | no | `No` |
//! | `Certificate` | no | `No` |
//! | `Connect` | yes | `No` |
//! | `Timeout`, `Broken` | yes | `Unknown`, unless [unsent](TransportError::unsent) |
//!
//! # A fake GitHub
//! Any function from a request to a future is a transport. (The crate `octoseal-mock` has a GitHub with keys, errors and
//! limits, which is a transport as well.)
//!
//! ```
//! use http::{Request, Response};
//! use octoseal::Client;
//! use octoseal::transport::Bytes;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), octoseal::Error> {
//! let fake = |request: Request<Bytes>| async move {
//!     let (status, body) = match request.uri().path() {
//!         "/orgs/acme/actions/secrets" => (200, r#"{"total_count":0,"secrets":[]}"#),
//!         _ => (404, r#"{"message":"Not Found"}"#),
//!     };
//!     Ok(Response::builder().status(status).body(body.into())?)
//! };
//!
//! let github = Client::builder().token("any").transport(fake).build()?;
//! assert!(github.list_org_secrets("acme").await?.is_empty());
//! assert!(github.get_org_secret("acme", "KEY").await.unwrap_err().is_not_found());
//! # Ok(())
//! # }
//! ```
//!
//! # An additional header
//! ```
//! use std::sync::Arc;
//!
//! use http::{HeaderValue, Request};
//! use octoseal::Client;
//! use octoseal::transport::{Bytes, Transport, TransportFuture};
//! # use octoseal_mock::GitHub;
//!
//! struct Traced(Arc<dyn Transport>);
//!
//! impl Transport for Traced {
//!     fn send(&self, mut request: Request<Bytes>) -> TransportFuture<'_> {
//!         let header = HeaderValue::from_static("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
//!         request.headers_mut().insert("traceparent", header);
//!         self.0.send(request)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), octoseal::Error> {
//! let builder = Client::builder().token("any").layer(Traced);
//! # let stand_in = GitHub::new();
//! # stand_in.add_organization("acme");
//! # let github = builder.transport(stand_in.clone()).build()?;
//! # github.list_org_secrets("acme").await?;
//! # assert!(stand_in.requests()[0].headers.contains_key("traceparent"));
//! # Ok(())
//! # }
//! ```
//!
//! # An audit of requests
//! Each attempt is noted when the head of its reply is there. `Authorization` is marked sensitive, so that `Debug` does not
//! show it.
//!
//! ```
//! use std::sync::{Arc, Mutex};
//!
//! use http::Request;
//! use octoseal::{Client, Visibility};
//! use octoseal::transport::{Bytes, Transport, TransportFuture};
//! # use octoseal_mock::{Fault, GitHub};
//!
//! type Entries = Arc<Mutex<Vec<String>>>;
//!
//! struct Audited {
//!     entries: Entries,
//!     inner: Arc<dyn Transport>,
//! }
//!
//! impl Transport for Audited {
//!     fn send(&self, request: Request<Bytes>) -> TransportFuture<'_> {
//!         let asked = format!("{} {} {:?}", request.method(), request.uri().path(), request.headers()["authorization"]);
//!         Box::pin(async move {
//!             let reply = self.inner.send(request).await;
//!             let came = match &reply {
//!                 Ok(reply) => reply.status().to_string(),
//!                 Err(error) => error.to_string(),
//!             };
//!             self.entries.lock().unwrap().push(format!("{asked}: {came}"));
//!             reply
//!         })
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), octoseal::Error> {
//! let entries = Entries::default();
//! let audit = entries.clone();
//! let builder = Client::builder().token("s3cret").layer(move |inner| Audited { entries: audit.clone(), inner });
//! # let stand_in = GitHub::new();
//! # stand_in.add_organization("acme");
//! # stand_in.inject(Fault::unicorn().on("PUT"));
//! # let github = builder.transport(stand_in).build()?;
//! let put = github.create_or_update_org_secret("acme", "KEY").value("v").access(Visibility::All);
//! put.send().await?;
//!
//! // The second request was answered 502, and repeated.
//! assert_eq!(*entries.lock().unwrap(), [
//!     "GET /orgs/acme/actions/secrets/public-key Sensitive: 200 OK",
//!     "PUT /orgs/acme/actions/secrets/KEY Sensitive: 502 Bad Gateway",
//!     "PUT /orgs/acme/actions/secrets/KEY Sensitive: 201 Created",
//! ]);
//! # Ok(())
//! # }
//! ```
//!
//! # Record and replay
//! A recorder sends by another transport and keeps each reply; a replay gives the replies out again. Sealed values differ
//! each time, so requests are compared by method and address, not by their bodies.
//!
//! ```
//! use std::collections::HashMap;
//! use std::sync::{Arc, Mutex};
//!
//! use http::{Method, Request, Response, Uri};
//! use octoseal::Client;
//! use octoseal::transport::{Bytes, Transport, TransportError, TransportErrorKind, TransportFuture};
//! # use octoseal_mock::GitHub;
//!
//! type Tape = Arc<Mutex<HashMap<(Method, Uri), Response<Bytes>>>>;
//!
//! struct Recorder {
//!     tape: Tape,
//!     inner: Arc<dyn Transport>,
//! }
//!
//! impl Transport for Recorder {
//!     fn send(&self, request: Request<Bytes>) -> TransportFuture<'_> {
//!         Box::pin(async move {
//!             let key = (request.method().clone(), request.uri().clone());
//!             let (head, body) = self.inner.send(request).await?.into_parts();
//!             let reply = Response::from_parts(head, body.bytes().await?);
//!             self.tape.lock().unwrap().insert(key, reply.clone());
//!             Ok(reply.map(Into::into))
//!         })
//!     }
//! }
//!
//! struct Replay(Tape);
//!
//! impl Transport for Replay {
//!     fn send(&self, request: Request<Bytes>) -> TransportFuture<'_> {
//!         let recorded = self.0.lock().unwrap().get(&(request.method().clone(), request.uri().clone())).cloned();
//!         let reply = recorded.map(|reply| reply.map(Into::into));
//!         let missing = || TransportError::new(TransportErrorKind::Request, "not on the tape");
//!         Box::pin(async move { reply.ok_or_else(missing) })
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), octoseal::Error> {
//! let tape = Tape::default();
//! let recording = tape.clone();
//! let builder = Client::builder().token("any").layer(move |inner| Recorder { tape: recording.clone(), inner });
//! # let stand_in = GitHub::new();
//! # stand_in.seed("actions:org/acme", "KEY", "v");
//! # let live = builder.transport(stand_in).build()?;
//! live.get_org_secret("acme", "KEY").await?;
//!
//! let replayed = Client::builder().token("none").transport(Replay(tape)).build()?;
//! assert_eq!(replayed.get_org_secret("acme", "KEY").await?.name, "KEY");
//! assert!(replayed.get_org_secret("acme", "OTHER").await.is_err());
//! # Ok(())
//! # }
//! ```

pub use bytes::Bytes;
pub use octoseal_api::{Body, Transport, TransportError, TransportErrorKind, TransportFuture};
