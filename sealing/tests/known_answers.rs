//! Boxes that other libraries sealed, fixed: a round trip alone would pass with any cipher.

use data_encoding::HEXLOWER;
use octoseal_sealing::{OpenError, SealedBox, SecretKey};

/// Secret key, public key, message, sealed box.
fn known_answers() -> Vec<[Vec<u8>; 4]> {
    include_str!("../facts/known_answers.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<_> = line
                .split(' ')
                .map(|field| {
                    HEXLOWER
                        .decode(field.trim_matches('-').as_bytes())
                        .expect("hex")
                })
                .collect();
            fields.try_into().expect("four fields")
        })
        .collect()
}

fn secret(bytes: &[u8]) -> SecretKey {
    SecretKey::from_bytes(bytes.try_into().expect("32 bytes"))
}

#[test]
fn boxes_sealed_by_the_reference_libraries_open() {
    let answers = known_answers();
    assert_eq!(answers.len(), 4);
    for [key, public, message, sealed] in answers {
        let key = secret(&key);
        assert_eq!(key.public_key().as_bytes().as_slice(), public);
        let sealed = SealedBox::from_bytes(sealed).expect("long enough");
        assert_eq!(*key.open(&sealed).expect("opens"), message);
    }
}

#[test]
fn a_box_with_any_bit_turned_does_not_open() {
    for [key, _, _, sealed] in known_answers() {
        let key = secret(&key);
        for bit in 0..sealed.len() * 8 {
            let mut turned = sealed.clone();
            turned[bit / 8] ^= 1 << (bit % 8);
            let turned = SealedBox::from_bytes(turned).expect("long enough");
            assert!(key.open(&turned).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn a_box_cut_short_or_drawn_out_does_not_open() {
    let [key, _, _, sealed] = known_answers().remove(0);
    let key = secret(&key);
    for length in octoseal_sealing::OVERHEAD..sealed.len() {
        let cut = SealedBox::from_bytes(&sealed[..length]).expect("long enough");
        assert!(key.open(&cut).is_err(), "{length} bytes");
    }
    let longer = SealedBox::from_bytes([sealed.as_slice(), &[0]].concat()).expect("long enough");
    assert!(key.open(&longer).is_err());
}

#[test]
fn a_box_whose_ephemeral_key_is_refused_does_not_open_although_its_tag_is_right() {
    use blake2::{Blake2b, Digest, digest::consts::U24};
    use crypto_box::{PublicKey, SalsaBox, aead::AeadInPlace as _};
    let ours = [7; 32];
    let key = SecretKey::from_bytes(ours);
    // 1 is of low order: with it anybody can make the box, knowing no key at all. 2 is on the twist.
    for (start, by) in [(1, [9; 32]), (2, ours)] {
        let mut sender = [0; 32];
        sender[0] = start;
        let nonce = Blake2b::<U24>::new()
            .chain_update(sender)
            .chain_update(key.public_key().as_bytes())
            .finalize();
        let mut message = *b"forged";
        let tag = SalsaBox::new(&PublicKey::from(sender), &by.into())
            .encrypt_in_place_detached(&nonce, &[], &mut message)
            .expect("no associated data");
        let forged =
            SealedBox::from_bytes([&sender[..], &tag, &message].concat()).expect("long enough");
        let refused: OpenError = key.open(&forged).expect_err("refused");
        assert_eq!(
            refused.to_string(),
            "the sealed box does not open: sealed to another key, or changed since"
        );
    }
}
