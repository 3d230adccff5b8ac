//! GitHub's limits: obeyed as they ask, by everyone at once, and never in a hot loop.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use octoseal::{
    Client, Error, RetryPolicy,
    auth::{Audience, Token, TokenFuture, TokenSource},
    limits::Pacing,
};
use octoseal_mock::{Fault, GitHub, Limits};
use octoseal_tests::{acme, builder, client, put};
use tokio::time::Instant;

use crate::faults::{arrivals, gaps};

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Meets `fault` at the PUT and gives the gap until the next one.
async fn gap_after(fault: Fault) -> Duration {
    let github = acme();
    github.inject(fault.on("PUT"));
    put(&client(&github), "KEY", "value").await.unwrap();
    let gaps = gaps(&github, "PUT");
    assert_eq!(gaps.len(), 1);
    gaps[0]
}

fn assert_about(gap: Duration, wanted: Duration) {
    assert!(
        (wanted..wanted + seconds(2)).contains(&gap),
        "{gap:?} is not {wanted:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_429_with_retry_after_is_waited_for_at_least_that_long() {
    let fault = Fault::reply(429, r#"{"message":"Too Many Requests"}"#);
    assert_about(
        gap_after(fault.header("retry-after", "17")).await,
        seconds(17),
    );
}

#[tokio::test(start_paused = true)]
async fn a_403_of_a_secondary_limit_with_retry_after_is_waited_for_at_least_that_long() {
    let fault = Fault::secondary_limit().header("retry-after", "33");
    assert_about(gap_after(fault).await, seconds(33));
}

#[tokio::test(start_paused = true)]
async fn a_secondary_limit_without_a_header_is_waited_for_60_seconds_then_twice_that() {
    let github = acme();
    // Plenty is left of the primary limit, whose reset is nearly an hour away and means nothing here.
    github.inject(Fault::secondary_limit().on("PUT").times(3));
    put(&client(&github), "KEY", "value").await.unwrap();
    let gaps = gaps(&github, "PUT");
    for (gap, wanted) in gaps.iter().zip([60, 120, 240]) {
        assert_about(*gap, seconds(wanted));
    }
    assert_eq!(gaps.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_primary_limit_is_waited_for_until_its_reset_and_a_second() {
    let gap = gap_after(Fault::primary_limit(seconds(300))).await;
    assert!(gap > seconds(300) && gap <= seconds(302), "{gap:?}");
}

#[tokio::test(start_paused = true)]
async fn a_primary_limit_beyond_the_deadline_is_an_error_at_once_that_names_the_instant() {
    for method in ["GET", "PUT"] {
        let github = acme();
        github.inject(Fault::primary_limit(seconds(3000)).on(method));
        let began = Instant::now();
        let error = put(&client(&github), "KEY", "value").await.unwrap_err();
        assert!(error.is_rate_limited(), "{error}");
        assert_eq!(began.elapsed().as_secs(), 0);
        let after = error.retry_after().unwrap();
        assert!(after > seconds(2999) && after <= seconds(3001), "{after:?}");
        let at = error.retry_at().unwrap();
        assert!(at > SystemTime::now() + seconds(2990), "{at:?}");
        assert_eq!(arrivals(&github, method).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn everyone_learns_at_once_of_a_limit_that_outlasts_their_deadlines() {
    let github = acme();
    let client = client(&github);
    put(&client, "WARM", "value").await.unwrap();
    github.inject(Fault::primary_limit(seconds(3000)).on("PUT"));
    let began = Instant::now();
    let results = join_all((0..10).map(|n| {
        let client = client.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(n)).await;
            put(&client, &format!("KEY_{n}"), "value").await
        }
    }))
    .await;
    assert!(began.elapsed() < seconds(1), "{:?}", began.elapsed());
    for error in results.into_iter().map(Result::unwrap_err) {
        assert!(error.is_rate_limited(), "{error}");
        assert!(error.retry_after().unwrap() > seconds(2990));
    }
    assert_eq!(arrivals(&github, "PUT").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_used_up_quota_is_seen_before_a_request_is_refused_for_it() {
    let github = acme();
    github.inject(Fault::change(|mut reply| {
        let reset = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            + seconds(100);
        let headers = reply.headers_mut();
        headers.insert("x-ratelimit-remaining", 0.into());
        headers.insert("x-ratelimit-reset", reset.as_secs().into());
        reply
    }));
    put(&client(&github), "KEY", "value").await.unwrap();
    let gap = arrivals(&github, "PUT")[0] - arrivals(&github, "GET")[0];
    assert!(gap >= seconds(99) && gap <= seconds(103), "{gap:?}");
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_that_is_no_number_of_seconds_is_bounded_and_harmless() {
    let refusal = |value: &str| Fault::secondary_limit().header("retry-after", value);
    for garbage in ["-5", "soon", "", "1.5", "0x10", "١٢"] {
        let Ok(_) = http::HeaderValue::from_str(garbage) else {
            continue;
        };
        assert_about(gap_after(refusal(garbage)).await, seconds(60));
    }
    let date = httpdate::fmt_http_date(SystemTime::now() + seconds(90));
    let gap = gap_after(refusal(&date)).await;
    assert!(gap >= seconds(85) && gap <= seconds(92), "{gap:?}");
    // In the past.
    let gap = gap_after(refusal("Sun, 06 Nov 1994 08:49:37 GMT")).await;
    assert_about(gap, seconds(1));

    for huge in [
        "99999999",
        "18446744073709551615",
        "99999999999999999999999999",
    ] {
        let github = acme();
        github.inject(refusal(huge).on("PUT"));
        let policy = RetryPolicy::default().deadline(None);
        let client = builder(&github).retry(policy).build().unwrap();
        put(&client, "KEY", "value").await.unwrap();
        assert_about(gaps(&github, "PUT")[0], seconds(3601));
    }
}

#[tokio::test(start_paused = true)]
async fn resets_in_the_past_and_skewed_clocks_make_no_hot_loop() {
    for (date, reset) in [
        ("Sun, 06 Nov 1994 08:49:37 GMT", "784111777"),
        ("Sun, 06 Nov 1994 08:49:37 GMT", "0"),
        ("Fri, 31 Dec 9999 23:59:59 GMT", "784111777"),
        ("yesterday", "18446744073709551615"),
        ("", "-1"),
    ] {
        let github = acme();
        let refusal = Fault::reply(
            403,
            r#"{"message":"API rate limit exceeded for this user."}"#,
        )
        .header("x-ratelimit-remaining", "0")
        .header("x-ratelimit-reset", reset)
        .header("date", date);
        github.inject(refusal.on("PUT").lasting(seconds(600)));
        let policy = RetryPolicy::default().deadline(None);
        let client = builder(&github).retry(policy).build().unwrap();
        let began = Instant::now();
        put(&client, "KEY", "value").await.unwrap();
        let sent = arrivals(&github, "PUT").len();
        assert!(
            (2..=12).contains(&sent),
            "{date:?} {reset}: {sent} requests"
        );
        assert!(gaps(&github, "PUT").iter().all(|gap| *gap >= seconds(1)));
        assert!(began.elapsed() < seconds(2 * 3601), "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_skewed_clock_of_this_machine_does_not_lengthen_the_wait() {
    // The server's own clock is a year ahead, and its reset with it.
    let ahead = SystemTime::now() + seconds(365 * 86_400);
    let epoch = ahead
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs()
        + 120;
    let refusal = Fault::reply(
        403,
        r#"{"message":"API rate limit exceeded for this user."}"#,
    )
    .header("x-ratelimit-remaining", "0")
    .header("x-ratelimit-reset", &epoch.to_string())
    .header("date", &httpdate::fmt_http_date(ahead));
    let gap = gap_after(refusal).await;
    assert!(gap >= seconds(120) && gap <= seconds(122), "{gap:?}");
}

/// Stores a hundred secrets from a hundred tasks and gives how many failed.
async fn hundred(clients: &[Client]) -> Vec<Error> {
    let puts = (0..100).map(|n| {
        let client = clients[n % clients.len()].clone();
        tokio::spawn(async move { put(&client, &format!("KEY_{n}"), "value").await })
    });
    let results = join_all(puts).await;
    results
        .into_iter()
        .filter_map(|task| task.unwrap().err())
        .collect()
}

/// Asserts that nothing came while a limit that was first met at `refused` lasted `closed`, but for what was under
/// way already, and that one request then went ahead of the others.
fn assert_closed(github: &GitHub, latency: Duration, closed: Duration) {
    let requests = github.requests();
    let refused = requests
        .iter()
        .find(|request| request.status == 403)
        .unwrap()
        .at;
    let until = refused + closed;
    let inside = requests
        .iter()
        .filter(|r| r.at > refused + latency && r.at < until);
    assert_eq!(inside.count(), 0, "requests came through a closed gate");
    let after: Vec<Duration> = requests
        .iter()
        .map(|r| r.at)
        .filter(|at| *at >= until)
        .collect();
    assert!(!after.is_empty());
    assert!(
        after.get(1).is_none_or(|next| *next >= after[0] + latency),
        "more than one went ahead to see whether the limit is over"
    );
}

#[tokio::test(start_paused = true)]
async fn a_hundred_tasks_meet_one_limit_and_nothing_is_sent_while_the_gate_is_closed() {
    let latency = Duration::from_millis(40);
    for times in [1, 30] {
        let github = acme();
        github.set_latency(latency);
        let client = builder(&github)
            .pacing(Pacing::concurrency_only())
            .build()
            .unwrap();
        put(&client, "WARM", "value").await.unwrap();
        github.clear_requests();
        let refusal = Fault::secondary_limit().header("retry-after", "45");
        github.inject(refusal.on("PUT").after(20).times(times));
        assert_eq!(hundred(&[client]).await.len(), 0);
        assert_eq!(arrivals(&github, "PUT").len() as u64, 100 + times);
        assert_closed(&github, latency, seconds(45));
    }
}

/// A vault that takes its time, each time another.
struct Slow(AtomicU64);

impl TokenSource for Slow {
    fn token<'a>(&'a self, _: Audience<'a>) -> TokenFuture<'a> {
        let turn = self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(100 + turn * 37 % 1900)).await;
            Ok(Token::new("test-token")?)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_met_while_tokens_are_awaited_holds_back_those_who_wait_for_one() {
    let latency = Duration::from_millis(40);
    let github = acme();
    github.set_latency(latency);
    let client = Client::builder().token_source(Slow(AtomicU64::new(0)));
    let client = client
        .transport(github.clone())
        .pacing(Pacing::concurrency_only())
        .build()
        .unwrap();
    put(&client, "WARM", "value").await.unwrap();
    github.clear_requests();
    let refusal = Fault::secondary_limit().header("retry-after", "45");
    github.inject(refusal.on("PUT").after(20).times(1));
    assert_eq!(hundred(&[client]).await.len(), 0);
    assert_closed(&github, latency, seconds(45));
}

#[tokio::test(start_paused = true)]
async fn clones_and_clients_that_share_limits_stand_at_one_gate() {
    let latency = Duration::from_millis(40);
    let github = acme();
    github.set_latency(latency);
    let one = builder(&github)
        .pacing(Pacing::concurrency_only())
        .build()
        .unwrap();
    let other = builder(&github)
        .token("another-token")
        .share_limits_with(&one)
        .build()
        .unwrap();
    put(&one, "WARM", "value").await.unwrap();
    put(&other, "WARM", "value").await.unwrap();
    github.clear_requests();
    github.inject(
        Fault::secondary_limit()
            .header("retry-after", "45")
            .on("PUT")
            .after(20)
            .times(5),
    );
    assert_eq!(hundred(&[one.clone(), other, one]).await.len(), 0);
    assert_closed(&github, latency, seconds(45));
}

#[tokio::test(start_paused = true)]
async fn clients_that_share_nothing_do_not_wait_for_each_other() {
    let github = acme();
    let (one, other) = (client(&github), client(&github));
    put(&one, "WARM", "value").await.unwrap();
    put(&other, "WARM", "value").await.unwrap();
    github.inject(
        Fault::secondary_limit()
            .header("retry-after", "45")
            .on("PUT"),
    );
    let limited = tokio::spawn(async move { put(&one, "KEY", "value").await });
    tokio::task::yield_now().await;
    tokio::time::sleep(seconds(1)).await;
    let began = Instant::now();
    put(&other, "OTHER", "value").await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 0);
    limited.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_refused_closes_the_gate_for_twice_as_long_for_all() {
    let github = acme();
    let client = builder(&github)
        .pacing(Pacing::concurrency_only())
        .build()
        .unwrap();
    put(&client, "WARM", "value").await.unwrap();
    github.clear_requests();
    github.inject(Fault::secondary_limit().on("PUT").lasting(seconds(100)));
    assert_eq!(hundred(&[client]).await.len(), 0);
    let probes = arrivals(&github, "PUT").len() - 200;
    assert_eq!(probes, 1, "one probe at 60 s, and then all at 180 s");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_dropped_or_left_lying_does_not_keep_the_gate_closed() {
    let github = acme();
    let client = client(&github);
    put(&client, "WARM", "value").await.unwrap();
    github.inject(
        Fault::secondary_limit()
            .header("retry-after", "10")
            .on("PUT"),
    );
    github.inject(Fault::hang().on("PUT").times(2));
    // It is refused, waits, goes ahead as the probe, and is dropped before the reply.
    let dropped = tokio::time::timeout(seconds(12), put(&client, "DROPPED", "v"));
    assert!(dropped.await.is_err());
    // The next probe's future is kept and not polled.
    let mut lying = Box::pin(put(&client, "LYING", "v"));
    assert!(tokio::time::timeout(seconds(1), &mut lying).await.is_err());
    let began = Instant::now();
    put(&client, "KEY", "value").await.unwrap();
    assert!(began.elapsed().as_secs() <= 60, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_caller_waiting_for_the_pace_and_not_polled_holds_up_nobody() {
    let github = acme();
    let pacing = Pacing::writes_as_content().content_per_minute(1);
    let client = builder(&github).pacing(pacing).build().unwrap();
    put(&client, "FIRST", "v").await.unwrap();
    let mut idle = Box::pin(put(&client, "IDLE", "v"));
    assert!(tokio::time::timeout(seconds(1), &mut idle).await.is_err());
    let began = Instant::now();
    put(&client, "SECOND", "v").await.unwrap();
    assert!(began.elapsed().as_secs() <= 60, "{:?}", began.elapsed());
    idle.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn limits_that_are_lower_than_documented_are_learnt_and_everything_is_stored() {
    let github = acme();
    github.configure(|settings| settings.count_limits = false);
    let mut limits = Limits::documented().with_content();
    (limits.content_a_minute, limits.concurrent) = (Some(30), Some(12));
    github.set_latency(Duration::from_millis(40));
    github.set_limits(limits);
    let policy = RetryPolicy::default().deadline(None);
    let client = builder(&github).retry(policy).build().unwrap();
    let began = Instant::now();
    assert_eq!(hundred(&[client]).await.len(), 0);
    assert_eq!(github.secrets(octoseal_tests::ACME).len(), 100);
    assert!(began.elapsed() < seconds(20 * 60), "{:?}", began.elapsed());
}
