//! What the outside-in tests share: a stand-in GitHub with an organization, and a client of it.

pub mod ledger;
pub mod rsa;

use std::ffi::OsStr;
use std::process::Command;

use octoseal::{Client, ClientBuilder, Receipt, Scope, Visibility};
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
pub async fn put(client: &Client, name: &str, value: &str) -> Result<Receipt, octoseal::Error> {
    client
        .create_or_update_org_secret("acme", name)
        .value(value)
        .access(Visibility::Private)
        .send()
        .await
}

/// Runs one test of this program once more, in a process of its own: with other variables of the environment, which
/// can be set for another process only.
pub struct Rerun(Command);

impl Rerun {
    const MARK: &str = "OCTOSEAL_TEST_RERUN";

    /// Whether this is the process of its own.
    pub fn is_this() -> bool {
        std::env::var_os(Self::MARK).is_some()
    }

    /// Prepares the test of this path to run again.
    pub fn of(test: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("a test has a program"));
        command.args(["--exact", "--nocapture", test]);
        command.env(Self::MARK, "1");
        Self(command)
    }

    /// The same without a variable.
    pub fn without(mut self, variable: &str) -> Self {
        self.0.env_remove(variable);
        self
    }

    /// The same with a variable.
    pub fn with(mut self, variable: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(variable, value);
        self
    }

    /// Runs it, on a thread of its own so that servers of this process go on.
    ///
    /// # Panics
    /// If it fails, or did not run.
    pub async fn passes(mut self) {
        let ran = tokio::task::spawn_blocking(move || self.0.output()).await;
        let told = ran.expect("it ran").expect("it started");
        assert!(told.status.success(), "{told:?}");
        let said = String::from_utf8_lossy(&told.stdout);
        assert!(said.contains("1 passed"), "{said}");
    }
}
