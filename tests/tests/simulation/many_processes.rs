//! Many processes of one user, each with a client of its own, that keep limits together by a ledger.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use octoseal::limits::{Cost, Exchange, Identity, Ledger, LedgerFuture};
use octoseal::{Client, Scope, Visibility};
use octoseal_mock::{GitHub, Limits};
use octoseal_tests::ACME;
use octoseal_tests::ledger::LedgerInMemory;
use tokio::time::{Instant, sleep};

use crate::best::best;
use crate::{MINUTE, Row, client, points, stand_in, store};

/// A ledger that is a millisecond away, counts what it is asked, and can be away.
struct Far {
    ledger: LedgerInMemory,
    exchanges: AtomicU64,
    state: AtomicU64,
    seen: Mutex<Vec<Identity>>,
    /// What it was asked while it hung, and carries out when it goes on.
    unheard: Mutex<Vec<(Identity, Exchange)>>,
}

const THERE: u64 = 0;
const GONE: u64 = 1;
const HANGING: u64 = 2;

impl Far {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            // Its clock is an hour ahead.
            ledger: LedgerInMemory::new(3_600_000),
            exchanges: AtomicU64::new(0),
            state: AtomicU64::new(THERE),
            seen: Mutex::default(),
            unheard: Mutex::default(),
        })
    }

    fn becomes(&self, state: u64) {
        self.state.store(state, Ordering::Relaxed);
        if state == THERE {
            for (identity, exchange) in self.unheard.lock().unwrap().drain(..) {
                self.ledger.exchange_now(identity, &exchange);
            }
        }
    }
}

impl Ledger for Far {
    fn exchange<'a>(&'a self, identity: Identity, exchange: &'a Exchange) -> LedgerFuture<'a> {
        Box::pin(async move {
            self.exchanges.fetch_add(1, Ordering::Relaxed);
            self.seen.lock().unwrap().push(identity);
            sleep(Duration::from_millis(1)).await;
            match self.state.load(Ordering::Relaxed) {
                THERE => {}
                GONE => return Err("connection refused".into()),
                _ => {
                    let unheard = (identity, exchange.clone());
                    self.unheard.lock().unwrap().push(unheard);
                    std::future::pending().await
                }
            }
            Ok(self.ledger.exchange_now(identity, exchange))
        })
    }
}

fn process(github: &GitHub, ledger: &Arc<Far>) -> Client {
    let process = client(github).share_limits_through(ledger.clone());
    process.build().unwrap()
}

async fn fleet(limits: &Limits, processes: usize, secrets: usize) -> (Row, f64) {
    let (github, ledger) = (stand_in(Some(limits.clone())), Far::new());
    let began = Instant::now();
    let all = (0..processes).map(|_| {
        let process = process(&github, &ledger);
        async move { store(&process, ACME, secrets / processes).await }
    });
    join_all(all).await;
    let taken = began.elapsed();
    let exchanges = ledger.exchanges.load(Ordering::Relaxed) as f64 / secrets as f64;
    let title = format!("{processes} processes, {secrets}, {exchanges:.2} exchanges each");
    let row = Row::new(&title, taken, best(secrets, limits), &github);
    (row, exchanges)
}

#[tokio::test(start_paused = true)]
async fn fifty_processes_of_one_user_lose_no_time_meet_no_refusal_and_ask_once_for_five_secrets() {
    let mut limits = points();
    limits.requests_an_hour = Some(15_000);
    let (row, exchanges) = fleet(&limits, 50, 10_000).await;
    row.within(1.05, 0);
    assert!(exchanges <= 0.2, "{exchanges}");
}

#[tokio::test(start_paused = true)]
async fn three_processes_ask_the_ledger_once_for_five_secrets() {
    let (row, exchanges) = fleet(&points(), 3, 300).await;
    row.within(1.05, 0);
    assert!(exchanges <= 0.2, "{exchanges}");
}

