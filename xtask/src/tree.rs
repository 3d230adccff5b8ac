//! The files that the machine makes: all computed first, then written or compared.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// Where the workspace lies.
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
/// The dispatch over stores and scopes.
pub const STORES: &str = "codegen/src/stores.rs";
/// The typed helpers for httpmock.
pub const HTTPMOCK: &str = "codegen/src/httpmock.rs";

/// The front page, whose table of stores is the machine's.
pub const README: &str = "README.md";

/// One file's text, as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path below the workspace.
    pub path: &'static str,
    /// All of it.
    pub text: String,
}

/// Whether files are written or only compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Write what differs.
    Write,
    /// Fail where one differs, naming the command that mends it.
    Check(&'static str),
}

impl Tree {
    /// The workspace that this program was built in.
    pub fn here() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("xtask lies in the workspace");
        Self::at(root)
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

    /// Writes or compares. In writing every file is laid down beside its place first, so that
    /// what fails half-way fails before anything has changed.
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
            Mode::Write => {
                let mut laid = Vec::new();
                for file in &stale {
                    let place = self.root.join(file.path);
                    let folder = place.parent().context("a file has a folder")?;
                    let mut beside = tempfile::NamedTempFile::new_in(folder)
                        .with_context(|| format!("cannot write beside {}", file.path))?;
                    std::io::Write::write_all(&mut beside, file.text.as_bytes())?;
                    readable(beside.as_file())?;
                    laid.push((beside, place));
                }
                for (beside, place) in laid {
                    beside
                        .persist(&place)
                        .with_context(|| format!("cannot write {}", place.display()))?;
                }
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

/// Temporary files are private to their owner; sources are not.
#[cfg(unix)]
fn readable(file: &std::fs::File) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(file.set_permissions(std::fs::Permissions::from_mode(0o644))?)
}

#[cfg(not(unix))]
fn readable(_: &std::fs::File) -> Result<()> {
    Ok(())
}
