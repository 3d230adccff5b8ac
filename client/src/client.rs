//! The client: what makes its calls, and what it has learnt.

use std::fmt;
use std::sync::Arc;

use crate::lookup::Lookup;
use crate::runtime::Runtime;
use crate::wire::Connections;

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
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) lookup: Arc<Lookup>,
    pub(crate) connections: Connections,
}

impl Client {
    pub(crate) fn new(
        runtime: Arc<Runtime>,
        connections: Connections,
        refuses_unknown_settings: bool,
    ) -> Self {
        let lookup = Arc::new(Lookup::new(runtime.clone(), refuses_unknown_settings));
        Self {
            runtime,
            lookup,
            connections,
        }
    }

    /// Forgets the tokens of an App's installations that are kept, for this client and its clones, and that a token was
    /// refused: the next call gets new ones. For what a webhook tells (an installation whose permissions or repositories
    /// changed, one that was unsuspended), or after a token of one's own was restored. Requests under way go on.
    ///
    /// Without it a changed permission is noticed too, by the first call that is refused for it, once a minute.
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
