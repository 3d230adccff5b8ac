#![doc = include_str!("../README.md")]

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use octoseal::limits::{
    ABSENT_MS, Answer, CHUNK, Exchange, Identity, LATE_MS, LEASE_MS, Ledger, LedgerError,
    LedgerFuture, SOON_MS,
};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Script};
use tokio::sync::Mutex;

/// Less than an exchange may take, so that a connection that hangs is noticed here.
const ANSWERS_WITHIN: Duration = Duration::from_millis(250);

/// What keeps a connection from being there for so long is as good as none.
const CONNECTS_WITHIN: Duration = Duration::from_secs(2);

/// The form of what is kept, a part of the keys: versions of this crate that differ in it don't read each other's.
const FORM: u32 = 2;

/// A [`Ledger`] in Redis 7 or later, or in Valkey.
///
/// All of an identity is one key, `PREFIX:2:IDENTITY`, forgotten a day after it was last used, and an exchange is one
/// script: one round trip, one atomic step, by the store's own clock. Nothing kept there is secret: identities are
/// hashes.
///
/// The connection is made with the first exchange, and again after each that failed. A store that does not answer within
/// 250 ms is away; see [`Ledger`] for what is done then.
pub struct RedisLedger {
    client: redis::Client,
    script: Script,
    prefix: String,
    connection: Arc<Mutex<Option<MultiplexedConnection>>>,
}

impl RedisLedger {
    /// The ledger in the store at this address: `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, `redis+unix:///PATH`,
    /// or with the feature `rustls` also `rediss://…` for TLS. Nothing is connected yet.
    ///
    /// One server, with its replicas behind one address; no cluster.
    ///
    /// # Errors
    /// If this is no such address. The error does not repeat it.
    pub fn new(address: &str) -> Result<Self, AddressError> {
        let client = redis::Client::open(address);
        Ok(Self {
            client: client.map_err(|error| AddressError(error.to_string()))?,
            script: script(),
            prefix: "octoseal".to_owned(),
            connection: Arc::default(),
        })
    }

    /// Another beginning of the keys than `octoseal`, for a store that is shared with others, or for fleets that are
    /// not to count together.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    async fn answer(&self, identity: Identity, exchange: &Exchange) -> Result<Answer, LedgerError> {
        let sent = serde_json::to_string(exchange)?;
        let key = format!("{}:{FORM}:{identity}", self.prefix);
        let mut connection = self.connection().await?;
        let mut call = self.script.key(key);
        let reply: Result<String, _> = call.arg(sent).invoke_async(&mut connection).await;
        if reply.is_err() {
            *self.connection.lock().await = None;
        }
        Ok(serde_json::from_str(&reply?)?)
    }

    async fn connection(&self) -> Result<MultiplexedConnection, LedgerError> {
        if let Some(connection) = &*self.connection.lock().await {
            return Ok(connection.clone());
        }
        let (client, kept) = (self.client.clone(), self.connection.clone());
        // As a task: what takes longer than this exchange may is there for the next one.
        let connecting = tokio::spawn(async move {
            let mut kept = kept.lock().await;
            // Another exchange may have come first.
            if let Some(connection) = &*kept {
                return Ok(connection.clone());
            }
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(CONNECTS_WITHIN))
                .set_response_timeout(Some(ANSWERS_WITHIN));
            let connection = client.get_multiplexed_async_connection_with_config(&config);
            Ok::<_, LedgerError>(kept.insert(connection.await?).clone())
        });
        connecting.await?
    }
}

/// What does an exchange, with the contract's constants before it.
fn script() -> Script {
    Script::new(&format!(
        "local ABSENT_MS, CHUNK, LATE_MS, LEASE_MS, SOON_MS = {ABSENT_MS}, {CHUNK}, {LATE_MS}, {LEASE_MS}, {SOON_MS}\n{}",
        include_str!("exchange.lua")
    ))
}

impl Ledger for RedisLedger {
    fn exchange<'a>(&'a self, identity: Identity, exchange: &'a Exchange) -> LedgerFuture<'a> {
        Box::pin(self.answer(identity, exchange))
    }
}

/// Without the address, which may hold a password.
impl fmt::Debug for RedisLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("RedisLedger");
        fields.field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// Something else than the address of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError(String);

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(why) = self;
        write!(
            f,
            "no address of Redis, such as redis://127.0.0.1:6379/: {why}"
        )
    }
}

impl std::error::Error for AddressError {}
