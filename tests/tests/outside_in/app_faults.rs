//! GitHub Apps when something goes wrong on the way to a token: nothing is lost, and no question is asked twice.

use std::future::ready;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use octoseal::{
    Client, RetryPolicy, Scope, Visibility,
    limits::Pacing,
    secrets::{NewSecret, Outcome},
};
use octoseal_mock::{App, Fault, GitHub, Identity, Limits};
use octoseal_tests::{ACME, acme, put, rsa, scope};
use tokio::time::{Instant, advance, timeout};

use crate::app::{ID, app, client, count, installed};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn statuses(github: &GitHub, status: u16) -> usize {
    let requests = github.requests();
    requests.iter().filter(|it| it.status == status).count()
}

fn secret(number: usize) -> NewSecret {
    NewSecret::new(format!("KEY_{number}"), "value").access(Visibility::Private)
}

fn stored(outcomes: &[Outcome]) -> usize {
    outcomes.iter().filter(|it| it.result.is_ok()).count()
}

/// A stand-in with room for any batch, and a client of it without pacing.
fn roomy(github: GitHub) -> (GitHub, Client) {
    github.set_latency(Duration::from_millis(40));
    github.configure(|settings| settings.count_limits = false);
    let builder = Client::builder().app(app()).transport(github.clone());
    let client = builder.pacing(Pacing::concurrency_only()).build().unwrap();
    (github, client)
}

/// One secret in each of 200 repositories of acme.
async fn two_hundred_repositories(github: &GitHub, client: &Client) -> Vec<Outcome> {
    let batch = (0..200).map(|number| {
        let name = format!("repo-{number}");
        github.add_repository("acme", &name);
        (
            scope(&format!("actions:repo/acme/{name}")),
            ("KEY", "value"),
        )
    });
    let batch: Vec<_> = batch.collect();
    client.put_all(batch).collect().await
}

#[tokio::test(start_paused = true)]
async fn clocks_that_run_apart_cost_a_batch_over_three_organizations_nothing() {
    let github = GitHub::new();
    let registered = github.add_app(ID).public_key(&rsa::public_pem());
    for organization in ["acme", "globex", "initech"] {
        registered.install(organization);
    }
    github.configure(|settings| settings.clock_ahead = 3 * 3600);
    let (github, client) = roomy(github);
    let batch = (0..30).map(|number| {
        let organization = ["acme", "globex", "initech"][number % 3];
        (
            scope(&format!("actions:org/{organization}")),
            secret(number),
        )
    });
    let outcomes: Vec<_> = client.put_all(batch).collect().await;
    assert_eq!(stored(&outcomes), 30, "{:?}", outcomes[0]);
    assert_eq!(statuses(&github, 401), 1);
}

fn limit_on_tokens(github: &GitHub) {
    let limit = Fault::secondary_limit().header("retry-after", "60");
    github.inject(limit.at("/access_tokens"));
}

