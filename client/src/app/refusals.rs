//! Refusals of a moment ago, which are given again without a request.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, Reach};
use crate::runtime::lock;

/// How long a refusal is given again: many callers may ask one after another, and after many refusals GitHub refuses
/// valid tokens too.
const REMEMBERED_FOR: Duration = Duration::from_secs(5);

/// Refusals, by what was asked for.
#[derive(Default)]
pub(super) struct Refusals(Mutex<HashMap<String, (Error, Instant)>>);

impl Refusals {
    pub(super) fn forget(&self) {
        lock(&self.0).clear();
    }

    /// Makes the request, unless the same was refused a moment ago.
    pub(super) async fn ask<T>(
        &self,
        what: &str,
        request: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let recent = |(_, since): &(Error, Instant)| since.elapsed() < REMEMBERED_FOR;
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

/// Whether the same request would be refused again. A `404` of something other than GitHub may not be.
fn is_refusal(error: &Error) -> bool {
    error.is_unauthorized()
        || error.is_permission()
        || error.is_githubs_not_found()
        || error.is_validation()
        || *error.reach() != Reach::Secret
}
