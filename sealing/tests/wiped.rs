//! Secret keys and plaintext are wiped when they are dropped: seen by searching the memory of this process. In a binary
//! of its own and in one test, since nothing else may hold what is searched for.
#![cfg(target_os = "linux")]

use octoseal_sealing::SecretKey;
use std::fs::{File, read_to_string};
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

/// The n-th byte of what is searched for. It is written down nowhere, so only copies of it can be found.
fn byte(n: usize) -> u8 {
    (n as u8).wrapping_mul(167) ^ 0xA5 ^ (n as u8) << 3
}

fn memory_that_can_be_written_to() -> Vec<Range<u64>> {
    let maps = read_to_string("/proc/self/maps").expect("a process sees its memory");
    let written = maps.lines().filter(|line| line.contains(" rw"));
    let range = |line: &str| {
        let (from, to) = line.split_once(' ')?.0.split_once('-')?;
        Some(u64::from_str_radix(from, 16).ok()?..u64::from_str_radix(to, 16).ok()?)
    };
    written.filter_map(range).collect()
}

/// The part that is searched for: no library changes it when it makes the number to multiply with.
const SOUGHT: Range<usize> = 18..30;

/// How many copies are in memory. This thread's stack is left out: arguments leave traces there.
fn copies() -> usize {
    let here = 0;
    let here = (&raw const here).addr() as u64;
    let mut memory = File::open("/proc/self/mem").expect("a process sees its memory");
    let mut piece = vec![0; 1 << 20];
    let mut copies = 0;
    for range in memory_that_can_be_written_to() {
        if range.contains(&here) {
            continue;
        }
        for at in range.clone().step_by(piece.len() - SOUGHT.len() + 1) {
            let length = (range.end - at).min(piece.len() as u64) as usize;
            let found = memory.seek(SeekFrom::Start(at));
            if found
                .and_then(|_| memory.read_exact(&mut piece[..length]))
                .is_ok()
            {
                let is_copy = |window: &&[u8]| window.iter().copied().eq(SOUGHT.map(byte));
                copies += piece[..length]
                    .windows(SOUGHT.len())
                    .filter(is_copy)
                    .count();
            }
            // Nothing of what was read may be taken for a copy when this very piece is searched.
            piece.fill(0);
        }
    }
    copies
}

#[test]
fn a_dropped_secret_key_and_a_dropped_message_are_nowhere_in_memory() {
    let key = Box::new(SecretKey::from_bytes(std::array::from_fn(byte)));
    assert_ne!(copies(), 0, "a key that is in use is not found");
    drop(key);
    assert_eq!(copies(), 0, "of the secret key");

    let recipient = SecretKey::generate();
    let mut message: Vec<u8> = (0..600).map(|n| byte(n % 32)).collect();
    let sealed = recipient.public_key().seal(&message);
    message.fill(0);
    let opened = recipient.open(&sealed).expect("opens");
    assert_ne!(copies(), 0, "a message that is in use is not found");
    drop(opened);
    assert_eq!(copies(), 0, "of the message");
}
