//! Other clients of GitHub, tried against the stand-in.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use super::driver::{Call, ask};
use crate::robots::stand_in::StandIn;

/// Lets a client store `values`, and compares what the stand-in has then. Gives the client's version.
pub(super) fn prove(client: &mut Command, root: &Path, values: &[Vec<u8>]) -> Result<String> {
    let mut stand_in = StandIn::start(root, &["--organization", "acme"])?;
    let name = |number: usize| format!("SECRET_{number}");
    let calls: Vec<Call> = values
        .iter()
        .enumerate()
        .map(|(number, value)| Call::Store {
            name: name(number),
            value: value.clone(),
        })
        .collect();
    client
        .args([stand_in.url.as_str(), "acme"])
        .env("GITHUB_TOKEN", &stand_in.token)
        .env("NO_PROXY", "127.0.0.1");
    let (version, replies) = ask(client, &calls)?;
    for (number, (value, reply)) in values.iter().zip(&replies).enumerate() {
        let stored = stand_in.plaintext(&name(number))?;
        ensure!(
            stored.as_deref() == Some(&*hex(value)),
            "a value of {} bytes did not arrive; the client says {reply:?}",
            value.len()
        );
        reply.text()?;
    }
    // A stand-in that claims to have every secret would pass otherwise.
    ensure!(
        stand_in.plaintext("NEVER_STORED")?.is_none(),
        "the stand-in has a secret that nobody stored"
    );
    Ok(version)
}

/// Values that are text, for clients that take no others.
pub(super) fn texts() -> Vec<Vec<u8>> {
    vec![
        b"correct horse battery staple".to_vec(),
        "žluťoučký kůň 🐴 \u{feff}\r\n".into(),
        "x".repeat(48 << 10).into_bytes(),
    ]
}

/// Values of any bytes.
pub(super) fn bytes() -> Vec<Vec<u8>> {
    let mut values = texts();
    values.push((0..=255).collect());
    values
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
