//! Access that is kept: read by the leave of the write, directly before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use octoseal::limits::Pacing;
use octoseal::{Client, Visibility, secrets::Outcome};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::ledger::LedgerInMemory;
use octoseal_tests::{ACME, acme, builder, put, scope};
use tokio::time::{Instant, sleep, timeout};

const MINUTE: Duration = Duration::from_secs(60);

/// An organization with so many secrets, which all repositories see.
async fn with_secrets(secrets: usize) -> GitHub {
    let github = acme();
    github.set_latency(Duration::from_millis(40));
    github.configure(|settings| settings.count_limits = false);
    let client = builder(&github).pacing(Pacing::concurrency_only());
    let client = client.build().unwrap();
    let all = (0..secrets).map(|n| (format!("KEY_{n}"), "old", Visibility::All));
    let stored: Vec<_> = client.secrets(scope(ACME)).put_all(all).collect().await;
    assert!(stored.iter().all(|outcome| outcome.result.is_ok()));
    github.clear_requests();
    github
}

async fn store(client: &Client, secrets: usize) -> Vec<Outcome> {
    let all = (0..secrets).map(|n| (format!("KEY_{n}"), "new"));
    client.secrets(scope(ACME)).put_all(all).collect().await
}

/// How long before each write its secret was read.
fn gaps(github: &GitHub) -> Vec<Duration> {
    let requests = github.requests();
    let name = |path: &str| path.rsplit('/').next().map(str::to_owned);
    let writes = requests
        .iter()
        .enumerate()
        .filter(|(_, it)| it.method == "PUT");
    let gaps = writes.map(|(n, write)| {
        let mut before = requests[..n].iter().rev();
        let same = |read: &&octoseal_mock::Recorded| {
            read.method == "GET" && name(&read.path) == name(&write.path)
        };
        write.at - before.find(same).unwrap().at
    });
    gaps.collect()
}

