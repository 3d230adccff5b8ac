//! Other clients of GitHub, tried against the stand-in.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::driver::{Call, ask};

/// Lets a client store `values`, and compares what the stand-in has then. Gives the client's version.
pub(super) fn prove(client: &mut Command, root: &Path, values: &[Vec<u8>]) -> Result<String> {
    let mut stand_in = StandIn::start(root)?;
    let name = |number: usize| format!("SECRET_{number}");
    let calls: Vec<Call> = values
        .iter()
        .enumerate()
        .map(|(number, value)| Call::Store {
            name: name(number),
            value: value.clone(),
        })
        .collect();
    client
        .args([stand_in.url.as_str(), "acme"])
        .env("GITHUB_TOKEN", &stand_in.token)
        .env("NO_PROXY", "127.0.0.1");
    let (version, replies) = ask(client, &calls)?;
    for (number, (value, reply)) in values.iter().zip(&replies).enumerate() {
        let stored = stand_in.plaintext(&name(number))?;
        ensure!(
            stored.as_deref() == Some(&*hex(value)),
            "a value of {} bytes did not arrive; the client says {reply:?}",
            value.len()
        );
        reply.text()?;
    }
    // A stand-in that claims to have every secret would pass otherwise.
    ensure!(
        stand_in.plaintext("NEVER_STORED")?.is_none(),
        "the stand-in has a secret that nobody stored"
    );
    Ok(version)
}

/// Values that are text, for clients that take no others.
pub(super) fn texts() -> Vec<Vec<u8>> {
    vec![
        b"correct horse battery staple".to_vec(),
        "žluťoučký kůň 🐴 \u{feff}\r\n".into(),
        "x".repeat(48 << 10).into_bytes(),
    ]
}

/// Values of any bytes.
pub(super) fn bytes() -> Vec<Vec<u8>> {
    let mut values = texts();
    values.push((0..=255).collect());
    values
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The stand-in in a process of its own, so that xtask need not be built with it.
struct StandIn {
    process: Child,
    url: String,
    token: String,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl StandIn {
    fn start(root: &Path) -> Result<Self> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut process = Command::new(cargo)
            .args(["run", "--quiet", "--package", "octoseal-mock", "--"])
            .args(["--organization", "acme", "--interactive"])
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

    /// The plaintext of a secret, in hex.
    fn plaintext(&mut self, name: &str) -> Result<Option<String>> {
        writeln!(self.commands, "plaintext actions:org/acme {name}")?;
        let answer = self.answers.next().context("the stand-in is gone")??;
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
