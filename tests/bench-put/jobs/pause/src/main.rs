//! How long a process's first call over TLS keeps everything else on its thread waiting, beside how long an idle thread
//! is late. Fails if that is 10 ms more.
//!
//! It tells something where AWS-LC gathers entropy from a clock's jitter:
//! `AWS_LC_SYS_NO_JITTER_ENTROPY=0 cargo run --manifest-path tests/bench-put/Cargo.toml --package pause-job`.

use std::cell::Cell;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use octoseal::{Client, RetryPolicy};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

const TICK: Duration = Duration::from_millis(1);
const MAX_PAUSE: Duration = Duration::from_millis(10);

/// Ticks while something is done, and says by how much a tick was late at most.
async fn longest_pause(done: impl Future<Output = ()>) -> Duration {
    let longest = Cell::new(Duration::ZERO);
    let ticking = async {
        loop {
            let began = Instant::now();
            sleep(TICK).await;
            longest.set(longest.get().max(began.elapsed().saturating_sub(TICK)));
        }
    };
    tokio::select! {
        biased;
        () = ticking => {}
        () = done => {}
    }
    longest.get()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // Takes what a client says first over TLS, which is random, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = silent.local_addr().expect("it is bound").port();
    let github = Client::builder()
        .token("a-token")
        .base_url(format!("https://localhost:{port}"))
        .retry(RetryPolicy::default().attempts(1))
        .build()
        .expect("a token and an address suffice");

    let idle = longest_pause(sleep(Duration::from_millis(500))).await;
    let call = async {
        let call = github.get_org_secret("acme", "KEY");
        let ended = timeout(Duration::from_millis(500), call).await;
        assert!(
            ended.is_err(),
            "the call ended before the server's first word: nothing was measured"
        );
    };
    let first = longest_pause(call).await;
    println!("longest pause: idle {idle:?}, in the first call {first:?}");
    if first > idle + MAX_PAUSE {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
