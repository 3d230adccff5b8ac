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
//! # Two libraries for the arithmetic
//!
//! | feature | X25519 by | `no_std` | ephemeral keys come from |
//! |---|---|---|---|
//! | `crypto_box` (default) | `crypto_box` over `curve25519-dalek`, pure Rust | yes | the operating system, by `getrandom` 0.2 |
//! | `aws-lc-rs` | AWS-LC, C and verified assembly | no | AWS-LC's generator of the calling thread |
//!
//! `aws-lc-rs` halves the time of a short message, and costs no crate where rustls has brought it along. Where both are
//! on, it counts. Boxes are the same bytes by either: both go through every test, and open each other's. One of the two
//! is needed, an allocator too.
//!
//! AWS-LC's generator is seeded when a process first asks it, which takes tens of milliseconds: [`warm_up`].
//!
//! # What is wiped, and what is not
//!
//! | | `crypto_box` | `aws-lc-rs` |
//! |---|---|---|
//! | the ephemeral secret key, [`SecretKey`] | its scalar is; its bytes, which `crypto_box` leaves beside it, are overwritten from here with another key's: all that safe code can do, and no guarantee | is, by AWS-LC, which overwrites whatever it frees |
//! | what the two keys share | is | is |
//! | the box key, the cipher's state, its keystream | are | are |
//! | what [`SecretKey::open`] returns | is | is |
//! | what a multiplication leaves on the stack | is not | is not |
//! | copies left behind when a key is made from bytes, or a cipher is moved | are not | are not |
//! | HSalsa20's working state, Poly1305's one-time key inside the authenticator | are not | are not |
//!
//! Nor is what the compiler spills. The plaintext is copied once, into the output, and encrypted there; the caller's
//! plaintext stays the caller's to wipe.
//!
//! # What else it is built on
//!
//! `crypto_secretbox`, of which `crypto_box` is made too, encrypts and authenticates, with a Salsa20 of this crate that
//! computes four blocks at a time: the one it brings has no vector code. `blake2` hashes the nonce. `curve25519-dalek`
//! checks keys beside `crypto_box`, and is named for its feature `precomputed-tables` too, which `crypto_box` leaves off.
//! `crypto_box` has a `seal` of its own: it copies the plaintext into a second buffer and that into a third, and seals
//! to any 32 bytes, so its pieces are used instead.
//!
//! # What it costs
//!
//! | | libsodium 1.0.22 in C | `aws-lc-rs` | `crypto_box` | `crypto_box`'s own `seal` |
//! |---|---|---|---|---|
//! | 64 B | 42 µs | 34 µs | 70 µs | 69 µs |
//! | 4 KiB | 44 µs | 38 µs | 74 µs | 76 µs |
//! | 48 KiB | 64 µs | 84 µs | 120 µs | 154 µs |
//! | reading a key | – | 24 µs | 50 µs | – |
//!
//! One x86-64 machine, as compiled by default; `tests/bench-seal` in the repository measures it. Of a short message all
//! but 2 µs are the two multiplications of X25519: by AWS-LC 7 µs and 24 µs, three quarters of libsodium's time. What
//! is left at 48 KiB is that libsodium uses AVX2 where a machine has it. Debug builds are fast, too: a short message takes
//! 0.11 ms by `aws-lc-rs` and 0.43 ms by `crypto_box`, without any setting of the profile.
//!
//! `curve25519-dalek` multiplies a point in Edwards form by vector code: a short message would take 50 µs, if the point is
//! kept with the key. Not optimized, that code takes 26 to 49 ms for one multiplication and Montgomery's ladder 0.25 ms.
//! What is saved in a release is less than a request takes, what is lost in debug is felt; so it is the ladder.

#![no_std]

extern crate alloc;
#[cfg(any(test, feature = "aws-lc-rs"))]
extern crate std;

#[cfg(not(any(feature = "crypto_box", feature = "aws-lc-rs")))]
compile_error!("one of the features `crypto_box`, which is portable, and `aws-lc-rs` is needed");

#[cfg(test)]
mod proof;
mod public_key;
mod salsa20;
mod sealed_box;
mod secret_key;
mod x25519;

use x25519::Secret as _;

pub use public_key::{KeyError, PublicKey};
pub use sealed_box::{BoxError, SealedBox};
pub use secret_key::{OpenError, SecretKey};

/// The length of a public or a secret key, in bytes.
pub const KEY_LENGTH: usize = 32;

/// By how many bytes a sealed box is longer than its plaintext: an ephemeral public key and a tag.
pub const OVERHEAD: usize = KEY_LENGTH + TAG_LENGTH;

const TAG_LENGTH: usize = 16;

/// Does now what the first call of a process would otherwise wait for.
///
/// With the feature `aws-lc-rs` that is AWS-LC's generator, which everything of it in the process shares, TLS included:
/// it gathers entropy from the jitter of the processor's clock, for 25 to 80 ms, before it gives out its first bytes.
/// Call this on a thread that may block. Built with `AWS_LC_SYS_NO_JITTER_ENTROPY=1` in the environment, AWS-LC seeds
/// itself from the operating system, and from the processor's own generator where it has one, in well under a
/// millisecond. With `crypto_box` nothing is slow the first time.
///
/// # Panics
///
/// If there are no random bytes to be had.
pub fn warm_up() {
    drop(x25519::Chosen::generate());
}
