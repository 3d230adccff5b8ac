//! When a batch gives up an owner, a scope, or all: only what the failures are about, and after one more try.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{FutureExt, StreamExt};
use octoseal::limits::Pacing;
use octoseal::secrets::{NewSecret, Outcome};
use octoseal::{
    Client, Scope, Visibility,
    auth::{Audience, Token, TokenFuture, TokenSource},
};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{ACME, acme, builder, client, scope};

/// Gives no token to owners whose name begins with `no`, and one of their own to those that begin with `stale`.
struct NotForAll;

impl TokenSource for NotForAll {
    fn token<'a>(&'a self, audience: Audience<'a>) -> TokenFuture<'a> {
        let owner = audience.owner.unwrap_or_default();
        Box::pin(std::future::ready(match owner {
            no if no.starts_with("no") => Err("there is no token for it".into()),
            stale if stale.starts_with("stale") => Token::new(stale).map_err(Into::into),
            _ => Token::new("test-token").map_err(Into::into),
        }))
    }
}

/// A stand-in with these organizations, and a client without pacing.
fn of_owners(owners: &[String]) -> (GitHub, Client) {
    let github = acme();
    owners
        .iter()
        .for_each(|owner| _ = github.add_organization(owner));
    github.set_latency(std::time::Duration::from_millis(40));
    github.configure(|settings| settings.count_limits = false);
    let client = Client::builder()
        .token_source(NotForAll)
        .transport(github.clone())
        .pacing(Pacing::concurrency_only())
        .build()
        .unwrap();
    (github, client)
}

fn owners(first: &str, bad: usize, all: usize) -> Vec<String> {
    let name = |n| match n < bad {
        true => format!("{first}-{n}"),
        false => format!("org-{n}"),
    };
    (0..all).map(name).collect()
}

fn organization(owner: &str) -> Scope {
    scope(&format!("actions:org/{owner}"))
}

/// Stores so many secrets in each of these, one scope after the other, and gives how many were stored.
async fn stored_in(client: &Client, scopes: Vec<Scope>, each: usize) -> usize {
    let secrets = scopes.into_iter().flat_map(move |scope| {
        let of_scope = move |n| {
            let secret = NewSecret::new(format!("KEY_{n}"), "value");
            let secret = match scope.repository() {
                Some(_) => secret,
                None => secret.access(Visibility::All),
            };
            (scope.clone(), secret)
        };
        (0..each).map(of_scope)
    });
    let outcomes: Vec<Outcome> = client.put_all(secrets).collect().await;
    outcomes
        .iter()
        .filter(|outcome| outcome.result.is_ok())
        .count()
}

#[tokio::test(start_paused = true)]
async fn owners_without_a_token_at_the_front_stop_no_other_owner() {
    let owners = owners("no", 20, 200);
    let (_, client) = of_owners(&owners);
    let scopes = owners.iter().map(|owner| organization(owner)).collect();
    assert_eq!(stored_in(&client, scopes, 1).await, 180);
}

