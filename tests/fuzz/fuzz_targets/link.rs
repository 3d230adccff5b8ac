#![no_main]
//! `Link` headers on three pages in a row: a page's number may be taken from them, and nothing else.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let link = data.to_vec();
    octoseal_fuzz::list(3, move |reply| {
        octoseal_fuzz::set_header(reply, "link", &link)
    });
});
