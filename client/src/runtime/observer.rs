//! Events of calls: each is told once, to `tracing`, to `metrics` and to the service's own observer.

mod events;
#[cfg(feature = "metrics")]
mod metrics;
mod spans;

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use octoseal_api::ResponseValue;
use reqwest::header::HeaderMap;
use tokio::time::Instant;
use tracing::level_filters::LevelFilter;
use tracing::{Span, error};

use super::call;
use super::headers;
use super::lock;
use super::reply::Failure;
use crate::error::Error;
use crate::limits::{Identity, Stop, WaitReason};

pub use events::{Batch, Call, Deprecation, Event, Lesson, Request, UnknownSetting, Wait};
pub(super) use spans::{of_call, of_request};

/// Waits that end within this time of each other are told as one.
const TOLD_AS_ONE: Duration = Duration::from_secs(1);

pub(crate) type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

/// Tells the events of one client and its clones.
#[derive(Default)]
pub(crate) struct Observer {
    listener: Option<Listener>,
    /// The waits and closed gates that were told, and when they end.
    told: Mutex<HashMap<(Identity, WaitReason, Told), Instant>>,
    /// The operations whose deprecation was told.
    deprecated: Mutex<HashSet<&'static str>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Told {
    Wait,
    Limited,
}

impl Observer {
    pub(crate) fn new(listener: Option<Listener>) -> Arc<Self> {
        Arc::new(Self {
            listener,
            ..Self::default()
        })
    }

    pub(super) fn tell_wait(&self, identity: Identity, until: Instant, reason: WaitReason) {
        // Each call has its own pause before another attempt, but all wait for a limit together.
        if reason == WaitReason::Backoff || self.is_news((identity, reason, Told::Wait), until) {
            self.tell(&Event::Wait(Wait::new(identity, until, reason)));
        }
    }

    /// Tells that a refusal has closed the gate, and what it taught.
    pub(super) fn tell_limit(&self, identity: Identity, stop: Stop) {
        let Stop { until, reason, .. } = stop;
        if self.is_news((identity, reason, Told::Limited), until) {
            self.tell(&Event::Limited(Wait::new(identity, until, reason)));
        }
        if let Some(learnt) = stop.learnt {
            self.tell(&Event::Learnt(Lesson { identity, learnt }));
        }
    }

    /// Tells of a deprecation, if the headers of a reply to the operation say it.
    pub(super) fn tell_deprecation(&self, operation: &'static str, headers: &HeaderMap) {
        let Some((since, sunset)) = headers::deprecation(headers) else {
            return;
        };
        let mut known = lock(&self.deprecated);
        if known.insert(operation) {
            drop(known);
            self.tell(&Event::Deprecated(Deprecation {
                operation,
                since,
                sunset,
            }));
        }
    }

    /// Whether no wait that was told lasts as long.
    fn is_news(&self, what: (Identity, WaitReason, Told), until: Instant) -> bool {
        let mut told = lock(&self.told);
        let now = Instant::now();
        told.retain(|_, until| *until > now);
        let known = told
            .get(&what)
            .is_some_and(|told| until <= *told + TOLD_AS_ONE);
        if !known {
            told.insert(what, until);
        }
        !known
    }

    pub(super) fn tell_unknown_setting(&self, setting: UnknownSetting) {
        self.tell(&Event::UnknownSetting(setting));
    }

    pub(super) fn tell_request(&self, span: &Span, request: impl FnOnce() -> Request) {
        if self.is_heard() {
            let request = request();
            spans::end_request(span, &request);
            span.in_scope(|| self.tell(&Event::Request(request)));
        }
    }

    pub(super) fn tell_call(&self, span: &Span, call: impl FnOnce() -> Call) {
        if self.is_heard() {
            let call = call();
            spans::end_call(span, &call);
            span.in_scope(|| self.tell(&Event::Call(call)));
        }
    }

    /// Counts the outcome of a member of a batch, and tells of it.
    pub(crate) fn tell_outcome(&self, batch: &mut Batch, error: Option<&Error>) {
        let count = match error {
            Some(_) => &mut batch.failed,
            None => &mut batch.succeeded,
        };
        *count += 1;
        batch.error = error.map(Error::kind);
        self.tell(&Event::Batch(batch.clone()));
    }

    /// Whether an event would reach anything; otherwise it need not be made.
    fn is_heard(&self) -> bool {
        let traced = LevelFilter::current() > LevelFilter::OFF;
        traced || self.listener.is_some() || cfg!(feature = "metrics")
    }

    fn tell(&self, event: &Event) {
        spans::write(event);
        #[cfg(feature = "metrics")]
        metrics::count(event);
        let Some(listener) = &self.listener else {
            return;
        };
        // A panic of the listener must not end the call.
        if catch_unwind(AssertUnwindSafe(|| listener(event))).is_err() {
            error!(target: "octoseal", "the observer panicked");
        }
    }
}

impl Batch {
    /// A batch that begins.
    pub(crate) fn begin() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self {
            number: 1 + LAST.fetch_add(1, Ordering::Relaxed),
            succeeded: 0,
            failed: 0,
            error: None,
        }
    }
}

impl Request {
    pub(super) fn new<T>(
        call: &call::Call<'_>,
        identity: Identity,
        attempt: u32,
        duration: Duration,
        outcome: &Result<ResponseValue<T>, Failure>,
        request_id: Option<String>,
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
            request_id: request_id.or_else(|| error.and_then(Error::request_id).map(str::to_owned)),
            quota_left: headers.map_or(
                failure.and_then(|failure| Some(failure.quota?.remaining)),
                headers::remaining,
            ),
        }
    }
}

impl Call {
    pub(super) fn new<T>(
        call: &call::Call<'_>,
        duration: Duration,
        result: &Result<T, Error>,
    ) -> Self {
        let error = result.as_ref().err();
        Self {
            operation: call.operation.id,
            place: call.place.to_string(),
            name: call.name.to_owned(),
            duration,
            error: error.map(Error::kind),
            status: error.and_then(Error::status),
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
