#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod access;
#[cfg(feature = "app")]
pub mod app;
pub mod auth;
mod builder;
mod client;
mod documented;
mod error;
pub mod guide;
pub mod limits;
mod lookup;
pub mod observe;
pub mod operation;
mod receipt;
pub mod registries;
mod runtime;
pub mod scope;
pub mod secrets;
pub mod transport;
mod value;
mod wire;

pub use access::{Access, RepositoryRef, Visibility};
pub use builder::ClientBuilder;
pub use client::Client;
pub use error::{Applied, Error, ErrorKind};
pub use octoseal_api as api;
pub use receipt::{Receipt, Written};
pub use runtime::RetryPolicy;
pub use runtime::list::List;
pub use scope::any::Scope;
pub use value::SecretValue;

/// Public keys, and boxes that only GitHub opens; for values that are sealed apart from being stored.
pub mod sealing {
    pub use octoseal_sealing::{KeyError, PublicKey, SealedBox};

    pub use crate::lookup::ScopeKey;
}
