//! Which workspace the machine works on: the one it is run in, wherever it was compiled.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::{Workshop, here};
use xtask::tree::README;

/// `cargo xtask codegen --check`, run in a folder.
fn check(folder: &Path, variables: &[(&str, &Path)]) -> (bool, String) {
    let Output { status, stderr, .. } = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["codegen", "--check"])
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("CARGO_PKG_NAME")
        .envs(variables.iter().copied())
        .current_dir(folder)
        .output()
        .unwrap();
    (
        status.success(),
        String::from_utf8_lossy(&stderr).into_owned(),
    )
}

/// A workspace other than the one that the machine was compiled in, with a stale file.
fn stale() -> Workshop {
    let workshop = Workshop::new();
    workshop.file("Cargo.toml", here().read("Cargo.toml").unwrap());
    workshop.edit(README, "`codespaces:user` (9)", "`codespaces:user` (8)");
    workshop
}

#[test]
fn the_machine_works_on_the_workspace_that_it_is_run_in() {
    let workshop = stale();
    for folder in ["", "openapi", "codegen/src"] {
        let (passed, told) = check(&workshop.tree.root().join(folder), &[]);
        assert!(!passed && told.contains("stale: README.md"), "{told}");
    }
}

#[test]
fn the_workspace_that_cargo_runs_the_machine_of_comes_first() {
    let (workshop, elsewhere) = (stale(), tempfile::tempdir().unwrap());
    let package = workshop.tree.root().join("xtask");
    let ours = [
        ("CARGO_PKG_NAME", Path::new("xtask")),
        ("CARGO_MANIFEST_DIR", &package),
    ];
    for folder in [elsewhere.path(), here().root()] {
        let (passed, told) = check(folder, &ours);
        assert!(!passed && told.contains("stale: README.md"), "{told}");
    }
    // A shell that another package's program started has that package's variables.
    let others = [
        ("CARGO_PKG_NAME", Path::new("other")),
        ("CARGO_MANIFEST_DIR", &package),
    ];
    let (passed, told) = check(here().root(), &others);
    assert!(passed, "{told}");
}

#[test]
fn outside_of_every_workspace_the_machine_says_so() {
    let elsewhere = tempfile::tempdir().unwrap();
    let (passed, told) = check(elsewhere.path(), &[]);
    assert!(
        !passed && told.contains("no workspace of Octoseal's"),
        "{told}"
    );
}