#[tokio::test(start_paused = true)]
async fn a_limit_on_the_exchange_of_tokens_is_waited_for_like_any_other() {
    let (github, client) = roomy(installed());
    limit_on_tokens(&github);
    let began = Instant::now();
    put(&client, "KEY", "value").await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 60);

    let (github, client) = roomy(installed());
    limit_on_tokens(&github);
    let batch = client.secrets(scope(ACME)).put_all((0..300).map(secret));
    assert_eq!(stored(&batch.collect::<Vec<_>>().await), 300);
    assert_eq!(count(&github, "/access_tokens"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_limit_on_the_exchange_of_tokens_beyond_the_deadline_ends_the_call_at_once() {
    let github = installed();
    limit_on_tokens(&github);
    let policy = RetryPolicy::default().deadline(seconds(30));
    let builder = Client::builder().app(app()).transport(github.clone());
    let client = builder.retry(policy).build().unwrap();
    let began = Instant::now();
    for _ in 0..2 {
        let error = put(&client, "KEY", "value").await.unwrap_err();
        assert!(error.is_rate_limited(), "{error}");
        assert_eq!(error.retry_after().unwrap().as_secs(), 60);
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(count(&github, "/access_tokens"), 1);
}

#[tokio::test(start_paused = true)]
async fn requests_for_tokens_and_all_others_share_one_budget_of_retries() {
    let github = installed();
    // Two fifths of a retry for each success: those of the lookup, the token and the key are enough together.
    let policy = RetryPolicy::default().budget(0, 40);
    let client = Client::builder().app(app()).transport(github.clone());
    let client = client.retry(policy).build().unwrap();
    github.inject(Fault::service_unavailable().on("PUT").times(1));
    put(&client, "KEY", "value").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_exchange_of_tokens_that_is_never_answered_ends_within_half_a_minute() {
    let github = installed();
    github.inject(Fault::hang().at("/access_tokens").always());
    let began = Instant::now();
    let error = put(&client(&github, app()), "KEY", "value")
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error}");
    let took = began.elapsed();
    assert!(seconds(20) < took && took < seconds(29), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn tokens_that_end_in_the_middle_of_a_batch_lose_no_secret() {
    let (github, client) = roomy(installed());
    put(&client, "KEY", "value").await.unwrap();
    advance(seconds(600)).await;
    let mut batch = client.secrets(scope(ACME)).put_all((0..700).map(secret));
    let mut outcomes = Vec::new();
    while let Some(outcome) = batch.next().await {
        outcomes.push(outcome);
        if outcomes.len() == 200 {
            github.expire_installation_tokens();
        }
    }
    assert_eq!(stored(&outcomes), 700);
    assert_eq!(github.installation_tokens(), 2);
    // What had left by then is refused, until GitHub refuses everything for a minute.
    assert_eq!(statuses(&github, 401), 20);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_in_the_middle_of_a_batch_is_refused_nowhere_while_github_learns_of_the_new_token()
 {
    let (github, _) = roomy(installed());
    github.configure(|settings| {
        settings.installation_token_delay = seconds(1);
        // Bursts are a minute apart; at every other one the token is about to end.
        settings.installation_token_lifetime = seconds(130);
    });
    let pacing = Pacing::learning();
    let builder = Client::builder().app(app()).transport(github.clone());
    let client = builder.pacing(pacing).build().unwrap();
    let batch = client.secrets(scope(ACME)).put_all((0..700).map(secret));
    assert_eq!(stored(&batch.collect::<Vec<_>>().await), 700);
    assert_eq!(github.installation_tokens(), 2);
    let requests = github.requests();
    let began = requests[0].at;
    let refused = |after| {
        let late = requests.iter().filter(|it| it.at - began > after);
        late.filter(|it| it.status == 401).count()
    };
    // The first token has no predecessor.
    assert_eq!((refused(seconds(5)), refused(Duration::ZERO)), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn a_predecessor_that_is_refused_is_not_used_again() {
    let github = installed();
    github.configure(|settings| settings.installation_token_lifetime = seconds(100));
    let client = client(&github, app());
    put(&client, "KEY", "one").await.unwrap();
    advance(seconds(92)).await;
    put(&client, "KEY", "two").await.unwrap();
    github.inject(Fault::reply(401, r#"{"message":"Bad credentials"}"#).on("PUT"));
    put(&client, "KEY", "three").await.unwrap();
    let requests = github.requests();
    let sent: Vec<_> = requests[requests.len() - 3..]
        .iter()
        .map(|it| it.headers["authorization"].clone())
        .collect();
    assert_eq!(sent[0], sent[1], "the predecessor was not used");
    assert_ne!(sent[1], sent[2], "the predecessor was used again");
    assert_eq!(github.installation_tokens(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_app_that_is_removed_and_installed_again_is_found_again() {
    let github = acme();
    let registered = github.add_app(ID).public_key(&rsa::public_pem());
    let first = registered.install("acme");
    let client = client(&github, app());
    put(&client, "KEY", "one").await.unwrap();
    advance(seconds(600)).await;
    github.remove_installation(first);
    let second = registered.install("acme");
    assert_ne!(first, second);
    let puts = (0..10).map(|number| {
        let client = client.clone();
        async move { put(&client, &format!("KEY_{number}"), "two").await }
    });
    for written in futures_util::future::join_all(puts).await {
        written.unwrap();
    }
    assert_eq!(count(&github, "/orgs/acme/installation"), 2);
    assert_eq!(count(&github, &format!("{first}/access_tokens")), 2);
    assert_eq!(count(&github, &format!("{second}/access_tokens")), 1);
}

#[tokio::test(start_paused = true)]
async fn an_installation_that_was_configured_and_is_gone_is_an_error_that_says_so() {
    let github = acme();
    let registered = github.add_app(ID).public_key(&rsa::public_pem());
    let first = registered.install("acme");
    let client = client(&github, app().installation(first));
    put(&client, "KEY", "one").await.unwrap();
    github.remove_installation(first);
    registered.install("acme");
    advance(seconds(600)).await;
    let error = put(&client, "KEY", "two").await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    let told = error.to_string();
    assert!(told.contains(&format!("installation {first}")), "{told}");
    assert!(told.contains("has another id"), "{told}");
    assert_eq!(count(&github, "/orgs/acme/installation"), 0);
}

#[tokio::test(start_paused = true)]
async fn an_app_that_is_removed_says_so_and_is_asked_for_again_later() {
    let github = acme();
    let registered = github.add_app(ID).public_key(&rsa::public_pem());
    let client = client(&github, app());
    for _ in 0..20 {
        let error = put(&client, "KEY", "value").await.unwrap_err();
        assert!(error.is_not_found(), "{error}");
        assert!(error.to_string().contains("install the App"), "{error}");
    }
    assert_eq!(github.request_count(), 1);
    registered.install("acme");
    advance(seconds(5)).await;
    put(&client, "KEY", "value").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wrong_key_is_refused_once_for_a_whole_batch() {
    let github = acme();
    github
        .add_app(ID)
        .public_key(&rsa::public_pem_of(&rsa::another_pair()))
        .install("acme");
    let (github, client) = roomy(github);
    let outcomes = two_hundred_repositories(&github, &client).await;
    assert_eq!((outcomes.len(), stored(&outcomes)), (200, 0));
    assert_eq!(github.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_app_that_is_not_installed_is_looked_for_once_for_a_whole_batch() {
    let github = acme();
    github.add_app(ID).public_key(&rsa::public_pem());
    let (github, client) = roomy(github);
    let outcomes = two_hundred_repositories(&github, &client).await;
    assert_eq!((outcomes.len(), stored(&outcomes)), (200, 0));
    // By the repository, and then by its owner.
    assert_eq!(github.request_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_suspended_installation_is_asked_once_for_a_whole_batch() {
    let github = acme();
    let id = github
        .add_app(ID)
        .public_key(&rsa::public_pem())
        .install("acme");
    github.suspend_installation(id);
    let (github, client) = roomy(github);
    let outcomes = two_hundred_repositories(&github, &client).await;
    assert!(outcomes.iter().all(|it| {
        let error = it.result.as_ref().unwrap_err();
        error.is_permission() && error.to_string().contains("suspended")
    }));
    assert_eq!(github.request_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_repository_that_the_app_does_not_reach_keeps_no_other_from_its_secret() {
    let github = acme();
    let web = github.add_repository("acme", "web");
    github
        .add_app(ID)
        .public_key(&rsa::public_pem())
        .install_on("acme", [web]);
    let (github, client) = roomy(github);
    let scopes: Vec<Scope> = ["api", "web", "docs"]
        .map(|name| scope(&format!("actions:repo/acme/{name}")))
        .into();
    let batch = scopes.into_iter().map(|scope| (scope, ("KEY", "value")));
    let outcomes: Vec<_> = client.put_all(batch).collect().await;
    for outcome in outcomes {
        let reached = outcome.scope == scope("actions:repo/acme/web");
        assert_eq!(outcome.result.is_ok(), reached, "{outcome}");
        assert!(reached || outcome.result.unwrap_err().is_not_found());
    }
    assert_eq!(github.installation_tokens(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_while_a_token_is_made_sends_nothing_more_and_the_next_one_works() {
    let (github, client) = roomy(installed());
    for part in ["/installation", "/access_tokens", "/public-key"] {
        github.clear_requests();
        github.inject(Fault::slow(seconds(5)).at(part));
        let dropped = timeout(seconds(1), put(&client, "DROPPED", "value")).await;
        assert!(dropped.is_err());
        let sent = github.request_count();
        assert_eq!(count(&github, part), 1, "{part}");
        advance(seconds(60)).await;
        assert_eq!(github.request_count(), sent, "{part}");
    }
    put(&client, "KEY", "value").await.unwrap();
    assert!(github.plaintext(ACME, "DROPPED").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_a_token_and_is_not_polled_holds_up_nobody() {
    let (github, client) = roomy(installed());
    github.inject(Fault::slow(seconds(2)).at("/access_tokens"));
    let mut idle = Box::pin(put(&client, "IDLE", "value"));
    assert!(timeout(seconds(1), &mut idle).await.is_err());
    let began = Instant::now();
    put(&client, "KEY", "value").await.unwrap();
    assert!(began.elapsed() < seconds(2), "{:?}", began.elapsed());
    idle.await.unwrap();
    assert_eq!(github.installation_tokens(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_installations_have_used_up_is_known_however_many_places_others_write_in_meanwhile() {
    used_up_limits_are_known_after(async |github, busy, client| {
        busy.install("busy");
        let secret = |number| {
            github.add_repository("busy", &format!("repo-{number}"));
            let place = scope(&format!("actions:repo/busy/repo-{number}"));
            (place, ("KEY", "value"))
        };
        let secrets: Vec<_> = (0..4_120).map(secret).collect();
        let outcomes: Vec<_> = client.put_all(secrets).collect().await;
        assert_eq!(stored(&outcomes), 4_120);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_installations_have_used_up_is_known_however_many_others_call_meanwhile() {
    used_up_limits_are_known_after(async |_, busy, client| {
        let read = async |number| {
            let owner = format!("owner-{number}");
            busy.install(&owner);
            let secrets = client.secrets(scope(&format!("actions:org/{owner}")));
            secrets.list().all().await.unwrap().is_empty()
        };
        let reads = stream::iter(0..4_120).map(read).buffer_unordered(100);
        assert!(reads.all(ready).await);
    })
    .await;
}

/// Uses up the limits of two installations, and lets much happen before they are used again.
async fn used_up_limits_are_known_after(happens: impl AsyncFnOnce(&GitHub, &App, &Client)) {
    let github = GitHub::new();
    github.set_latency(Duration::from_millis(1));
    github.configure(|settings| settings.count_limits = false);
    let registered = github.add_app(ID).public_key(&rsa::public_pem());
    let builder = Client::builder().app(app()).transport(github.clone());
    let builder = builder.retry(RetryPolicy::default().deadline(Duration::from_secs(20)));
    let client = builder.pacing(Pacing::concurrency_only()).build().unwrap();
    let put = |owner: &'static str| {
        let secrets = client.secrets(scope(&format!("actions:org/{owner}")));
        secrets.put("KEY", "value").access(Visibility::All).send()
    };
    // One is refused. The other has made two requests, so that the next is its last.
    for (owner, used) in [("refused", 5_000), ("warned", 4_997)] {
        let identity = Identity::Installation(registered.install(owner));
        put(owner).await.unwrap();
        github.set_limits_of(&identity, Limits::documented());
        github.use_quota(&identity, used, Duration::from_secs(4_000));
        let was_refused = put(owner).await.is_err_and(|it| it.is_rate_limited());
        assert_eq!(was_refused, used == 5_000);
    }
    happens(&github, &registered, &client).await;
    for owner in ["refused", "warned"] {
        assert!(put(owner).await.unwrap_err().is_rate_limited());
    }
    assert_eq!(github.refusals(), 1);
}
