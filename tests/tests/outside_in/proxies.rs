//! Which proxy is used: what is named is used, or the client is not built.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use octoseal::{Client, ClientBuilder, RetryPolicy};
use octoseal_tests::{ACME, Rerun, acme, put};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A client of a server that nothing but a proxy can find.
fn toward(base: &str) -> ClientBuilder {
    let policy = RetryPolicy::default()
        .attempts(1)
        .connect_timeout(Duration::from_millis(500))
        .attempt_timeout(Duration::from_millis(500));
    Client::builder()
        .token("t0ken")
        .base_url(base)
        .retry(policy)
}

const SERVER: &str = "https://ghe.invalid:8443/api/v3";

/// What a proxy on this machine is asked for by a call, if it is asked.
async fn asked(builder: impl FnOnce(String) -> ClientBuilder) -> Option<String> {
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = builder(proxy.local_addr().unwrap().to_string())
        .build()
        .unwrap();
    let heard = async {
        let (mut stream, _) = proxy.accept().await.unwrap();
        let mut head = vec![0; 1024];
        let read = stream.read(&mut head).await.unwrap();
        String::from_utf8_lossy(&head[..read]).into_owned()
    };
    tokio::select! {
        biased;
        heard = heard => Some(heard),
        called = put(&client, "KEY", "value") => {
            called.unwrap_err();
            None
        }
    }
}

/// The error of a call whose proxy answers this to each request to connect, and the proxy's address.
async fn answered(answer: &'static str) -> (octoseal::Error, String) {
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = proxy.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = proxy.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let client = toward(SERVER).proxy(&address).build().unwrap();
    (put(&client, "KEY", "value").await.unwrap_err(), address)
}

#[tokio::test]
async fn what_a_proxy_answers_itself_is_told_as_the_proxys_and_no_scope_is_advised() {
    let html = "HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<html></html>";
    let wants = "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n";
    for (answer, words) in [
        (wants, "407"),
        (
            "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
            "did not connect",
        ),
        (html, "did not connect"),
        ("", "proxy"),
    ] {
        let (error, proxy) = answered(answer).await;
        let told = error.to_string();
        assert!(error.is_transport(), "{error:?}");
        assert_eq!(error.applied(), octoseal::Applied::No);
        assert!(told.contains(words) && told.contains(&proxy), "{told}");
        assert!(told.contains("ghe.invalid:8443"), "{told}");
        assert!(
            !told.contains("admin:org") && !told.contains("permission"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named_beside_the_server() {
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = proxy.local_addr().unwrap().to_string();
    drop(proxy);
    let client = toward(SERVER).proxy(&address).build().unwrap();
    let told = put(&client, "KEY", "value").await.unwrap_err().to_string();
    assert!(
        told.contains(&address) && told.contains("ghe.invalid:8443"),
        "{told}"
    );
}

/// What is asked of a proxy that variables name; `PROXY` stands for its address.
async fn asked_by(base: &str, set: &[(&str, &str)]) -> Option<String> {
    asked(|proxy| {
        toward(base).proxy_from_vars(|name| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.replace("PROXY", &proxy))
        })
    })
    .await
}

#[tokio::test]
async fn a_proxy_that_is_named_is_used_in_every_spelling_that_can_be_read() {
    for spelling in ["http://PROXY", "PROXY", "http://PROXY/", " HTTP://PROXY\n"] {
        let by_setting =
            asked(|proxy| toward(SERVER).proxy(spelling.replace("PROXY", &proxy))).await;
        assert!(
            by_setting.unwrap().starts_with("CONNECT ghe.invalid:8443 "),
            "{spelling}"
        );
        for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            let by_variable =
                asked_by(SERVER, &[(variable, spelling), ("REQUEST_METHOD", "GET")]).await;
            assert!(by_variable.is_some(), "{variable} {spelling}");
        }
    }
    let known = asked(|proxy| toward(SERVER).proxy(format!("http://me:p%2Fw@{proxy}")))
        .await
        .unwrap();
    assert!(known.contains("Basic bWU6cC93"), "{known}");
}

#[test]
fn a_proxy_that_cannot_be_used_is_an_error_that_says_what_named_it_and_shows_no_password() {
    for spelling in [
        "htpp://me:c4nary@proxy.example:3128",
        "ftp://me:c4nary@proxy.example",
        "tcp://proxy.example:3128",
        "socks4://proxy.example:1080",
        "socks5://me:c4nary@proxy.example:1080",
        "socks5h://proxy.example:1080",
        "\"http://me:c4nary@proxy.example:3128\"",
        "'http://proxy.example:3128'",
        "http://proxy.example:3128 http://me:c4nary@other.example",
        "http://proxy.example:70000",
        "http://proxy.example:0",
        "http://me:c4n/ary@proxy.example:3128",
        "http://me:1/c4nary@proxy.example:3128",
        "http://proxy.example/proxy.pac",
        "http://",
        "::",
        "http://proxy\u{fffd}.example",
    ] {
        for base in [SERVER, "http://127.0.0.1:1"] {
            let error = toward(base).proxy(spelling).build().unwrap_err();
            let told = format!("{error} {error:?}");
            assert!(
                error.is_config() && told.contains("setting `proxy`"),
                "{told}"
            );
            assert!(!told.contains("c4n"), "{told}");
            for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
                let only = |name: &str| (name == variable).then(|| spelling.to_owned());
                let error = toward(base).proxy_from_vars(only).build().unwrap_err();
                let told = format!("{error} {error:?}");
                assert!(error.is_config() && told.contains(variable), "{told}");
                assert!(!told.contains("c4n"), "{told}");
            }
        }
    }
    assert!(toward(SERVER).proxy("").build().unwrap_err().is_config());
}

