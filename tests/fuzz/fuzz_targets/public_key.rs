#![no_main]
//! Public keys, as text and as bytes.

use libfuzzer_sys::fuzz_target;
use octoseal_sealing::{OVERHEAD, PublicKey};

fuzz_target!(|data: &[u8]| {
    let text = str::from_utf8(data).map(PublicKey::from_base64);
    let bytes = PublicKey::from_slice(data);
    for key in [text.ok().and_then(Result::ok), bytes.ok()]
        .into_iter()
        .flatten()
    {
        assert_eq!(PublicKey::from_base64(&key.to_base64()), Ok(key));
        assert_eq!(key.seal(data).as_bytes().len(), data.len() + OVERHEAD);
    }
});
