//! Small files that hold a secret.

use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Error, shown_path};

/// Far more than a token or a key has.
const MOST_BYTES: usize = 64 * 1024;

/// Reads a file, which errors call `what`; their hint says what to do with a text that is not a path. Blocks the thread.
pub(crate) fn read_secret(
    what: &str,
    path: &Path,
    hint: &str,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let refuse =
        |why: &str| Error::config(format!("{what} {} {why}", shown_path(path))).with_hint(hint);
    let failed = |why| refuse("can't be read").with_source(why);
    // Opening a pipe would wait for its other end.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(refuse("is not a regular file"));
    }
    // Large enough not to grow, since a vector that grows leaves copies behind.
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
