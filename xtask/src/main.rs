//! `cargo xtask`: the machine's commands.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use xtask::tree::{Mode, Tree};
use xtask::{codegen, vendor};

/// The machine that makes Octoseal's low-level client from GitHub's description.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Cut the fragment of GitHub's description that we keep
    Vendor {
        /// A description that is here already, instead of the registry's
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
        /// Move the pin to this version
        #[arg(long, value_name = "X")]
        version: Option<String>,
        /// Compare instead of writing
        #[arg(long)]
        check: bool,
        /// Keep what the description has, and list what it lacks
        #[arg(long)]
        allow_missing: bool,
    },
    /// Generate the low-level client from the fragment
    Codegen {
        /// Compare instead of writing
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let tree = Tree::here();
    match command {
        Command::Vendor {
            from,
            version,
            check,
            allow_missing,
        } => {
            let outcome = vendor::run(
                &tree,
                &vendor::Options {
                    from,
                    version,
                    check,
                    allow_missing,
                },
            )?;
            eprintln!(
                "{} operations of version {}{}",
                outcome.operations,
                outcome.version,
                told(&outcome.changed)
            );
            for entry in outcome.missing {
                eprintln!("missing: {entry}");
            }
        }
        Command::Codegen { check } => {
            let mode = if check {
                Mode::Check(codegen::COMMAND)
            } else {
                Mode::Write
            };
            let changed = codegen::run(&tree, mode)?;
            eprintln!("generated code is fresh{}", told(&changed));
        }
    }
    Ok(())
}

fn told(changed: &[&str]) -> String {
    if changed.is_empty() {
        ", nothing to write".to_owned()
    } else {
        format!("; wrote {}", changed.join(", "))
    }
}
