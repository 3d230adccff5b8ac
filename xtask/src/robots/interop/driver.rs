//! Another library, in a process of its own: a line of JSON in, a line of JSON out.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// A task for a driver.
#[derive(Serialize)]
#[serde(rename_all = "lowercase", tag = "do")]
pub(super) enum Call {
    /// Seal a message to a key.
    Seal {
        #[serde(serialize_with = "base64")]
        public: Vec<u8>,
        #[serde(serialize_with = "base64")]
        message: Vec<u8>,
    },
    /// Open a box with a key pair.
    Open {
        #[serde(serialize_with = "base64")]
        public: Vec<u8>,
        #[serde(serialize_with = "base64")]
        secret: Vec<u8>,
        #[serde(serialize_with = "base64")]
        sealed: Vec<u8>,
    },
    /// Store a value under a name, at the GitHub that the driver was started with.
    Store {
        name: String,
        #[serde(serialize_with = "base64")]
        value: Vec<u8>,
    },
}

fn base64<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

/// A driver's answer: what it made, or why not.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Reply {
    Ok(String),
    Error(String),
}

impl Reply {
    /// The text of its answer, unless it refused.
    pub(super) fn text(&self) -> Result<&str> {
        match self {
            Self::Ok(text) => Ok(text),
            Self::Error(reason) => bail!("it refused: {reason}"),
        }
    }

    /// The bytes of its answer.
    pub(super) fn bytes(&self) -> Result<Vec<u8>> {
        STANDARD
            .decode(self.text()?)
            .context("the reply is not base64")
    }
}

/// Starts the driver and passes it every call. Gives its version, and one reply for each call.
pub(super) fn ask(command: &mut Command, calls: &[Call]) -> Result<(String, Vec<Reply>)> {
    let mut process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {:?}", command.get_program()))?;
    let mut stdin = process.stdin.take().context("a pipe to the driver")?;
    let mut lines =
        BufReader::new(process.stdout.take().context("a pipe from the driver")?).lines();

    // Written from a second thread: both pipes are finite, and a driver answers as it reads.
    let (version, replies) = std::thread::scope(|scope| {
        scope.spawn(move || -> Result<()> {
            for call in calls {
                writeln!(stdin, "{}", serde_json::to_string(call)?)?;
            }
            Ok(())
        });
        let version = lines.next().transpose()?;
        let replies: Result<Vec<Reply>> = lines
            .map(|line| serde_json::from_str(&line?).context("the driver's reply is unreadable"))
            .collect();
        anyhow::Ok((version, replies?))
    })?;

    let output = process.wait_with_output()?;
    ensure!(
        output.status.success() && replies.len() == calls.len(),
        "the driver answered {} of {} calls, {}: {}",
        replies.len(),
        calls.len(),
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let version = version.context("the driver named no version")?;
    Ok((serde_json::from_str(&version)?, replies))
}
