//! The reader compared with a small model, and the guard with wrong readers.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::dotenv::{Entry, Refused, read};
use crate::guard;

/// Pieces of misleading files.
const PIECES: [&str; 30] = [
    "A=",
    "\nA=",
    "\nb=",
    "B = ",
    "export C=",
    "\nGITHUB_X=",
    "1",
    "word",
    "it's",
    " # ",
    "# ",
    "#",
    " #it's\n",
    "\"",
    "'",
    "\"\n",
    "'\n",
    "`",
    "\\",
    "\\n",
    "\\'",
    "\\\"",
    "$A",
    " ",
    "\t",
    "\n",
    "\r\n",
    "\r",
    "{\"k\": \"v\"}",
    "=",
];

#[derive(Clone, Copy, PartialEq)]
enum At {
    Line,
    Comment,
    Name,
    /// After `=`, and whether after a blank.
    Value(bool),
    Plain,
    Quoted(char),
    Escaped,
    Closed,
}

/// The entries of a file, by one pass over its characters; `None` if it has to be refused.
fn model(file: &str) -> Option<Vec<(String, String)>> {
    let text = if file.contains('\n') {
        let text = file.replace("\r\n", "\n");
        text.strip_suffix('\r').unwrap_or(&text).to_owned()
    } else {
        file.replace('\r', "\n")
    };
    let (mut entries, mut name, mut value) = (Vec::new(), String::new(), String::new());
    let (mut at, mut before) = (At::Line, '\n');
    for c in text.chars().chain(['\n']) {
        let next = match (at, c) {
            (_, '\r' | '\0') | (At::Name, '\n') | (At::Value(_), '`') | (At::Value(true), '#') => {
                return None;
            }
            (At::Line, '\n' | ' ' | '\t')
            | (At::Comment | At::Value(_) | At::Plain | At::Closed, '\n') => At::Line,
            (At::Line, '#') | (At::Comment, _) => At::Comment,
            (At::Line | At::Name, '=') => At::Value(false),
            (At::Line | At::Name, _) => At::Name,
            (At::Value(_), ' ' | '\t') => At::Value(true),
            (At::Value(_), '"' | '\'') => At::Quoted(c),
            (At::Plain | At::Closed, '#') if before == ' ' || before == '\t' => At::Comment,
            (At::Value(_) | At::Plain, _) => At::Plain,
            (At::Quoted('"'), '\\') => At::Escaped,
            (At::Quoted(quote), _) if c == quote => At::Closed,
            (At::Quoted(quote), _) => At::Quoted(quote),
            (At::Escaped, _) => At::Quoted('"'),
            (At::Closed, ' ' | '\t') => At::Closed,
            (At::Closed, _) => return None,
        };
        match (at, next) {
            (_, At::Name) => name.push(c),
            (At::Escaped, _) => value.push(*['\n', '\r', '\\', '"', '$'].get("nr\\\"$".find(c)?)?),
            (_, At::Plain) | (At::Quoted(_), At::Quoted(_)) => value.push(c),
            (At::Plain, At::Comment) if value.matches('"').count() % 2 == 1 => return None,
            (At::Quoted('\''), At::Closed)
                if value.split(|c| c != '\\').next_back()?.len() % 2 == 1 =>
            {
                return None;
            }
            (At::Value(_) | At::Plain, At::Line | At::Comment) | (At::Quoted(_), At::Closed) => {
                let value = if at == At::Plain {
                    value.trim_end().to_owned()
                } else {
                    value.clone()
                };
                entries.push((named(&name)?, value));
            }
            _ => {}
        }
        if next == At::Line || next == At::Comment {
            (name, value) = (String::new(), String::new());
        }
        (at, before) = (next, c);
    }
    (at == At::Line).then_some(entries)
}

fn named(name: &str) -> Option<String> {
    let words: Vec<&str> = name.split_whitespace().collect();
    let (["export", name] | [name]) = words[..] else {
        return None;
    };
    let taken = !name.to_uppercase().starts_with("GITHUB_")
        && !name.starts_with(|c: char| c.is_ascii_digit());
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (taken && name.chars().all(letters)).then(|| name.to_owned())
}

fn entries(file: &str) -> Option<Vec<(String, String)>> {
    let entries = read(file.as_bytes()).ok()?.into_iter();
    Some(entries.map(|entry| (entry.name, entry.value)).collect())
}

