//! Many secrets at once: the truth about every one, and running a batch again completes it.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{FutureExt, Stream, StreamExt, stream};
use octoseal::{
    Access, Applied, Client, Error, Visibility, Written,
    auth::{Audience, Token, TokenFuture, TokenSource},
    limits::Pacing,
    secrets::{NewSecret, Outcome},
};
use octoseal_mock::{Fault, GitHub, Limits};
use octoseal_tests::{ACME, acme, builder, put, scope};
use tokio::time::Instant;

use crate::app;
use crate::faults::arrivals;

const LATENCY: Duration = Duration::from_millis(40);

/// A stand-in that holds any number of secrets, and a client without pacing, so that faults alone take time.
fn roomy() -> (GitHub, Client) {
    let github = acme();
    github.set_latency(LATENCY);
    github.configure(|settings| settings.count_limits = false);
    let client = builder(&github)
        .pacing(Pacing::concurrency_only())
        .build()
        .unwrap();
    (github, client)
}

fn secrets(number: usize) -> impl Iterator<Item = NewSecret> + Send + 'static {
    (0..number).map(|n| {
        NewSecret::new(format!("KEY_{n}"), format!("value {n}")).access(Visibility::Private)
    })
}

fn batch(client: &Client, number: usize) -> impl Stream<Item = Outcome> + Send + Unpin + use<> {
    client.secrets(scope(ACME)).put_all(secrets(number))
}

async fn run(client: &Client, number: usize) -> Vec<Outcome> {
    batch(client, number).collect().await
}

/// Asserts an outcome for each secret, true to what the stand-in holds, and gives how many are stored.
fn assert_true(github: &GitHub, outcomes: &[Outcome], number: usize) -> usize {
    let by_name: BTreeMap<_, _> = outcomes.iter().map(|o| (o.name.as_str(), o)).collect();
    assert_eq!((outcomes.len(), by_name.len()), (number, number));
    for outcome in outcomes {
        let held = github.secret(ACME, &outcome.name).is_some();
        match &outcome.result {
            Ok(_) => assert!(held, "{outcome} is not there"),
            Err(error) if error.applied() == Applied::No => {
                assert!(!held, "{outcome}, but it is there")
            }
            Err(_) => {}
        }
    }
    outcomes
        .iter()
        .filter(|outcome| outcome.result.is_ok())
        .count()
}