#[tokio::test(start_paused = true)]
async fn access_that_changes_while_a_write_waits_for_a_limit_is_kept_as_it_became() {
    let github = with_secrets(5).await;
    let pacing = Pacing::writes_as_content().content_per_minute(1);
    let client = builder(&github).pacing(pacing).build().unwrap();
    let admin = builder(&github).build().unwrap();
    let narrows = async {
        sleep(MINUTE / 2).await;
        let secret = admin
            .create_or_update_org_secret("acme", "KEY_4")
            .value("v");
        secret.access(Visibility::Private).send().await.unwrap();
    };
    let (outcomes, ()) = tokio::join!(store(&client, 5), narrows);
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
    assert_eq!(
        github.secret(ACME, "KEY_4").unwrap().visibility.as_deref(),
        Some("private")
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_read_one_round_trip_before_it_is_written_and_once() {
    for pacing in [
        Pacing::learning(),
        Pacing::writes_as_content(),
        Pacing::concurrency_only().concurrent(1),
    ] {
        let github = with_secrets(200).await;
        let client = builder(&github).pacing(pacing.clone()).build().unwrap();
        let outcomes = store(&client, 200).await;
        assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
        let longest = gaps(&github).into_iter().max().unwrap();
        assert_eq!(longest, Duration::from_millis(40), "{pacing:?}");
        assert_eq!(github.request_count(), 401, "{pacing:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_read_again_when_its_write_is_tried_again() {
    for fault in [
        Fault::service_unavailable(),
        Fault::secondary_limit().header("retry-after", "30"),
    ] {
        let github = with_secrets(1).await;
        github.inject(fault.on("PUT").times(1));
        let client = builder(&github).build().unwrap();
        let outcomes = store(&client, 1).await;
        outcomes[0].result.as_ref().unwrap();
        let longest = gaps(&github).into_iter().max().unwrap();
        assert_eq!(longest, Duration::from_millis(40));
    }
}

#[tokio::test(start_paused = true)]
async fn kept_selections_of_many_pages_are_read_by_one_leave_however_narrow_it_is() {
    let github = acme();
    let ids = (0..250).map(|n| github.add_repository("acme", &format!("repo-{n}")));
    let ids: Vec<u64> = ids.collect();
    let wide = builder(&github).build().unwrap();
    let secret = wide.create_or_update_org_secret("acme", "KEY").value("old");
    secret
        .access(Visibility::Selected(ids))
        .send()
        .await
        .unwrap();
    let narrow = Pacing::concurrency_only().concurrent(1);
    let narrow = builder(&github).pacing(narrow).build().unwrap();
    let few_points = Pacing::learning().points_per_minute(8);
    let few_points = builder(&github).pacing(few_points).build().unwrap();
    let shared = builder(&github).share_limits_through(Arc::new(LedgerInMemory::new(0)));
    let shared = shared.build().unwrap();
    for client in [wide, narrow, few_points, shared] {
        let puts = async {
            for _ in 0..2 {
                let put = client
                    .create_or_update_org_secret("acme", "KEY")
                    .value("new");
                put.send().await.unwrap();
            }
        };
        timeout(10 * MINUTE, puts).await.unwrap();
        let selected = &github.secret(ACME, "KEY").unwrap().selected_repository_ids;
        assert_eq!(selected.len(), 250);
    }
}

#[tokio::test(start_paused = true)]
async fn a_kept_selection_that_loses_one_repository_and_gains_another_between_its_pages_is_not_written_back()
 {
    assert_not_written_back(250, 251).await;
}

#[tokio::test(start_paused = true)]
async fn a_kept_selection_of_one_full_page_that_changes_before_the_next_is_asked_for_is_not_written_back()
 {
    assert_not_written_back(100, 101).await;
}

/// Reads a selection of the first so many repositories, which after its first page is that of all but the first.
async fn assert_not_written_back(selected: usize, all: usize) {
    let github = acme();
    let ids: Vec<u64> = (0..all)
        .map(|n| github.add_repository("acme", &format!("repo-{n}")))
        .collect();
    let client = builder(&github).build().unwrap();
    let put = || client.create_or_update_org_secret("acme", "KEY").value("v");
    let selected = Visibility::Selected(ids[..selected].to_vec());
    put().access(selected).send().await.unwrap();
    sleep(MINUTE).await;
    let swapped = ids[1..].to_vec();
    let seeded = swapped.clone();
    let pages = AtomicU32::new(0);
    let swap = Fault::meanwhile(move |github| {
        if pages.fetch_add(1, Ordering::Relaxed) == 1 {
            let secret = github.edit(ACME, "KEY");
            secret.selected(seeded.iter().copied());
        }
    });
    github.inject(swap.on("GET").at("/repositories").times(2));
    let error = put().send().await.unwrap_err();
    assert!(
        error.to_string().contains("changed while it was read"),
        "{error}"
    );
    assert!(github.pending_faults().is_empty());
    put().send().await.unwrap();
    let secret = github.secret(ACME, "KEY").unwrap();
    assert_eq!(secret.selected_repository_ids.len(), swapped.len());
}

#[tokio::test(start_paused = true)]
async fn processes_that_share_limits_keep_access_at_the_same_pace() {
    let github = with_secrets(80).await;
    let ledger = Arc::new(LedgerInMemory::new(0));
    let began = Instant::now();
    let processes = (0..3).map(|_| {
        let client = builder(&github).share_limits_through(ledger.clone());
        let client = client.build().unwrap();
        async move { store(&client, 80).await }
    });
    let stored = futures_util::future::join_all(processes).await;
    assert!(
        stored
            .iter()
            .flatten()
            .all(|outcome| outcome.result.is_ok())
    );
    assert_eq!(github.refusals(), 0);
    let longest = gaps(&github).into_iter().max().unwrap();
    assert!(longest <= Duration::from_millis(100), "{longest:?}");
    // 240 reads and writes are 1,440 points: more than one minute's, less than those of two.
    assert!(began.elapsed() <= MINUTE * 11 / 10, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_new_secret_of_a_user_needs_no_access_to_keep() {
    let github = acme();
    let client = builder(&github).build().unwrap();
    let user = client.secrets(scope("codespaces:user"));
    timeout(MINUTE, user.put("NEW", "value").send())
        .await
        .unwrap()
        .unwrap();
    put(&client, "KEY", "value").await.unwrap();
}
