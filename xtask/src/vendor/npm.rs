//! The registry: fetching a package, reading its archive, and the digests that it is compared by.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256, Sha512};

use crate::progress;

/// How long npm waits before its second and last try of a request, in milliseconds.
const RETRY_AFTER_MS: &str = "2000";
/// npm's variable for how long a reply may take, in milliseconds. If set, it replaces [`Patience::reply`].
const FETCH_TIMEOUT_VARIABLE: &str = "npm_config_fetch_timeout";

/// How long npm may take.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// How long one reply may take.
    reply: Duration,
    /// How long npm may take in all, in multiples of `reply`: a retry needs 2, and an archive's bytes come after the
    /// reply.
    in_all: u32,
}

/// For a question.
const QUESTION: Patience = Patience {
    reply: Duration::from_secs(10),
    in_all: 3,
};
/// For an archive.
const ARCHIVE: Patience = Patience {
    reply: Duration::from_secs(30),
    in_all: 20,
};

/// Fetches `name@version` with `npm pack` into `folder` and returns the archive. If `offline`, npm looks only at what it
/// keeps from earlier.
pub fn pack(name: &str, version: &str, folder: &Path, offline: bool) -> Result<Vec<u8>> {
    let spec = format!("{name}@{version}");
    let mut arguments = vec!["pack", "--pack-destination", path(folder)?];
    if offline {
        arguments.push("--offline");
    }
    arguments.push(&spec);
    let what = format!("`npm pack {spec}`");
    let printed = progress::during(&format!("fetching {spec}"), || {
        run(&arguments, &what, ARCHIVE)
    })?;
    let file = printed
        .lines()
        .last()
        .with_context(|| format!("{what} named no file"))?;
    std::fs::read(folder.join(file.trim())).with_context(|| format!("{what} left no {file}"))
}

/// The newest version that the registry has. What npm keeps from earlier is not asked: it may be old.
pub fn newest(name: &str) -> Result<String> {
    let cache = tempfile::tempdir()?;
    let arguments = ["view", name, "version", "--cache", path(cache.path())?];
    let asking = format!("asking the registry for the newest version of {name}");
    let told = progress::during(&asking, || {
        run(&arguments, &format!("`npm view {name} version`"), QUESTION)
    })?;
    match told.trim() {
        "" => bail!("the registry does not tell the newest version of {name}"),
        version => Ok(version.to_owned()),
    }
}

fn path(folder: &Path) -> Result<&str> {
    folder.to_str().context("a folder's name is not text")
}

/// What npm prints; its own reason if it fails.
fn run(arguments: &[&str], what: &str, patience: Patience) -> Result<String> {
    let set = std::env::var(FETCH_TIMEOUT_VARIABLE).ok();
    let set = set.and_then(|set| set.parse().ok().map(Duration::from_millis));
    // npm takes 0 for no limit; there is always one here.
    let set = set.filter(|set| !set.is_zero());
    let reply = set.unwrap_or(patience.reply);
    let mut npm = Command::new("npm");
    npm.args(["--loglevel=error", "--fetch-retries=1"])
        .arg(format!("--fetch-timeout={}", reply.as_millis()))
        .arg(format!("--fetch-retry-mintimeout={RETRY_AFTER_MS}"))
        .arg(format!("--fetch-retry-maxtimeout={RETRY_AFTER_MS}"))
        .args(arguments);
    let at_most = reply * patience.in_all;
    let output = output_within(&mut npm, at_most)
        .context("cannot run `npm`; with the description at hand, use `--from FILE`")?;
    let Some(output) = output else {
        let seconds = at_most.as_secs_f64();
        bail!(
            "{what} gave no answer within {seconds} s (`--from FILE` needs no registry; {FETCH_TIMEOUT_VARIABLE} gives \
             it more time)"
        );
    };
    if !output.status.success() {
        let reason = reason(&String::from_utf8_lossy(&output.stderr));
        bail!("{what} failed: {reason} (`--from FILE` needs no registry)");
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What a program prints, if it ends in time; or else it is killed.
fn output_within(program: &mut Command, time: Duration) -> Result<Option<Output>> {
    const LOOK_EVERY: Duration = Duration::from_millis(20);
    let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let (printed, errors) = (stdout.try_clone()?, stderr.try_clone()?);
    let started = Instant::now();
    let mut child = program
        .stdin(Stdio::null())
        .stdout(printed)
        .stderr(errors)
        .spawn()?;
    loop {
        if let Some(status) = child.try_wait()? {
            let (stdout, stderr) = (all_of(&mut stdout)?, all_of(&mut stderr)?);
            return Ok(Some(Output {
                status,
                stdout,
                stderr,
            }));
        }
        if started.elapsed() >= time {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn all_of(file: &mut File) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
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
        entry
            .read_to_end(&mut bytes)
            .with_context(|| format!("the archive is damaged at {path}"))?;
        found.insert(path, bytes);
    }
    Ok(found)
}
