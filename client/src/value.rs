//! The value of a secret.

use std::fmt;

#[cfg(feature = "secrecy")]
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use zeroize::Zeroizing;

use crate::error::Error;

/// The largest value GitHub stores: 48 KB, counted in bytes of plaintext.
///
/// See [Limits for secrets](https://docs.github.com/actions/reference/security/secrets#limits-for-secrets).
pub const MAX_VALUE_BYTES: usize = 48 * 1024;

/// A secret's plaintext: any bytes, kept exactly as given (nothing is trimmed), never printed, wiped on drop.
///
/// Made from text or bytes by `From`; a `String` or `Vec<u8>` is moved and not copied. Copies that it left behind when it
/// grew are not wiped.
#[derive(Clone)]
pub struct SecretValue(Zeroizing<Vec<u8>>);

impl SecretValue {
    /// How many bytes the value has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the value has no bytes. GitHub stores empty values too.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.len() > MAX_VALUE_BYTES {
            return Err(Error::input(format!(
                "the value has {} bytes and GitHub stores at most {MAX_VALUE_BYTES}",
                self.len()
            ))
            .with_hint("store a key here and the large value, encrypted with it, elsewhere"));
        }
        Ok(())
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue([redacted])")
    }
}

impl From<Vec<u8>> for SecretValue {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<String> for SecretValue {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<&SecretValue> for SecretValue {
    fn from(value: &SecretValue) -> Self {
        value.clone()
    }
}

impl From<std::borrow::Cow<'_, str>> for SecretValue {
    fn from(text: std::borrow::Cow<'_, str>) -> Self {
        text.into_owned().into()
    }
}

impl From<&String> for SecretValue {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<&Vec<u8>> for SecretValue {
    fn from(bytes: &Vec<u8>) -> Self {
        bytes.as_slice().into()
    }
}

impl From<&str> for SecretValue {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl From<&[u8]> for SecretValue {
    fn from(bytes: &[u8]) -> Self {
        bytes.to_vec().into()
    }
}

impl<const N: usize> From<&[u8; N]> for SecretValue {
    fn from(bytes: &[u8; N]) -> Self {
        bytes.as_slice().into()
    }
}

#[cfg(feature = "secrecy")]
impl From<SecretString> for SecretValue {
    fn from(text: SecretString) -> Self {
        text.expose_secret().into()
    }
}

#[cfg(feature = "secrecy")]
impl From<SecretSlice<u8>> for SecretValue {
    fn from(bytes: SecretSlice<u8>) -> Self {
        bytes.expose_secret().into()
    }
}
