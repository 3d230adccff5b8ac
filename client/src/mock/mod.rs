//! A stand-in for GitHub, to test against.
//!
//! [`GitHub`] holds organizations, repositories and their secrets, has a real key pair for every scope, opens what it
//! is sent and answers as GitHub does: status, body, headers and errors. Ask it which plaintext a secret now has, which
//! requests came, and let things go wrong: [`Fault`]s, [`Limits`], revoked tokens, rotated keys.
//!
//! It is mounted in two ways. In the same process it takes the network's place: no sockets, so that tests can pause
//! tokio's clock and let hours pass at once.
//!
//! ```
//! use octoseal::mock::{Fault, GitHub};
//! use octoseal::{Client, Visibility, Written};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), octoseal::Error> {
//! let github = GitHub::new();
//! let api = github.repository("acme", "api");
//! github.fault(Fault::rotated_key().on("PUT"));
//!
//! let client = Client::builder().token("any").mock(&github).build()?;
//! let written = client
//!     .create_or_update_org_secret("acme", "DEPLOY_KEY")
//!     .value("s3cret")
//!     .visibility(Visibility::Selected(vec![api]))
//!     .send()
//!     .await?;
//!
//! assert_eq!(written, Written::Created);
//! assert_eq!(github.plaintext("actions:org/acme", "DEPLOY_KEY").as_deref(), Some(&b"s3cret"[..]));
//! // The key was fetched again, and the value sealed again.
//! assert_eq!(github.requests().iter().filter(|request| request.method == "PUT").count(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! Over a socket, by [`GitHub::serve`], it is a server for clients in any language:
//!
//! ```
//! use octoseal::mock::GitHub;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), octoseal::Error> {
//! let github = GitHub::new();
//! github.seed("actions:org/acme", "DEPLOY_KEY", "s3cret").visibility("all");
//!
//! let server = github.serve();
//! let client = octoseal::Client::builder().token("any").base_url(server.url()).build()?;
//! assert_eq!(client.get_org_secret("acme", "DEPLOY_KEY").await?.name, "DEPLOY_KEY");
//! # Ok(())
//! # }
//! ```
//!
//! A scope is written as everywhere in this crate, `actions:org/acme`, `dependabot:repo/acme/api`,
//! `actions:env/acme/api/prod%2Feu`, `codespaces:user`; a [`Scope`](crate::Scope) does as well. What GitHub does where
//! nobody outside can say, or where its servers differ, is a setting: see [`Settings`].

mod access;
#[cfg(feature = "app")]
mod app;
mod delivery;
mod errors;
mod faults;
mod github;
#[cfg(feature = "app")]
mod installations;
#[cfg(feature = "app")]
mod jwt;
mod keys;
mod limits;
mod paging;
mod place;
mod recorded;
mod registries;
mod reply;
mod repositories;
mod routes;
mod sealed;
mod secrets;
mod seed;
mod server;
mod settings;
mod shown;
mod state;
mod stored;
mod stores;
mod token;
mod transport;
mod when;
mod world;

#[cfg(feature = "app")]
pub use app::App;
pub use faults::Fault;
pub use github::GitHub;
pub use limits::Limits;
pub use recorded::Recorded;
pub use seed::Seeded;
pub use server::Server;
pub use settings::{RepositoryIds, Settings, StaleKeys};
pub use stored::StoredSecret;
pub use token::Token;
