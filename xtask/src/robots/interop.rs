//! `cargo xtask interop`: tries sealed boxes and the stand-in against the libraries that GitHub's documentation names.

mod boxes;
mod clients;
mod driver;
mod ecosystem;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use self::ecosystem::Lack;
use crate::progress;
use crate::tree::Tree;

/// What a run does.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether a library that is not at hand is a failure.
    pub require: bool,
    /// How many random messages beside the fixed ones.
    pub rounds: usize,
    /// Whether nothing is installed.
    pub offline: bool,
}

/// Installs what can be installed, tries every library and prints a table.
///
/// # Errors
///
/// If a row failed, or was skipped although every row is required.
pub fn run(tree: &Tree, options: Options) -> Result<()> {
    let home = home();
    // Ruby first: it brings the system's libsodium, which Python's driver then finds.
    let ruby = ecosystem::ruby(&home.join("ruby"), options.offline);
    let python = ecosystem::python(&home.join("python"), options.offline);
    let node = ecosystem::node(&home.join("node"), options.offline);

    let libsodium = ecosystem::libsodium(&python);

    let mut table = Table::default();
    let boxes = |mut driver: Command| {
        let version = boxes::prove(&mut driver, options.rounds)?;
        Ok((
            version,
            format!("{} boxes each way", boxes::FIXED + options.rounds),
        ))
    };
    table.row("libsodium in C", libsodium, boxes);
    table.row("PyNaCl", python.driver(&["pynacl.py"]), boxes);
    table.row(
        "libsodium-wrappers",
        node.driver(&["node.mjs", "libsodium-wrappers"]),
        boxes,
    );
    table.row(
        "tweetsodium",
        node.driver(&["node.mjs", "tweetsodium"]),
        boxes,
    );
    table.row("rbnacl", ruby.driver(&["rbnacl.rb"]), boxes);

    let clients = |values: Vec<Vec<u8>>| {
        move |mut client: Command| {
            let version = clients::prove(&mut client, tree.root(), &values)?;
            Ok((
                version,
                format!("{} secrets stored in our stand-in", values.len()),
            ))
        }
    };
    table.row(
        "@octokit/rest",
        node.driver(&["octokit.mjs"]),
        clients(clients::bytes()),
    );
    table.row(
        "PyGithub",
        python.driver(&["pygithub.py"]),
        clients(clients::texts()),
    );
    table.verdict(options.require)
}

/// A folder below the target folder, so that `cargo clean` removes it.
fn home() -> PathBuf {
    std::env::current_exe()
        .ok()
        .and_then(|exe| Some(exe.parent()?.parent()?.join("interop")))
        .unwrap_or_else(|| PathBuf::from("target/interop"))
}

/// Prints rows as they come, and counts failed and skipped ones.
#[derive(Default)]
struct Table {
    failed: usize,
    skipped: usize,
}

impl Table {
    /// One row: skipped if its library was never installed here, or else the result of `prove`.
    fn row(
        &mut self,
        name: &str,
        driver: Result<Command, Lack>,
        prove: impl Fn(Command) -> Result<(String, String)>,
    ) {
        let outcome = driver.map(|driver| progress::during(name, || prove(driver)));
        let (state, version, words) = match outcome {
            Ok(Ok((version, words))) => ("ok", version, words),
            Ok(Err(error)) => {
                self.failed += 1;
                ("FAILED", String::new(), format!("{error:#}"))
            }
            Err(Lack::Broken(why)) => {
                self.failed += 1;
                ("FAILED", String::new(), why)
            }
            Err(Lack::Missing(why)) => {
                self.skipped += 1;
                ("skipped", String::new(), why)
            }
        };
        println!("{state:<8} {name:<20} {version:<10} {words}");
    }

    fn verdict(self, require: bool) -> Result<()> {
        let Self { failed, skipped } = self;
        if failed > 0 {
            bail!("{failed} rows failed");
        }
        if require && skipped > 0 {
            bail!("{skipped} rows were skipped, and all are required");
        }
        Ok(())
    }
}
