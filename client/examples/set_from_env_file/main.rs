//! Stores every NAME=VALUE line of a file as an organization secret of GitHub Actions.
//!
//! ```text
//! GITHUB_TOKEN=… cargo run --release --example set_from_env_file -- --org acme --visibility private .env
//! ```
//!
//! In the file, which is UTF-8 with line ends of any kind, `NAME=` begins an entry, with or without `export` before it,
//! and two rules say where its value ends:
//!
//! - A comment begins with `#` at the beginning of a line or after a blank, and ends with its line.
//! - A quote counts only as the first character of a value, and must close: `"` and `'` may span lines, whose breaks
//!   are stored as `\n`. In `"`, a backslash may come before `n`, `r`, `\`, `"` or `$` only; in `'` it is a character
//!   like others.
//!
//! Any other value is the rest of the line, without the blanks around it: `O'Neil`, `#s3cret`, `{"key": "value"}`,
//! `two words`, nothing. A `$` is a character like others. Of several entries with one name, in any case, the last is
//! stored, and a line tells of each other.
//!
//! Other programs differ. `P=#s3cret` and `A=one#two` mean the same here, to Docker Compose and to `gh secret set -f`,
//! while dotenv of Node ends them at the `#`; Compose and gh expand `$word`; `docker run --env-file` takes quotes and
//! comments for values. Text that could be meant in several ways is refused: `P= #s3cret`, a value that begins with a
//! backtick (a quote for Node alone), `\t` in `"`, `\'` in `'`, text after a closing quote.
//!
//! Ends with status 0 only if every secret was stored; each that was not gets one line on standard error. Nothing is
//! stored of a file that is refused, or that has a name or a value that GitHub would refuse.

#[path = "../common/access_options.rs"]
mod access_options;
#[path = "../common/mod.rs"]
mod common;
mod dotenv;
mod guard;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use octoseal::{
    Written,
    scope::{OrganizationScope, OrganizationStore, Owner},
    secrets::NewSecret,
};
use zeroize::Zeroizing;

use dotenv::Entry;

type BoxError = Box<dyn std::error::Error>;

#[derive(Parser)]
#[command(
    about = "Store every NAME=VALUE line of a file as an organization secret of GitHub Actions"
)]
struct Arguments {
    /// The organization
    #[arg(long, env = "GITHUB_ORG", value_parser = str::parse::<Owner>)]
    org: Owner,
    #[command(flatten)]
    access: access_options::AccessOptions,
    /// The file, in dotenv form
    file: PathBuf,
    #[command(flatten)]
    connection: common::Connection,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    status(Arguments::parse(), |line| eprintln!("{line}")).await
}

/// Stores the file's secrets, and gives the exit code. `complain` gets a line for each that was not stored.
async fn status(arguments: Arguments, mut complain: impl FnMut(String)) -> ExitCode {
    let done = run(arguments, &mut complain).await;
    common::status(done.map(|failed| u8::from(failed > 0).into()), complain)
}

/// The last entry of each name, in any case, and a line about each other entry.
fn last_of_each(entries: Vec<Entry>) -> (Vec<Entry>, Vec<String>) {
    let (mut last, mut again) = (Vec::<Entry>::new(), Vec::new());
    for entry in entries {
        let same = |earlier: &Entry| earlier.name.eq_ignore_ascii_case(&entry.name);
        if let Some(at) = last.iter().position(same) {
            let (earlier, line) = (last.remove(at), entry.lines.start() + 1);
            let (name, at) = (earlier.name, earlier.lines.start() + 1);
            again.push(format!(
                "line {at}: {name} is not stored from here; line {line} says it again"
            ));
        }
        last.push(entry);
    }
    (last, again)
}

/// The least time that the rest takes, in words; empty below a second.
fn in_words(least: Duration) -> String {
    match least.as_secs() {
        0 => String::new(),
        seconds @ 1..=120 => format!("{seconds} s to go or more"),
        seconds => format!("{} min to go or more", seconds / 60),
    }
}

/// Stores the file's secrets, and gives the number of those that failed.
async fn run(arguments: Arguments, complain: &mut impl FnMut(String)) -> Result<usize, BoxError> {
    let access = arguments.access.access()?;
    let file = arguments.file.display();
    let text = Zeroizing::new(common::read(&arguments.file)?);
    let entries = dotenv::read(&text).map_err(|refused| format!("{file}, {refused}"))?;
    if entries.is_empty() {
        return Err(format!("{file}: no NAME=VALUE line in it").into());
    }
    let (secrets, again) = last_of_each(entries);
    again
        .iter()
        .for_each(|line| complain(format!("{file}, {line}")));
    let total = secrets.len();
    let bar = ProgressBar::new(total as u64);
    bar.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}")?);
    let shown = bar.clone();
    let tell = move |line| match shown.is_hidden() {
        true => eprintln!("{line}"),
        false => shown.set_message(line),
    };
    let github = arguments
        .connection
        .client(common::variable, "set_from_env_file", tell)?;
    let scope = OrganizationScope::new(OrganizationStore::Actions, arguments.org)?;
    let batch = secrets
        .into_iter()
        .map(move |entry| NewSecret::new(entry.name, entry.value).access(access.clone()));
    let secrets = github.secrets(scope);
    let to_go = |rest: usize| in_words(secrets.takes_at_least(rest.try_into().unwrap_or(u32::MAX)));
    bar.set_message(to_go(total));
    let mut outcomes = secrets.put_all(batch);
    let (mut created, mut updated, mut failed) = (0, 0, 0);
    while let Some(outcome) = outcomes.next().await {
        match outcome.result {
            Ok(receipt) if receipt.written == Written::Created => created += 1,
            Ok(_) => updated += 1,
            Err(error) => {
                failed += 1;
                bar.suspend(|| complain(format!("{}: {error}", outcome.name)));
            }
        }
        bar.inc(1);
        bar.set_message(to_go(total - bar.position() as usize));
    }
    bar.finish_and_clear();
    println!(
        "{} of {total} secrets stored: {created} created, {updated} updated, {failed} failed",
        created + updated
    );
    Ok(failed)
}
