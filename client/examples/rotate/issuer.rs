//! Who makes the credentials that are rotated.

use std::path::PathBuf;
use std::sync::Mutex;

use octoseal::SecretValue;

use crate::BoxError;

/// Whoever makes the credentials: a cloud, a package registry, a database.
pub(crate) trait Issuer {
    /// The ids of all credentials that are valid, oldest first.
    async fn valid(&self) -> Result<Vec<String>, BoxError>;
    async fn issue(&self) -> Result<Credential, BoxError>;
    async fn revoke(&self, id: &str) -> Result<(), BoxError>;
}

pub(crate) struct Credential {
    pub(crate) id: String,
    pub(crate) value: SecretValue,
}

/// An issuer as a program. `list` prints a line for each id, `issue` the id and, from the second line on, the value.
pub(crate) struct Program(pub(crate) PathBuf);

impl Program {
    fn run(&self, arguments: &[&str]) -> Result<Vec<u8>, BoxError> {
        let output = std::process::Command::new(&self.0)
            .args(arguments)
            .stderr(std::process::Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(format!("the issuer's `{}`: {}", arguments[0], output.status).into());
        }
        Ok(output.stdout)
    }
}

impl Issuer for Program {
    async fn valid(&self) -> Result<Vec<String>, BoxError> {
        let ids = String::from_utf8(self.run(&["list"])?)?;
        Ok(ids.lines().map(str::to_owned).collect())
    }

    async fn issue(&self) -> Result<Credential, BoxError> {
        let mut id = self.run(&["issue"])?;
        let line = id.iter().position(|&byte| byte == b'\n');
        let mut value = id.split_off(line.ok_or("the issuer gave no value")?);
        value.remove(0);
        Ok(Credential {
            id: String::from_utf8(id)?,
            value: value.into(),
        })
    }

    async fn revoke(&self, id: &str) -> Result<(), BoxError> {
        self.run(&["revoke", id]).map(drop)
    }
}

/// An issuer in memory: its credentials are numbered.
pub(crate) struct Fake(pub(crate) Mutex<Vec<u32>>);

impl Fake {
    pub(crate) fn ids(&self) -> Vec<u32> {
        self.0.lock().map(|ids| ids.clone()).unwrap_or_default()
    }
}

impl Issuer for Fake {
    async fn valid(&self) -> Result<Vec<String>, BoxError> {
        Ok(self.ids().iter().map(u32::to_string).collect())
    }

    async fn issue(&self) -> Result<Credential, BoxError> {
        let mut ids = self.0.lock().map_err(|_| "broken")?;
        let id = ids.last().map_or(1, |last| last + 1);
        ids.push(id);
        Ok(Credential {
            id: id.to_string(),
            value: format!("credential {id}").into(),
        })
    }

    async fn revoke(&self, id: &str) -> Result<(), BoxError> {
        let mut ids = self.0.lock().map_err(|_| "broken")?;
        ids.retain(|valid| valid.to_string() != id);
        Ok(())
    }
}
