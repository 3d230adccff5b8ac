use crate::{KEY_LENGTH, OVERHEAD, TAG_LENGTH};
use alloc::{string::String, vec::Vec};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use core::{fmt, str::FromStr};

/// A sealed message: the ephemeral public key, the tag, and the encrypted bytes.
///
/// Long enough to be one; whether it opens only [`SecretKey::open`](crate::SecretKey::open) can tell. A box that was
/// sealed elsewhere arrives as base64, which is read by [`from_base64`](Self::from_base64), `parse` or `try_from`:
///
/// ```
/// use octoseal_sealing::{BoxError, SealedBox};
///
/// // Plaintext that was handed in by mistake is refused, in base64 or not.
/// assert_eq!("hunter2".parse::<SealedBox>(), Err(BoxError::BadBase64));
/// assert_eq!(SealedBox::try_from("aHVudGVyMg=="), Err(BoxError::TooShort { found: 7 }));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SealedBox(pub(crate) Vec<u8>);

impl SealedBox {
    /// Takes bytes as a sealed box.
    ///
    /// # Errors
    ///
    /// [`BoxError::TooShort`] below [`OVERHEAD`] bytes, the length of a sealed empty message.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, BoxError> {
        let bytes = bytes.into();
        let found = bytes.len();
        if found < OVERHEAD {
            return Err(BoxError::TooShort { found });
        }
        Ok(Self(bytes))
    }

    /// Reads a sealed box from standard base64 with padding, the form that GitHub takes as `encrypted_value`.
    ///
    /// # Errors
    ///
    /// [`BoxError`] for text that is not base64 and for fewer than [`OVERHEAD`] bytes. White space is not base64, at
    /// the ends neither: GitHub refuses it, and text with a line end may be of a file that holds more than the box.
    pub fn from_base64(text: &str) -> Result<Self, BoxError> {
        Self::from_bytes(STANDARD.decode(text).map_err(|_| BoxError::BadBase64)?)
    }

    /// The box's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The box's bytes, given away.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The box as standard base64 with padding, the form that GitHub takes as `encrypted_value`.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.0)
    }

    /// Ephemeral public key, tag, encrypted message.
    pub(crate) fn parts(&self) -> (&[u8; KEY_LENGTH], &[u8; TAG_LENGTH], &[u8]) {
        let long_enough = "a sealed box holds a key and a tag";
        let (key, rest) = self.0.split_first_chunk().expect(long_enough);
        let (tag, message) = rest.split_first_chunk().expect(long_enough);
        (key, tag, message)
    }
}

/// As [`SealedBox::from_base64`].
impl FromStr for SealedBox {
    type Err = BoxError;

    fn from_str(text: &str) -> Result<Self, BoxError> {
        Self::from_base64(text)
    }
}

/// As [`SealedBox::from_base64`].
impl TryFrom<&str> for SealedBox {
    type Error = BoxError;

    fn try_from(text: &str) -> Result<Self, BoxError> {
        Self::from_base64(text)
    }
}

/// As [`SealedBox::from_base64`].
impl TryFrom<String> for SealedBox {
    type Error = BoxError;

    fn try_from(text: String) -> Result<Self, BoxError> {
        Self::from_base64(&text)
    }
}

/// As [`SealedBox::to_base64`].
impl From<&SealedBox> for String {
    fn from(sealed: &SealedBox) -> Self {
        sealed.to_base64()
    }
}

/// As [`SealedBox::to_base64`].
impl From<SealedBox> for String {
    fn from(sealed: SealedBox) -> Self {
        sealed.to_base64()
    }
}

impl fmt::Debug for SealedBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedBox({} bytes)", self.0.len())
    }
}

/// Why bytes or a text can't be a sealed box. Says nothing of what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BoxError {
    /// The text is not standard base64 with padding.
    BadBase64,
    /// Fewer bytes than a sealed empty message has.
    TooShort {
        /// How many there are.
        found: usize,
    },
}

impl fmt::Display for BoxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadBase64 => f.write_str(
                "the sealed box is not standard base64 with padding, and nothing around it: is it the plaintext?",
            ),
            Self::TooShort { found } => write!(
                f,
                "a sealed box has at least {OVERHEAD} bytes, this one {found}: is it the plaintext?"
            ),
        }
    }
}

impl core::error::Error for BoxError {}
