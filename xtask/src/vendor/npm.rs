//! The registry: fetching a package, reading its archive, and the digests that it is compared by.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256, Sha512};

use crate::progress;

/// How long npm may take over one request, in milliseconds. Its own five minutes are for archives of another size.
const FETCH_TIMEOUT_MS: &str = "60000";
/// How long npm waits before it tries again, in milliseconds.
const RETRY_AFTER_MS: &str = "2000";

/// Fetches `name@version` with `npm pack` into `folder` and returns the archive. If `offline`, npm looks only at what it
/// keeps from earlier.
pub fn pack(name: &str, version: &str, folder: &Path, offline: bool) -> Result<Vec<u8>> {
    let spec = format!("{name}@{version}");
    progress::step(&format!("fetching {spec}"));
    let mut npm = npm();
    npm.args(["pack", "--pack-destination"]).arg(folder);
    if offline {
        npm.arg("--offline");
    }
    let printed = run(npm.arg(&spec), &format!("`npm pack {spec}`"))?;
    let file = printed
        .lines()
        .last()
        .with_context(|| format!("`npm pack {spec}` named no file"))?;
    std::fs::read(folder.join(file.trim()))
        .with_context(|| format!("`npm pack {spec}` left no {file}"))
}

/// The newest version that the registry has. What npm keeps from earlier is not asked: it may be old.
pub fn newest(name: &str) -> Result<String> {
    progress::step(&format!(
        "asking the registry for the newest version of {name}"
    ));
    let cache = tempfile::tempdir()?;
    let mut npm = npm();
    npm.args(["view", name, "version", "--cache"])
        .arg(cache.path());
    let text = run(&mut npm, &format!("`npm view {name} version`"))?;
    match text.trim() {
        "" => bail!("the registry does not tell the newest version of {name}"),
        version => Ok(version.to_owned()),
    }
}

fn npm() -> Command {
    let mut npm = Command::new("npm");
    npm.args(["--loglevel=error", "--fetch-retries=1"])
        .arg(format!("--fetch-timeout={FETCH_TIMEOUT_MS}"))
        .arg(format!("--fetch-retry-mintimeout={RETRY_AFTER_MS}"))
        .arg(format!("--fetch-retry-maxtimeout={RETRY_AFTER_MS}"));
    npm
}

/// What npm prints; its own reason if it fails.
fn run(npm: &mut Command, what: &str) -> Result<String> {
    let output = npm
        .output()
        .context("cannot run `npm`; with the description at hand, use `--from FILE`")?;
    if !output.status.success() {
        let reason = reason(&String::from_utf8_lossy(&output.stderr));
        bail!("{what} failed: {reason} (`--from FILE` needs no registry)");
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The lines of npm's errors that tell the reason, as one.
pub fn reason(stderr: &str) -> String {
    let lines = stderr.lines().map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("npm").map_or(line, str::trim_start);
        let line = line.strip_prefix("ERR!").unwrap_or(line);
        line.strip_prefix("error").unwrap_or(line).trim()
    });
    // The error's code stands before most lines, and npm's records are of this machine.
    let told: Vec<_> = lines
        .filter(|line| !line.is_empty())
        .filter(|line| {
            !["A complete log", "errno ", "syscall ", "type ", "at "]
                .iter()
                .any(|no| line.starts_with(no))
        })
        .take(3)
        .collect();
    if told.is_empty() {
        "npm gives no reason".to_owned()
    } else {
        told.join("; ")
    }
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