#[tokio::test(start_paused = true)]
async fn a_single_put_takes_one_round_trip_to_the_ledger_more_and_its_key_another() {
    let github = stand_in(None);
    let alone = client(&github).build().unwrap();
    let shared = process(&github, &Far::new());
    let put = async |client: &Client| {
        let put = client.create_or_update_org_secret("acme", "KEY");
        let put = put.value("value").access(Visibility::Private);
        let began = Instant::now();
        put.send().await.unwrap();
        began.elapsed()
    };
    for round_trips in [2, 1] {
        let more = put(&shared).await - put(&alone).await;
        println!("a single put takes {more:?} more by {round_trips} round trips of 1 ms");
        // Tokio's clock is exact to a millisecond.
        let most = Duration::from_millis(2 * round_trips);
        assert!(more <= most, "{more:?} for {round_trips} round trips");
        sleep(MINUTE).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_one_process_has_learnt_all_keep_to() {
    let (row, _) = fleet(&Limits::documented().with_content(), 3, 300).await;
    row.within(1.05, 5);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_starts_again_goes_on_at_the_pace_already_used() {
    let (github, ledger) = (stand_in(Some(points())), Far::new());
    let began = Instant::now();
    store(&process(&github, &ledger), ACME, 150).await;
    store(&process(&github, &ledger), ACME, 150).await;
    Row::new(
        "started again, 2 x 150",
        began.elapsed(),
        best(300, &points()),
        &github,
    )
    .within(1.05, 0);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_loses_its_lease_and_not_the_quota() {
    let (github, ledger) = (stand_in(Some(points())), Far::new());
    let began = Instant::now();
    let dying = process(&github, &ledger);
    let dying = tokio::time::timeout(Duration::from_millis(100), store(&dying, ACME, 300));
    assert!(dying.await.is_err());
    store(&process(&github, &ledger), ACME, 300).await;
    let sent = github.request_count() as usize;
    let lost = 50;
    let most = best(sent + lost, &points());
    let title = format!("one of two dies, {sent}");
    let row = Row::new(&title, began.elapsed(), most, &github);
    assert!(row.taken <= most.mul_f64(1.05) && row.refused == 0);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_after_its_batch_leaves_no_lease_behind() {
    let (github, ledger) = (stand_in(Some(points())), Far::new());
    store(&process(&github, &ledger), ACME, 100).await;
    // As if the process ended here: nothing of it runs any more.
    let identity = *ledger.seen.lock().unwrap().last().unwrap();
    let page = ledger.ledger.exchange_now(identity, &Exchange::default());
    assert_eq!(page.leased, Cost::NONE);
    assert_eq!(page.minute.spent, Cost::new(1, 100, 0));
}

/// Three processes store so many secrets each, while something happens to their ledger. What they took may be so much
/// of the best.
async fn three(title: &str, secrets: usize, most: f64, happens: impl AsyncFnOnce(&GitHub, &Far)) {
    apart(Duration::ZERO, title, secrets, most, happens).await;
}

/// The same, with processes that start one after another.
async fn apart(
    pause: Duration,
    title: &str,
    secrets: usize,
    most: f64,
    happens: impl AsyncFnOnce(&GitHub, &Far),
) {
    let (github, ledger) = (stand_in(Some(points())), Far::new());
    let all = (0..3).map(|number| {
        let process = process(&github, &ledger);
        async move {
            sleep(number * pause).await;
            store(&process, ACME, secrets).await
        }
    });
    let began = Instant::now();
    tokio::join!(join_all(all), happens(&github, &ledger));
    let best = best(3 * secrets, &points());
    Row::new(title, began.elapsed(), best, &github).within(most, 0);
}

async fn hundred_requests(github: &GitHub) {
    requests(github, 100).await;
}

/// Until so many have come.
async fn requests(github: &GitHub, count: u64) {
    while github.request_count() < count {
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_comes_back_with_no_memory_costs_no_refusal() {
    let happens = async |github: &GitHub, ledger: &Far| {
        hundred_requests(github).await;
        ledger.becomes(GONE);
        sleep(Duration::from_secs(10)).await;
        ledger.ledger.forget();
        ledger.becomes(THERE);
    };
    three("starts again, empty", 100, 1.1, happens).await;
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_carries_out_later_what_was_given_up_loses_nothing() {
    let happens = async |github: &GitHub, ledger: &Far| {
        hundred_requests(github).await;
        ledger.becomes(HANGING);
        sleep(Duration::from_secs(10)).await;
        ledger.becomes(THERE);
    };
    three("hangs, and goes on", 100, 1.1, happens).await;
}

#[tokio::test(start_paused = true)]
async fn whenever_a_ledger_hangs_for_a_while_that_costs_no_tenth_of_the_time() {
    for (pause, count) in [(0, 20), (0, 80), (0, 160), (15, 60), (30, 60), (60, 150)] {
        let happens = async |github: &GitHub, ledger: &Far| {
            requests(github, count).await;
            ledger.becomes(HANGING);
            sleep(Duration::from_secs(10)).await;
            ledger.becomes(THERE);
        };
        let title = format!("{pause} ms apart, hangs after {count}");
        apart(Duration::from_millis(pause), &title, 100, 1.1, happens).await;
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_ledger_is_away_each_process_keeps_to_its_share_and_says_so_once() {
    for away in [GONE, HANGING] {
        let happens = async |_: &GitHub, ledger: &Far| {
            sleep(MINUTE / 2).await;
            ledger.becomes(away);
            sleep(2 * MINUTE).await;
            ledger.becomes(THERE);
        };
        let title = format!("away for two minutes ({away})");
        three(&title, 300, 1.05, happens).await;
    }
}

#[tokio::test(start_paused = true)]
async fn writes_that_read_first_lose_less_than_a_tenth_of_a_minute_through_a_ledger() {
    // Of 150 in a minute by the points; with a tenth lost in each it would take a minute more.
    const SECRETS: usize = 560;
    let mut taken = [Duration::ZERO; 2];
    for (is_shared, taken) in taken.iter_mut().enumerate() {
        let (github, ledger) = (stand_in(Some(points())), Far::new());
        github.configure(|settings| settings.keep_secrets = true);
        let names: Vec<_> = (0..SECRETS).map(|n| format!("KEY_{n}")).collect();
        for name in &names {
            github.seed(ACME, name, "old").visibility("all");
        }
        let client = match is_shared {
            0 => client(&github).build().unwrap(),
            _ => process(&github, &ledger),
        };
        let began = Instant::now();
        let scope: Scope = ACME.parse().unwrap();
        let secrets = names.into_iter().map(|name| (name, "new"));
        let mut outcomes = client.secrets(scope).put_all(secrets);
        while let Some(outcome) = outcomes.next().await {
            outcome.result.unwrap();
        }
        *taken = began.elapsed();
        assert_eq!(github.refusals(), 0);
    }
    let [alone, shared] = taken;
    assert!(shared <= alone.mul_f64(1.05), "{shared:?} and {alone:?}");
}
