//! The pace: what is learnt from refusals, what is told of it, and how long things take.

use std::time::Duration;

use futures_util::StreamExt;
use octoseal::limits::{Identity, Pacing};
use octoseal::{Client, Visibility};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{ACME, acme, builder, put, scope};
use tokio::time::{Instant, sleep};

use crate::app;
use crate::faults::arrivals;
use crate::seeing::Seen;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn github() -> GitHub {
    let github = acme();
    github.set_latency(Duration::from_millis(40));
    github.configure(|settings| settings.count_limits = false);
    github
}

async fn store(client: &Client, secrets: usize) -> Duration {
    let began = Instant::now();
    let batch = (0..secrets).map(|n| (format!("KEY_{n}"), "value", Visibility::Private));
    let outcomes: Vec<_> = client.secrets(scope(ACME)).put_all(batch).collect().await;
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
    began.elapsed()
}

/// The most of these instants that lie within any minute.
fn most_in_a_minute(instants: &[Duration]) -> usize {
    let within = |begin: &Duration| {
        let those = instants
            .iter()
            .filter(|at| **at >= *begin && **at < *begin + MINUTE);
        those.count()
    };
    instants.iter().map(within).max().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_speaks_of_content_puts_its_limits_in_force_and_is_told_once() {
    let content = "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. \
                   Please retry your request again later.";
    for (refusal, what) in [
        (
            Fault::reply(403, format!(r#"{{"message":"{content}"}}"#)),
            "said",
        ),
        (Fault::secondary_limit(), "not explained by points"),
    ] {
        let (seen, _guard) = Seen::start();
        let github = github();
        github.inject(refusal.on("PUT").after(20).times(1));
        let client = builder(&github).build().unwrap();
        store(&client, 700).await;
        let mut requests = github.requests().into_iter();
        let refused = requests.find(|request| request.status == 403).unwrap().at;
        let puts = arrivals(&github, "PUT").into_iter();
        let hour: Vec<_> = puts.filter(|at| *at < refused + HOUR).collect();
        assert!(hour.len() <= 501, "{what}: {}", hour.len());
        let closed = hour.iter().filter(|at| **at < refused + MINUTE).count();
        assert!(most_in_a_minute(&hour[closed..]) <= 80, "{what}");
        let told = seen.of("learnt");
        assert_eq!(told.len(), 1, "{what}: {told:?}");
        assert_eq!(told[0]["octoseal.learnt"], "WritesAreContent", "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_points_explain_does_not_make_writes_content() {
    let github = github();
    let client = builder(&github).build().unwrap();
    // Others of this user may have had the rest of the points.
    github.inject(Fault::secondary_limit().on("PUT").after(170).times(1));
    let taken = store(&client, 600).await;
    assert!(taken <= 5 * MINUTE, "{taken:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lesson_ends_after_an_hour_and_holds_longer_when_it_is_learnt_again() {
    let github = github();
    let client = builder(&github).build().unwrap();
    let content = || {
        Fault::reply(
            403,
            r#"{"message":"temporarily blocked from content creation"}"#,
        )
    };
    for hours in [1, 2, 4] {
        github.inject(content().on("PUT").times(1));
        put(&client, "KEY", "value").await.unwrap();
        sleep(HOUR * hours - 5 * MINUTE).await;
        github.clear_requests();
        assert!(store(&client, 100).await >= MINUTE, "{hours}");
        sleep(10 * MINUTE).await;
        assert!(store(&client, 100).await < MINUTE, "{hours}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_nothing_was_seen_to_pass_five_are_under_way_at_once() {
    let github = github();
    let client = builder(&github).build().unwrap();
    store(&client, 180).await;
    let puts = arrivals(&github, "PUT");
    let together = |puts: &[Duration]| {
        let of = |at: &Duration| puts.iter().filter(|other| *other == at).count();
        puts.iter().map(of).max().unwrap()
    };
    assert_eq!(together(&puts[..80]), 50);
    assert!(together(&puts[80..]) <= 5);
    // What has passed once is not walked again.
    sleep(2 * MINUTE).await;
    github.clear_requests();
    store(&client, 180).await;
    assert_eq!(together(&arrivals(&github, "PUT")[80..]), 50);
}

#[tokio::test(start_paused = true)]
async fn it_says_how_long_things_take_at_least() {
    let github = github();
    let client = builder(&github).build().unwrap();
    let secrets = client.secrets(scope(ACME));
    assert_eq!(secrets.takes_at_least(180), Duration::ZERO);
    assert_eq!(secrets.takes_at_least(300).as_secs(), 60);
    assert_eq!(secrets.takes_at_least(1_000).as_secs(), 5 * 60 + 1);
    store(&client, 179).await;
    let next = secrets.takes_at_least(1);
    assert!(
        next > MINUTE - Duration::from_secs(2) && next <= MINUTE,
        "{next:?}"
    );
    let paced = builder(&github)
        .pacing(Pacing::writes_as_content())
        .build()
        .unwrap();
    let hour = paced.secrets(scope(ACME)).takes_at_least(501);
    assert!(hour >= HOUR && hour <= HOUR + MINUTE, "{hour:?}");
}

#[tokio::test(start_paused = true)]
async fn it_says_while_a_batch_runs_how_long_the_rest_takes_at_least() {
    let github = github();
    let client = builder(&github).build().unwrap();
    let secrets = client.secrets(scope(ACME));
    let (began, mut rest) = (Instant::now(), 300);
    let mut ends = Vec::new();
    let batch = (0..300).map(|n| (format!("KEY_{n}"), "value", Visibility::Private));
    let mut outcomes = secrets.put_all(batch);
    while outcomes.next().await.is_some() {
        rest -= 1;
        ends.push(began.elapsed() + secrets.takes_at_least(rest));
    }
    let end = began.elapsed();
    // Sent requests are counted in steps of 0.3 s.
    let grain = Duration::from_millis(300);
    assert!(
        ends.iter().all(|told| *told <= end + grain),
        "{end:?}: {ends:?}"
    );
    assert!(
        ends[..290].iter().all(|told| *told > end.mul_f64(0.9)),
        "{end:?}: {ends:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn many_scopes_take_as_long_as_the_slowest_of_those_who_share_limits() {
    let github = app::installed();
    github.add_organization("other");
    github.configure(|settings| settings.count_limits = false);
    let client = app::client(&github, app::app());
    let (acme, api) = (scope(ACME), scope("actions:repo/acme/api"));
    let other = scope("actions:org/other");
    let alone = client.takes_at_least([(&acme, 100), (&other, 100)]);
    let shared = client.takes_at_least([(&acme, 100), (&api, 100)]);
    let (long, none) = (
        client.takes_at_least([(&other, 1), (&acme, 400)]),
        client.takes_at_least([]),
    );
    assert_eq!((alone, none), (Duration::ZERO, Duration::ZERO));
    assert!(
        (shared.as_secs(), long.as_secs()) == (60, 120),
        "{shared:?} {long:?}"
    );
}

#[test]
fn an_identity_is_the_same_text_in_every_process_and_tells_nothing() {
    let text = Identity::named("ci-bot").to_string();
    assert_eq!(text.len(), 32);
    assert!(!text.contains("ci-bot"));
    assert_eq!(text, "80c70cdc1f138a8ec2b9a9270f07da98");
    assert_ne!(Identity::installation(7), Identity::named("7"));
}

#[tokio::test(start_paused = true)]
async fn a_quota_larger_than_any_number_is_waited_for_as_none() {
    let github = acme();
    let most = u64::MAX.to_string();
    let reply = Fault::reply(201, "{}").header("x-ratelimit-remaining", &most);
    let reply = reply.header("x-ratelimit-limit", &most);
    github.inject(reply.header("x-ratelimit-reset", "4102444800").on("PUT"));
    let client = builder(&github).build().unwrap();
    put(&client, "KEY", "value").await.unwrap();
    let secrets = client.secrets(scope(ACME));
    assert!(secrets.takes_at_least(10) < Duration::from_secs(1));
}
