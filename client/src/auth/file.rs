//! Small files that hold a secret.

use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Error, shown_path};

/// Tokens and keys are far smaller.
const MOST_BYTES: usize = 64 * 1024;

/// Reads a file, which `what` names in errors, with a hint what to do with a text that is no path. It may take as long as its file system likes.
pub(crate) fn read_secret(
    what: &str,
    path: &Path,
    hint: &str,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let refuse =
        |why: &str| Error::config(format!("{what} {} {why}", shown_path(path))).with_hint(hint);
    let failed = |why| refuse("can't be read").with_source(why);
    // Opening a pipe waits for another end.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(refuse("is not a regular file"));
    }
    // With room for all of it: a vector that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST_BYTES + 1));
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(MOST_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() > MOST_BYTES {
        return Err(refuse(
            "is larger than 64 KiB, too large for what it should hold",
        ));
    }
    Ok(bytes)
}
