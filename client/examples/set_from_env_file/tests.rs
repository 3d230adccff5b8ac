//! What storing a file promises, over sockets.

use octoseal::Access;
use octoseal::mock::{Fault, GitHub};

use super::*;

mod model;

const ACME: &str = "actions:org/acme";

/// A file and a token file in a folder that goes with them.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str, env: &[u8]) -> Self {
        let name = format!("octoseal-env-file-{}-{test}", std::process::id());
        let folder = Self(std::env::temp_dir().join(name));
        std::fs::create_dir_all(&folder.0).unwrap();
        std::fs::write(folder.file(), env).unwrap();
        std::fs::write(folder.token(), "a-token").unwrap();
        folder
    }

    fn file(&self) -> PathBuf {
        self.0.join(".env")
    }

    fn token(&self) -> PathBuf {
        self.0.join("token")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn stand_in() -> GitHub {
    let stand_in = GitHub::new();
    stand_in.organization("acme");
    stand_in
}

fn arguments(more: &[&str]) -> Arguments {
    let given = ["set_from_env_file", "--org", "acme", ".env"];
    Arguments::try_parse_from(given.iter().chain(more)).unwrap()
}

/// Runs the program over a socket, and gives how it ended and what it complained of.
async fn store(test: &str, stand_in: &GitHub, env: &str, more: &[&str]) -> (bool, Vec<String>) {
    store_bytes(test, stand_in, env.as_bytes(), more).await
}

async fn store_bytes(
    test: &str,
    stand_in: &GitHub,
    env: &[u8],
    more: &[&str],
) -> (bool, Vec<String>) {
    let folder = Folder::new(test, env);
    let server = stand_in.serve();
    let (url, token) = (server.url(), folder.token());
    let connection = ["--api-url", &url, "--token-file", token.to_str().unwrap()];
    let mut arguments = arguments(&[more, &connection].concat());
    arguments.file = folder.file();
    let mut lines = Vec::new();
    let ended = status(arguments, |line| lines.push(line)).await;
    assert!(ended == ExitCode::SUCCESS || ended == ExitCode::FAILURE);
    (ended == ExitCode::SUCCESS, lines)
}

/// What a file leads to: what is stored, or which line is refused.
type Stored<'a> = Result<Vec<(&'a str, &'a str)>, usize>;

/// Runs the program for each file, and compares what it stored.
async fn assert_stored(test: &str, files: &[(&str, Stored<'_>)]) {
    for (file, expected) in files {
        let stand_in = stand_in();
        let (well, lines) = store(test, &stand_in, file, &["--visibility", "all"]).await;
        assert_eq!(well, expected.is_ok(), "{file:?}: {lines:?}");
        let secrets = stand_in.secrets(ACME).into_iter();
        let stored: Vec<_> = secrets
            .map(|secret| (secret.name, String::from_utf8(secret.value).unwrap()))
            .collect();
        let stored: Vec<_> = stored
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        match expected {
            Ok(expected) => assert_eq!(&stored, expected, "{file:?}"),
            Err(line) => {
                assert_eq!(stand_in.request_count(), 0, "{file:?}");
                assert!(
                    lines.len() == 1 && lines[0].contains(&format!(".env, line {line}: ")),
                    "{file:?}: {lines:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn it_ends_well_once_every_secret_is_stored() {
    let stand_in = stand_in();
    let env = "# all of them\nA=one\nexport B=\"two words\"\n\nC='three\nlines\n'\n";
    let (well, lines) = store("well", &stand_in, env, &["--visibility", "private"]).await;
    assert!(well, "{lines:?}");
    assert_eq!(lines, [""; 0]);
    for (name, value) in [("A", "one"), ("B", "two words"), ("C", "three\nlines\n")] {
        let secret = stand_in.secret(ACME, name).unwrap();
        assert_eq!(secret.value, value.as_bytes());
        assert_eq!(secret.visibility.as_deref(), Some("private"));
    }
}

#[tokio::test]
async fn each_secret_that_fails_gets_one_line_and_the_others_are_stored() {
    let stand_in = stand_in();
    let refusal = Fault::reply(422, "{\"message\":\"Invalid request.\\n\\nNo.\"}");
    for name in ["/secrets/B", "/secrets/C"] {
        stand_in.fault(refusal.clone().at(name).on("PUT").always());
    }
    let env = "A=one\nB=two\nC=three\nD=four\n";
    let (well, mut lines) = store("fails", &stand_in, env, &["--visibility", "all"]).await;
    assert!(!well);
    lines.sort();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("B: "), "{lines:?}");
    assert!(lines[1].starts_with("C: "), "{lines:?}");
    assert!(
        lines.iter().all(|line| line.lines().count() == 1),
        "{lines:?}"
    );
    let stored: Vec<String> = stand_in
        .secrets(ACME)
        .into_iter()
        .map(|secret| secret.name)
        .collect();
    assert_eq!(stored, ["A", "D"]);
}

#[tokio::test]
async fn a_new_secret_without_access_fails_and_an_old_one_keeps_its() {
    let stand_in = stand_in();
    let api = stand_in.repository("acme", "api");
    stand_in.seed(ACME, "OLD", "value").selected([api]);
    let (well, lines) = store("keep", &stand_in, "OLD=new\nNEW=new\n", &[]).await;
    assert!(!well);
    assert!(
        lines.len() == 1 && lines[0].starts_with("NEW: "),
        "{lines:?}"
    );
    let old = stand_in.secret(ACME, "OLD").unwrap();
    assert_eq!(old.value, b"new");
    assert_eq!(old.selected_repository_ids, [api].into());
}

#[tokio::test]
async fn a_file_that_cannot_be_read_stores_nothing_names_the_line_and_shows_no_value() {
    let stand_in = stand_in();
    let env = "A=one\n# a comment\n\nB c4nary\n";
    let (well, lines) = store("line", &stand_in, env, &["--visibility", "all"]).await;
    assert!(!well);
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains(" 4: "), "{lines:?}");
    assert!(!lines[0].contains("c4nary"), "{lines:?}");
    assert_eq!(stand_in.request_count(), 0);
}

#[test]
fn repositories_go_with_selected_and_are_named_by_it() {
    let access = |more: &[&str]| {
        arguments(more)
            .who
            .access()
            .map_err(|error| error.to_string())
    };
    let both = || Ok(Access::Selected(vec![1.into(), 2.into()]));
    assert_eq!(access(&[]), Ok(Access::Keep));
    assert_eq!(access(&["--visibility", "all"]), Ok(Access::All));
    assert_eq!(access(&["--visibility", "private"]), Ok(Access::Private));
    assert_eq!(access(&["--repo-id", "1", "--repo-id", "2"]), both());
    let said = ["--visibility", "selected", "--repo-id", "1", "--repo", "2"];
    assert_eq!(access(&said), both());
    assert_eq!(access(&["--visibility", "selected:1,2"]), both());
    assert_eq!(
        access(&["--visibility", "selected:"]),
        Ok(Access::Selected(vec![]))
    );
    for other in ["all", "private", "keep", "selected:", "selected:3"] {
        let said = ["--visibility", other, "--repo-id", "1"];
        assert!(
            access(&said).unwrap_err().contains("--repo goes with"),
            "{other}"
        );
    }
    assert!(access(&["--visibility", "selected"]).is_err());
    let given = ["x", "--org", "acme", ".env", "--repo-id", "neither"];
    assert!(Arguments::try_parse_from(given).is_err());
}

#[tokio::test]
async fn a_comment_ends_with_its_line_whatever_is_in_it() {
    let files = [
        (
            "A=1  # it's new\nB=2\nC=3  # that's old\nD=4",
            Ok(vec![("A", "1"), ("B", "2"), ("C", "3"), ("D", "4")]),
        ),
        ("A=1 # \"\nB=2 # \"\n", Ok(vec![("A", "1"), ("B", "2")])),
        ("A=1\t#'\nB=2\t#'\n", Ok(vec![("A", "1"), ("B", "2")])),
        (
            "# it's\nA=1\n  # \"C=3\n\tB=2\n",
            Ok(vec![("A", "1"), ("B", "2")]),
        ),
        (
            "A=\"1\"  # it's\nB='2' # B=\"3\nC=3",
            Ok(vec![("A", "1"), ("B", "2"), ("C", "3")]),
        ),
        ("A=1 # 2 # 3 \\\nB=2", Ok(vec![("A", "1"), ("B", "2")])),
        (
            "A=O'Neil # isn't it\nB=2",
            Ok(vec![("A", "O'Neil"), ("B", "2")]),
        ),
        (
            "A=one#two\nB=#s3cret\nC=a# b",
            Ok(vec![("A", "one#two"), ("B", "#s3cret"), ("C", "a# b")]),
        ),
        ("A='x' # a\u{2028}B=2\n", Err(1)),
        ("A=1\nB= #s3cret\n", Err(2)),
        ("A= # nothing\n", Err(1)),
        ("A={\"color\": \"red #fff\"}\n", Err(1)),
    ];
    assert_stored("comments", &files).await;
}

#[tokio::test]
async fn a_quote_counts_only_as_the_first_character_of_a_value_and_must_close() {
    let files = [
        (
            "NAME=O'Neil\nB=2\nPASS=it's\n",
            Ok(vec![("B", "2"), ("NAME", "O'Neil"), ("PASS", "it's")]),
        ),
        (
            "A={\"a\": [\"b\", 'c']}\nB=5\"\n",
            Ok(vec![("A", "{\"a\": [\"b\", 'c']}"), ("B", "5\"")]),
        ),
        (
            "A=x\"\nB=2\nC=x\"",
            Ok(vec![("A", "x\""), ("B", "2"), ("C", "x\"")]),
        ),
        (
            "A=\"it's\"\nB='a \"b\" # c'",
            Ok(vec![("A", "it's"), ("B", "a \"b\" # c")]),
        ),
        (
            "A= \"x\" \nB\t=\t' x '\t",
            Ok(vec![("A", "x"), ("B", " x ")]),
        ),
        (
            "A=\"1\nB=2\n# it's\n\"\nC=3",
            Ok(vec![("A", "1\nB=2\n# it's\n"), ("C", "3")]),
        ),
        (
            "A=''\nB=\"\"\nC=\n",
            Ok(vec![("A", ""), ("B", ""), ("C", "")]),
        ),
        ("A='1\nB='2'\n", Err(2)),
        ("A=1\nB=\"never\nC=ends\n", Err(2)),
        ("A='", Err(1)),
        ("A=\"x\"y\n", Err(1)),
        ("A=\"x\"#y\n", Err(1)),
        ("A=\"x\"\"y\"\n", Err(1)),
        ("A=\"1\n2\" 3\n", Err(2)),
        ("A=`x\nB=2`\n", Err(1)),
    ];
    assert_stored("quotes", &files).await;
}

#[tokio::test]
async fn a_value_is_what_is_written_and_nothing_is_expanded() {
    let files = [
        (
            "A=pa$word\nB=${HOME}\nC=$$",
            Ok(vec![("A", "pa$word"), ("B", "${HOME}"), ("C", "$$")]),
        ),
        (
            "A=\"$A-$PATH\"\nB='$A\n$('",
            Ok(vec![("A", "$A-$PATH"), ("B", "$A\n$(")]),
        ),
        ("A=1\nB=$A", Ok(vec![("A", "1"), ("B", "$A")])),
        (
            "A=one\\ two\\\nB=C:\\new\\$x",
            Ok(vec![("A", "one\\ two\\"), ("B", "C:\\new\\$x")]),
        ),
        (
            r#"A="one\ntwo\\ \"three\" \$x\r""#,
            Ok(vec![("A", "one\ntwo\\ \"three\" $x\r")]),
        ),
        (r"A='one\ntwo\\'", Ok(vec![("A", r"one\ntwo\\")])),
        (
            "A=two  words\tand \nB= == ",
            Ok(vec![("A", "two  words\tand"), ("B", "==")]),
        ),
        (
            "A=\u{200b}\u{e9}\u{1f511}",
            Ok(vec![("A", "\u{200b}\u{e9}\u{1f511}")]),
        ),
        ("A=\"\\t\"", Err(1)),
        ("A=1\nB=\"\\\n\"", Err(2)),
        (r"A='it\'s'", Err(1)),
        ("A='C:\\'\nB='2'", Err(1)),
        ("A=\u{a0}x", Err(1)),
        ("A=x\u{1}", Err(1)),
    ];
    assert_stored("values", &files).await;
}

#[tokio::test]
async fn lines_end_as_the_file_ends_them() {
    let both = || Ok(vec![("A", "1\n2"), ("B", "3")]);
    let files = [
        ("A=\"1\n2\"\nB=3\n", both()),
        ("A=\"1\r\n2\" # it's\r\nB=3\r\n", both()),
        ("A=\"1\r2\" # it's\rB=3\r", both()),
        ("\u{feff}A='1\n2'\r\nB=3", both()),
        ("A=1\rB=2", Ok(vec![("A", "1"), ("B", "2")])),
        ("A=1\nB=2\rC=3\n", Err(2)),
        ("A=1\n\nB=\"2\n\r3\"\n", Err(4)),
        ("A=1\r\r\nB=2\r\r\n", Err(1)),
        ("A=1\nB=2\0C=3\n", Err(2)),
        ("A\0=x\0", Err(1)),
        ("A=1\n\u{feff}B=2", Err(2)),
    ];
    assert_stored("lines", &files).await;
}

#[tokio::test]
async fn every_line_is_an_entry_with_a_name_that_github_takes_or_a_comment() {
    let files = [
        (
            "export A=1\n\texport\tB = 2\nexport=3",
            Ok(vec![("A", "1"), ("B", "2"), ("EXPORT", "3")]),
        ),
        ("_a1=\n", Ok(vec![("_A1", "")])),
        ("A=1\nB c4nary\n", Err(2)),
        ("A=1\nexport B\n", Err(2)),
        (
            "A=-----BEGIN KEY-----\nMIIC4nary\n-----END KEY-----\n",
            Err(2),
        ),
        ("A=1\n=2\n", Err(2)),
        ("A: x=1\n", Err(1)),
        ("A B=1\n", Err(1)),
        ("A-B=1\n", Err(1)),
        ("A.B=1\n", Err(1)),
        ("1A=1\n", Err(1)),
        ("A=1\nGITHUB_TOKEN=2\n", Err(2)),
        ("A=1\ngithub_token=2\n", Err(2)),
        ("\u{c4}=1\n", Err(1)),
        ("\"A\"=1\n", Err(1)),
        ("exportA=1\nexport  export  B=1\n", Err(2)),
    ];
    assert_stored("names", &files).await;
}

#[tokio::test]
async fn what_is_refused_is_never_shown() {
    let long = format!("A=c4nary{}\n", "x".repeat(49_152));
    for file in [
        "B c4nary\n",
        "c4nary=1+\u{a0}c4nary",
        "c4n-ary=\n",
        "A=\"c4nary",
        "A=\"\\c4nary\"",
        "A='x'c4nary",
        &long,
    ] {
        let stand_in = stand_in();
        let (well, lines) = store("shown", &stand_in, file, &["--visibility", "all"]).await;
        assert!(
            !well && lines.len() == 1 && lines[0].contains("line 1: "),
            "{lines:?}"
        );
        assert!(!lines[0].contains("c4n"), "{lines:?}");
        assert_eq!(stand_in.request_count(), 0);
    }
}

#[tokio::test]
async fn a_file_that_is_not_utf_8_or_holds_nothing_stores_nothing() {
    let said = async |file: &[u8]| {
        let stand_in = stand_in();
        let (well, lines) = store_bytes("bytes", &stand_in, file, &["--visibility", "all"]).await;
        assert!(
            !well && stand_in.request_count() == 0 && lines.len() == 1,
            "{lines:?}"
        );
        lines[0].clone()
    };
    for (file, line) in [
        (&b"A=1\nB=\xe9\n"[..], 2),
        (b"A=1\r\rB=\xff", 3),
        (b"\xff\xfeA\0=\0", 1),
    ] {
        assert!(
            said(file)
                .await
                .contains(&format!("line {line}: not UTF-8")),
            "{file:?}"
        );
    }
    for file in ["", "\n\n", "# A=1\n", "\u{feff}"] {
        assert!(
            said(file.as_bytes()).await.contains("no NAME=VALUE"),
            "{file:?}"
        );
    }
}

#[tokio::test]
async fn the_last_entry_of_a_name_in_any_case_counts_and_the_others_are_told() {
    let stand_in = stand_in();
    let (well, lines) = store(
        "again",
        &stand_in,
        "A=1\nB=2\na='3\n'\nA=4\n",
        &["--visibility", "all"],
    )
    .await;
    assert!(well);
    let told = [(1, "A", 3), (3, "a", 5)];
    assert_eq!(lines.len(), told.len(), "{lines:?}");
    for (line, (at, name, by)) in lines.iter().zip(told) {
        assert!(
            line.contains(&format!("line {at}: {name} is not stored")),
            "{line}"
        );
        assert!(line.contains(&format!("line {by} ")), "{line}");
    }
    assert_eq!(stand_in.plaintext(ACME, "A").unwrap(), b"4");
    assert_eq!(stand_in.secrets(ACME).len(), 2);
}
