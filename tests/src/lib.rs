//! What the outside-in tests share: a stand-in GitHub with an organization, and a client of it.

pub mod ledger;
pub mod rsa;

use octoseal::{Client, ClientBuilder, Scope, Visibility, Written};
use octoseal_mock::GitHub;

/// The scope that most tests use.
pub const ACME: &str = "actions:org/acme";

/// A stand-in that has the organization `acme` with the repositories `api`, `web` and `docs`.
pub fn acme() -> GitHub {
    let github = GitHub::new();
    github.add_organization("acme");
    for repository in ["api", "web", "docs"] {
        github.add_repository("acme", repository);
    }
    github
}

/// A builder of clients of a stand-in in this process.
pub fn builder(github: &GitHub) -> ClientBuilder {
    Client::builder()
        .token("test-token")
        .transport(github.clone())
}

/// A client of a stand-in in this process.
pub fn client(github: &GitHub) -> Client {
    builder(github)
        .build()
        .expect("a token and a stand-in are all a client needs")
}

/// A client of a stand-in over sockets.
pub fn over_sockets(url: &str) -> Client {
    Client::builder()
        .token("test-token")
        .base_url(url)
        .build()
        .expect("loopback is allowed")
}

/// Parses a scope that the test knows to be right.
pub fn scope(text: &str) -> Scope {
    text.parse().expect("a scope")
}

/// Stores a secret in acme's Actions secrets, for private repositories.
pub async fn put(client: &Client, name: &str, value: &str) -> Result<Written, octoseal::Error> {
    client
        .create_or_update_org_secret("acme", name)
        .value(value)
        .visibility(Visibility::Private)
        .send()
        .await
}
