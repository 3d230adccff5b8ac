//! A file of NAME=VALUE lines, read as dotenv has it, except that nothing is expanded.

use std::cell::Cell;
use std::io::Read;

use octoseal::SecretValue;

/// Reads the whole text before anything is stored. Of two entries with one name the later counts, and GitHub reads
/// names without regard to case.
pub(crate) fn read(text: &str) -> Result<Vec<(String, SecretValue)>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // The library would put this machine's environment, or nothing, in the place of `$word`.
    let dollar = ('\u{e000}'..='\u{f8ff}')
        .find(|&other| !text.contains(other))
        .ok_or("it holds every character of Unicode's private use area")?;
    let hidden = text.replace('$', &dollar.to_string()) + "\n";
    let lines: Vec<&str> = text.lines().collect();
    let taken = Cell::new(0);
    let mut entries = dotenvy::from_read_iter(ByLine {
        rest: hidden.as_bytes(),
        taken: &taken,
    });
    let mut secrets: Vec<(String, SecretValue)> = Vec::new();
    loop {
        let before = taken.get();
        let Some(entry) = entries.next() else {
            return Ok(secrets);
        };
        let of_entry = &lines[before.min(lines.len())..taken.get().min(lines.len())];
        // The library's own error quotes the line, and so the value.
        let (name, value) = entry
            .ok()
            .filter(|_| !misread(of_entry))
            .ok_or_else(|| refusal(before + 1, before + of_entry.len()))?;
        secrets.retain(|(earlier, _)| !earlier.eq_ignore_ascii_case(&name));
        secrets.push((name, value.replace(dollar, "$").into()));
    }
}

/// What the library reads without a complaint and not as it is written: it drops a backslash that ends a value, and at
/// `\'` in single quotes it takes the value to go on in one place and to end in another.
fn misread(lines: &[&str]) -> bool {
    let escapes = |before: &str| (before.len() - before.trim_end_matches('\\').len()) % 2 == 1;
    let mut quotes = lines
        .iter()
        .flat_map(|line| line.match_indices('\'').map(|(at, _)| &line[..at]));
    quotes.any(escapes) || lines.last().is_some_and(|line| escapes(line.trim_end()))
}

fn refusal(first: usize, last: usize) -> String {
    let lines = match first < last {
        true => format!("lines {first} to {last}"),
        false => format!("line {last}"),
    };
    format!(
        "{lines}: not NAME=VALUE in dotenv form; outside of single quotes a backslash stands before n, a space, \\ or \" alone, and a $ stands for itself"
    )
}

/// Gives one line at a time, and counts them.
struct ByLine<'a> {
    rest: &'a [u8],
    taken: &'a Cell<usize>,
}

impl Read for ByLine<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let line = self.rest.iter().position(|&byte| byte == b'\n');
        let end = line.map_or(self.rest.len(), |end| end + 1);
        let (given, rest) = self.rest.split_at(end.min(buffer.len()));
        buffer[..given.len()].copy_from_slice(given);
        self.rest = rest;
        self.taken
            .set(self.taken.get() + usize::from(given.ends_with(b"\n")));
        Ok(given.len())
    }
}
