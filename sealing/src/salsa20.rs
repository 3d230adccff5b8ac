//! Salsa20, four blocks at a time: the stream cipher that `crypto_secretbox` and `crypto_box` take as a parameter.
//!
//! The one they bring computes a block after the other. Here four lie side by side, word by word, and each step is made
//! on all of them, which the compiler turns into vector instructions, for half the time. Keys are derived by theirs.

use core::array::from_fn;
use crypto_secretbox::cipher::consts::{U8, U16, U32};
use crypto_secretbox::cipher::generic_array::GenericArray;
use crypto_secretbox::cipher::inout::InOutBuf;
use crypto_secretbox::cipher::{
    IvSizeUser, KeyIvInit, KeySizeUser, StreamCipher, StreamCipherError,
};
use crypto_secretbox::{Kdf, Key, XSalsa20Poly1305};
use zeroize::Zeroize as _;

/// How many blocks are computed together.
const LANES: usize = 4;

const WORDS: usize = 16;
const BATCH_BYTES: usize = LANES * WORDS * 4;

const CONSTANT: &[u8] = b"expand 32-byte k";

/// Where the two halves of a block's number stand.
const COUNTER_LOW: usize = 8;
const COUNTER_HIGH: usize = 9;

pub(crate) struct Salsa20 {
    state: [u32; WORDS],
    /// The number of the first block that is still to be computed.
    next_block: u64,
    /// The keystream of a batch: each word of all its blocks, then the next word.
    lanes: [[u32; LANES]; WORDS],
    used_bytes: usize,
}

impl Salsa20 {
    fn next_batch(&mut self) {
        for (lanes, word) in self.lanes.iter_mut().zip(self.state) {
            *lanes = [word; LANES];
        }
        self.add_block_numbers();
        for _ in 0..10 {
            double_round(&mut self.lanes);
        }
        for (lanes, word) in self.lanes.iter_mut().zip(self.state) {
            for lane in lanes {
                *lane = lane.wrapping_add(word);
            }
        }
        self.add_block_numbers();
        self.next_block += LANES as u64;
        self.used_bytes = 0;
    }

    fn add_block_numbers(&mut self) {
        for (lane, block) in (0..LANES).zip(self.next_block..) {
            let (low, high) = (block as u32, (block >> 32) as u32);
            self.lanes[COUNTER_LOW][lane] = self.lanes[COUNTER_LOW][lane].wrapping_add(low);
            self.lanes[COUNTER_HIGH][lane] = self.lanes[COUNTER_HIGH][lane].wrapping_add(high);
        }
    }

    fn apply_batch(&self, mut data: InOutBuf<'_, '_, u8>) {
        for lane in 0..LANES {
            for word in 0..WORDS {
                let at = (lane * WORDS + word) * 4;
                let value = u32::from_le_bytes(from_fn(|byte| data.get_in()[at + byte]));
                let value = value ^ self.lanes[word][lane];
                data.get_out()[at..at + 4].copy_from_slice(&value.to_le_bytes());
            }
        }
    }

    fn apply_bytes(&self, mut data: InOutBuf<'_, '_, u8>) {
        for n in 0..data.len() {
            let place = self.used_bytes + n;
            let (lane, word) = (place / 4 / WORDS, place / 4 % WORDS);
            let keystream = self.lanes[word][lane].to_le_bytes()[place % 4];
            data.get_out()[n] = data.get_in()[n] ^ keystream;
        }
    }
}

/// Two rounds: down the columns of each block, then along its rows.
#[expect(
    clippy::needless_range_loop,
    reason = "a lane is a column, and this loop is what becomes vectors"
)]
fn double_round(x: &mut [[u32; LANES]; WORDS]) {
    for lane in 0..LANES {
        let mut block: [u32; WORDS] = from_fn(|word| x[word][lane]);
        quarter_round(&mut block, 0, 4, 8, 12);
        quarter_round(&mut block, 5, 9, 13, 1);
        quarter_round(&mut block, 10, 14, 2, 6);
        quarter_round(&mut block, 15, 3, 7, 11);
        quarter_round(&mut block, 0, 1, 2, 3);
        quarter_round(&mut block, 5, 6, 7, 4);
        quarter_round(&mut block, 10, 11, 8, 9);
        quarter_round(&mut block, 15, 12, 13, 14);
        for word in 0..WORDS {
            x[word][lane] = block[word];
        }
    }
}

#[inline(always)]
fn quarter_round(x: &mut [u32; WORDS], a: usize, b: usize, c: usize, d: usize) {
    x[b] ^= x[a].wrapping_add(x[d]).rotate_left(7);
    x[c] ^= x[b].wrapping_add(x[a]).rotate_left(9);
    x[d] ^= x[c].wrapping_add(x[b]).rotate_left(13);
    x[a] ^= x[d].wrapping_add(x[c]).rotate_left(18);
}

impl KeySizeUser for Salsa20 {
    type KeySize = U32;
}

impl IvSizeUser for Salsa20 {
    type IvSize = U8;
}

