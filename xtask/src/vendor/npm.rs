//! The registry: fetching a package, reading its archive, and the digests that it is compared by.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256, Sha512};

/// Fetches `name@version` with `npm pack` into `folder` and returns the archive.
pub fn pack(name: &str, version: &str, folder: &Path) -> Result<Vec<u8>> {
    let spec = format!("{name}@{version}");
    let output = Command::new("npm")
        .args(["pack", "--silent", "--pack-destination"])
        .arg(folder)
        .arg(&spec)
        .output()
        .context("cannot run `npm`; with the description at hand, use `--from FILE`")?;
    if !output.status.success() {
        bail!(
            "`npm pack {spec}` failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    let file = printed
        .lines()
        .last()
        .with_context(|| format!("`npm pack {spec}` named no file"))?;
    std::fs::read(folder.join(file.trim()))
        .with_context(|| format!("`npm pack {spec}` left no {file}"))
}

/// The newest version that the registry has.
pub fn newest(name: &str) -> Result<String> {
    let output = Command::new("npm")
        .args(["view", name, "version"])
        .output()
        .context("cannot run `npm`")?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() || text.is_empty() {
        bail!(
            "the registry does not tell the newest version of {name}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(text)
}

/// The integrity of an archive, as the registry writes it.
pub fn integrity(archive: &[u8]) -> String {
    format!("sha512-{}", STANDARD.encode(Sha512::digest(archive)))
}

/// The digest of a file, in hex.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// One file out of an archive.
pub fn extract(archive: &[u8], file: &str) -> Result<Vec<u8>> {
    let found = extract_all(archive, |path| path == file)?;
    match found.into_iter().next() {
        Some((_, bytes)) => Ok(bytes),
        None => bail!("the package has no {file}"),
    }
}

/// The files of an archive whose path inside the package is `wanted`, by that path.
pub fn extract_all(
    archive: &[u8],
    wanted: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut entries = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    for entry in entries.entries().context("the archive cannot be read")? {
        let mut entry = entry.context("the archive is damaged")?;
        let path = entry.path().context("the archive is damaged")?;
        let path = path.strip_prefix("package").unwrap_or(&path);
        let Some(path) = path.to_str().filter(|path| wanted(path)) else {
            continue;
        };
        let path = path.to_owned();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes)
            .with_context(|| format!("the archive is damaged at {path}"))?;
        found.insert(path, bytes);
    }
    Ok(found)
}
