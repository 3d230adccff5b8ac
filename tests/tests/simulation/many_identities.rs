//! One client of an App that is installed at many organizations.

use std::time::Duration;

use futures_util::StreamExt;
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
    let github = stand_in(Some(points()));
    let app = github.add_app(APP).public_key(&rsa::public_pem());
    for n in 0..ORGANIZATIONS {
        github.add_organization(&format!("org-{n}"));
        app.install(&format!("org-{n}"));
    }
    github
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

#[tokio::test(start_paused = true)]
async fn each_installation_has_limits_of_its_own() {
    for secrets in [100, 1_000] {
        let github = github();
        let taken = store_everywhere(&github, secrets).await;
        let slowest = taken.into_iter().max().unwrap();
        // An installation is looked up and its token made first; the first hundred go at once, a hundred at a time.
        let at_once = LATENCY * (2 + ORGANIZATIONS as u32 * secrets.min(180) as u32 / 100);
        let best = best(secrets, &points()).max(at_once);
        let row = Row::new(
            &format!("{ORGANIZATIONS} x {secrets}"),
            slowest,
            best,
            &github,
        );
        assert_eq!(row.refused, 0);
        let walked = LATENCY * 20;
        assert!(row.taken <= best.mul_f64(1.05) + walked, "{:?}", row.taken);
    }
}

/// Stores so many secrets in each organization, by one batch sorted by organization, and gives when each was done.
async fn store_in_one_batch(github: &GitHub, secrets: usize) -> Vec<Duration> {
    let sorted = (0..ORGANIZATIONS).flat_map(move |n| {
        let scope: Scope = format!("actions:org/org-{n}").parse().unwrap();
        let secret =
            |k| NewSecret::new(format!("KEY_{k}"), "value").visibility(Visibility::Private);
        (0..secrets).map(move |k| (scope.clone(), secret(k)))
    });
    let began = Instant::now();
    let mut done = vec![Duration::ZERO; ORGANIZATIONS];
    let mut stored = 0;
    let mut outcomes = client(github).put_all(sorted);
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
        let at_once = LATENCY * (2 + ORGANIZATIONS as u32 * secrets.min(180) as u32 / 100);
        let best = best(secrets, &points()).max(at_once);
        let title = format!("one batch, {ORGANIZATIONS} x {secrets}");
        let row = Row::new(&title, slowest.unwrap(), best, &github);
        assert_eq!(row.refused, 0);
        let walked = LATENCY * 20;
        assert!(row.taken <= best.mul_f64(1.05) + walked, "{:?}", row.taken);
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
