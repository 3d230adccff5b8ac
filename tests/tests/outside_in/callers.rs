//! Tokens from files, the environment and sources of one's own; hosts and addresses.

use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::StreamExt;
use octoseal::{
    Client, ClientBuilder, Visibility,
    auth::{AfterRefusal, Audience, FileToken, Token, TokenFuture, TokenRefusal, TokenSource},
};
use octoseal_tests::{ACME, acme, put, scope};
use tokio::time::Instant;

fn sent_token(github: &octoseal_mock::GitHub) -> String {
    github.requests().last().unwrap().headers["authorization"]
        .to_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_token_file_is_read_again_when_it_changes() {
    let github = acme();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), " first\n").unwrap();
    let source = FileToken::new(file.path());
    let client = Client::builder()
        .token_source(source)
        .transport(github.clone())
        .build()
        .unwrap();
    put(&client, "KEY", "value").await.unwrap();
    assert_eq!(sent_token(&github), "Bearer first");
    std::fs::write(file.path(), "second\n").unwrap();
    put(&client, "KEY", "value").await.unwrap();
    assert_eq!(sent_token(&github), "Bearer second");
    std::fs::remove_file(file.path()).unwrap();
    let error = put(&client, "KEY", "value").await.unwrap_err();
    assert!(error.is_config(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_source_is_told_of_a_refused_token_and_asked_again_if_it_wants() {
    struct Vault(AtomicU32);

    impl TokenSource for Vault {
        fn token<'a>(&'a self, audience: Audience<'a>) -> TokenFuture<'a> {
            Box::pin(async move {
                assert_eq!(audience.owner, Some("acme"));
                Ok(Token::new(format!(
                    "token-{}",
                    self.0.load(Ordering::Relaxed)
                ))?)
            })
        }

        fn refused(&self, _: Audience<'_>, refusal: &TokenRefusal<'_>) -> AfterRefusal {
            assert!(refusal.server_time.is_some());
            self.0.fetch_add(1, Ordering::Relaxed);
            AfterRefusal::AskAgain(std::time::Duration::ZERO)
        }
    }

    let github = acme();
    github.add_token("token-2");
    let client = Client::builder()
        .token_source(Vault(AtomicU32::new(0)))
        .transport(github.clone())
        .build()
        .unwrap();
    put(&client, "KEY", "value").await.unwrap();
    assert_eq!(sent_token(&github), "Bearer token-2");
}

#[tokio::test]
async fn a_source_that_fails_is_named_and_nothing_is_sent() {
    struct Broken;

    impl TokenSource for Broken {
        fn token<'a>(&'a self, _: Audience<'a>) -> TokenFuture<'a> {
            Box::pin(async { Err("the vault is sealed".into()) })
        }
    }

    let github = acme();
    let client = Client::builder()
        .token_source(Broken)
        .transport(github.clone())
        .build()
        .unwrap();
    let error = put(&client, "KEY", "value").await.unwrap_err();
    assert!(error.is_token_source(), "{error}");
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "the vault is sealed");
    assert_eq!(github.request_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_answers_ends_a_call_after_28_seconds() {
    struct Silent;

    impl TokenSource for Silent {
        fn token<'a>(&'a self, _: Audience<'a>) -> TokenFuture<'a> {
            Box::pin(std::future::pending())
        }
    }

    let github = acme();
    let builder = Client::builder()
        .token_source(Silent)
        .transport(github.clone());
    let client = builder.build().unwrap();
    let began = Instant::now();
    let error = put(&client, "KEY", "value").await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(error.to_string().contains("token source"), "{error}");
    assert_eq!(began.elapsed().as_secs(), 28);
    assert_eq!(github.request_count(), 0);
}

/// What a client built from these variables calls, and with which token.
async fn from(variables: &[(&str, &str)]) -> (String, String) {
    let lookup = |name: &str| {
        variables
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.to_string())
    };
    let github = acme();
    let client = ClientBuilder::from_vars(lookup)
        .transport(github.clone())
        .build()
        .unwrap();
    put(&client, "KEY", "value").await.unwrap();
    let address = format!("{client:?}").split('"').nth(1).unwrap().to_owned();
    (address, sent_token(&github).replace("Bearer ", ""))
}

#[tokio::test]
async fn the_environment_is_read_in_the_documented_order() {
    let github = "https://api.github.com/".to_owned();
    assert_eq!(
        from(&[("GITHUB_TOKEN", "a")]).await,
        (github.clone(), "a".into())
    );
    assert_eq!(
        from(&[("GITHUB_TOKEN", "a"), ("GH_TOKEN", "b")]).await,
        (github.clone(), "b".into())
    );
    assert_eq!(
        from(&[("GITHUB_TOKEN", "a"), ("GH_TOKEN", "")]).await,
        (github.clone(), "a".into())
    );
    let enterprise = [("GH_ENTERPRISE_TOKEN", "e"), ("GITHUB_TOKEN", "a")];
    assert_eq!(from(&enterprise).await, (github.clone(), "a".into()));
    let own = [("GH_HOST", "ghe.example"), enterprise[0], enterprise[1]];
    assert_eq!(
        from(&own).await,
        ("https://ghe.example/api/v3".into(), "e".into())
    );
    let older = ("GITHUB_ENTERPRISE_TOKEN", "f");
    assert_eq!(from(&[own[0], own[1], older]).await.1, "e");
    assert_eq!(from(&[own[0], older]).await.1, "f");
    let tenant = [("GH_HOST", "acme.ghe.com"), enterprise[0], enterprise[1]];
    assert_eq!(
        from(&tenant).await,
        ("https://api.acme.ghe.com/".into(), "a".into())
    );
    let own_runner = [
        ("GITHUB_API_URL", "https://a.example/api/v3"),
        ("GH_HOST", "A.example"),
        ("GITHUB_TOKEN", "a"),
        ("GH_TOKEN", "b"),
    ];
    let server = "https://a.example/api/v3".to_owned();
    assert_eq!(from(&own_runner).await, (server.clone(), "a".into()));
    let with_own = [own_runner[0], own_runner[2], own_runner[3], enterprise[0]];
    assert_eq!(from(&with_own).await, (server, "e".into()));
}

#[tokio::test]
async fn no_server_gets_a_token_that_is_meant_for_another() {
    let tokens = [("GH_ENTERPRISE_TOKEN", "e"), ("GH_TOKEN", "a")];
    for host in [
        "github.com",
        "GitHub.com",
        "api.github.com",
        "www.github.com",
    ] {
        let called = from(&[("GH_HOST", host), tokens[0], tokens[1]]).await;
        assert_eq!(
            called,
            ("https://api.github.com/".into(), "a".into()),
            "{host}"
        );
    }
    let called = from(&[("GH_HOST", "ACME.GHE.com"), tokens[0], tokens[1]]).await;
    assert_eq!(called, ("https://api.acme.ghe.com/".into(), "a".into()));
    // A name that only looks like GitHub's is somebody else's.
    for host in ["evilgithub.com", "github.com.example", "acmeghe.com"] {
        let called = from(&[("GH_HOST", host), tokens[0], tokens[1]]).await;
        assert_eq!(
            called,
            (format!("https://{host}/api/v3"), "e".into()),
            "{host}"
        );
    }
    for only in [("GH_TOKEN", "a"), ("GITHUB_TOKEN", "a")] {
        let variables = [("GH_HOST", "ghe.example"), only];
        let lookup = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.to_string())
        };
        let error = ClientBuilder::from_vars(lookup).build().unwrap_err();
        assert!(error.is_config(), "{error}");
        assert!(error.to_string().contains("GH_ENTERPRISE_TOKEN"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_enterprise_server_is_not_paced_by_default_and_a_tenant_is() {
    let three_hundred = async |host: &str| {
        let github = acme();
        let builder = Client::builder()
            .token("test-token")
            .transport(github.clone());
        let client = builder.host(host).build().unwrap();
        let batch = (0..300).map(|n| (format!("KEY_{n}"), "value", Visibility::All));
        let began = Instant::now();
        let secrets = client.secrets(scope(ACME));
        let outcomes: Vec<_> = secrets.put_all(batch).collect().await;
        assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
        began.elapsed().as_secs()
    };
    assert_eq!(three_hundred("ghe.example").await, 0);
    assert!(three_hundred("acme.ghe.com").await >= 60);
    assert!(three_hundred("github.com").await >= 60);
}

#[test]
fn one_host_setting_leads_to_every_kind_of_server() {
    let address = |host: &str| {
        format!(
            "{:?}",
            Client::builder().token("t").host(host).build().unwrap()
        )
    };
    assert!(address("github.com").contains("\"https://api.github.com/\""));
    assert!(address("GitHub.COM").contains("\"https://api.github.com/\""));
    assert!(address("acme.ghe.com").contains("\"https://api.acme.ghe.com/\""));
    assert!(address("api.acme.ghe.com").contains("\"https://api.acme.ghe.com/\""));
    assert!(address("ghe.example").contains("\"https://ghe.example/api/v3\""));
    assert!(address("ghe.example:8443").contains("\"https://ghe.example:8443/api/v3\""));
    for host in [
        "",
        "https://ghe.example",
        "ghe.example/x",
        "a b",
        "user@ghe.example",
    ] {
        assert!(
            Client::builder()
                .token("t")
                .host(host)
                .build()
                .unwrap_err()
                .is_config(),
            "{host:?}"
        );
    }
}

#[test]
fn certificates_and_proxies_that_are_none_get_a_clear_error_that_does_not_show_a_key() {
    let builder = || Client::builder().token("t");
    let error = builder().root_certificates("no pem").build().unwrap_err();
    assert!(
        error.is_config() && error.to_string().contains("root certificates"),
        "{error}"
    );
    let error = builder()
        .client_certificate("no pem", b"c4nary".to_vec())
        .build()
        .unwrap_err();
    assert!(
        error.is_config() && error.to_string().contains("client certificate"),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("c4nary"));
}

pub(crate) fn variables<'a>(set: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
    |name| {
        let found = set.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.to_string())
    }
}

#[test]
fn variables_that_name_different_servers_are_an_error_that_names_both_unless_the_builder_decides() {
    let token = ("GH_TOKEN", "a");
    for (url, host) in [
        ("https://api.github.com", "ghe.example"),
        ("https://ghe.example/api/v3", "github.com"),
        ("https://ghe.example/api/v3", "ghe.example:8443"),
        ("https://api.acme.ghe.com", "other.ghe.com"),
    ] {
        let set = [("GITHUB_API_URL", url), ("GH_HOST", host), token];
        let error = ClientBuilder::from_vars(variables(&set))
            .build()
            .unwrap_err();
        let told = error.to_string();
        assert!(
            told.contains("GITHUB_API_URL") && told.contains("GH_HOST"),
            "{told}"
        );
        let decided = ClientBuilder::from_vars(variables(&set))
            .host("github.com")
            .build();
        decided.unwrap();
    }
    for (url, host) in [
        ("https://api.github.com", "GitHub.com"),
        ("https://api.acme.ghe.com", "ACME.ghe.com"),
        ("https://api.github.com/", "github.com:443"),
    ] {
        let set = [("GITHUB_API_URL", url), ("GH_HOST", host), token];
        ClientBuilder::from_vars(variables(&set)).build().unwrap();
    }
}

#[test]
fn an_address_of_the_builder_decides_which_token_of_the_environment_is_sent() {
    let hosted = [
        ("GITHUB_API_URL", "https://api.github.com"),
        ("GITHUB_TOKEN", "a"),
        ("GH_TOKEN", "b"),
    ];
    let builder =
        ClientBuilder::from_vars(variables(&hosted)).base_url("https://ghe.example/api/v3");
    let told = builder.build().unwrap_err().to_string();
    assert!(told.contains("GH_ENTERPRISE_TOKEN"), "{told}");
    let own = [
        ("GITHUB_API_URL", "https://ghe.example/api/v3"),
        ("GITHUB_TOKEN", "a"),
    ];
    let builder = ClientBuilder::from_vars(variables(&own)).host("github.com");
    assert!(builder.build().unwrap_err().is_config());
}

#[test]
fn a_host_is_the_same_server_however_it_is_written() {
    let address = |host: &str| {
        let client = Client::builder().token("t").host(host).build();
        client.map(|client| format!("{client:?}").split('"').nth(1).unwrap().to_owned())
    };
    let same = [
        (
            "https://api.github.com/",
            &[
                "github.com:443",
                "GitHub.com.",
                "api.github.com",
                "API.GITHUB.COM.:443",
            ][..],
        ),
        (
            "https://api.acme.ghe.com/",
            &["acme.ghe.com.", "api.acme.ghe.com", "ACME.ghe.com:443"],
        ),
        (
            "https://ghe.example/api/v3",
            &["ghe.example.", "GHE.example:443"],
        ),
        ("https://[::1]/api/v3", &["::1", "[::1]", "[::1]:443"]),
        ("https://ghe.example:8443/api/v3", &["ghe.example:8443"]),
    ];
    for (expected, hosts) in same {
        for host in hosts {
            assert_eq!(address(host).unwrap(), expected, "{host}");
        }
    }
    for host in [
        "",
        ":",
        "github.com:8443",
        "user:c4nary@ghe.example",
        "https://ghe.example/?c4nary",
        "a:b:c",
    ] {
        let error = address(host).unwrap_err();
        assert!(
            error.is_config() && !format!("{error} {error:?}").contains("c4nary"),
            "{error}"
        );
    }
    let builder = Client::builder().base_url("https://ghe.example/?token=c4nary");
    assert!(!format!("{builder:?}").contains("c4nary"));
}

#[tokio::test(start_paused = true)]
async fn a_token_file_that_is_no_small_regular_file_is_an_error_at_once() {
    let large = tempfile::NamedTempFile::new().unwrap();
    large.as_file().set_len(300 << 20).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    for path in [large.path(), &pipe, folder.path()] {
        let github = acme();
        let builder = Client::builder().transport(github.clone());
        let client = builder.token_source(FileToken::new(path)).build().unwrap();
        let began = Instant::now();
        let error = put(&client, "KEY", "value").await.unwrap_err();
        assert!(error.is_config(), "{error}");
        assert!(error.to_string().contains("token file"), "{error}");
        assert_eq!((github.request_count(), began.elapsed().as_secs()), (0, 0));
    }
}

#[tokio::test]
async fn a_source_may_be_shared_or_boxed() {
    let github = acme();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "from-a-file").unwrap();
    let shared: std::sync::Arc<dyn TokenSource> = std::sync::Arc::new(FileToken::new(file.path()));
    let boxed: Box<dyn TokenSource> = Box::new(shared.clone());
    for builder in [
        Client::builder().token_source(shared),
        Client::builder().token_source(boxed),
    ] {
        let client = builder.transport(github.clone()).build().unwrap();
        put(&client, "KEY", "value").await.unwrap();
        assert_eq!(sent_token(&github), "Bearer from-a-file");
    }
}
