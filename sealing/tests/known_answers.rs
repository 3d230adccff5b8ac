//! Boxes that other libraries sealed, fixed: a round trip alone would pass with any cipher.

use data_encoding::HEXLOWER;
use octoseal_sealing::{OVERHEAD, SealedBox, SecretKey};

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
fn boxes_sealed_by_other_libraries_open() {
    let answers = known_answers();
    assert_eq!(answers.len(), 16);
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
        // Every bit of the key and the tag, and of a long message some.
        let head = OVERHEAD * 8;
        let step = (sealed.len() - OVERHEAD) / 64 + 1;
        for bit in (0..head).chain((head..sealed.len() * 8).step_by(step)) {
            let mut turned = sealed.clone();
            turned[bit / 8] ^= 1 << (bit % 8);
            let turned = SealedBox::from_bytes(turned).expect("long enough");
            let refused = key.open(&turned).expect_err("changed");
            assert_eq!(
                refused.to_string(),
                "the sealed box does not open: sealed to another key, or changed since",
                "bit {bit}"
            );
        }
    }
}

#[test]
fn a_box_cut_short_or_drawn_out_does_not_open() {
    let [key, _, _, sealed] = known_answers().remove(0);
    let key = secret(&key);
    for length in OVERHEAD..sealed.len() {
        let cut = SealedBox::from_bytes(&sealed[..length]).expect("long enough");
        assert!(key.open(&cut).is_err(), "{length} bytes");
    }
    let longer = SealedBox::from_bytes([sealed.as_slice(), &[0]].concat()).expect("long enough");
    assert!(key.open(&longer).is_err());
}
