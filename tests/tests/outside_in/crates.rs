//! What a user of `octoseal` compiles: a feature that is left out costs no crate.

use std::collections::BTreeSet;
use std::process::Command;

/// The crates that these features of `octoseal` need beside its default ones, by name and version, its own among them.
fn crates(features: &[&str]) -> BTreeSet<String> {
    tree(&[&format!("--features={}", features.join(","))])
}

fn tree(selection: &[&str]) -> BTreeSet<String> {
    tree_of("octoseal", selection)
}

fn tree_of(package: &str, selection: &[&str]) -> BTreeSet<String> {
    let told = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--package", package])
        .args(["--edges", "normal", "--prefix", "none", "--no-dedupe"])
        .args(selection)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(told.status.success(), "{told:?}");
    let name_and_version = |line: &str| {
        let mut words = line.split(' ').take(2);
        Some(format!("{} {}", words.next()?, words.next()?))
    };
    let text = String::from_utf8(told.stdout).unwrap();
    text.lines().filter_map(name_and_version).collect()
}

/// How many crates a feature adds, which must include that of this name.
fn added(feature: &str, name: &str) -> usize {
    let (without, with) = (crates(&[]), crates(&[feature]));
    assert!(without.is_subset(&with));
    let added: Vec<_> = with.difference(&without).collect();
    let named = |it: &&String| it.starts_with(&format!("{name} "));
    let there = added.iter().any(named);
    assert!(there, "{name} is there without `{feature}`");
    added.len()
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn features_that_are_left_out_cost_no_crate_and_each_costs_what_architecture_md_says() {
    let said = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../ARCHITECTURE.md"));
    let said = said.unwrap();
    let default = format!("\n{} crates, its own three among them", crates(&[]).len());
    assert!(said.contains(&default), "it is {}", default.trim());
    for (feature, name) in [
        ("app", "jsonwebtoken"),
        ("metrics", "metrics"),
        ("secrecy", "secrecy"),
    ] {
        let number = added(feature, name);
        let words = format!("(feature `{feature}`)");
        let row = said.lines().find(|line| line.contains(&words));
        let cell = format!(" | {number} | ");
        assert!(
            row.unwrap().contains(&cell),
            "`{feature}` adds {number} crates"
        );
    }
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn processes_that_share_no_limits_need_no_crate_of_redis() {
    let (alone, shared) = (tree(&["--all-features"]), tree_of("octoseal-redis", &[]));
    let name = |it: &String| it.split(' ').next().unwrap().to_owned();
    let alone: BTreeSet<_> = alone.iter().map(name).collect();
    let added: Vec<_> = shared.iter().map(name).collect();
    let added: Vec<_> = added.iter().filter(|it| !alone.contains(*it)).collect();
    assert!(!alone.iter().any(|it| it.contains("redis")), "{alone:?}");
    let said = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../ARCHITECTURE.md"));
    let said = said.unwrap();
    let row = said.lines().find(|line| line.starts_with("| redis |"));
    // Beside the package itself.
    let cell = format!(" | {} | ", added.len() - 1);
    assert!(row.unwrap().contains(&cell), "redis brings {added:?}");
}

#[test]
fn aws_lc_comes_with_rustls_alone_and_curve25519_dalek_with_the_other_features() {
    let has = |crates: &BTreeSet<String>, name: &str| {
        let name = format!("{name} ");
        crates.iter().any(|it| it.starts_with(&name))
    };
    let default = crates(&[]);
    assert!(has(&default, "aws-lc-rs") && !has(&default, "curve25519-dalek"));
    for feature in ["rustls-no-provider", "native-tls", "crypto_box"] {
        let features = format!("--features={feature}");
        let crates = tree(&["--no-default-features", &features]);
        assert!(has(&crates, "curve25519-dalek"), "{feature}");
        for provider in ["aws-lc-rs", "aws-lc-sys", "ring"] {
            assert!(!has(&crates, provider), "{feature} brings {provider}");
        }
    }
}
