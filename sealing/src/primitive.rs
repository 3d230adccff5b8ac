//! The steps that sealing and opening share, each a call into the crate that owns the arithmetic.

use crate::KEY_LENGTH;
use blake2::{Blake2b, Digest, digest::consts::U24};
use crypto_secretbox::aead::generic_array::GenericArray;
use crypto_secretbox::{Kdf, Key, KeyInit, Nonce, XSalsa20Poly1305};
use curve25519_dalek::{EdwardsPoint, MontgomeryPoint};
use zeroize::Zeroizing;

/// The `u` coordinates of low order, on the curve and on its twist, in canonical form.
///
/// Comparing as [`MontgomeryPoint`] covers every other spelling: it ignores the top bit and reduces.
const LOW_ORDER: [MontgomeryPoint; 5] = {
    let (mut one, mut minus_one) = ([0; KEY_LENGTH], [0xff; KEY_LENGTH]);
    one[0] = 1;
    minus_one[0] = 0xec;
    minus_one[31] = 0x7f;
    [
        MontgomeryPoint([0; KEY_LENGTH]),
        MontgomeryPoint(one),
        MontgomeryPoint([
            0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f,
            0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16,
            0x5f, 0x49, 0xb8, 0x00,
        ]),
        MontgomeryPoint([
            0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83,
            0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd,
            0xd0, 0x9f, 0x11, 0x57,
        ]),
        MontgomeryPoint(minus_one),
    ]
};

/// Whether a Diffie-Hellman with this key would give zero, whatever the secret.
pub(crate) fn is_low_order(public: &[u8; KEY_LENGTH]) -> bool {
    LOW_ORDER.contains(&MontgomeryPoint(*public))
}

/// The public key that belongs to a secret key.
pub(crate) fn public_of(secret: &[u8; KEY_LENGTH]) -> [u8; KEY_LENGTH] {
    MontgomeryPoint::mul_base_clamped(*secret).to_bytes()
}

/// A public key, decoded once so that every multiplication is the fast one.
///
/// On the curve that is Edwards arithmetic, for which dalek has vector code: a quarter less time than the
/// Montgomery ladder. A point of the twist has no Edwards form and takes the ladder. Which of the two points
/// with this `u` is taken does not matter, the result being a `u` again.
#[derive(Clone, Copy)]
pub(crate) enum Point {
    Curve(EdwardsPoint),
    Twist(MontgomeryPoint),
}

impl Point {
    pub(crate) fn decode(public: &[u8; KEY_LENGTH]) -> Self {
        let point = MontgomeryPoint(*public);
        point.to_edwards(0).map_or(Self::Twist(point), Self::Curve)
    }

    /// X25519. The scalar is clamped and *not* reduced, or points off the prime-order group go astray.
    pub(crate) fn multiply(&self, secret: &[u8; KEY_LENGTH]) -> Zeroizing<[u8; KEY_LENGTH]> {
        let shared = Zeroizing::new(match self {
            Self::Curve(point) => Zeroizing::new(point.mul_clamped(*secret)).to_montgomery(),
            Self::Twist(point) => point.mul_clamped(*secret),
        });
        Zeroizing::new(shared.to_bytes())
    }

    /// The cipher that a secret key and this public key agree on (`crypto_box_beforenm`).
    pub(crate) fn agree(&self, secret: &[u8; KEY_LENGTH]) -> XSalsa20Poly1305 {
        let shared = self.multiply(secret);
        let key = Zeroizing::new(XSalsa20Poly1305::kdf(
            Key::from_slice(&*shared),
            &GenericArray::default(),
        ));
        XSalsa20Poly1305::new(&key)
    }
}

/// The nonce of a sealed box: a hash of both public keys, so that it need not be sent.
pub(crate) fn nonce(ephemeral: &[u8; KEY_LENGTH], recipient: &[u8; KEY_LENGTH]) -> Nonce {
    Blake2b::<U24>::new()
        .chain_update(ephemeral)
        .chain_update(recipient)
        .finalize()
}

/// 32 bytes from the operating system, wiped on drop.
///
/// A machine that cannot give randomness can't do anything safely, so this panics, as the RNGs of the
/// crates around do.
pub(crate) fn random_secret() -> Zeroizing<[u8; KEY_LENGTH]> {
    let mut secret = Zeroizing::new([0; KEY_LENGTH]);
    getrandom::fill(&mut *secret).expect("the operating system gives random bytes");
    secret
}
