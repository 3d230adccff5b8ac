use core::hint::black_box;
use core::ops::Deref;
use crypto_box::aead::OsRng;
use curve25519_dalek::Scalar;

/// A secret key of `crypto_box` that does not outlive its scope.
///
/// `crypto_box` wipes the scalar on drop, but not the bytes it was made from. Those are private to it, so
/// all that can be done from here is to put another key in their place, and to keep the compiler from
/// seeing that nobody reads it.
#[derive(Clone)]
pub(crate) struct Secret(crypto_box::SecretKey);

impl Secret {
    /// A new key. Panics when the operating system has no randomness: a machine without it can't do
    /// anything safely.
    pub(crate) fn generate() -> Self {
        Self(crypto_box::SecretKey::generate(&mut OsRng))
    }

    pub(crate) fn from_bytes(bytes: [u8; crate::KEY_LENGTH]) -> Self {
        Self(bytes.into())
    }
}

impl Deref for Secret {
    type Target = crypto_box::SecretKey;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0 = Scalar::ZERO.into();
        black_box(&self.0);
    }
}
