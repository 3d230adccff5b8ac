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
//!   "issuer": "./issuer.sh",
//!   "state": "/var/lib/rotate/deploy_key.json"
//! }
//! ```
//!
//! with the access of the secret in each scope. The run ends with status 0 only if every store has the new credential and
//! every old one is revoked. The issuer is a program with three commands: `list` prints the id of every valid credential
//! that this service may revoke, a line each; `issue` makes one and prints its id, and from the second line on its value;
//! `revoke ID` revokes one.
//!
//! After any failure, run it again. The state, a file beside the configuration or where that says, must outlive the run: it
//! has the ids, and the new value sealed for each store that lacks it, so that GitHub alone can read it. The next run goes
//! on with that credential, and makes another only if it can't be finished. If an issuer allows two credentials and a third
//! is needed, the error says which to revoke by hand.
//!
//! Jobs that are running have read the old value: let `revoke` wait for them.

#[path = "../common/mod.rs"]
mod common;
mod config;
mod issuer;
mod rotation;
mod state;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use octoseal::Client;
use octoseal_mock::{Fault, GitHub};

use config::Config;
use issuer::{Fake, Issuer, Program};
use rotation::Rotation;
use state::State;

type BoxError = Box<dyn std::error::Error>;

#[derive(Parser)]
#[command(
    about = "Rotate a credential that is stored in many places",
    after_help = "Without a configuration, it shows the journey against a stand-in GitHub.",
    mut_group("Connection", |group| group.requires("config"))
)]
struct Arguments {
    #[command(flatten)]
    connection: common::Connection,
    /// What to rotate, as JSON
    config: Option<PathBuf>,
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

/// Rotates the credential of a configuration.
async fn run(connection: &common::Connection, path: &Path) -> Result<(), BoxError> {
    let config = Config::parse(&common::read(path)?);
    let config = config.map_err(|error| format!("{}: {error}", path.display()))?;
    let github = connection.client(common::variable, "rotate", |line| eprintln!("{line}"))?;
    let (issuer, state) = (Program(config.issuer.clone()), config.state(path));
    rotate(&github, &config, &issuer, state).await
}

async fn rotate(
    github: &Client,
    config: &Config,
    issuer: &impl Issuer,
    state: PathBuf,
) -> Result<(), BoxError> {
    let state = &State::open(state)?;
    let rotation = Rotation {
        github,
        config,
        issuer,
        state,
    };
    rotation.run().await
}

/// A stand-in with credential 1 in three stores, and their configuration.
fn stand_in() -> Result<(GitHub, Config), BoxError> {
    let config = Config::parse(
        br#"{
            "name": "DEPLOY_KEY",
            "scopes": {"actions:env/acme/api/prod": "keep", "actions:org/acme": "keep", "dependabot:repo/acme/api": "keep"},
            "issuer": "unused"
        }"#,
    );
    let (stand_in, config) = (GitHub::new(), config?);
    for scope in config.scopes.keys() {
        stand_in.seed(scope, "DEPLOY_KEY", "credential 1");
    }
    Ok((stand_in, config))
}

async fn journey() -> Result<(), BoxError> {
    println!(
        "No configuration was given (see --help): this is the journey against a stand-in GitHub."
    );
    let ((stand_in, config), issuer) = (stand_in()?, Fake::new(2));
    let folder = std::env::temp_dir().join(format!("octoseal-rotate-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let state = folder.join("state.json");
    let github = Client::builder()
        .token("stand-in-token")
        .transport(stand_in.clone())
        .build()?;
    stand_in.inject(
        Fault::reply(
            403,
            r#"{"message": "Must have admin rights to Repository."}"#,
        )
        .at("/dependabot/")
        .on("PUT"),
    );

    println!("\nThe first run meets a store that refuses:");
    match rotate(&github, &config, &issuer, state.clone()).await {
        Ok(_) => return Err("a credential was revoked that a store still has".into()),
        Err(error) => println!("{error}"),
    }
    println!("\nThe second run:");
    rotate(&github, &config, &issuer, state).await?;
    std::fs::remove_dir_all(folder)?;
    println!("\nIn the stores now:");
    for scope in config.scopes.keys() {
        let value = stand_in.plaintext(scope, "DEPLOY_KEY").unwrap_or_default();
        println!("  {scope}: {}", String::from_utf8_lossy(&value));
    }
    Ok(())
}
