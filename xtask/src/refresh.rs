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
use crate::progress;
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
    /// Goes on although so much is gone that the description is more likely to be broken, and without what is gone.
    pub accept_losses: bool,
}

/// The result of a refresh.
#[derive(Debug)]
pub enum Outcome {
    /// The registry has no newer version than the pinned one.
    Newest {
        /// The pinned version.
        pinned: String,
        /// The registry's newest.
        registry: String,
    },
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
        Ok(Outcome::Newest { .. } | Outcome::Pinned(_)) => return result,
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
    let wanted = match version(&source.package, &options.wanted)? {
        Found::Nothing(outcome) => return Ok(outcome),
        Found::Version(version) => Wanted {
            version: Some(version),
            ..options.wanted.clone()
        },
    };
    let new = fetch(&source.package, &wanted)?.description;
    let old = Description::read(&tree.root().join(FRAGMENT))?.0;
    progress::step("comparing the descriptions");
    let report = diff(&old, &new, &source, &Uses::of(tree)?, &options.version)?;
    *differences = Some(report.markdown());
    if let Some(losses) = &report.losses
        && !options.accept_losses
    {
        bail!("{losses}; `--accept-losses` goes on without what is gone");
    }

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

/// What there is to refresh to.
enum Found {
    Version(String),
    Nothing(Outcome),
}

/// The version asked for: that of the file, if there is one, or else the registry's newest. An older one than the pinned
/// must be asked for by name.
fn version(pinned: &Package, wanted: &Wanted) -> Result<Found> {
    let another_file = wanted
        .file
        .as_ref()
        .is_some_and(|file| *file != pinned.file);
    if let Some(from) = &wanted.from {
        let (description, bytes) = Description::read(from)?;
        let told = description.value()["info"]["version"].as_str();
        let version = wanted.version.as_deref().or(told).with_context(|| {
            format!(
                "{} does not tell its version: `--version X` does",
                from.display()
            )
        })?;
        if version == pinned.version && !another_file {
            if npm::sha256(&bytes) == pinned.sha256 {
                return Ok(Found::Nothing(Outcome::Pinned(version.to_owned())));
            }
            bail!(
                "{} is of version {version}, which is pinned with another content: `--version X` gives this one a \
                 name of its own, and `--file PATH` says that it is another edition",
                from.display()
            );
        }
        if wanted.version.is_none() && is_older(version, &pinned.version) {
            bail!(
                "{} is of version {version}, older than the pinned {}: `--version {version}` goes back",
                from.display(),
                pinned.version
            );
        }
        return Ok(Found::Version(version.to_owned()));
    }
    let asked = wanted.version.is_some();
    let version = match &wanted.version {
        Some(version) => version.clone(),
        None if another_file => pinned.version.clone(),
        None if wanted.offline => {
            bail!(
                "offline, the newest version can't be asked for: `--version X` or `--from FILE` names one"
            )
        }
        None => npm::newest(&pinned.name)?,
    };
    Ok(
        if another_file
            || version != pinned.version && (asked || !is_older(&version, &pinned.version))
        {
            Found::Version(version)
        } else if asked {
            Found::Nothing(Outcome::Pinned(version))
        } else {
            Found::Nothing(Outcome::Newest {
                pinned: pinned.version.clone(),
                registry: version,
            })
        },
    )
}

/// Whether a version comes before another, number by number, and a pre-release before its release.
fn is_older(version: &str, than: &str) -> bool {
    let rank = |version: &str| -> (Vec<u64>, bool) {
        let version = version.split('+').next().unwrap_or_default();
        let release = version.split('-').next().unwrap_or_default();
        let numbers = release.split('.');
        let numbers = numbers.map(|number| number.parse().unwrap_or_default());
        (numbers.collect(), !version.contains('-'))
    };
    rank(version) < rank(than)
}

/// Vendors, generates and tests in a copy of the whole tree, and gives the files that a refresh may change.
fn rehearse(tree: &Tree, wanted: Wanted, options: &Options) -> Result<Vec<File>> {
    let target = tree.root().join("target");
    let place: PathBuf = target.join("refresh");
    let offline = wanted.offline;
    progress::step("vendoring and generating in target/refresh");
    // Cargo knows a member by its path below the workspace: with one target for both, what was built in the copy
    // would pass for the tree's own, and the machine built there would change the copy from then on.
    let artifacts = target.join("refresh-target");
    let scratch = Scratch::whole(tree, &place, &artifacts)?.offline(offline);
    let copy = Tree::at(scratch.root());
    vendor::run(
        &copy,
        &vendor::Options {
            wanted,
            allow_missing: options.accept_losses,
            check: false,
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
