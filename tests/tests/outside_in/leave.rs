//! Leave to send: had last, in order, and held by nothing that is not polled.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt};
use octoseal::limits::{Identity, Pacing};
use octoseal::{
    Client, Error, RetryPolicy, Visibility,
    auth::{AfterRefusal, Audience, Token, TokenFuture, TokenRefusal, TokenSource},
};
use octoseal_mock::{Fault, GitHub, Limits};
use octoseal_tests::{ACME, acme, builder, put, scope};
use tokio::time::{Instant, sleep, timeout};

use crate::faults::{arrivals, gaps};

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

async fn get(client: &Client, scope: &str) -> Result<octoseal::secrets::Secret, Error> {
    client
        .secrets(octoseal_tests::scope(scope))
        .get("KEY")
        .await
}

/// Gives the token of one owner at once, and that of others never.
struct HangsForOthers(&'static str);

impl TokenSource for HangsForOthers {
    fn token<'a>(&'a self, audience: Audience<'a>) -> TokenFuture<'a> {
        if audience.owner != Some(self.0) {
            return Box::pin(std::future::pending());
        }
        Box::pin(async { Ok(Token::new("test-token")?) })
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_source_that_hangs_for_one_owner_holds_up_no_other() {
    let github = acme();
    github.add_organization("globex");
    let source = HangsForOthers("acme");
    let client = Client::builder()
        .token_source(source)
        .transport(github.clone());
    let client = client.build().unwrap();
    put(&client, "KEY", "value").await.unwrap();
    let hanging = (0..200).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { get(&client, "actions:org/globex").await })
    });
    let hanging: Vec<_> = hanging.collect();
    sleep(seconds(1)).await;
    let began = Instant::now();
    get(&client, ACME).await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
    for task in hanging {
        assert!(task.await.unwrap().unwrap_err().is_timeout());
    }
}

