//! GitHub Apps: tokens of installations, made when needed.
//!
//! GitHub's pages: [Generating a JWT](https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app),
//! [Authenticating as an installation](https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation).

use std::fmt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::error::Error;

mod described;
mod installations;
mod jwt;
mod kept;
mod refusals;

pub(crate) use installations::Installations;

/// A GitHub App that calls as its installations.
///
/// For each organization (or user) that a call is about, the App's installation is looked up once, and a token made for
/// it, kept until shortly before it expires, and shared by all calls; any number of callers wait for one request. What
/// GitHub refuses then (a wrong key, an App that is not installed) is not asked for again within five seconds.
///
/// # Examples
/// ```no_run
/// use octoseal::{App, AppKey, Client};
///
/// let key = AppKey::from_file("app.private-key.pem")?;
/// let app = App::new("Iv23liExample", key).permission("organization_secrets", "write");
/// let github = Client::builder().app(app).build()?;
/// # Ok::<(), octoseal::Error>(())
/// ```
#[derive(Clone)]
pub struct App {
    id: String,
    key: AppKey,
    installation: Option<u64>,
    permissions: Map<String, Value>,
    repositories: Vec<String>,
}

impl App {
    /// An App by its client id or app id, and its private key.
    pub fn new(id: impl Into<String>, key: AppKey) -> Self {
        Self {
            id: id.into(),
            key,
            installation: None,
            permissions: Map::new(),
            repositories: Vec::new(),
        }
    }

    /// Calls as this installation, whatever the call is about, and looks none up.
    pub fn installation(mut self, id: u64) -> Self {
        self.installation = Some(id);
        self
    }

    /// Narrows tokens to the permissions named this way, for example `organization_secrets` and `write`. Without any,
    /// tokens have what the installation has.
    pub fn permission(mut self, name: impl Into<String>, level: impl Into<String>) -> Self {
        self.permissions.insert(name.into(), level.into().into());
        self
    }

    /// Narrows tokens to the repositories named this way, without their owner. Without any, tokens reach what the
    /// installation reaches.
    pub fn repository(mut self, name: impl Into<String>) -> Self {
        self.repositories.push(name.into());
        self
    }
}

impl App {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("id", &self.id)
            .field("installation", &self.installation)
            .field("permissions", &self.permissions)
            .field("repositories", &self.repositories)
            .finish_non_exhaustive()
    }
}

/// A GitHub App's private key: RSA, as PEM in PKCS#1 (as GitHub gives it out) or PKCS#8. Never printed.
#[derive(Clone)]
pub struct AppKey(EncodingKey);

impl AppKey {
    /// Reads a key from its PEM text. Line breaks written as `\n`, as environment variables often have them, are
    /// read as such.
    ///
    /// # Errors
    /// [`Error::is_config`] for an encrypted key, another kind of key, or no key at all.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self, Error> {
        let text = std::str::from_utf8(pem.as_ref())
            .map_err(|_| Error::config("the App's key is not PEM text"))?;
        let text = Zeroizing::new(if text.trim().contains('\n') {
            text.to_owned()
        } else {
            text.replace("\\n", "\n")
        });
        if text.contains("ENCRYPTED") {
            return Err(Error::config("the App's key is encrypted")
                .with_hint("decrypt it first: openssl pkcs8 -in KEY -out PLAIN -nocrypt -topk8"));
        }
        let refuse = || {
            Error::config("the App's key is not an RSA private key in PEM").with_hint(
                "it looks like -----BEGIN RSA PRIVATE KEY----- or -----BEGIN PRIVATE KEY-----",
            )
        };
        let key = EncodingKey::from_rsa_pem(text.trim().as_bytes()).map_err(|_| refuse())?;
        // Only signing tells whether what is inside of the PEM is a whole key.
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &json!({}), &key)
            .map_err(|_| refuse())?;
        Ok(Self(key))
    }

    /// Reads a key from a PEM file.
    ///
    /// # Errors
    /// [`Error::is_config`] if the file can't be read, and as for [`from_pem`](Self::from_pem).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let pem = std::fs::read(path).map(Zeroizing::new).map_err(|why| {
            Error::config(format!(
                "the App's key file {} can't be read",
                path.display()
            ))
            .with_source(why)
        })?;
        Self::from_pem(&*pem)
    }

    /// Reads a key from an environment variable that holds the PEM text.
    ///
    /// # Errors
    /// [`Error::is_config`] if the variable is not set, and as for [`from_pem`](Self::from_pem).
    pub fn from_env(variable: &str) -> Result<Self, Error> {
        let pem = std::env::var(variable).map(Zeroizing::new).map_err(|_| {
            Error::config(format!("the environment variable {variable} is not set"))
        })?;
        Self::from_pem(pem.as_bytes())
    }
}

impl fmt::Debug for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppKey([redacted])")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
