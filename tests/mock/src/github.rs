//! The handle that tests hold.

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
use crate::traffic::identity::Identity;
use crate::traffic::limits::{Limits, Usage};
use crate::traffic::recorded::Recorded;
use crate::world::place::{Kind, Scope};
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

    /// Lets an organization exist, and gives its number.
    pub fn add_organization(&self, login: &str) -> u64 {
        self.state().world.add_owner(login)
    }

    /// Lets a private repository exist, its owner too, and gives its number.
    pub fn add_repository(&self, owner: &str, name: &str) -> u64 {
        self.state().world.add_repository(owner, name)
    }

    /// Lets an environment exist, its repository too. The name is written as GitHub shows it, `prod/eu`.
    pub fn add_environment(&self, owner: &str, repository: &str, environment: &str) {
        self.state()
            .world
            .add_environment(owner, repository, environment);
    }

    /// Makes a repository public, or private again.
    #[track_caller]
    pub fn set_private(&self, owner: &str, name: &str, private: bool) {
        self.change_repository(owner, name, |repository| repository.private = private);
    }

    /// Archives a repository: it can be read and not be written.
    #[track_caller]
    pub fn archive(&self, owner: &str, name: &str) {
        self.change_repository(owner, name, |repository| repository.archived = true);
    }

    /// Renames a repository. Requests for the old name are redirected to the repository's number.
    #[track_caller]
    pub fn rename_repository(&self, owner: &str, name: &str, new: &str) {
        let renamed = self.state().world.rename_repository(owner, name, new);
        assert!(renamed.is_some(), "there is no repository {owner}/{name}");
    }

    /// Deletes a repository, with its environments and every secret in them.
    #[track_caller]
    pub fn delete_repository(&self, owner: &str, name: &str) {
        let deleted = self.state().world.remove_repository(owner, name);
        assert!(deleted.is_some(), "there is no repository {owner}/{name}");
    }

    /// Deletes an environment and its secrets. One that is made under the same name again begins without any.
    #[track_caller]
    pub fn delete_environment(&self, owner: &str, repository: &str, environment: &str) {
        let mut state = self.state();
        let Some(home) = state
            .world
            .remove_environment(owner, repository, environment)
        else {
            panic!("there is no environment {environment} in {owner}/{repository}");
        };
        state.secrets.forget(&home);
    }

    /// Deletes an organization, with its repositories and every secret in them.
    #[track_caller]
    pub fn delete_organization(&self, login: &str) {
        let deleted = self.state().world.remove_owner(login);
        assert!(deleted.is_some(), "there is no organization {login}");
    }

    /// Renames an organization. Its old name leads nowhere: GitHub does not redirect it.
    #[track_caller]
    pub fn rename_organization(&self, login: &str, new: &str) {
        let renamed = self.state().world.rename_owner(login, new);
        assert!(renamed.is_some(), "there is no organization {login}");
    }

    /// Adds a store that GitHub does not have, at organizations and repositories.
    pub fn add_store(&self, store: &str) {
        self.state()
            .stores
            .add(store, &[Kind::Organization, Kind::Repository], true);
    }

    /// Takes a store away, everywhere: its paths are answered with 404, as by a server that is too old to have it.
    pub fn remove_store(&self, store: &str) {
        self.state().stores.remove(store);
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

    /// Enforces limits on traffic for every identity, with nothing used up yet; `None` enforces none.
    pub fn set_limits(&self, limits: impl Into<Option<Limits>>) {
        self.state().limiter.set(limits.into());
    }

    /// Enforces other limits for one identity than for the others. [`set_limits`](Self::set_limits) takes that back.
    pub fn set_limits_of(&self, identity: &Identity, limits: impl Into<Option<Limits>>) {
        let limiter = &mut self.state().limiter;
        limiter.set_own(identity.clone(), limits.into());
    }

    /// Uses up the hour's requests of an identity, as another program of the same user would: so many of them, and they
    /// come back so long from now.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use octoseal_mock::{GitHub, Identity, Limits};
    ///
    /// let github = GitHub::new();
    /// github.set_limits(Limits::documented());
    /// github.use_quota(&Identity::Installation(41_000_001), 5_000, Duration::from_secs(600));
    /// ```
    pub fn use_quota(&self, identity: &Identity, requests: u32, reset_in: Duration) {
        let now = self.now();
        let limiter = &mut self.state().limiter;
        limiter.use_quota(now, identity, requests, reset_in);
    }

    /// What an identity has used, as the limits count. What faults answered is not among it.
    pub fn usage(&self, identity: &Identity) -> Usage {
        self.state().limiter.usage(identity)
    }

    /// The identities that were counted.
    pub fn identities(&self) -> Vec<Identity> {
        self.state().limiter.identities()
    }

    /// How many requests the limits have refused, of all identities.
    pub fn refusals(&self) -> u64 {
        self.state().limiter.refusals()
    }

    /// Lets every request from now on travel this long, there and back together.
    pub fn set_latency(&self, latency: Duration) {
        self.configure(|settings| settings.latency = latency);
    }

    /// The requests that came, oldest first, as many as [`Settings::remembered_requests`] says.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state().log.kept()
    }

    /// How many requests came, remembered or not.
    pub fn request_count(&self) -> u64 {
        self.state().log.total()
    }

    /// Forgets the requests that came, the most that were under way at once, and what was used. The limits' own counts
    /// stay.
    pub fn clear_requests(&self) {
        let mut state = self.state();
        state.log.clear();
        state.flights.forget_most();
        state.limiter.clear_usage();
    }

    /// The most requests that were under way at once.
    pub fn most_under_way(&self) -> u32 {
        self.state().flights.most()
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

    #[track_caller]
    fn change_repository(
        &self,
        owner: &str,
        name: &str,
        change: impl FnOnce(&mut crate::world::Repository),
    ) {
        let mut state = self.state();
        match state.world.repository_mut(owner, name) {
            Some(repository) => change(repository),
            None => panic!("there is no repository {owner}/{name}"),
        }
    }
}
