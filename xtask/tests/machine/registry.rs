//! What the program says of a registry that it can't reach: by an `npm` that fails as the real one does.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use crate::support::{Workshop, source};
use xtask::progress;
use xtask::tree::SOURCE;

/// A workshop, and this program in it with another `npm`.
struct Unreachable {
    workshop: Workshop,
    programs: PathBuf,
}

impl Unreachable {
    /// Puts this shell script in place of `npm`. It notes its arguments in `bin/npm.asked`.
    fn new(npm: &str) -> Self {
        let workshop = Workshop::new();
        workshop.file("Cargo.toml", "[workspace.package]\nversion = \"0.1.0\"\n");
        let programs = workshop.tree.root().join("bin");
        std::fs::create_dir_all(workshop.tree.root().join("client/src")).unwrap();
        std::fs::create_dir(&programs).unwrap();
        let script = format!("#!/bin/sh\necho \"$@\" >> \"$0.asked\"\n{npm}\n");
        let script = workshop.file("script", script);
        // By another process: while this one has a program open for writing, none can run it.
        let mut install = Command::new("install");
        install.args([&script, &programs.join("npm")]);
        assert!(install.status().unwrap().success());
        Self { workshop, programs }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        let path = format!("{}:/usr/bin:/bin", self.programs.display());
        command
            .args(arguments)
            .current_dir(self.workshop.tree.root())
            .env("PATH", path)
            // How cargo tells a program's workspace is that of the tests here.
            .env_remove("CARGO_MANIFEST_DIR");
        command
    }

    /// Status, standard output and standard error of a run that changes nothing.
    fn run(&self, arguments: &[&str], more: &[(&str, &str)]) -> (i32, String, String) {
        let before = self.workshop.snapshot();
        let Output {
            status,
            stdout,
            stderr,
        } = self
            .command(arguments)
            .envs(more.iter().copied())
            .output()
            .unwrap();
        assert_eq!(self.workshop.snapshot(), before);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }

    fn asked(&self) -> String {
        std::fs::read_to_string(self.programs.join("npm.asked")).unwrap()
    }
}

const OFFLINE: &str = "\
echo 'npm error code EAI_AGAIN' >&2
echo 'npm error syscall getaddrinfo' >&2
echo 'npm error errno EAI_AGAIN' >&2
echo 'npm error request to https://registry.example/x failed, reason: getaddrinfo EAI_AGAIN' >&2
echo 'npm error A complete log of this run can be found in: /somewhere/.npm/_logs/debug-0.log' >&2
exit 1";

#[test]
fn the_reason_of_a_registry_that_is_not_reached_is_told_in_one_line_with_what_to_do() {
    let unreachable = Unreachable::new(OFFLINE);
    for (arguments, question) in [
        (&["refresh"][..], "npm view @octokit/openapi version"),
        (
            &["diff", "--version", "99.0.0"],
            "npm pack @octokit/openapi@99.0.0",
        ),
        (
            &["vendor", "--version", "99.0.0"],
            "npm pack @octokit/openapi@99.0.0",
        ),
        (&["sweep"], "npm pack @octokit/openapi@"),
    ] {
        let (status, printed, told) = unreachable.run(arguments, &[]);
        assert_eq!((status, printed.as_str()), (1, ""), "{told}");
        let error = told.lines().last().unwrap();
        for words in [
            "error: `",
            question,
            "reason: getaddrinfo EAI_AGAIN",
            "`--from FILE` needs no registry",
        ] {
            assert!(error.contains(words), "{arguments:?}: {told}");
        }
        assert!(!told.contains("_logs"), "{told}");
    }
}

