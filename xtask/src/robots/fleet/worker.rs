//! One process of a fleet.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::thread::{JoinHandle, spawn};

use anyhow::{Context as _, Result, ensure};

use super::Programs;
use super::store::Store;
use crate::robots::stand_in::StandIn;

const FLEET: &str = "fleet";

/// A running process. Dropped, it is killed.
pub(super) struct Worker {
    pub(super) name: String,
    process: Child,
    /// What it says, read as it comes, so that it never waits for a reader.
    said: Option<JoinHandle<String>>,
}

impl Worker {
    /// Lets a process store so many secrets, whose names begin with its own.
    pub(super) fn start(
        programs: &Programs,
        store: &Store,
        stand_in: &StandIn,
        name: &str,
        secrets: usize,
        clock: Option<&str>,
    ) -> Result<Self> {
        let mut command = Command::new(&programs.worker);
        command.args([FLEET, name, &secrets.to_string()]);
        command.env("GITHUB_API_URL", &stand_in.url);
        command.env("GITHUB_TOKEN", &stand_in.token);
        command.env("REDIS_URL", store.url());
        command.env("NO_PROXY", "127.0.0.1").env("NO_COLOR", "1");
        if let Some(offset) = clock {
            let library = programs.faketime.as_ref().context("libfaketime")?;
            command.env("LD_PRELOAD", library).env("FAKETIME", offset);
            command.env("DONT_FAKE_MONOTONIC", "1");
        }
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn()?;
        let mut errors = process.stderr.take().context("a pipe from the process")?;
        let said = spawn(move || {
            let mut said = String::new();
            let _ = errors.read_to_string(&mut said);
            said
        });
        Ok(Self {
            name: name.to_owned(),
            process,
            said: Some(said),
        })
    }

    /// Kills it, as the system does for want of memory.
    pub(super) fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    pub(super) fn is_running(&mut self) -> Result<bool> {
        Ok(self.process.try_wait()?.is_none())
    }

    /// Waits for its end, which must be a good one, and gives what it said to standard error.
    pub(super) fn end(&mut self) -> Result<String> {
        let status = self.process.wait()?;
        let said = self.said.take().map(JoinHandle::join);
        let said = said.and_then(Result::ok).unwrap_or_default();
        ensure!(status.success(), "{} failed: {said}", self.name);
        Ok(said)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
