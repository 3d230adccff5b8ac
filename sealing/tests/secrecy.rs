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

/// What this process's memory holds at a place.
#[cfg(target_os = "linux")]
fn memory_at<T>(place: *const T) -> Vec<u8> {
    use std::io::{Read, Seek, SeekFrom};
    let mut bytes = vec![0; size_of::<T>()];
    let mut memory = std::fs::File::open("/proc/self/mem").expect("a process sees itself");
    memory
        .seek(SeekFrom::Start(place.addr() as u64))
        .and_then(|_| memory.read_exact(&mut bytes))
        .expect("the place is this process's");
    bytes
}

/// Keys made for one message are kept by the same type as this one, and never leave the crate.
#[cfg(target_os = "linux")]
#[test]
fn a_secret_key_leaves_nothing_but_its_public_key_where_it_was() {
    let secret: [u8; 32] = core::array::from_fn(|n| (n as u8).wrapping_mul(37) ^ 0x5a);
    // Emptied, a list drops what it holds and keeps the place.
    let mut keys = vec![SecretKey::from_bytes(secret)];
    let public = *keys[0].public_key().as_bytes();
    let before = memory_at(keys.as_ptr());
    let holds = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|it| it == part);
    assert!(holds(&before, &secret), "the key is not where it is sought");
    keys.clear();
    let after = memory_at(keys.as_ptr());
    assert!(
        holds(&after, &public),
        "what is compared is not what was dropped"
    );
    let left = before.windows(8).zip(after.windows(8));
    for (left, _) in left.filter(|(before, after)| before == after && **before != [0; 8]) {
        assert!(holds(&public, left), "{left:?} was left");
    }
}

#[test]
fn sealing_allocates_the_output_and_nothing_else() {
    let key = SecretKey::from_bytes([1; 32]).public_key();
    for length in [0, 1, 64, 4096, 49152] {
        let message = vec![0x5a; length];
        let mut sealed = None;
        let made = measure(|| sealed = Some(key.seal(&message)));
        assert_eq!(made.count_total, 1, "{length} bytes");
        assert_eq!(made.bytes_total as usize, length + OVERHEAD);
        assert_eq!(
            sealed.map(|it| it.into_bytes().capacity()),
            Some(length + OVERHEAD)
        );
    }
}

#[test]
fn opening_allocates_the_message_and_nothing_else() {
    let key = SecretKey::from_bytes([1; 32]);
    let sealed = key.public_key().seal(&[0x5a; 4096]);
    let mut opened = None;
    let made = measure(|| opened = key.open(&sealed).ok());
    assert_eq!((made.count_total, made.bytes_total), (1, 4096));
    assert!(opened.is_some_and(|message| *message == [0x5a; 4096]));
}