#[test]
fn a_registry_that_never_answers_is_given_up_and_what_is_under_way_is_told_before() {
    let silent = Unreachable::new("exec sleep 60");
    let short = [("npm_config_fetch_timeout", "20")];
    for (arguments, began) in [
        (&["refresh"][..], "asking the registry"),
        (
            &["diff", "--version", "99.0.0"],
            "fetching @octokit/openapi@99.0.0",
        ),
    ] {
        let (status, printed, told) = silent.run(arguments, &short);
        assert_eq!((status, printed.as_str()), (1, ""), "{told}");
        assert!(told.starts_with(began), "{told}");
        let error = told.lines().last().unwrap();
        assert!(
            error.contains("gave no answer within") && error.contains("--from FILE"),
            "{told}"
        );
    }
    // It is told while npm is still at work.
    let mut waiting = silent
        .command(&["refresh"])
        .env("npm_config_fetch_timeout", "1000")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    let mut stderr = BufReader::new(waiting.stderr.take().unwrap());
    stderr.read_line(&mut told).unwrap();
    assert!(waiting.try_wait().unwrap().is_none(), "{told}");
    assert!(told.starts_with("asking the registry"), "{told}");
    // Not killed: its npm would be left behind.
    assert_eq!(waiting.wait().unwrap().code(), Some(1));
}

#[test]
fn a_question_to_the_registry_ends_within_half_a_minute_and_an_archive_within_minutes() {
    let unreachable = Unreachable::new(OFFLINE);
    unreachable.run(&["refresh"], &[]);
    unreachable.run(&["diff", "--version", "99.0.0"], &[]);
    let asked = unreachable.asked();
    let limits: Vec<_> = asked
        .split_whitespace()
        .filter(|argument| argument.contains("timeout=") || argument.contains("retries="))
        .collect();
    let retry = [
        "--fetch-retry-mintimeout=2000",
        "--fetch-retry-maxtimeout=2000",
    ];
    let question = ["--fetch-retries=1", "--fetch-timeout=10000"];
    let archive = ["--fetch-retries=1", "--fetch-timeout=30000"];
    assert_eq!(limits, [question, retry, archive, retry].concat());
}

#[test]
fn what_npm_keeps_from_earlier_is_not_called_the_registrys_newest() {
    // Offline, npm answers from what it keeps, if it keeps anything.
    let caching = Unreachable::new(
        "cache=$npm_config_cache\n\
         while [ $# -gt 0 ]; do [ \"$1\" != --cache ] || cache=$2; shift; done\n\
         cat \"$cache/kept\" 2>&- && exit 0\n\
         echo 'npm error request failed: offline' >&2; exit 1",
    );
    let pinned = source().package.version;
    caching.workshop.file("kept", &pinned);
    let kept = caching.workshop.tree.root().display().to_string();
    let (status, printed, told) = caching.run(&["refresh"], &[("npm_config_cache", &kept)]);
    assert_eq!((status, printed.as_str()), (1, ""), "{told}");
    assert!(told.contains("request failed: offline"), "{told}");

    let answering = Unreachable::new(&format!("echo {pinned}"));
    let (status, printed, _) = answering.run(&["refresh"], &[]);
    assert_eq!(status, 0);
    assert!(
        printed.contains("the registry's newest version"),
        "{printed}"
    );
    let (status, _, told) = answering.run(&["refresh", "--offline"], &[]);
    assert_eq!(status, 1);
    assert!(
        told.contains("offline, the newest version can't be asked for"),
        "{told}"
    );
}

#[test]
fn without_npm_that_is_said_with_the_way_around_it() {
    let none = Unreachable::new("");
    std::fs::remove_file(none.programs.join("npm")).unwrap();
    let nowhere = none.programs.display().to_string();
    let (status, _, told) = none.run(&["refresh"], &[("PATH", &nowhere)]);
    assert_eq!(status, 1);
    assert!(
        told.contains("cannot run `npm`") && told.contains("--from FILE"),
        "{told}"
    );
    assert!(none.workshop.tree.read(SOURCE).is_ok());
}

#[test]
fn what_goes_on_is_told_again() {
    let lines = Mutex::new(Vec::new());
    let tell = |line: &str| lines.lock().unwrap().push(line.to_owned());
    let done = progress::telling(tell, Duration::from_millis(1), "testing", || {
        while lines.lock().unwrap().len() < 3 {
            std::thread::yield_now();
        }
        "done"
    });
    assert_eq!(done, "done");
    let lines = lines.into_inner().unwrap();
    assert_eq!(lines[..3], ["testing …", "testing … 0 s", "testing … 0 s"]);
}
