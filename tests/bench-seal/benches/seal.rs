//! Seals 1 B, 64 B, 4 KiB and 48 KiB with ours by either library, with crypto_box, dryoc and C libsodium, reads a key,
//! and prints the ratios.
//!
//! crypto_box is measured with the `precomputed-tables` that ours switches on for both: one build has one
//! curve25519-dalek. Alone, without them, it takes 1.7 times C's time at 64 B.

use criterion::{BenchmarkId, Criterion};
use crypto_box::aead::OsRng;
use octoseal_sealing::{OVERHEAD, PublicKey, SealedBox, SecretKey};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

const LENGTHS: [usize; 4] = [1, 64, 4 << 10, 48 << 10];

/// The name of a contestant, and how it seals a message to a key.
type Contestant = (&'static str, fn(&PublicKey, &[u8]) -> Vec<u8>);

const CONTESTANTS: [Contestant; 5] = [
    ("libsodium", libsodium),
    ("aws-lc-rs", |key, message| key.seal(message).into_bytes()),
    ("portable", portable),
    ("crypto_box", |key, message| {
        crypto_box::PublicKey::from(*key.as_bytes())
            .seal(&mut OsRng, message)
            .expect("seals")
    }),
    ("dryoc", |key, message| {
        let mut sealed = vec![0; message.len() + OVERHEAD];
        dryoc::classic::crypto_box::crypto_box_seal(&mut sealed, message, key.as_bytes())
            .expect("seals");
        sealed
    }),
];

fn portable(key: &PublicKey, message: &[u8]) -> Vec<u8> {
    static READ: OnceLock<octoseal_sealing_portable::PublicKey> = OnceLock::new();
    let read = || octoseal_sealing_portable::PublicKey::from_bytes(*key.as_bytes());
    let key = READ.get_or_init(|| read().expect("a key"));
    key.seal(message).into_bytes()
}

fn libsodium(key: &PublicKey, message: &[u8]) -> Vec<u8> {
    let mut sealed = vec![0; message.len() + OVERHEAD];
    // SAFETY: the output is longer than the message by what crypto_box_seal adds, the key has 32 bytes.
    let refused = unsafe {
        libsodium_sys::crypto_box_seal(
            sealed.as_mut_ptr(),
            message.as_ptr(),
            message.len() as u64,
            key.as_bytes().as_ptr(),
        )
    };
    assert_eq!(refused, 0);
    sealed
}

fn main() {
    // SAFETY: may be called at any time, from any thread.
    assert!(unsafe { libsodium_sys::sodium_init() } >= 0);
    let recipient = SecretKey::generate();
    let key = recipient.public_key();

    let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join("criterion");
    let mut criterion = Criterion::default()
        .output_directory(&results)
        .measurement_time(Duration::from_secs(3))
        .warm_up_time(Duration::from_secs(1))
        // Many short samples, so that some fall between the interruptions of a busy machine.
        .sample_size(1000)
        .nresamples(1001)
        .without_plots()
        .configure_from_args();
    for length in LENGTHS {
        let message = vec![0x5a; length];
        let mut group = criterion.benchmark_group("seal");
        for (name, seal) in CONTESTANTS {
            // A time means nothing unless the box is right.
            let sealed = SealedBox::from_bytes(seal(&key, &message)).expect("a box");
            assert_eq!(*recipient.open(&sealed).expect("opens"), message, "{name}");
            group.bench_function(BenchmarkId::new(name, length), |bencher| {
                bencher.iter(|| seal(std::hint::black_box(&key), &message));
            });
        }
        group.finish();
    }
    let mut group = criterion.benchmark_group("read");
    group.bench_function("aws-lc-rs", |bencher| {
        bencher.iter(|| PublicKey::from_bytes(std::hint::black_box(*key.as_bytes())));
    });
    group.bench_function("portable", |bencher| {
        let key = std::hint::black_box(*key.as_bytes());
        bencher.iter(|| octoseal_sealing_portable::PublicKey::from_bytes(key));
    });
    group.finish();
    print_ratios(&results);
}

/// The fastest sample of each, since noise only ever adds, and its ratio to C libsodium's.
fn print_ratios(results: &Path) {
    println!(
        "\n{:<12}{}",
        "fastest",
        LENGTHS.map(|it| format!("{it:>22} B")).join("")
    );
    for (name, _) in CONTESTANTS {
        print!("{name:<12}");
        for length in LENGTHS {
            match (
                fastest(results, &format!("seal/{name}/{length}")),
                fastest(results, &format!("seal/libsodium/{length}")),
            ) {
                (Some(this), Some(c)) => print!("{:>12.1} µs  ×{:>6.2}", this / 1e3, this / c),
                _ => print!("{:>24}", "not measured"),
            }
        }
        println!();
    }
    for name in ["aws-lc-rs", "portable"] {
        if let Some(read) = fastest(results, &format!("read/{name}")) {
            println!("reading a key, {name:<12}{:>9.1} µs", read / 1e3);
        }
    }
}

/// Nanoseconds a call, from what criterion wrote down.
fn fastest(results: &Path, bench: &str) -> Option<f64> {
    let file = results.join(bench).join("new/sample.json");
    let sample: serde_json::Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    let numbers = |field: &str| -> Option<Vec<f64>> {
        sample[field]
            .as_array()?
            .iter()
            .map(|it| it.as_f64())
            .collect()
    };
    let (iterations, times) = (numbers("iters")?, numbers("times")?);
    iterations
        .iter()
        .zip(times)
        .map(|(iterations, time)| time / iterations)
        .min_by(f64::total_cmp)
}
