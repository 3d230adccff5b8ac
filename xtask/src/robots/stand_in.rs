//! The stand-in GitHub, as a program.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::{Context as _, Result};

/// The stand-in in a process of its own, so that xtask need not be built with it.
pub(super) struct StandIn {
    process: Child,
    pub(super) url: String,
    pub(super) token: String,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl StandIn {
    /// Starts it with these flags.
    pub(super) fn start(root: &Path, flags: &[&str]) -> Result<Self> {
        let mut process = super::cargo()
            .args(["run", "--quiet", "--package", "octoseal-mock", "--"])
            .args(flags)
            .arg("--interactive")
            .current_dir(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run cargo")?;
        let commands = process.stdin.take().context("a pipe to the stand-in")?;
        let answers = process.stdout.take().context("a pipe from the stand-in")?;
        let mut answers = BufReader::new(answers).lines();
        let mut told = |name: &str| -> Result<String> {
            let line = answers.next().context("the stand-in did not start")??;
            let value = line
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('='));
            Ok(value
                .with_context(|| format!("no {name} in {line:?}"))?
                .to_owned())
        };
        Ok(Self {
            process,
            url: told("GITHUB_API_URL")?,
            token: told("GITHUB_TOKEN")?,
            commands,
            answers,
        })
    }

    /// What it answers to a command.
    pub(super) fn ask(&mut self, command: &str) -> Result<String> {
        writeln!(self.commands, "{command}")?;
        Ok(self.answers.next().context("the stand-in is gone")??)
    }

    /// The plaintext of a secret of the organization `acme`, in hex.
    pub(super) fn plaintext(&mut self, name: &str) -> Result<Option<String>> {
        let answer = self.ask(&format!("plaintext actions:org/acme {name}"))?;
        Ok((answer != "none").then_some(answer))
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // Cargo replaces itself by the program it runs, so this ends the stand-in and not only cargo.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
