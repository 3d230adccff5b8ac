//! The client and its builder.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use octoseal_api::Context;
use reqwest::Url;
use tower::retry::budget::TpsBudget;

use crate::Error;
use crate::auth::token::{Token, Tokens};
use crate::builder::ClientBuilder;
use crate::limits::gate::{Gate, WaitReason};
use crate::lookup::keys::Keys;
use crate::lookup::memory::Memory;
use crate::runtime::retry::RetryPolicy;
use crate::scope::AnyScope;
use crate::secrets::Secrets;

/// A client of GitHub's secrets.
///
/// Cheap to clone; clones share the connection pool, the keys, and the gate that keeps GitHub's limits.
///
/// # Examples
/// ```
/// # fn main() -> Result<(), octoseal::Error> {
/// let github = octoseal::Client::builder().token("a-token").build()?;
/// let secrets = github.secrets("actions:org/acme".parse::<octoseal::Scope>()?);
/// # let _ = secrets;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) base: Url,
    pub(crate) base_text: String,
    pub(crate) context: Context,
    pub(crate) tokens: Tokens,
    pub(crate) gate: Arc<Gate>,
    pub(crate) retry: RetryPolicy,
    pub(crate) budget: TpsBudget,
    pub(crate) keys: Keys,
    /// Their ids, by name.
    pub(crate) repositories: Memory<i64>,
    pub(crate) on_wait: Option<OnWait>,
}

pub(crate) type OnWait = Arc<dyn Fn(&Wait) + Send + Sync>;

/// A wait that a client is about to begin; see [`ClientBuilder::on_wait`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait {
    /// Why nothing is sent meanwhile.
    pub reason: WaitReason,
    /// How long.
    pub duration: Duration,
    /// Until when, by this machine's clock.
    pub until: SystemTime,
}

impl Client {
    /// Starts to build a client.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client as the surroundings describe it; see [`ClientBuilder::from_env`].
    ///
    /// # Errors
    /// As for [`ClientBuilder::build`].
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env().build()
    }

    /// The secrets of one scope: a typed scope such as [`OrganizationScope`](crate::OrganizationScope), whose
    /// handle has just the methods that the scope has, or a [`Scope`](crate::Scope) known at run time.
    pub fn secrets<S: AnyScope>(&self, scope: S) -> Secrets<S> {
        Secrets::new(self.clone(), scope)
    }

    /// The address that requests go to.
    pub(crate) fn base(&self) -> &Url {
        &self.inner.base
    }

    /// The low-level client for one request with one token.
    pub(crate) fn api(&self, token: &Token) -> octoseal_api::Client {
        octoseal_api::client(
            &self.inner.base_text,
            self.inner
                .context
                .clone()
                .with_authorization(token.header()),
        )
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.inner.base.as_str())
            .finish_non_exhaustive()
    }
}
