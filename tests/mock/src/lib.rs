#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod access;
mod answer;
mod faults;
mod github;
mod mount;
mod settings;
mod text;
mod traffic;
mod when;
mod world;

#[cfg(feature = "app")]
pub use access::app::App;
pub use access::token::Token;
pub use faults::{Fault, Policy};
pub use github::GitHub;
pub use mount::server::Server;
pub use settings::{RepositoryIds, Settings, StaleKeys};
pub use text::TextError;
#[doc(hidden)]
pub use text::commands::COMMANDS;
pub use traffic::identity::Identity;
pub use traffic::limits::{ExceededLimit, Limits, Usage};
pub use traffic::recorded::Recorded;
pub use world::place::Scope;
pub use world::seed::SecretEditor;
pub use world::stored::StoredSecret;
