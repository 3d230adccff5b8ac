//! A scratch copy of the workspace, to compile what the machine makes without touching the tree.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::tree::{File, Tree};

/// What was built, recorded or fetched.
const NOT_SOURCES: [&str; 3] = ["target", ".git", "node_modules"];

/// A copy of some rooms of the workspace, as a workspace of its own.
#[derive(Debug)]
pub struct Scratch {
    root: PathBuf,
    target: PathBuf,
}

impl Scratch {
    /// Copies `rooms` of `tree` to `root`, where what is the same already stays untouched, so that
    /// cargo does not compile it again. Artifacts go to `target`.
    pub fn new(tree: &Tree, root: &Path, target: &Path, rooms: &[&str]) -> Result<Self> {
        let scratch = Self {
            root: root.to_owned(),
            target: target.to_owned(),
        };
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

    /// Copies all of `tree` but what was built, fetched or recorded there.
    pub fn whole(tree: &Tree, root: &Path, target: &Path) -> Result<Self> {
        let scratch = Self {
            root: root.to_owned(),
            target: target.to_owned(),
        };
        scratch.copy(tree, Path::new(""))?;
        Ok(scratch)
    }

    /// Where it lies.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Lays generated files over the copy.
    pub fn lay(&self, files: &[File]) -> Result<()> {
        files
            .iter()
            .try_for_each(|file| self.write(file.path, &file.text))
    }

    /// Writes a file that is not the same already.
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

    /// Runs cargo in the copy, without the network.
    pub fn cargo(&self, arguments: &[&str]) -> Result<()> {
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(arguments)
            .args(["--offline", "--quiet"])
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target)
            .output()
            .context("cannot run cargo")?;
        if !output.status.success() {
            // Compilers speak on one stream, tests on the other.
            bail!(
                "`cargo {}` failed:\n{}\n{}",
                arguments.join(" "),
                last_lines(&output.stdout),
                last_lines(&output.stderr)
            );
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

    /// Copies a folder, and forgets what an earlier copy had and the tree has no more.
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

/// The end of what a program said, where the failure is.
fn last_lines(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<_> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}
