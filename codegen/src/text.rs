//! Kinds of text that generated types must not treat as any other.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// The id of a public key: text, or a number that keeps the digits it came with.
///
/// Old Enterprise Servers send a number (google/go-github#1836), too long for a float.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        let digits = text.strip_prefix('-').unwrap_or(text);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self(text.to_owned()));
        }
        serde_json::from_str(text)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

impl From<String> for KeyId {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A repository's id in a body, spelled as the version of the API that is asked for wants it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RepositoryId {
    /// As a number, which every operation takes today.
    Number(i64),
    /// As text, which Dependabot's operations take before version `2026-03-10`.
    Text(String),
}

/// A sealed value in a body: the base64 of a box as libsodium seals it. Plaintext is refused.
///
/// ```
/// use octoseal_api::EncryptedValue;
///
/// assert!("hunter2".parse::<EncryptedValue>().is_err());
/// let sealed = "c2VhbGVkYm94".repeat(6);
/// assert_eq!(sealed.parse::<EncryptedValue>().unwrap().as_str(), sealed);
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct EncryptedValue(String);

impl EncryptedValue {
    /// What a box holds beside its message, in bytes: an ephemeral public key and an authenticator.
    const OVERHEAD_BYTES: usize = 48;

    /// The base64.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EncryptedValue {
    type Error = NotSealed;

    fn try_from(text: String) -> Result<Self, NotSealed> {
        let digits = text.trim_end_matches('=');
        let padding = text.len() - digits.len();
        let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
        // Each byte is looked at, without a branch, since that is done many at a time.
        let are_digits = digits.bytes().fold(true, |all, byte| all & is_digit(byte));
        // Of a box's random digits, some are always in either case; those of hexadecimal and base32 are not.
        let in_both_cases =
            digits.contains(char::is_lowercase) && digits.contains(char::is_uppercase);
        let is_base64 = text.len().is_multiple_of(4) && padding <= 2 && are_digits && in_both_cases;
        let bytes = (text.len() / 4 * 3).saturating_sub(padding);
        if is_base64 && bytes >= Self::OVERHEAD_BYTES {
            Ok(Self(text))
        } else {
            Err(NotSealed)
        }
    }
}

impl std::str::FromStr for EncryptedValue {
    type Err = NotSealed;

    fn from_str(text: &str) -> Result<Self, NotSealed> {
        text.to_owned().try_into()
    }
}

impl<'de> Deserialize<'de> for EncryptedValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.try_into().map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for EncryptedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptedValue({} B of base64)", self.0.len())
    }
}

/// A text is no [`EncryptedValue`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotSealed;

impl fmt::Display for NotSealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sealed value is base64 in the standard alphabet, padded with `=`, of at least 48 bytes, with letters of both cases")
    }
}

impl std::error::Error for NotSealed {}

/// Text that does not print: a token in a reply.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hidden(String);

impl Hidden {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<Hidden> for String {
    fn from(text: Hidden) -> Self {
        text.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(..)")
    }
}
