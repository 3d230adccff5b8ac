//! Memory stays flat however long a batch is. In a binary of its own, since it counts what is allocated.

use allocation_counter::measure;
use octoseal::{Visibility, limits::Pacing, secrets::NewSecret};
use octoseal_mock::Fault;
use octoseal_tests::{ACME, acme, builder, scope};

/// The most bytes that were allocated at once while so many secrets were stored from a stream.
fn peak(secrets: usize) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    // The stand-in's clock must begin on the paused one.
    let github = runtime.block_on(async { acme() });
    github.configure(|settings| settings.remembered_requests = 0);
    // Boxes are not opened, which would take most of the time here.
    runtime.block_on(async { github.inject(Fault::reply(204, "").on("PUT").always()) });
    let client = builder(&github)
        .pacing(Pacing::concurrency_only())
        .build()
        .unwrap();
    let used = measure(|| {
        runtime.block_on(async {
            let values = (0..secrets).map(|n| {
                NewSecret::new(format!("KEY_{n}"), vec![n as u8; 64]).access(Visibility::Private)
            });
            let mut outcomes = client.secrets(scope(ACME)).put_all(values);
            let mut stored = 0;
            while let Some(outcome) = outcomes.next().await {
                outcome.result.unwrap();
                stored += 1;
            }
            assert_eq!(stored, secrets);
        });
    });
    used.bytes_max
}

#[test]
fn a_hundred_thousand_secrets_take_no_more_than_twice_the_memory_of_a_thousand() {
    peak(100);
    let (few, many) = (peak(1_000), peak(100_000));
    println!("peak of 1,000 secrets: {few} bytes, of 100,000: {many} bytes");
    assert!(few > 10 * 1024, "nothing was counted");
    assert!(many <= 2 * few, "{many} bytes instead of {few}");
}
