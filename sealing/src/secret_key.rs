use crate::public_key::nonce;
use crate::x25519::{Chosen, Secret};
use crate::{KEY_LENGTH, PublicKey, SealedBox};
use alloc::vec::Vec;
use core::fmt;
use crypto_secretbox::{AeadInPlace as _, Tag};
use zeroize::Zeroizing;

/// A secret key that opens what was sealed to its public key.
///
/// Wiped on drop; `Debug` prints nothing of it, and it can't be written out.
#[derive(Clone)]
pub struct SecretKey(KeyPair<Chosen>);

impl SecretKey {
    /// Makes a new key.
    ///
    /// # Panics
    ///
    /// If there are no random bytes to be had.
    pub fn generate() -> Self {
        Self(KeyPair::new(Chosen::generate()))
    }

    /// Takes 32 bytes as a key. Every 32 bytes are one.
    ///
    /// The caller's copy of the bytes stays the caller's to wipe.
    pub fn from_bytes(bytes: [u8; KEY_LENGTH]) -> Self {
        Self(KeyPair::new(Chosen::from_bytes(bytes)))
    }

    /// The key that messages for this one are sealed to.
    pub fn public_key(&self) -> PublicKey {
        self.0.public
    }

    /// Opens a sealed box. The message is wiped when it is dropped.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when the box was sealed to another key, or changed since. That includes boxes whose
    /// ephemeral key [`PublicKey`] would refuse: no sealing made them.
    pub fn open(&self, sealed: &SealedBox) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        self.0.open(sealed)
    }
}

/// A secret key and the public one that belongs to it.
#[derive(Clone)]
pub(crate) struct KeyPair<S: Secret> {
    secret: S,
    pub(crate) public: PublicKey,
}

impl<S: Secret> KeyPair<S> {
    pub(crate) fn new(secret: S) -> Self {
        let public = PublicKey::of_secret(&secret);
        Self { secret, public }
    }

    pub(crate) fn open(&self, sealed: &SealedBox) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (sender, tag, message) = sealed.parts();
        // Without this check a box could be made without any key: a low-order key agrees on zero with every other.
        let sender = PublicKey::checked_by::<S>(*sender).map_err(|_| OpenError(()))?;
        let mut opened = Zeroizing::new(message.to_vec());
        self.secret
            .agree(&sender)
            .decrypt_in_place_detached(
                &nonce(&sender, &self.public),
                &[],
                &mut opened,
                Tag::from_slice(tag),
            )
            .map_err(|_| OpenError(()))?;
        Ok(opened)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").finish_non_exhaustive()
    }
}

/// A sealed box did not open: it was sealed to another key, or changed since. Which of the two can't be
/// told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenError(());

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sealed box does not open: sealed to another key, or changed since")
    }
}

impl core::error::Error for OpenError {}
