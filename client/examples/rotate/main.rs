//! Rotates a credential: makes a new one, stores it everywhere, and revokes the old one once every store has it.
//!
//! ```text
//! cargo run --example rotate
//! GITHUB_TOKEN=… cargo run --example rotate -- rotation.json
//! ```
//!
//! The first is the journey against a stand-in. The second takes a configuration such as
//!
//! ```json
//! {
//!   "name": "DEPLOY_KEY",
//!   "scopes": {
//!     "actions:org/acme": "selected:acme/api,acme/web",
//!     "dependabot:org/acme": "keep",
//!     "actions:env/acme/api/prod": "keep"
//!   },
//!   "issuer": "./issuer.sh"
//! }
//! ```
//!
//! which says for each scope who may use the secret there, and ends with status 0 only if every store has the new
//! credential and every old one is revoked. After any failure, run it again. Run it once at a time.

#[path = "../common/mod.rs"]
mod common;
mod issuer;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;

use clap::Parser;
use futures_util::StreamExt;
use octoseal::mock::{Fault, GitHub};
use octoseal::{Access, Client, Error, NewSecret, Scope};
use serde::Deserialize;

use issuer::{Credential, Fake, Issuer, Program};

type BoxError = Box<dyn std::error::Error>;

#[derive(Parser)]
#[command(about = "Rotate a credential that is stored in many places")]
struct Arguments {
    #[command(flatten)]
    connection: common::Connection,
    /// What to rotate, as JSON; without it, the journey runs against a stand-in
    config: Option<PathBuf>,
}

/// What is rotated. A scope that GitHub can't have, and access that nobody can, is refused as the configuration is read.
#[derive(Deserialize)]
struct Config {
    name: String,
    scopes: BTreeMap<Scope, Access>,
    /// A program that is called with `list`, `issue` or `revoke ID`
    issuer: PathBuf,
}

/// Makes, stores, revokes, in this order, and gives the ids of what is revoked.
async fn rotate(
    github: &Client,
    name: &str,
    scopes: &BTreeMap<Scope, Access>,
    issuer: &impl Issuer,
) -> Result<Vec<String>, BoxError> {
    if scopes.is_empty() {
        return Err("no scopes: the new credential would be nowhere, and the old one gone".into());
    }
    // All that is valid before there is a new one: the old one, and what a run that failed has left in some stores.
    let old = issuer.valid().await?;
    let Credential { id, value } = issuer.issue().await?;
    if old.contains(&id) {
        return Err(format!("the issuer gave {id}, which is an old credential").into());
    }
    println!("issued {id}");
    let secret = NewSecret::new(name, value);
    let batch = scopes
        .clone()
        .into_iter()
        .map(move |(scope, access)| (scope, secret.clone().access(access)));
    let mut outcomes = github.put_all(batch);
    let mut open: BTreeSet<Scope> = scopes.keys().cloned().collect();
    let mut errors = Vec::new();
    while let Some(outcome) = outcomes.next().await {
        println!("  {outcome}");
        match outcome.result {
            Ok(_) => {
                open.remove(&outcome.scope);
            }
            Err(error) => errors.push(error),
        }
    }
    // Asked is whether every store said yes, and not whether none said no. An outcome that nobody knows is no yes.
    if !open.is_empty() {
        return Err(Unconfirmed { open, old, errors }.into());
    }
    for id in &old {
        issuer.revoke(id).await?;
        println!("revoked {id}");
    }
    Ok(old)
}

/// Some stores may lack the new credential, so that the old ones are still needed.
#[derive(Debug)]
struct Unconfirmed {
    open: BTreeSet<Scope>,
    old: Vec<String>,
    errors: Vec<Error>,
}

impl fmt::Display for Unconfirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open: Vec<_> = self.open.iter().map(Scope::to_string).collect();
        let (open, old) = (open.join(", "), self.old.join(", "));
        write!(f, "not confirmed by {open}; still valid: {old}; run again")
    }
}

impl std::error::Error for Unconfirmed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.errors.first().map(|error| error as _)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.config {
        Some(config) => run(&arguments.connection, config).await,
        None => journey().await,
    };
    common::status(done.map(|()| ExitCode::SUCCESS), |line| eprintln!("{line}"))
}

async fn run(connection: &common::Connection, config: &PathBuf) -> Result<(), BoxError> {
    let config: Config = serde_json::from_slice(&std::fs::read(config)?)?;
    let github = connection.client(common::variable, "rotate", |line| eprintln!("{line}"))?;
    let issuer = Program(config.issuer);
    rotate(&github, &config.name, &config.scopes, &issuer).await?;
    Ok(())
}

/// Where the journey and the tests store credential 1, which is there before.
const SCOPES: [&str; 3] = [
    "actions:env/acme/api/prod",
    "actions:org/acme",
    "dependabot:repo/acme/api",
];

fn stand_in() -> (GitHub, BTreeMap<Scope, Access>, Fake) {
    let stand_in = GitHub::new();
    for scope in SCOPES {
        stand_in.seed(scope, "DEPLOY_KEY", "credential 1");
    }
    let scopes = SCOPES
        .iter()
        .filter_map(|scope| Some((scope.parse().ok()?, Access::Keep)));
    (stand_in, scopes.collect(), Fake(Mutex::new(vec![1])))
}

async fn journey() -> Result<(), BoxError> {
    println!(
        "No configuration was given (see --help): this is the journey against a stand-in GitHub."
    );
    let (stand_in, scopes, issuer) = stand_in();
    let waits = common::Waits::default();
    let github = Client::builder()
        .token("stand-in-token")
        .mock(&stand_in)
        .on_wait(move |wait| {
            waits
                .news(wait)
                .iter()
                .for_each(|line| println!("  {line}"))
        })
        .build()?;
    let limit = Fault::secondary_limit().header("retry-after", "2");
    stand_in.fault(limit.at("/environments/").on("PUT"));
    stand_in.fault(Fault::reply(403, "{}").at("/dependabot/").on("PUT"));

    println!("\nThe first run meets a limit, and a store that refuses:");
    match rotate(&github, "DEPLOY_KEY", &scopes, &issuer).await {
        Ok(_) => return Err("a credential was revoked that a store still has".into()),
        Err(error) => println!("{error}"),
    }
    println!("\nThe second run:");
    rotate(&github, "DEPLOY_KEY", &scopes, &issuer).await?;
    println!("\nIn the stores now:");
    for scope in scopes.keys() {
        let value = stand_in.plaintext(scope, "DEPLOY_KEY").unwrap_or_default();
        println!("  {scope}: {}", String::from_utf8_lossy(&value));
    }
    Ok(())
}
