//! What callers gave, in what is printed. A text in the wrong place may be a secret: it is described and not quoted.

use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};

/// No name of GitHub's is longer, but for an environment's.
const LONGEST_NAME_CHARS: usize = 128;

/// Paths of secrets are shorter, and keys longer.
const LONGEST_PATH_BYTES: usize = 255;

/// A client secret, and a token as GitHub made them before they had prefixes, has 40.
const SHORTEST_HEX_SECRET_CHARS: usize = 32;

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

/// A name in quotes, as far as it may be one. An address may hold a password, and what has other characters than names
/// have may be a value in its place: they are described.
pub(crate) fn shown(name: &str) -> String {
    let fits = |c: char| c.is_alphanumeric() || c.is_control() || "_-./: ,".contains(c);
    let is_plain = name.chars().all(fits) && !is_like_secret(name);
    match name.chars().count() {
        ..=LONGEST_NAME_CHARS if is_plain => format!("{name:?}"),
        characters => described(characters),
    }
}

/// A path as it is, if it may be one.
pub(crate) fn shown_path(path: &Path) -> String {
    if is_plain_path(path) {
        path.display().to_string()
    } else {
        described(path.to_string_lossy().chars().count())
    }
}

fn is_plain_path(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.len() <= LONGEST_PATH_BYTES && !text.contains(char::is_control) && !is_like_secret(&text)
}

fn described(characters: usize) -> String {
    format!("({characters} characters)")
}

/// Whether a text has the form of a key, a token, or an address with a password, or has several lines.
pub(crate) fn is_like_secret(text: &str) -> bool {
    let tokens = ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"];
    let text = text.trim();
    let is_hex = text.len() >= SHORTEST_HEX_SECRET_CHARS
        && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_json_web_token = text.starts_with("eyJ");
    let marks = ["-----", "://", "\n", "\r"];
    is_hex
        || is_json_web_token
        || [&tokens[..], &marks]
            .concat()
            .iter()
            .any(|it| text.contains(it))
}
