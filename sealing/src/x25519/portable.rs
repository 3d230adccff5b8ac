//! X25519 by `crypto_box`: pure Rust, without `std`.

use super::{Key, MINUS_ONE};
use crate::PublicKey;
use crate::salsa20::Salsa20;
use core::hint::black_box;
use crypto_box::aead::OsRng;
use crypto_box::{CryptoBox, SecretKey};
use curve25519_dalek::{MontgomeryPoint, Scalar};

/// A secret key of `crypto_box` that does not outlive its scope.
///
/// `crypto_box` wipes the scalar on drop, but not the bytes it was made from. Those are private to it, so all that can
/// be done from here is to put another key in their place, and to keep the compiler from seeing that it is never read.
#[derive(Clone)]
pub(crate) struct Secret(SecretKey);

impl super::Secret for Secret {
    type Cipher = CryptoBox<Salsa20>;

    fn generate() -> Self {
        Self(SecretKey::generate(&mut OsRng))
    }

    fn from_bytes(bytes: Key) -> Self {
        Self(bytes.into())
    }

    fn public_key(&self) -> Key {
        *self.0.public_key().as_bytes()
    }

    fn agree(&self, with: &PublicKey) -> CryptoBox<Salsa20> {
        CryptoBox::new(&(*with.as_bytes()).into(), &self.0)
    }

    fn negate(point: Key) -> Key {
        MontgomeryPoint(point).mul_clamped(MINUS_ONE).to_bytes()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0 = Scalar::ZERO.into();
        black_box(&self.0);
    }
}