impl KeyIvInit for Salsa20 {
    fn new(key: &Key, iv: &GenericArray<u8, U8>) -> Self {
        let word =
            |bytes: &[u8], at: usize| u32::from_le_bytes(from_fn(|byte| bytes[4 * at + byte]));
        let state = from_fn(|place| match place {
            0 => word(CONSTANT, 0),
            1..5 => word(key, place - 1),
            5 => word(CONSTANT, 1),
            6..8 => word(iv, place - 6),
            10 => word(CONSTANT, 2),
            11..15 => word(key, place - 7),
            15 => word(CONSTANT, 3),
            _ => 0,
        });
        Self {
            state,
            next_block: 0,
            lanes: [[0; LANES]; WORDS],
            used_bytes: BATCH_BYTES,
        }
    }
}

impl StreamCipher for Salsa20 {
    fn try_apply_keystream_inout(
        &mut self,
        mut data: InOutBuf<'_, '_, u8>,
    ) -> Result<(), StreamCipherError> {
        while !data.is_empty() {
            if self.used_bytes == BATCH_BYTES {
                self.next_batch();
            }
            let count = data.len().min(BATCH_BYTES - self.used_bytes);
            let (now, later) = data.split_at(count);
            if count == BATCH_BYTES {
                self.apply_batch(now);
            } else {
                self.apply_bytes(now);
            }
            self.used_bytes += count;
            data = later;
        }
        Ok(())
    }
}

impl Kdf for Salsa20 {
    fn kdf(key: &Key, nonce: &GenericArray<u8, U16>) -> Key {
        XSalsa20Poly1305::kdf(key, nonce)
    }
}

impl Drop for Salsa20 {
    fn drop(&mut self) {
        self.state.zeroize();
        self.lanes.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};
    use crypto_secretbox::{AeadInPlace as _, KeyInit as _, SecretBox};
    use proptest::prelude::*;

    fn cipher(key: [u8; 32], iv: [u8; 8]) -> Salsa20 {
        Salsa20::new(&key.into(), &iv.into())
    }

    fn keystream(cipher: &mut Salsa20, length: usize) -> Vec<u8> {
        let mut zeros = vec![0; length];
        cipher.apply_keystream(&mut zeros);
        zeros
    }

    #[test]
    fn the_first_test_vector_of_estream_comes_out() {
        let mut key = [0; 32];
        key[0] = 0x80;
        let stream = keystream(&mut cipher(key, [0; 8]), 512);
        let hex = |range: core::ops::Range<usize>| data_encoding::HEXUPPER.encode(&stream[range]);
        assert_eq!(hex(0..16), "E3BE8FDD8BECA2E3EA8EF9475B29A6E7");
        assert_eq!(hex(192..208), "57BE81F47B17D9AE7C4FF15429A73E10");
        assert_eq!(hex(448..464), "696AFCFD0CDDCC83C7E77F11A649D79A");
    }

    #[test]
    fn the_number_of_a_block_carries_into_its_upper_half() {
        let at = |block| {
            let mut cipher = cipher([7; 32], [9; 8]);
            cipher.next_block = block;
            keystream(&mut cipher, 64 * LANES)
        };
        let (early, late) = (at((1 << 32) - 3), at(1 << 32));
        assert_eq!(early[3 * 64..], late[..(LANES - 3) * 64]);
        assert_ne!(late, at(0));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn nothing_of_the_key_and_the_keystream_stays_where_the_cipher_was() {
        use std::fs::File;
        use std::os::unix::fs::FileExt as _;
        // Emptied, a list drops what it holds and keeps the place.
        let mut ciphers = vec![cipher([7; 32], [9; 8])];
        keystream(&mut ciphers[0], 100);
        let secret_bytes = |place: *const Salsa20| {
            let memory = File::open("/proc/self/mem").expect("a process sees its memory");
            let mut bytes = [0; size_of::<Salsa20>()];
            memory
                .read_exact_at(&mut bytes, place.addr() as u64)
                .expect("it is there");
            bytes.iter().filter(|byte| **byte != 0).count()
        };
        assert!(secret_bytes(ciphers.as_ptr()) > BATCH_BYTES);
        ciphers.clear();
        let two_positions = size_of::<u64>() + size_of::<usize>();
        assert!(secret_bytes(ciphers.as_ptr()) <= two_positions);
    }

    proptest! {
        #[test]
        fn it_is_the_cipher_that_crypto_secretbox_brings(
            key: [u8; 32], nonce: [u8; 24], length in 0..1200usize,
        ) {
            let (mut ours, mut theirs) = (vec![0x5a; length], vec![0x5a; length]);
            let tag = SecretBox::<Salsa20>::new(&key.into())
                .encrypt_in_place_detached(&nonce.into(), &[], &mut ours);
            let expected = XSalsa20Poly1305::new(&key.into())
                .encrypt_in_place_detached(&nonce.into(), &[], &mut theirs);
            prop_assert_eq!((ours, tag), (theirs, expected));
        }

        #[test]
        fn pieces_of_any_length_get_the_stream_of_the_whole(lengths in prop::collection::vec(0..700usize, 0..6)) {
            let mut pieces = cipher([7; 32], [9; 8]);
            let pieces: Vec<u8> = lengths.iter().flat_map(|length| keystream(&mut pieces, *length)).collect();
            prop_assert_eq!(&pieces, &keystream(&mut cipher([7; 32], [9; 8]), pieces.len()));
        }
    }
}
