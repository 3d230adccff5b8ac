//! One client of an App that is installed at many organizations.

use std::time::Duration;

use futures_util::future::join_all;
use octoseal::{
    Client, Scope, Visibility,
    app::{App, AppKey},
    secrets::NewSecret,
};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::rsa;
use tokio::time::Instant;

use crate::best::best;
use crate::{HOUR, LATENCY, Row, points, stand_in, store};

const ORGANIZATIONS: usize = 20;
const APP: u64 = 7;

fn github() -> GitHub {
    installed().0
}

/// The stand-in, and the numbers of the installations.
fn installed() -> (GitHub, Vec<u64>) {
    let github = stand_in(Some(points()));
    let app = github.add_app(APP).public_key(&rsa::public_pem());
    let install = |n| {
        let login = format!("org-{n}");
        github.add_organization(&login);
        app.install(&login)
    };
    let installations = (0..ORGANIZATIONS).map(install).collect();
    (github, installations)
}

fn client(github: &GitHub) -> Client {
    let app = App::new(APP.to_string(), AppKey::from_pem(rsa::pkcs8_pem()).unwrap());
    Client::builder()
        .app(app)
        .transport(github.clone())
        .build()
        .unwrap()
}

/// Stores so many secrets in each organization, by one batch each, and gives the times that they took.
async fn store_everywhere(github: &GitHub, secrets: usize) -> Vec<Duration> {
    let client = client(github);
    let stored = (0..ORGANIZATIONS).map(|n| {
        let client = client.clone();
        async move { store(&client, &format!("actions:org/org-{n}"), secrets).await }
    });
    join_all(stored).await
}

/// The least time in which so many secrets can be stored in each organization. None can be written before its
/// installation is found, then its token made, then its key read; from then on what the points of a minute have room for
/// goes a hundred at a time. One round trip more than this is meant to be lost: the App's own token goes alone first, so
/// that a wrong one is refused once, and only then are the other installations looked up.
fn best_everywhere(secrets: usize) -> Duration {
    let within_a_minute = secrets.min(180) * ORGANIZATIONS;
    let at_once = LATENCY * (3 + within_a_minute.div_ceil(100) as u32);
    best(secrets, &points()).max(at_once)
}

#[tokio::test(start_paused = true)]
async fn each_installation_has_limits_of_its_own() {
    for secrets in [100, 1_000] {
        let github = github();
        let taken = store_everywhere(&github, secrets).await;
        let slowest = taken.into_iter().max().unwrap();
        let title = format!("{ORGANIZATIONS} x {secrets}");
        Row::new(&title, slowest, best_everywhere(secrets), &github).within(1.05, 0);
    }
}

/// So many secrets for each organization, sorted by organization.
fn sorted(secrets: usize) -> impl Iterator<Item = (Scope, NewSecret)> + Send {
    (0..ORGANIZATIONS).flat_map(move |n| {
        let scope: Scope = format!("actions:org/org-{n}").parse().unwrap();
        let secret = |k| NewSecret::new(format!("KEY_{k}"), "value").access(Visibility::Private);
        (0..secrets).map(move |k| (scope.clone(), secret(k)))
    })
}

/// Stores so many secrets in each organization by one batch, and gives when each was done.
async fn store_in_one_batch(github: &GitHub, secrets: usize) -> Vec<Duration> {
    let began = Instant::now();
    let mut done = vec![Duration::ZERO; ORGANIZATIONS];
    let mut stored = 0;
    let mut outcomes = client(github).put_all(sorted(secrets));
    while let Some(outcome) = outcomes.next().await {
        outcome.result.unwrap();
        let owner = outcome.scope.owner().unwrap();
        let n: usize = owner.strip_prefix("org-").unwrap().parse().unwrap();
        done[n] = began.elapsed();
        stored += 1;
    }
    assert_eq!(stored, ORGANIZATIONS * secrets);
    done
}

#[tokio::test(start_paused = true)]
async fn one_batch_sorted_by_organization_runs_all_organizations_at_once() {
    for secrets in [100, 1_000] {
        let github = github();
        let slowest = store_in_one_batch(&github, secrets).await.into_iter().max();
        let title = format!("one batch, {ORGANIZATIONS} x {secrets}");
        let best = best_everywhere(secrets);
        Row::new(&title, slowest.unwrap(), best, &github).within(1.05, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn in_one_batch_a_used_up_hour_of_one_installation_holds_up_no_other() {
    let undisturbed = store_in_one_batch(&github(), 300).await;
    let github = github();
    let used_up = Fault::primary_limit(HOUR / 2).at("/orgs/org-7/");
    github.inject(used_up.on("PUT").lasting(HOUR / 2));
    let done = store_in_one_batch(&github, 300).await;
    for (n, (done, undisturbed)) in done.into_iter().zip(undisturbed).enumerate() {
        if n == 7 {
            assert!(done > HOUR / 2, "{done:?}");
        } else {
            assert_eq!(done.as_secs(), undisturbed.as_secs(), "org-{n}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_used_up_hour_of_one_installation_holds_up_no_other() {
    let undisturbed = store_everywhere(&github(), 300).await;
    let github = github();
    let used_up = Fault::primary_limit(HOUR / 2).at("/orgs/org-7/");
    github.inject(used_up.on("PUT").lasting(HOUR / 2));
    let taken = store_everywhere(&github, 300).await;
    for (n, (taken, undisturbed)) in taken.into_iter().zip(undisturbed).enumerate() {
        if n == 7 {
            assert!(taken > HOUR / 2, "{taken:?}");
        } else {
            assert_eq!(taken.as_secs(), undisturbed.as_secs(), "org-{n}");
        }
    }
}

/// Stores a hundred secrets everywhere in one batch while the installation at org-7 is dead, which must hold up no other,
/// and gives the paths of the requests that were about it.
async fn asked_of_the_dead(kill: impl Fn(&GitHub, u64)) -> Vec<String> {
    let undisturbed = store_in_one_batch(&github(), 100).await;
    let (github, installations) = installed();
    github.configure(|settings| settings.remembered_requests = usize::MAX);
    let id = installations[7];
    kill(&github, id);
    let (began, mut last) = (Instant::now(), Duration::ZERO);
    let mut outcomes = client(&github).put_all(sorted(100));
    while let Some(outcome) = outcomes.next().await {
        let is_dead = outcome.scope.owner().unwrap() == "org-7";
        assert_eq!(outcome.result.is_err(), is_dead, "{outcome}");
        last = if is_dead { last } else { began.elapsed() };
    }
    assert!(last <= undisturbed.into_iter().max().unwrap(), "{last:?}");
    let about = ["/org-7/".to_owned(), format!("/installations/{id}/")];
    let paths = github.requests().into_iter().map(|request| request.path);
    paths
        .filter(|path| about.iter().any(|about| path.contains(about)))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn of_twenty_installations_a_dead_one_is_learnt_of_by_one_request() {
    let asked = asked_of_the_dead(|github, id| github.suspend_installation(id)).await;
    assert_eq!(asked.len(), 2, "which it is, and its token: {asked:?}");
    let asked = asked_of_the_dead(|github, id| github.remove_installation(id)).await;
    assert_eq!(asked.len(), 1, "which it is: {asked:?}");
}
