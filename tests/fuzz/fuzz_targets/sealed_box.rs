#![no_main]
//! Sealed boxes, as text and as bytes, opened with a key that they were not made for.

use libfuzzer_sys::fuzz_target;
use octoseal_sealing::{SealedBox, SecretKey};

fuzz_target!(|data: &[u8]| {
    let text = str::from_utf8(data).map(SealedBox::from_base64);
    let bytes = SealedBox::from_bytes(data);
    for sealed in [text.ok().and_then(Result::ok), bytes.ok()]
        .into_iter()
        .flatten()
    {
        assert_eq!(
            SealedBox::from_base64(&sealed.to_base64()),
            Ok(sealed.clone())
        );
        // Random, so that no find of a past run can be a box for it.
        assert!(SecretKey::generate().open(&sealed).is_err());
    }
});
