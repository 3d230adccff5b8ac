//! One client of one user.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use octoseal::limits::Pacing;
use octoseal_mock::{Fault, Limits};
use octoseal_tests::ACME;
use tokio::time::Instant;

use crate::best::best;
use crate::{HOUR, LATENCY, Row, client, points, stand_in, store};

async fn simulate(title: &str, limits: &Limits, pacing: Pacing, secrets: usize) -> Row {
    let github = stand_in(Some(limits.clone()));
    let client = client(&github).pacing(pacing).build().unwrap();
    let taken = store(&client, ACME, secrets).await;
    let title = format!("{title}, {secrets}");
    Row::new(&title, taken, best(secrets, limits), &github)
}

#[tokio::test(start_paused = true)]
async fn points_alone_cost_no_refusal_and_no_time() {
    for secrets in [50, 300, 1_000] {
        let row = simulate("points", &points(), Pacing::learning(), secrets).await;
        // What has not been seen to pass is walked through, which takes a second at most.
        row.within(if secrets == 50 { 1.0 } else { 1.05 }, 0);
    }
    for an_hour in [5_000, 15_000] {
        let mut limits = points();
        limits.requests_an_hour = Some(an_hour);
        let title = format!("points, {an_hour} an hour");
        let row = simulate(&title, &limits, Pacing::learning(), 10_000).await;
        row.within(1.05, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn that_writes_count_as_content_is_learnt_from_five_refusals_at_most() {
    let limits = Limits::documented().with_content();
    let row = simulate("content", &limits, Pacing::learning(), 300).await;
    row.within(1.05, 5);
    let row = simulate("content", &limits, Pacing::learning(), 1_000).await;
    row.within(1.05, 10);
}

#[tokio::test(start_paused = true)]
async fn writes_that_are_content_by_setting_meet_no_refusal() {
    for secrets in [50, 300, 1_000, 10_000] {
        let pacing = Pacing::writes_as_content();
        let row = simulate(
            "content, told",
            &Limits::documented().with_content(),
            pacing,
            secrets,
        )
        .await;
        row.within(1.05, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_with_fewer_points_is_learnt_in_one_burst_and_tried_again_later() {
    for pacing in [Pacing::learning(), Pacing::concurrency_only()] {
        let mut limits = points();
        (limits.points_a_minute, limits.retry_after) = (Some(100), false);
        let row = simulate("100 points", &limits, pacing.clone(), 100).await;
        row.within(1.05, 50);
        limits.points_a_minute = Some(300);
        let row = simulate("300 points", &limits, pacing, 1_000).await;
        row.within(1.05, 50);
    }
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_takes_one_write_at_a_time_gets_them_one_by_one() {
    let github = stand_in(None);
    let busy_until = Arc::new(Mutex::new(Instant::now()));
    let failed = Arc::new(Mutex::new(0));
    let count = failed.clone();
    let clash = Fault::change(move |reply| {
        let now = Instant::now();
        let mut busy_until = busy_until.lock().unwrap();
        let clashes = now < *busy_until;
        *busy_until = (*busy_until).max(now + LATENCY);
        if !clashes {
            return reply;
        }
        *count.lock().unwrap() += 1;
        let mut failure = http::Response::new(r#"{"message":"Server Error"}"#.into());
        *failure.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        failure
    });
    github.inject(clash.on("PUT").always());
    let client = client(&github).build().unwrap();
    let taken = store(&client, ACME, 100).await;
    let best = LATENCY * 101;
    let failed = *failed.lock().unwrap();
    Row::new(
        &format!("one by one, 100, {failed} failed"),
        taken,
        best,
        &github,
    )
    .within(3.0, 0);
    assert!(failed <= 100, "{failed}");
}

#[tokio::test(start_paused = true)]
async fn fifty_secrets_take_two_round_trips() {
    let github = stand_in(None);
    let taken = store(&client(&github).build().unwrap(), ACME, 50).await;
    assert_eq!(taken, 2 * LATENCY);
}

#[tokio::test(start_paused = true)]
async fn without_limits_a_batch_is_bounded_by_its_width_alone() {
    let github = stand_in(None);
    let client = client(&github).pacing(Pacing::concurrency_only());
    let taken = store(&client.build().unwrap(), ACME, 1_000).await;
    // The key, and then 50 at a time.
    assert!(taken <= LATENCY * 22, "{taken:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_with_lower_limits_than_documented_gets_everything_all_the_same() {
    type Change = fn(&mut Limits);
    let changes: [(&str, Change, f64); 6] = [
        ("40 writes a minute", |l| l.content_a_minute = Some(40), 1.1),
        (
            "10 writes a minute, no retry-after",
            |l| (l.content_a_minute, l.retry_after) = (Some(10), false),
            1.1,
        ),
        (
            "300 points a minute",
            |l| l.points_a_minute = Some(300),
            1.1,
        ),
        ("200 writes an hour", |l| l.content_an_hour = Some(200), 2.0),
        ("10 at once", |l| l.concurrent = Some(10), 12.0),
        (
            "200 requests an hour",
            |l| l.requests_an_hour = Some(200),
            1.1,
        ),
    ];
    for (name, change, ratio) in changes {
        let mut limits = Limits::documented().with_content();
        change(&mut limits);
        let row = simulate(name, &limits, Pacing::learning(), 300).await;
        row.within(ratio, 200);
        assert!(row.taken < 2 * HOUR + Duration::from_secs(300));
    }
}
