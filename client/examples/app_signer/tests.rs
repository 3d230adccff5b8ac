//! Programs that do not sign.

use super::*;

async fn stored_by(command: &[&str]) -> Result<octoseal::Receipt, octoseal::Error> {
    let stand_in = GitHub::new();
    stand_in.add_app(12_345).install("acme");
    let command = command.iter().map(ToString::to_string).collect();
    let app = App::new("12345", Program(command));
    let github = Client::builder().app(app).transport(stand_in).build()?;
    let put = github.create_or_update_org_secret("acme", "KEY");
    put.value("v").access(Visibility::All).send().await
}

#[tokio::test]
async fn a_program_that_is_missing_is_the_source_of_the_error() {
    let error = stored_by(&["no-such-program"]).await.unwrap_err();
    assert!(error.is_token_source(), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_that_fails_is_told_with_its_status_and_one_that_prints_text_as_such() {
    let error = stored_by(&["sh", "-c", "cat >/dev/null; exit 3"]).await;
    let error = error.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("exit status: 3"), "{source}");
    let error = stored_by(&["sh", "-c", "cat"]).await.unwrap_err();
    assert!(error.to_string().contains("text"), "{error}");
}
