#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod access;
#[cfg(feature = "app")]
mod app;
mod commands;
mod delivery;
mod errors;
mod fault_text;
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
mod text;
mod token;
mod transport;
mod when;
mod world;

#[cfg(feature = "app")]
pub use app::App;
#[doc(hidden)]
pub use commands::COMMANDS;
pub use faults::Fault;
pub use github::GitHub;
pub use limits::Limits;
pub use place::Scope;
pub use recorded::Recorded;
pub use seed::Seeded;
pub use server::Server;
pub use settings::{RepositoryIds, Settings, StaleKeys};
pub use stored::StoredSecret;
pub use text::TextError;
pub use token::Token;
