//! Several files are written as one, also by a program that is killed in between.

use crate::support::Workshop;
use xtask::tree::{CLIENT, FRAGMENT, File, Mode, README, Recovered, STORES};

fn files() -> [File; 3] {
    [FRAGMENT, CLIENT, STORES].map(|path| File {
        path,
        text: format!("new {path}"),
    })
}

fn left_over(workshop: &Workshop) -> bool {
    workshop.tree.root().join(".xtask-journal").exists()
}

#[test]
fn a_run_that_is_killed_before_all_is_staged_has_changed_nothing_and_is_taken_back() {
    let workshop = Workshop::new();
    let before = workshop.snapshot();
    workshop.tree.stage(&files().each_ref()).unwrap();
    workshop.remove(".xtask-journal/list");
    let recovered = workshop.tree.recover().unwrap();
    assert_eq!(recovered, Some(Recovered::TakenBack));
    assert_eq!(workshop.snapshot(), before);
    assert!(!left_over(&workshop));
}

#[test]
fn a_run_that_is_killed_between_two_files_is_finished_by_the_next() {
    let workshop = Workshop::new();
    workshop.tree.stage(&files().each_ref()).unwrap();
    // The first file is in its place already.
    let staged = workshop.tree.root().join(".xtask-journal/0.new");
    std::fs::rename(staged, workshop.tree.root().join(FRAGMENT)).unwrap();
    let recovered = workshop.tree.recover().unwrap();
    let paths = [FRAGMENT, CLIENT, STORES].map(str::to_owned);
    assert_eq!(recovered, Some(Recovered::Finished(paths.into())));
    for file in files() {
        assert_eq!(workshop.tree.read(file.path).unwrap(), file.text);
    }
    assert!(!left_over(&workshop));
    assert_eq!(workshop.tree.recover().unwrap(), None);
}

#[test]
fn a_run_that_ends_while_it_clears_up_is_finished_by_the_next() {
    let workshop = Workshop::new();
    let staged = workshop.tree.stage(&files().each_ref()).unwrap();
    let obstacle = workshop.tree.root().join(".xtask-journal/in-the-way");
    std::fs::create_dir(&obstacle).unwrap();
    let told = format!("{:#}", staged.finish().unwrap_err());
    assert!(told.starts_with("cannot remove .xtask-journal"), "{told}");
    std::fs::remove_dir(obstacle).unwrap();
    let recovered = workshop.tree.recover().unwrap();
    assert!(
        matches!(recovered, Some(Recovered::Finished(_))),
        "{recovered:?}"
    );
    for file in files() {
        assert_eq!(workshop.tree.read(file.path).unwrap(), file.text);
    }
    assert!(!left_over(&workshop));
}

#[test]
fn what_cannot_be_put_in_its_place_takes_back_what_was() {
    let workshop = Workshop::new();
    workshop.remove(STORES);
    let obstacle = format!("{STORES}/in-the-way");
    std::fs::create_dir_all(workshop.tree.root().join(obstacle)).unwrap();
    let before = [FRAGMENT, CLIENT, README].map(|path| workshop.tree.read(path).unwrap());
    let error = workshop.tree.apply(&files(), Mode::Write).unwrap_err();
    let told = format!("{error:#}");
    assert!(
        told.contains(STORES) && told.contains("nothing was changed"),
        "{told}"
    );
    let after = [FRAGMENT, CLIENT, README].map(|path| workshop.tree.read(path).unwrap());
    assert_eq!(after, before);
    assert!(!left_over(&workshop));
}

#[test]
fn git_ignores_what_a_killed_run_leaves() {
    let ignored = crate::support::here().read(".gitignore").unwrap();
    assert!(ignored.lines().any(|line| line == "/.xtask-journal"));
}
