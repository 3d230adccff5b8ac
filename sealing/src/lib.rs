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
//! | low order: 0, 1, -1 and the two points of order 8, in every spelling | refused when read | refused when sealing |
//! | on the twist, or with a low-order component, in every spelling | refused when read | sealed to, and lost |
//! | any other with its top bit set | accepted, the bit counts for nothing in the arithmetic | the same |
//! | any other not reduced modulo 2²⁵⁵-19 (only 9 and 16 can be spelled so) | accepted, reduced for the arithmetic | the same |
//! | any other | accepted | the same |
//!
//! Every accepted key seals to the same bytes as libsodium does for the same ephemeral key. The nonce is
//! hashed from the key *as written*, so two spellings of one point are two keys here, as there.
//!
//! The third row is where the two differ, and why: no secret key leads to such a point, so nobody could
//! ever open the box, and it is better to hear of it before. Besides, `crypto_box` reduces the scalar that
//! it multiplies with modulo the group order. That changes nothing for a key that somebody holds, but for
//! these its boxes would not be libsodium's. A box is opened only if its ephemeral key passes the same rules.
//!
//! # What is wiped, and what is not
//!
//! The ephemeral secret key, the shared secret, the box key, the cipher's state and its leftover keystream
//! are overwritten when they go out of scope, as are [`SecretKey`] and what [`SecretKey::open`] returns.
//! `crypto_box` wipes the scalar of a secret key and leaves the bytes beside it; those are overwritten from
//! here with another key's, which is all that safe code can do and no guarantee. The plaintext is copied
//! once, into the output, and encrypted there.
//!
//! Not wiped, because the crates below offer no way to: the copies of a secret key that were left behind
//! when it was made and moved, the field elements that `curve25519-dalek` keeps on the stack during a
//! multiplication, HSalsa20's working state, Poly1305's one-time key inside the authenticator, and whatever
//! the compiler spills. The caller's plaintext stays the caller's to wipe.
//!
//! # What it is built on
//!
//! `crypto_box` makes the keys, agrees on the shared one and encrypts; `blake2` hashes the nonce;
//! `curve25519-dalek` checks keys, and is named for its feature `precomputed-tables` too, which `crypto_box`
//! leaves off. `crypto_box` has a `seal` of its own: it copies the plaintext into a second buffer and that
//! into a third, and seals to any 32 bytes, so its pieces are used instead.
//!
//! A short message takes 1.33 times as long as with libsodium 1.0.22 in C (51 µs and 38 µs at 64 B on one
//! x86-64 machine). Of those 13 µs, 10 are the multiplication with the recipient's key, for which libsodium
//! has hand-written assembly and `curve25519-dalek` portable code, and 2 the one with the base point.
//! Longer ones take 1.4 times C's time at 4 KiB and 2.1 times at 48 KiB, for want of vector code in the
//! Salsa20 below; a bare `crypto_box` the same, and 1.7 at 64 B without the tables. Reading a key
//! takes 35 µs, of which the check for a low-order component is 26. `tests/bench-seal` in the repository
//! measures all of it. In a debug build reading a key takes 13 ms, unless the profile has
//! `curve25519-dalek` optimized.
//!
//! The crate is `no_std` and needs an allocator and a `getrandom` 0.2 backend.

#![no_std]

extern crate alloc;

#[cfg(test)]
mod proof;
mod public_key;
mod sealed_box;
mod secret;
mod secret_key;

pub use public_key::{KeyError, PublicKey};
pub use sealed_box::{BoxError, SealedBox};
pub use secret_key::{OpenError, SecretKey};

/// The length of a public or a secret key, in bytes.
pub const KEY_LENGTH: usize = 32;

/// By how many bytes a sealed box is longer than its plaintext: an ephemeral public key and a tag.
pub const OVERHEAD: usize = KEY_LENGTH + TAG_LENGTH;

const TAG_LENGTH: usize = 16;
