//! The command line, against a stand-in.

use clap::error::ErrorKind;
use octoseal::Written;

use super::*;

const ACME: &str = "actions:org/acme";

fn parsed(options: &[&str]) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(["set_org_secret"].iter().chain(options))
}

/// Runs the program against a stand-in that `GITHUB_API_URL` names, with this input.
async fn run(options: &[&str], token: &str, input: &[u8]) -> (GitHub, Result<Receipt, String>) {
    let stand_in = GitHub::new();
    stand_in.add_organization("acme");
    let server = stand_in.serve();
    let (url, token) = (server.url(), token.to_owned());
    let variables = move |name: &str| match name {
        "GITHUB_API_URL" => Some(url.clone()),
        "GITHUB_TOKEN" => Some(token.clone()),
        _ => None,
    };
    let arguments = parsed(&[&["--org", "acme"], options].concat()).unwrap();
    let org = arguments.org.as_ref().unwrap();
    let receipt = store(&arguments, org, variables, || Ok(input.to_vec())).await;
    (stand_in, receipt.map_err(|error| error.to_string()))
}

#[tokio::test]
async fn the_value_is_stored_byte_for_byte_on_the_server_that_the_environment_names() {
    for value in [&b"s3cret"[..], b"two\nlines\n", b"\xff\0"] {
        let (stand_in, receipt) = run(
            &["--name", "A", "--visibility", "private"],
            "a-token",
            value,
        )
        .await;
        assert_eq!(receipt.unwrap().written, Written::Created);
        let secret = stand_in.secret(ACME, "A").unwrap();
        assert_eq!(
            (&secret.value[..], secret.visibility.as_deref()),
            (value, Some("private"))
        );
    }
}

#[tokio::test]
async fn an_organization_without_a_token_is_an_error_that_says_what_is_missing() {
    let (stand_in, receipt) = run(&["--visibility", "all"], "", b"s3cret").await;
    let error = receipt.unwrap_err();
    assert!(
        error.contains("token") && error.contains("GITHUB_TOKEN"),
        "{error}"
    );
    assert_eq!(stand_in.request_count(), 0);
}

#[tokio::test]
async fn an_empty_value_is_not_stored_over_another_one() {
    let (stand_in, receipt) = run(&["--visibility", "all"], "a-token", b"").await;
    assert!(receipt.unwrap_err().contains("empty"));
    assert_eq!(stand_in.request_count(), 0);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named() {
    let (stand_in, receipt) = run(&["--value-file", "no/such/file"], "a-token", b"s3cret").await;
    assert!(receipt.unwrap_err().contains("no/such/file"));
    assert_eq!(stand_in.request_count(), 0);
}

#[test]
fn options_without_an_organization_are_no_journey() {
    for options in [
        &["--name", "A"][..],
        &["--visibility", "all"],
        &["--repo", "acme/api"],
        &["--value-file", "value"],
        &["--host", "github.com"],
        &["--api-url", "https://ghe.example/api/v3"],
        &["--token-file", "token"],
        &["--proxy-from-env"],
    ] {
        let refused = parsed(options).err().unwrap();
        assert_eq!(
            refused.kind(),
            ErrorKind::MissingRequiredArgument,
            "{options:?}"
        );
        assert!(refused.to_string().contains("--org <ORG>"), "{refused}");
        assert!(
            parsed(&[options, &["--org", "acme"]].concat()).is_ok(),
            "{options:?}"
        );
    }
    for org in ["", " ", "acme/api"] {
        let refused = parsed(&["--org", org]).err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::ValueValidation, "{org:?}");
    }
}

#[tokio::test]
async fn without_an_option_the_journey_ends_well() {
    journey().await.unwrap();
}
