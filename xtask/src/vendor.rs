//! `cargo xtask vendor`: from GitHub's description to the fragment.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::cut;
use crate::family::{self, LeftOut};
use crate::fetch::{Fetched, Wanted, fetch};
use crate::select::select;
use crate::source::{Source, with_package};
use crate::tree::{FRAGMENT, File, Mode, SOURCE, Tree};

/// What to vendor, and how strictly.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Which description to cut from.
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

    let selection = select(&description, source.entries());
    if !options.allow_missing {
        selection.complete(&description)?;
    }
    selection.distinct()?;
    package.missing = selection.missing.clone();
    let projections = if options.allow_missing {
        cut::possible(&description, &source.project)
    } else {
        source.project.clone()
    };
    let fragment = cut::cut(&description, &selection.found, &projections)?;
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
        unverified: package.integrity.is_empty(),
        version: package.version,
        operations: kept.len(),
        left_out: source.unforeseen(family::left_out(description.value(), &kept)),
        missing: selection.missing,
    })
}

/// What vendoring came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The files that differed.
    pub changed: Vec<&'static str>,
    /// Whether the pin lacks an archive's integrity, since none was read.
    pub unverified: bool,
    /// The version cut from.
    pub version: String,
    /// How many operations were kept.
    pub operations: usize,
    /// What the list leaves out of stores, and beside them, without saying so.
    pub left_out: Vec<LeftOut>,
    /// The entries that the description lacks.
    pub missing: Vec<String>,
}

/// A JSON document as it is written into the tree.
pub fn pretty(document: &serde_json::Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(document)? + "\n")
}
