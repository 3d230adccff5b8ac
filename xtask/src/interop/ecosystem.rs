//! Where the other libraries come from. Each is installed below `target/`, but for Debian's own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Error, Result, bail, ensure};

/// An interpreter and the folder of its drivers, or why there is none.
pub(super) struct Ecosystem(Result<(PathBuf, PathBuf), Error>);

impl Ecosystem {
    fn new(home: &Path, interpreter: Result<PathBuf>) -> Self {
        Self(interpreter.map(|interpreter| (interpreter, home.to_owned())))
    }

    /// The command that starts a driver.
    pub(super) fn driver(&self, arguments: &[&str]) -> Result<Command> {
        match &self.0 {
            Ok((interpreter, home)) => {
                let mut command = Command::new(interpreter);
                command.args(arguments).current_dir(home);
                Ok(command)
            }
            Err(error) => bail!("{error:#}"),
        }
    }
}

/// PyNaCl and PyGithub in a private environment.
pub(super) fn python(home: &Path) -> Ecosystem {
    Ecosystem::new(home, install_python(home))
}

/// libsodium-wrappers, tweetsodium and Octokit from npm.
pub(super) fn node(home: &Path) -> Ecosystem {
    Ecosystem::new(home, install_node(home).map(|()| "node".into()))
}

/// Debian's ruby-rbnacl, which brings Debian's libsodium. Installed only as root.
pub(super) fn ruby(home: &Path) -> Ecosystem {
    Ecosystem::new(home, install_ruby(home).map(|()| "ruby".into()))
}

/// The system's own libsodium, through Python. It comes with [`ruby`], or was here before.
pub(super) fn libsodium(python: &Ecosystem) -> Result<Command> {
    let found = "import ctypes.util, sys; sys.exit(not ctypes.util.find_library('sodium'))";
    done(&mut python.driver(&["-c", found])?).context("libsodium is not installed")?;
    python.driver(&["libsodium.py"])
}

fn install_python(home: &Path) -> Result<PathBuf> {
    let requirements = include_str!("requirements.txt");
    let interpreter = home.join("bin/python");
    if !is_installed(home, requirements) {
        done(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(home),
        )?;
        let file = home.join("requirements.txt");
        std::fs::write(&file, requirements)?;
        done(
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
fn install_node(home: &Path) -> Result<()> {
    let manifest = include_str!("package.json");
    done(Command::new("node").arg("--version"))?;
    if !is_installed(home, manifest) {
        std::fs::create_dir_all(home)?;
        std::fs::write(home.join("package.json"), manifest)?;
        done(
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

fn install_ruby(home: &Path) -> Result<()> {
    let loads = || done(Command::new("ruby").args(["-e", "require 'rbnacl'"]));
    if loads().is_err() {
        let user = Command::new("id").arg("-u").output().context("no `id`")?;
        ensure!(
            user.stdout.trim_ascii() == b"0",
            "rbnacl is not installed, and only root could run `apt-get install ruby-rbnacl`"
        );
        done(Command::new("apt-get").args(["update", "--quiet=2"]))?;
        done(
            Command::new("apt-get")
                .args([
                    "install",
                    "--yes",
                    "--quiet=2",
                    "--no-install-recommends",
                    "ruby-rbnacl",
                ])
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )?;
        loads()?;
    }
    std::fs::create_dir_all(home)?;
    std::fs::write(home.join("rbnacl.rb"), include_str!("rbnacl.rb"))?;
    Ok(())
}

/// Installing is skipped while what was wanted last time is wanted still.
fn is_installed(home: &Path, wanted: &str) -> bool {
    std::fs::read_to_string(home.join("installed")).is_ok_and(|installed| installed == wanted)
}

fn mark_installed(home: &Path, wanted: &str) -> Result<()> {
    Ok(std::fs::write(home.join("installed"), wanted)?)
}

/// Runs a command to its end, quietly unless it fails.
fn done(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("no `{}` here", command.get_program().to_string_lossy()))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        let last = complaint.lines().rfind(|line| !line.trim().is_empty());
        bail!(
            "`{}` failed: {}",
            command.get_program().to_string_lossy(),
            last.unwrap_or("it did not say why")
        );
    }
    Ok(())
}
