//! Files, and the secrets that are stored of them.

use super::*;

/// The secrets that are stored of a file, or the line that is refused.
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