#[tokio::test(start_paused = true)]
async fn owners_whose_token_is_refused_at_the_front_stop_no_other_owner() {
    let owners = owners("stale", 5, 100);
    let (github, client) = of_owners(&owners);
    let refusal = Fault::reply(401, r#"{"message":"Bad credentials"}"#);
    github.inject(refusal.at("/orgs/stale").always());
    let scopes = owners.iter().map(|owner| organization(owner)).collect();
    assert_eq!(stored_in(&client, scopes, 2).await, 190);
}

#[tokio::test(start_paused = true)]
async fn one_repository_that_gets_no_answer_stops_no_other_of_its_owner() {
    let (github, client) = of_owners(&[]);
    let repositories = ["one", "two", "three"];
    for name in repositories {
        github.add_repository("acme", name);
    }
    github.inject(
        Fault::server_error()
            .at("/repos/acme/one/")
            .on("PUT")
            .always(),
    );
    let repository = |name| scope(&format!("actions:repo/acme/{name}"));
    let scopes = repositories.map(repository).to_vec();
    assert_eq!(stored_in(&client, scopes, 80).await, 160);
}

#[tokio::test(start_paused = true)]
async fn three_owners_that_get_no_answer_stop_no_other_owner() {
    let owners = owners("down", 3, 60);
    let (github, client) = of_owners(&owners);
    github.inject(Fault::server_error().at("/orgs/down").always());
    let scopes = owners.iter().map(|owner| organization(owner)).collect();
    assert_eq!(stored_in(&client, scopes, 18).await, 57 * 18);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_refusal_of_the_keys_request_costs_one_secret() {
    for foreign in [Fault::firewall(), Fault::captive_portal()] {
        let github = acme();
        github.configure(|settings| settings.count_limits = false);
        let client = builder(&github).pacing(Pacing::concurrency_only());
        github.inject(foreign.on("GET").times(1));
        let stored = stored_in(&client.build().unwrap(), vec![scope(ACME)], 300).await;
        assert_eq!(stored, 299);
    }
}

#[test]
fn an_endless_input_without_a_runtime_is_not_taken_in_whole() {
    let client = client(&acme());
    let endless = (0..).map(|n: u64| (format!("KEY_{n}"), "value"));
    let outcomes = client.secrets(scope(ACME)).put_all(endless).take(3);
    let outcomes = outcomes.collect::<Vec<_>>().now_or_never().unwrap();
    assert!(outcomes.iter().all(|outcome| outcome.result.is_err()));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_panics_fails_one_secret_and_takes_no_other_with_it() {
    struct PanicsOnce(AtomicBool);

    impl TokenSource for PanicsOnce {
        fn token<'a>(&'a self, _: Audience<'a>) -> TokenFuture<'a> {
            let again = self.0.swap(true, Ordering::Relaxed);
            assert!(again, "the source's own fault");
            Box::pin(async { Ok(Token::new("test-token")?) })
        }
    }

    let source = PanicsOnce(AtomicBool::new(false));
    let client = Client::builder().token_source(source).transport(acme());
    let client = client.build().unwrap();
    let secrets = (0..50).map(|n| NewSecret::new(format!("KEY_{n}"), "v").access(Visibility::All));
    let outcomes = client
        .secrets(scope(ACME))
        .put_all(secrets)
        .collect::<Vec<_>>();
    let outcomes = AssertUnwindSafe(outcomes).catch_unwind().await.unwrap();
    assert_eq!(outcomes.len(), 50);
    let failed = outcomes
        .iter()
        .filter_map(|outcome| outcome.result.as_ref().err());
    assert!(failed.clone().count() <= 50);
    for error in failed {
        assert!(error.to_string().contains("panicked"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_panics_on_a_key_that_many_wait_for_takes_none_of_them_with_it() {
    let github = acme();
    let (panicked, inner) = (AtomicBool::new(false), github.clone());
    let panics_once = move |request: http::Request<octoseal::transport::Bytes>| {
        let is_first = !panicked.swap(true, Ordering::Relaxed);
        let inner = inner.clone();
        async move {
            tokio::task::yield_now().await;
            if is_first {
                std::panic::resume_unwind(Box::new("of the transport"));
            }
            octoseal::transport::Transport::send(&inner, request).await
        }
    };
    let client = Client::builder().token("test-token").transport(panics_once);
    let client = client.build().unwrap();
    let secrets = (0..50).map(|n| NewSecret::new(format!("KEY_{n}"), "v").access(Visibility::All));
    let outcomes = client.secrets(scope(ACME)).put_all(secrets);
    let outcomes = AssertUnwindSafe(outcomes.collect::<Vec<_>>());
    let outcomes = outcomes.catch_unwind().await.unwrap();
    let failed = outcomes.iter().filter_map(|it| it.result.as_ref().err());
    assert!(failed.clone().all(|it| it.to_string().contains("panicked")));
    assert_eq!((outcomes.len(), failed.count()), (50, 1));
}
