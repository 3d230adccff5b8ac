//! Messages of a server, without what it may have copied from the request.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

/// Characters in common with the token, in any of its spellings, from which on a text holds a piece of it.
const PIECE_CHARS: usize = 8;

const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Where a message is cut.
const LONGEST_MESSAGE_BYTES: usize = 400;

/// From this length on a word is taken for a sealed value, a token or an address.
const SECRET_WORD_BYTES: usize = 40;

/// A message without the words that look like a secret: an address, a long or encoded word, a piece of the token.
/// Marks that change how a line reads (controls, directions, line separators) count as blanks.
pub(super) fn without_secrets(message: &str, token: &str) -> Option<String> {
    let words = message.split(|c: char| c.is_whitespace() || changes_the_line(c));
    let mut clean = String::new();
    for word in words.filter(|word| !word.is_empty()) {
        if clean.len() + word.len() > LONGEST_MESSAGE_BYTES {
            clean.push_str(" …");
            break;
        }
        let word = if looks_secret(word) || echoes(word, token) {
            "…"
        } else {
            word
        };
        if !clean.is_empty() {
            clean.push(' ');
        }
        clean.push_str(word);
    }
    (clean.contains(char::is_alphanumeric)).then_some(clean)
}

/// Whether a text holds the token or a piece of it: as it is, in other letters, as base64, hexadecimal or escaped.
pub(super) fn echoes(text: &str, token: &str) -> bool {
    let mut lower = text.to_lowercase();
    if let Cow::Owned(unescaped) = percent_decode_str(text).decode_utf8_lossy() {
        lower.push(' ');
        lower.push_str(&unescaped.to_lowercase());
    }
    let text: Vec<u8> = lower.bytes().map(folded).collect();
    let mut has = [false; 256];
    text.iter().for_each(|byte| has[usize::from(*byte)] = true);
    let holds = |spelling: &[u8]| {
        let length = PIECE_CHARS.min(spelling.len()).max(1);
        // To be fast: pieces with a character that the text lacks are not compared.
        let runs = spelling.split(|byte| !has[usize::from(*byte)]);
        let mut pieces = runs.flat_map(|run| run.windows(length));
        pieces.any(|piece| text.windows(length).any(|other| other == piece))
    };
    // One buffer for all spellings, large enough not to move, so that it can be wiped.
    let mut spelling = Zeroizing::new(Vec::with_capacity(2 * token.len() + 4));
    spelling.extend(token.bytes().map(folded));
    let mut is_echo = holds(&spelling);
    spelling.clear();
    let digits = |byte: u8| [byte >> 4, byte & 0xf].map(|it| HEX_DIGITS[usize::from(it)]);
    spelling.extend(token.bytes().flat_map(digits));
    is_echo |= holds(&spelling);
    // Base64 of a text that holds the token depends on where in it the token begins.
    for rest in (0..3).filter_map(|skip| token.as_bytes().get(skip..)) {
        spelling.resize(2 * token.len() + 4, 0);
        let length = STANDARD.encode_slice(rest, &mut spelling).unwrap_or(0);
        spelling.truncate(length);
        spelling.iter_mut().for_each(|byte| *byte = folded(*byte));
        is_echo |= holds(&spelling);
    }
    is_echo
}

/// A character in the one form that both cases of a letter and both alphabets of base64 share.
fn folded(byte: u8) -> u8 {
    match byte {
        b'+' => b'-',
        b'/' => b'_',
        byte => byte.to_ascii_lowercase(),
    }
}

/// Whether a word has the shape of a secret.
fn looks_secret(word: &str) -> bool {
    let core = word.trim_matches(|c: char| !c.is_alphanumeric());
    let has = |is: fn(char) -> bool| core.contains(is);
    let mixed = has(|c| c.is_ascii_digit()) && has(char::is_alphabetic);
    word.len() >= SECRET_WORD_BYTES
        || word.contains("://")
        || word.contains(['<', '>', '%'])
        || mixed && core.len() >= 12
}

/// Controls, and the marks that turn a text around or break its line where a terminal or a log shows it.
fn changes_the_line(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
