use crate::primitive::{self, Point};
use crate::{KEY_LENGTH, OVERHEAD, SealedBox, TAG_LENGTH};
use alloc::{string::String, vec::Vec};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use core::fmt;
use core::hash::{Hash, Hasher};
use crypto_secretbox::AeadInPlace as _;

/// A public key that messages can be sealed to.
///
/// Whoever holds one holds a usable key: the unusable ones are refused when read, with a [`KeyError`]. Two
/// keys are equal when their bytes are.
#[derive(Clone, Copy)]
pub struct PublicKey {
    bytes: [u8; KEY_LENGTH],
    point: Point,
}

impl PublicKey {
    /// Reads a key from standard base64 with padding, the form in which GitHub hands keys out.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for text that is not base64 (surrounding white space counts as that), for a wrong
    /// length, and for keys of low order, all zero among them.
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        let bytes = STANDARD.decode(text).map_err(|_| KeyError::BadBase64)?;
        Self::from_slice(&bytes)
    }

    /// Reads a key from a slice.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for any length but 32, and for keys of low order, all zero among them.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, KeyError> {
        let found = bytes.len();
        Self::from_bytes(
            bytes
                .try_into()
                .map_err(|_| KeyError::WrongLength { found })?,
        )
    }

    /// Takes 32 bytes as a key.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for keys of low order, all zero among them.
    pub fn from_bytes(bytes: [u8; KEY_LENGTH]) -> Result<Self, KeyError> {
        if bytes == [0; KEY_LENGTH] {
            Err(KeyError::AllZero)
        } else if primitive::is_low_order(&bytes) {
            Err(KeyError::LowOrder)
        } else {
            Ok(Self::decode(bytes))
        }
    }

    /// A key that needs no check, because it was just computed from a secret key.
    pub(crate) fn of_secret(secret: &[u8; KEY_LENGTH]) -> Self {
        Self::decode(primitive::public_of(secret))
    }

    fn decode(bytes: [u8; KEY_LENGTH]) -> Self {
        let point = Point::decode(&bytes);
        Self { bytes, point }
    }

    /// The key's bytes, as they were given.
    pub fn as_bytes(&self) -> &[u8; KEY_LENGTH] {
        &self.bytes
    }

    /// The key as standard base64 with padding.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.bytes)
    }

    /// Seals a message so that only the holder of the secret key can read it.
    ///
    /// Every call makes a new ephemeral key pair, so sealing the same message twice gives two boxes that
    /// have nothing in common. The box is [`OVERHEAD`] bytes longer than the message, and
    /// the message's length is the only thing it tells. It does not tell, or prove, who sealed it.
    ///
    /// Allocates the output and nothing else; the message is copied there once and encrypted in place.
    ///
    /// # Panics
    ///
    /// If the operating system has no random bytes to give.
    pub fn seal(&self, plaintext: &[u8]) -> SealedBox {
        self.seal_with(&primitive::random_secret(), plaintext)
    }

    /// Seals with a given ephemeral key: what makes sealing testable. Never public, since a key used for
    /// two messages gives both away.
    pub(crate) fn seal_with(&self, ephemeral: &[u8; KEY_LENGTH], plaintext: &[u8]) -> SealedBox {
        let ephemeral_public = primitive::public_of(ephemeral);

        let mut sealed = Vec::with_capacity(OVERHEAD + plaintext.len());
        sealed.extend_from_slice(&ephemeral_public);
        sealed.extend_from_slice(&[0; TAG_LENGTH]);
        sealed.extend_from_slice(plaintext);

        let (head, message) = sealed.split_at_mut(OVERHEAD);
        let tag = self
            .point
            .agree(ephemeral)
            .encrypt_in_place_detached(
                &primitive::nonce(&ephemeral_public, &self.bytes),
                &[],
                message,
            )
            .expect("only associated data is refused, and there is none");
        head[KEY_LENGTH..].copy_from_slice(&tag);
        SealedBox(sealed)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for PublicKey {}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.to_base64())
    }
}

/// Why a public key was refused. Says nothing of the key itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is not standard base64 with padding.
    BadBase64,
    /// The key is not 32 bytes long.
    WrongLength {
        /// How long it is.
        found: usize,
    },
    /// The key is nothing but zeros: more likely a buffer that was never filled than a key.
    AllZero,
    /// The key is a point of low order: anybody could open what is sealed to it.
    LowOrder,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadBase64 => f.write_str("the public key is not standard base64 with padding"),
            Self::WrongLength { found } => {
                write!(
                    f,
                    "the public key has {found} bytes instead of {KEY_LENGTH}"
                )
            }
            Self::AllZero => f.write_str("the public key is all zeros"),
            Self::LowOrder => f.write_str(
                "the public key is a point of low order, what is sealed to it is no secret",
            ),
        }
    }
}

impl core::error::Error for KeyError {}
