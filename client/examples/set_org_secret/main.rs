//! Creates or updates an organization secret of GitHub Actions.
//!
//! ```text
//! cargo run --example set_org_secret
//! printf %s "$VALUE" | GITHUB_TOKEN=… cargo run --example set_org_secret -- --org acme --name DEPLOY_KEY --visibility private
//! ```
//!
//! The first, without an organization, shows all steps against a stand-in GitHub that it starts itself. The second stores a
//! value in GitHub, or in the server that `GITHUB_API_URL` names.

#[path = "../common/access_options.rs"]
mod access_options;
#[path = "../common/mod.rs"]
mod common;
#[cfg(test)]
mod tests;

use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use octoseal::{Client, Error, Receipt, SecretValue, Visibility, scope::Owner};
use octoseal_mock::GitHub;

type BoxError = Box<dyn std::error::Error>;

#[derive(Parser)]
#[command(
    about = "Create or update an organization secret of GitHub Actions",
    after_help = "Without an option, it shows the whole journey against a stand-in GitHub.",
    mut_group("AccessOptions", |group| group.requires("org")),
    mut_group("Connection", |group| group.requires("org"))
)]
struct Arguments {
    /// The organization
    #[arg(long, env = "GITHUB_ORG", value_parser = str::parse::<Owner>)]
    org: Option<Owner>,
    /// The secret's name
    #[arg(long, default_value = "DEPLOY_KEY", requires = "org")]
    name: String,
    #[command(flatten)]
    access: access_options::AccessOptions,
    /// A file with the value, taken byte for byte; without it, the value is read from standard input
    #[arg(long, value_name = "FILE", requires = "org")]
    value_file: Option<PathBuf>,
    #[command(flatten)]
    connection: common::Connection,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.org {
        Some(org) => {
            let receipt = store(&arguments, org, common::variable, typed_or_piped).await;
            receipt.map(|receipt| println!("{} in {org}: {receipt}", arguments.name))
        }
        None => journey().await,
    };
    common::status(done.map(|()| ExitCode::SUCCESS), |line| eprintln!("{line}"))
}

/// Stores a value as the arguments say. Reads it after the other arguments are checked.
async fn store(
    arguments: &Arguments,
    org: &Owner,
    variables: impl Fn(&str) -> Option<String>,
    input: impl FnOnce() -> std::io::Result<Vec<u8>>,
) -> Result<Receipt, BoxError> {
    let access = arguments.access.access()?;
    let tell = |line| eprintln!("{line}");
    let github = arguments
        .connection
        .client(variables, "set_org_secret", tell)?;
    let value = match &arguments.value_file {
        Some(file) => common::read(file)?,
        None => input()?,
    };
    if value.is_empty() {
        return Err(
            "the value is empty, as that of a command that failed is; nothing was stored".into(),
        );
    }
    if value.ends_with(b"\n") {
        eprintln!(
            "the value ends with a line break, which is stored with it; printf %s gives none"
        );
    }
    let put = github.create_or_update_org_secret(org.as_str(), &arguments.name);
    Ok(put
        .value(SecretValue::from(value))
        .access(access)
        .send()
        .await?)
}

/// The value from standard input, byte for byte; if it is typed, without the line break that ends it.
fn typed_or_piped() -> std::io::Result<Vec<u8>> {
    let mut input = std::io::stdin().lock();
    let typed = input.is_terminal();
    if typed {
        eprintln!("type the value, then end the input (Ctrl-D); it is shown as you type");
    }
    let mut value = Vec::new();
    input.read_to_end(&mut value)?;
    value.truncate(value.len() - usize::from(typed && value.ends_with(b"\n")));
    Ok(value)
}

/// All steps, against a stand-in that has a real key pair and opens what it gets.
async fn journey() -> Result<(), BoxError> {
    println!(
        "No organization was given (see --help): this is the journey against a stand-in GitHub.\n"
    );
    let stand_in = GitHub::new();
    stand_in.add_organization("acme");
    let repositories = ["api", "web"].map(|name| stand_in.add_repository("acme", name));
    let server = stand_in.serve();
    let scope = "actions:org/acme";
    let step = |what: &str, how: String| println!("  {what:<22} {how}");

    let github = Client::builder()
        .token("stand-in-token")
        .base_url(server.url())
        .build()?;
    step("stand-in started", server.url());

    let key = github.get_org_public_key("acme").await?;
    step(
        "key fetched",
        format!("key id {}, X25519 {}", key.key_id(), key.key().to_base64()),
    );

    let first = format!("one-{:x}", std::process::id());
    let receipt = github
        .create_or_update_org_secret("acme", "DEPLOY_KEY")
        .value(first.as_str())
        .access(Visibility::Selected(repositories.to_vec()))
        .send()
        .await?;
    let sent = stand_in
        .requests()
        .last()
        .map(|request| request.json())
        .unwrap_or_default();
    let sealed = sent["encrypted_value"].as_str().unwrap_or_default();
    step(
        "value sealed",
        format!(
            "{} bytes became {}…",
            first.len(),
            sealed.get(..32).unwrap_or_default()
        ),
    );
    step(
        "secret stored",
        format!("{receipt}, visibility selected, repositories {repositories:?}"),
    );
    ensure_opened(&stand_in, scope, &first)?;
    step(
        "stand-in opened it",
        format!("{} bytes, equal to what was given", first.len()),
    );

    let second = format!("two-{:x}", std::process::id());
    let receipt = github
        .create_or_update_org_secret("acme", "DEPLOY_KEY")
        .value(second.as_str())
        .send()
        .await?;
    step(
        "secret stored again",
        format!("{receipt}, no visibility given"),
    );
    ensure_opened(&stand_in, scope, &second)?;
    step(
        "stand-in opened it",
        format!("{} bytes, equal to what was given", second.len()),
    );

    let secret = github.get_org_secret("acme", "DEPLOY_KEY").await?;
    let kept: Vec<String> = github
        .list_selected_repos_for_org_secret("acme", "DEPLOY_KEY")
        .await?
        .into_iter()
        .map(|repository| repository.full_name)
        .collect();
    step(
        "access kept",
        format!(
            "{}: {}",
            secret.visibility.as_deref().unwrap_or_default(),
            kept.join(", ")
        ),
    );

    let refused: Error = match github
        .create_or_update_org_secret("acme", "NEW_KEY")
        .value("x")
        .send()
        .await
    {
        Ok(_) => return Err("a new secret was stored without visibility".into()),
        Err(error) => error,
    };
    step("and a mistake", refused.to_string());
    let requests = stand_in.requests();
    let is_readable = |value: &str| {
        let mut parts = requests
            .iter()
            .flat_map(|request| [&request.body[..], request.path.as_bytes()]);
        parts.any(|part| {
            part.windows(value.len())
                .any(|window| window == value.as_bytes())
        })
    };
    if is_readable(&first) || is_readable(&second) {
        return Err("a value left this process unsealed".into());
    }
    println!(
        "\nThe values are in none of the {} requests: they left this process sealed.",
        requests.len()
    );
    Ok(())
}

/// Fails unless the stand-in has opened this value with the scope's secret key.
fn ensure_opened(stand_in: &GitHub, scope: &str, expected: &str) -> Result<(), BoxError> {
    match stand_in.plaintext(scope, "DEPLOY_KEY") {
        Some(plaintext) if plaintext == expected.as_bytes() => Ok(()),
        _ => Err("the stand-in did not get what was given".into()),
    }
}
