//! How fast batches go, on a paused clock against a model of GitHub's limiter: no refusals, and within 5 % of the best
//! schedule that the limits permit. The best schedule is computed here, from the limits alone.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::StreamExt;
use octoseal::{Client, NewSecret, Pacing, Visibility};
use octoseal_mock::{GitHub, Limits};
use octoseal_tests::{ACME, acme, scope};
use tokio::time::Instant;

const LATENCY: Duration = Duration::from_millis(40);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A limit: so much in any span of this length, of which a read takes the first share and a write the second.
struct Window {
    span: Duration,
    most: u32,
    shares: (u32, u32),
    spent: VecDeque<(Duration, u32)>,
}

impl Window {
    fn new(span: Duration, most: Option<u32>, shares: (u32, u32)) -> Option<Self> {
        let spent = VecDeque::new();
        most.map(|most| Self {
            span,
            most,
            shares,
            spent,
        })
    }

    /// The first instant from `at` on that has room for so much.
    fn room(&mut self, mut at: Duration, share: u32) -> Duration {
        loop {
            self.spent.retain(|(spent, _)| *spent + self.span > at);
            let used: u32 = self.spent.iter().map(|(_, share)| share).sum();
            match self.spent.front() {
                Some((first, _)) if used + share > self.most => at = *first + self.span,
                _ => return at,
            }
        }
    }
}

/// The least time in which a key can be fetched and then `secrets` be stored: each request as early as the limits
/// permit, a hundred at once, each taking the latency.
fn best(secrets: usize, limits: &Limits) -> Duration {
    let mut windows: Vec<Window> = [
        Window::new(MINUTE, limits.points_a_minute, (1, 5)),
        Window::new(MINUTE, limits.content_a_minute, (0, 1)),
        Window::new(HOUR, limits.content_an_hour, (0, 1)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let (mut at, mut used, mut reset) = (Duration::ZERO, 0, HOUR);
    let mut under_way = VecDeque::new();
    for n in 0..=secrets {
        let read = n == 0;
        if n == 1 {
            at = at.max(LATENCY);
        }
        if under_way.len() == 100 {
            at = at.max(under_way.pop_front().unwrap());
        }
        let share = |window: &Window| {
            if read {
                window.shares.0
            } else {
                window.shares.1
            }
        };
        loop {
            let before = at;
            for window in &mut windows {
                at = window.room(at, share(window));
            }
            // The primary limit counts by the hour that begins with the first request.
            if at >= reset {
                (used, reset) = (0, at + HOUR);
            }
            if limits.requests_an_hour.is_some_and(|most| used >= most) {
                at = reset;
            }
            if at == before {
                break;
            }
        }
        for window in &mut windows {
            let share = share(window);
            window.spent.push_back((at, share));
        }
        used += 1;
        under_way.push_back(at + LATENCY);
    }
    at + LATENCY
}

fn stand_in(limits: Option<Limits>) -> GitHub {
    let github = acme();
    github.set_latency(LATENCY);
    github.set_limits(limits);
    github.configure(|settings| {
        settings.count_limits = false;
        settings.keep_secrets = false;
        settings.remembered_requests = 0;
    });
    github
}

/// Stores so many secrets and gives the time it took.
async fn store(github: &GitHub, pacing: Pacing, secrets: usize) -> Duration {
    let client = Client::builder()
        .token("test-token")
        .transport(github.clone())
        .pacing(pacing)
        .build()
        .unwrap();
    let batch = (0..secrets)
        .map(|n| NewSecret::new(format!("KEY_{n}"), "value").visibility(Visibility::Private));
    let began = Instant::now();
    let mut outcomes = client.secrets(scope(ACME)).put_all(batch);
    let mut stored = 0;
    while let Some(outcome) = outcomes.next().await {
        outcome.result.unwrap();
        stored += 1;
    }
    assert_eq!(stored, secrets);
    began.elapsed()
}

/// Simulates each number of secrets and prints a line of the table for each.
async fn simulate(title: &str, limits: &Limits, pacing: &Pacing) {
    println!("| {title}: secrets | best | taken | over | refusals |\n|---|---|---|---|---|");
    for secrets in [50, 300, 1_000, 10_000] {
        let github = stand_in(Some(limits.clone()));
        let taken = store(&github, pacing.clone(), secrets).await;
        let best = best(secrets, limits);
        let over = 100.0 * (taken.as_secs_f64() / best.as_secs_f64() - 1.0);
        let refusals = github.refusals();
        println!(
            "| {secrets} | {:.2} s | {:.2} s | {over:.2} % | {refusals} |",
            best.as_secs_f64(),
            taken.as_secs_f64()
        );
        assert_eq!(refusals, 0);
        assert_eq!(github.request_count(), secrets as u64 + 1);
        assert!(taken >= best, "the best schedule is not the best");
        assert!(over <= 5.0, "{secrets}: {taken:?} instead of {best:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn batches_meet_no_refusal_and_lose_no_time_under_all_documented_limits() {
    simulate("all limits", &Limits::documented(), &Pacing::documented()).await;
}

#[tokio::test(start_paused = true)]
async fn batches_meet_no_refusal_and_lose_no_time_where_secrets_are_no_content() {
    let mut limits = Limits::documented();
    (limits.content_a_minute, limits.content_an_hour) = (None, None);
    let pacing = Pacing::documented()
        .writes_per_minute(None)
        .writes_per_hour(None);
    simulate("points alone", &limits, &pacing).await;
}

#[tokio::test(start_paused = true)]
async fn fifty_secrets_take_two_round_trips() {
    let taken = store(&stand_in(None), Pacing::documented(), 50).await;
    assert!(taken <= Duration::from_millis(220), "{taken:?}");
    assert!(taken >= 2 * LATENCY);
}

#[tokio::test(start_paused = true)]
async fn without_limits_a_batch_is_bounded_by_its_width_alone() {
    let taken = store(&stand_in(None), Pacing::off(), 1_000).await;
    // The key, and then 50 at a time.
    assert!(taken <= LATENCY * 22, "{taken:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_with_lower_limits_than_documented_gets_everything_all_the_same() {
    println!("| lower limits | best | taken | refusals |\n|---|---|---|---|");
    type Change = fn(&mut Limits);
    let changes: [(&str, Change); 6] = [
        ("40 writes a minute", |l| l.content_a_minute = Some(40)),
        ("10 writes a minute, no retry-after", |l| {
            (l.content_a_minute, l.retry_after) = (Some(10), false);
        }),
        ("300 points a minute", |l| l.points_a_minute = Some(300)),
        ("200 writes an hour", |l| l.content_an_hour = Some(200)),
        ("10 at once", |l| l.concurrent = Some(10)),
        ("200 requests an hour", |l| l.requests_an_hour = Some(200)),
    ];
    for (name, change) in changes {
        let mut limits = Limits::documented();
        change(&mut limits);
        let github = stand_in(Some(limits.clone()));
        let taken = store(&github, Pacing::documented(), 300).await;
        let best = best(300, &limits);
        let refusals = github.refusals();
        println!(
            "| {name} | {:.0} s | {:.0} s | {refusals} |",
            best.as_secs_f64(),
            taken.as_secs_f64()
        );
        // Learning costs refusals, of which each closes for a minute, and never a secret.
        assert!(
            taken < best * 8 + 2 * HOUR,
            "{name}: {taken:?} instead of {best:?}"
        );
        assert!(refusals < 200, "{name}: {refusals}");
    }
}
