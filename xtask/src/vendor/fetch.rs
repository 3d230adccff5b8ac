//! Fetching a description from a file or from the registry, and comparing it with the pin.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::description::Description;
use crate::description::source::Package;
use crate::vendor::npm;

/// A description and its pin.
#[derive(Debug)]
pub struct Fetched {
    /// The pin: as it was, or moved to the version asked for.
    pub package: Package,
    /// What was fetched.
    pub description: Description,
}

/// Which description is wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// A file to read instead of the registry's archive.
    pub from: Option<PathBuf>,
    /// Another version than the pinned one.
    pub version: Option<String>,
    /// Another file of the package than the pinned one: the edition of another server.
    pub file: Option<String>,
    /// Whether no registry may be asked, not even Cargo's. What npm and Cargo keep from earlier is used.
    pub offline: bool,
}

impl Wanted {
    /// Whether this is another description than the pinned one, by version or file.
    pub fn moves(&self, pinned: &Package) -> bool {
        self.another_version(pinned) || self.file.as_ref().is_some_and(|file| *file != pinned.file)
    }

    fn another_version(&self, pinned: &Package) -> bool {
        let version = self.version.as_ref();
        version.is_some_and(|version| *version != pinned.version)
    }
}

/// Fetches the wanted description: the pinned version by default.
pub fn fetch(pinned: &Package, wanted: &Wanted) -> Result<Fetched> {
    let moves = wanted.moves(pinned);
    let mut package = Package {
        version: wanted.version.as_ref().unwrap_or(&pinned.version).clone(),
        file: wanted.file.as_ref().unwrap_or(&pinned.file).clone(),
        ..pinned.clone()
    };
    let (description, bytes) = match &wanted.from {
        Some(path) => Description::read(path)?,
        None => from_registry(&mut package, wanted, pinned)?,
    };
    let digest = npm::sha256(&bytes);
    if !moves && digest != pinned.sha256 {
        bail!(
            "{} has the sha256 {digest}, and {} is pinned for {} of version {}; `--version X` or `--file PATH` moves \
             the pin",
            description.origin(),
            pinned.sha256,
            pinned.file,
            pinned.version
        );
    }
    if moves && wanted.from.is_some() {
        // The file was compared with no archive: the pin has the file's own digest until `vendor` reads the archive.
        package.integrity = String::new();
    }
    package.sha256 = digest;
    Ok(Fetched {
        package,
        description,
    })
}

/// A description to look at: any file, or a version of the registry's.
pub fn describe(pinned: &Package, wanted: &Wanted) -> Result<Description> {
    match &wanted.from {
        Some(path) => Ok(Description::read(path)?.0),
        None => Ok(fetch(pinned, wanted)?.description),
    }
}

fn from_registry(
    package: &mut Package,
    wanted: &Wanted,
    pinned: &Package,
) -> Result<(Description, Vec<u8>)> {
    let folder = tempfile::tempdir()?;
    let (name, version) = (&package.name, &package.version);
    let archive = npm::pack(name, version, folder.path(), wanted.offline)?;
    unpack(&archive, package, wanted.another_version(pinned))
}

/// Every description in the pinned package: GitHub's own and its servers'.
pub fn every(pinned: &Package, offline: bool) -> Result<Vec<Description>> {
    let folder = tempfile::tempdir()?;
    let archive = npm::pack(&pinned.name, &pinned.version, folder.path(), offline)?;
    verify(&archive, pinned)?;
    let plain = |path: &str| path.ends_with(".json") && !path.ends_with(".deref.json");
    npm::extract_all(&archive, |path| {
        path.starts_with("generated/") && plain(path)
    })?
    .iter()
    .map(|(path, bytes)| Description::parse(bytes, path))
    .collect()
}

fn verify(archive: &[u8], pinned: &Package) -> Result<()> {
    let integrity = npm::integrity(archive);
    if !pinned.integrity.is_empty() && integrity != pinned.integrity {
        bail!(
            "{}@{} has the integrity {integrity}, and {} is pinned",
            pinned.name,
            pinned.version,
            pinned.integrity
        );
    }
    Ok(())
}

/// The description in a package's archive. The archive must be the pinned one; if the pin `moves`, it moves to this
/// archive.
pub fn unpack(
    archive: &[u8],
    package: &mut Package,
    moves: bool,
) -> Result<(Description, Vec<u8>)> {
    if !moves {
        verify(archive, package)?;
    }
    package.integrity = npm::integrity(archive);
    let bytes = npm::extract(archive, &package.file)?;
    let origin = format!("{}@{} {}", package.name, package.version, package.file);
    Ok((Description::parse(&bytes, &origin)?, bytes))
}
