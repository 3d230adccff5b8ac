//! The workspace's files that the machine reads and makes: all made first, then written or compared.

mod journal;

pub(crate) use journal::JOURNAL;
pub use journal::{Recovered, Staged};

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// A workspace, by its folder.
#[derive(Debug, Clone)]
pub struct Tree {
    root: PathBuf,
}

/// The pin and the list of operations.
pub const SOURCE: &str = "openapi/source.toml";
/// Our words for operations and arguments.
pub const DOCS: &str = "openapi/docs.toml";
/// The fragment.
pub const FRAGMENT: &str = "openapi/github.json";
/// The low-level client.
pub const CLIENT: &str = "codegen/src/generated.rs";
/// What is known of each operation.
pub const OPERATIONS: &str = "codegen/src/operations.rs";
/// The dispatch over stores and scopes.
pub const STORES: &str = "codegen/src/stores.rs";
/// The typed helpers for httpmock.
pub const HTTPMOCK: &str = "codegen/src/httpmock.rs";
/// The front page, whose table of stores is generated.
pub const README: &str = "README.md";

/// The files that `vendor` writes.
pub const VENDORED: [&str; 2] = [SOURCE, FRAGMENT];
/// The files that `codegen` writes.
pub const GENERATED: [&str; 5] = [CLIENT, OPERATIONS, STORES, HTTPMOCK, README];

const MANIFEST: &str = "Cargo.toml";

/// One file as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path below the workspace.
    pub path: &'static str,
    /// The whole text.
    pub text: String,
}

/// Whether files are written or only compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Writes the files that differ.
    Write,
    /// Fails if a file differs, and names this command, which mends it.
    Check(&'static str),
}

impl Tree {
    /// The workspace at work: the one that cargo runs this program of, or else the nearest around the current folder.
    ///
    /// The path that this program was compiled at says nothing: a copy of the workspace with the same target folder
    /// runs the same program.
    ///
    /// # Errors
    ///
    /// If there is no such workspace.
    pub fn here() -> Result<Self> {
        let folder = std::env::current_dir().context("there is no current folder")?;
        let ours = std::env::var_os("CARGO_PKG_NAME").is_some_and(|name| name == "xtask");
        let run_by_cargo = std::env::var_os("CARGO_MANIFEST_DIR").filter(|_| ours);
        let run_by_cargo = run_by_cargo.map(PathBuf::from);
        let root = run_by_cargo.as_deref().and_then(Path::parent);
        let found = root
            .into_iter()
            .chain(folder.ancestors())
            .find(|folder| folder.join(SOURCE).is_file() && folder.join(MANIFEST).is_file());
        match found {
            Some(root) => Ok(Self::at(root)),
            None => bail!(
                "no workspace of Octoseal's (with {SOURCE}) is at {} or above: run this inside one",
                folder.display()
            ),
        }
    }

    /// A workspace elsewhere.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The workspace's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Reads one file of the workspace.
    pub fn read(&self, path: &str) -> Result<String> {
        std::fs::read_to_string(self.root.join(path)).with_context(|| format!("cannot read {path}"))
    }

    /// The version that the workspace's packages share.
    pub fn version(&self) -> Result<String> {
        let manifest: toml_edit::DocumentMut = self.read(MANIFEST)?.parse().context(MANIFEST)?;
        let package = manifest.get("workspace").and_then(|it| it.get("package"));
        let version = package.and_then(|it| it.get("version")?.as_str());
        version
            .map(str::to_owned)
            .context("Cargo.toml has no version for the workspace")
    }

    /// Writes or compares, and gives the paths of the files that differed. Writing changes all of them or none, also
    /// where the disk is full or the program is killed: what a killed one left is finished or taken back first.
    pub fn apply(&self, files: &[File], mode: Mode) -> Result<Vec<&'static str>> {
        let stale: Vec<_> = files
            .iter()
            .filter(|file| self.read(file.path).ok().as_deref() != Some(&file.text))
            .collect();
        match mode {
            Mode::Check(command) => {
                if let Some(first) = stale.first() {
                    let names: Vec<_> = stale.iter().map(|file| file.path).collect();
                    let difference = self.first_difference(first);
                    bail!("stale: {}{difference}\nrun `{command}`", names.join(", "));
                }
            }
            Mode::Write if stale.is_empty() => {}
            Mode::Write => {
                self.recover()?;
                self.stage(&stale)?.finish()?;
            }
        }
        Ok(stale.into_iter().map(|file| file.path).collect())
    }

    fn first_difference(&self, file: &File) -> String {
        let Ok(old) = self.read(file.path) else {
            return format!("\n{} does not exist", file.path);
        };
        let at = old
            .lines()
            .zip(file.text.lines())
            .position(|(old, new)| old != new);
        match at {
            Some(line) => format!("\nfirst difference: {} line {}", file.path, line + 1),
            None => format!("\n{} differs in length", file.path),
        }
    }
}
