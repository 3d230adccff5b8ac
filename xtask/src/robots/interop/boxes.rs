//! Boxes both ways: sealed here and opened there, sealed there and opened here.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use octoseal_sealing::{SealedBox, SecretKey};

use super::driver::{Call, Reply, ask};

/// A message, and the key pair that it is sealed to.
struct Round {
    message: Vec<u8>,
    secret: [u8; 32],
    key: SecretKey,
    ours: SealedBox,
}

/// Tries a library in every round. Gives its version, or the first failure.
pub(super) fn prove(driver: &mut Command, random_rounds: usize) -> Result<String> {
    let rounds = rounds(random_rounds)?;
    let calls: Vec<Call> = rounds.iter().flat_map(calls).collect();
    let (version, replies) = ask(driver, &calls)?;
    for (round, replies) in rounds.iter().zip(replies.chunks(CALLS_PER_ROUND)) {
        check(round, replies)
            .with_context(|| format!("a message of {} bytes", round.message.len()))?;
    }
    Ok(version)
}

/// The number of messages beside the random ones.
pub(super) const FIXED: usize = 5;

/// All messages: the likeliest to fail first, then random ones.
fn rounds(random_rounds: usize) -> Result<Vec<Round>> {
    let fixed: [Vec<u8>; FIXED] = [
        Vec::new(),
        b"correct horse battery staple".to_vec(),
        "žluťoučký kůň 🐴 \u{feff}\r\n".into(),
        (0..=255).collect(),
        random(48 << 10)?,
    ];
    let mut messages = Vec::from(fixed);
    for _ in 0..random_rounds {
        let length = usize::from(u16::from_le_bytes(
            random(2)?.try_into().unwrap_or_default(),
        ));
        messages.push(random(length % 2048)?);
    }
    messages
        .into_iter()
        .map(|message| {
            let secret = random(32)?.try_into().unwrap_or_default();
            let key = SecretKey::from_bytes(secret);
            let ours = key.public_key().seal(&message);
            Ok(Round {
                message,
                secret,
                key,
                ours,
            })
        })
        .collect()
}

fn random(length: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).context("no random bytes")?;
    Ok(bytes)
}

/// The number of calls in a round.
const CALLS_PER_ROUND: usize = 3;

fn calls(round: &Round) -> [Call; CALLS_PER_ROUND] {
    let public = round.key.public_key().as_bytes().to_vec();
    let secret = round.secret.to_vec();
    let sealed = round.ours.as_bytes().to_vec();
    // A driver that opens everything would prove nothing: it must refuse this one.
    let mut spoiled = sealed.clone();
    spoiled[32] ^= 1;
    [
        Call::Seal {
            public: public.clone(),
            message: round.message.clone(),
        },
        Call::Open {
            public: public.clone(),
            secret: secret.clone(),
            sealed,
        },
        Call::Open {
            public,
            secret,
            sealed: spoiled,
        },
    ]
}

fn check(round: &Round, replies: &[Reply]) -> Result<()> {
    let [theirs, opened_there, spoiled] = replies else {
        anyhow::bail!("{} replies to {CALLS_PER_ROUND} calls", replies.len());
    };
    let opened_there = opened_there.bytes().context("ours does not open there")?;
    ensure!(
        opened_there == round.message,
        "ours opens there as something else"
    );
    let theirs = SealedBox::from_bytes(theirs.bytes().context("it does not seal")?)
        .context("what it sealed")?;
    let opened_here = round
        .key
        .open(&theirs)
        .context("theirs does not open here")?;
    ensure!(
        *opened_here == round.message,
        "theirs opens here as something else"
    );
    ensure!(matches!(spoiled, Reply::Error(_)), "it opens a spoiled box");
    Ok(())
}
