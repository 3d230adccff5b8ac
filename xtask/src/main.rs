//! The arguments of `cargo xtask`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use xtask::commands::{self, Form};
use xtask::diff::Breaks;
use xtask::repairs::Idle;
use xtask::robots::{interop, timelapse};
use xtask::tree::{Recovered, Tree};
use xtask::vendor::{self, fetch};

/// What the exit status means.
const STATUSES: &str = "\
Exit status: 0 done, or all is as it should be; 1 not done, and standard error says why; 2 arguments that mean nothing.
`diff --exit-code`: 0 breaks nobody; 3 breaks callers of octoseal-api; 4 breaks callers of octoseal too.";

/// The machine that makes Octoseal's low-level client from GitHub's description.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = STATUSES)]
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
    /// Another file of the package than the pinned one, such as generated/ghes-3.19.json
    #[arg(long, value_name = "PATH")]
    file: Option<String>,
    /// Ask no registry, not even Cargo's: only what is here, or kept by npm and Cargo
    #[arg(long)]
    offline: bool,
}

impl From<Wanted> for fetch::Wanted {
    fn from(wanted: Wanted) -> Self {
        let Wanted {
            from,
            version,
            file,
            offline,
        } = wanted;
        Self {
            from,
            version,
            file,
            offline,
        }
    }
}

/// What `diff` compares, and how it tells.
#[derive(clap::Args)]
struct Comparison {
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
    /// Exit with 3 if callers of octoseal-api are broken, with 4 if callers of octoseal are
    #[arg(long)]
    exit_code: bool,
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
        /// Install nothing: only libraries that are here
        #[arg(long)]
        offline: bool,
    },
    /// Let processes that share limits in a real Redis store secrets, and let processes, store and clocks fail
    Fleet {
        /// Fail where no Redis or Valkey is at hand, instead of skipping what needs it
        #[arg(long)]
        require: bool,
        /// The server's program, instead of the first redis-server or else valkey-server that is installed
        #[arg(long, value_name = "PROGRAM")]
        server: Option<PathBuf>,
    },
    /// Feed foreign bytes to everything that reads them, if cargo-fuzz and a nightly toolchain are here
    Fuzz {
        /// How long each target runs
        #[arg(long, value_name = "N", default_value_t = 60)]
        seconds: u32,
        /// Ask no registry: what Cargo keeps must do
        #[arg(long)]
        offline: bool,
    },
    /// Tell what another description would change, and whom that breaks
    Diff(Comparison),
    /// Vendor the newest description, generate and test in a scratch copy, then change the tree
    Refresh {
        #[command(flatten)]
        wanted: Wanted,
        /// Cargo's arguments for the tests
        #[arg(long, value_delimiter = ' ', default_value = "test --workspace")]
        tests: Vec<String>,
        /// Go on although so much is gone that the description is more likely to be broken
        #[arg(long)]
        accept_losses: bool,
    },
    /// Go back to earlier descriptions and forth again, in a scratch copy
    Timelapse {
        /// A folder of descriptions called VERSION.json, instead of the registry
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
        /// The versions to go back to
        #[arg(default_values = timelapse::VERSIONS)]
        versions: Vec<String>,
        /// Ask no registry, not even Cargo's: only what is here, or kept by npm and Cargo
        #[arg(long)]
        offline: bool,
    },
    /// Take every operation of a description alone through the machine
    Sweep {
        #[command(flatten)]
        wanted: Wanted,
        /// All of them at once instead, and check that the result compiles
        #[arg(long)]
        whole: bool,
        /// Every description in the pinned package: GitHub's own and its servers'
        #[arg(long, conflicts_with_all = ["whole", "from", "version", "file"])]
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
    match Tree::here().and_then(|tree| recovered(&tree).and_then(|()| run(&tree, command))) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Finishes or takes back what an interrupted run left, and says so.
fn recovered(tree: &Tree) -> Result<()> {
    match tree.recover()? {
        None => {}
        Some(Recovered::TakenBack) => {
            eprintln!("note: an interrupted run had changed nothing yet; what it left is removed");
        }
        Some(Recovered::Finished(files)) => {
            eprintln!(
                "note: finished what an interrupted run began: {}",
                files.join(", ")
            );
        }
    }
    Ok(())
}

/// The status of `diff --exit-code`.
fn status(breaks: Breaks) -> ExitCode {
    match breaks {
        Breaks::Nobody => ExitCode::SUCCESS,
        Breaks::LowLevel => ExitCode::from(3),
        Breaks::Octoseal => ExitCode::from(4),
    }
}

fn run(tree: &Tree, command: Command) -> Result<ExitCode> {
    match command {
        Command::Diff(comparison) => return diff(tree, comparison),
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
        Command::Interop {
            require,
            rounds,
            offline,
        } => commands::interop(
            tree,
            interop::Options {
                require,
                rounds,
                offline,
            },
        ),
        Command::Fleet { require, server } => commands::fleet(tree, require, server),
        Command::Fuzz { seconds, offline } => commands::fuzz(tree, seconds, offline),
        Command::Refresh {
            wanted,
            tests,
            accept_losses,
        } => commands::refresh(tree, wanted.into(), tests, accept_losses),
        Command::Timelapse {
            folder,
            versions,
            offline,
        } => commands::timelapse(
            tree,
            &timelapse::Journey {
                versions,
                folder,
                offline,
            },
        ),
        Command::Sweep {
            wanted,
            whole,
            every,
        } => commands::sweep(tree, &wanted.into(), whole, every),
        Command::Codegen { check, allow_idle } => {
            let idle = if allow_idle {
                Idle::Allow
            } else {
                Idle::Refuse
            };
            commands::codegen(tree, check, idle)
        }
    }?;
    Ok(ExitCode::SUCCESS)
}

fn diff(tree: &Tree, comparison: Comparison) -> Result<ExitCode> {
    let form = match (comparison.json, comparison.markdown) {
        (true, _) => Form::Json,
        (_, true) => Form::Markdown,
        _ => Form::Text,
    };
    let base = comparison.base.as_deref();
    let breaks = commands::diff(tree, &comparison.wanted.into(), base, form)?;
    Ok(if comparison.exit_code {
        status(breaks)
    } else {
        ExitCode::SUCCESS
    })
}
