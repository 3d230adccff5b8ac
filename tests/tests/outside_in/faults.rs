//! What goes wrong on the way or at GitHub, on a paused clock: how many requests leave, when, and what the caller
//! learns.

use std::time::Duration;

use octoseal::{Access, Applied, RetryPolicy, Written, limits::Pacing};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{ACME, acme, builder, client, put};
use tokio::time::{Instant, timeout};

/// The instants at which requests of a method came.
pub(crate) fn arrivals(github: &GitHub, method: &str) -> Vec<Duration> {
    let requests = github.requests();
    let of_method = requests.iter().filter(|request| request.method == method);
    of_method.map(|request| request.at).collect()
}

/// The time between each request of a method and the next.
pub(crate) fn gaps(github: &GitHub, method: &str) -> Vec<Duration> {
    let arrivals = arrivals(github, method);
    arrivals.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// Asserts full jitter: no gap is longer than the backoff's ceiling, which doubles from half a second.
fn assert_backoff(gaps: &[Duration], attempt: Duration) {
    for (gap, ceiling) in gaps.iter().zip([500, 1000, 2000, 4000]) {
        let ceiling = attempt + Duration::from_millis(ceiling + 2);
        assert!((attempt..=ceiling).contains(gap), "{gaps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_put_whose_reply_is_lost_is_repeated_and_204_then_is_success() {
    for (lost, attempt) in [(Fault::lost_reply(), 0), (Fault::silence(), 12)] {
        let github = acme();
        github.inject(lost.on("PUT"));
        let receipt = put(&client(&github), "KEY", "value").await.unwrap();
        // Created by the first attempt, so the second updates.
        assert_eq!(receipt.written, Written::Updated);
        assert_eq!(github.plaintext(ACME, "KEY").unwrap(), b"value");
        let statuses: Vec<u16> = github.requests().iter().map(|r| r.status).collect();
        assert_eq!(statuses, [200, 201, 204]);
        assert_backoff(&gaps(&github, "PUT"), Duration::from_secs(attempt));
    }
}

#[tokio::test(start_paused = true)]
async fn a_truncated_body_is_read_again() {
    let github = acme();
    github.inject(Fault::truncated_body().on("GET").times(2));
    put(&client(&github), "KEY", "value").await.unwrap();
    assert_eq!(arrivals(&github, "GET").len(), 3);
    assert_eq!(arrivals(&github, "PUT").len(), 1);
    assert_backoff(&gaps(&github, "GET"), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up_within_half_a_minute() {
    let github = acme();
    github.inject(Fault::hang().on("PUT").always());
    let began = Instant::now();
    let error = put(&client(&github), "KEY", "value").await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(error.applied(), Applied::Unknown);
    assert!(began.elapsed().as_secs() <= 28, "{:?}", began.elapsed());
    // 12 s, 12 s, and what is left of 28 s.
    assert!((2..=3).contains(&error.attempts()), "{}", error.attempts());
    assert_backoff(&gaps(&github, "PUT"), Duration::from_secs(12));
    // Hanging at the key, it surely stored nothing.
    let github = acme();
    github.inject(Fault::hang().always());
    let error = put(&client(&github), "KEY", "value").await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(error.applied(), Applied::No);
    assert!(arrivals(&github, "PUT").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_slow_reply_within_the_attempt_timeout_is_waited_for() {
    let github = acme();
    github.inject(Fault::slow(Duration::from_secs(11)).always());
    put(&client(&github), "KEY", "value").await.unwrap();
    assert_eq!(github.request_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_covers_waits_for_limits_attempts_and_backoff_together() {
    let github = acme();
    github.inject(
        Fault::secondary_limit()
            .header("retry-after", "15")
            .on("PUT"),
    );
    github.inject(Fault::hang().on("PUT").always());
    let policy = RetryPolicy::default().deadline(Duration::from_secs(20));
    let client = builder(&github).retry(policy).build().unwrap();
    let began = Instant::now();
    let error = put(&client, "KEY", "value").await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(began.elapsed().as_secs() <= 20, "{:?}", began.elapsed());
    assert_eq!(arrivals(&github, "PUT").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_500_and_a_502_with_html_are_retried_and_their_html_is_not_quoted() {
    for fault in [
        Fault::unicorn(),
        Fault::reply(500, "<html><b>Whoops c4nary</b></html>"),
        Fault::gateway_timeout(),
    ] {
        let github = acme();
        github.inject(fault.clone().on("PUT").times(2));
        put(&client(&github), "KEY", "value").await.unwrap();
        assert_eq!(arrivals(&github, "PUT").len(), 3);
        assert_backoff(&gaps(&github, "PUT"), Duration::ZERO);

        let github = acme();
        github.inject(fault.on("PUT").always());
        let error = put(&client(&github), "KEY", "value").await.unwrap_err();
        assert!(error.is_server_error(), "{error}");
        assert_eq!(error.applied(), Applied::Unknown);
        assert_eq!(arrivals(&github, "PUT").len(), 5);
        assert_backoff(&gaps(&github, "PUT"), Duration::ZERO);
        let shown = format!("{error} {error:?}");
        let quoted = ["<", "Unicorn", "c4nary", "Time-out"];
        assert!(!quoted.iter().any(|part| shown.contains(part)), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_503_of_the_secrets_service_is_retried() {
    let github = acme();
    github.inject(Fault::service_unavailable().times(4));
    put(&client(&github), "KEY", "value").await.unwrap();
    assert_eq!(arrivals(&github, "GET").len(), 5);
    assert_backoff(&gaps(&github, "GET"), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_503_that_says_when_to_come_back_is_obeyed() {
    let github = acme();
    let fault = || {
        Fault::service_unavailable()
            .header("retry-after", "40")
            .on("PUT")
    };
    github.inject(fault());
    put(&client(&github), "KEY", "value").await.unwrap();
    let gaps = gaps(&github, "PUT");
    assert!(
        gaps[0] >= Duration::from_secs(40) && gaps[0] < Duration::from_secs(41),
        "{gaps:?}"
    );

    // Or the error says when, if the call may not take as long.
    let github = acme();
    github.inject(fault());
    let policy = RetryPolicy::default().deadline(Duration::from_secs(30));
    let client = builder(&github).retry(policy).build().unwrap();
    let error = put(&client, "KEY", "value").await.unwrap_err();
    assert_eq!(
        error.retry_after(),
        Some(Duration::from_secs(40)),
        "{error:?}"
    );
    assert_eq!(arrivals(&github, "PUT").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_all_told_to_come_back_after_as_long_do_not_come_back_in_one_instant() {
    let github = acme();
    let fault = Fault::service_unavailable().header("retry-after", "6");
    github.inject(fault.on("PUT").times(50));
    let client = client(&github);
    let puts = (0..50).map(|n| {
        let client = &client;
        async move { put(client, &format!("KEY_{n}"), "value").await }
    });
    for put in futures_util::future::join_all(puts).await {
        put.unwrap();
    }
    let mut again = arrivals(&github, "PUT").split_off(50);
    assert_eq!(again.len(), 50);
    again.dedup();
    assert!(again.len() > 25, "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_costs_one_request_and_names_what_is_missing() {
    let github = acme();
    let refusal = Fault::reply(
        403,
        r#"{"message":"Resource not accessible by integration"}"#,
    )
    .header(
        "x-accepted-github-permissions",
        "organization_secrets=write",
    );
    github.inject(refusal.on("GET").always());
    let error = put(&client(&github), "KEY", "value").await.unwrap_err();
    assert!(error.is_permission() && !error.is_rate_limited());
    assert_eq!(
        error.required_permission(),
        Some("organization_secrets=write")
    );
    assert!(
        error.to_string().contains("organization_secrets=write"),
        "{error}"
    );
    assert_eq!((github.request_count(), error.applied()), (1, Applied::No));
}

#[tokio::test(start_paused = true)]
async fn an_organization_not_found_is_not_asked_for_again() {
    let github = GitHub::new();
    let error = put(&client(&github), "KEY", "value").await.unwrap_err();
    assert!(error.is_not_found());
    let text = error.to_string();
    let meanings = ["missing", "renamed", "invisible to this token"];
    assert!(
        meanings.iter().all(|meaning| text.contains(meaning)),
        "{text}"
    );
    assert_eq!((github.request_count(), error.applied()), (1, Applied::No));
}

#[tokio::test(start_paused = true)]
async fn html_with_200_is_an_error_and_leaves_open_what_was_stored() {
    let github = acme();
    github.inject(Fault::captive_portal().on("PUT").always());
    let error = put(&client(&github), "KEY", "value").await.unwrap_err();
    assert!(error.is_unexpected_reply(), "{error}");
    // What answered in GitHub's place may have passed the request on or not.
    assert_eq!(error.applied(), Applied::Unknown);
    assert_eq!(arrivals(&github, "PUT").len(), 1);
    assert!(!error.to_string().contains("terms"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_typed_though_its_errors_are_a_string() {
    let github = acme();
    let body = r#"{"message":"Conflict","errors":"The secret's visibility is not 'selected'."}"#;
    github.inject(Fault::reply(409, body).on("PUT").always());
    let error = put(&client(&github), "KEY", "value").await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert_eq!(
        (arrivals(&github, "PUT").len(), error.applied()),
        (1, Applied::No)
    );
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_during_any_wait_sends_nothing_afterwards() {
    let waits = [
        (Fault::secondary_limit().header("retry-after", "30"), 1),
        (Fault::primary_limit(Duration::from_secs(60)), 1),
        (Fault::service_unavailable().header("retry-after", "20"), 1),
        (Fault::hang(), 1),
    ];
    for (fault, sent) in waits {
        let github = acme();
        let shown = format!("{fault:?}");
        github.inject(fault);
        let client = client(&github);
        let left = timeout(Duration::from_secs(5), put(&client, "KEY", "value")).await;
        assert!(left.is_err(), "{shown}");
        tokio::time::sleep(Duration::from_secs(7200)).await;
        assert_eq!(github.request_count(), sent, "{shown}");
        // Neither cache nor gate is broken: the next call goes through.
        put(&client, "KEY", "value").await.unwrap();
        assert_eq!(github.plaintext(ACME, "KEY").unwrap(), b"value");
    }
}

#[tokio::test(start_paused = true)]
async fn a_future_that_nobody_polls_any_more_holds_up_nobody_else() {
    let github = acme();
    github.inject(Fault::slow(Duration::from_secs(3)));
    let client = client(&github);
    // One call waits for the key and is then left lying.
    let mut idle = Box::pin(put(&client, "FIRST", "value"));
    assert!(timeout(Duration::from_secs(1), &mut idle).await.is_err());
    let began = Instant::now();
    put(&client, "SECOND", "value").await.unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(arrivals(&github, "GET").len(), 1);
    idle.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn retries_beyond_the_budget_wait_for_it_and_are_not_lost() {
    let github = acme();
    let client = builder(&github)
        .pacing(Pacing::concurrency_only())
        .build()
        .unwrap();
    put(&client, "WARM", "value").await.unwrap();
    github.inject(Fault::service_unavailable().on("PUT").times(80));
    let began = Instant::now();
    let puts = (0..80).map(|n| {
        let client = client.clone();
        tokio::spawn(async move { put(&client, &format!("KEY_{n}"), "value").await })
    });
    for put in puts.collect::<Vec<_>>() {
        put.await.unwrap().unwrap();
    }
    // All 80 failed once; 50 retries and a fifth of the successes are at hand, and more come as the seconds pass.
    let arrivals = arrivals(&github, "PUT");
    let early = arrivals
        .iter()
        .filter(|at| **at < arrivals[0] + Duration::from_secs(1));
    assert!(
        early.count() < 1 + 80 + 75,
        "an outage was answered with a storm"
    );
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_classic_token_is_told_the_scope_that_it_lacks_and_not_a_permission() {
    let github = acme();
    let refusal = Fault::reply(
        403,
        r#"{"message":"Must have admin rights to Repository."}"#,
    )
    .header(
        "x-accepted-github-permissions",
        "organization_secrets=write",
    )
    .header("x-accepted-oauth-scopes", "admin:org")
    .header("x-oauth-scopes", "gist, repo");
    github.inject(refusal);
    let error = put(&client(&github), "KEY", "value").await.unwrap_err();
    assert_eq!(error.required_permission(), Some("admin:org"));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_covers_the_reading_of_access_that_is_kept() {
    let github = acme();
    let all: Vec<u64> = (0..250)
        .map(|n| github.add_repository("acme", &format!("r{n}")))
        .collect();
    let roomy = client(&github);
    let call = roomy
        .create_or_update_org_secret("acme", "KEY")
        .value("old");
    call.access(octoseal::Visibility::Selected(all))
        .send()
        .await
        .unwrap();
    github.set_latency(Duration::from_secs(4));
    let policy = RetryPolicy::default().deadline(Duration::from_secs(15));
    let hasty = builder(&github).retry(policy).build().unwrap();
    let began = Instant::now();
    let call = hasty
        .create_or_update_org_secret("acme", "KEY")
        .value("new");
    let error = call.send().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(
        began.elapsed() <= Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(github.plaintext(ACME, "KEY").unwrap(), b"old");
}

#[tokio::test(start_paused = true)]
async fn without_a_budget_nothing_is_tried_again() {
    let github = acme();
    github.inject(Fault::service_unavailable().times(1));
    let policy = RetryPolicy::default().budget(0, 0);
    let client = builder(&github).retry(policy).build().unwrap();
    let error = put(&client, "KEY", "value").await.unwrap_err();
    assert!(error.is_server_error(), "{error}");
    assert_eq!(github.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn backoff_is_drawn_from_its_whole_range() {
    let mut sums = [Duration::ZERO; 3];
    const RUNS: u32 = 60;
    for _ in 0..RUNS {
        let github = acme();
        github.inject(Fault::service_unavailable().on("GET").times(3));
        put(&client(&github), "KEY", "value").await.unwrap();
        for (sum, gap) in sums.iter_mut().zip(gaps(&github, "GET")) {
            *sum += gap;
        }
    }
    // The mean of so many draws lies between a quarter and three quarters of the ceiling, but for one run in 10^10.
    for (sum, ceiling) in sums.into_iter().zip([500, 1000, 2000]) {
        let (mean, ceiling) = (sum / RUNS, Duration::from_millis(ceiling));
        assert!(mean > ceiling / 4 && mean < ceiling * 3 / 4, "{mean:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn replies_that_come_use_up_no_time_for_those_that_fail() {
    let github = acme();
    github.set_latency(Duration::from_secs(3));
    let names: Vec<String> = (0..150).map(|n| format!("acme/r{n}")).collect();
    for n in 0..150 {
        github.add_repository("acme", &format!("r{n}"));
    }
    let began = Instant::now();
    let client = client(&github);
    let put = client
        .create_or_update_org_secret("acme", "KEY")
        .value("value");
    put.access(Access::selected(names)).send().await.unwrap();
    assert!(began.elapsed() > Duration::from_secs(30));
    assert_eq!(github.request_count(), 150 + 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_time_is_up_is_not_sent() {
    let github = acme();
    github.inject(
        Fault::secondary_limit()
            .header("retry-after", "60")
            .on("PUT"),
    );
    let policy = RetryPolicy::default().deadline(Duration::from_millis(60_500));
    let client = builder(&github).retry(policy).build().unwrap();
    let error = put(&client, "KEY", "value").await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!((error.applied(), github.request_count()), (Applied::No, 2));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_found_no_place_in_time_says_so_and_not_that_a_limit_was_met() {
    let github = acme();
    github.inject(Fault::hang());
    let policy = RetryPolicy::default().deadline(Duration::from_secs(5));
    let client = builder(&github)
        .pacing(Pacing::concurrency_only().concurrent(1))
        .retry(policy);
    let client = client.build().unwrap();
    let other = octoseal_tests::scope("actions:repo/acme/api");
    let (first, second) = tokio::join!(
        put(&client, "FIRST", "value"),
        client.secrets(other).put("SECOND", "value").send()
    );
    let (first, second) = (first.unwrap_err(), second.unwrap_err());
    assert!(
        first.is_timeout() && second.is_timeout(),
        "{first}, {second}"
    );
    assert_eq!((second.applied(), github.request_count()), (Applied::No, 1));
}

#[tokio::test(start_paused = true)]
async fn no_setting_is_too_long() {
    let github = acme();
    github.inject(Fault::service_unavailable().times(3));
    let policy = RetryPolicy::default()
        .attempt_timeout(Duration::MAX)
        .connect_timeout(Duration::MAX)
        .retry_window(Duration::MAX)
        .deadline(Duration::MAX)
        .backoff(Duration::MAX, Duration::MAX)
        .budget(u32::MAX, u32::MAX);
    let client = builder(&github).retry(policy.clone()).build().unwrap();
    // Whether it waits half a year is drawn; that it ends is not.
    let _ = put(&client, "KEY", "value").await;
    let sockets = octoseal::Client::builder()
        .token("test-token")
        .retry(policy);
    sockets.build().unwrap();
}