#[tokio::test]
async fn servers_that_are_excepted_are_reached_directly_and_no_others() {
    let range = "https://10.20.30.40/api/v3";
    for (base, list, direct) in [
        (SERVER, "*", true),
        (SERVER, "ghe.invalid", true),
        (SERVER, " other.example , .INVALID. ", true),
        (SERVER, "a.example *.invalid", true),
        (SERVER, "ghe.invalid:8443", true),
        (SERVER, "ghe.invalid:443", false),
        (SERVER, "he.invalid", false),
        (SERVER, "", false),
        (range, "10.0.0.0/8", true),
        (range, "10.20.30.40", true),
        (range, "10.20.30.40:443", true),
        (range, "10.20.30.41/32", false),
        (range, "11.0.0.0/8,::/0", false),
        (range, "0.0.0.0/0", true),
        ("https://[fd00::7]/api/v3", "fd00::/8", true),
        ("https://[fd00::7]/api/v3", "[fd00::7]:443", true),
        ("https://[fd00::7]/api/v3", "fd00::8", false),
    ] {
        for name in ["NO_PROXY", "no_proxy"] {
            let seen = asked_by(base, &[("HTTPS_PROXY", "http://PROXY"), (name, list)]).await;
            assert_eq!(seen.is_none(), direct, "{base} {list}");
        }
    }
    for list in [
        "10.0.0.0/33",
        "ten/8",
        "\"ghe.invalid\"",
        "ghe.invalid:https",
        "gh*.invalid",
    ] {
        let only = |name: &str| (name == "no_proxy").then(|| list.to_owned());
        let error = toward(SERVER).proxy_from_vars(only).build().unwrap_err();
        assert!(
            error.is_config() && error.to_string().contains("no_proxy"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn variables_in_both_cases_that_differ_are_an_error_and_empty_ones_count_as_unset() {
    for [upper, lower] in [
        ["HTTPS_PROXY", "https_proxy"],
        ["ALL_PROXY", "all_proxy"],
        ["NO_PROXY", "no_proxy"],
    ] {
        let both = |name: &str| match name {
            _ if name == upper => Some("http-proxy.example".to_owned()),
            _ if name == lower => Some("other.example".to_owned()),
            _ => None,
        };
        let told = toward(SERVER)
            .proxy_from_vars(both)
            .build()
            .unwrap_err()
            .to_string();
        assert!(told.contains(upper) && told.contains(lower), "{told}");
    }
    let set = [
        ("https_proxy", ""),
        ("HTTPS_PROXY", "http://PROXY"),
        ("all_proxy", " "),
    ];
    assert!(asked_by(SERVER, &set).await.is_some());
}

#[tokio::test]
async fn a_server_on_this_machine_is_reached_directly() {
    let github = acme();
    let server = github.serve();
    let base = server.url();
    let address = || "http://127.0.0.1:1".to_owned();
    let variable = |name: &str| (name == "ALL_PROXY").then(address);
    for (name, by) in [
        ("SETTING", toward(&base).proxy(address())),
        ("VARIABLE", toward(&base).proxy_from_vars(variable)),
    ] {
        put(&by.build().unwrap(), name, "value").await.unwrap();
        assert!(github.plaintext(ACME, name).is_some());
    }
}

#[tokio::test]
async fn a_proxy_of_the_environment_counts_only_when_asked_for() {
    if Rerun::is_this() {
        put(&toward(SERVER).build().unwrap(), "DIRECT", "value")
            .await
            .unwrap_err();
        let by_proxy = toward(SERVER).proxy_from_env().build().unwrap();
        put(&by_proxy, "BY_PROXY", "value").await.unwrap_err();
        return;
    }
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let heads = Arc::new(Mutex::new(Vec::new()));
    let heard = heads.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = proxy.accept().await {
            let mut head = vec![0; 1024];
            let read = stream.read(&mut head).await.unwrap();
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            heard.lock().unwrap().push(head);
        }
    });
    Rerun::of("proxies::a_proxy_of_the_environment_counts_only_when_asked_for")
        .without("NO_PROXY")
        .without("no_proxy")
        .without("https_proxy")
        .without("ALL_PROXY")
        .without("all_proxy")
        .with("HTTPS_PROXY", address)
        .passes()
        .await;
    assert_eq!(heads.lock().unwrap().len(), 1);
}
