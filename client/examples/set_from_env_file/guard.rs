//! Compares the entries with the file once more: if a value ended at the wrong place, the next secrets would be part of
//! it.

use crate::dotenv::{BLANKS, Entry, Refused};

/// Checks that every line outside of the entries is blank or a comment, and that every entry begins in a line with its
/// name, goes on to further lines in quotes alone, and without quotes stands in its line as it is.
pub(crate) fn check(lines: &[&str], entries: &[Entry]) -> Result<(), Refused> {
    let mut next = 0;
    for entry in entries {
        let (first, end) = (*entry.lines.start(), entry.lines.end() + 1);
        ensure_blank(lines, next, first)?;
        if first < next
            || !lines
                .get(first..end)
                .is_some_and(|lines| is_written(entry, lines))
        {
            let why = "what was read is not what stands here; put the value in quotes";
            return Err(Refused { line: first, why });
        }
        next = end;
    }
    ensure_blank(lines, next, lines.len())
}

/// Checks that the lines between two entries are blank or comments.
fn ensure_blank(lines: &[&str], next: usize, end: usize) -> Result<(), Refused> {
    let mut between = lines.iter().enumerate().take(end).skip(next);
    let holds_text =
        |line: &str| !matches!(line.trim_matches(BLANKS).chars().next(), None | Some('#'));
    match between.find(|(_, line)| holds_text(line)) {
        Some((line, _)) => Err(Refused {
            line,
            why: "text that was not read",
        }),
        None => Ok(()),
    }
}

/// Whether an entry is what is written in these lines.
fn is_written(entry: &Entry, lines: &[&str]) -> bool {
    let text = lines.join("\n");
    let Some((name, text)) = text.split_once('=') else {
        return false;
    };
    let words: Vec<&str> = name.split(BLANKS).filter(|word| !word.is_empty()).collect();
    let named = matches!(words[..], [name] | ["export", name] if name == entry.name);
    let text = text.trim_start_matches(BLANKS);
    let value = entry.value.as_str();
    named
        && match text.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let text = &text[1..];
                let closes = |(at, _): (usize, &str)| ends(&text[at + 1..]);
                let plain = quote == '\'' || !text.contains('\\');
                let after = text
                    .strip_prefix(value)
                    .and_then(|rest| rest.strip_prefix(quote));
                if plain {
                    after.is_some_and(ends)
                } else {
                    text.match_indices(quote).any(closes)
                }
            }
            _ => {
                text.strip_prefix(value).is_some_and(ends)
                    && !value.contains(" #")
                    && !value.contains("\t#")
            }
        }
}

/// Whether only blanks, or a comment after a blank, follow a value to the end of the line.
fn ends(text: &str) -> bool {
    let comment = text.trim_start_matches(BLANKS);
    !text.contains('\n')
        && (comment.is_empty() || comment.starts_with('#') && comment.len() < text.len())
}
