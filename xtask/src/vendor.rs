//! `cargo xtask vendor`: cuts the fragment from GitHub's description, and moves the pin.

pub mod fetch;
pub mod npm;

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::description::Description;
use crate::description::cut;
use crate::description::faults::{self, Fault};
use crate::description::left_out::{self, LeftOut};
use crate::description::select::select;
use crate::description::source::{Source, with_package};
use crate::description::unread;
use crate::tree::{FRAGMENT, File, Mode, SOURCE, Tree};
use crate::vendor::fetch::{Fetched, Wanted, fetch};

/// What to vendor, and how strictly.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The description to cut from.
    pub wanted: Wanted,
    /// Compare instead of writing.
    pub check: bool,
    /// Keep what the description has, and list what it lacks.
    pub allow_missing: bool,
}

/// The command that mends a stale fragment.
pub const COMMAND: &str = "cargo xtask vendor";

/// Cuts the fragment, and writes or compares it.
pub fn run(tree: &Tree, options: &Options) -> Result<Outcome> {
    let text = tree.read(SOURCE)?;
    let source = Source::parse(&text)?;
    let Fetched {
        mut package,
        description,
    } = fetch(&source.package, &options.wanted)?;

    let unread = unread::of_document(description.value());
    if !unread.is_empty() {
        bail!("{}", unread.join("\n"));
    }
    let selection = select(&description, source.entries());
    // What the pin says to be missing was accepted when it moved there.
    let known = &source.package.missing;
    if !options.allow_missing {
        let before = Description::read(&tree.root().join(FRAGMENT)).ok();
        let before = before.as_ref().map(|(before, _)| before);
        selection.complete(&description, known, before)?;
    }
    selection.distinct()?;
    let unread = unread::of_paths(description.value(), &selection.found);
    if !unread.is_empty() {
        bail!("{}", unread.join("\n"));
    }
    package.missing = selection.missing.clone();
    let projections = if options.allow_missing || !known.is_empty() {
        cut::present(&description, &source.project)
    } else {
        source.project.clone()
    };
    let fragment = cut::cut(&description, &selection.found, &projections)?;
    unread::refuse(&fragment)?;
    let files = [
        File {
            path: FRAGMENT,
            text: pretty(&fragment)?,
        },
        File {
            path: SOURCE,
            text: with_package(&text, &package)?,
        },
    ];
    let mode = if options.check {
        Mode::Check(COMMAND)
    } else {
        Mode::Write
    };
    let changed = tree.apply(&files, mode)?;
    let kept: BTreeSet<_> = selection.found.iter().map(|each| each.id).collect();
    Ok(Outcome {
        changed,
        faults: faults::unkept(&description, &kept),
        unverified: package.integrity.is_empty(),
        version: package.version,
        operations: kept.len(),
        left_out: source.newly_left_out(left_out::left_out(description.value(), &kept)),
        missing: selection.missing,
    })
}

/// The result of vendoring.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The files that differed.
    pub changed: Vec<&'static str>,
    /// Whether the pin has no archive's integrity: the description was read from a file.
    pub unverified: bool,
    /// The version cut from.
    pub version: String,
    /// How many operations were kept.
    pub operations: usize,
    /// What the list of operations leaves out of stores and beside them, and does not name as left out.
    pub left_out: Vec<LeftOut>,
    /// What is not understood, in operations that are not kept.
    pub faults: Vec<Fault>,
    /// The entries that the description lacks.
    pub missing: Vec<String>,
}

/// A JSON document as text, in the form of the fragment.
pub fn pretty(document: &serde_json::Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(document)? + "\n")
}
