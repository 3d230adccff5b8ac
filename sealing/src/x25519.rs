//! X25519 by one of two libraries.

#[cfg(feature = "aws-lc-rs")]
pub(crate) mod aws_lc;
#[cfg(all(feature = "crypto_box", any(test, not(feature = "aws-lc-rs"))))]
pub(crate) mod portable;

use crate::{KEY_LENGTH, PublicKey};
use crypto_secretbox::AeadInPlace;
use crypto_secretbox::consts::{U16, U24};

#[cfg(feature = "aws-lc-rs")]
pub(crate) use aws_lc::Secret as Chosen;
#[cfg(all(feature = "crypto_box", not(feature = "aws-lc-rs")))]
pub(crate) use portable::Secret as Chosen;

type Key = [u8; KEY_LENGTH];

/// A secret key of X25519. It is wiped when it is dropped.
pub(crate) trait Secret: Clone {
    /// XSalsa20-Poly1305 with the key that two secret keys agree on.
    type Cipher: AeadInPlace<NonceSize = U24, TagSize = U16>;

    /// A new key. Panics when there is no randomness: a machine without it can't do anything safely.
    fn generate() -> Self;

    fn from_bytes(bytes: Key) -> Self;

    fn public_key(&self) -> Key;

    fn agree(&self, with: &PublicKey) -> Self::Cipher;

    /// Multiplies a point with [`MINUS_ONE`]. All zeros for points of low order.
    fn negate(point: Key) -> Key;
}

/// 5ℓ - 1 for the group order ℓ, from the lowest byte to the highest: minus one to every point that a secret key leads
/// to, and of the form that X25519 multiplies with, a multiple of 8 between 2²⁵⁴ and 2²⁵⁵.
const MINUS_ONE: Key = [
    0xa0, 0x23, 0xcd, 0xd0, 0x83, 0xef, 0x5b, 0xb8, 0x2f, 0x10, 0xd6, 0x2e, 0x59, 0xe1, 0x5a, 0x68,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50,
];
