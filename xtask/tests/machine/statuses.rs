//! What the program's exit status says.

use std::process::Command;

use crate::support::{fragment, here};
use serde_json::{Value, json};

fn status(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(arguments)
        .current_dir(here().root())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8(said).unwrap(),
    )
}

/// The status of a comparison of the fixture with what it becomes.
fn compared(change: impl FnOnce(&mut Value), more: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, description: &Value| {
        let path = folder.path().join(name);
        std::fs::write(&path, description.to_string()).unwrap();
        path.display().to_string()
    };
    let mut description = fragment();
    let base = file("base.json", &description);
    change(&mut description);
    let from = file("from.json", &description);
    let fixed = ["diff", "--offline", "--base", &base, "--from", &from];
    status(&[&fixed, more].concat())
}

#[test]
fn a_diff_says_by_its_status_whom_it_breaks_if_it_is_asked_to() {
    let nothing = |_: &mut Value| {};
    let low_level = |d: &mut Value| {
        let path = "/repos/{owner}/{repo}/agents/variables/{name}";
        d["paths"][path]
            .as_object_mut()
            .unwrap()
            .remove("delete")
            .unwrap();
    };
    let public = |d: &mut Value| {
        let path = "/orgs/{org}/actions/secrets/{secret_name}";
        d["paths"][path]
            .as_object_mut()
            .unwrap()
            .remove("delete")
            .unwrap();
    };
    let exit_code = &["--exit-code"];
    assert_eq!(compared(nothing, exit_code).0, 0);
    let (status, said) = compared(low_level, exit_code);
    assert_eq!(status, 3, "{said}");
    assert_eq!(compared(public, exit_code).0, 4);
    for form in ["--json", "--markdown"] {
        assert_eq!(compared(public, &["--exit-code", form]).0, 4);
    }
    assert_eq!(compared(public, &[]).0, 0, "not asked");
    assert_eq!(compared(|d| d["openapi"] = json!("3.1.0"), exit_code).0, 1);
}

#[test]
fn arguments_that_mean_nothing_have_a_status_of_their_own_and_the_help_and_the_guide_tell_all() {
    assert_eq!(status(&["diff", "--exit-cod"]).0, 2);
    let (done, help) = status(&["--help"]);
    assert_eq!(done, 0);
    assert!(help.contains("Exit status: 0 done"), "{help}");
    let guide = here().read("CONTRIBUTING.md").unwrap();
    for row in ["| 0 |", "| 1 |", "| 2 |", "| 3 |", "| 4 |"] {
        assert!(guide.contains(row), "{row}");
    }
}

#[test]
fn every_command_that_would_ask_a_registry_can_be_told_not_to() {
    for command in [
        "vendor",
        "diff",
        "refresh",
        "sweep",
        "timelapse",
        "interop",
        "fuzz",
    ] {
        let (_, help) = status(&[command, "--help"]);
        assert!(help.contains("--offline"), "{command}: {help}");
    }
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().display().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["timelapse", "--offline", "2.2.1"])
        .current_dir(here().root())
        .env("npm_config_cache", empty)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("2.2.1"), "{said}");
}
