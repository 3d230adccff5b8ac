//! Which keys and boxes are taken, and what is said of those that are not.

use octoseal_sealing::{BoxError, KEY_LENGTH, KeyError, OVERHEAD, PublicKey, SealedBox, SecretKey};

const BASE64: &str = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=";

#[test]
fn a_key_reads_and_writes_standard_base64() {
    let key = PublicKey::from_base64(BASE64).expect("a key");
    assert_eq!(key.to_base64(), BASE64);
    assert_eq!(key.as_bytes()[..4], [0x85, 0x20, 0xf0, 0x09]);
    assert_eq!(PublicKey::from_slice(key.as_bytes()), Ok(key));
    assert_eq!(PublicKey::from_bytes(*key.as_bytes()), Ok(key));
}

#[test]
fn text_that_is_not_padded_standard_base64_is_refused() {
    let url_safe = BASE64.replace('/', "_");
    for text in [
        "not base64!",
        &url_safe,
        BASE64.trim_end_matches('='),
        &format!("{BASE64}\n"),
        &format!(" {BASE64}"),
        // The same 32 bytes, but with stray bits after them.
        "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmp=",
    ] {
        assert_eq!(
            PublicKey::from_base64(text),
            Err(KeyError::BadBase64),
            "{text:?}"
        );
        assert_eq!(SealedBox::from_base64(text), Err(BoxError::BadBase64));
    }
}

#[test]
fn every_length_but_32_is_refused_with_the_length_found() {
    for found in (0..KEY_LENGTH).chain(KEY_LENGTH + 1..100) {
        let refused = Err(KeyError::WrongLength { found });
        assert_eq!(PublicKey::from_slice(&vec![9; found]), refused);
    }
    assert_eq!(
        PublicKey::from_base64(""),
        Err(KeyError::WrongLength { found: 0 })
    );
}

#[test]
fn all_zero_low_order_and_without_a_secret_key_are_told_apart() {
    assert_eq!(PublicKey::from_bytes([0; 32]), Err(KeyError::AllZero));
    let mut one = [0; 32];
    one[0] = 1;
    assert_eq!(PublicKey::from_bytes(one), Err(KeyError::LowOrder));
    assert_eq!(PublicKey::from_bytes([2; 32]), Err(KeyError::NoSecretKey));
}

#[test]
fn the_five_refusals_read_differently_and_repeat_nothing_of_the_key() {
    let refusals = [
        KeyError::BadBase64,
        KeyError::WrongLength { found: 31 },
        KeyError::AllZero,
        KeyError::LowOrder,
        KeyError::NoSecretKey,
    ]
    .map(|refusal| refusal.to_string());
    let distinct: std::collections::BTreeSet<_> = refusals.iter().collect();
    assert_eq!(distinct.len(), 5);
    assert!(refusals[1].contains("31 bytes instead of 32"));
}

#[test]
fn two_spellings_of_one_point_are_two_keys() {
    let key = SecretKey::from_bytes([7; 32]).public_key();
    let mut spelled = *key.as_bytes();
    spelled[31] |= 0x80;
    let spelled = PublicKey::from_bytes(spelled).expect("the top bit is allowed");
    assert_ne!(spelled, key);
    // As in libsodium, the nonce hashes the key as written, so the holder of the first can't open this.
    let sealed = spelled.seal(b"message");
    assert!(SecretKey::from_bytes([7; 32]).open(&sealed).is_err());
}

#[test]
fn a_box_shorter_than_a_sealed_empty_message_is_refused() {
    for found in 0..OVERHEAD {
        assert_eq!(
            SealedBox::from_bytes(vec![1; found]),
            Err(BoxError::TooShort { found })
        );
    }
    assert!(SealedBox::from_bytes(vec![1; OVERHEAD]).is_ok());
}

#[test]
fn a_box_reads_back_from_its_base64() {
    let key = SecretKey::generate();
    let sealed = key.public_key().seal("žluťoučký kůň".as_bytes());
    let read = SealedBox::from_base64(&sealed.to_base64()).expect("a box");
    assert_eq!(read, sealed);
    assert_eq!(*key.open(&read).expect("opens"), "žluťoučký kůň".as_bytes());
    assert_eq!(read.as_bytes(), sealed.clone().into_bytes());
}

#[test]
fn every_way_to_read_a_box_refuses_plaintext_and_white_space_and_repeats_nothing_of_it() {
    let sealed = SecretKey::generate().public_key().seal(b"");
    let text = String::from(&sealed);
    assert_eq!(text, sealed.to_base64());
    assert_eq!(text.parse(), Ok(sealed.clone()));
    assert_eq!(SealedBox::try_from(text.as_str()), Ok(sealed.clone()));
    assert_eq!(SealedBox::try_from(text.clone()), Ok(sealed.clone()));
    assert_eq!(String::from(sealed), text);

    let short = format!("hunter2{}", "A".repeat(64 - 7 - 4));
    for (refused, why) in [
        (String::new(), BoxError::TooShort { found: 0 }),
        ("hunter2".into(), BoxError::BadBase64),
        ("hunter20".into(), BoxError::TooShort { found: 6 }),
        (short + "AA==", BoxError::TooShort { found: 46 }),
        (text.replace('A', "\u{e4}") + "\u{e4}", BoxError::BadBase64),
        (text.clone() + "\n", BoxError::BadBase64),
        (text.clone() + "\r\n", BoxError::BadBase64),
        (format!(" {text}"), BoxError::BadBase64),
        (
            format!("{}\n{}", &text[..32], &text[32..]),
            BoxError::BadBase64,
        ),
        (format!("\u{feff}{text}"), BoxError::BadBase64),
    ] {
        assert_eq!(SealedBox::from_base64(&refused), Err(why), "{refused:?}");
        assert_eq!(SealedBox::try_from(refused.as_str()), Err(why));
        assert_eq!(SealedBox::try_from(refused.clone()), Err(why));
        let said = refused.parse::<SealedBox>().unwrap_err().to_string();
        assert!(said.contains("is it the plaintext?"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
