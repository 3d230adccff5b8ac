//! The job by octoseal: `octoseal-job URL COUNT`.

use octoseal::{Client, Scope, Visibility, secrets::NewSecret};

type BoxError = Box<dyn std::error::Error>;

fn main() -> Result<(), BoxError> {
    let arguments: Vec<_> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(store(&arguments[1], arguments[2].parse()?))
}

async fn store(url: &str, count: usize) -> Result<(), BoxError> {
    let github = Client::builder()
        .base_url(url)
        .token("a-token")
        .pacing(octoseal::limits::Pacing::concurrency_only())
        .build()?;
    let scope: Scope = "actions:org/acme".parse()?;
    let secrets = (0..count).map(|n| (format!("SECRET_{}", n % 1_000), format!("{n:064}")));
    let secrets = secrets.map(|pair| NewSecret::from(pair).access(Visibility::Private));
    let mut outcomes = github.secrets(scope).put_all(secrets);
    while let Some(outcome) = outcomes.next().await {
        outcome.result?;
    }
    Ok(())
}
