//! Spans and events of `tracing`, by the names of OpenTelemetry's conventions where there are any, and else below
//! `octoseal`. The guide has them in a table.

use reqwest::Url;
use tracing::{Span, debug, field, info_span, warn};

use super::events::{self, Event};
use crate::error::ErrorKind;
use crate::runtime::Call;

const TARGET: &str = "octoseal";

/// The span of a call of the public API.
pub(crate) fn of_call(call: &Call<'_>) -> Span {
    info_span!(
        target: TARGET,
        "call",
        otel.name = call.operation.id,
        otel.kind = "internal",
        otel.status_code = field::Empty,
        octoseal.operation = call.operation.id,
        octoseal.place = %call.place,
        octoseal.name = call.name,
        "error.type" = field::Empty,
    )
}

/// The span of one request.
pub(crate) fn of_request(call: &Call<'_>, base: &Url, attempt: u32) -> Span {
    let operation = call.operation;
    info_span!(
        target: TARGET,
        "request",
        otel.name = %format_args!("{} {}", operation.method, operation.path),
        otel.kind = "client",
        otel.status_code = field::Empty,
        http.request.method = operation.method,
        url.template = operation.path,
        server.address = base.host_str(),
        server.port = base.port_or_known_default(),
        http.request.resend_count = Some(attempt - 1).filter(|resent| *resent > 0),
        http.response.status_code = field::Empty,
        "error.type" = field::Empty,
        octoseal.operation = operation.id,
        octoseal.place = %call.place,
        octoseal.request_id = field::Empty,
        octoseal.quota_left = field::Empty,
    )
}

/// Records in its span how a request ended.
pub(super) fn end_request(span: &Span, request: &events::Request) {
    span.record("http.response.status_code", request.status);
    span.record("octoseal.request_id", request.request_id.as_deref());
    span.record("octoseal.quota_left", request.quota_left);
    failed(span, request.status, request.error);
}

/// Records in its span how a call ended.
pub(super) fn end_call(span: &Span, call: &events::Call) {
    failed(span, None, call.error);
}

fn failed(span: &Span, status: Option<u16>, error: Option<ErrorKind>) {
    if let Some(error) = error_type(status, error) {
        span.record("otel.status_code", "error");
        span.record("error.type", error);
    }
}

/// The value of `error.type`: the status, or else the kind of error.
pub(super) fn error_type(status: Option<u16>, error: Option<ErrorKind>) -> Option<String> {
    let error = error?;
    Some(match status.filter(|status| *status >= 400) {
        Some(status) => status.to_string(),
        None => format!("{error:?}"),
    })
}

/// Writes an event into the log.
pub(super) fn write(event: &Event) {
    match event {
        Event::Request(request) => debug!(
            target: TARGET,
            {
            octoseal.operation = request.operation,
            octoseal.place = request.place,
            octoseal.attempt = request.attempt,
            http.response.status_code = request.status,
            "error.type" = error_type(request.status, request.error),
            octoseal.request_id = request.request_id,
            octoseal.quota_left = request.quota_left,
            octoseal.seconds = request.duration.as_secs_f64(),
            },
            "request"
        ),
        Event::Wait(wait) => debug!(
            target: TARGET,
            {
            octoseal.identity = %wait.identity,
            octoseal.reason = ?wait.reason,
            octoseal.seconds = wait.duration.as_secs_f64(),
            },
            "waiting"
        ),
        Event::Limited(wait) => warn!(
            target: TARGET,
            {
            octoseal.identity = %wait.identity,
            octoseal.reason = ?wait.reason,
            octoseal.seconds = wait.duration.as_secs_f64(),
            },
            "limited"
        ),
        Event::Learnt(lesson) => warn!(
            target: TARGET,
            {
            octoseal.identity = %lesson.identity,
            octoseal.learnt = ?lesson.learnt,
            },
            "learnt"
        ),
        Event::Deprecated(deprecation) => warn!(
            target: TARGET,
            {
                octoseal.operation = deprecation.operation,
                octoseal.since = deprecation.since.map(httpdate::fmt_http_date),
                octoseal.sunset = deprecation.sunset.map(httpdate::fmt_http_date),
            },
            "deprecated"
        ),
        Event::UnknownSetting(unknown) => warn!(
            target: TARGET,
            {
                octoseal.place = unknown.place,
                octoseal.name = unknown.name,
                octoseal.setting = unknown.setting,
            },
            "unknown setting"
        ),
        Event::Batch(batch) => debug!(
            target: TARGET,
            {
                octoseal.batch = batch.number,
                octoseal.succeeded = batch.succeeded,
                octoseal.failed = batch.failed,
                "error.type" = error_type(None, batch.error),
            },
            "batch"
        ),
        Event::Call(call) => debug!(
            target: TARGET,
            {
            octoseal.operation = call.operation,
            octoseal.place = call.place,
            octoseal.name = call.name,
            http.response.status_code = call.status,
            "error.type" = error_type(None, call.error),
            octoseal.seconds = call.duration.as_secs_f64(),
            },
            "call"
        ),
    }
}