#[tokio::test(start_paused = true)]
async fn futures_that_nobody_polls_hold_up_a_batch_for_a_minute_at_most() {
    for refused in [false, true] {
        let github = acme();
        let pacing = Pacing::concurrency_only().concurrent(20);
        let client = builder(&github).pacing(pacing).build().unwrap();
        put(&client, "WARM", "value").await.unwrap();
        if refused {
            let refusal = Fault::secondary_limit().header("retry-after", "5");
            github.inject(refusal.on("PUT").after(3));
        }
        github.inject(Fault::hang().on("PUT").times(20));
        // Each has a place, and the last of them waits for one.
        let mut idle: Vec<_> = (0..30)
            .map(|n| {
                let client = client.clone();
                Box::pin(async move { put(&client, &format!("IDLE_{n}"), "value").await })
            })
            .collect();
        for idle in &mut idle {
            assert!(idle.now_or_never().is_none());
        }
        let began = Instant::now();
        let batch = (0..100).map(|n| (format!("KEY_{n}"), "value", Visibility::Private));
        let outcomes: Vec<_> = client.secrets(scope(ACME)).put_all(batch).collect().await;
        assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
        assert!(began.elapsed() <= seconds(90), "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_put_that_nobody_polls_holds_up_others_of_its_secret_for_a_minute_at_most() {
    let github = acme();
    let client = builder(&github).build().unwrap();
    put(&client, "WARM", "value").await.unwrap();
    github.inject(Fault::hang().on("PUT").times(1));
    let mut idle: Vec<_> = ["old", "older"]
        .map(|value| Box::pin(put(&client, "SAME", value)))
        .into();
    for idle in &mut idle {
        assert!(idle.now_or_never().is_none());
    }
    let began = Instant::now();
    let same = ["new", "newer"].map(|value| ("SAME", value, Visibility::All));
    let outcomes: Vec<_> = client.secrets(scope(ACME)).put_all(same).collect().await;
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
    assert!(began.elapsed() <= seconds(90), "{:?}", began.elapsed());
    assert_eq!(github.plaintext(ACME, "SAME").unwrap(), b"newer");
}

#[tokio::test(start_paused = true)]
async fn a_put_that_waits_for_a_limit_keeps_its_place_however_long() {
    let github = acme();
    let client = builder(&github).build().unwrap();
    put(&client, "WARM", "value").await.unwrap();
    github.inject(Fault::primary_limit(seconds(1_800)).on("PUT").times(1));
    let secrets = client.secrets(scope(ACME));
    let first = secrets
        .put_all([("SAME", "first", Visibility::All)])
        .collect::<Vec<_>>();
    let second = async {
        tokio::time::sleep(seconds(1)).await;
        let outcomes = secrets.put_all([("SAME", "second", Visibility::All)]);
        outcomes.collect::<Vec<_>>().await
    };
    let (first, second) = tokio::join!(first, second);
    assert!(first[0].result.is_ok() && second[0].result.is_ok());
    assert_eq!(github.plaintext(ACME, "SAME").unwrap(), b"second");
}

#[tokio::test(start_paused = true)]
async fn a_waiting_future_that_nobody_polls_lets_those_behind_it_pass() {
    let github = acme();
    let pacing = Pacing::writes_as_content().content_per_minute(1);
    let client = builder(&github).pacing(pacing).build().unwrap();
    put(&client, "FIRST", "value").await.unwrap();
    let waiting = (0..10).map(|n| {
        let client = client.clone();
        Box::pin(async move { put(&client, &format!("IDLE_{n}"), "value").await })
    });
    let mut waiting: Vec<_> = waiting.collect();
    for idle in &mut waiting {
        assert!(idle.now_or_never().is_none());
    }
    let began = Instant::now();
    put(&client, "SECOND", "value").await.unwrap();
    assert!(began.elapsed() <= seconds(64), "{:?}", began.elapsed());
    // Polled again, they go on in their order.
    let done = Mutex::new(Vec::new());
    let go_on = waiting.into_iter().enumerate().map(|(n, idle)| {
        let done = &done;
        async move {
            idle.await.unwrap();
            done.lock().unwrap().push(n);
        }
    });
    join_all(go_on).await;
    assert_eq!(*done.lock().unwrap(), (0..10).collect::<Vec<_>>());
}

/// Asks GitHub itself, by a client that shares the limits of the one it serves.
struct AsksGitHub(Client);

impl TokenSource for AsksGitHub {
    fn token<'a>(&'a self, _: Audience<'a>) -> TokenFuture<'a> {
        Box::pin(async move {
            get(&self.0, ACME).await?;
            Ok(Token::new("test-token")?)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_uses_a_client_of_the_same_limits_is_no_deadlock() {
    let github = acme();
    let pacing = Pacing::concurrency_only().concurrent(1);
    let own = builder(&github).pacing(pacing).build().unwrap();
    put(&own, "KEY", "value").await.unwrap();
    let client = Client::builder()
        .token_source(AsksGitHub(own.clone()))
        .share_limits_with(&own)
        .transport(github.clone())
        .build()
        .unwrap();
    let puts = (0..20).map(|n| {
        let client = client.clone();
        async move { put(&client, &format!("KEY_{n}"), "value").await }
    });
    let results = timeout(seconds(1), join_all(puts)).await.unwrap();
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(github.most_under_way(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_crowd_of_readers_does_not_starve_a_writer() {
    let github = acme();
    let pacing = Pacing::learning().points_per_minute(30);
    let client = builder(&github).pacing(pacing).build().unwrap();
    put(&client, "KEY", "value").await.unwrap();
    let reader = |client: Client| async move {
        loop {
            let read = get(&client, ACME).await;
            if read.is_err() {
                break;
            }
        }
    };
    for _ in 0..100 {
        tokio::spawn(reader(client.clone()));
    }
    sleep(seconds(10)).await;
    let began = Instant::now();
    put(&client, "OTHER", "value").await.unwrap();
    assert!(began.elapsed() <= seconds(61), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn readers_pass_writers_that_wait_for_a_limit_on_writes_alone() {
    let github = acme();
    let pacing = Pacing::writes_as_content().content_per_hour(3);
    let client = builder(&github).pacing(pacing).build().unwrap();
    for name in ["A", "B", "KEY"] {
        put(&client, name, "value").await.unwrap();
    }
    let waiting = client.clone();
    let waiting = tokio::spawn(async move { put(&waiting, "D", "value").await });
    sleep(seconds(1)).await;
    let began = Instant::now();
    get(&client, ACME).await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
    waiting.abort();
}

/// Gives another token each time, and says how long to wait before the next.
struct Counts(AtomicU32, Duration);

impl TokenSource for Counts {
    fn token<'a>(&'a self, _: Audience<'a>) -> TokenFuture<'a> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move { Ok(Token::new(format!("token-{number}"))?) })
    }

    fn refused(&self, _: Audience<'_>, _: &TokenRefusal<'_>) -> AfterRefusal {
        AfterRefusal::AskAgain(self.1)
    }
}

#[tokio::test(start_paused = true)]
async fn no_number_of_a_caller_is_too_large_for_the_clock() {
    let github = acme();
    github.inject(Fault::reply(401, r#"{"message":"Bad credentials"}"#).always());
    for after in [Duration::MAX, Duration::MAX / 2, seconds(1 << 60)] {
        let source = Counts(AtomicU32::new(0), after);
        let policy = RetryPolicy::default()
            .deadline(Duration::MAX)
            .retry_window(Duration::MAX)
            .attempt_timeout(Duration::MAX)
            .backoff(Duration::MAX, Duration::MAX);
        let client = Client::builder()
            .token_source(source)
            .transport(github.clone());
        let client = client.retry(policy).build().unwrap();
        // It may wait for as long as it was told to, and must not panic.
        let put = timeout(seconds(10 * 365 * 86_400), put(&client, "KEY", "value"));
        assert!(put.await.is_ok_and(|put| put.is_err()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_asked_for_again_when_leave_was_long_in_coming() {
    let github = acme();
    let source = Arc::new(Counts(AtomicU32::new(0), Duration::ZERO));
    struct Shared(Arc<Counts>);
    impl TokenSource for Shared {
        fn token<'a>(&'a self, audience: Audience<'a>) -> TokenFuture<'a> {
            self.0.token(audience)
        }
    }
    for n in 0..20 {
        github.add_token(&format!("token-{n}"));
    }
    let client = Client::builder()
        .token_source(Shared(source.clone()))
        .pacing(Pacing::writes_as_content().content_per_minute(1))
        .transport(github.clone())
        .build()
        .unwrap();
    put(&client, "A", "value").await.unwrap();
    let before = source.0.load(Ordering::Relaxed);
    put(&client, "B", "value").await.unwrap();
    assert_eq!(source.0.load(Ordering::Relaxed), before + 2);
}

/// A vault that needs a while each time.
struct Vault;

impl TokenSource for Vault {
    fn token<'a>(&'a self, _: Audience<'a>) -> TokenFuture<'a> {
        Box::pin(async {
            sleep(Duration::from_millis(300)).await;
            Ok(Token::new("test-token")?)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_source_costs_no_place_in_the_line() {
    let github = acme();
    github.configure(|settings| settings.count_limits = false);
    let client = Client::builder()
        .token_source(Vault)
        .pacing(Pacing::writes_as_content().content_per_minute(10))
        .transport(github.clone())
        .build()
        .unwrap();
    let began = Instant::now();
    let batch = (0..60).map(|n| (format!("KEY_{n}"), "value", Visibility::Private));
    let outcomes: Vec<_> = client.secrets(scope(ACME)).put_all(batch).collect().await;
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
    assert!(began.elapsed() <= seconds(310), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn after_an_outage_retries_come_one_by_one() {
    let github = acme();
    let pacing = Pacing::concurrency_only().concurrent(1_000);
    let client = builder(&github).pacing(pacing).build().unwrap();
    put(&client, "KEY", "value").await.unwrap();
    github.clear_requests();
    github.inject(Fault::service_unavailable().lasting(seconds(20)));
    let began = github.now();
    let gets = (0..200).map(|_| get(&client, ACME));
    join_all(gets).await;
    // The first of each; retries for which the budget was saved up; then five a second.
    let arrivals = arrivals(&github, "GET");
    let later: Vec<_> = arrivals.into_iter().skip(250).collect();
    assert!(later.len() > 50, "{}", later.len());
    assert!(later[0] < began + seconds(2));
    let busiest = later.iter().map(|from| {
        let within = later
            .iter()
            .filter(|at| **at >= *from && **at < *from + seconds(1));
        within.count()
    });
    let busiest = busiest.max().unwrap();
    // The last of those saved up may be among them.
    assert!(busiest <= 10, "{busiest}");
}

#[tokio::test(start_paused = true)]
async fn a_reset_by_this_machine_s_clock_is_waited_for_a_minute_at_least() {
    let now = std::time::SystemTime::now();
    let epoch = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    for (reset, header, longest) in [
        // This machine's clock is two hours ahead, or behind.
        (epoch - 7_200, "yesterday", 62),
        (epoch + 7_200, "yesterday", 3_603),
        (epoch + 300, "yesterday", 302),
    ] {
        let github = acme();
        let refusal = Fault::reply(
            403,
            r#"{"message":"API rate limit exceeded for this user."}"#,
        )
        .header("x-ratelimit-remaining", "0")
        .header("x-ratelimit-reset", &reset.to_string())
        .header("date", header);
        github.inject(refusal.on("PUT").times(2));
        let policy = RetryPolicy::default().deadline(None);
        let client = builder(&github).retry(policy).build().unwrap();
        put(&client, "KEY", "value").await.unwrap();
        let gaps = gaps(&github, "PUT");
        assert!(gaps[0] >= seconds(60), "{gaps:?}");
        assert!(gaps[0] <= seconds(longest), "{gaps:?}");
        assert!(gaps[1] >= seconds(120), "{gaps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_identity_of_a_source_has_limits_of_its_own() {
    struct TwoUsers;
    impl TokenSource for TwoUsers {
        fn token<'a>(&'a self, _: Audience<'a>) -> TokenFuture<'a> {
            Box::pin(async { Ok(Token::new("test-token")?) })
        }
        fn identity(&self, audience: Audience<'_>) -> Option<Identity> {
            audience.owner.map(Identity::named)
        }
    }
    let github = GitHub::new();
    github.add_organization("acme");
    github.add_organization("globex");
    let client = Client::builder()
        .token_source(TwoUsers)
        .transport(github.clone());
    let client = client.build().unwrap();
    let write = async |org: &str| {
        let put = client.create_or_update_org_secret(org, "KEY").value("v");
        put.access(Visibility::All).send().await.unwrap();
    };
    write("acme").await;
    write("globex").await;
    let refusal = Fault::secondary_limit().header("retry-after", "30");
    github.inject(refusal.on("PUT").at("/orgs/acme/"));
    let began = Instant::now();
    let acme = async {
        write("acme").await;
        began.elapsed().as_secs()
    };
    let globex = async {
        sleep(seconds(1)).await;
        write("globex").await;
        began.elapsed().as_secs()
    };
    assert_eq!(tokio::join!(acme, globex), (30, 1));
}

#[tokio::test(start_paused = true)]
async fn one_identity_is_one_line_for_clients_of_different_tokens() {
    let github = acme();
    let mut limits = Limits::none();
    limits.content_a_minute = Some(80);
    github.set_limits(limits);
    let me = Identity::named("ci-bot");
    let one = builder(&github).identity(me).build().unwrap();
    let other = builder(&github).token("another").identity(me);
    let other = other.share_limits_with(&one).build().unwrap();
    assert_eq!(Identity::named("CI-bot"), me);
    put(&one, "WARM", "value").await.unwrap();
    let refusal = Fault::secondary_limit().header("retry-after", "30");
    github.inject(refusal.on("PUT"));
    let began = Instant::now();
    let (first, second) = tokio::join!(put(&one, "A", "v"), async {
        sleep(seconds(1)).await;
        put(&other, "B", "v").await
    });
    first.unwrap();
    second.unwrap();
    assert_eq!(began.elapsed().as_secs(), 30);
}
