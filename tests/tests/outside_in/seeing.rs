//! What a service can see of its calls: spans and events, waits, and what became of the secret.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use octoseal::api::{operations, options};
use octoseal::limits::Learnt;
use octoseal::observe::{Event, Request, Wait};
use octoseal::{
    ErrorKind, Visibility,
    limits::{Pacing, WaitReason},
};
use octoseal_mock::{Fault, Limits};
use octoseal_tests::{ACME, acme, builder, put, scope};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing::{Dispatch, Subscriber};
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

    fn on_event(&self, event: &tracing::Event<'_>, context: Context<'_, S>) {
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

const PUT: &str = "actions/create-or-update-org-secret";

/// What an observer was told.
#[derive(Clone, Default)]
pub(crate) struct Told(Arc<Mutex<Vec<Event>>>);

impl Told {
    pub(crate) fn observer(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let told = self.0.clone();
        move |event| told.lock().unwrap().push(event.clone())
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }

    fn waits(&self) -> Vec<Wait> {
        let waits = self.events().into_iter().filter_map(|event| match event {
            Event::Wait(wait) => Some(wait),
            _ => None,
        });
        waits.collect()
    }

    fn requests(&self) -> Vec<Request> {
        let requests = self.events().into_iter().filter_map(|event| match event {
            Event::Request(request) => Some(request),
            _ => None,
        });
        requests.collect()
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

    let requests = seen.of("request");
    let (failed, answered): (Vec<_>, Vec<_>) = requests
        .into_iter()
        .partition(|request| request.contains_key("error.type"));
    assert_eq!(answered.len(), 2);
    assert_has(
        &answered[0],
        &[
            ("octoseal.operation", "actions/get-org-public-key"),
            ("octoseal.place", ACME),
            ("octoseal.attempt", "1"),
            ("http.response.status_code", "200"),
        ],
    );
    assert_has(
        &answered[1],
        &[
            ("octoseal.operation", PUT),
            ("octoseal.name", "KEY"),
            ("octoseal.place", ACME),
            ("octoseal.attempt", "2"),
            ("http.response.status_code", "201"),
        ],
    );
    for reply in &answered {
        assert!(
            reply["octoseal.request_id"].starts_with("0C70:"),
            "{reply:?}"
        );
        assert!(
            reply["octoseal.quota_left"].parse::<u64>().unwrap() > 0,
            "{reply:?}"
        );
    }
    assert_eq!(failed.len(), 1);
    assert_has(
        &failed[0],
        &[
            ("octoseal.operation", PUT),
            ("octoseal.attempt", "1"),
            ("http.response.status_code", "502"),
            ("error.type", "502"),
        ],
    );
    let waits = seen.of("waiting");
    assert_eq!(waits.len(), 1);
    assert_has(&waits[0], &[("octoseal.reason", "Backoff")]);
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
    let reason = "SecondaryLimit";
    assert_has(
        &limited[0],
        &[
            ("level", "WARN"),
            ("octoseal.seconds", "30.0"),
            ("octoseal.reason", reason),
        ],
    );
    assert_has(
        &seen.of("waiting")[0],
        &[("octoseal.reason", reason), ("octoseal.seconds", "30.0")],
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
    let stored = seen.of("request");
    let stored: Vec<_> = stored
        .iter()
        .filter(|reply| reply["http.response.status_code"] == "201")
        .collect();
    assert_eq!(stored.len(), 60);
    let names: std::collections::BTreeSet<_> =
        stored.iter().map(|reply| &reply["octoseal.name"]).collect();
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
    let told = Told::default();
    let client = builder(&github)
        .pacing(Pacing::writes_as_content().content_per_minute(1))
        .observer(told.observer())
        .build()
        .unwrap();
    put(&client, "KEY", "value").await.unwrap();
    put(&client, "OTHER", "value").await.unwrap();

    let waits = told.waits();
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
    for wait in &waits {
        let real = wait
            .until
            .duration_since(std::time::SystemTime::now())
            .unwrap_or_default();
        assert!(real <= wait.duration && real + Duration::from_secs(20) >= wait.duration);
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_is_told_of_each_request_what_it_was_and_how_it_ended() {
    let github = acme();
    github.inject(Fault::unicorn().on("PUT"));
    let told = Told::default();
    let client = builder(&github).observer(told.observer()).build().unwrap();
    put(&client, "KEY", "value").await.unwrap();

    let requests = told.requests();
    let ends: Vec<_> = requests
        .iter()
        .map(|request| {
            (
                request.operation,
                request.attempt,
                request.status,
                request.error,
            )
        })
        .collect();
    let key = "actions/get-org-public-key";
    assert_eq!(
        ends,
        [
            (key, 1, Some(200), None),
            (PUT, 1, Some(502), Some(ErrorKind::Server)),
            (PUT, 2, Some(201), None),
        ]
    );
    for request in &requests {
        assert_eq!(request.place, ACME);
        assert!(request.request_id.as_deref().unwrap().starts_with("0C70:"));
        assert_eq!(request.identity, requests[0].identity);
    }
    assert!(requests[0].quota_left > requests[2].quota_left);
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_a_whole_batch_is_told_once_and_so_is_the_limit() {
    let github = acme();
    github.set_latency(Duration::from_millis(40));
    let limit = Fault::secondary_limit().header("retry-after", "30");
    github.inject(limit.on("PUT").times(20));
    let told = Told::default();
    let client = builder(&github).observer(told.observer()).build().unwrap();
    let batch = (0..60).map(|n| (format!("KEY_{n}"), "value", Visibility::All));
    assert_eq!(client.secrets(scope(ACME)).put_all(batch).count().await, 60);

    let limited = told.events().into_iter().filter_map(|event| match event {
        Event::Limited(limit) => Some(limit),
        _ => None,
    });
    let limited: Vec<_> = limited.collect();
    assert_eq!(limited.len(), 1, "{limited:?}");
    assert_eq!(limited[0].duration.as_secs(), 30);
    let waits = told.waits();
    let of_limit = waits
        .iter()
        .filter(|wait| wait.reason == WaitReason::SecondaryLimit);
    assert_eq!(of_limit.count(), 1, "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_refusal_teaches_is_told_once() {
    let github = acme();
    github.set_limits(Limits::documented().with_content());
    let told = Told::default();
    let client = builder(&github).observer(told.observer()).build().unwrap();
    let batch = (0..120).map(|n| (format!("KEY_{n}"), "value", Visibility::All));
    assert_eq!(
        client.secrets(scope(ACME)).put_all(batch).count().await,
        120
    );
    let events = told.events();
    let lessons: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Learnt(lesson) => Some(lesson.learnt),
            _ => None,
        })
        .collect();
    assert_eq!(lessons, [Learnt::WritesAreContent]);
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_takes_nothing_with_it() {
    let github = acme();
    let limit = Fault::secondary_limit().header("retry-after", "30");
    github.inject(limit.on("PUT").times(3));
    github.inject(Fault::unicorn().on("PUT").after(3));
    let pacing = Pacing::learning().concurrent(1);
    let builder = builder(&github).pacing(pacing);
    let client = builder
        .observer(|_| std::panic::resume_unwind(Box::new("of the observer")))
        .build()
        .unwrap();
    for _ in 0..2 {
        let batch = (0..20).map(|n| (format!("KEY_{n}"), "value", Visibility::All));
        let mut outcomes = client.secrets(scope(ACME)).put_all(batch);
        while let Some(outcome) = outcomes.next().await {
            outcome.result.unwrap();
        }
    }
    assert_eq!(github.secrets(ACME).len(), 20);
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_will_go_is_told_once_by_replies_and_by_refusals() {
    let (seen, _guard) = Seen::start();
    let github = acme();
    github.inject(Fault::deprecated(Duration::from_secs(3600)).always());
    let told = Told::default();
    let client = builder(&github).observer(told.observer()).build().unwrap();
    for _ in 0..2 {
        client.get_org_secret("acme", "NONE").await.unwrap_err();
        put(&client, "KEY", "value").await.unwrap();
    }
    let deprecated = told.events().into_iter().filter_map(|event| match event {
        Event::Deprecated(deprecation) => Some(deprecation),
        _ => None,
    });
    let deprecated: Vec<_> = deprecated.collect();
    let operations: Vec<_> = deprecated.iter().map(|told| told.operation).collect();
    let expected = ["actions/get-org-secret", "actions/get-org-public-key", PUT];
    assert_eq!(operations, expected);
    for told in &deprecated {
        let since = told.since.unwrap().duration_since(SystemTime::UNIX_EPOCH);
        assert_eq!(since.unwrap().as_secs(), 1_767_225_600);
        assert!(told.sunset > told.since);
    }
    let warned = seen.of("deprecated");
    assert_eq!(warned.len(), 3);
    assert_eq!(warned[0]["octoseal.since"], "Thu, 01 Jan 2026 00:00:00 GMT");
    assert_eq!(warned[0]["level"], "WARN");
}

#[tokio::test(start_paused = true)]
async fn a_deprecation_without_a_date_that_can_be_read_is_told_without_one() {
    for (header, value) in [
        ("deprecation", "true"),
        ("deprecation", "@99999999999999999"),
        ("sunset", "soon"),
    ] {
        let github = acme();
        github.inject(Fault::change(move |mut reply| {
            reply.headers_mut().insert(header, value.parse().unwrap());
            reply
        }));
        let told = Told::default();
        let client = builder(&github).observer(told.observer()).build().unwrap();
        client.list_org_secrets("acme").await.unwrap();
        let events = told.events();
        let Event::Deprecated(deprecation) = &events[0] else {
            panic!("{header}: {value}: {events:?}");
        };
        assert_eq!(
            (deprecation.since, deprecation.sunset),
            (None, None),
            "{value}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_a_call_needs_beside_it_is_told_as_part_of_it() {
    let github = acme();
    github.seed(ACME, "KEY", "value").visibility("selected");
    for n in 0..150 {
        github
            .seed(ACME, &format!("OTHER_{n}"), "value")
            .visibility("all");
    }
    let told = Told::default();
    let client = builder(&github).observer(told.observer()).build().unwrap();
    let secrets = client.secrets(scope(ACME));
    secrets.list().all().await.unwrap();
    secrets
        .set_selected_repositories("KEY", ["acme/api", "acme/web"])
        .await
        .unwrap();
    secrets
        .add_selected_repository("KEY", "acme/docs")
        .await
        .unwrap();
    secrets.selected_repositories("KEY").all().await.unwrap();
    secrets.put("KEY", "new value").plan().await.unwrap();
    secrets.put("KEY", "new value").send().await.unwrap();
    secrets.put("", "new value").send().await.unwrap_err();
    secrets.delete("NONE").await.unwrap_err();
    let registries = octoseal::registries::PrivateRegistriesScope::new("acme").unwrap();
    let registries = client.private_registries(registries);
    let registry = registries.create("npm_registry", "https://npm.example", Visibility::Private);
    let auth = octoseal::registries::RegistryAuth::Token {
        token: "a token".into(),
    };
    registry.auth(auth).send().await.unwrap();
    registries.list().all().await.unwrap();
    let list = client.list(
        operations::ACTIONS_LIST_ORG_SECRETS,
        |api, page| async move {
            let mut options = options::ActionsListOrgSecrets::default();
            (options.page, options.per_page) = (Some(page.number), Some(page.per_page));
            api.actions_list_org_secrets_with("acme", &options).await
        },
    );
    assert_eq!(list.all().await.unwrap().len(), 151);

    let calls = told.events().into_iter().filter_map(|event| match event {
        Event::Call(call) => Some((call.operation, call.name, call.error)),
        _ => None,
    });
    let calls: Vec<_> = calls.collect();
    let calls: Vec<_> = calls
        .iter()
        .map(|(operation, name, error)| (*operation, name.as_str(), *error))
        .collect();
    let expected = [
        ("actions/list-org-secrets", "", None),
        ("actions/set-selected-repos-for-org-secret", "KEY", None),
        ("actions/add-selected-repo-to-org-secret", "KEY", None),
        ("actions/list-selected-repos-for-org-secret", "KEY", None),
        ("actions/get-org-secret", "KEY", None),
        (PUT, "KEY", None),
        (PUT, "", Some(ErrorKind::InvalidInput)),
        (
            "actions/delete-org-secret",
            "NONE",
            Some(ErrorKind::NotFound),
        ),
        ("private-registries/create-org-private-registry", "", None),
        ("private-registries/list-org-private-registries", "", None),
        ("actions/list-org-secrets", "", None),
    ];
    assert_eq!(calls, expected);
}

#[tokio::test(start_paused = true)]
async fn neither_an_event_nor_the_log_shows_a_token_that_is_sent_back_or_a_value() {
    const TOKEN: &str = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
    const VALUE: &str = "correct horse battery staple";
    let (seen, _guard) = Seen::start();
    let github = acme();
    let echoed = |mut reply: http::Response<bytes::Bytes>| {
        let token = http::HeaderValue::from_static(TOKEN);
        reply.headers_mut().insert("x-github-request-id", token);
        reply
    };
    let refusal = Fault::reply(422, format!(r#"{{"message":"{TOKEN} {VALUE}"}}"#));
    github.inject(refusal.header("x-github-request-id", TOKEN).on("PUT"));
    github.inject(Fault::change(echoed).always());
    let told = Told::default();
    let builder = octoseal::Client::builder().token(TOKEN);
    let builder = builder.transport(github.clone()).observer(told.observer());
    let client = builder.build().unwrap();
    put(&client, "KEY", VALUE).await.unwrap_err();
    let receipt = put(&client, "KEY", VALUE).await.unwrap();

    assert_eq!(receipt.request_id, None);
    assert_eq!(told.requests().len(), 4);
    let logged = seen.0.lock().unwrap();
    for text in [format!("{:?}", told.events()), format!("{logged:?}")] {
        assert!(text.contains("KEY"));
        for part in [TOKEN, "4b5a-6978", VALUE, "correct"] {
            assert!(!text.contains(part), "{part} in {text}");
        }
    }
}
