//! An App's private key, in the forms that it has in files and variables.

use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use zeroize::Zeroizing;

use crate::auth::{read_secret, unset_variable};
use crate::error::Error;

const NOT_THE_KEY: &str = "give where the key is; for the key itself there is `from_pem`";

const LABELS: [&str; 2] = ["RSA PRIVATE KEY", "PRIVATE KEY"];

/// A GitHub App's private key: RSA, as PEM in PKCS#1 (as GitHub gives it out) or PKCS#8. Never printed.
#[derive(Clone)]
pub struct AppKey(pub(super) EncodingKey);

impl AppKey {
    /// Reads a key from its PEM text. The forms that CI variables give it are read as well: line breaks written as `\n`
    /// or `\r\n` (also doubled), none at all, or blank lines between; the base64 of the whole text; the body alone.
    ///
    /// # Errors
    /// [`Error::is_config`] for an encrypted key, another kind of key, or no key at all; the error says which.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self, Error> {
        let text = std::str::from_utf8(pem.as_ref()).map_err(|_| {
            Error::config("the App's key is not PEM text")
                .with_hint("convert a binary key: openssl rsa -inform DER -in KEY -out PEM")
        })?;
        let text = unwrapped(text);
        if text.contains("ENCRYPTED") {
            return Err(Error::config("the App's key is encrypted")
                .with_hint("decrypt it first: openssl pkcs8 -in KEY -out PLAIN -nocrypt -topk8"));
        }
        let body = LABELS.iter().find_map(|label| body_of(&text, label));
        let body = match body {
            Some(body) => body,
            None if text.contains("-----") => return Err(refusal(&text)),
            None => &text,
        };
        let key = LABELS.iter().find_map(|label| read(body, label));
        key.map(Self).ok_or_else(|| refusal(&text))
    }

    /// Reads a key from a PEM file of at most 64 KiB.
    ///
    /// # Errors
    /// [`Error::is_config`] if the file can't be read or is larger, and as for [`from_pem`](Self::from_pem).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let pem = read_secret("the App's key file", path.as_ref(), NOT_THE_KEY)?;
        Self::from_pem(&*pem)
    }

    /// Reads a key from an environment variable that holds the PEM text.
    ///
    /// # Errors
    /// [`Error::is_config`] if the variable is not set, and as for [`from_pem`](Self::from_pem).
    pub fn from_env(variable: &str) -> Result<Self, Error> {
        let pem = std::env::var(variable)
            .map(Zeroizing::new)
            .map_err(|_| unset_variable(variable).with_hint(NOT_THE_KEY))?;
        Self::from_pem(pem.as_bytes())
    }
}

impl fmt::Debug for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppKey([redacted])")
    }
}

/// The text without quotes and escapes, and decoded if all of it is base64.
fn unwrapped(text: &str) -> Zeroizing<String> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let text = text.trim_matches(['"', '\'']);
    let mut text = Zeroizing::new(text.to_owned());
    // Neither PEM nor base64 has a backslash.
    while text.contains("\\\\") {
        text = Zeroizing::new(text.replace("\\\\", "\\"));
    }
    let text = Zeroizing::new(text.replace("\\r", "").replace("\\n", "\n"));
    let encoded = Zeroizing::new(without_blanks(&text));
    let decoded = STANDARD.decode(encoded.as_bytes()).map(Zeroizing::new);
    match decoded.as_deref().map(|bytes| std::str::from_utf8(bytes)) {
        Ok(Ok(inner)) if inner.contains("-----BEGIN ") => Zeroizing::new(inner.to_owned()),
        _ => text,
    }
}

fn without_blanks(text: &str) -> String {
    text.split_whitespace().collect()
}

/// The text between the lines that begin and end a key of this kind.
fn body_of<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    Some(rest.split_once(&format!("-----END {label}-----"))?.0)
}

/// Reads a key by its body, and signs with it, since only that tells whether the key is complete.
fn read(body: &str, label: &str) -> Option<EncodingKey> {
    let body = Zeroizing::new(without_blanks(body));
    let mut pem = Zeroizing::new(String::with_capacity(body.len() * 2 + 128));
    *pem += &format!("-----BEGIN {label}-----\n");
    for (at, character) in body.char_indices() {
        pem.push(character);
        if at % 64 == 63 {
            pem.push('\n');
        }
    }
    *pem += &format!("\n-----END {label}-----\n");
    let key = EncodingKey::from_rsa_pem(pem.as_bytes()).ok()?;
    jsonwebtoken::encode(&Header::new(Algorithm::RS256), &json!({}), &key).ok()?;
    Some(key)
}

/// The error of a text that is no App's key. It says what the text is, and does not quote it, since it may be a secret.
fn refusal(text: &str) -> Error {
    let is_hex = text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| text.starts_with(prefix));
    let (what, hint) = if text.is_empty() {
        ("empty", "give the text of the file that GitHub gave out")
    } else if text.contains("OPENSSH PRIVATE KEY") {
        (
            "an OpenSSH key",
            "an App's key is generated on the App's settings page; SSH keys are for git",
        )
    } else if text.contains("PUBLIC KEY-----") || begins(&["ssh-"]) {
        (
            "a public key",
            "give the private key, which GitHub gave out as a .pem file when it was generated",
        )
    } else if text.contains("BEGIN CERTIFICATE") {
        (
            "a certificate",
            "give the private key, which GitHub gave out as a .pem file when it was generated",
        )
    } else if text.contains("EC PRIVATE KEY") {
        ("an elliptic curve key", "GitHub Apps have RSA keys")
    } else if is_hex {
        (
            "probably the App's client secret or webhook secret",
            "generate a private key on the App's settings page",
        )
    } else if begins(&["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"]) {
        ("a token", "give it to `token` instead")
    } else if text.len() < 256 && text.ends_with(".pem") {
        ("the name of a file", "read it by `AppKey::from_file`")
    } else {
        (
            "not an RSA private key in PEM",
            "it looks like -----BEGIN RSA PRIVATE KEY----- or -----BEGIN PRIVATE KEY-----",
        )
    };
    Error::config(format!("the App's key is {what}")).with_hint(hint)
}
