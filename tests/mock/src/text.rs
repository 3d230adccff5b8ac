//! What is read from text: numbers, times, and why something else can't be.

pub(crate) mod commands;

use std::fmt;
use std::time::Duration;

/// Text that can't be read as what it should be, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError(String);

impl TextError {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }

    /// The same with a word before it that says where.
    pub(crate) fn at(self, place: &str) -> Self {
        Self(format!("{place}: {}", self.0))
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TextError {}

pub(crate) fn refuse<T>(why: impl Into<String>) -> Result<T, TextError> {
    Err(TextError::new(why))
}

pub(crate) fn number<N: std::str::FromStr>(text: &str) -> Result<N, TextError> {
    text.parse()
        .or_else(|_| refuse(format!("{text:?} is not a number that fits here")))
}

/// A time: a number and its unit.
pub(crate) fn time(text: &str) -> Result<Duration, TextError> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let milliseconds = unit
        .zip(digits.parse::<u64>().ok())
        .and_then(|(unit, number)| number.checked_mul(unit));
    match milliseconds {
        Some(milliseconds) => Ok(Duration::from_millis(milliseconds)),
        None => refuse(format!(
            "{text:?} is not a time such as 200ms, 30s, 5m or 1h"
        )),
    }
}

/// The next word, and what follows it.
pub(crate) fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}
