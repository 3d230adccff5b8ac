//! Two processes that call as one user, and keep GitHub's limits together.
//!
//! ```text
//! cargo run -p octoseal-redis --example two_processes
//! ```
//!
//! It starts a stand-in GitHub with the documented limits, and itself twice. `REDIS_URL` names the store, unless that is
//! `redis://127.0.0.1:6379/`.

use std::error::Error;
use std::process::{Child, Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use octoseal::limits::{Exchange, Identity, Ledger};
use octoseal::observe::Event;
use octoseal::{ClientBuilder, Scope, Visibility, secrets::NewSecret};
use octoseal_mock::{GitHub, Limits};
use octoseal_redis::RedisLedger;

type BoxError = Box<dyn Error + Send + Sync>;

/// Secrets of each process: together more than GitHub lets one user store in a minute, which is 180.
const SECRETS: usize = 100;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing_subscriber::filter::LevelFilter::INFO)
        .init();
    let words: Vec<_> = std::env::args().skip(1).collect();
    let done = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => both().await,
        [fleet, process, secrets] => store(fleet, process, secrets).await,
        _ => Err("no arguments, or those of one process: FLEET PROCESS SECRETS".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Starts the stand-in and both processes.
async fn both() -> Result<(), BoxError> {
    let fleet = format!("example-{}", std::process::id());
    if let Err(why) = ledger(&fleet)?
        .exchange(Identity::named("nobody"), &Exchange::default())
        .await
    {
        let help = "start one with `redis-server --port 6379`, or name another by REDIS_URL";
        return Err(format!("no Redis at {}: {why}\n{help}", address()).into());
    }
    let github = GitHub::new();
    github.add_organization("acme");
    github.set_limits(Some(Limits::documented()));
    github.set_latency(Duration::from_millis(40));
    let server = github.serve();
    println!(
        "Two processes store {SECRETS} secrets each, which takes a minute: GitHub lets one user store 180 in one."
    );
    let mut processes = Vec::new();
    for process in ["ONE", "TWO"] {
        let program = std::env::current_exe()?;
        let mut started = Command::new(program);
        started.args([&fleet, process, &SECRETS.to_string()]);
        started.env("GITHUB_API_URL", server.url());
        processes.push(Running(started.env("GITHUB_TOKEN", "one-user").spawn()?));
    }
    for mut process in processes {
        let ended = tokio::task::spawn_blocking(move || process.0.wait()).await??;
        if !ended.success() {
            return Err("one of the processes failed".into());
        }
    }
    println!("GitHub refused {} of their requests.", github.refusals());
    Ok(())
}

/// One of the processes: stores so many secrets, whose names begin with its own.
async fn store(fleet: &str, process: &str, secrets: &str) -> Result<(), BoxError> {
    let secrets: usize = secrets.parse()?;
    let name = process.to_owned();
    let github = ClientBuilder::from_env()
        .share_limits_through(Arc::new(ledger(fleet)?))
        .observer(move |event| {
            if let Event::Wait(wait) = event
                && wait.duration > Duration::from_secs(5)
            {
                let (time, reason) = (wait.duration.as_secs(), wait.reason.as_str());
                println!("{name}: waits {time} s for {reason}");
            }
        })
        .build()?;
    let began = Instant::now();
    let acme: Scope = "actions:org/acme".parse()?;
    let secret = |n| {
        let name = format!("{process}_{n}");
        NewSecret::new(name, format!("value {n}")).access(Visibility::Private)
    };
    let all: Vec<_> = (0..secrets).map(secret).collect();
    let mut outcomes = github.secrets(acme).put_all(all);
    while let Some(outcome) = outcomes.next().await {
        outcome.result?;
    }
    let taken = began.elapsed().as_secs_f64();
    println!("{process}: stored {secrets} secrets in {taken:.1} s");
    Ok(())
}

fn ledger(fleet: &str) -> Result<RedisLedger, BoxError> {
    // A prefix of its own, so that what earlier runs used up at their stand-ins does not count.
    Ok(RedisLedger::new(&address())?.prefix(fleet))
}

fn address() -> String {
    let set = std::env::var("REDIS_URL").ok();
    set.unwrap_or_else(|| "redis://127.0.0.1:6379/".to_owned())
}

/// A process that ends with this one.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}
