//! Nothing is printed, nothing is copied about.

use allocation_counter::measure;
use octoseal_sealing::{OVERHEAD, SecretKey};

#[test]
fn debug_of_a_secret_key_shows_nothing_of_it() {
    let shown = format!("{:?}", SecretKey::from_bytes([0xab; 32]));
    assert_eq!(shown, "SecretKey { .. }");
}

#[test]
fn debug_of_a_box_shows_its_length_alone() {
    let sealed = SecretKey::from_bytes([1; 32]).public_key().seal(b"message");
    assert_eq!(format!("{sealed:?}"), "SealedBox(55 bytes)");
}

/// What AWS-LC's Rust side allocates for one agreement, some dozen bytes each.
const BY_THE_LIBRARY: u64 = if cfg!(feature = "aws-lc-rs") { 3 } else { 0 };

#[test]
fn sealing_allocates_the_output_and_nothing_else_of_its_length() {
    let key = SecretKey::from_bytes([1; 32]).public_key();
    for length in [0, 1, 64, 4096, 49152] {
        let message = vec![0x5a; length];
        let mut sealed = None;
        let made = measure(|| sealed = Some(key.seal(&message)));
        assert_eq!(made.count_total, 1 + BY_THE_LIBRARY, "{length} bytes");
        assert!(made.bytes_total as usize <= length + OVERHEAD + 50 * BY_THE_LIBRARY as usize);
        assert_eq!(
            sealed.map(|it| it.into_bytes().capacity()),
            Some(length + OVERHEAD)
        );
    }
}

#[test]
fn opening_allocates_the_message_and_nothing_else_of_its_length() {
    let key = SecretKey::from_bytes([1; 32]);
    let sealed = key.public_key().seal(&[0x5a; 4096]);
    let mut opened = None;
    let made = measure(|| opened = key.open(&sealed).ok());
    assert!(made.bytes_total <= 4096 + 100 * BY_THE_LIBRARY);
    assert!(opened.is_some_and(|message| *message == [0x5a; 4096]));
}
