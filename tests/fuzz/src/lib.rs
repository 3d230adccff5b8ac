//! Replies from a GitHub gone mad, to a client that only the public API was used to make.
//!
//! The client's parsers are private, so the targets reach them as a server would: a reply of the stand-in is
//! replaced or changed, and whatever the client makes of it must be bounded and quiet about the token.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use octoseal::{Client, Error};
use octoseal_mock::{Fault, GitHub};

/// The token of the calls. No error may show it.
pub const TOKEN: &str = "ghp_canary0canary1canary2";

/// What a call takes at most: the retry policy's deadline.
const DEADLINE: Duration = Duration::from_secs(15 * 60);

/// Lists secrets while `change` is done to the first `times` replies, and checks what comes of it.
pub fn list(times: u64, change: impl Fn(&mut Response<Bytes>) + Send + Sync + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let github = GitHub::new();
        github.add_organization("acme");
        github.inject(
            Fault::change(move |mut reply| {
                change(&mut reply);
                reply
            })
            .times(times),
        );
        let client = Client::builder()
            .token(TOKEN)
            .transport(github.clone())
            .build()
            .expect("a client");

        let begun = tokio::time::Instant::now();
        let outcome = client.list_org_secrets("acme").await;
        assert!(begun.elapsed() <= DEADLINE, "{:?}", begun.elapsed());
        if let Err(error) = &outcome {
            is_fit_to_print(error);
        }

        for request in github.requests() {
            assert_eq!(request.path, "/orgs/acme/actions/secrets");
        }
        assert!(github.request_count() <= times + 5);
    });
}

/// An error goes into logs: one line, no token, and not as long as the sender likes.
fn is_fit_to_print(error: &Error) {
    let mut texts = vec![error.to_string(), format!("{error:?}")];
    texts.extend(error.message().map(str::to_owned));
    texts.extend(error.documentation_url().map(str::to_owned));
    texts.extend(error.request_id().map(str::to_owned));
    texts.extend(error.required_permission().map(str::to_owned));
    texts.extend(error.sso_url().map(str::to_owned));
    for text in texts {
        assert!(!text.contains(TOKEN), "{text}");
        assert!(!text.contains(char::is_control), "{text:?}");
        assert!(text.len() < 4000, "{} bytes", text.len());
    }
}

/// Sets a header, if it can be one.
pub fn set_header(reply: &mut Response<Bytes>, name: &'static str, value: &[u8]) {
    if let Ok(value) = http::HeaderValue::from_bytes(value) {
        reply.headers_mut().insert(name, value);
    }
}
