//! Reads a file of NAME=VALUE lines, by the rules in the documentation of the program.

use std::fmt;
use std::ops::RangeInclusive;

use octoseal::{scope::SecretName, secrets::MAX_VALUE_BYTES};

use crate::guard;

/// The characters between words of a line.
pub(crate) const BLANKS: [char; 2] = [' ', '\t'];

/// Line ends of some editors, which end no line here.
const OTHER_LINE_ENDS: [char; 5] = ['\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];

/// A name and its value, and the lines that hold them, counted from 0.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) lines: RangeInclusive<usize>,
}

/// Why a file is refused. It does not quote the line, which may be a value.
#[derive(Debug, PartialEq)]
pub(crate) struct Refused {
    /// Counted from 0.
    pub(crate) line: usize,
    pub(crate) why: &'static str,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line + 1, self.why)
    }
}

/// Reads every entry, in the order of the file, or none.
pub(crate) fn read(file: &[u8]) -> Result<Vec<Entry>, Refused> {
    let text = std::str::from_utf8(file).map_err(|error| {
        let before = String::from_utf8_lossy(&file[..error.valid_up_to()]);
        let (line, why) = (
            lines(&before).len() - 1,
            "not UTF-8; save the file as UTF-8",
        );
        Refused { line, why }
    })?;
    let lines = lines(text.strip_prefix('\u{feff}').unwrap_or(text));
    if let Some(line) = lines.iter().position(|line| line.contains(['\0', '\r'])) {
        let why = "it holds NUL, or a carriage return that ends no line";
        return Err(Refused { line, why });
    }
    let mut entries = Vec::new();
    let mut next = 0;
    while next < lines.len() {
        if is_blank(lines[next]) {
            next += 1;
            continue;
        }
        let entry = entry(&lines, next)?;
        next = entry.lines.end() + 1;
        entries.push(entry);
    }
    guard::check(&lines, &entries)?;
    Ok(entries)
}

/// The lines of a text. LF and CRLF end a line, and CR where the text has no LF.
fn lines(text: &str) -> Vec<&str> {
    if !text.contains('\n') {
        return text.split('\r').collect();
    }
    let lines = text.split('\n');
    lines
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
        .collect()
}

/// Whether a text is blanks and perhaps a comment.
fn is_blank(text: &str) -> bool {
    let text = text.trim_matches(BLANKS);
    text.is_empty() || text.starts_with('#') && !text.contains(OTHER_LINE_ENDS)
}

/// The entry that begins in line `first`.
fn entry(lines: &[&str], first: usize) -> Result<Entry, Refused> {
    let refused = |why| Refused { line: first, why };
    let (name, rest) = name(lines[first]).map_err(refused)?;
    let value = rest.trim_start_matches(BLANKS);
    let (value, last) = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => quoted(quote, lines, first, &value[1..])?,
        _ => (unquoted(rest).map_err(refused)?.to_owned(), first),
    };
    if value.len() > MAX_VALUE_BYTES {
        return Err(refused(
            "the value is larger than the 48 KiB that GitHub stores",
        ));
    }
    let (name, lines) = (name.to_owned(), first..=last);
    Ok(Entry { name, value, lines })
}

/// The name, and what follows its `=`.
fn name(line: &str) -> Result<(&str, &str), &'static str> {
    let (name, rest) = line
        .split_once('=')
        .ok_or("neither NAME=VALUE nor a comment")?;
    let name = name.trim_matches(BLANKS);
    let exported = name
        .strip_prefix("export")
        .filter(|rest| rest.starts_with(BLANKS));
    let name = exported.map_or(name, |name| name.trim_start_matches(BLANKS));
    match SecretName::new(name) {
        Ok(_) => Ok((name, rest)),
        Err(_) => Err(
            "no name that GitHub takes; it has letters, digits and underscores, and begins with neither a digit nor GITHUB_",
        ),
    }
}

/// The value without quotes, up to a comment. `rest` follows the `=`.
fn unquoted(rest: &str) -> Result<&str, &'static str> {
    let text = rest.trim_matches(BLANKS);
    if text.starts_with('#') && rest.starts_with(BLANKS) {
        return Err(
            "a # after = and a blank is a comment to some and a value to others; put the value in quotes, also an empty one",
        );
    }
    if text.starts_with('`') {
        return Err(
            "a backtick is a quote to some and not to others; put the value in other quotes",
        );
    }
    let mut hashes = text.match_indices('#').map(|(at, _)| at);
    let end = hashes
        .find(|&at| text[..at].ends_with(BLANKS))
        .unwrap_or(text.len());
    let value = text[..end].trim_end_matches(BLANKS);
    if end < text.len() && value.matches('"').count() % 2 == 1 {
        return Err(
            "a # after a blank begins a comment, here within double quotes; put the whole value in single quotes",
        );
    }
    let odd = |c: char| !BLANKS.contains(&c) && (c.is_control() || c.is_whitespace());
    if value.contains(odd) || !is_blank(&text[end..]) {
        return Err(
            "a control character, or a space that is no blank; put the value in quotes, or take it out",
        );
    }
    Ok(value)
}

/// The value in quotes, and the line where it ends. `text` follows the quote that opens it.
fn quoted(
    quote: char,
    lines: &[&str],
    first: usize,
    text: &str,
) -> Result<(String, usize), Refused> {
    let (mut value, mut line, mut text) = (String::new(), first, text);
    loop {
        let refused = |why| Refused { line, why };
        match read_line(quote, text, &mut value).map_err(refused)? {
            Some(rest) if rest.is_empty() || rest.starts_with(BLANKS) && is_blank(rest) => {
                return Ok((value, line));
            }
            Some(_) => {
                return Err(refused(
                    "text after the closing quote; a comment comes after a blank",
                ));
            }
            None => line += 1,
        }
        let unclosed = Refused {
            line: first,
            why: "a quote that opens here and never closes",
        };
        text = lines.get(line).ok_or(unclosed)?;
        value.push('\n');
    }
}

/// Adds a line to a quoted value, and gives the text after the closing quote if the line has it.
fn read_line<'a>(
    quote: char,
    text: &'a str,
    value: &mut String,
) -> Result<Option<&'a str>, &'static str> {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == quote {
            let backslashes = value.len() - value.trim_end_matches('\\').len();
            if quote == '\'' && backslashes % 2 == 1 {
                return Err(
                    "a backslash before a single quote hides it to some and not to others; use double quotes",
                );
            }
            return Ok(Some(chars.as_str()));
        }
        if c != '\\' || quote == '\'' {
            value.push(c);
            continue;
        }
        value.push(match chars.next() {
            Some('n') => '\n',
            Some('r') => '\r',
            Some(c @ ('\\' | '"' | '$')) => c,
            _ => return Err("in double quotes a backslash comes before n, r, \\, \" or $ alone"),
        });
    }
    Ok(None)
}
