//! What the workspace takes from others stands in ARCHITECTURE.md, with its reason.

use std::collections::BTreeSet;

use crate::support::here;
use toml_edit::DocumentMut;

#[test]
fn every_dependency_stands_in_architecture_md() {
    let tree = here();
    let manifest: DocumentMut = tree.read("Cargo.toml").unwrap().parse().unwrap();
    let architecture = tree.read("ARCHITECTURE.md").unwrap();
    let (_, dependencies) = architecture.split_once("## Dependencies").unwrap();
    let words: BTreeSet<_> = dependencies
        .split(|c: char| !(c.is_alphanumeric() || "-_".contains(c)))
        .collect();
    let all = manifest["workspace"]["dependencies"].as_table().unwrap();
    let others: Vec<_> = all
        .iter()
        .filter(|(_, dependency)| dependency.get("path").is_none())
        .map(|(name, _)| name)
        .collect();
    assert!(others.len() > 40, "{others:?}");
    let missing: Vec<_> = others
        .iter()
        .filter(|name| !words.contains(**name))
        .collect();
    assert!(
        missing.is_empty(),
        "ARCHITECTURE.md says nothing of {missing:?}"
    );
}
