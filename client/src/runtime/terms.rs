//! What a call may take where the caller says otherwise than the client's builder did.

use std::time::Duration;

use tokio::time::Instant;

use super::policy::RetryPolicy;

/// What the calls of one handle may take.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    pub(crate) policy: Option<RetryPolicy>,
    pub(crate) deadline: Option<Duration>,
    /// For a member of a batch, which makes more attempts and waits for limits as long as they ask.
    pub(super) batch: Option<Batch>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    /// When the whole batch has to be done, if that was said.
    pub(super) until: Option<Instant>,
}

impl Terms {
    /// Those of a policy.
    pub(crate) fn of(policy: RetryPolicy) -> Self {
        Self {
            policy: Some(policy),
            ..Self::default()
        }
    }

    /// The same for the members of a batch that begins now.
    pub(crate) fn in_batch(mut self) -> Self {
        let until = self
            .deadline
            .and_then(|deadline| Instant::now().checked_add(deadline));
        self.batch = Some(Batch { until });
        self
    }
}
