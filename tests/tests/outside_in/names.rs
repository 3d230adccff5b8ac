//! Names, values and addresses: what GitHub would refuse never leaves.

use octoseal::{Client, Visibility, sealing::PublicKey};
use octoseal_tests::{acme, client};
use proptest::prelude::*;

#[tokio::test]
async fn plaintext_in_place_of_a_sealed_value_never_reaches_the_wire() {
    let github = acme();
    let client = client(&github);
    let (short, long, url_safe, unpadded) = (
        "hunter2",
        "correct horse battery staple ".repeat(4),
        "c2VhbGVk-m94".repeat(6),
        "c2VhbGVkYm9".repeat(7),
    );
    let newline = format!("{}\n", "c2VhbGVkYm94".repeat(6));
    let too_short = "c2VhbGVkYm94".repeat(5);
    // What `openssl rand -hex` and authenticator apps give is base64 by its characters.
    let (hex, upper) = ("0123456789abcdef".repeat(4), "0123456789ABCDEF".repeat(6));
    let (digits, base32) = ("0123456789".repeat(8), "JBSWY3DPEHPK3PXP".repeat(4));
    let one_case = [&*hex, &upper, &digits, &base32];
    let others = ["", short, &long, &url_safe, &unpadded, &newline, &too_short];
    for plaintext in others.into_iter().chain(one_case) {
        let put = client
            .create_or_update_org_secret("acme", "NAME")
            .encrypted_value(plaintext, "1")
            .access(Visibility::All);
        let error = put.send().await.unwrap_err();
        assert!(error.is_invalid_input(), "{plaintext:?}: {error}");
        let text = format!("{error} {error:?}");
        assert!(
            text.contains("sealed") && text.contains("actions:org/acme"),
            "{text}"
        );
        assert!(plaintext.is_empty() || !text.contains(plaintext), "{text}");
    }
    assert_eq!(github.request_count(), 0);
}

#[tokio::test]
async fn a_box_sealed_elsewhere_is_sent_as_it_is() {
    let github = acme();
    let client = client(&github);
    let (key_id, key) = github.public_key("actions:org/acme");
    let sealed = PublicKey::from_base64(&key).unwrap().seal(b"s3cret");
    for (name, sealed) in [("A", sealed.clone()), ("B", sealed)] {
        let put = client
            .create_or_update_org_secret("acme", name)
            .encrypted_value(&sealed, &key_id)
            .access(Visibility::All);
        put.send().await.unwrap();
        let stored = github.plaintext("actions:org/acme", name);
        assert_eq!(stored.as_deref(), Some(&b"s3cret"[..]));
    }
    assert_eq!(github.request_count(), 2);
}

#[tokio::test]
async fn names_that_github_would_refuse_never_reach_the_wire() {
    let github = acme();
    let client = client(&github);
    for name in [
        "",
        "1ST",
        "WITH-DASH",
        "WITH SPACE",
        "GITHUB_TOKEN",
        "github_x",
        "Ä",
        "A/B",
        "..",
        "A\0",
        "A\r\nB",
    ] {
        let call = client
            .create_or_update_org_secret("acme", name)
            .value("v")
            .access(Visibility::All);
        let error = call.send().await.unwrap_err();
        assert!(error.is_invalid_input(), "{name:?}: {error}");
        assert!(
            client
                .get_org_secret("acme", name)
                .await
                .unwrap_err()
                .is_invalid_input()
        );
        assert!(
            client
                .delete_org_secret("acme", name)
                .await
                .unwrap_err()
                .is_invalid_input()
        );
    }
    for org in [
        "", ".", "..", "a/b", "a%2fb", "a b", "a\n", "acme?x", "acme#", "ä",
    ] {
        let call = client
            .create_or_update_org_secret(org, "NAME")
            .value("v")
            .access(Visibility::All);
        assert!(call.send().await.unwrap_err().is_invalid_input(), "{org:?}");
        assert!(
            client
                .list_org_secrets(org)
                .await
                .unwrap_err()
                .is_invalid_input()
        );
    }
    assert_eq!(github.request_count(), 0);
}

#[tokio::test]
async fn a_value_over_48_kilobytes_never_reaches_the_wire() {
    let github = acme();
    let call = client(&github)
        .create_or_update_org_secret("acme", "NAME")
        .value(vec![7; 49_153]);
    let error = call.access(Visibility::All).send().await.unwrap_err();
    assert!(error.is_invalid_input());
    assert!(error.to_string().contains("49153 bytes"), "{error}");
    assert_eq!(github.request_count(), 0);
}

#[test]
fn only_https_and_loopback_addresses_are_accepted() {
    let build = |url: &str| Client::builder().token("t").base_url(url).build();
    for url in [
        "https://api.github.com",
        "https://ghe.example.com/api/v3",
        "https://api.tenant.ghe.com/",
        "http://localhost:8080",
        "http://127.0.0.1:1/api/v3",
        "http://[::1]:9",
    ] {
        build(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    }
    for url in [
        "http://api.github.com",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://10.0.0.1",
        "ftp://localhost",
        "https://user:pass@api.github.com",
        "https://api.github.com?x=1",
        "nonsense",
        "",
    ] {
        assert!(build(url).unwrap_err().is_config(), "{url} was accepted");
    }
}

#[test]
fn a_token_no_header_can_hold_is_refused_without_being_shown() {
    for token in ["", "tok\nen-c4nary", "tok en-c4nary", "c4nary\u{7f}"] {
        let error = Client::builder().token(token).build().unwrap_err();
        assert!(error.is_config());
        assert!(!format!("{error} {error:?}").contains("c4nary"));
    }
    assert!(Client::builder().build().unwrap_err().is_config());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever is given as an organization or a name, the request line is one of the nine operations' paths,
    /// with those two in their places, or there is no request.
    #[test]
    fn path_pieces_cannot_escape(org in piece(), name in piece()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let github = acme();
            let client = client(&github);
            let _ = client.create_or_update_org_secret(&org, &name).value("v").access(Visibility::All).send().await;
            let _ = client.delete_org_secret(&org, &name).await;
            let _ = client.list_selected_repos_for_org_secret(&org, &name).await;
            for request in github.requests() {
                let base = format!("/orgs/{org}/actions/secrets");
                let paths = [format!("{base}/public-key"), format!("{base}/{name}"), format!("{base}/{name}/repositories")];
                prop_assert!(paths.contains(&request.path), "{:?} asked for {}", (&org, &name), request.path);
            }
            Ok(())
        })?;
    }
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z_][A-Za-z0-9_-]{0,12}",
        "(\\.\\.|\\.|/|%2[fF]|%2e|\\\\|\\r|\\n|\\x00|\\?|#|;|acme){1,4}",
        any::<String>(),
    ]
}
