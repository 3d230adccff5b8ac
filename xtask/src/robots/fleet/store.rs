//! A Redis or Valkey of one's own, with nothing on disk.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A running server. Dropped, it is killed.
pub(super) struct Store {
    server: PathBuf,
    port: u16,
    process: Child,
}

impl Store {
    pub(super) fn start(server: &Path) -> Result<Self> {
        // The port is free again when the listener is dropped, and the server takes it at once.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let process = spawn(server, port)?;
        let store = Self {
            server: server.to_owned(),
            port,
            process,
        };
        store.wait()?;
        Ok(store)
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Ends it at once, with all that it holds.
    pub(super) fn stop(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Starts it again, empty.
    pub(super) fn start_again(&mut self) -> Result<()> {
        self.process = spawn(&self.server, self.port)?;
        self.wait()
    }

    /// Stops the process by a signal, or continues it.
    pub(super) fn set_hanging(&self, hanging: bool) -> Result<()> {
        let signal = if hanging { "-STOP" } else { "-CONT" };
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status()?;
        ensure!(sent.success(), "kill {signal} failed");
        Ok(())
    }

    /// How many exchanges it made, and how many microseconds of its time each took.
    pub(super) fn exchanges(&self) -> Result<(u64, f64)> {
        let told = self.ask("INFO commandstats\r\n")?;
        let line = told.lines().find(|line| line.contains("cmdstat_evalsha:"));
        let line = line.context("no script was called")?;
        let number = |name: &str| -> Option<f64> {
            let (_, rest) = line.split_once(name)?;
            rest.split(',').next()?.trim().parse().ok()
        };
        let calls = number("calls=").context("the number of calls")?;
        Ok((calls as u64, number("usec_per_call=").unwrap_or_default()))
    }

    fn ask(&self, command: &str) -> Result<String> {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port))?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        socket.write_all(format!("{command}QUIT\r\n").as_bytes())?;
        let mut told = String::new();
        socket.read_to_string(&mut told)?;
        Ok(told)
    }

    fn wait(&self) -> Result<()> {
        for _ in 0..100 {
            if self.ask("PING\r\n").is_ok_and(|told| told.contains("PONG")) {
                return Ok(());
            }
            sleep(POLL_INTERVAL);
        }
        bail!("the store does not start");
    }
}

fn spawn(server: &Path, port: u16) -> Result<Child> {
    let mut command = Command::new(server);
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
    command.args(["--save", "", "--appendonly", "no"]);
    command.stdout(Stdio::null()).stdin(Stdio::null());
    command.spawn().context("the store does not start")
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
