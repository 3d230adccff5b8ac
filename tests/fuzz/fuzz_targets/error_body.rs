#![no_main]
//! Bodies of replies, of failures above all: the first byte chooses the status, the rest is the body.

use libfuzzer_sys::fuzz_target;

const STATUSES: [u16; 16] = [
    200, 201, 204, 301, 400, 401, 403, 404, 408, 409, 410, 422, 429, 500, 502, 503,
];

fuzz_target!(|data: &[u8]| {
    let Some((&status, body)) = data.split_first() else {
        return;
    };
    let status = STATUSES[usize::from(status) % STATUSES.len()];
    let body = bytes::Bytes::copy_from_slice(body);
    octoseal_fuzz::list(1, move |reply| {
        *reply.status_mut() = http::StatusCode::from_u16(status).expect("a status");
        *reply.body_mut() = body.clone();
    });
});
