//! A token that was refused is not sent again, and one request learns of it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use octoseal::{
    Client, ClientBuilder, RetryPolicy,
    auth::{AfterRefusal, Audience, Token, TokenFuture, TokenRefusal, TokenSource},
};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{acme, put, scope};
use tokio::time::{Instant, advance};

const LATENCY: Duration = Duration::from_millis(100);

/// A GitHub that knows tokens, none of which the tests use.
fn strict() -> GitHub {
    let github = acme();
    github.add_token("another");
    github.set_latency(LATENCY);
    github
}

fn toward(github: &GitHub) -> ClientBuilder {
    Client::builder().transport(github.clone())
}

/// Gives tokens by turns, and asks to be asked again after as long as it says.
struct Turns(&'static [&'static str], AtomicU32, Duration);

impl Turns {
    fn new(tokens: &'static [&'static str], after: Duration) -> Self {
        Self(tokens, AtomicU32::new(0), after)
    }
}

impl TokenSource for Turns {
    fn token<'a>(&'a self, _: Audience<'a>) -> TokenFuture<'a> {
        let turn = self.1.fetch_add(1, Ordering::Relaxed) as usize;
        Box::pin(async move { Ok(Token::new(self.0[turn % self.0.len()])?) })
    }

    fn refused(&self, _: Audience<'_>, _: &TokenRefusal<'_>) -> AfterRefusal {
        AfterRefusal::AskAgain(self.2)
    }
}

/// Three hundred secrets, each of a repository of its own.
async fn batch(client: &Client) -> usize {
    let scopes = (0..300).map(|n| scope(&format!("actions:repo/acme/api-{n}")));
    let batch = client.put_all(scopes.map(|scope| (scope, ("KEY", "value"))));
    let outcomes: Vec<_> = batch.collect().await;
    assert_eq!(outcomes.len(), 300);
    outcomes
        .iter()
        .filter(|outcome| outcome.result.is_ok())
        .count()
}

/// How many requests were answered with 401.
fn refusals(github: &GitHub) -> usize {
    let requests = github.requests();
    requests.iter().filter(|it| it.status == 401).count()
}

