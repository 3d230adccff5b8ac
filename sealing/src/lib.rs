//! Sealed boxes: bytes in, bytes out.
//!
//! A sealed box is a message that anyone can write and only the holder of a secret key can read. This
//! crate makes and opens the kind that libsodium calls `crypto_box_seal`: X25519 with a key pair made for
//! one message, BLAKE2b for the nonce, XSalsa20-Poly1305 for the message. It is what GitHub asks for
//! wherever a secret is stored over its API, and the crate knows nothing else of GitHub.
//!
//! ```
//! use octoseal_sealing::{PublicKey, SecretKey};
//!
//! // The recipient's key usually arrives as base64.
//! let recipient = SecretKey::generate();
//! let public = PublicKey::from_base64(&recipient.public_key().to_base64())?;
//!
//! let sealed = public.seal(b"correct horse");
//! assert_eq!(sealed.as_bytes().len(), 48 + 13);
//!
//! // Opening is for recipients: test kits and stand-ins.
//! assert_eq!(recipient.open(&sealed)?.as_slice(), b"correct horse");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which public keys are accepted
//!
//! | key | here | libsodium |
//! |---|---|---|
//! | wrong length, bad base64, all zero | refused when read, [`KeyError`] says which | refused (all zero: when sealing) |
//! | low order: 0, 1, -1 and the two points of order 8, in every encoding | refused when read | refused when sealing |
//! | `u` not reduced modulo 2²⁵⁵-19 | accepted, reduced for the arithmetic | the same |
//! | top bit set | accepted, the bit counts for nothing in the arithmetic | the same |
//! | on the twist, or with a low-order component | accepted | the same |
//!
//! Every accepted key seals to the same bytes as libsodium does for the same ephemeral key. In the last
//! three rows that needs care: the nonce is hashed from the key *as written*, so two spellings of one point
//! are two keys here, and the scalar must be clamped without reducing it modulo the group order. Nobody can
//! hold the secret key of a point on the twist, so what is sealed to one is lost; but the twist is as hard as
//! the curve, so nothing is betrayed either.
//!
//! # What is wiped, and what is not
//!
//! The ephemeral secret key, the shared secret, the box key, the cipher's state and its leftover keystream
//! are overwritten when they go out of scope, as are [`SecretKey`] and what [`SecretKey::open`] returns.
//! The plaintext is copied once, into the output, and encrypted there.
//!
//! Not wiped, because the crates below offer no way to: the scalar and field elements that
//! `curve25519-dalek` keeps on the stack during a multiplication, HSalsa20's working state, Poly1305's
//! one-time key inside the authenticator, and whatever the compiler spills or moves. The caller's plaintext
//! stays the caller's to wipe.
//!
//! # What it is built on
//!
//! `curve25519-dalek` for the curve, `crypto_secretbox` for the cipher, `blake2` for the nonce. The crate
//! `crypto_box` 0.9.1 would join the first two, but for two things. It reduces the clamped scalar modulo the
//! group order, so for keys on the twist or with a low-order component its boxes are not libsodium's; and it
//! copies more: the plaintext into a second buffer, the ephemeral secret into bytes that are not wiped.
//!
//! A [`PublicKey`] is decoded to a point once, when it is read; sealing to it is then faster than with
//! `crypto_box` and, for short messages, nearly as fast as libsodium in C. Long ones take twice C's time,
//! for want of vector code in the Salsa20 below. `tests/bench-seal` in the repository has the numbers. In a
//! debug build a box takes some milliseconds, unless the profile has `curve25519-dalek` optimized.
//!
//! The crate is `no_std` and needs an allocator and a `getrandom` backend.

#![no_std]

extern crate alloc;

mod primitive;
#[cfg(test)]
mod proof;
mod public_key;
mod sealed_box;
mod secret_key;

pub use public_key::{KeyError, PublicKey};
pub use sealed_box::{BoxError, SealedBox};
pub use secret_key::{OpenError, SecretKey};

/// The length of a public or a secret key, in bytes.
pub const KEY_LENGTH: usize = 32;

/// By how many bytes a sealed box is longer than its plaintext: an ephemeral public key and a tag.
pub const OVERHEAD: usize = KEY_LENGTH + TAG_LENGTH;

const TAG_LENGTH: usize = 16;
