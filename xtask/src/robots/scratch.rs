//! A copy of the workspace, in which generated code is compiled while the tree stays as it is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::progress;
use crate::tree::{File, JOURNAL, Tree};

/// Folders that are not copied: what was built, recorded or fetched.
const NOT_SOURCES: [&str; 4] = ["target", ".git", "node_modules", JOURNAL];

/// A copy of some rooms of the workspace, as a workspace of its own.
#[derive(Debug)]
pub struct Scratch {
    root: PathBuf,
    target: PathBuf,
    /// The workspace that this is a copy of. Its lockfile names all dependencies.
    original: PathBuf,
    offline: bool,
}

impl Scratch {
    /// Copies `rooms` of `tree` to `root`. Files that are the same already stay untouched, so that cargo does not compile
    /// them again. Artifacts go to `target`.
    pub fn new(tree: &Tree, root: &Path, target: &Path, rooms: &[&str]) -> Result<Self> {
        let scratch = Self::empty(tree, root, target);
        for room in rooms {
            scratch.copy(tree, Path::new(room))?;
        }
        for file in ["Cargo.lock", "README.md"] {
            scratch.write(
                file,
                std::fs::read(tree.root().join(file))
                    .with_context(|| format!("cannot read {file}"))?,
            )?;
        }
        scratch.members(&tree.read("Cargo.toml")?, rooms)?;
        Ok(scratch)
    }

    /// Copies all of `tree` but what was built, recorded or fetched.
    pub fn whole(tree: &Tree, root: &Path, target: &Path) -> Result<Self> {
        let scratch = Self::empty(tree, root, target);
        scratch.copy(tree, Path::new(""))?;
        Ok(scratch)
    }

    fn empty(tree: &Tree, root: &Path, target: &Path) -> Self {
        Self {
            root: root.to_owned(),
            target: target.to_owned(),
            original: tree.root().to_owned(),
            offline: false,
        }
    }

    /// Whether missing dependencies are not downloaded.
    pub fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// The copy's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Writes generated files into the copy.
    pub fn write_all(&self, files: &[File]) -> Result<()> {
        files
            .iter()
            .try_for_each(|file| self.write(file.path, &file.text))
    }

    /// Writes a file, unless it is the same already.
    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) -> Result<()> {
        let place = self.root.join(path);
        if std::fs::read(&place).ok().as_deref() == Some(bytes.as_ref()) {
            return Ok(());
        }
        if let Some(folder) = place.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&place, bytes).with_context(|| format!("cannot write {}", place.display()))
    }

    /// Runs cargo in the copy, with the dependencies of the lockfile.
    pub fn cargo(&self, arguments: &[&str]) -> Result<()> {
        // Without a network this fails although all may be here: the error matters only if cargo fails, too.
        let downloaded = self.download();
        let mut cargo = cargo();
        cargo
            .args(arguments)
            .args(["--offline", "--quiet"])
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target);
        let what = format!("cargo {}", arguments.join(" "));
        let output = progress::during(&what, || cargo.output()).context("cannot run cargo")?;
        if !output.status.success() {
            let downloaded = downloaded.err().map(|error| format!("{error:#}\n"));
            // Compilers speak on one stream, tests on the other.
            bail!(
                "{}`{what}` failed:\n{}\n{}",
                downloaded.unwrap_or_default(),
                last_lines(&output.stdout),
                last_lines(&output.stderr)
            );
        }
        Ok(())
    }

    /// Downloads the workspace's dependencies. For this program itself, cargo downloads only its own.
    fn download(&self) -> Result<()> {
        if self.offline {
            return Ok(());
        }
        let output = cargo()
            .args(["fetch", "--locked", "--quiet"])
            .current_dir(&self.original)
            .output()
            .context("cannot run cargo")?;
        if !output.status.success() {
            bail!("`cargo fetch` failed:\n{}", last_lines(&output.stderr));
        }
        Ok(())
    }

    /// The workspace's manifest with other members.
    fn members(&self, manifest: &str, rooms: &[&str]) -> Result<()> {
        let mut manifest: toml_edit::DocumentMut = manifest.parse().context("Cargo.toml")?;
        manifest["workspace"]["members"] =
            toml_edit::value(rooms.iter().copied().collect::<toml_edit::Array>());
        self.write("Cargo.toml", manifest.to_string())
    }

    /// Copies a folder, and removes what the tree no longer has.
    fn copy(&self, tree: &Tree, path: &Path) -> Result<()> {
        let from = tree.root().join(path);
        let mut kept = BTreeSet::new();
        for entry in
            std::fs::read_dir(&from).with_context(|| format!("cannot read {}", from.display()))?
        {
            let entry = entry?;
            let name = entry.file_name();
            if NOT_SOURCES.iter().any(|each| name == *each) {
                continue;
            }
            let inner = path.join(&name);
            if entry.file_type()?.is_dir() {
                self.copy(tree, &inner)?;
            } else {
                let inner = inner.to_str().context("a file's name is not text")?;
                self.write(inner, std::fs::read(entry.path())?)?;
            }
            kept.insert(name);
        }
        for entry in std::fs::read_dir(self.root.join(path))
            .into_iter()
            .flatten()
        {
            let entry = entry?;
            if kept.contains(&entry.file_name()) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                std::fs::remove_dir_all(entry.path())?;
            } else {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

fn cargo() -> Command {
    let mut cargo = super::cargo();
    // Errors quote the last lines, which should not be those of a backtrace.
    cargo.env("RUST_BACKTRACE", "0");
    cargo
}

/// The last lines of a program's output, where failures are.
fn last_lines(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<_> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}
