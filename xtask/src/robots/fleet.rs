//! `cargo xtask fleet`: processes of one user, which keep limits together in a real Redis or Valkey.

mod scenes;
mod store;
mod worker;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};

use self::store::Store;
use crate::progress;
use crate::tree::Tree;

/// The programs that take part.
struct Programs {
    root: PathBuf,
    server: PathBuf,
    worker: PathBuf,
    compare: PathBuf,
    /// What lets a process see another time.
    faketime: Option<PathBuf>,
}

/// Compares the ledger in a real store with the one in memory, then plays every scene, all at once, and prints what came
/// of each. `server` is the store's program, if it is not the one that is installed.
///
/// # Errors
///
/// If a scene failed, or something is not at hand that `require` asks for.
pub fn run(tree: &Tree, require: bool, server: Option<PathBuf>) -> Result<()> {
    let installed = || found(&["redis-server", "valkey-server"]);
    let Some(server) = server.or_else(installed) else {
        ensure!(!require, "no redis-server or valkey-server is installed");
        println!("skipped: no redis-server or valkey-server is installed");
        return Ok(());
    };
    let programs = Programs::build(tree.root(), server)?;
    if programs.faketime.is_none() {
        ensure!(!require, "libfaketime is not installed");
        println!("skipped: clocks that differ, for want of libfaketime");
    }
    progress::during("comparing ledgers", || compare(&programs))?;
    let failed = progress::during("playing all scenes", || play(&programs));
    ensure!(failed == 0, "{failed} scenes failed");
    Ok(())
}

/// Plays every scene, all at once, and gives how many failed.
fn play(programs: &Programs) -> usize {
    let scenes = scenes::all(programs);
    thread::scope(|scope| {
        let played = scenes
            .iter()
            .map(|scene| scope.spawn(move || scene.play(programs)));
        let played: Vec<_> = played.collect();
        let mut failed = 0;
        for (scene, played) in scenes.iter().zip(played) {
            let outcome = played.join().unwrap_or_else(|_| bail!("it panicked"));
            let (state, words) = match outcome {
                Ok(words) => ("ok", words),
                Err(error) => {
                    failed += 1;
                    ("FAILED", format!("{error:#}"))
                }
            };
            println!("{state:<8} {:<40} {words}", scene.title);
        }
        failed
    })
}

impl Programs {
    fn build(root: &Path, server: PathBuf) -> Result<Self> {
        let target = std::env::current_exe()?;
        let target = target.parent().context("the target folder")?;
        for wanted in [
            ["octoseal-redis", "--example", "two_processes"],
            ["octoseal-tests", "--bin", "compare_ledgers"],
            ["octoseal-mock", "--bin", "octoseal-mock"],
        ] {
            let mut build = super::cargo();
            build.args(["build", "--quiet", "--package"]).args(wanted);
            build.current_dir(root);
            let built = progress::during(&format!("building {}", wanted[2]), || build.status())?;
            ensure!(built.success(), "{} does not build", wanted[2]);
        }
        Ok(Self {
            root: root.to_owned(),
            server,
            worker: target.join("examples/two_processes"),
            compare: target.join("compare_ledgers"),
            faketime: faketime(),
        })
    }
}

fn compare(programs: &Programs) -> Result<()> {
    let store = Store::start(&programs.server)?;
    let compared = Command::new(&programs.compare).arg(store.url()).output()?;
    let told = String::from_utf8_lossy(&compared.stdout);
    if !compared.status.success() {
        bail!("{told}{}", String::from_utf8_lossy(&compared.stderr));
    }
    for line in told.lines() {
        println!("{:<8} {line}", "ok");
    }
    Ok(())
}

/// The first of these programs that is installed.
fn found(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut all = names
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)));
    all.find(|program| program.is_file())
}

/// The library, where Debian and its kin put it.
fn faketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let mut files = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    files.find(|file| file.is_file())
}
