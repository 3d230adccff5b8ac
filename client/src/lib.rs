#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod access;
#[cfg(feature = "app")]
mod app;
mod auth;
mod builder;
mod client;
mod documented;
mod error;
pub mod guide;
pub mod limits;
mod lookup;
pub mod observe;
mod operation;
mod receipt;
mod registries;
mod runtime;
mod scope;
mod secrets;
pub mod transport;
mod value;
mod wire;

pub use access::{Access, RepositoryRef, Visibility};
#[cfg(feature = "app")]
pub use app::{App, AppKey, SignatureFuture, Signer};
pub use auth::{
    AfterRefusal, Audience, EnvToken, FileToken, Token, TokenFuture, TokenRefusal, TokenSource,
};
pub use builder::ClientBuilder;
pub use client::Client;
pub use error::{Applied, Error, ErrorKind};
pub use limits::{Pacing, WaitReason};
pub use lookup::ScopeKey;
pub use octoseal_api as api;
pub use octoseal_sealing::{KeyError, PublicKey, SealedBox};
pub use operation::{OperationCall, OperationList, PageWanted, Reply};
pub use receipt::{Receipt, Written};
pub use registries::{
    CreateRegistry, CreatedRegistry, PrivateRegistries, PrivateRegistriesScope, PrivateRegistry,
    RegistryAuth, UpdateRegistry,
};
pub use runtime::RetryPolicy;
pub use scope::{
    AnyScope, EnvironmentName, EnvironmentScope, EnvironmentStore, HasEnvironment,
    HasSelectedRepositories, HasVisibility, OrganizationScope, OrganizationStore, Owner,
    RepositoryName, RepositoryScope, RepositoryStore, Scope, SecretName, SeesOrganizationSecrets,
    UserScope, UserStore,
};
pub use secrets::{
    Change, Comparison, Doubt, NewSecret, Outcome, Put, PutPlan, Repository, Secret, Secrets,
};
pub use value::{MAX_VALUE_BYTES, SecretValue};