#[tokio::test(start_paused = true)]
async fn one_request_of_a_batch_learns_that_a_token_is_dead_and_none_follows() {
    let github = strict();
    let client = toward(&github).token("dead").build().unwrap();
    assert_eq!(batch(&client).await, 0);
    assert_eq!(github.request_count(), 1);
    let error = put(&client, "KEY", "value").await.unwrap_err();
    assert!(error.is_unauthorized(), "{error}");
    assert_eq!(github.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_refused_is_tried_by_one_request_after_ten_minutes_and_used_if_it_passes()
{
    let github = strict();
    let client = toward(&github).token("revived").build().unwrap();
    assert_eq!(batch(&client).await, 0);
    for requests in 2..5 {
        tokio::time::advance(Duration::from_secs(599)).await;
        assert_eq!(batch(&client).await, 0);
        assert_eq!(github.request_count(), requests - 1);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(batch(&client).await, 0);
        assert_eq!(github.request_count(), requests);
    }
    github.add_token("revived");
    tokio::time::advance(Duration::from_secs(600)).await;
    put(&client, "KEY", "value").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_source_that_gives_a_refused_token_again_at_once_does_not_have_it_sent_again() {
    let github = strict();
    for (tokens, requests) in [(&["dead"][..], 1), (&["dead", "done"][..], 2)] {
        let before = github.request_count();
        let source = Turns::new(tokens, Duration::ZERO);
        let client = toward(&github).token_source(source).build().unwrap();
        assert_eq!(batch(&client).await, 0);
        for _ in 0..100 {
            assert!(
                put(&client, "KEY", "value")
                    .await
                    .unwrap_err()
                    .is_unauthorized()
            );
        }
        assert_eq!(github.request_count() - before, requests);
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_asks_to_wait_has_its_token_tried_a_few_times_by_all_calls_together() {
    let github = strict();
    let source = Turns::new(&["young"], Duration::from_millis(250));
    let client = toward(&github).token_source(source).build().unwrap();
    assert_eq!(batch(&client).await, 0);
    assert_eq!(batch(&client).await, 0);
    assert_eq!(github.request_count(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_github_learns_of_meanwhile_is_used_by_all_that_waited() {
    let github = strict();
    github.add_token("young");
    let refusal = Fault::reply(401, r#"{"message":"Bad credentials"}"#);
    github.inject(refusal.times(2));
    let source = Turns::new(&["young"], Duration::from_millis(250));
    let client = toward(&github).token_source(source).build().unwrap();
    let puts = (0..50).map(|n| {
        let client = &client;
        async move { put(client, &format!("KEY_{n}"), "value").await }
    });
    for put in futures_util::future::join_all(puts).await {
        put.unwrap();
    }
    assert_eq!(refusals(&github), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dead_token_goes_out_once_whatever_answered_its_first_request() {
    for fault in [
        Fault::unicorn(),
        Fault::service_unavailable(),
        Fault::captive_portal(),
        Fault::firewall(),
        Fault::foreign_reply(404, "default backend"),
    ] {
        let github = strict();
        github.inject(fault);
        let client = toward(&github).token("dead").build().unwrap();
        assert_eq!(batch(&client).await, 0);
        assert_eq!(refusals(&github), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_asks_to_wait_for_longer_than_a_call_may_holds_up_no_other() {
    for pause in [Duration::from_secs(3600), Duration::MAX] {
        let github = strict();
        let source = Turns::new(&["young"], pause);
        let client = toward(&github).token_source(source).build().unwrap();
        let began = Instant::now();
        assert_eq!(batch(&client).await, 0);
        let error = put(&client, "KEY", "value").await.unwrap_err();
        assert!(error.is_unauthorized(), "{error}");
        assert!(began.elapsed() < Duration::from_secs(5), "{pause:?}");
        assert_eq!(github.request_count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_panics_when_it_is_told_of_a_refusal_is_one_that_gives_up() {
    struct Panics;

    impl TokenSource for Panics {
        fn token<'a>(&'a self, _: Audience<'a>) -> TokenFuture<'a> {
            Box::pin(async { Ok(Token::new("dead")?) })
        }

        fn refused(&self, _: Audience<'_>, _: &TokenRefusal<'_>) -> AfterRefusal {
            std::panic::resume_unwind(Box::new("of the source"))
        }
    }

    let github = strict();
    let client = toward(&github).token_source(Panics).build().unwrap();
    assert_eq!(batch(&client).await, 0);
    let error = put(&client, "KEY", "value").await.unwrap_err();
    assert!(error.is_unauthorized(), "{error}");
    assert_eq!(github.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn in_an_outage_calls_with_a_token_that_is_not_known_yet_end_within_the_time_for_retries() {
    let github = strict();
    github.inject(Fault::silence().always());
    let client = toward(&github).token("new").build().unwrap();
    let began = Instant::now();
    let puts = (0..200).map(|n| {
        let client = &client;
        async move { put(client, &format!("KEY_{n}"), "value").await }
    });
    for put in futures_util::future::join_all(puts).await {
        assert!(put.unwrap_err().is_timeout());
    }
    assert!(
        began.elapsed() < Duration::from_secs(90),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_ends_late_takes_back_no_refusal_that_another_met() {
    let github = strict();
    github.inject(Fault::silence().times(1));
    let client = toward(&github).token("dead").build().unwrap();
    assert_eq!(batch(&client).await, 0);
    let before = github.request_count();
    advance(Duration::from_secs(60)).await;
    let error = put(&client, "KEY", "value").await.unwrap_err();
    assert!(error.is_unauthorized(), "{error}");
    assert_eq!(github.request_count(), before);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_ends_late_sends_no_third_request_while_the_second_finds_out() {
    let github = strict();
    github.set_latency(Duration::ZERO);
    github.inject(Fault::silence().always());
    let policy = RetryPolicy::default()
        .attempts(1)
        .attempt_timeout(Duration::from_millis(2_500));
    let client = toward(&github).token("new").retry(policy).build().unwrap();
    let began = Instant::now();
    let reads = (0..3).map(|n| {
        let secrets = client.secrets(scope(&format!("actions:repo/acme/r{n}")));
        async move { secrets.exists("KEY").await }
    });
    let reads = tokio::spawn(futures_util::future::join_all(reads.collect::<Vec<_>>()));
    // The first request leaves at once and ends after 2.5 s; the second leaves after 2 s, and has as long.
    tokio::time::sleep_until(began + Duration::from_millis(3_900)).await;
    assert_eq!(github.request_count(), 2);
    tokio::time::sleep_until(began + Duration::from_millis(4_100)).await;
    assert_eq!(github.request_count(), 3);
    reads.await.unwrap();
}
