//! Whatever is given as a name and whatever comes back: no request leaves its path, and nothing panics.

use octoseal::{
    Client, RetryPolicy, Scope,
    scope::{EnvironmentScope, EnvironmentStore, RepositoryScope, RepositoryStore},
};
use octoseal_mock::Fault;
use octoseal_tests::{ACME, acme, builder, put, scope};
use proptest::prelude::*;

use crate::sockets::quick;
use crate::sockets_raw::{Raw, reply};

/// Names as they are and as an attacker would have them.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z_][A-Za-z0-9_.-]{0,12}",
        "(\\.\\.|\\.|/|%2[fF]|%2e|%00|%0d%0a|\\\\|\\r|\\n|\\x00|\\?|#|;|:|@| |acme){1,5}",
        any::<String>(),
    ]
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

/// What a piece of a path stands for.
fn decoded(piece: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = piece.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn no_piece_of_a_path_escapes_from_the_request_line() {
    let runtime = runtime();
    let server = runtime.block_on(Raw::start(|_| reply("404 Not Found", "{}")));
    let builder = Client::builder().token("t").base_url(&server.url);
    let client = builder.retry(quick()).build().unwrap();
    let config = ProptestConfig::with_cases(300);
    proptest!(config, |(owner in piece(), repo in piece(), environment in piece(), name in piece())| {
        let before = server.requests().len();
        let mut expected: Vec<Vec<String>> = Vec::new();
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        if let Ok(scope) = RepositoryScope::new(RepositoryStore::Actions, &owner, &repo)
            && runtime.block_on(client.secrets(scope).get(&name)).is_err_and(|e| e.is_not_found())
        {
            expected.push(words(&["", "repos", &owner, &repo, "actions", "secrets", &name]));
        }
        if let Ok(scope) = EnvironmentScope::new(EnvironmentStore::Actions, "acme", "api", &environment)
            && runtime.block_on(client.secrets(scope).get("NAME")).is_err_and(|e| e.is_not_found())
        {
            let path = ["", "repos", "acme", "api", "environments", &environment, "secrets", "NAME"];
            expected.push(words(&path));
        }
        let lines: Vec<Vec<String>> = server.requests()[before..]
            .iter()
            .map(|request| {
                let line = request.split("\r\n").next().unwrap();
                let path = line.strip_prefix("GET ").unwrap().strip_suffix(" HTTP/1.1").unwrap();
                assert!(!path.contains(['?', '#', ' ', '\\']), "{line}");
                path.split('/').map(decoded).collect()
            })
            .collect();
        prop_assert_eq!(lines, expected);
    });
    assert!(
        server.requests().len() > 100,
        "hardly anything was asked for"
    );
}

/// A header's value, plausible or not.
fn header() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,60}",
        "-?[0-9]{0,25}(\\.[0-9]+)?",
        Just("Sun, 06 Nov 1994 08:49:37 GMT".to_owned()),
        "(Sun|Mon|x), [0-9]{2} (Nov|Dec|Foo) [0-9]{1,5} [0-9:]{1,9} GMT",
        "(<|>|,|;|rel=|\"next\"|\"|https://api.github.com/x\\?page=[0-9-]{1,20}|page=2| ){1,8}",
        "(required|partial-results)?(;| |url=|https://github.com/[a-z]{0,5}|://|[ -~]){1,6}",
    ]
}

const HEADERS: [&str; 12] = [
    "link",
    "retry-after",
    "date",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-ratelimit-limit",
    "x-github-request-id",
    "x-github-sso",
    "x-accepted-github-permissions",
    "x-accepted-oauth-scopes",
    "location",
    "content-type",
];

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..64),
        any::<String>().prop_map(|message| {
            serde_json::json!({ "message": message, "documentation_url": message, "errors": message })
                .to_string()
                .into_bytes()
        }),
        "(\\{|\\}|\\[|\\]|\"message\"|:|,|null|[0-9]{1,30}|\"total_count\"|\"secrets\"|\"key\"|\"key_id\"){0,12}"
            .prop_map(String::into_bytes),
    ]
}

fn status() -> impl Strategy<Value = u16> {
    let usual = [
        200, 201, 204, 301, 304, 307, 400, 401, 403, 404, 409, 422, 429, 500, 503,
    ];
    prop_oneof![3 => proptest::sample::select(usual.to_vec()), 1 => 200u16..999]
}

/// A runtime whose clock stands still until nothing else can happen.
fn paused() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_reply_makes_the_client_panic_or_go_on_without_end(
        status in status(),
        headers in proptest::collection::vec((proptest::sample::select(HEADERS.to_vec()), header()), 0..6),
        body in body(),
    ) {
        paused().block_on(async {
            let github = acme();
            github.inject(Fault::change(move |mut reply| {
                *reply.status_mut() = http::StatusCode::from_u16(status).unwrap();
                *reply.body_mut() = body.clone().into();
                for (name, value) in &headers {
                    if let Ok(value) = value.parse() {
                        reply.headers_mut().append(*name, value);
                    }
                }
                reply
            }).always());
            let client = builder(&github).retry(RetryPolicy::default().attempts(2)).build().unwrap();
            let listed = client.secrets(scope(ACME)).list().all().await;
            let stored = put(&client, "KEY", "value").await;
            for error in [listed.err(), stored.err()].into_iter().flatten() {
                let (text, debug) = (error.to_string(), format!("{error:?}"));
                prop_assert!(!text.contains("test-token") && !debug.contains("test-token"));
                prop_assert!(!text.contains(['\0', '\x1b', '\r']), "{text:?}");
            }
            prop_assert!(github.request_count() < 60, "{}", github.request_count());
            Ok(())
        })?;
    }

    #[test]
    fn no_public_key_makes_the_client_panic_or_send_what_does_not_open(
        id in any::<String>(),
        key in prop_oneof!["[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=", "[A-Za-z0-9+/=_-]{0,60}", any::<String>()],
    ) {
        paused().block_on(async {
            let github = acme();
            github.inject(Fault::public_key(&id, &key).times(1));
            match put(&client_of(&github), "KEY", "value").await {
                Ok(_) => prop_assert_eq!(github.plaintext(ACME, "KEY").unwrap(), b"value"),
                Err(error) => prop_assert!(error.is_public_key() || error.is_unexpected_reply(), "{error:?}"),
            }
            Ok(())
        })?;
    }

    #[test]
    fn no_text_makes_the_scope_parser_panic_and_what_it_accepts_it_writes_the_same_way(
        text in prop_oneof![
            any::<String>(),
            "(actions|dependabot|codespaces|agents|x):(org|repo|env|user)(/[A-Za-z0-9.%_-]{0,6}){0,4}",
        ],
    ) {
        if let Ok(scope) = text.parse::<Scope>() {
            let written = scope.to_string();
            prop_assert_eq!(written.parse::<Scope>().unwrap(), scope);
        }
    }
}

fn client_of(github: &octoseal_mock::GitHub) -> Client {
    octoseal_tests::client(github)
}
