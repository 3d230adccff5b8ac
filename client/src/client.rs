//! The client, which the rooms of secrets, registries and operations add methods to.

mod target;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::lookup::Lookup;
use crate::runtime::{Allowance, RetryPolicy, Runtime, Terms};
use crate::wire::Connections;

pub(crate) use target::Target;

/// A client of GitHub's secrets.
///
/// Cheap to clone; clones share the connection pool, the keys, and the gate that keeps GitHub's limits.
///
/// # Dropped futures
/// A call ends when its future is dropped; nothing of it goes on in the background. Its place in a line and its leave to
/// send are free for others. What it may have left behind:
/// - Dropped before its request was sent (it waited, read, or looked something up): nothing.
/// - Dropped while a request was under way: GitHub may carry it out, or not. A put then leaves the old value or the new
///   one, with the old access or the new, never one half; a deletion may have happened; a `POST` may have made something.
///   No error says so, since there is none: give a call a [`deadline`](Self::deadline) instead of dropping it, and its
///   [`Error::applied`](crate::Error::applied) tells.
/// - A dropped batch has stored some secrets, and perhaps those that were under way.
/// - A dropped list changes nothing.
///
/// A request that other calls wait for too, for a scope's key or an App's token, goes on for them.
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
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) lookup: Arc<Lookup>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) terms: Terms,
}

impl Client {
    pub(crate) fn new(
        runtime: Arc<Runtime>,
        connections: Arc<Connections>,
        refuses_unknown_settings: bool,
    ) -> Self {
        let lookup = Arc::new(Lookup::new(runtime.clone(), refuses_unknown_settings));
        Self {
            runtime,
            lookup,
            connections,
            terms: Terms::default(),
        }
    }

    /// A client that shares everything with this one, and whose calls have another deadline than
    /// [`RetryPolicy::deadline`]: this long from their beginning, with all that they read, retry and wait for. A call that is
    /// not done by then ends with an error that says whether it may have been applied, and when to try again if a limit is
    /// the reason. A batch has the deadline as a whole: members that were not begun by then are given back untried.
    ///
    /// # Examples
    /// ```
    /// # async fn f(github: octoseal::Client, scope: octoseal::Scope) -> Result<(), octoseal::Error> {
    /// use std::time::Duration;
    ///
    /// github.deadline(Duration::from_secs(20)).secrets(scope).put("KEY", "value").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn deadline(&self, deadline: Duration) -> Self {
        let mut new = self.clone();
        new.terms.deadline = Some(deadline);
        new
    }

    /// A client that shares everything with this one, and whose calls deal with failures by another policy. The policy's
    /// [`connect_timeout`](RetryPolicy::connect_timeout) and [`budget`](RetryPolicy::budget) have no effect, since all calls
    /// share connections and the budget. A deadline set by [`deadline`](Self::deadline) replaces the policy's.
    pub fn retry(&self, policy: RetryPolicy) -> Self {
        let mut new = self.clone();
        new.terms.policy = Some(policy);
        new
    }

    pub(crate) fn in_batch(&self) -> Self {
        let mut new = self.clone();
        new.terms = new.terms.in_batch();
        new
    }

    pub(crate) fn allowance(&self) -> Allowance {
        self.runtime.allowance(&self.terms)
    }

    /// Forgets the tokens of an App's installations, and that tokens were refused, for this client and its clones: the next
    /// call gets a new token. For when a webhook tells that an installation has other permissions or repositories or is no
    /// longer suspended, or when a refused token was restored. Requests under way go on.
    ///
    /// Without it, another token is made for a changed permission too, once a minute, when a call is refused for it.
    pub fn forget_tokens(&self) {
        self.runtime.forget_tokens();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.runtime.base.as_str())
            .finish_non_exhaustive()
    }
}
