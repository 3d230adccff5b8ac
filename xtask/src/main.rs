//! `cargo xtask`: the machine's commands.

use std::fmt::Display;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use xtask::description::Description;
use xtask::repairs::Idle;
use xtask::source::Source;
use xtask::tree::{DOCS, FRAGMENT, Mode, SOURCE, Tree};
use xtask::{codegen, diff, fetch, fuzz, interop, refresh, sweep, timelapse, vendor, whole};

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
    /// Reach for no registry, not even Cargo's
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
        /// Put up with repairs whose fault this fragment does not have
        #[arg(long)]
        allow_idle: bool,
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
            wanted,
            check,
            allow_missing,
        } => {
            let outcome = vendor::run(
                &tree,
                &vendor::Options {
                    wanted: wanted.into(),
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
            if outcome.unverified {
                eprintln!(
                    "warning: the file was compared with no archive of the registry's; \
                     `{}` without --from compares them and pins the archive's integrity",
                    vendor::COMMAND
                );
            }
            for left in outcome.left_out {
                eprintln!("warning: {left}");
            }
        }
        Command::Interop { require, rounds } => {
            interop::run(&tree, interop::Options { require, rounds })?;
        }
        Command::Fuzz { seconds } => fuzz::run(&tree, seconds)?,
        Command::Diff {
            wanted,
            base,
            json,
            markdown,
        } => {
            let source = Source::parse(&tree.read(SOURCE)?)?;
            let new = fetch::describe(&source.package, &wanted.into())?;
            let old = Description::read(&base.unwrap_or_else(|| tree.root().join(FRAGMENT)))?.0;
            let uses = diff::Uses::of(&tree)?;
            let report = diff::diff(&old, &new, &source, &uses, env!("CARGO_PKG_VERSION"))?;
            if json {
                say(serde_json::to_string_pretty(&report)? + "\n")?;
            } else if markdown {
                say(report.markdown())?;
            } else {
                say(report)?;
            }
        }
        Command::Refresh { wanted, tests } => {
            let options = refresh::Options {
                wanted: wanted.into(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                tests: tests.into_iter().filter(|each| !each.is_empty()).collect(),
            };
            match refresh::refresh(&tree, &options)? {
                refresh::Outcome::Newest(version) => {
                    say(format!("{version} is the newest version\n"))?;
                }
                refresh::Outcome::Pinned(version) => {
                    say(format!("{version} is pinned already\n"))?;
                }
                refresh::Outcome::Refreshed(report) => {
                    say(report.markdown())?;
                    eprintln!("the report is in {}", refresh::REPORT);
                }
            }
        }
        Command::Timelapse { folder, versions } => {
            let journey = timelapse::Journey { versions, folder };
            say(timelapse::timelapse(&tree, &journey, |row| {
                eprintln!("{row}");
            })?)?;
        }
        Command::Sweep {
            wanted,
            whole,
            every,
        } => {
            let source = Source::parse(&tree.read(SOURCE)?)?;
            let descriptions = if every {
                fetch::every(&source.package)?
            } else {
                vec![fetch::describe(&source.package, &wanted.into())?]
            };
            let mut failed = Vec::new();
            for description in &descriptions {
                if whole {
                    say(format!("{}\n", whole::whole(&tree, description, &source)?))?;
                } else {
                    let sweep = sweep::sweep(description, &source);
                    say(format!("{}: {sweep}\n", description.plan()))?;
                    if let Err(error) = sweep.verdict() {
                        failed.push(format!("{}: {error}", description.plan()));
                    }
                }
            }
            if !failed.is_empty() {
                bail!("{}", failed.join("\n"));
            }
        }
        Command::Codegen { check, allow_idle } => {
            let mode = if check {
                Mode::Check(codegen::COMMAND)
            } else {
                Mode::Write
            };
            let idle = if allow_idle {
                Idle::Allow
            } else {
                Idle::Refuse
            };
            let changed = codegen::run(&tree, mode, idle)?;
            eprintln!("generated code is fresh{}", told(&changed));
            let wordless = codegen::wordless(&tree)?;
            if let [first, rest @ ..] = wordless.as_slice() {
                let more = match rest.len() {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                eprintln!("note: `{first}`{more}: no words in {DOCS}, documented by facts alone");
            }
        }
    }
    Ok(())
}

/// Prints to whoever listens. One who has heard enough (`| head`) is no failure.
fn say(text: impl Display) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn told(changed: &[&str]) -> String {
    if changed.is_empty() {
        ", nothing to write".to_owned()
    } else {
        format!("; wrote {}", changed.join(", "))
    }
}
