//! Stores every NAME=VALUE line of a file as an organization secret of GitHub Actions.
//!
//! ```text
//! GITHUB_TOKEN=… cargo run --release --example set_from_env_file -- --org acme --visibility private .env
//! ```
//!
//! The file is read as dotenv has it, except that nothing is expanded: a `$` stands for itself. `#` begins a comment
//! after a space; a value with spaces or line breaks stands in quotes. Outside of single quotes, `\n` is a line break,
//! and `\\`, `\"` and `\ ` are what follows the backslash. Of two entries with one name the later counts.
//!
//! Ends with status 0 only if every secret was stored; each that was not gets one line on standard error. A file that
//! can't be read to its end stores nothing.

#[path = "../common/mod.rs"]
mod common;
mod dotenv;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use futures_util::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use octoseal::{NewSecret, OrganizationScope, OrganizationStore, Written};

type BoxError = Box<dyn std::error::Error>;

#[derive(Parser)]
#[command(
    about = "Store every NAME=VALUE line of a file as an organization secret of GitHub Actions"
)]
struct Arguments {
    /// The organization
    #[arg(long, env = "GITHUB_ORG")]
    org: String,
    #[command(flatten)]
    who: common::Who,
    /// The file, in dotenv form
    file: PathBuf,
    #[command(flatten)]
    connection: common::Connection,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    status(Arguments::parse(), |line| eprintln!("{line}")).await
}

/// Stores the file's secrets, complains of what was not stored, and says how it ended.
async fn status(arguments: Arguments, mut complain: impl FnMut(String)) -> ExitCode {
    match run(arguments, &mut complain).await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            complain(format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Gives the number of secrets that failed.
async fn run(arguments: Arguments, complain: &mut impl FnMut(String)) -> Result<usize, BoxError> {
    let access = arguments.who.access()?;
    let file = arguments.file.display();
    let text =
        std::fs::read_to_string(&arguments.file).map_err(|error| format!("{file}: {error}"))?;
    let secrets = dotenv::read(&text).map_err(|why| format!("{file}, {why}"))?;
    let total = secrets.len();
    let bar = ProgressBar::new(total as u64);
    bar.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}")?);
    let (shown, waits) = (bar.clone(), common::Waits::default());
    let github = arguments
        .connection
        .builder()?
        .user_agent("set_from_env_file")
        .on_wait(move |wait| match waits.news(wait) {
            Some(line) if shown.is_hidden() => eprintln!("{line}"),
            Some(line) => shown.set_message(line),
            None => {}
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
            Ok(Written::Created) => created += 1,
            Ok(Written::Updated) => updated += 1,
            Err(error) => {
                failed += 1;
                bar.suspend(|| complain(format!("{}: {error}", outcome.name)));
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
