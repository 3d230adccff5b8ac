#![no_main]
//! Headers of a refusal, one a line: what they ask for is waited within the deadline, or not at all.

use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 7] = [
    "retry-after",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "date",
    "x-github-request-id",
    "x-github-sso",
    "x-accepted-github-permissions",
];
const STATUSES: [u16; 4] = [403, 429, 503, 200];

fuzz_target!(|data: &[u8]| {
    let Some((&status, headers)) = data.split_first() else {
        return;
    };
    let status = STATUSES[usize::from(status) % STATUSES.len()];
    let headers = headers.to_vec();
    octoseal_fuzz::list(2, move |reply| {
        *reply.status_mut() = http::StatusCode::from_u16(status).expect("a status");
        for (name, value) in NAMES.into_iter().zip(headers.split(|&byte| byte == b'\n')) {
            octoseal_fuzz::set_header(reply, name, value);
        }
    });
});
