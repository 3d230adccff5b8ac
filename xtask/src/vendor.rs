//! `cargo xtask vendor`: from GitHub's description to the fragment.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::description::Description;
use crate::select::select;
use crate::source::{Package, Source, with_package};
use crate::tree::{FRAGMENT, File, Mode, SOURCE, Tree};
use crate::{cut, npm};

/// What to vendor, and how strictly.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// A description that is here already, instead of one from the registry.
    pub from: Option<PathBuf>,
    /// Another version than the pinned one: the pin moves.
    pub version: Option<String>,
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
    let (mut package, bytes) = fetch(&source.package, options)?;
    let description = Description::parse(&bytes, &package.file)?;

    let selection = select(&description, source.entries());
    if !options.allow_missing {
        selection.complete(&description)?;
    }
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
    Ok(Outcome {
        changed,
        version: package.version,
        operations: selection.found.len(),
        missing: selection.missing,
    })
}

/// What vendoring came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The files that differed.
    pub changed: Vec<&'static str>,
    /// The version cut from.
    pub version: String,
    /// How many operations were kept.
    pub operations: usize,
    /// The entries that the description lacks.
    pub missing: Vec<String>,
}

/// A JSON document as it is written into the tree.
pub fn pretty(document: &serde_json::Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(document)? + "\n")
}

/// The description's bytes, and the pin that they are right by.
fn fetch(pinned: &Package, options: &Options) -> Result<(Package, Vec<u8>)> {
    let moves = options
        .version
        .as_ref()
        .is_some_and(|version| *version != pinned.version);
    let mut package = Package {
        version: options
            .version
            .clone()
            .unwrap_or_else(|| pinned.version.clone()),
        ..pinned.clone()
    };
    let bytes = match &options.from {
        Some(path) => {
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?
        }
        None => {
            let folder = tempfile::tempdir()?;
            let archive = npm::pack(&package.name, &package.version, folder.path())?;
            let integrity = npm::integrity(&archive);
            if !moves && integrity != pinned.integrity {
                bail!(
                    "{}@{} has the integrity {integrity}, and {} is pinned",
                    package.name,
                    package.version,
                    pinned.integrity
                );
            }
            package.integrity = integrity;
            npm::extract(&archive, &package.file)?
        }
    };
    let digest = npm::sha256(&bytes);
    if !moves && digest != pinned.sha256 {
        bail!(
            "{} has the sha256 {digest}, and {} is pinned for version {}; `--version X` moves the pin",
            options
                .from
                .as_ref()
                .map_or(package.file.clone(), |path| path.display().to_string()),
            pinned.sha256,
            pinned.version
        );
    }
    if moves && options.from.is_some() {
        // What the registry records for that version can't be known from the file alone.
        package.integrity = String::new();
    }
    package.sha256 = digest;
    Ok((package, bytes))
}
