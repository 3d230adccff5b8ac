//! What a service can see of its calls: spans and events, waits, and what became of the secret.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use octoseal::{Pacing, Visibility, Wait, WaitReason};
use octoseal_mock::Fault;
use octoseal_tests::{ACME, acme, builder, put, scope};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

pub(crate) type Fields = BTreeMap<String, String>;

/// An event of ours with all fields that it and its spans have, `message` among them.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<Fields>>>);

struct Read<'a>(&'a mut Fields);

impl Visit for Read<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Seen {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::new();
        attributes.record(&mut Read(&mut fields));
        let span = context.span(id).unwrap();
        span.extensions_mut().insert(fields);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if !event.metadata().target().starts_with("octoseal") {
            return;
        }
        let mut fields = Fields::from([("level".into(), event.metadata().level().to_string())]);
        for span in context.event_scope(event).into_iter().flatten() {
            fields.extend(
                span.extensions()
                    .get::<Fields>()
                    .cloned()
                    .unwrap_or_default(),
            );
        }
        event.record(&mut Read(&mut fields));
        self.0.lock().unwrap().push(fields);
    }
}

/// Lets a subscriber have what this thread logs until the guard is dropped.
pub(crate) fn capture(subscriber: impl Subscriber + Send + Sync) -> DefaultGuard {
    // While there is but one subscriber, a call site that another test's thread passes first is switched off for all
    // threads, since that thread has none. So there are always two.
    static OTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Registry::default()));
    LazyLock::force(&OTHER);
    set_default(subscriber)
}

impl Seen {
    pub(crate) fn start() -> (Self, DefaultGuard) {
        let seen = Self::default();
        let guard = capture(Registry::default().with(seen.clone()));
        (seen, guard)
    }

    /// The events with this message.
    pub(crate) fn of(&self, message: &str) -> Vec<Fields> {
        let events = self.0.lock().unwrap().clone();
        events
            .into_iter()
            .filter(|fields| fields["message"] == message)
            .collect()
    }
}

fn assert_has(fields: &Fields, wanted: &[(&str, &str)]) {
    for (name, value) in wanted {
        assert_eq!(
            fields.get(*name).map(String::as_str),
            Some(*value),
            "{name} of {fields:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn every_attempt_tells_operation_scope_status_request_and_what_is_left() {
    let (seen, _guard) = Seen::start();
    let github = acme();
    github.inject(Fault::unicorn().on("PUT"));
    put(&octoseal_tests::client(&github), "KEY", "value")
        .await
        .unwrap();

    let answered = seen.of("answered");
    assert_eq!(answered.len(), 2);
    assert_has(
        &answered[0],
        &[
            ("operation", "reading the public key of"),
            ("scope", ACME),
            ("number", "1"),
            ("status", "200"),
        ],
    );
    assert_has(
        &answered[1],
        &[
            ("operation", "storing"),
            ("secret", "KEY"),
            ("scope", ACME),
            ("number", "2"),
            ("status", "201"),
        ],
    );
    for reply in &answered {
        assert!(reply["request_id"].starts_with("0C70:"), "{reply:?}");
        assert!(reply["remaining"].parse::<u64>().unwrap() > 0, "{reply:?}");
    }
    let failed = seen.of("failed");
    assert_eq!(failed.len(), 1);
    assert_has(
        &failed[0],
        &[("operation", "storing"), ("number", "1"), ("status", "502")],
    );
    assert!(failed[0].contains_key("error"));
    let waits = seen.of("waiting");
    assert_eq!(waits.len(), 1);
    assert_has(
        &waits[0],
        &[("operation", "storing"), ("reason", "a failed attempt")],
    );
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_a_warning_that_says_for_how_long() {
    let (seen, _guard) = Seen::start();
    let github = acme();
    github.inject(
        Fault::secondary_limit()
            .header("retry-after", "30")
            .on("PUT"),
    );
    put(&octoseal_tests::client(&github), "KEY", "value")
        .await
        .unwrap();
    let limited = seen.of("limited");
    assert_eq!(limited.len(), 1);
    let reason = "GitHub's secondary rate limit";
    assert_has(
        &limited[0],
        &[
            ("level", "WARN"),
            ("seconds", "30"),
            ("reason", reason),
            ("scope", ACME),
        ],
    );
    assert_has(
        &seen.of("waiting")[0],
        &[("reason", reason), ("ms", "30000")],
    );
}

#[tokio::test(start_paused = true)]
async fn members_of_a_batch_are_seen_one_by_one_beneath_the_callers_span() {
    let (seen, _guard) = Seen::start();
    let github = acme();
    let client = octoseal_tests::client(&github);
    let batch = (0..60).map(|n| (format!("KEY_{n}"), "value", Visibility::All));
    let rollout = tracing::info_span!("rollout", ticket = 17);
    let outcomes = client.secrets(scope(ACME)).put_all(batch);
    let count = tracing::Instrument::instrument(outcomes.count(), rollout).await;
    assert_eq!(count, 60);
    let stored = seen.of("answered");
    let stored: Vec<_> = stored
        .iter()
        .filter(|reply| reply["status"] == "201")
        .collect();
    assert_eq!(stored.len(), 60);
    let names: std::collections::BTreeSet<_> =
        stored.iter().map(|reply| &reply["secret"]).collect();
    assert_eq!(names.len(), 60);
    assert!(stored.iter().all(|reply| reply["ticket"] == "17"));
}

#[tokio::test(start_paused = true)]
async fn a_service_is_told_of_every_wait_its_reason_and_its_end() {
    let github = acme();
    github.inject(
        Fault::secondary_limit()
            .header("retry-after", "30")
            .on("PUT"),
    );
    github.inject(Fault::unicorn().on("PUT"));
    github.inject(Fault::primary_limit(Duration::from_secs(100)).on("PUT"));
    let waits: Arc<Mutex<Vec<Wait>>> = Arc::default();
    let told = waits.clone();
    let client = builder(&github)
        .pacing(Pacing::writes_as_content().content_per_minute(1))
        .on_wait(move |wait| told.lock().unwrap().push(wait.clone()))
        .build()
        .unwrap();
    put(&client, "KEY", "value").await.unwrap();
    put(&client, "OTHER", "value").await.unwrap();

    let waits = waits.lock().unwrap();
    use WaitReason::{Backoff, PrimaryLimit, SecondaryLimit};
    let of = |reason| waits.iter().find(|wait| wait.reason == reason).unwrap();
    assert_eq!(
        (waits[0].reason, waits[1].reason),
        (SecondaryLimit, Backoff)
    );
    assert_eq!(of(SecondaryLimit).duration.as_secs(), 30);
    assert!(of(Backoff).duration <= Duration::from_millis(500));
    assert!((100..=101).contains(&of(PrimaryLimit).duration.as_secs()));
    assert!(of(WaitReason::Pacing).duration <= Duration::from_secs(61));
    for wait in waits.iter() {
        let real = wait
            .until
            .duration_since(std::time::SystemTime::now())
            .unwrap_or_default();
        assert!(real <= wait.duration && real + Duration::from_secs(20) >= wait.duration);
    }
}
