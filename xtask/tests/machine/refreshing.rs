//! A refresh changes the tree as a whole or not at all, and says why.

use crate::support::{Workshop, fragment};
use serde_json::{Value, json};
use xtask::fetch::Wanted;
use xtask::refresh::{Options, Outcome, REPORT, refresh};
use xtask::tree::{FRAGMENT, SOURCE};

fn workshop(change: impl FnOnce(&mut Value)) -> (Workshop, Options) {
    let workshop = Workshop::new();
    std::fs::create_dir_all(workshop.tree.root().join("client/src")).unwrap();
    let mut description = fragment();
    description["info"]["version"] = json!("99.0.0");
    change(&mut description);
    let wanted = Wanted {
        from: Some(workshop.file("newer.json", description.to_string())),
        version: Some("99.0.0".to_owned()),
        offline: true,
    };
    let options = Options {
        wanted,
        version: "0.1.0".to_owned(),
        tests: vec![],
    };
    (workshop, options)
}

fn failed(workshop: &Workshop, options: &Options) -> (String, String) {
    let before = workshop.snapshot();
    let error = refresh(&workshop.tree, options).expect_err("it must fail");
    assert_eq!(workshop.snapshot(), before, "the tree changed");
    (
        format!("{error:#}"),
        workshop.tree.read(REPORT).unwrap_or_default(),
    )
}

#[test]
fn a_newer_description_is_vendored_generated_and_reported() {
    let (workshop, options) = workshop(|description| {
        let put = &mut description["paths"]["/orgs/{org}/actions/secrets/{secret_name}"]["put"];
        put["requestBody"]["content"]["application/json"]["schema"]["required"] =
            json!(["visibility", "key_id"]);
    });
    let outcome = refresh(&workshop.tree, &options).unwrap();
    assert!(matches!(outcome, Outcome::Refreshed(_)));
    assert!(
        workshop
            .tree
            .read(SOURCE)
            .unwrap()
            .contains("version = \"99.0.0\"")
    );
    assert!(
        workshop
            .tree
            .read(FRAGMENT)
            .unwrap()
            .contains("\"version\": \"99.0.0\"")
    );
    let report = workshop.tree.read(REPORT).unwrap();
    assert!(
        report.starts_with("## GitHub's description 23.0.2 to 99.0.0\n"),
        "{report}"
    );
    assert!(report.contains("body.key_id: required now"), "{report}");
    assert!(report.contains("Generated; no tests were run."), "{report}");
}

#[test]
fn the_pinned_version_is_nothing_to_do() {
    let (workshop, mut options) = workshop(|_| {});
    let pinned = xtask::source::Source::parse(&workshop.tree.read(SOURCE).unwrap())
        .unwrap()
        .package
        .version;
    options.wanted.version = Some(pinned.clone());
    let before = workshop.snapshot();
    assert!(
        matches!(refresh(&workshop.tree, &options).unwrap(), Outcome::Newest(version) if version == pinned)
    );
    assert_eq!(workshop.snapshot(), before);
}

#[test]
fn a_description_that_lacks_a_kept_operation_leaves_the_tree_and_says_which() {
    let (workshop, options) = workshop(|description| {
        description["paths"]
            .as_object_mut()
            .unwrap()
            .remove("/user/codespaces/secrets");
    });
    let (error, report) = failed(&workshop, &options);
    assert!(
        error.contains("vendoring fails")
            && error.contains("codespaces/list-secrets-for-authenticated-user"),
        "{error}"
    );
    assert!(
        report.contains("Failed; the tree is as it was") && report.contains(&error),
        "{report}"
    );
}

#[test]
fn generation_that_fails_leaves_the_tree_and_says_why() {
    let (workshop, options) = workshop(|description| {
        description["components"]["parameters"]["per-page"]["in"] = json!("cookie");
    });
    let (error, report) = failed(&workshop, &options);
    assert!(
        error.contains("generation fails") && report.contains("cookie"),
        "{error}"
    );
}

#[test]
fn tests_that_fail_leave_the_tree_and_are_in_the_report() {
    let (workshop, mut options) = workshop(|_| {});
    // There is no workspace in the workshop to test.
    options.tests = vec!["test".to_owned()];
    let (error, report) = failed(&workshop, &options);
    assert!(error.contains("the tests fail"), "{error}");
    assert!(report.contains("Cargo.toml"), "{report}");
}

#[test]
fn a_rehearsal_forgets_files_that_the_tree_has_no_more() {
    let (workshop, options) = workshop(|_| {});
    let stale = workshop
        .tree
        .root()
        .join("target/refresh/codegen/src/stale.rs");
    std::fs::create_dir_all(stale.parent().unwrap()).unwrap();
    std::fs::write(&stale, "not Rust").unwrap();
    refresh(&workshop.tree, &options).unwrap();
    assert!(!stale.exists());
}
