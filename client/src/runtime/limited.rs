//! The error of a call that a limit would hold up past its deadline.

use tokio::time::Instant;

use crate::error::{Error, ErrorKind, Told};
use crate::limits::TooLong;

const TRY_THEN: &str = "try again then, or give the call a longer deadline";

/// Says how long the wait would be, and what GitHub said when it `refused`.
pub(super) fn limited(too_long: TooLong, refused: Option<Error>) -> Error {
    let wait = too_long.until.saturating_duration_since(Instant::now());
    // The gate bounds waits to an hour; the error says what the server asked for.
    let asked = refused.as_ref().and_then(Error::retry_after);
    let wait = wait.max(asked.unwrap_or_default());
    let reason = format!(
        "{} asks to wait {} s, longer than this call may take",
        too_long.reason.as_str(),
        wait.as_secs()
    );
    let error = Error::new(ErrorKind::RateLimited, reason)
        .with_retry(wait)
        .with_hint(TRY_THEN);
    let Some(refused) = refused else {
        return error;
    };
    error
        .with_hint(refused.hint().unwrap_or(TRY_THEN))
        .with_told(Told {
            status: None,
            ..refused.told().clone()
        })
}
