use crate::secret::Secret;
use crate::{KEY_LENGTH, OVERHEAD, SealedBox, TAG_LENGTH};
use alloc::{string::String, vec::Vec};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use blake2::{Blake2b, Digest, digest::consts::U24};
use core::fmt;
use crypto_box::aead::AeadInPlace as _;
use crypto_box::{Nonce, SalsaBox};
use curve25519_dalek::{MontgomeryPoint, traits::IsIdentity as _};

/// A public key that messages can be sealed to.
///
/// Whoever holds one holds a usable key: the unusable ones are refused when read, with a [`KeyError`]. Two
/// keys are equal when their bytes are.
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
        // Arithmetic ignores the top bit and reduces, so all of this holds for every spelling of a key.
        let point = MontgomeryPoint(bytes);
        let times_eight = || point.mul_bits_be([true, false, false, false].into_iter());
        if bytes == [0; KEY_LENGTH] {
            Err(KeyError::AllZero)
        } else if times_eight().is_identity() {
            Err(KeyError::LowOrder)
        } else if !point.to_edwards(0).is_some_and(|it| it.is_torsion_free()) {
            Err(KeyError::NoSecretKey)
        } else {
            Ok(Self(bytes))
        }
    }

    /// A key that needs no check, because it was just computed from a secret key.
    pub(crate) fn of_secret(secret: &Secret) -> Self {
        Self(secret.public_key().to_bytes())
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
    /// Allocates the output and nothing else; the message is copied there once and encrypted in place.
    ///
    /// # Panics
    ///
    /// If the operating system has no random bytes to give.
    pub fn seal(&self, plaintext: &[u8]) -> SealedBox {
        self.seal_with(&Secret::generate(), plaintext)
    }

    /// Seals with a given ephemeral key: what makes sealing testable. Never public, since a key used for
    /// two messages gives both away.
    pub(crate) fn seal_with(&self, ephemeral: &Secret, plaintext: &[u8]) -> SealedBox {
        let sender = Self::of_secret(ephemeral);

        let mut sealed = Vec::with_capacity(OVERHEAD + plaintext.len());
        sealed.extend_from_slice(&sender.0);
        sealed.extend_from_slice(&[0; TAG_LENGTH]);
        sealed.extend_from_slice(plaintext);

        let (head, message) = sealed.split_at_mut(OVERHEAD);
        let tag = self
            .agree(ephemeral)
            .encrypt_in_place_detached(&nonce(&sender, self), &[], message)
            .expect("only associated data is refused, and there is none");
        head[KEY_LENGTH..].copy_from_slice(&tag);
        SealedBox(sealed)
    }

    /// The cipher that the holders of the two keys agree on.
    pub(crate) fn agree(&self, secret: &Secret) -> SalsaBox {
        SalsaBox::new(&self.0.into(), secret)
    }
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
