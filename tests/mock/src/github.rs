//! The handle that tests hold: its state, what it stores and how it answers.

mod places;
mod traffic;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use tokio::time::Instant;

use crate::access::token::Token;
use crate::answer::State;
use crate::faults::Fault;
use crate::settings::Settings;
use crate::world::place::Scope;
use crate::world::stored::StoredSecret;

/// A stand-in GitHub. Clones are the same GitHub.
///
/// Its clock begins at the machine's time and then runs as tokio's does, so that `tokio::time::pause` holds it too.
///
/// # Panics
/// Methods that take a scope panic on text that is none, and methods that change something panic when it does not
/// exist: a mistake in a test should be heard of at once.
#[derive(Clone)]
pub struct GitHub {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    epoch: Duration,
    started: Instant,
}

impl Default for GitHub {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHub")
            .field("requests", &self.request_count())
            .finish_non_exhaustive()
    }
}

impl GitHub {
    /// A GitHub without organizations or repositories, that accepts any token.
    pub fn new() -> Self {
        let epoch = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let shared = Shared {
            state: Mutex::default(),
            epoch,
            started: Instant::now(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// A GitHub Enterprise Server of a version such as `3.19.0`: without the stores `agents` and `codespaces`, without
    /// rate limits or their headers, and naming its version in every reply and in the addresses of its documentation. Its
    /// paths begin with `/api/v3`.
    pub fn enterprise(version: &str) -> Self {
        let github = Self::new();
        for store in ["agents", "codespaces"] {
            github.remove_store(store);
        }
        github.configure(|settings| {
            settings.rate_limit_headers = false;
            settings.enterprise_version = Some(version.to_owned());
        });
        github
    }

    /// Changes the settings.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.state().settings);
    }

    /// Makes a token known. From the first one on, only known tokens are accepted; until then any is. Say on the
    /// returned value what the token may do: everything, unless told otherwise.
    pub fn add_token(&self, token: &str) -> Token {
        let now = self.now();
        let mut state = self.state();
        state.access.be_strict();
        state.access.grant(now, token);
        drop(state);
        Token::new(self.clone(), token)
    }

    /// Revokes a token, known or not: from now on it is answered with 401.
    pub fn revoke(&self, token: &str) {
        let now = self.now();
        self.state().access.revoke(now, token);
    }

    /// The plaintext that a secret has now; `None` when there is no such secret.
    #[track_caller]
    pub fn plaintext(&self, scope: impl fmt::Display, name: &str) -> Option<Vec<u8>> {
        self.secret(scope, name).map(|secret| secret.value)
    }

    /// A secret with everything that the stand-in knows of it; `None` when there is no such secret.
    #[track_caller]
    pub fn secret(&self, scope: impl fmt::Display, name: &str) -> Option<StoredSecret> {
        let state = self.state();
        let vault = state.find_vault(&Scope::read(scope))?;
        state.secrets.get(&vault, name).cloned()
    }

    /// Every secret of a scope, by name.
    #[track_caller]
    pub fn secrets(&self, scope: impl fmt::Display) -> Vec<StoredSecret> {
        let state = self.state();
        match state.find_vault(&Scope::read(scope)) {
            Some(vault) => state.secrets.of(&vault).values().cloned().collect(),
            None => Vec::new(),
        }
    }

    /// The `key_id` and the public key, in base64, that values for a scope must be sealed with now. The scope comes
    /// into being if need be.
    #[track_caller]
    pub fn public_key(&self, scope: impl fmt::Display) -> (String, String) {
        let mut state = self.state();
        let vault = state
            .vault(&Scope::read(scope))
            .expect("a scope by name exists once it was added");
        let shared = state.settings.shared_key_ids;
        let (id, key) = state.keys.current(&vault, shared);
        (id, key.to_base64())
    }

    /// Replaces the key of a scope. What was sealed with the old one is refused, unless
    /// [`Settings::stale_keys`] says otherwise.
    #[track_caller]
    pub fn rotate_key(&self, scope: impl fmt::Display) {
        let mut state = self.state();
        let vault = state
            .vault(&Scope::read(scope))
            .expect("a scope by name exists once it was added");
        let shared = state.settings.shared_key_ids;
        state.keys.rotate(&vault, shared);
    }

    /// Orders a fault. Of several that fit a request, the one ordered first strikes.
    pub fn inject(&self, fault: Fault) {
        let now = self.now();
        self.state().faults.order(now, fault);
    }

    /// The faults that have not yet done what they were ordered for, in the order of their orders: those that were to
    /// strike a number of requests (one, unless told otherwise) and have struck fewer, and those that strike
    /// [always](Fault::always) or [for a while](Fault::lasting) and have struck none. One whose time is over stays
    /// among them. Ask at the end of a test: a fault that fits no request makes it prove nothing.
    ///
    /// # Examples
    /// ```
    /// use octoseal::Client;
    /// use octoseal_mock::{Fault, GitHub};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), octoseal::Error> {
    /// let github = GitHub::new();
    /// github.seed("actions:org/acme", "TOKEN", "s3cret");
    /// github.inject(Fault::unicorn().on("GET").at("/secrets/TOKEN"));
    /// github.inject(Fault::reply(500, "").at("/dependabto/").always());
    ///
    /// let client = Client::builder().token("any").transport(github.clone()).build()?;
    /// client.get_org_secret("acme", "TOKEN").await?;
    ///
    /// // The first has struck, so an attempt was repeated. The second has a path that no request has.
    /// let pending = format!("{:?}", github.pending_faults());
    /// assert!(pending.contains("/dependabto/") && !pending.contains("/secrets/TOKEN"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn pending_faults(&self) -> Vec<Fault> {
        self.state().faults.pending()
    }

    /// Takes back every fault that was ordered.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// The stand-in's clock: time since the Unix epoch.
    pub fn now(&self) -> Duration {
        let now = self.shared.epoch + self.shared.started.elapsed();
        let ahead = self.state().settings.clock_ahead;
        let by = Duration::from_secs(ahead.unsigned_abs());
        if ahead < 0 {
            now.saturating_sub(by)
        } else {
            now + by
        }
    }

    /// Answers a request: what both mounts call, and a third one could.
    pub fn respond(&self, request: &Request<Bytes>) -> Response<Bytes> {
        self.respond_at(self.now(), request)
    }

    /// Answers a request that comes at an instant of your choice, since the Unix epoch.
    pub fn respond_at(&self, now: Duration, request: &Request<Bytes>) -> Response<Bytes> {
        self.respond_in(now, request, None)
    }

    /// Answers a request that may be one under way.
    pub(crate) fn respond_in(
        &self,
        now: Duration,
        request: &Request<Bytes>,
        flight: Option<u64>,
    ) -> Response<Bytes> {
        let strike = self.state().strike(now, request, flight);
        for action in &strike.meanwhile {
            action(self);
        }
        self.state().respond(now, request, strike, flight)
    }

    /// A test that panicked elsewhere does not spoil the state: every change is made in one piece.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