/// Lines as they are written, with their values.
fn entry() -> impl Strategy<Value = (String, Option<(String, String)>)> {
    let name = "[A-Z_][A-Z0-9_]{0,5}";
    let before = select(vec!["", "  ", "export ", "\texport\t"]);
    let after = select(vec!["", "  ", " # it's", "\t#\"x\" = 'y", " #"]);
    let value = prop_oneof![
        "[a-z$\\\\{=\u{e9}][a-z '=\"\\\\$#]{0,9}".prop_map(|text| {
            // Neither a comment nor a quote that a comment would break off.
            let text = text.replace(" #", "_#").replace('"', "\"\"");
            (text.clone(), text.trim_end().to_owned())
        }),
        "[a-z \"=#$`\n]{0,12}".prop_map(|text| (format!("'{text}'"), text)),
        "[a-z '=#$`\n\"\\\\]{0,12}".prop_map(|text| {
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
            (format!("\"{escaped}\""), text)
        }),
    ];
    let entry = (before, name, select(vec!["=", " = ", "=\t"]), value, after);
    prop_oneof![
        5 => entry.prop_map(|(before, name, equals, (written, value), after)| {
            (format!("{before}{name}{equals}{written}{after}"), Some((name, value)))
        }),
        1 => select(vec!["", " \t", "# it's", "  #A=\"1"]).prop_map(|line| (line.to_owned(), None)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_of_any_pieces_is_read_as_the_model_has_it_or_refused_as_it_is(
        pieces in prop::collection::vec(select(PIECES.to_vec()), 0..12)
    ) {
        let file = pieces.concat();
        prop_assert_eq!(entries(&file), model(&file));
    }

    #[test]
    fn what_is_written_by_the_rules_is_read_with_line_ends_of_any_kind(
        lines in prop::collection::vec(entry(), 0..8), end in select(vec!["\n", "\r\n", "\r"]), ended: bool
    ) {
        let (written, held): (Vec<_>, Vec<_>) = lines.into_iter().unzip();
        let mut file = written.join("\n").replace('\n', end);
        if ended {
            file.push_str(end);
        }
        let held: Vec<_> = held.into_iter().flatten().collect();
        prop_assert_eq!(entries(&file), Some(held), "{:?}", file);
    }

    #[test]
    fn the_guard_notices_whatever_a_reader_mistakes(
        lines in prop::collection::vec(entry(), 1..8), which: Index, mistake in 0..6
    ) {
        // Without escapes, since the guard can't tell what their values are.
        let plain = lines.into_iter().map(|(line, _)| line).chain(["LAST=1".to_owned()]);
        let plain = plain.filter(|line| !line.contains('\\'));
        let text = plain.collect::<Vec<_>>().join("\n");
        let lines: Vec<&str> = text.split('\n').collect();
        let mut entries = read(text.as_bytes()).unwrap();
        prop_assert_eq!(guard::check(&lines, &entries), Ok(()));
        let which = which.index(entries.len());
        spoil(&mut entries, which, mistake);
        prop_assert!(guard::check(&lines, &entries).is_err(), "{:?}", text);
    }
}

/// Makes one of the mistakes of readers.
fn spoil(entries: &mut Vec<Entry>, which: usize, mistake: i32) {
    let next = entries.get(which + 1).map(|next| next.lines.clone());
    let entry = &mut entries[which];
    match (mistake, next) {
        (0, _) => drop(entries.remove(which)),
        (1, _) => entry.value.push('x'),
        (2, _) if !entry.value.is_empty() => drop(entry.value.pop()),
        (3, Some(next)) => entry.lines = *entry.lines.start()..=*next.end(),
        (4, _) => entry.lines = *entry.lines.start()..=*entry.lines.end() + 1,
        _ => entry.name.push('x'),
    }
}

/// A wrong reader took the quote in the comment of `A=1  # it's new` for one that runs on to the next quote.
#[test]
fn the_guard_refuses_values_that_took_lines_with_them() {
    let wrong = |name: &str, value: &str, lines| Entry {
        name: name.to_owned(),
        value: value.to_owned(),
        lines,
    };
    for (file, entries, line) in [
        (
            "A=1  # it's new\nB=2\nC=3  # that's old\nD=4",
            vec![wrong("A", "1", 0..=2), wrong("D", "4", 3..=3)],
            0,
        ),
        (
            "A=1\nB=2\nC=3",
            vec![wrong("A", "1", 0..=0), wrong("C", "3", 2..=2)],
            1,
        ),
        (
            "N=O'Neil\nB=2\nP=it's",
            vec![wrong("N", "ONeil\nB=2\nP=its", 0..=2)],
            0,
        ),
        ("A={\"a\": \"b\"}", vec![wrong("A", "{a: b}", 0..=0)], 0),
        ("P=#s3cret", vec![wrong("P", "", 0..=0)], 0),
        ("P=1 # one", vec![wrong("P", "1 # one", 0..=0)], 0),
        ("A=1", vec![wrong("A", "1", 0..=5)], 0),
        ("A='1' x", vec![wrong("A", "1", 0..=0)], 0),
    ] {
        let lines: Vec<&str> = file.split('\n').collect();
        let refused: Refused = guard::check(&lines, &entries).unwrap_err();
        assert_eq!(refused.line, line, "{file}: {refused}");
    }
}
