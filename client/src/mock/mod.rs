//! A stand-in for GitHub, to test against.
//!
//! [`GitHub`] holds organizations, repositories and their secrets, has a real key pair for every scope, opens what it
//! is sent and answers as GitHub does: status, body, headers and errors. Ask it which plaintext a secret now has, which
//! requests came, and let things go wrong: [`Fault`]s, [`Limits`], revoked tokens, rotated keys.
//!
//! It is mounted in two ways. In the same process it is a [`Transport`](octoseal_api::Transport): no sockets, so that
//! tests can pause tokio's clock and let hours pass at once. Over a socket, by [`GitHub::serve`], it is a server for
//! clients in any language.
//!
//! ```
//! use octoseal::mock::GitHub;
//!
//! let github = GitHub::new();
//! github.organization("acme");
//! let api = github.repository("acme", "api");
//! github.seed("actions:org/acme", "DEPLOY_KEY", "s3cret").selected([api]);
//!
//! assert_eq!(github.plaintext("actions:org/acme", "deploy_key").as_deref(), Some(&b"s3cret"[..]));
//! ```
//!
//! A scope is written as everywhere in this crate, `actions:org/acme`, `dependabot:repo/acme/api`,
//! `actions:env/acme/api/prod%2Feu`, `codespaces:user`; a [`Scope`](crate::Scope) does as well. What GitHub does where
//! nobody outside can say, or where its servers differ, is a setting: see [`Settings`].

mod access;
#[cfg(feature = "app")]
mod app;
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
