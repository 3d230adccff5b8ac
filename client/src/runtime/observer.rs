//! What is told of calls while they run: events of `tracing`, and [`ClientBuilder::on_wait`](crate::ClientBuilder::on_wait).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use octoseal_api::ResponseValue;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::headers;
use super::reply::Failure;
use crate::limits::{Stop, WaitReason};

/// A wait that a client is about to begin; see [`ClientBuilder::on_wait`](crate::ClientBuilder::on_wait).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait {
    /// Why nothing is sent meanwhile.
    pub reason: WaitReason,
    /// How long.
    pub duration: Duration,
    /// Until when, by this machine's clock.
    pub until: SystemTime,
}

pub(crate) type OnWait = Arc<dyn Fn(&Wait) + Send + Sync>;

/// Tells of waits and replies.
#[derive(Clone, Default)]
pub(crate) struct Observer {
    pub(crate) on_wait: Option<OnWait>,
}

impl Observer {
    /// A call is about to wait.
    pub(super) fn waiting(&self, until: Instant, reason: WaitReason) {
        let duration = until.saturating_duration_since(Instant::now());
        debug!(
            reason = reason.as_str(),
            ms = duration.as_millis() as u64,
            "waiting"
        );
        if let Some(on_wait) = &self.on_wait {
            on_wait(&Wait {
                reason,
                duration,
                until: SystemTime::now() + duration,
            });
        }
    }

    /// A limit has closed the gate.
    pub(super) fn limited(&self, stop: Stop) {
        let left = stop.until.saturating_duration_since(Instant::now());
        warn!(
            reason = stop.reason.as_str(),
            seconds = left.as_secs(),
            "limited"
        );
        if let Some(learnt) = stop.learnt {
            warn!(?learnt, "learnt from a refusal");
        }
    }

    /// A request got its reply.
    pub(super) fn answered<T>(&self, reply: &ResponseValue<T>, took: Duration) {
        debug!(
            status = reply.status().as_u16(),
            request_id = headers::request_id(reply.headers()),
            remaining = headers::remaining(reply.headers()),
            ms = took.as_millis() as u64,
            "answered"
        );
    }

    /// A request got none, or a refusal.
    pub(super) fn failed(&self, failure: &Failure, took: Duration) {
        debug!(
            status = failure.error.status(),
            request_id = failure.error.request_id(),
            remaining = failure.quota.map(|quota| quota.remaining),
            ms = took.as_millis() as u64,
            error = %failure.error,
            "failed"
        );
    }
}
