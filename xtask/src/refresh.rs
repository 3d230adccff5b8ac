//! `cargo xtask refresh`: vendors the newest description, generates and tests.
//!
//! All of it happens in a scratch copy. Only what passed the tests there is written into the tree. After a failure the
//! tree is as it was, and the report says why.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::codegen;
use crate::description::Description;
use crate::description::source::{Package, Source};
use crate::diff::{Report, Uses, diff};
use crate::repairs::Idle;
use crate::robots::scratch::Scratch;
use crate::tree::{FRAGMENT, File, GENERATED, Mode, SOURCE, Tree, VENDORED};
use crate::vendor;
use crate::vendor::fetch::{Wanted, fetch};
use crate::vendor::npm;

/// What to refresh to, and how it is tested.
#[derive(Debug, Clone)]
pub struct Options {
    /// The description; by default the registry's newest.
    pub wanted: Wanted,
    /// The version of the crates now.
    pub version: String,
    /// Cargo's arguments for the tests; none runs no tests.
    pub tests: Vec<String>,
}

/// The result of a refresh.
#[derive(Debug)]
pub enum Outcome {
    /// The registry has no newer version than the pinned one.
    Newest(String),
    /// The version asked for is the pinned one.
    Pinned(String),
    /// The tree has changed. The report is the text for a commit or pull request.
    Refreshed(Box<Report>),
}

/// The report of the last refresh, below `target`.
pub const REPORT: &str = "target/refresh.md";

/// Refreshes the tree, or leaves it as it was.
pub fn refresh(tree: &Tree, options: &Options) -> Result<Outcome> {
    forget_report(tree)?;
    let started = Instant::now();
    let mut differences = None;
    let result = attempt(tree, options, &mut differences);
    let seconds = started.elapsed().as_secs_f64();
    let verdict = match &result {
        Ok(Outcome::Newest(_) | Outcome::Pinned(_)) => return result,
        Ok(Outcome::Refreshed(_)) if options.tests.is_empty() => {
            "Generated; no tests were run.".to_owned()
        }
        Ok(Outcome::Refreshed(_)) => {
            format!("Generated, compiled and tested in {seconds:.0} s.")
        }
        Err(error) => {
            format!("**Failed; the tree is as it was.**\n\n```text\n{error:#}\n```")
        }
    };
    let differences =
        differences.unwrap_or_else(|| "## GitHub's description: no refresh\n".to_owned());
    let path = tree.root().join(REPORT);
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    std::fs::write(&path, format!("{differences}\n{verdict}\n"))
        .with_context(|| format!("cannot write {REPORT}"))?;
    result
}

/// Removes an earlier run's report, which would pass for this one's.
fn forget_report(tree: &Tree) -> Result<()> {
    match std::fs::remove_file(tree.root().join(REPORT)) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove the old {REPORT}"))
        }
        _ => Ok(()),
    }
}

/// A refresh without its report file. Puts the report into `differences` as soon as it is known, for failures too.
fn attempt(tree: &Tree, options: &Options, differences: &mut Option<String>) -> Result<Outcome> {
    let source = Source::parse(&tree.read(SOURCE)?)?;
    let pinned = &source.package;
    let asked = options.wanted.version.is_some() || options.wanted.from.is_some();
    let version = version(pinned, &options.wanted)?;
    if version == pinned.version {
        return Ok(match asked {
            true => Outcome::Pinned(version),
            false => Outcome::Newest(version),
        });
    }
    let wanted = Wanted {
        version: Some(version),
        ..options.wanted.clone()
    };
    let new = fetch(pinned, &wanted)?.description;
    let old = Description::read(&tree.root().join(FRAGMENT))?.0;
    let report = diff(&old, &new, &source, &Uses::of(tree)?, &options.version)?;
    *differences = Some(report.markdown());

    let before = refreshed(tree)?;
    let after = rehearse(tree, wanted, options)?;
    if let Some(edited) = refreshed(tree)?.iter().find(|file| !before.contains(file)) {
        bail!(
            "{} was edited during the rehearsal, which knows nothing of that: refresh again",
            edited.path
        );
    }
    tree.apply(&after, Mode::Write)?;
    Ok(Outcome::Refreshed(Box::new(report)))
}

/// The version asked for: that of the file, if there is one, or else the registry's newest.
fn version(pinned: &Package, wanted: &Wanted) -> Result<String> {
    if let Some(version) = &wanted.version {
        return Ok(version.clone());
    }
    let Some(from) = &wanted.from else {
        return npm::newest(&pinned.name);
    };
    let description = Description::read(from)?.0;
    let version = description.value()["info"]["version"].as_str();
    version.map(str::to_owned).with_context(|| {
        format!(
            "{} does not tell its version: `--version X` does",
            from.display()
        )
    })
}

/// Vendors, generates and tests in a copy of the whole tree, and gives the files that a refresh may change.
fn rehearse(tree: &Tree, wanted: Wanted, options: &Options) -> Result<Vec<File>> {
    let target = tree.root().join("target");
    let place: PathBuf = target.join("refresh");
    let offline = wanted.offline;
    // Cargo knows a member by its path below the workspace: with one target for both, what was built in the copy
    // would pass for the tree's own, and the machine built there would change the copy from then on.
    let artifacts = target.join("refresh-target");
    let scratch = Scratch::whole(tree, &place, &artifacts)?.offline(offline);
    let copy = Tree::at(scratch.root());
    vendor::run(
        &copy,
        &vendor::Options {
            wanted,
            ..vendor::Options::default()
        },
    )
    .context("vendoring fails")?;
    codegen::run(&copy, Mode::Write, Idle::Refuse).context("generation fails")?;
    if !options.tests.is_empty() {
        let arguments: Vec<_> = options.tests.iter().map(String::as_str).collect();
        scratch.cargo(&arguments).context("the tests fail")?;
    }
    refreshed(&copy)
}

/// The files that a refresh may change, with their text now.
fn refreshed(tree: &Tree) -> Result<Vec<File>> {
    VENDORED
        .into_iter()
        .chain(GENERATED)
        .map(|path| {
            Ok(File {
                path,
                text: tree.read(path)?,
            })
        })
        .collect()
}
