//! What OpenTelemetry gets of a service's calls, and that the guide names all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use octoseal::limits::{Exchange, Identity, Ledger, LedgerFuture};
use octoseal::{ErrorKind, Visibility};
use octoseal_mock::{Fault, Limits};
use octoseal_tests::ledger::LedgerInMemory;
use octoseal_tests::{ACME, acme, builder, client, put, scope};
use opentelemetry::trace::{SpanKind, Status, TracerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

use crate::seeing::{Told, capture};

fn attributes(span: &SpanData) -> BTreeMap<String, String> {
    let attributes = span.attributes.iter();
    attributes
        .map(|attribute| (attribute.key.to_string(), attribute.value.to_string()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn opentelemetry_gets_a_span_for_each_call_and_one_below_it_for_each_request() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("a service"));
    let guard = capture(Registry::default().with(layer));
    let github = acme();
    github.inject(Fault::unicorn().on("PUT"));
    put(&client(&github), "KEY", "value").await.unwrap();
    client(&github)
        .get_org_secret("acme", "NONE")
        .await
        .unwrap_err();
    drop(guard);

    let spans = exporter.get_finished_spans().unwrap();
    let seen: Vec<_> = spans
        .iter()
        .map(|span| (&*span.name, &span.span_kind))
        .collect();
    let key = "GET /orgs/{org}/actions/secrets/public-key";
    let write = "PUT /orgs/{org}/actions/secrets/{secret_name}";
    let expected = [
        (key, &SpanKind::Client),
        (write, &SpanKind::Client),
        (write, &SpanKind::Client),
        ("actions/create-or-update-org-secret", &SpanKind::Internal),
        (
            "GET /orgs/{org}/actions/secrets/{secret_name}",
            &SpanKind::Client,
        ),
        ("actions/get-org-secret", &SpanKind::Internal),
    ];
    assert_eq!(seen, expected);
    let put = spans[3].span_context.span_id();
    assert!(spans[..3].iter().all(|span| span.parent_span_id == put));

    let failed = attributes(&spans[1]);
    for (name, value) in [
        ("http.request.method", "PUT"),
        ("url.template", "/orgs/{org}/actions/secrets/{secret_name}"),
        ("server.address", "api.github.com"),
        ("server.port", "443"),
        ("http.response.status_code", "502"),
        ("error.type", "502"),
    ] {
        assert_eq!(failed.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(!failed.contains_key("http.request.resend_count"));
    assert!(matches!(spans[1].status, Status::Error { .. }));
    let repeated = attributes(&spans[2]);
    assert_eq!(repeated["http.request.resend_count"], "1");
    assert!(!repeated.contains_key("error.type"));
    assert_eq!(spans[3].status, Status::Unset);
    assert_eq!(attributes(&spans[5])["error.type"], "NotFound");
}

/// What there is of each name: its level, and its fields.
type Table = BTreeMap<String, (String, BTreeSet<String>)>;

/// Notes the names, levels and fields of what is ours.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<Table>>);

impl Names {
    fn note(&self, name: String, metadata: &Metadata<'_>) {
        if metadata.target().starts_with("octoseal") {
            assert_eq!(metadata.target(), "octoseal", "{name}");
            let fields = metadata.fields().iter().map(|field| field.to_string());
            let fields = fields.filter(|field| field != "message").collect();
            let row = (metadata.level().to_string(), fields);
            self.0.lock().unwrap().insert(name, row);
        }
    }
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

impl<S: Subscriber> Layer<S> for Names {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let metadata = attributes.metadata();
        self.note(format!("span `{}`", metadata.name()), metadata);
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        self.note(format!("event `{}`", message.0), event.metadata());
    }
}

/// The cells of those rows of the guide's tables that begin so.
fn rows(begin: &str) -> Vec<Vec<&'static str>> {
    let page = include_str!("../../../client/src/guide/seeing.md");
    let rows = page.lines().filter(|line| line.starts_with(begin));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

fn words(cell: &str) -> BTreeSet<String> {
    let words = cell
        .split(", ")
        .map(|word| word.trim_matches('`').to_owned());
    words.collect()
}

/// The guide's table of spans and events.
fn guide() -> Table {
    let rows = [rows("| span `"), rows("| event `")].concat().into_iter();
    rows.map(|cells| (cells[0].to_owned(), (cells[1].to_owned(), words(cells[2]))))
        .collect()
}

/// A ledger that can't be reached at first.
struct AwayAtFirst(LedgerInMemory, AtomicBool);

impl Ledger for AwayAtFirst {
    fn exchange<'a>(&'a self, identity: Identity, exchange: &'a Exchange) -> LedgerFuture<'a> {
        if self.1.swap(false, Ordering::Relaxed) {
            return Box::pin(async { Err("it is away".into()) });
        }
        self.0.exchange(identity, exchange)
    }
}

/// Lets everything happen that is told.
async fn see_everything() {
    let github = acme();
    github.set_limits(Limits::documented().with_content());
    github.inject(Fault::unicorn().on("PUT"));
    github.inject(Fault::deprecated(Duration::from_secs(60)).on("GET"));
    let ledger = AwayAtFirst(LedgerInMemory::new(0), AtomicBool::new(true));
    for builder in [
        builder(&github),
        builder(&github).share_limits_through(Arc::new(ledger)),
    ] {
        let client = builder.build().unwrap();
        let batch = (0..120).map(|n| (format!("KEY_{n}"), "value", Visibility::All));
        assert_eq!(
            client.secrets(scope(ACME)).put_all(batch).count().await,
            120
        );
        let unknown = Fault::extra_field("shiny", true).on("GET");
        github.inject(unknown.at("/secrets/KEY_0"));
        let kept = client.secrets(scope(ACME)).put("KEY_0", "new value");
        kept.send().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_guide_names_each_span_and_event_its_level_and_its_fields() {
    let names = Names::default();
    let guard = capture(Registry::default().with(names.clone()));
    see_everything().await;
    drop(guard);
    let seen = names.0.lock().unwrap().clone();
    for (name, row) in guide() {
        assert_eq!(seen.get(&name), Some(&row), "{name}");
    }
    assert_eq!(seen, guide());
}

#[tokio::test(start_paused = true)]
async fn the_guide_names_each_metric_its_kind_and_its_labels() {
    let recorder = DebuggingRecorder::new();
    let guard = metrics::set_default_local_recorder(&recorder);
    see_everything().await;
    drop(guard);
    let snapshot = recorder.snapshotter().snapshot().into_vec();
    let seen = snapshot.iter().map(|(key, ..)| {
        let labels = key.key().labels().map(|label| label.key().to_owned());
        let kind = format!("{:?}", key.kind()).to_lowercase();
        (key.key().name().to_owned(), (kind, labels.collect()))
    });
    let rows = rows("| `octoseal.").into_iter();
    let guide = rows.filter(|cells| cells.len() == 4).map(|cells| {
        (
            cells[0].trim_matches('`').to_owned(),
            (cells[1].to_owned(), words(cells[2])),
        )
    });
    assert_eq!(seen.collect::<Table>(), guide.collect::<Table>());

    let count = |name: &str, labels: &[(&str, &str)]| {
        let found = snapshot.iter().filter(|(key, ..)| {
            let has = |(name, value): &(&str, &str)| {
                let mut all = key.key().labels();
                all.any(|label| label.key() == *name && label.value() == *value)
            };
            key.key().name() == name && labels.iter().all(has)
        });
        let values = found.map(|(.., value)| match value {
            DebugValue::Counter(count) => *count,
            other => panic!("{name}: {other:?}"),
        });
        values.sum::<u64>()
    };
    let put = ("operation", "actions/create-or-update-org-secret");
    assert_eq!(count("octoseal.calls", &[put, ("outcome", "ok")]), 242);
    assert_eq!(count("octoseal.requests", &[put, ("outcome", "502")]), 1);
    assert_eq!(count("octoseal.batch.outcomes", &[("outcome", "ok")]), 240);
    assert!(count("octoseal.waits", &[("reason", "SecondaryLimit")]) < 5);
    let quotas = snapshot
        .iter()
        .filter(|(key, ..)| key.key().name() == "octoseal.quota_left");
    let identities: Vec<_> = quotas.flat_map(|(key, ..)| key.key().labels()).collect();
    assert_eq!(identities.len(), 1, "{identities:?}");
    assert_eq!(identities[0].value().len(), 32);
}

#[tokio::test(start_paused = true)]
async fn a_batch_tells_how_far_it_is_with_each_outcome() {
    let github = acme();
    github.inject(Fault::reply(422, r#"{"message":"no"}"#).at("/KEY_1"));
    let told = Told::default();
    let client = builder(&github).observer(told.observer()).build().unwrap();
    let batch = (0..3).map(|n| (format!("KEY_{n}"), "value", Visibility::All));
    assert_eq!(client.secrets(scope(ACME)).put_all(batch).count().await, 3);
    let batches = told.events().into_iter().filter_map(|event| match event {
        octoseal::observe::Event::Batch(batch) => Some(batch),
        _ => None,
    });
    let batches: Vec<_> = batches.collect();
    assert_eq!(batches.len(), 3);
    assert!(
        batches
            .iter()
            .all(|batch| batch.number == batches[0].number)
    );
    assert_eq!((batches[2].succeeded, batches[2].failed), (2, 1));
    let errors = batches.iter().filter_map(|batch| batch.error);
    assert_eq!(errors.collect::<Vec<_>>(), [ErrorKind::Validation]);
}
