//! What is told of calls while they run: each event once, to `tracing` and to the service's own observer.

mod events;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use octoseal_api::ResponseValue;
use tokio::time::Instant;
use tracing::{Level, debug, enabled, error, warn};

use super::call::Call;
use super::headers;
use super::reply::Failure;
use crate::error::Error;
use crate::limits::{Identity, Stop, WaitReason};

pub use events::{Event, Lesson, Request, Wait};

/// Waits that end within so long of each other are one.
const TOGETHER: Duration = Duration::from_secs(1);

pub(crate) type Tell = Arc<dyn Fn(&Event) + Send + Sync>;

/// Tells of what happens, for one client and its clones.
#[derive(Default)]
pub(crate) struct Observer {
    tell: Option<Tell>,
    /// Until when the waits last, and the limits, that were told.
    told: Mutex<HashMap<(Identity, WaitReason, Told), Instant>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Told {
    Wait,
    Limited,
}

impl Observer {
    pub(crate) fn new(tell: Option<Tell>) -> Arc<Self> {
        let told = Mutex::default();
        Arc::new(Self { tell, told })
    }

    /// Calls of an identity are about to wait.
    pub(super) fn waiting(&self, identity: Identity, until: Instant, reason: WaitReason) {
        // Each call has a pause of its own before it tries again; for a limit all wait together.
        if reason == WaitReason::Backoff || self.is_news((identity, reason, Told::Wait), until) {
            self.tell(|| Event::Wait(Wait::new(identity, until, reason)));
        }
    }

    /// A limit has closed the gate.
    pub(super) fn limited(&self, identity: Identity, stop: Stop) {
        let Stop { until, reason, .. } = stop;
        if self.is_news((identity, reason, Told::Limited), until) {
            self.tell(|| Event::Limited(Wait::new(identity, until, reason)));
        }
        if let Some(learnt) = stop.learnt {
            self.tell(|| Event::Learnt(Lesson { identity, learnt }));
        }
    }

    /// Whether nothing that was told lasts as long.
    fn is_news(&self, what: (Identity, WaitReason, Told), until: Instant) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        told.retain(|_, until| *until > now);
        let known = told
            .get(&what)
            .is_some_and(|told| until <= *told + TOGETHER);
        if !known {
            told.insert(what, until);
        }
        !known
    }

    /// Tells of an event, which is made only if it can be heard.
    pub(super) fn tell(&self, event: impl FnOnce() -> Event) {
        if self.tell.is_none() && !enabled!(Level::WARN) {
            return;
        }
        let event = event();
        trace(&event);
        let Some(tell) = &self.tell else { return };
        // A call goes on, whatever becomes of what watches it.
        if catch_unwind(AssertUnwindSafe(|| tell(&event))).is_err() {
            error!("the observer panicked");
        }
    }
}

impl Request {
    pub(super) fn new<T>(
        call: &Call<'_>,
        identity: Identity,
        attempt: u32,
        duration: Duration,
        outcome: &Result<ResponseValue<T>, Failure>,
    ) -> Self {
        let (reply, failure) = (outcome.as_ref().ok(), outcome.as_ref().err());
        let headers = reply.map(ResponseValue::headers);
        let error = failure.map(|failure| &failure.error);
        Self {
            operation: call.operation.id,
            place: call.place.to_string(),
            identity,
            attempt,
            duration,
            status: reply.map_or(error.and_then(Error::status), |reply| {
                Some(reply.status().as_u16())
            }),
            error: error.map(Error::kind),
            request_id: headers.map_or(
                error.and_then(Error::request_id).map(str::to_owned),
                headers::request_id,
            ),
            quota_left: headers.map_or(
                failure.and_then(|failure| Some(failure.quota?.remaining)),
                headers::remaining,
            ),
        }
    }
}

impl Wait {
    fn new(identity: Identity, until: Instant, reason: WaitReason) -> Self {
        let duration = until.saturating_duration_since(Instant::now());
        Self {
            identity,
            reason,
            duration,
            until: SystemTime::now() + duration,
        }
    }
}

/// Writes an event into the log.
fn trace(event: &Event) {
    match event {
        Event::Request(request) => debug!(
            operation = request.operation,
            place = request.place,
            attempt = request.attempt,
            status = request.status,
            error = request.error.map(tracing::field::debug),
            request_id = request.request_id,
            quota_left = request.quota_left,
            ms = request.duration.as_millis() as u64,
            "request"
        ),
        Event::Wait(wait) => debug!(
            identity = %wait.identity,
            reason = ?wait.reason,
            ms = wait.duration.as_millis() as u64,
            "waiting"
        ),
        Event::Limited(wait) => warn!(
            identity = %wait.identity,
            reason = ?wait.reason,
            ms = wait.duration.as_millis() as u64,
            "limited"
        ),
        Event::Learnt(lesson) => warn!(
            identity = %lesson.identity,
            learnt = ?lesson.learnt,
            "learnt"
        ),
    }
}
