//! `cargo xtask fuzz`: every target of tests/fuzz for some seconds, where cargo-fuzz can run.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::progress;
use crate::tree::Tree;

const FOLDER: &str = "tests/fuzz";

/// Runs every target for `seconds`, from its seeds and the corpus of earlier runs. Without cargo-fuzz or a nightly
/// toolchain, prints that and does nothing.
///
/// # Errors
///
/// If a target fails; the input that it fails on is in `tests/fuzz/artifacts`.
pub fn run(tree: &Tree, seconds: u32, offline: bool) -> Result<()> {
    for (needed, arguments) in [
        ("cargo-fuzz", ["fuzz", "--version"]),
        ("a nightly toolchain", ["+nightly", "--version"]),
    ] {
        if !is_here(&arguments) {
            println!("skipped: fuzzing needs {needed}");
            return Ok(());
        }
    }
    let folder = tree.root().join(FOLDER);
    let fuzz = |command: &str| {
        let mut cargo = cargo();
        cargo.args(["+nightly", "fuzz", command, "--fuzz-dir"]);
        cargo.arg(&folder).current_dir(tree.root());
        if offline {
            cargo.env("CARGO_NET_OFFLINE", "true");
        }
        cargo
    };
    if !fuzz("build").status()?.success() {
        bail!("the targets do not build");
    }
    for target in targets(&folder)? {
        let corpus = folder.join("corpus").join(&target);
        std::fs::create_dir_all(&corpus)?;
        let mut run = fuzz("run");
        run.arg(&target)
            .arg(&corpus)
            .arg(folder.join("seeds").join(&target))
            .args(["--", "-max_len=1024", "-print_funcs=0"])
            .arg(format!("-max_total_time={seconds}"));
        let output = progress::during(&format!("fuzzing {target}"), || run.output())?;
        let told = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            eprint!("{told}");
            bail!("{target} fails; the input is in {FOLDER}/artifacts/{target}");
        }
        let done = told.lines().rfind(|line| line.starts_with("Done"));
        println!("{target:<12} {}", done.unwrap_or("ran"));
    }
    Ok(())
}

/// The targets, by the names of their files.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let files = std::fs::read_dir(folder.join("fuzz_targets"))
        .with_context(|| format!("cannot read {FOLDER}/fuzz_targets"))?;
    let mut targets = Vec::new();
    for file in files {
        let path = file?.path();
        targets.extend(
            path.file_stem()
                .map(|name| name.to_string_lossy().into_owned()),
        );
    }
    targets.sort();
    Ok(targets)
}

/// The `cargo` of the search path, which is rustup's and takes `+nightly`.
fn cargo() -> Command {
    let mut command = Command::new("cargo");
    // These choose the toolchain of the cargo that runs this program.
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
    command
}

fn is_here(arguments: &[&str]) -> bool {
    cargo()
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
