//! A refresh changes the tree as a whole or not at all, and says why.

use crate::support::{Workshop, fragment, source, wanted};
use serde_json::{Value, json};
use xtask::description::source::{Source, with_package};
use xtask::refresh::{Options, Outcome, REPORT, refresh};
use xtask::tree::{FRAGMENT, README, SOURCE};
use xtask::vendor::npm;

fn workshop(change: impl FnOnce(&mut Value)) -> (Workshop, Options) {
    in_workshop(Workshop::new(), change)
}

fn in_workshop(workshop: Workshop, change: impl FnOnce(&mut Value)) -> (Workshop, Options) {
    std::fs::create_dir_all(workshop.tree.root().join("client/src")).unwrap();
    let mut description = fragment();
    description["info"]["version"] = json!("99.0.0");
    change(&mut description);
    let file = workshop.file("newer.json", description.to_string());
    let options = Options {
        wanted: wanted(file, "99.0.0"),
        version: "0.1.0".to_owned(),
        tests: vec![],
        accept_losses: false,
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
    // These tests are run by the refresh to the next version too, over that version's fragment.
    let pinned = pin(&Workshop::new());
    for version in [pinned.as_str(), "98.7.6"] {
        let workshop = Workshop::new();
        let (old, new) = (said("version", &pinned), said("version", version));
        workshop.edit(SOURCE, &old.0, &new.0);
        workshop.edit(FRAGMENT, &old.1, &new.1);
        a_newer_description_is_reported_over(workshop, version);
    }
}

/// How `source.toml` and a description write a string.
fn said(key: &str, value: &str) -> (String, String) {
    (
        format!("{key} = \"{value}\""),
        format!("\"{key}\": \"{value}\""),
    )
}

fn pin(workshop: &Workshop) -> String {
    let text = workshop.tree.read(SOURCE).unwrap();
    Source::parse(&text).unwrap().package.version
}

fn a_newer_description_is_reported_over(workshop: Workshop, version: &str) {
    let (workshop, options) = in_workshop(workshop, |description| {
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
        report.starts_with(&format!("## GitHub's description {version} to 99.0.0\n")),
        "{report}"
    );
    assert!(report.contains("body.key_id: required now"), "{report}");
    assert!(report.contains("Generated; no tests were run."), "{report}");
}

#[test]
fn the_pinned_version_is_nothing_to_do_unless_its_content_is_another() {
    let (workshop, mut options) = workshop(|_| {});
    let pinned = pin(&workshop);
    options.wanted.version = Some(pinned.clone());
    let (error, _) = failed(&workshop, &options);
    assert!(
        error.contains("newer.json") && error.contains("pinned with another content"),
        "{error}"
    );

    let text = workshop.tree.read(SOURCE).unwrap();
    let mut package = Source::parse(&text).unwrap().package;
    package.sha256 = npm::sha256(&std::fs::read(options.wanted.from.as_ref().unwrap()).unwrap());
    workshop.file(SOURCE, with_package(&text, &package).unwrap());
    let before = workshop.snapshot();
    for from in [options.wanted.from.clone(), None] {
        options.wanted.from = from;
        let outcome = refresh(&workshop.tree, &options).unwrap();
        assert!(matches!(outcome, Outcome::Pinned(version) if version == pinned));
    }
    assert_eq!(workshop.snapshot(), before);
}

#[test]
fn a_file_tells_its_version_itself_and_one_that_does_not_is_asked_for_it() {
    let (versioned, mut options) = workshop(|_| {});
    options.wanted.version = None;
    refresh(&versioned.tree, &options).unwrap();
    assert_eq!(pin(&versioned), "99.0.0");

    let (nameless, mut options) = workshop(|description| {
        description["info"]
            .as_object_mut()
            .unwrap()
            .remove("version");
    });
    options.wanted.version = None;
    let (error, report) = failed(&nameless, &options);
    assert!(error.contains("`--version X`"), "{error}");
    assert!(report.contains(&error), "{report}");
}

#[test]
fn what_fails_before_anything_is_known_is_reported_too_and_no_old_report_survives() {
    let (workshop, mut options) = workshop(|_| {});
    let pinned = pin(&workshop);
    let report = workshop.tree.root().join(REPORT);
    std::fs::create_dir_all(report.parent().unwrap()).unwrap();
    std::fs::write(&report, "last week's").unwrap();
    options.wanted.from = Some(workshop.file("newer.json", "[]"));
    let (error, told) = failed(&workshop, &options);
    assert!(error.contains("not a JSON object"), "{error}");
    assert!(
        told.starts_with("## ") && told.contains(&error) && !told.contains("last week's"),
        "{told}"
    );

    options.wanted.version = Some(pinned);
    options.wanted.from = None;
    refresh(&workshop.tree, &options).unwrap();
    assert!(!report.exists(), "nothing was done, and nothing is told");
}

#[test]
fn a_file_that_is_edited_during_the_rehearsal_is_not_overwritten() {
    let (workshop, mut options) = workshop(|_| {});
    // The tests of this workspace edit the front page of the tree that they were copied from.
    let readme = workshop.tree.root().join(README);
    let edit = format!("#[test] fn edits() {{ std::fs::write({readme:?}, \"edited\").unwrap(); }}");
    let package = "[package]\nname = \"edits\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    workshop.file("Cargo.toml", package);
    std::fs::create_dir_all(workshop.tree.root().join("src")).unwrap();
    workshop.file("src/lib.rs", edit);
    options.tests = vec!["test".to_owned(), "--lib".to_owned()];
    let fragment = workshop.tree.read(FRAGMENT).unwrap();
    let error = refresh(&workshop.tree, &options).unwrap_err().to_string();
    assert!(
        error.contains("README.md was edited during the rehearsal"),
        "{error}"
    );
    assert_eq!(workshop.tree.read(README).unwrap(), "edited");
    assert_eq!(workshop.tree.read(FRAGMENT).unwrap(), fragment);
    let report = workshop.tree.read(REPORT).unwrap();
    assert!(report.contains("Failed; the tree is as it was"), "{report}");
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

#[test]
fn a_description_in_which_more_is_gone_than_github_takes_back_stops_first_and_goes_on_when_told() {
    let losses: [fn(&str) -> bool; 3] = [
        |path| path.contains("/agents/"),
        |path| path.starts_with("/user/codespaces"),
        |path| path.len() % 5 < 2,
    ];
    for lost in losses {
        let (workshop, mut options) = workshop(|description| {
            let paths = description["paths"].as_object_mut().unwrap();
            paths.retain(|path, _| !lost(path));
        });
        let (error, report) = failed(&workshop, &options);
        assert!(
            error.contains("more likely to be broken than true")
                && error.contains("`--accept-losses`"),
            "{error}"
        );
        assert!(!error.contains('\n'), "{error}");
        let told = report.lines().nth(2).unwrap();
        assert!(told.contains("operations kept are gone"), "{report}");
        options.accept_losses = true;
        let refreshed = refresh(&workshop.tree, &options);
        // What is left of a store need not be one; a store that is gone as a whole is missed by nothing generated.
        if let Err(error) = refreshed {
            assert!(error.to_string().contains("generation fails"), "{error:#}");
        }
    }
}

#[test]
fn a_store_that_moved_to_where_no_store_is_stops_first_although_its_operations_are_there() {
    let (workshop, options) = workshop(|description| {
        let paths = description["paths"].as_object_mut().unwrap();
        let moved = std::mem::take(paths).into_iter().map(|(path, item)| {
            let path = match path.contains("/agents/secrets") && path.starts_with("/repos/") {
                true => path.replacen("/repos/", "/repositories/", 1),
                false => path,
            };
            (path, item)
        });
        *paths = moved.collect();
    });
    let (error, _) = failed(&workshop, &options);
    assert!(
        error.contains("all of agents at Repository is elsewhere"),
        "{error}"
    );
}

#[test]
fn an_older_description_is_no_news_unless_it_is_asked_for() {
    let pre_release = format!("{}-rc.1", source().package.version);
    for older in ["9.10.0", &pre_release] {
        let (workshop, mut options) = workshop(|description| {
            description["info"]["version"] = json!(older);
        });
        options.wanted.version = None;
        let (error, _) = failed(&workshop, &options);
        assert!(
            error.contains(&format!("{older}, older than the pinned"))
                && error.contains(&format!("`--version {older}`")),
            "{error}"
        );
        options.wanted.version = Some(older.to_owned());
        refresh(&workshop.tree, &options).unwrap();
        assert_eq!(pin(&workshop), older);
    }
}

#[test]
fn offline_the_newest_version_is_not_asked_for() {
    let (workshop, mut options) = workshop(|_| {});
    options.wanted.from = None;
    options.wanted.version = None;
    let (error, _) = failed(&workshop, &options);
    assert!(error.contains("offline"), "{error}");
}

#[test]
fn what_npm_says_is_told_without_its_own_records() {
    let told = npm::reason(
        "npm error code ETARGET\nnpm error notarget No matching version found for x@9.\n\
         npm error A complete log of this run can be found in: /somewhere/.npm/_logs/debug.log\n",
    );
    assert_eq!(
        told,
        "code ETARGET; notarget No matching version found for x@9."
    );
    assert_eq!(npm::reason(""), "npm gives no reason");
    assert_eq!(npm::reason("npm ERR! network timeout\n"), "network timeout");
}
