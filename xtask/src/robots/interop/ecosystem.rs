//! Where the other libraries come from. Each is installed below `target/`, but for Debian's own.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Error, Result, bail};

use crate::progress;

/// An interpreter and the folder of its drivers, or why there is none.
pub(super) struct Ecosystem(Result<(PathBuf, PathBuf), Lack>);

/// Why there is no driver.
#[derive(Debug, Clone)]
pub(super) enum Lack {
    /// It was never installed here.
    Missing(String),
    /// It is here and does not work: a pinned version is gone, a network is down.
    Broken(String),
}

/// The error for a program that was never installed here.
#[derive(Debug)]
struct Missing(String);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

impl From<Error> for Lack {
    fn from(error: Error) -> Self {
        let words = format!("{error:#}");
        if error.is::<Missing>() {
            Self::Missing(words)
        } else {
            Self::Broken(words)
        }
    }
}

impl Ecosystem {
    fn new(home: &Path, interpreter: Result<PathBuf>) -> Self {
        Self(
            interpreter
                .map(|interpreter| (interpreter, home.to_owned()))
                .map_err(Lack::from),
        )
    }

    /// The command that starts a driver.
    pub(super) fn driver(&self, arguments: &[&str]) -> Result<Command, Lack> {
        let (interpreter, home) = self.0.as_ref().map_err(Lack::clone)?;
        let mut command = Command::new(interpreter);
        command.args(arguments).current_dir(home);
        Ok(command)
    }
}

/// PyNaCl and PyGithub in a private environment.
pub(super) fn python(home: &Path, offline: bool) -> Ecosystem {
    Ecosystem::new(home, install_python(home, offline))
}

/// libsodium-wrappers, tweetsodium and Octokit from npm.
pub(super) fn node(home: &Path, offline: bool) -> Ecosystem {
    Ecosystem::new(home, install_node(home, offline).map(|()| "node".into()))
}

/// Debian's ruby-rbnacl, which brings Debian's libsodium. Installed as root, or by a `sudo` that asks nothing.
pub(super) fn ruby(home: &Path, offline: bool) -> Ecosystem {
    Ecosystem::new(home, install_ruby(home, offline).map(|()| "ruby".into()))
}

/// The system's own libsodium, through Python. It comes with [`ruby`], or was here before.
pub(super) fn libsodium(python: &Ecosystem) -> Result<Command, Lack> {
    let found = "import ctypes.util, sys; sys.exit(not ctypes.util.find_library('sodium'))";
    run_quietly(&mut python.driver(&["-c", found])?)
        .map_err(|_| Lack::Missing("libsodium is not installed".to_owned()))?;
    python.driver(&["libsodium.py"])
}

fn install_python(home: &Path, offline: bool) -> Result<PathBuf> {
    let requirements = include_str!("requirements.txt");
    let interpreter = home.join("bin/python");
    if !is_installed(home, requirements) {
        begin_installing("PyNaCl", offline)?;
        // Debian packs them apart from the interpreter.
        run_quietly(Command::new("python3").args(["-c", "import ensurepip, venv"]))
            .map_err(|_| Missing("no `python3` here that has `venv`".to_owned()))?;
        run_quietly(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(home),
        )?;
        let file = home.join("requirements.txt");
        std::fs::write(&file, requirements)?;
        run_quietly(
            Command::new(&interpreter)
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "-r",
                ])
                .arg(file),
        )?;
        mark_installed(home, requirements)?;
    }
    for (name, text) in [
        ("pynacl.py", include_str!("pynacl.py")),
        ("libsodium.py", include_str!("libsodium.py")),
        ("pygithub.py", include_str!("pygithub.py")),
    ] {
        std::fs::write(home.join(name), text)?;
    }
    Ok(interpreter)
}

/// The drivers lie beside `node_modules`, because that is where Node looks.
fn install_node(home: &Path, offline: bool) -> Result<()> {
    let manifest = include_str!("package.json");
    run_quietly(Command::new("node").arg("--version"))?;
    if !is_installed(home, manifest) {
        begin_installing("libsodium-wrappers", offline)?;
        std::fs::create_dir_all(home)?;
        std::fs::write(home.join("package.json"), manifest)?;
        run_quietly(
            Command::new("npm")
                .args([
                    "install",
                    "--silent",
                    "--no-audit",
                    "--no-fund",
                    "--ignore-scripts",
                ])
                .current_dir(home),
        )?;
        mark_installed(home, manifest)?;
    }
    std::fs::write(home.join("node.mjs"), include_str!("node.mjs"))?;
    std::fs::write(home.join("octokit.mjs"), include_str!("octokit.mjs"))?;
    Ok(())
}

fn install_ruby(home: &Path, offline: bool) -> Result<()> {
    let loads = || run_quietly(Command::new("ruby").args(["-e", "require 'rbnacl'"]));
    if loads().is_err() {
        begin_installing("rbnacl", offline)?;
        let mut update = apt_get()?;
        run_quietly(update.args(["update", "--quiet=2"]))?;
        let mut install = apt_get()?;
        run_quietly(install.args([
            "install",
            "--yes",
            "--quiet=2",
            "--no-install-recommends",
            "ruby-rbnacl",
        ]))?;
        loads()?;
    }
    std::fs::create_dir_all(home)?;
    std::fs::write(home.join("rbnacl.rb"), include_str!("rbnacl.rb"))?;
    Ok(())
}

/// `apt-get`, with the rights that installing takes and without its questions.
fn apt_get() -> Result<Command> {
    run_quietly(Command::new("apt-get").arg("--version"))?;
    let user = Command::new("id").arg("-u").output().context("no `id`")?;
    let mut command = Command::new("env");
    if user.stdout.trim_ascii() != b"0" {
        let rights = run_quietly(Command::new("sudo").args(["--non-interactive", "true"]));
        rights.map_err(|_| {
            Missing("rbnacl is not installed, and installing it takes root or a `sudo` that asks nothing".to_owned())
        })?;
        command = Command::new("sudo");
        command.args(["--non-interactive", "env"]);
    }
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    Ok(command)
}

/// Says what is installed now. Fails if it can't be, since no registry is asked.
fn begin_installing(what: &str, offline: bool) -> Result<()> {
    match offline {
        true => Err(Missing(format!("{what} is not installed, and no registry is asked")).into()),
        false => {
            progress::step(&format!("installing {what}"));
            Ok(())
        }
    }
}

/// Whether the same list was installed last time.
fn is_installed(home: &Path, wanted: &str) -> bool {
    std::fs::read_to_string(home.join("installed")).is_ok_and(|installed| installed == wanted)
}

fn mark_installed(home: &Path, wanted: &str) -> Result<()> {
    Ok(std::fs::write(home.join("installed"), wanted)?)
}

/// Runs a command to its end, silent unless it fails.
fn run_quietly(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::new(Missing(format!("no `{program}` here"))),
        _ => Error::new(error).context(format!("`{program}` does not start")),
    })?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        let last = complaint.lines().rfind(|line| !line.trim().is_empty());
        bail!(
            "`{program}` failed: {}",
            last.unwrap_or("it did not say why")
        );
    }
    Ok(())
}
