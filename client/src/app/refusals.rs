//! Refusals that were met a moment ago.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, Reach};
use crate::runtime::lock;

/// How long a refusal is given again without asking: callers that wait for one place come one after another, and after
/// many refusals GitHub refuses valid tokens too.
const REMEMBERED: Duration = Duration::from_secs(5);

/// What was refused, by the words that say what it is.
#[derive(Default)]
pub(super) struct Refusals(Mutex<HashMap<String, (Error, Instant)>>);

impl Refusals {
    pub(super) fn forget(&self) {
        lock(&self.0).clear();
    }

    /// Asks, unless that was refused a moment ago.
    pub(super) async fn ask<T>(
        &self,
        what: &str,
        request: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let recent = |(_, since): &(Error, Instant)| since.elapsed() < REMEMBERED;
        if let Some((error, _)) = lock(&self.0).get(what).filter(|refusal| recent(refusal)) {
            return Err(error.clone());
        }
        let answer = request.await;
        if let Err(error) = &answer
            && is_refusal(error)
        {
            let mut known = lock(&self.0);
            known.retain(|_, refusal| recent(refusal));
            known.insert(what.to_owned(), (error.clone(), Instant::now()));
        }
        answer
    }
}

/// Whether the same request would be refused again: by GitHub, since another may get past what stands between.
fn is_refusal(error: &Error) -> bool {
    error.is_unauthorized()
        || error.is_permission()
        || error.is_githubs_not_found()
        || error.is_validation()
        || *error.reach() != Reach::Secret
}
