//! The arguments of `cargo xtask`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use xtask::commands::{self, Form};
use xtask::repairs::Idle;
use xtask::robots::{interop, timelapse};
use xtask::tree::Tree;
use xtask::vendor::{self, fetch};

/// The machine that makes Octoseal's low-level client from GitHub's description.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Which description a command looks at: the pinned one unless told otherwise.
#[derive(clap::Args)]
struct Wanted {
    /// A description that is here already, instead of the registry's
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Another version than the pinned one
    #[arg(long, value_name = "X")]
    version: Option<String>,
    /// Ask no registry, not even Cargo's
    #[arg(long, requires = "from")]
    offline: bool,
}

impl From<Wanted> for fetch::Wanted {
    fn from(wanted: Wanted) -> Self {
        let Wanted {
            from,
            version,
            offline,
        } = wanted;
        Self {
            from,
            version,
            offline,
        }
    }
}

#[derive(Subcommand)]
enum Command {
    /// Cut the fragment of GitHub's description that we keep; --version moves the pin
    Vendor {
        #[command(flatten)]
        wanted: Wanted,
        /// Compare instead of writing
        #[arg(long)]
        check: bool,
        /// Keep what the description has, and list what it lacks
        #[arg(long)]
        allow_missing: bool,
    },
    /// Exchange sealed boxes with the libraries that GitHub's documentation names
    Interop {
        /// Fail where a library is not at hand, instead of skipping it
        #[arg(long)]
        require: bool,
        /// How many random messages, beside the fixed ones
        #[arg(long, value_name = "N", default_value_t = 1000)]
        rounds: usize,
    },
    /// Feed foreign bytes to everything that reads them, if cargo-fuzz and a nightly toolchain are here
    Fuzz {
        /// How long each target runs
        #[arg(long, value_name = "N", default_value_t = 60)]
        seconds: u32,
    },
    /// Tell what another description would change, and whom that breaks
    Diff {
        #[command(flatten)]
        wanted: Wanted,
        /// A description to compare with, instead of the fragment
        #[arg(long, value_name = "FILE")]
        base: Option<PathBuf>,
        /// As JSON
        #[arg(long, conflicts_with = "markdown")]
        json: bool,
        /// As the body of a pull request
        #[arg(long)]
        markdown: bool,
    },
    /// Vendor the newest description, generate and test in a scratch copy, then change the tree
    Refresh {
        #[command(flatten)]
        wanted: Wanted,
        /// Cargo's arguments for the tests
        #[arg(long, value_delimiter = ' ', default_value = "test --workspace")]
        tests: Vec<String>,
    },
    /// Go back to earlier descriptions and forth again, in a scratch copy
    Timelapse {
        /// A folder of descriptions called VERSION.json, instead of the registry
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
        /// The versions to go back to
        #[arg(default_values = timelapse::VERSIONS)]
        versions: Vec<String>,
    },
    /// Take every operation of a description alone through the machine
    Sweep {
        #[command(flatten)]
        wanted: Wanted,
        /// All of them at once instead, and check that the result compiles
        #[arg(long)]
        whole: bool,
        /// Every description in the pinned package: GitHub's own and its servers'
        #[arg(long, conflicts_with_all = ["whole", "from", "version"])]
        every: bool,
    },
    /// Generate the low-level client from the fragment
    Codegen {
        /// Compare instead of writing
        #[arg(long)]
        check: bool,
        /// Accept repairs whose fault this fragment does not have
        #[arg(long)]
        allow_idle: bool,
    },
}

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    match Tree::here().and_then(|tree| run(&tree, command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(tree: &Tree, command: Command) -> Result<()> {
    match command {
        Command::Vendor {
            wanted,
            check,
            allow_missing,
        } => {
            let wanted = wanted.into();
            let options = vendor::Options {
                wanted,
                check,
                allow_missing,
            };
            commands::vendor(tree, &options)
        }
        Command::Interop { require, rounds } => {
            commands::interop(tree, interop::Options { require, rounds })
        }
        Command::Fuzz { seconds } => commands::fuzz(tree, seconds),
        Command::Diff {
            wanted,
            base,
            json,
            markdown,
        } => {
            let form = match (json, markdown) {
                (true, _) => Form::Json,
                (_, true) => Form::Markdown,
                _ => Form::Text,
            };
            commands::diff(tree, &wanted.into(), base.as_deref(), form)
        }
        Command::Refresh { wanted, tests } => commands::refresh(tree, wanted.into(), tests),
        Command::Timelapse { folder, versions } => {
            commands::timelapse(tree, &timelapse::Journey { versions, folder })
        }
        Command::Sweep {
            wanted,
            whole,
            every,
        } => {
            let which = if every { None } else { Some(wanted.into()) };
            commands::sweep(tree, which.as_ref(), whole)
        }
        Command::Codegen { check, allow_idle } => {
            let idle = if allow_idle {
                Idle::Allow
            } else {
                Idle::Refuse
            };
            commands::codegen(tree, check, idle)
        }
    }
}
