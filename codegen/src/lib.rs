//! The low-level client beneath `octoseal`: one method for each of GitHub's operations on sealed
//! secrets and on variables, generated from GitHub's own description, and [`stores`], the calls on
//! secrets over every store and scope.
//!
//! It seals nothing, retries nothing and checks no names: `octoseal` does. A piece of a path that
//! is `.`, `..` or empty would lead elsewhere, so check names before a call.
//!
//! Replies that the description does not declare, errors above all, arrive as
//! [`Error::UnexpectedResponse`], complete and unread. A reply may lack what the description requires,
//! and may bring what the description lacks. What it can't do without is required here; if that is
//! missing, [`Error::InvalidResponsePayload`] names the field, without the body. Only the body of a
//! reply that is not JSON at all is in it: beware of printing that.
//!
//! GitHub adds fields, values and parameters, and code goes on compiling: all types are `#[non_exhaustive]`. A body is made by
//! its `new`, of what GitHub requires, or by `default` where that is nothing, and its other fields are set. A method takes what
//! is required; parameters that may be left out are in a struct of [`options`], for its twin `…_with`:
//!
//! ```
//! # async fn f(github: octoseal_api::Client) -> Result<(), octoseal_api::Error> {
//! let first = github.actions_list_repo_variables("acme", "api").await?;
//! let mut options = octoseal_api::options::ActionsListRepoVariables::default();
//! (options.page, options.per_page) = (Some(2), Some(100));
//! let second = github.actions_list_repo_variables_with("acme", "api", &options).await?;
//! # Ok(())
//! # }
//! ```
//!
//! What a body leaves out, GitHub keeps as it is; what it says `null` of, GitHub clears. A field of a body that may be either
//! is an `Option` of an `Option`: `None` leaves it out, `Some(None)` says `null`.
//!
//! Where a reply is made by hand, for a mock, it is read from JSON:
//!
//! ```
//! use octoseal_api::types::StorePublicKey;
//!
//! let key = serde_json::json!({ "key_id": "568250167242549743", "key": "2Sg8iYjAxxmI2LvUXpJjkYrMxURPc8r+dB7TJyvvcCU=" });
//! let key: StorePublicKey = serde_json::from_value(key)?;
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # Defaults
//!
//! No call has a time limit, none is repeated, and a reply is read to its end however long it is: all that is for the
//! [`Transport`] to decide. Over a [`Network`] it is the `reqwest::Client` given to it, which by its own defaults waits
//! for ever, follows ten redirects, goes by the environment's proxies and keeps idle connections for 90 seconds. The 15
//! seconds in the source of `Client::new`, the generator's own, hold for nothing: the `reqwest::Client` that it makes puts
//! requests together and sends none. It panics if that can't be made; [`client`] takes the one of the [`Context`].
//!
//! A limit of one's own:
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use octoseal_api::{Context, Network, client};
//! use reqwest::header::HeaderValue;
//!
//! let requests = reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?;
//! let network = Arc::new(Network::new(requests.clone()));
//! let context = Context::new(requests, network, HeaderValue::from_static("my-service/1"));
//! let github = client("https://api.github.com", context);
//! # Ok::<(), reqwest::Error>(())
//! ```
//!
//! With the feature `httpmock` there is a module `httpmock`: mocks of single operations for tests, typed, where
//! octoseal's whole stand-in would be too much.

// What a generator writes is not for people to lint or format. The gates stop here.
#[allow(clippy::all, missing_docs, unreachable_pub, unused_qualifications, elided_lifetimes_in_paths)]
#[rustfmt::skip]
mod generated;
#[cfg(feature = "httpmock")]
#[allow(clippy::all, missing_docs, unreachable_pub, unused_imports, elided_lifetimes_in_paths)]
#[rustfmt::skip]
pub mod httpmock;
#[allow(clippy::all, missing_docs, unused_imports, unused_variables, elided_lifetimes_in_paths)]
#[rustfmt::skip]
pub mod stores;

#[allow(clippy::all)]
#[rustfmt::skip]
pub mod operations;

mod answer;
mod hooks;
mod journey;
mod operation;
mod permission;
mod reply;
mod shapes;
mod text;
mod transport;

pub use answer::{Answer, Error, ResponseValue};
pub use generated::{Client, options, types};
pub use hooks::{Context, client};
pub use journey::{Head, Journey};
pub use permission::Permission;
pub use progenitor_client::{ClientInfo, OperationInfo};
pub use text::{EncryptedValue, Hidden, KeyId, NotSealed, RepositoryId};
pub use transport::{
    Body, Network, Transport, TransportError, TransportErrorKind, TransportFuture,
};
