//! Calls as a GitHub App whose private key another process has: a program that reads a message from its standard input and
//! writes the signature to its standard output.
//!
//! ```text
//! cargo run --example app_signer
//! cargo run --example app_signer -- --app-id Iv23li… --org acme openssl dgst -sha256 -sign app.pem
//! ```
//!
//! The first calls a stand-in GitHub, with itself as the other process. The second lists the names of an organization's
//! Actions secrets. In place of `openssl`, a program may ask a key management service; the documentation of
//! `octoseal::app::Signer` says what to ask each for.

#[path = "../common/ending.rs"]
mod ending;
#[cfg(test)]
mod tests;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use clap::Parser;
use octoseal::{
    Client, ClientBuilder, Scope, Visibility,
    app::{App, AppKey, SignatureFuture, Signer},
    scope::Owner,
};
use octoseal_mock::GitHub;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use ending::{Error, status};

type SignerError = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
#[command(
    about = "List an organization's secrets as a GitHub App whose key another process holds",
    after_help = "Without an option, it is shown against a stand-in GitHub."
)]
struct Arguments {
    /// The App's client id or app id
    #[arg(long, value_name = "ID", requires_all = ["org", "command"])]
    app_id: Option<String>,
    /// The organization
    #[arg(long, requires = "app_id")]
    org: Option<Owner>,
    /// The program that signs, with its arguments
    #[arg(trailing_var_arg = true, requires = "app_id")]
    command: Vec<String>,
    /// Be such a program, with the key in this file
    #[arg(long, value_name = "FILE", conflicts_with = "app_id")]
    sign_with: Option<PathBuf>,
}

/// Signs by a program: the message goes to its standard input, the signature comes from its standard output.
struct Program(Vec<String>);

impl Program {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        let [program, arguments @ ..] = &self.0[..] else {
            return Err("no program was named".into());
        };
        let mut running = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // When a call has no more time, its future is dropped.
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut input) = running.stdin.take() {
            input.write_all(message).await?;
        }
        let done = running.wait_with_output().await?;
        if !done.status.success() {
            return Err(format!("{program} ended with {}", done.status).into());
        }
        Ok(done.stdout)
    }
}

impl Signer for Program {
    fn sign<'a>(&'a self, message: &'a [u8]) -> SignatureFuture<'a> {
        Box::pin(Self::sign(self, message))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match (arguments.sign_with, arguments.app_id, arguments.org) {
        (Some(file), ..) => sign_input(&file).await,
        (_, Some(id), Some(org)) => {
            let app = App::new(id, Program(arguments.command));
            list(ClientBuilder::from_env().app(app), &org).await
        }
        _ => journey().await,
    };
    status(done.map(|()| ExitCode::SUCCESS), |line| eprintln!("{line}"))
}

/// Lists the names of an organization's secrets.
async fn list(builder: ClientBuilder, org: &Owner) -> Result<(), Error> {
    let github = builder.build()?;
    let scope: Scope = format!("actions:org/{org}").parse()?;
    for secret in github.secrets(scope).list().all().await? {
        println!("{}", secret.name);
    }
    Ok(())
}

/// Signs standard input, as the other process does.
async fn sign_input(key: &Path) -> Result<(), Error> {
    let key = AppKey::from_file(key)?;
    let mut message = Vec::new();
    std::io::stdin().read_to_end(&mut message)?;
    let signature = key
        .sign(&message)
        .await
        .map_err(|error| error.to_string())?;
    Ok(std::io::stdout().write_all(&signature)?)
}

/// Stores a secret in a stand-in as an App whose key only the other process reads.
async fn journey() -> Result<(), Error> {
    let stand_in = GitHub::new();
    let registered = stand_in.add_app(12_345);
    registered.install("acme");
    let file = format!("octoseal-app-signer-{}.pem", std::process::id());
    let file = std::env::temp_dir().join(file);
    std::fs::write(&file, registered.generate_private_key())?;
    let this_program = std::env::current_exe()?.display().to_string();
    let sign = ["--sign-with".to_owned(), file.display().to_string()];
    let signer = Program([&[this_program], &sign[..]].concat());

    let app = App::new("12345", signer);
    let github = Client::builder().app(app).transport(stand_in.clone());
    let put = github.build()?.create_or_update_org_secret("acme", "KEY");
    let written = put.value("s3cret").access(Visibility::Private).send();
    let written = written.await;
    std::fs::remove_file(&file)?;
    println!("KEY in acme: {}", written?);
    println!("signed by another process, accepted by the stand-in");
    Ok(())
}
