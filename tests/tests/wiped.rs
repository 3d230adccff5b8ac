//! Plaintext is wiped when it is dropped: seen by searching all memory of this process. In a binary of its own, since
//! nothing else may hold what is searched for.
//!
//! The same can't be seen of ephemeral keys, whose bytes are unknown here: the type that `octoseal-sealing` keeps
//! them in is seen wiped by that crate's own tests.
#![cfg(target_os = "linux")]

use std::fs::{File, read_to_string};
use std::io::{Read, Seek, SeekFrom};

use octoseal::{Client, SecretValue, Visibility};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const LENGTH: usize = 48;

/// The n-th byte of the plaintext. It is written down nowhere, so only the value itself can be found.
fn byte(n: usize) -> u8 {
    (n as u8).wrapping_mul(167) ^ 0xA5 ^ (n as u8) << 3
}

fn plaintext() -> SecretValue {
    let mut bytes = Vec::with_capacity(LENGTH);
    bytes.extend((0..LENGTH).map(byte));
    SecretValue::from(bytes)
}

/// How often 24 bytes in a row of the plaintext are in memory that can be written to.
fn found() -> usize {
    let maps = read_to_string("/proc/self/maps").unwrap();
    let mut memory = File::open("/proc/self/mem").unwrap();
    let mut found = 0;
    let mut piece = vec![0; 1 << 20];
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [mut at, to] = [from, to].map(|text| u64::from_str_radix(text, 16).unwrap());
        while at < to {
            let length = (to - at).min(piece.len() as u64) as usize;
            let read = memory.seek(SeekFrom::Start(at));
            if read
                .and_then(|_| memory.read_exact(&mut piece[..length]))
                .is_err()
            {
                break;
            }
            for start in [0, LENGTH - 24] {
                let same = |window: &[u8]| (0..24).all(|n| window[n] == byte(start + n));
                found += piece[..length]
                    .windows(24)
                    .filter(|window| same(window))
                    .count();
            }
            // Nothing of what was read may be taken for a finding when this very piece is searched.
            piece.fill(0);
            at += length as u64;
        }
    }
    found
}

/// Answers the request for the key, and then every request with 201.
async fn serve(listener: TcpListener) {
    let key = octoseal_sealing::SecretKey::generate()
        .public_key()
        .to_base64();
    let key = format!(r#"{{"key_id":"1","key":"{key}"}}"#);
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut piece = vec![0; 8192];
        while let Ok(n @ 1..) = stream.read(&mut piece).await {
            let get = piece[..n].starts_with(b"GET");
            let (status, body) = if get {
                ("200 OK", key.as_str())
            } else {
                ("201 Created", "{}")
            };
            let length = body.len();
            let reply = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
            stream.write_all(reply.as_bytes()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_plaintext_is_nowhere_in_memory_after_it_was_stored_and_dropped() {
    assert_eq!(found(), 0);
    let value = plaintext();
    assert!(found() >= 1, "the search finds nothing");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(serve(listener));
    let client = Client::builder().token("t").base_url(url).build().unwrap();
    for value in [value.clone(), value] {
        let put = client
            .create_or_update_org_secret("acme", "KEY")
            .value(value);
        put.access(Visibility::All).send().await.unwrap();
    }
    drop(plaintext());
    assert_eq!(found(), 0, "a copy of the plaintext was left in memory");
}
