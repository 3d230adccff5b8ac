//! The time of 1,000 puts of 64 bytes, sealed and sent.
//!
//! Over loopback this is the CPU time of the client's thread, without the stand-in's (on Linux; elsewhere the elapsed
//! time). In process it includes the stand-in, which opens no boxes.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use octoseal::{Client, ClientBuilder, Scope, Visibility, limits::Pacing, secrets::NewSecret};
use octoseal_mock::{Fault, GitHub};
use tokio::runtime::{Builder, Runtime};

const PUTS: usize = 1_000;

/// The CPU time of this thread, where the system tells it.
fn cpu_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = text.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

/// The CPU time that `run` takes of this thread, or else the elapsed time.
fn time_of(run: impl FnOnce()) -> Duration {
    let (began, before) = (Instant::now(), cpu_time());
    run();
    match before.zip(cpu_time()) {
        Some((before, after)) => after - before,
        None => began.elapsed(),
    }
}

fn stand_in() -> GitHub {
    let github = GitHub::new();
    github.add_organization("acme");
    github.configure(|settings| {
        settings.count_limits = false;
        settings.keep_secrets = false;
        settings.remembered_requests = 0;
    });
    github
}

fn client(builder: ClientBuilder) -> Client {
    let builder = builder.token("a-token").pacing(Pacing::concurrency_only());
    builder.build().expect("the settings are right")
}

fn put_all(runtime: &Runtime, client: &Client) {
    let scope: Scope = "actions:org/acme".parse().expect("a scope");
    let value = [7; 64];
    let batch = (0..PUTS)
        .map(move |n| NewSecret::new(format!("KEY_{n}"), &value).access(Visibility::Private));
    runtime.block_on(async {
        let mut outcomes = client.secrets(scope).put_all(batch);
        while let Some(outcome) = outcomes.next().await {
            outcome.result.expect("the stand-in accepts it");
        }
    });
}

fn puts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("1,000 puts of 64 bytes");
    group
        .throughput(Throughput::Elements(PUTS as u64))
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(5));
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");

    let github = stand_in();
    let server = github.serve();
    let over_loopback = client(Client::builder().base_url(server.url()));
    group.bench_function("client's CPU over loopback", |bencher| {
        bencher.iter_custom(|times| {
            time_of(|| (0..times).for_each(|_| put_all(&runtime, &over_loopback)))
        });
    });

    let github = stand_in();
    github.inject(Fault::reply(204, "").on("PUT").always());
    let in_process = client(Client::builder().transport(github.clone()));
    group.bench_function("in process", |bencher| {
        bencher.iter_custom(|times| {
            time_of(|| (0..times).for_each(|_| put_all(&runtime, &in_process)))
        });
    });
    group.finish();
}

criterion_group!(benches, puts);
criterion_main!(benches);
