//! What holds for every key and every message.

use octoseal_sealing::{KeyError, OVERHEAD, PublicKey, SealedBox, SecretKey};
use proptest::collection::vec;
use proptest::prelude::*;

fn messages() -> impl Strategy<Value = Vec<u8>> {
    // Short ones around the cipher's block, and some as long as GitHub takes.
    prop_oneof![8 => vec(any::<u8>(), 0..200), 1 => vec(any::<u8>(), 0..=49152)]
}

proptest! {
    #[test]
    fn what_is_sealed_opens_again(secret: [u8; 32], message in messages()) {
        let key = SecretKey::from_bytes(secret);
        let sealed = key.public_key().seal(&message);
        prop_assert_eq!(sealed.as_bytes().len(), message.len() + OVERHEAD);
        prop_assert_eq!(&*key.open(&sealed).expect("opens"), &message);
    }

    #[test]
    fn no_other_key_opens_it(secret: [u8; 32], other: [u8; 32], message in messages()) {
        let key = SecretKey::from_bytes(secret);
        let other = SecretKey::from_bytes(other);
        prop_assume!(key.public_key() != other.public_key());
        prop_assert!(other.open(&key.public_key().seal(&message)).is_err());
    }

    #[test]
    fn sealing_twice_gives_boxes_that_share_nothing(secret: [u8; 32], message in vec(any::<u8>(), 16..99)) {
        let public = SecretKey::from_bytes(secret).public_key();
        let (one, two) = (public.seal(&message), public.seal(&message));
        for (one, two) in one.as_bytes().chunks(16).zip(two.as_bytes().chunks(16)) {
            prop_assert!(one.len() < 16 || one != two);
        }
    }

    #[test]
    fn every_key_of_a_secret_key_is_taken_and_reads_back(secret: [u8; 32]) {
        let key = SecretKey::from_bytes(secret).public_key();
        prop_assert_eq!(PublicKey::from_bytes(*key.as_bytes()), Ok(key));
        prop_assert_eq!(PublicKey::from_base64(&key.to_base64()), Ok(key));
    }

    #[test]
    fn made_up_bytes_are_a_key_without_a_secret_or_seal_and_read_back(bytes: [u8; 32], message in vec(any::<u8>(), 0..99)) {
        match PublicKey::from_bytes(bytes) {
            Ok(key) => {
                prop_assert_eq!(PublicKey::from_base64(&key.to_base64()), Ok(key));
                prop_assert_eq!(key.seal(&message).as_bytes().len(), message.len() + OVERHEAD);
            }
            Err(refused) => prop_assert_eq!(refused, KeyError::NoSecretKey),
        }
    }

    #[test]
    fn foreign_bytes_never_open_and_never_panic(secret: [u8; 32], bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(sealed) = SealedBox::from_bytes(bytes) {
            prop_assert!(SecretKey::from_bytes(secret).open(&sealed).is_err());
        }
    }

    #[test]
    fn foreign_text_never_panics(text: String) {
        prop_assert!(PublicKey::from_base64(&text).is_err());
        let _ = SealedBox::from_base64(&text);
    }
}
