use crate::x25519::{Chosen, Secret};
use crate::{KEY_LENGTH, OVERHEAD, SealedBox, TAG_LENGTH};
use alloc::{string::String, vec::Vec};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use blake2::{Blake2b, Digest, digest::consts::U24};
use core::fmt;
use crypto_secretbox::{AeadInPlace as _, Nonce};

/// A public key that messages can be sealed to.
///
/// Every `PublicKey` is usable: other keys are refused when they are read, with a [`KeyError`]. Two keys are equal when
/// their bytes are.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; KEY_LENGTH]);

impl PublicKey {
    /// Reads a key from standard base64 with padding, the form in which GitHub hands keys out.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for text that is not base64 (surrounding white space counts as that), for a wrong
    /// length, and for keys that nothing can safely be sealed to.
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        let bytes = STANDARD.decode(text).map_err(|_| KeyError::BadBase64)?;
        Self::from_slice(&bytes)
    }

    /// Reads a key from a slice.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for any length but 32, and for keys that nothing can safely be sealed to.
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
    /// Reading a key takes two thirds of the time that sealing a short message does, since it is checked
    /// by arithmetic on the curve. Where many messages go to one key, keep the key, not its text.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for keys of low order, all zero among them, and for keys that nobody can hold the
    /// secret key of.
    pub fn from_bytes(bytes: [u8; KEY_LENGTH]) -> Result<Self, KeyError> {
        Self::checked_by::<Chosen>(bytes)
    }

    pub(crate) fn checked_by<S: Secret>(bytes: [u8; KEY_LENGTH]) -> Result<Self, KeyError> {
        if bytes == [0; KEY_LENGTH] {
            return Err(KeyError::AllZero);
        }
        match S::negate(bytes) {
            negated if negated == [0; KEY_LENGTH] => Err(KeyError::LowOrder),
            // Minus a point is written like the point. Of any part of low order nothing is left by the multiplication,
            // and on the twist it is no negation.
            negated if negated == reduced(bytes) => Ok(Self(bytes)),
            _ => Err(KeyError::NoSecretKey),
        }
    }

    /// A key that needs no check, because it was just computed from a secret key.
    pub(crate) fn of_secret(secret: &impl Secret) -> Self {
        Self(secret.public_key())
    }

    /// The key's bytes, as they were given.
    pub fn as_bytes(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }

    /// The key as standard base64 with padding.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Seals a message so that only the holder of the secret key can read it.
    ///
    /// Every call makes a new ephemeral key pair, so sealing the same message twice gives two boxes that
    /// have nothing in common. The box is [`OVERHEAD`] bytes longer than the message, and
    /// the message's length is the only thing it tells. It does not tell, or prove, who sealed it.
    ///
    /// Of the message's length it allocates the output and nothing else: the message is copied there once and encrypted
    /// in place.
    ///
    /// # Panics
    ///
    /// If there are no random bytes to be had.
    pub fn seal(&self, plaintext: &[u8]) -> SealedBox {
        self.seal_with(&Chosen::generate(), plaintext)
    }

    /// Seals with a given ephemeral key: what makes sealing testable. Never public, since a key used for
    /// two messages gives both away.
    pub(crate) fn seal_with(&self, ephemeral: &impl Secret, plaintext: &[u8]) -> SealedBox {
        let sender = Self::of_secret(ephemeral);

        let mut sealed = Vec::with_capacity(OVERHEAD + plaintext.len());
        sealed.extend_from_slice(&sender.0);
        sealed.extend_from_slice(&[0; TAG_LENGTH]);
        sealed.extend_from_slice(plaintext);

        let (head, message) = sealed.split_at_mut(OVERHEAD);
        let tag = ephemeral
            .agree(self)
            .encrypt_in_place_detached(&nonce(&sender, self), &[], message)
            .expect("only associated data is refused, and there is none");
        head[KEY_LENGTH..].copy_from_slice(&tag);
        SealedBox(sealed)
    }
}

/// A key as arithmetic sees it: without its top bit, modulo 2²⁵⁵-19.
fn reduced(mut key: [u8; KEY_LENGTH]) -> [u8; KEY_LENGTH] {
    key[31] &= 0x7f;
    if key[0] >= 0xed && key[1..31] == [0xff; 30] && key[31] == 0x7f {
        let above = key[0] - 0xed;
        key = [0; KEY_LENGTH];
        key[0] = above;
    }
    key
}

/// The nonce of a sealed box: a hash of both public keys, so that it need not be sent.
pub(crate) fn nonce(sender: &PublicKey, recipient: &PublicKey) -> Nonce {
    Blake2b::<U24>::new()
        .chain_update(sender.0)
        .chain_update(recipient.0)
        .finalize()
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
    /// The key is a point that no secret key leads to: nobody could open what is sealed to it. That is
    /// fifteen of sixteen among random bytes, so it mostly tells of a key that was made up or mangled.
    NoSecretKey,
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
            Self::NoSecretKey => f.write_str(
                "the public key belongs to no secret key, nobody could open what is sealed to it",
            ),
        }
    }
}

impl core::error::Error for KeyError {}
