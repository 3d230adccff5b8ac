//! Stores every NAME=VALUE line of a file as an organization secret of GitHub Actions.
//!
//! ```text
//! GITHUB_TOKEN=… cargo run --release --example set_from_env_file -- --org acme --visibility private .env
//! ```
//!
//! Ends with status 0 only if every secret was stored; each that was not gets one line on standard error.

mod common;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use futures_util::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use octoseal::{Access, NewSecret, OrganizationScope, OrganizationStore, SecretValue, Visibility};

#[derive(Parser)]
#[command(
    about = "Store every NAME=VALUE line of a file as an organization secret of GitHub Actions"
)]
struct Arguments {
    /// The organization
    #[arg(long, env = "GITHUB_ORG")]
    org: String,
    /// Which repositories may use the secrets; without it, existing secrets keep their access
    #[arg(long, value_enum)]
    visibility: Option<Level>,
    /// A repository that may use them, by its id; may be repeated
    #[arg(long = "repo-id", value_name = "ID")]
    repository_ids: Vec<u64>,
    #[command(flatten)]
    connection: common::Connection,
    /// The file, in dotenv form
    file: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    All,
    Private,
    Selected,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Stores the file's secrets and gives the number of those that failed.
async fn run(arguments: Arguments) -> Result<usize, Box<dyn std::error::Error>> {
    let access = access(&arguments)?;
    let secrets = read(&arguments.file)?;
    let total = secrets.len();
    let bar = ProgressBar::new(total as u64);
    bar.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}")?);
    let shown = bar.clone();
    let github = arguments
        .connection
        .builder()?
        .user_agent("set_from_env_file")
        .on_wait(move |wait| {
            if wait.duration >= Duration::from_secs(2) {
                let until = httpdate::fmt_http_date(wait.until);
                shown.set_message(format!(
                    "waiting for {} until {until}",
                    wait.reason.as_str()
                ));
                if shown.is_hidden() {
                    eprintln!(
                        "waiting {} s for {} until {until}",
                        wait.duration.as_secs(),
                        wait.reason.as_str()
                    );
                }
            }
        })
        .build()?;
    let scope = OrganizationScope::new(OrganizationStore::Actions, arguments.org)?;
    let batch = secrets
        .into_iter()
        .map(move |(name, value)| NewSecret::new(name, value).access(access.clone()));
    let mut outcomes = github.secrets(scope).put_all(batch);
    let (mut created, mut updated, mut failed) = (0, 0, 0);
    while let Some(outcome) = outcomes.next().await {
        match outcome.result {
            Ok(octoseal::Written::Created) => created += 1,
            Ok(octoseal::Written::Updated) => updated += 1,
            Err(error) => {
                failed += 1;
                bar.suspend(|| eprintln!("{}: {error}", outcome.name));
            }
        }
        bar.set_message("");
        bar.inc(1);
    }
    bar.finish_and_clear();
    println!(
        "{} of {total} secrets stored: {created} created, {updated} updated, {failed} failed",
        created + updated
    );
    Ok(failed)
}

fn access(arguments: &Arguments) -> Result<Access, String> {
    let ids = arguments.repository_ids.clone();
    match arguments.visibility {
        Some(Level::Selected) => Ok(Visibility::Selected(ids).into()),
        _ if !ids.is_empty() => Err("--repo-id goes with --visibility selected".to_owned()),
        Some(Level::All) => Ok(Visibility::All.into()),
        Some(Level::Private) => Ok(Visibility::Private.into()),
        None => Ok(Access::Keep),
    }
}

/// Reads the whole file before anything is stored. Of two lines with one name the later counts, as dotenv has it.
fn read(file: &std::path::Path) -> Result<Vec<(String, SecretValue)>, String> {
    let lines =
        dotenvy::from_path_iter(file).map_err(|_| format!("{} can't be read", file.display()))?;
    let mut secrets: Vec<(String, SecretValue)> = Vec::new();
    for (number, line) in lines.enumerate() {
        // The library's own error quotes the line, and so the value.
        let (name, value) = line.map_err(|_| {
            format!(
                "entry {} of {} is not NAME=VALUE in dotenv form",
                number + 1,
                file.display()
            )
        })?;
        secrets.retain(|(earlier, _)| !earlier.eq_ignore_ascii_case(&name));
        secrets.push((name, value.into()));
    }
    Ok(secrets)
}
