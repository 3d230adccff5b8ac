//! The commands: each does its work by the rooms below, and prints what came of it.

use std::fmt::Display;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::description::source::Source;
use crate::description::{Description, Fault};
use crate::diff::Breaks;
use crate::progress;
use crate::repairs::Idle;
use crate::robots::{self, sweep, whole};
use crate::tree::{DOCS, FRAGMENT, Mode, SOURCE, Tree};
use crate::vendor::fetch::{self, Wanted};
use crate::{codegen, diff, refresh, vendor};

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
    /// For a pull request.
    Markdown,
}

/// `cargo xtask vendor`
pub fn vendor(tree: &Tree, options: &vendor::Options) -> Result<()> {
    let outcome = vendor::run(tree, options)?;
    eprintln!(
        "{} operations of version {}{}",
        outcome.operations,
        outcome.version,
        written(&outcome.changed)
    );
    for entry in outcome.missing {
        eprintln!("missing: {entry}");
    }
    if outcome.unverified {
        eprintln!(
            "warning: the file was compared with no archive of the registry's; `{}` without --from compares them and \
             pins the archive's integrity",
            vendor::COMMAND
        );
    }
    for left in outcome.left_out {
        eprintln!("warning: {left}");
    }
    for fault in told(&outcome.faults) {
        eprintln!("note: passed over, not kept: {fault}");
    }
    if !options.check
        && let Err(error) = codegen::files(tree, Idle::Refuse)
    {
        eprintln!(
            "warning: `{}` will fail: {error:#}\n`git restore openapi` takes the new fragment back",
            codegen::COMMAND
        );
    }
    Ok(())
}

/// The first faults, and how many there are more.
fn told(faults: &[Fault]) -> Vec<String> {
    const MOST: usize = 10;
    let mut lines: Vec<_> = faults.iter().take(MOST).map(Fault::to_string).collect();
    if faults.len() > MOST {
        lines.push(format!("{} more", faults.len() - MOST));
    }
    lines
}

/// `cargo xtask codegen`
pub fn codegen(tree: &Tree, check: bool, idle: Idle) -> Result<()> {
    let mode = if check {
        Mode::Check(codegen::COMMAND)
    } else {
        Mode::Write
    };
    progress::step("generating");
    let changed = codegen::run(tree, mode, idle)?;
    eprintln!("generated code is fresh{}", written(&changed));
    let wordless = codegen::wordless(tree)?;
    if let [first, rest @ ..] = wordless.as_slice() {
        let more = match rest.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        eprintln!("note: `{first}`{more}: no words in {DOCS}, documented by facts alone");
    }
    Ok(())
}

/// `cargo xtask diff`; `base` is compared with instead of the fragment. Tells whose code the difference breaks.
pub fn diff(tree: &Tree, wanted: &Wanted, base: Option<&Path>, form: Form) -> Result<Breaks> {
    let source = Source::parse(&tree.read(SOURCE)?)?;
    let new = fetch::describe(&source.package, wanted)?;
    let fragment = tree.root().join(FRAGMENT);
    let old = Description::read(base.unwrap_or(&fragment))?.0;
    progress::step("comparing the descriptions");
    let uses = diff::Uses::of(tree)?;
    let report = diff::diff(&old, &new, &source, &uses, &tree.version()?)?;
    match form {
        Form::Json => print(serde_json::to_string_pretty(&report)? + "\n"),
        Form::Markdown => print(report.markdown()),
        Form::Text => print(&report),
    }?;
    Ok(report.worst())
}

/// `cargo xtask refresh`; `tests` are Cargo's arguments.
pub fn refresh(tree: &Tree, wanted: Wanted, tests: Vec<String>, accept_losses: bool) -> Result<()> {
    let options = refresh::Options {
        wanted,
        version: tree.version()?,
        tests: tests.into_iter().filter(|each| !each.is_empty()).collect(),
        accept_losses,
    };
    match refresh::refresh(tree, &options)? {
        refresh::Outcome::Newest { pinned, registry } if pinned == registry => print(format!(
            "{pinned} is pinned, and the registry's newest version\n"
        )),
        refresh::Outcome::Newest { pinned, registry } => print(format!(
            "{pinned} is pinned, and the registry's newest version is {registry}: nothing newer\n"
        )),
        refresh::Outcome::Pinned(version) => print(format!("{version} is pinned already\n")),
        refresh::Outcome::Refreshed(report) => {
            print(report.markdown())?;
            eprintln!("the report is in {}", refresh::REPORT);
            Ok(())
        }
    }
}

/// `cargo xtask timelapse`
pub fn timelapse(tree: &Tree, journey: &robots::timelapse::Journey) -> Result<()> {
    print(robots::timelapse::timelapse(tree, journey, |row| {
        eprintln!("{row}");
    })?)
}

/// `cargo xtask sweep`: over the description wanted, or over every one in the pinned package; operation by operation,
/// or the `whole` at once.
pub fn sweep(tree: &Tree, wanted: &Wanted, whole: bool, every: bool) -> Result<()> {
    let source = Source::parse(&tree.read(SOURCE)?)?;
    let descriptions = if every {
        fetch::every(&source.package, wanted.offline)?
    } else {
        vec![fetch::describe(&source.package, wanted)?]
    };
    let mut failed = Vec::new();
    for description in &descriptions {
        if whole {
            let whole = whole::whole(tree, description, &source, wanted.offline)?;
            print(format!("{whole}\n"))?;
        } else {
            let sweep = sweep::sweep(description, &source);
            print(format!("{}: {sweep}\n", description.plan()))?;
            if let Err(error) = sweep.verdict() {
                failed.push(format!("{}: {error}", description.plan()));
            }
        }
    }
    if !failed.is_empty() {
        bail!("{}", failed.join("\n"));
    }
    Ok(())
}

/// `cargo xtask interop`
pub fn interop(tree: &Tree, options: robots::interop::Options) -> Result<()> {
    robots::interop::run(tree, options)
}

/// `cargo xtask fleet`
pub fn fleet(tree: &Tree, require: bool, server: Option<PathBuf>) -> Result<()> {
    robots::fleet::run(tree, require, server)
}

/// `cargo xtask fuzz`
pub fn fuzz(tree: &Tree, seconds: u32, offline: bool) -> Result<()> {
    robots::fuzz::run(tree, seconds, offline)
}

/// Prints to standard output. A reader that closes it early (`| head`) is no failure.
fn print(text: impl Display) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn written(files: &[&str]) -> String {
    if files.is_empty() {
        ", nothing to write".to_owned()
    } else {
        format!("; wrote {}", files.join(", "))
    }
}
