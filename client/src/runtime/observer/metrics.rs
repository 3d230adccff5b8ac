//! Metrics of events. The guide has them in a table.

use metrics::{counter, gauge, histogram};

use super::events::Event;
use super::spans::error_type;
use crate::error::ErrorKind;

pub(super) fn count(event: &Event) {
    match event {
        Event::Request(request) => {
            let operation = request.operation;
            let outcome = outcome(request.status, request.error);
            let seconds = request.duration.as_secs_f64();
            counter!("octoseal.requests", "operation" => operation, "outcome" => outcome)
                .increment(1);
            histogram!("octoseal.request.seconds", "operation" => operation).record(seconds);
            if let Some(left) = request.quota_left {
                let identity = request.identity.to_string();
                gauge!("octoseal.quota_left", "identity" => identity).set(left as f64);
            }
        }
        Event::Wait(wait) => {
            let reason = format!("{:?}", wait.reason);
            let seconds = wait.duration.as_secs_f64();
            counter!("octoseal.waits", "reason" => reason.clone()).increment(1);
            histogram!("octoseal.wait.seconds", "reason" => reason).record(seconds);
        }
        Event::Limited(wait) => {
            let reason = format!("{:?}", wait.reason);
            counter!("octoseal.limits", "reason" => reason).increment(1);
        }
        Event::Learnt(lesson) => {
            let learnt = format!("{:?}", lesson.learnt);
            counter!("octoseal.lessons", "learnt" => learnt).increment(1);
        }
        Event::Deprecated(deprecation) => {
            counter!("octoseal.deprecations", "operation" => deprecation.operation).increment(1);
        }
        // About one secret, and told once: nothing to count.
        Event::UnknownSetting(_) => {}
        Event::Call(call) => {
            let (operation, outcome) = (call.operation, outcome(None, call.error));
            let seconds = call.duration.as_secs_f64();
            counter!("octoseal.calls", "operation" => operation, "outcome" => outcome).increment(1);
            histogram!("octoseal.call.seconds", "operation" => operation).record(seconds);
        }
        Event::Batch(batch) => {
            counter!("octoseal.batch.outcomes", "outcome" => outcome(None, batch.error))
                .increment(1);
        }
    }
}

/// `ok`, or what went wrong.
fn outcome(status: Option<u16>, error: Option<ErrorKind>) -> String {
    error_type(status, error).unwrap_or_else(|| "ok".to_owned())
}
