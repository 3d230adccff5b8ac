//! `cargo xtask refresh`: the newest description, from the registry to a change that is ready for
//! a branch.
//!
//! All of it happens in a scratch copy. Only what generated and passed the tests there is written
//! into the tree; whatever fails, the tree is as it was, and the report says why.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::codegen;
use crate::description::Description;
use crate::diff::{Report, Uses, diff};
use crate::fetch::{Wanted, fetch};
use crate::npm;
use crate::repairs::Idle;
use crate::scratch::Scratch;
use crate::source::Source;
use crate::tree::{CLIENT, FRAGMENT, File, HTTPMOCK, Mode, README, SOURCE, STORES, Tree};
use crate::vendor;

/// What to refresh to, and how to make sure.
#[derive(Debug, Clone)]
pub struct Options {
    /// The description, if it is not the newest of the registry.
    pub wanted: Wanted,
    /// The version of the crates, from which the next follows.
    pub version: String,
    /// Cargo's arguments for the tests; none runs no tests.
    pub tests: Vec<String>,
}

/// What a refresh came to.
#[derive(Debug)]
pub enum Outcome {
    /// The pinned version is the newest.
    Newest(String),
    /// The tree has changed; the report is for commit and pull request.
    Refreshed(Box<Report>),
}

/// The report of the last refresh, below `target`.
pub const REPORT: &str = "target/refresh.md";

/// Refreshes the tree, or leaves it as it was.
pub fn refresh(tree: &Tree, options: &Options) -> Result<Outcome> {
    let source = Source::parse(&tree.read(SOURCE)?)?;
    let pinned = &source.package;
    let mut wanted = options.wanted.clone();
    if wanted.version.is_none() {
        wanted.version = Some(npm::newest(&pinned.name)?);
    }
    if wanted.version.as_ref() == Some(&pinned.version) {
        return Ok(Outcome::Newest(pinned.version.clone()));
    }
    let new = fetch(pinned, &wanted)?.description;
    let old = Description::read(&tree.root().join(FRAGMENT))?.0;
    let report = diff(&old, &new, &source, &Uses::of(tree)?, &options.version)?;

    let started = Instant::now();
    let result = rehearse(tree, wanted, options);
    let seconds = started.elapsed().as_secs_f64();
    let verdict = match &result {
        Ok(_) if options.tests.is_empty() => "Generated; no tests were run.".to_owned(),
        Ok(_) => format!("Generated, compiled and tested in {seconds:.0} s."),
        Err(error) => {
            format!("**Failed; the tree is as it was.**\n\n```text\n{error:#}\n```")
        }
    };
    let path = tree.root().join(REPORT);
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    std::fs::write(&path, format!("{}\n{verdict}\n", report.markdown()))
        .with_context(|| format!("cannot write {REPORT}"))?;
    tree.apply(&result?, Mode::Write)?;
    Ok(Outcome::Refreshed(Box::new(report)))
}

/// Vendors, generates and tests in a copy of the whole tree; gives what has changed there.
fn rehearse(tree: &Tree, wanted: Wanted, options: &Options) -> Result<Vec<File>> {
    let target = tree.root().join("target");
    let place: PathBuf = target.join("refresh");
    let scratch = Scratch::whole(tree, &place, &target)?;
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
    [SOURCE, FRAGMENT, CLIENT, STORES, HTTPMOCK, README]
        .into_iter()
        .map(|path| {
            Ok(File {
                path,
                text: copy.read(path)?,
            })
        })
        .collect()
}
