//! Replies of GitHub, and replies of something on the way to it.

use std::sync::Arc;

use futures_util::StreamExt;
use http::{HeaderValue, Request};
use octoseal::transport::{Bytes, Transport, TransportFuture};
use octoseal::{
    Applied, Client, Visibility, Written,
    registries::{PrivateRegistriesScope, RegistryAuth},
};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{ACME, acme, builder, client, put, scope};

/// Puts a request id of its own on all replies.
struct Marked(Arc<dyn Transport>);

impl Transport for Marked {
    fn send(&self, request: Request<Bytes>) -> TransportFuture<'_> {
        Box::pin(async move {
            let mut reply = self.0.send(request).await?;
            let id = HeaderValue::from_static("hunter2");
            reply.headers_mut().insert("x-github-request-id", id);
            Ok(reply)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn behind_a_proxy_that_puts_an_id_of_its_own_on_replies_a_missing_secret_is_stored() {
    let client = builder(&acme()).layer(Marked).build().unwrap();
    let secrets = client.secrets(scope(ACME));
    assert!(secrets.list().all().await.unwrap().is_empty());
    let put = secrets.put("KEY", "value").only_if_missing();
    put.access(Visibility::Private).send().await.unwrap();
}

/// Takes GitHub's request id off all replies, as some proxies do with headers that they do not know.
struct Unmarked(Arc<dyn Transport>);

impl Transport for Unmarked {
    fn send(&self, request: Request<Bytes>) -> TransportFuture<'_> {
        Box::pin(async move {
            let mut reply = self.0.send(request).await?;
            reply.headers_mut().remove("x-github-request-id");
            Ok(reply)
        })
    }
}

fn behind_a_proxy(github: &GitHub) -> Client {
    builder(github).layer(Unmarked).build().unwrap()
}

/// Bodies of things that answer in GitHub's place.
const NO_OBJECTS: [&str; 5] = ["<html>Please log in</html>", "[]", "true", "\"ok\"", "OK"];

#[tokio::test(start_paused = true)]
async fn a_write_that_something_else_than_github_confirms_does_not_count_as_stored() {
    let silent = [(201, ""), (201, "{}"), (204, ""), (201, " \n")];
    let bodies = NO_OBJECTS.map(|body| (201, body));
    for (status, body) in silent.into_iter().chain(bodies) {
        let github = acme();
        github.inject(Fault::foreign_reply(status, body).on("PUT").always());
        let error = put(&client(&github), "KEY", "value").await.unwrap_err();
        assert!(error.is_unexpected_reply(), "{status} {body:?}: {error}");
        assert_eq!(error.applied(), Applied::Unknown, "{status} {body:?}");
        assert_eq!(github.request_count(), 2, "{status} {body:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_something_else_than_github_confirms_a_write_with_is_not_printed() {
    for body in [
        "\"c4nary\"",
        "[\"c4nary\"]",
        "{\"c4nary\":",
        "4242424242",
        "c4nary",
    ] {
        let github = acme();
        let client = behind_a_proxy(&github);
        github.inject(Fault::foreign_reply(201, body).on("PUT").always());
        let error = put(&client, "KEY", "value").await.unwrap_err();
        let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
        let told = causes.map(|cause| format!("{cause} {cause:?}"));
        let told = told.collect::<String>();
        assert!(!told.contains("c4nary") && !told.contains("4242"), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_and_a_registry_are_not_taken_for_done_either() {
    let github = acme();
    github.seed("actions:org/acme", "KEY", "value");
    let client = client(&github);
    client.get_org_secret("acme", "KEY").await.unwrap();
    github.inject(Fault::foreign_reply(204, "").on("DELETE").always());
    let error = client.delete_org_secret("acme", "KEY").await.unwrap_err();
    assert_eq!(error.applied(), Applied::Unknown, "{error}");

    github.inject(
        Fault::foreign_reply(201, r#"{"name":"N"}"#)
            .on("POST")
            .always(),
    );
    let error = create_registry(&client).await.unwrap_err();
    assert_eq!(error.applied(), Applied::Unknown, "{error}");
}

async fn create_registry(client: &Client) -> Result<(), octoseal::Error> {
    let scope = PrivateRegistriesScope::new("acme")?;
    let token = "t0ken".into();
    let created = client
        .private_registries(scope)
        .create("npm_registry", "https://npm.example", Visibility::All)
        .auth(RegistryAuth::Token { token });
    created.send().await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn behind_a_proxy_that_takes_githubs_marks_away_the_shape_of_the_body_decides() {
    let github = acme();
    let client = behind_a_proxy(&github);
    assert_eq!(
        put(&client, "KEY", "value").await.unwrap().written,
        Written::Created
    );
    assert_eq!(
        put(&client, "KEY", "other").await.unwrap().written,
        Written::Updated
    );
    for body in NO_OBJECTS {
        github.inject(Fault::foreign_reply(201, body).on("PUT"));
        let error = put(&client, "KEY", "value").await.unwrap_err();
        assert!(error.is_unexpected_reply(), "{body:?}: {error}");
        assert_eq!(error.applied(), Applied::Unknown, "{body:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_not_githubs_proves_nothing() {
    let github = acme();
    github.inject(Fault::firewall().on("PUT").always());
    let error = put(&client(&github), "KEY", "value").await.unwrap_err();
    assert_eq!(error.applied(), Applied::Unknown, "{error}");

    let github = acme();
    github.inject(Fault::proxy_authentication().on("PUT").always());
    let error = put(&client(&github), "KEY", "value").await.unwrap_err();
    assert_eq!(error.applied(), Applied::No, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_201_of_githubs_with_a_body_that_can_not_be_read_is_told_as_made_and_never_repeated() {
    for body in NO_OBJECTS {
        let github = acme();
        github.inject(Fault::reply(201, body).on("PUT").always());
        let written = put(&client(&github), "KEY", "value").await.unwrap();
        assert_eq!(written.written, Written::Created, "{body:?}");
    }
    let bodies = NO_OBJECTS
        .into_iter()
        .chain([r#"{"name":7}"#, r#"{"visibility":{}}"#]);
    for body in bodies {
        let github = acme();
        github.inject(Fault::reply(201, body).on("POST").always());
        let error = create_registry(&client(&github)).await.unwrap_err();
        assert_eq!(error.applied(), Applied::Yes, "{body:?}: {error}");
        assert!(
            error.request_id().is_some() && !error.is_retryable(),
            "{body:?}"
        );
        assert_eq!(error.status(), Some(201));
        let posts = github.requests().into_iter();
        assert_eq!(posts.filter(|request| request.method == "POST").count(), 1);
    }
    for id in [
        "hunter2",
        "test-token",
        "two words: c4nary",
        &"A:".repeat(100),
    ] {
        let github = acme();
        let made = Fault::reply(201, "{").header("x-github-request-id", id);
        github.inject(made.on("POST").always());
        let error = create_registry(&client(&github)).await.unwrap_err();
        assert_eq!((error.request_id(), error.applied()), (None, Applied::Yes));
    }
    let github = acme();
    github.inject(Fault::truncated_body().on("POST").always());
    let error = create_registry(&client(&github)).await.unwrap_err();
    assert_eq!(error.applied(), Applied::Yes, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_in_githubs_form_without_githubs_mark_is_not_githubs_where_marks_are_known() {
    let words = [
        (403, "Forbidden"),
        (401, "Unauthorized"),
        (404, "Not Found"),
    ];
    for (status, message) in words {
        let github = acme();
        let client = client(&github);
        put(&client, "KEY", "value").await.unwrap();
        let body = format!(r#"{{"message":"{message}"}}"#);
        github.inject(Fault::foreign_reply(status, body).on("PUT").times(1));
        let error = put(&client, "KEY", "value").await.unwrap_err();
        assert!(error.is_unexpected_reply(), "{status}: {error}");
        assert_eq!(error.applied(), Applied::Unknown, "{status}");
        // Neither the token nor the scope is to blame.
        put(&client, "KEY", "value").await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_redirect_that_is_not_githubs_does_not_prove_that_nothing_was_done() {
    let github = acme();
    let away = Fault::foreign_reply(302, "").header("location", "https://login.example/");
    github.inject(away.on("PUT").always());
    let error = put(&client(&github), "KEY", "value").await.unwrap_err();
    assert_eq!(error.applied(), Applied::Unknown, "{error}");
}

#[tokio::test(start_paused = true)]
async fn replies_to_writes_and_refusals_teach_too_that_githubs_are_marked() {
    let github = acme();
    let place = "actions:org/acme";
    for n in 0..60 {
        github.seed(place, &format!("KEY_{n}"), "value");
    }
    let client = client(&github);
    let silent = || Fault::foreign_reply(204, "").on("DELETE");
    github.inject(silent().after(50).times(1));
    let names = (0..60).map(|n| format!("KEY_{n}"));
    let secrets = client.secrets(octoseal_tests::scope(place));
    let outcomes: Vec<_> = secrets.delete_all(names).collect().await;
    let failed = outcomes.iter().filter_map(|it| it.result.as_ref().err());
    let applied: Vec<_> = failed.map(octoseal::Error::applied).collect();
    assert_eq!(applied, [Applied::Unknown]);

    // A refusal is marked as well.
    let client = octoseal_tests::client(&github);
    let error = client.delete_org_secret("acme", "NONE").await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    github.inject(silent().times(1));
    let error = client.delete_org_secret("acme", "NONE").await.unwrap_err();
    assert_eq!(error.applied(), Applied::Unknown, "{error}");
}
