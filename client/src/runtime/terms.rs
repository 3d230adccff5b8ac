//! Settings of a handle that replace those of its client.

use std::time::Duration;

use tokio::time::Instant;

use super::policy::RetryPolicy;

/// How long the calls of one handle may take, and how often they try.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    pub(crate) policy: Option<RetryPolicy>,
    pub(crate) deadline: Option<Duration>,
    /// For a member of a batch, which makes more attempts and waits for limits as long as they ask.
    pub(super) batch: Option<Batch>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    /// The deadline of the whole batch.
    pub(super) until: Option<Instant>,
}

impl Terms {
    pub(crate) fn of(policy: RetryPolicy) -> Self {
        Self {
            policy: Some(policy),
            ..Self::default()
        }
    }

    /// These terms for the members of a batch that begins now.
    pub(crate) fn in_batch(mut self) -> Self {
        let until = self
            .deadline
            .and_then(|deadline| Instant::now().checked_add(deadline));
        self.batch = Some(Batch { until });
        self
    }
}