#[tokio::test(start_paused = true)]
async fn a_batch_fetches_one_key_and_gives_an_outcome_for_every_secret() {
    let (github, client) = roomy();
    let outcomes = run(&client, 300).await;
    assert_eq!(assert_true(&github, &outcomes, 300), 300);
    assert!(outcomes.iter().all(|o| {
        o.result
            .as_ref()
            .is_ok_and(|it| it.written == Written::Created)
    }));
    assert_eq!(arrivals(&github, "GET").len(), 1);
    for n in 0..300 {
        let value = github.plaintext(ACME, &format!("KEY_{n}")).unwrap();
        assert_eq!(value, format!("value {n}").as_bytes());
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_fails_in_the_middle_tells_all_and_running_it_again_completes_it() {
    let (github, client) = roomy();
    github.inject(
        Fault::service_unavailable()
            .on("PUT")
            .after(100)
            .lasting(Duration::from_secs(3600)),
    );
    let outcomes = run(&client, 300).await;
    assert_eq!(assert_true(&github, &outcomes, 300), 100);
    let untried = |o: &&Outcome| o.result.as_ref().is_err_and(|error| error.attempts() == 0);
    let untried: Vec<_> = outcomes.iter().filter(untried).collect();
    assert!(
        untried.len() >= 100,
        "an outage was met with every secret: {}",
        untried.len()
    );
    assert!(
        untried.iter().all(|o| o.to_string().contains("not tried")),
        "{}",
        untried[0]
    );

    github.clear_faults();
    let outcomes = run(&client, 300).await;
    assert_eq!(assert_true(&github, &outcomes, 300), 300);
    let updated = |o: &&Outcome| {
        o.result
            .as_ref()
            .is_ok_and(|it| it.written == Written::Updated)
    };
    assert_eq!(outcomes.iter().filter(updated).count(), 100);
}

#[tokio::test(start_paused = true)]
async fn of_several_values_for_one_secret_the_last_stays_even_if_the_first_comes_late() {
    let (github, client) = roomy();
    github.inject(Fault::service_unavailable().on("PUT").times(2));
    let given = [
        ("key", "first"),
        ("OTHER", "other"),
        ("KEY", "second"),
        ("Key", "last"),
    ];
    let mut outcomes = client
        .secrets(scope("actions:repo/acme/api"))
        .put_all(given);
    let mut stored = Vec::new();
    while let Some(outcome) = outcomes.next().await {
        stored.push((outcome.name, outcome.result.unwrap().written));
    }
    stored.retain(|(name, _)| name != "OTHER");
    let expected = ["key", "KEY", "Key"].map(str::to_owned);
    let written = [Written::Created, Written::Updated, Written::Updated];
    assert!(stored.into_iter().eq(expected.into_iter().zip(written)));
    let value = github.plaintext("actions:repo/acme/api", "KEY");
    assert_eq!(value.unwrap(), b"last");
}

#[tokio::test(start_paused = true)]
async fn repositories_that_a_batch_selects_by_name_are_looked_up_once() {
    let (github, client) = roomy();
    let batch = (0..200)
        .map(|n| NewSecret::new(format!("KEY_{n}"), "value").access(["acme/api", "acme/web"]));
    let outcomes: Vec<_> = client.secrets(scope(ACME)).put_all(batch).collect().await;
    assert_eq!(assert_true(&github, &outcomes, 200), 200);
    assert_eq!(arrivals(&github, "GET").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_batch_outlasts_an_outage_of_fifteen_seconds() {
    let (github, client) = roomy();
    let outage = Fault::service_unavailable().lasting(Duration::from_secs(15));
    github.inject(outage.starting_in(LATENCY * 3));
    let outcomes = run(&client, 300).await;
    assert_eq!(assert_true(&github, &outcomes, 300), 300);
    // Not a storm: each of the 50 under way could have made ten attempts.
    let failed = github.request_count() - 301;
    assert!(failed < 250, "{failed}");
}

#[tokio::test(start_paused = true)]
async fn a_batch_through_a_flaky_server_loses_nothing() {
    let (github, client) = roomy();
    for n in 0..100 {
        github.inject(Fault::unicorn().after(3 * n));
        if n % 10 == 0 {
            github.inject(Fault::lost_reply().on("PUT").after(3 * n));
        }
    }
    let outcomes = run(&client, 300).await;
    assert_eq!(assert_true(&github, &outcomes, 300), 300);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_rotates_during_a_batch_is_met() {
    let (github, client) = roomy();
    github.inject(Fault::rotated_key().on("PUT").after(120));
    github.inject(Fault::rotated_key().on("PUT").after(220));
    let outcomes = run(&client, 300).await;
    assert_eq!(assert_true(&github, &outcomes, 300), 300);
    assert_eq!(arrivals(&github, "GET").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_cannot_be_stored_does_not_stop_the_others() {
    let (github, client) = roomy();
    let bad = [
        NewSecret::new("NOT A NAME", "value").access(Visibility::Private),
        NewSecret::new("TOO_LARGE", vec![0; 50_000]).access(Visibility::Private),
        NewSecret::new("NO_VISIBILITY", "value"),
    ];
    let batch = bad.into_iter().chain(secrets(20));
    let outcomes: Vec<_> = client.secrets(scope(ACME)).put_all(batch).collect().await;
    assert_eq!(assert_true(&github, &outcomes, 23), 20);
    let refused = |o: &&Outcome| o.result.as_ref().is_err_and(|e| e.is_invalid_input());
    assert_eq!(outcomes.iter().filter(refused).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn one_secret_goes_to_500_repositories_with_one_key_each() {
    let (github, client) = roomy();
    let scopes: Vec<_> = (0..500)
        .map(|n| {
            github.add_repository("acme", &format!("repo-{n}"));
            scope(&format!("actions:repo/acme/repo-{n}"))
        })
        .collect();
    let all = scopes
        .clone()
        .into_iter()
        .map(|scope| (scope, ("NPM_TOKEN", "t0ken")));
    let outcomes: Vec<_> = client.put_all(all).collect().await;
    assert_eq!(outcomes.iter().filter(|o| o.result.is_ok()).count(), 500);
    assert_eq!(github.request_count(), 1000);
    for scope in scopes {
        assert_eq!(github.plaintext(&scope, "NPM_TOKEN").unwrap(), b"t0ken");
    }
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_cannot_be_written_to_fails_alone() {
    let (github, client) = roomy();
    let into = |place: &'static str| secrets(60).map(move |secret| (scope(place), secret));
    let outcomes: Vec<_> = client
        .put_all(into("actions:org/ghost").chain(into(ACME)))
        .collect()
        .await;
    let stored = outcomes.iter().filter(|o| o.result.is_ok()).count();
    assert_eq!((outcomes.len(), stored), (120, 60));
    assert!(
        arrivals(&github, "GET").len() < 10,
        "the missing scope was asked for time after time"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_stops_the_rest_of_a_batch() {
    let (github, client) = roomy();
    let began = Instant::now();
    let mut outcomes = batch(&client, 300);
    let mut seen = Vec::new();
    while let Some(outcome) = outcomes.next().await {
        seen.push(outcome);
        if seen.len() == 100 {
            github.revoke("test-token");
        }
    }
    let stored = assert_true(&github, &seen, 300);
    assert!((100..=150).contains(&stored), "{stored}");
    assert!(
        github.request_count() <= 1 + 200,
        "{}",
        github.request_count()
    );
    // GitHub locks out a caller that goes on with a bad token: the puts under way wait for a minute, in three rounds.
    let refused = seen.iter().filter_map(|o| o.result.as_ref().err());
    assert!(refused.clone().all(Error::is_unauthorized));
    assert!(began.elapsed().as_secs() < 150, "{:?}", began.elapsed());
    assert!(refused.filter(|error| error.attempts() == 0).count() >= 100);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_may_not_write_stops_the_rest_of_its_scope() {
    let (github, client) = roomy();
    let message = r#"{"message":"Resource not accessible by integration"}"#;
    let refusal = Fault::reply(403, message).on("PUT").at("/orgs/acme/");
    github.inject(refusal.always());
    let repository = scope("actions:repo/acme/api");
    let all = secrets(300).map(|secret| (scope(ACME), secret));
    let all = all.chain([(repository, NewSecret::new("KEY", "value"))]);
    let outcomes: Vec<_> = client.put_all(all).collect().await;
    let failed = outcomes.iter().filter_map(|o| o.result.as_ref().err());
    assert!(failed.clone().all(|error| error.is_permission()));
    assert_eq!((outcomes.len(), failed.count()), (301, 300));
    assert!(arrivals(&github, "PUT").len() <= 51);
}

#[tokio::test(start_paused = true)]
async fn a_batch_to_a_renamed_repository_keeps_the_pace_with_both_requests_of_each() {
    let (github, _) = roomy();
    github.set_limits(Limits::documented().with_content());
    github.rename_repository("acme", "api", "core");
    let client = builder(&github).build().unwrap();
    let began = Instant::now();
    let batch = (0..200).map(|n| (format!("KEY_{n}"), "value"));
    let secrets = client.secrets(scope("actions:repo/acme/api"));
    let outcomes: Vec<_> = secrets.put_all(batch).collect().await;
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
    // 400 writes at 80 a minute, and a first burst that did not know.
    assert!(
        began.elapsed() < Duration::from_secs(900),
        "{:?}",
        began.elapsed()
    );
    assert!(github.refusals() <= 50, "{}", github.refusals());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_answering_ends_a_batch_of_300_within_half_a_minute() {
    for warm in [false, true] {
        let (github, client) = roomy();
        if warm {
            put(&client, "WARM", "value").await.unwrap();
        }
        github.inject(Fault::hang().always());
        let began = Instant::now();
        let outcomes = run(&client, 300).await;
        assert_eq!(outcomes.len(), 300);
        assert!(
            outcomes
                .iter()
                .all(|o| o.result.as_ref().unwrap_err().is_timeout())
        );
        assert!(
            began.elapsed() <= Duration::from_secs(30),
            "{warm}: {:?}",
            began.elapsed()
        );
        let unknown = |o: &&Outcome| o.result.as_ref().unwrap_err().applied() == Applied::Unknown;
        let unknown = outcomes.iter().filter(unknown).count();
        assert_eq!(unknown, if warm { 50 } else { 0 });
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_a_batch_stops_it_and_running_it_again_completes_it() {
    let (github, client) = roomy();
    let mut outcomes = batch(&client, 300);
    for _ in 0..75 {
        outcomes.next().await.unwrap().result.unwrap();
    }
    drop(outcomes);
    let sent = github.request_count();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(
        github.request_count(),
        sent,
        "something went on after the drop"
    );
    let outcomes = run(&client, 300).await;
    assert_eq!(assert_true(&github, &outcomes, 300), 300);
}

#[tokio::test(start_paused = true)]
async fn a_batch_waiting_for_a_limit_and_dropped_leaves_the_client_whole() {
    let (github, client) = roomy();
    github.inject(
        Fault::secondary_limit()
            .header("retry-after", "600")
            .on("PUT")
            .after(60)
            .times(10),
    );
    let all = tokio::time::timeout(Duration::from_secs(300), run(&client, 300)).await;
    assert!(all.is_err());
    let sent = github.request_count();
    put(&client, "OTHER", "value").await.unwrap();
    assert_eq!(github.request_count(), sent + 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_takes_its_time_over_each_outcome_makes_no_secret_fail() {
    let (github, client) = roomy();
    github.inject(Fault::slow(Duration::from_secs(2)).always());
    let mut outcomes = batch(&client, 120);
    let mut seen = Vec::new();
    while let Some(outcome) = outcomes.next().await {
        tokio::time::sleep(Duration::from_secs(30)).await;
        seen.push(outcome);
    }
    assert_eq!(assert_true(&github, &seen, 120), 120);
    assert_eq!(github.request_count(), 121);
}

#[tokio::test(start_paused = true)]
async fn a_caller_may_use_the_client_between_outcomes_while_the_batch_waits() {
    let (github, _) = roomy();
    let client = builder(&github).build().unwrap();
    let began = Instant::now();
    let mut outcomes = batch(&client, 100);
    let mut seen = 0;
    while let Some(outcome) = outcomes.next().await {
        outcome.result.unwrap();
        seen += 1;
        if seen == 80 {
            // The minute is full: the batch waits, and this waits beside it.
            put(&client, "BETWEEN", "value").await.unwrap();
        }
    }
    assert_eq!(seen, 100);
    assert!(
        began.elapsed() < Duration::from_secs(65),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn secrets_are_taken_from_the_input_only_as_places_become_free() {
    let (_, client) = roomy();
    let installed = app::installed();
    installed.set_latency(LATENCY);
    installed.configure(|settings| settings.count_limits = false);
    installed.set_limits(None);
    // The limits of a scope are shared by all calls.
    for client in [client, app::client(&installed, app::app())] {
        let taken = Arc::new(AtomicUsize::new(0));
        let count = taken.clone();
        let endless = (0..).map(move |n| {
            count.fetch_add(1, Ordering::Relaxed);
            NewSecret::new(format!("KEY_{n}"), "value").access(Visibility::Private)
        });
        let mut outcomes = client.secrets(scope(ACME)).put_all(endless);
        for seen in 1..200 {
            outcomes.next().await.unwrap().result.unwrap();
            assert!(taken.load(Ordering::Relaxed) <= seen + 50);
        }
    }
}

#[tokio::test]
async fn an_outcome_names_its_scope_whatever_failed() {
    let (_, client) = roomy();
    let all = [
        NewSecret::new("1ST", "v"),
        NewSecret::new("KEY", "v".repeat(50_000)).access(Access::All),
        NewSecret::new("KEY", "v").access("selected:acme/none".parse::<Access>().unwrap()),
        NewSecret::new("KEY", "v"),
    ];
    let outcomes: Vec<_> = client.secrets(scope(ACME)).put_all(all).collect().await;
    assert_eq!(outcomes.len(), 4);
    for outcome in outcomes {
        assert!(outcome.result.is_err());
        assert!(outcome.to_string().contains(ACME), "{outcome}");
    }
}

#[tokio::test(start_paused = true)]
async fn secrets_that_arrive_over_time_are_stored_as_they_come() {
    let (github, client) = roomy();
    let slow = stream::iter(secrets(5)).then(|secret| async move {
        tokio::time::sleep(Duration::from_secs(10)).await;
        secret
    });
    let began = Instant::now();
    let mut outcomes = client.secrets(scope(ACME)).put_stream(slow);
    for n in 1..=5 {
        outcomes.next().await.unwrap().result.unwrap();
        let late = began.elapsed() - Duration::from_secs(10 * n);
        assert!(late <= 3 * LATENCY, "{late:?}");
        assert_eq!(github.secrets(ACME).len() as u64, n);
    }
    assert!(outcomes.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_batch_waits_for_a_used_up_hour_also_while_it_reads_what_to_keep() {
    let (github, client) = roomy();
    let ids = [github.add_repository("acme", "api")];
    for n in 0..10 {
        github.seed(ACME, &format!("KEY_{n}"), "old").selected(ids);
    }
    github.inject(
        Fault::primary_limit(Duration::from_secs(3000))
            .on("GET")
            .at("/repositories"),
    );
    let batch = (0..10).map(|n| (format!("KEY_{n}"), "new"));
    let outcomes: Vec<_> = client.secrets(scope(ACME)).put_all(batch).collect().await;
    assert_eq!(assert_true(&github, &outcomes, 10), 10);
    let kept = github.secrets(ACME);
    assert!(
        kept.iter()
            .all(|s| s.selected_repository_ids.iter().eq(ids.iter()))
    );
}

#[tokio::test(start_paused = true)]
async fn a_repository_that_one_secret_may_not_select_stops_no_other() {
    let (github, client) = roomy();
    let hidden = r#"{"message":"Resource not accessible by integration"}"#;
    github.inject(Fault::reply(403, hidden).at("/repos/other/x").always());
    let one = NewSecret::new("ONE", "value").access(["other/x"]);
    let batch = std::iter::once(one).chain(secrets(199));
    let outcomes: Vec<_> = client.secrets(scope(ACME)).put_all(batch).collect().await;
    assert_eq!(assert_true(&github, &outcomes, 200), 199);
}

/// A vault with one token for each of its organizations.
struct Vault(&'static [(&'static str, &'static str)]);

impl TokenSource for Vault {
    fn token<'a>(&'a self, audience: Audience<'a>) -> TokenFuture<'a> {
        let found = self
            .0
            .iter()
            .find(|(owner, _)| Some(*owner) == audience.owner);
        Box::pin(std::future::ready(match found {
            Some((_, token)) => Token::new(*token).map_err(Into::into),
            None => Err("the vault has no token for it".into()),
        }))
    }
}

/// Stores a hundred secrets in each of these organizations, turn by turn, and gives how many are stored in each.
async fn hundred_each(github: &GitHub, vault: Vault, organizations: &[&str]) -> Vec<usize> {
    github.set_latency(LATENCY);
    github.configure(|settings| settings.count_limits = false);
    let client = Client::builder()
        .token_source(vault)
        .transport(github.clone());
    let client = client.pacing(Pacing::concurrency_only()).build().unwrap();
    let scopes: Vec<_> = organizations
        .iter()
        .map(|org| scope(&format!("actions:org/{org}")))
        .collect();
    let turns = scopes.clone();
    let batch = secrets(100).flat_map(move |secret| {
        turns
            .clone()
            .into_iter()
            .map(move |scope| (scope, secret.clone()))
    });
    let outcomes: Vec<_> = client.put_all(batch).collect().await;
    assert_eq!(outcomes.len(), 100 * organizations.len());
    let stored = |scope| {
        outcomes
            .iter()
            .filter(|o| o.scope == scope && o.result.is_ok())
            .count()
    };
    scopes.into_iter().map(stored).collect()
}

#[tokio::test(start_paused = true)]
async fn an_owner_without_a_token_stops_its_own_secrets_alone() {
    let github = acme();
    github.add_organization("ghost");
    let vault = Vault(&[("acme", "test-token")]);
    assert_eq!(
        hundred_each(&github, vault, &["ghost", "acme"]).await,
        [0, 100]
    );
    assert_eq!(github.request_count(), 101);
}

#[tokio::test(start_paused = true)]
async fn an_owner_whose_token_is_refused_stops_its_own_secrets_alone() {
    let github = acme();
    github.add_organization("stale");
    let refusal = Fault::reply(401, r#"{"message":"Bad credentials"}"#);
    github.inject(refusal.at("/orgs/stale/").always());
    let vault = Vault(&[("acme", "test-token"), ("stale", "old-token")]);
    assert_eq!(
        hundred_each(&github, vault, &["stale", "acme"]).await,
        [0, 100]
    );
    assert_eq!(github.request_count(), 102);
}

#[tokio::test(start_paused = true)]
async fn a_source_without_any_token_is_not_asked_for_owner_after_owner() {
    let (github, client) = {
        let github = acme();
        github.set_latency(LATENCY);
        let vault = Vault(&[]);
        (
            github.clone(),
            Client::builder()
                .token_source(vault)
                .transport(github.clone())
                .build()
                .unwrap(),
        )
    };
    let scopes = (0..500).map(|n| scope(&format!("actions:org/org-{n}")));
    let outcomes: Vec<_> = client
        .put_all(scopes.map(|scope| (scope, ("KEY", "value"))))
        .collect()
        .await;
    let untried = outcomes
        .iter()
        .filter(|o| o.to_string().contains("not tried"));
    assert!(untried.count() >= 400);
    assert_eq!(github.request_count(), 0);
}

#[test]
fn a_batch_whose_runtime_ends_has_an_outcome_for_every_secret() {
    let (github, client) = roomy();
    github.set_latency(Duration::from_secs(1));
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    let mut outcomes = client.secrets(scope(ACME)).put_all(secrets(200));
    let first = runtime();
    first.block_on(async {
        let begin = std::pin::pin!(outcomes.next());
        assert!(
            tokio::time::timeout(Duration::from_millis(10), begin)
                .await
                .is_err()
        );
    });
    drop(first);
    github.set_latency(Duration::ZERO);
    let all: Vec<_> = runtime().block_on(outcomes.collect());
    let names: std::collections::HashSet<_> = all.iter().map(|outcome| &outcome.name).collect();
    assert_eq!((all.len(), names.len()), (200, 200));
    let lost = all
        .iter()
        .filter_map(|outcome| outcome.result.as_ref().err());
    let lost: Vec<_> = lost.collect();
    assert!((1..=50).contains(&lost.len()), "{}", lost.len());
    for error in lost {
        assert!(error.to_string().contains("runtime"), "{error}");
        assert_eq!(error.applied(), octoseal::Applied::Unknown);
    }
}

#[test]
fn a_batch_without_a_runtime_says_so_for_every_secret() {
    let (_, client) = roomy();
    let outcomes = client.secrets(scope(ACME)).put_all(secrets(200));
    let all: Vec<_> = futures_util::FutureExt::now_or_never(outcomes.collect::<Vec<_>>()).unwrap();
    assert_eq!(all.len(), 200);
    assert!(all.iter().all(|outcome| outcome.result.is_err()));
}

#[tokio::test(start_paused = true)]
async fn the_same_name_again_waits_for_its_place_and_holds_up_no_other() {
    let (github, client) = roomy();
    github.set_latency(Duration::from_millis(40));
    let same = (0..10).map(|n| NewSecret::new("SAME", format!("{n}")).access(Visibility::All));
    let others = (0..40).map(|n| NewSecret::new(format!("KEY_{n}"), "v").access(Visibility::All));
    let began = Instant::now();
    let outcomes = client.secrets(scope(ACME)).put_all(same.chain(others));
    let all: Vec<_> = outcomes
        .map(|outcome| (outcome.name, began.elapsed()))
        .collect()
        .await;
    let others = all.iter().filter(|(name, _)| name != "SAME");
    assert!(
        others
            .clone()
            .all(|(_, at)| *at == Duration::from_millis(80)),
        "{all:?}"
    );
    assert_eq!(github.plaintext(ACME, "SAME").unwrap(), b"9");
    assert_eq!(began.elapsed(), Duration::from_millis(440));
}

#[tokio::test(start_paused = true)]
async fn an_owner_whose_secrets_get_no_answer_stops_itself_and_no_other_owner() {
    let (github, client) = roomy();
    github.add_organization("other");
    github.inject(Fault::server_error().at("/orgs/other/").always());
    let bad = (0..200).map(|n| {
        (
            scope("actions:org/other"),
            NewSecret::new(format!("K_{n}"), "v"),
        )
    });
    let bad = bad.map(|(scope, secret)| (scope, secret.access(Visibility::All)));
    let good = secrets(200).map(|secret| (scope(ACME), secret));
    let outcomes: Vec<_> = client.put_all(bad.chain(good)).collect().await;
    let stored = outcomes.iter().filter(|outcome| outcome.result.is_ok());
    assert_eq!((outcomes.len(), stored.count()), (400, 200));
}

/// Two hundred secrets each of `other`, whose requests of this method fail until so many of them have failed, and of acme: how many of
/// `other` were tried, and how many stored.
async fn failing_until(failures: usize, method: &str) -> (usize, usize) {
    let (github, client) = roomy();
    github.add_organization("other");
    github.set_latency(LATENCY);
    github.inject(Fault::server_error().at("/orgs/other/").on(method).always());
    let secrets =
        ["actions:org/other", ACME].map(|text| secrets(200).map(move |it| (scope(text), it)));
    let mut outcomes = client.put_all(secrets.into_iter().flatten());
    let (mut failed, mut stored, mut tried) = (0, [0, 0], 0);
    while let Some(outcome) = outcomes.next().await {
        let is_other = outcome.scope.owner() == Some("other");
        stored[usize::from(is_other)] += usize::from(outcome.result.is_ok());
        tried += usize::from(is_other && !outcome.to_string().contains("not tried"));
        failed += usize::from(outcome.result.is_err());
        if failed == failures {
            github.clear_faults();
        }
    }
    assert_eq!(stored[0], 200);
    (tried, stored[1])
}

#[tokio::test(start_paused = true)]
async fn an_owner_who_gets_no_answer_is_tried_once_more_before_it_is_given_up() {
    assert_eq!(failing_until(usize::MAX, "PUT").await, (51, 0));
    assert_eq!(failing_until(50, "PUT").await, (200, 150));
    // The key is read first.
    assert_eq!(failing_until(usize::MAX, "GET").await, (50, 0));
    assert_eq!(failing_until(50, "GET").await, (200, 150));
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_member_that_the_caller_catches_leaves_its_place_to_the_next() {
    let github = acme();
    let (panicked, inner) = (AtomicBool::new(false), github.clone());
    let panics_once = move |request: http::Request<octoseal::transport::Bytes>| {
        let is_first = request.method() == "PUT" && !panicked.swap(true, Ordering::Relaxed);
        assert!(!is_first, "the transport's own fault");
        let inner = inner.clone();
        async move { octoseal::transport::Transport::send(&inner, request).await }
    };
    let client = Client::builder().token("test-token").transport(panics_once);
    let client = client.build().unwrap();
    let same = (0..3).map(|n| NewSecret::new("SAME", format!("{n}")).access(Visibility::All));
    let mut outcomes = client.secrets(scope(ACME)).put_all(same);
    let mut stored = 0;
    let mut panics = 0;
    loop {
        let next = AssertUnwindSafe(outcomes.next()).catch_unwind();
        match tokio::time::timeout(Duration::from_secs(60), next).await {
            Ok(Ok(Some(outcome))) => stored += usize::from(outcome.result.is_ok()),
            Ok(Ok(None)) => break,
            Ok(Err(_)) => panics += 1,
            Err(_) => panic!("the batch is pending for ever"),
        }
    }
    assert_eq!((panics, stored), (1, 2));
    assert_eq!(github.plaintext(ACME, "SAME").unwrap(), b"2");
}

#[tokio::test(start_paused = true)]
async fn a_definite_answer_is_an_answer_though_it_is_a_refusal() {
    let (github, client) = roomy();
    github.inject(Fault::server_error().at("0_KEY").on("PUT").always());
    let refusal = Fault::reply(422, r#"{"message":"Validation Failed"}"#);
    github.inject(refusal.on("PUT").always());
    // No two in a row get no answer.
    let secret = |n| NewSecret::new(format!("N{n}_KEY"), "v").access(Visibility::All);
    let all = client.secrets(scope(ACME)).put_all((0..2_000).map(secret));
    let outcomes: Vec<_> = all.collect().await;
    let status = |outcome: &Outcome| {
        let error = outcome.result.as_ref().unwrap_err();
        let untried = error.to_string().contains("not tried");
        error.status().filter(|_| !untried)
    };
    let of = |wanted| {
        outcomes
            .iter()
            .filter(move |outcome| status(outcome) == Some(wanted))
    };
    assert_eq!((of(500).count(), of(422).count()), (200, 1_800));
}
