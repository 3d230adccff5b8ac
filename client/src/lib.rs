#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

#[cfg(feature = "app")]
mod app;
mod builder;
mod call;
mod client;
mod described;
mod documented;
mod error;
mod gate;
pub mod guide;
mod headers;
mod keys;
#[cfg(doctest)]
mod lacking;
mod many;
mod memory;
#[cfg(feature = "mock")]
pub mod mock;
mod names;
mod pacing;
mod paging;
mod put;
mod reply;
octoseal_api::if_private_registries! {
    mod registries;
    pub use registries::{
        CreateRegistry, PrivateRegistries, PrivateRegistriesScope, PrivateRegistry, RegistryAuth, UpdateRegistry,
    };
}
mod repositories;
mod retry;
mod scope;
mod secrets;
mod server;
mod sockets;
mod sources;
mod text;
mod token;
mod value;
mod visibility;
mod wire;
mod wording;

#[cfg(feature = "app")]
pub use app::{App, AppKey};
pub use builder::ClientBuilder;
pub use client::{Client, Wait};
pub use error::{Error, Stored};
pub use gate::WaitReason;
pub use keys::ScopeKey;
pub use many::{NewSecret, Outcome};
pub use names::{EnvironmentName, Owner, RepositoryName, SecretName};
pub use octoseal_sealing::{KeyError, PublicKey, SealedBox};
pub use pacing::Pacing;
pub use put::{Put, Written};
pub use retry::RetryPolicy;
pub use scope::{
    AnyScope, EnvironmentScope, EnvironmentStore, HasSelectedRepositories, HasVisibility,
    OrganizationScope, OrganizationStore, RepositoryScope, RepositoryStore, Scope,
    SeesOrganizationSecrets, UserScope, UserStore,
};
pub use secrets::{Repository, Secret, Secrets};
pub use sources::{EnvironmentToken, FileToken};
pub use token::{AfterRefusal, Audience, Token, TokenFuture, TokenRefusal, TokenSource};
pub use value::{MAX_VALUE_BYTES, SecretValue};
pub use visibility::{Access, RepositoryRef, Visibility};
