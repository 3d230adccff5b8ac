//! The issuer of the credentials that are rotated.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use crate::BoxError;

/// Makes and revokes credentials, for example of a cloud or a database.
pub(crate) trait Issuer {
    /// The ids of all valid credentials that this service may revoke.
    async fn valid(&self) -> Result<Vec<String>, BoxError>;
    async fn issue(&self) -> Result<Credential, BoxError>;
    async fn revoke(&self, id: &str) -> Result<(), BoxError>;
}

pub(crate) struct Credential {
    pub(crate) id: String,
    pub(crate) value: Zeroizing<Vec<u8>>,
}

/// An issuer as a program, with the commands in the documentation of this one. A value of one line is taken without its
/// line break, one of several lines as it is.
pub(crate) struct Program(pub(crate) PathBuf);

impl Program {
    fn run(&self, arguments: &[&str]) -> Result<Vec<u8>, BoxError> {
        let called = format!("`{} {}`", self.0.display(), arguments[0]);
        let run = Command::new(&self.0)
            .args(arguments)
            .stderr(Stdio::inherit())
            .output();
        let output = run.map_err(|error| format!("{called}: {error}"))?;
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(format!("{called}: {}", output.status).into()),
        }
    }
}

impl Issuer for Program {
    async fn valid(&self) -> Result<Vec<String>, BoxError> {
        let ids = String::from_utf8(self.run(&["list"])?).map_err(|_| "`list` printed no UTF-8")?;
        let ids = ids.lines().map(word).filter(|id| !id.is_empty());
        Ok(ids.map(str::to_owned).collect())
    }

    async fn issue(&self) -> Result<Credential, BoxError> {
        let output = Zeroizing::new(self.run(&["issue"])?);
        let end = output
            .iter()
            .position(|&byte| byte == b'\n')
            .unwrap_or(output.len());
        let id = String::from_utf8_lossy(&output[..end]);
        let value = output.get(end + 1..).unwrap_or_default();
        let last = value.iter().rposition(|byte| !b"\r\n".contains(byte));
        let line = &value[..last.map_or(0, |last| last + 1)];
        let value = if line.contains(&b'\n') { value } else { line };
        Ok(Credential {
            id: word(&id).to_owned(),
            value: Zeroizing::new(value.to_vec()),
        })
    }

    async fn revoke(&self, id: &str) -> Result<(), BoxError> {
        self.run(&["revoke", id]).map(drop)
    }
}

/// A line without blanks around it, and without the byte order mark that some shells write first.
fn word(line: &str) -> &str {
    line.trim_start_matches('\u{feff}').trim()
}

/// An issuer in memory, with one credential. Their ids are numbers.
pub(crate) struct Fake {
    made: Mutex<Made>,
    max_valid: usize,
}

struct Made {
    valid: Vec<u32>,
    last: u32,
}

impl Fake {
    pub(crate) fn new(max_valid: usize) -> Self {
        let (valid, last) = (vec![1], 1);
        let made = Mutex::new(Made { valid, last });
        Self { made, max_valid }
    }

    pub(crate) fn ids(&self) -> Vec<u32> {
        self.made().valid.clone()
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Issuer for Fake {
    async fn valid(&self) -> Result<Vec<String>, BoxError> {
        Ok(self.ids().iter().map(u32::to_string).collect())
    }

    async fn issue(&self) -> Result<Credential, BoxError> {
        let mut made = self.made();
        if made.valid.len() >= self.max_valid {
            return Err(format!("it allows {} credentials", self.max_valid).into());
        }
        made.last += 1;
        let id = made.last;
        made.valid.push(id);
        let value = Zeroizing::new(format!("credential {id}").into_bytes());
        Ok(Credential {
            id: id.to_string(),
            value,
        })
    }

    async fn revoke(&self, id: &str) -> Result<(), BoxError> {
        self.made().valid.retain(|valid| valid.to_string() != id);
        Ok(())
    }
}
