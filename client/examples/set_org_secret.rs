//! Creates or updates an organization secret of GitHub Actions, and shows the way there.
//!
//! With `GITHUB_TOKEN` and an organization it talks to GitHub, or to `GITHUB_API_URL`. Without, it starts the
//! stand-in GitHub of this crate and walks through the whole journey against it.
//!
//! ```text
//! cargo run --example set_org_secret
//! printf %s "$VALUE" | GITHUB_TOKEN=… cargo run --example set_org_secret -- --org acme --name DEPLOY_KEY --visibility private
//! ```

mod common;

use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use clap::Parser;
use octoseal::mock::GitHub;
use octoseal::{Client, Error, SecretValue, Visibility};

#[derive(Parser)]
#[command(about = "Create or update an organization secret of GitHub Actions")]
struct Arguments {
    /// The organization; without it, or without a token, the journey runs against a stand-in
    #[arg(long, env = "GITHUB_ORG")]
    org: Option<String>,
    /// The secret's name
    #[arg(long, default_value = "DEPLOY_KEY")]
    name: String,
    #[command(flatten)]
    who: common::Who,
    /// A file with the value, taken byte for byte; without it, the value is read from standard input
    #[arg(long, value_name = "FILE")]
    value_file: Option<std::path::PathBuf>,
    #[command(flatten)]
    connection: common::Connection,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match (&arguments.org, arguments.connection.has_caller()) {
        (Some(org), true) => store(&arguments, org).await,
        (None, false) => journey("No token and organization were given").await,
        (Some(_), false) => journey("No token was given").await,
        (None, true) => journey("No organization was given").await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Stores one value where the arguments say.
async fn store(arguments: &Arguments, org: &str) -> Result<(), Box<dyn std::error::Error>> {
    let access = arguments.who.access()?;
    let waits = common::Waits::default();
    let github = arguments
        .connection
        .builder()?
        .user_agent("set_org_secret")
        .on_wait(move |wait| waits.news(wait).iter().for_each(|line| eprintln!("{line}")))
        .build()?;
    let written = github
        .create_or_update_org_secret(org, &arguments.name)
        .value(value(arguments)?)
        .access(access)
        .send()
        .await?;
    println!("{} in {org}: {written}", arguments.name);
    Ok(())
}

fn value(arguments: &Arguments) -> std::io::Result<SecretValue> {
    if let Some(file) = &arguments.value_file {
        return Ok(std::fs::read(file)?.into());
    }
    let mut bytes = Vec::new();
    let mut input = std::io::stdin().lock();
    if input.is_terminal() {
        eprintln!("type the value, then end the input (Ctrl-D); it is shown as you type");
    }
    input.read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// The whole journey, against a stand-in that holds a real key pair and opens what it is sent.
async fn journey(why: &str) -> Result<(), Box<dyn std::error::Error>> {
    println!("{why} (see --help): this is the journey against a stand-in GitHub.\n");
    let stand_in = GitHub::new();
    stand_in.organization("acme");
    let repositories = ["api", "web"].map(|name| stand_in.repository("acme", name));
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
    let written = github
        .create_or_update_org_secret("acme", "DEPLOY_KEY")
        .value(first.as_str())
        .visibility(Visibility::Selected(repositories.to_vec()))
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
        format!("{written}, visibility selected, repositories {repositories:?}"),
    );
    opened(&stand_in, scope, &first)?;
    step(
        "stand-in opened it",
        format!("{} bytes, equal to what was given", first.len()),
    );

    let second = format!("two-{:x}", std::process::id());
    let written = github
        .create_or_update_org_secret("acme", "DEPLOY_KEY")
        .value(second.as_str())
        .send()
        .await?;
    step(
        "secret stored again",
        format!("{written}, no visibility given"),
    );
    opened(&stand_in, scope, &second)?;
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
    let seen = |value: &str| {
        let mut parts = requests
            .iter()
            .flat_map(|request| [&request.body[..], request.path.as_bytes()]);
        parts.any(|part| {
            part.windows(value.len())
                .any(|window| window == value.as_bytes())
        })
    };
    if seen(&first) || seen(&second) {
        return Err("a value left this process unsealed".into());
    }
    println!(
        "\nThe values are in none of the {} requests: they left this process sealed.",
        requests.len()
    );
    Ok(())
}

/// Checks that the stand-in, with the secret key of the scope, reads what was given.
fn opened(
    stand_in: &GitHub,
    scope: &str,
    expected: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    match stand_in.plaintext(scope, "DEPLOY_KEY") {
        Some(plaintext) if plaintext == expected.as_bytes() => Ok(()),
        _ => Err("the stand-in did not get what was given".into()),
    }
}
