//! Names and paths that callers gave, in errors and `Debug`. A text that may be a secret in the wrong place is not quoted.

use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};

/// More than any name at GitHub has, except an environment's.
const LONGEST_NAME_CHARS: usize = 128;

/// More than paths of secrets have, and fewer than keys.
const LONGEST_PATH_BYTES: usize = 255;

/// A client secret has 40, and so has a token from before tokens had prefixes.
const SHORTEST_HEX_SECRET_CHARS: usize = 32;

/// Tokens have 40, their prefixes included.
const SHORTEST_TOKEN_CHARS: usize = 36;

/// A name that is not checked yet. It prints itself as [`shown`].
#[derive(Clone)]
pub(crate) struct Given(pub(crate) String);

impl Deref for Given {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(self))
    }
}

/// A path that may not be one. It prints itself as [`shown_path`].
#[derive(Clone)]
pub(crate) struct GivenPath(pub(crate) PathBuf);

impl fmt::Debug for GivenPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_plain_path(&self.0) {
            self.0.fmt(f)
        } else {
            f.write_str(&shown_path(&self.0))
        }
    }
}

/// A name in quotes if it can be one, and otherwise its length alone.
pub(crate) fn shown(name: &str) -> String {
    let fits = |c: char| c.is_alphanumeric() || c.is_control() || "_-./: ,".contains(c);
    if name.chars().all(fits) && may_be_shown(name) {
        format!("{name:?}")
    } else {
        length_alone(name.chars().count())
    }
}

/// Whether a name can't be a key or a token in its place.
pub(crate) fn may_be_shown(name: &str) -> bool {
    name.chars().count() <= LONGEST_NAME_CHARS && !is_like_secret(name)
}

/// A path as it is if it can be one, and otherwise its length alone.
pub(crate) fn shown_path(path: &Path) -> String {
    if is_plain_path(path) {
        path.display().to_string()
    } else {
        length_alone(path.to_string_lossy().chars().count())
    }
}

fn is_plain_path(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.len() <= LONGEST_PATH_BYTES && !text.contains(char::is_control) && !is_like_secret(&text)
}

fn length_alone(characters: usize) -> String {
    format!("({characters} characters)")
}

/// Whether a text has the form of a key, a token, or an address with a password, or has several lines.
pub(crate) fn is_like_secret(text: &str) -> bool {
    let prefixes = ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"];
    let marks = ["-----", "://", "\n", "\r"];
    let text = text.trim();
    // Within a word, such as highs_solver, only with as much behind it as tokens have.
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = |at: usize| !text[..at].ends_with(|before: char| before.is_ascii_alphanumeric());
    let is_long =
        |rest: &str| rest.chars().take_while(|c| fits(*c)).count() >= SHORTEST_TOKEN_CHARS;
    let mut found = prefixes
        .iter()
        .flat_map(|prefix| text.match_indices(prefix));
    let has_token = found.any(|(at, _)| begins(at) || is_long(&text[at..]));
    let is_hex = text.len() >= SHORTEST_HEX_SECRET_CHARS
        && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_json_web_token = text.starts_with("eyJ");
    is_hex || is_json_web_token || has_token || marks.iter().any(|mark| text.contains(mark))
}
