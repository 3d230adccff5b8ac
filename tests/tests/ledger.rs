//! What a ledger must do, shown by the one in memory; other ledgers are compared with it.

use std::sync::Arc;

use octoseal::limits::{
    CHUNK, Closing, Cost, Exchange, Identity, LEASE_MS, Ledger, LedgerFuture, Note, Quota, Refused,
    Rule, SOON_MS, Settled, WaitReason,
};
use octoseal_tests::ledger::{COMES_WITHIN_MS, LedgerInMemory, compare};

const WRITES: Cost = Cost::new(0, 1, 1);

/// Asks for so many writes at an instant, with a limit of ten a minute.
fn wants(process: u32, writes: u32) -> Exchange {
    Exchange {
        process,
        wants: Cost::WRITE.times(writes),
        at_once: 100,
        rules: vec![Rule {
            hourly: false,
            weights: WRITES,
            most: 10,
            walkers: None,
        }],
        ..Exchange::default()
    }
}

fn settled(lease: u64, spent: u32, unused: u32) -> Settled {
    Settled {
        lease,
        ago_ms: 0,
        spent: Cost::WRITE.times(spent),
        passed: Cost::WRITE.times(spent),
        unused: Cost::WRITE.times(unused),
    }
}

struct Book {
    ledger: LedgerInMemory,
    me: Identity,
}

impl Book {
    fn at(&self, now: u64, exchange: Exchange) -> octoseal::limits::Answer {
        self.ledger.exchange_at(now, self.me, &exchange)
    }
}

fn book() -> Book {
    Book {
        ledger: LedgerInMemory::new(0),
        me: Identity::named("me"),
    }
}

#[tokio::test]
async fn a_limit_holds_for_all_processes_together_and_what_is_unused_comes_back() {
    let book = book();
    let one = book.at(0, wants(1, 6));
    assert_eq!((one.lease, one.granted), (1, Cost::WRITE.times(6)));
    let other = book.at(0, wants(2, 6));
    assert_eq!(other.granted, Cost::WRITE.times(4));
    assert_eq!(other.processes, 2);
    let told = Exchange {
        settled: vec![settled(1, 1, 5)],
        ..wants(1, 0)
    };
    assert_eq!(book.at(100, told).minute.spent, Cost::WRITE);
    assert_eq!(book.at(200, wants(2, 9)).granted, Cost::WRITE.times(5));
}

#[tokio::test]
async fn a_lease_may_begin_shortly_and_otherwise_it_says_when_to_come_again() {
    let book = book();
    book.at(0, wants(1, 10));
    let told = Exchange {
        settled: vec![settled(1, 10, 0)],
        ..wants(1, 10)
    };
    let answer = book.at(100, told);
    assert_eq!((answer.lease, answer.again_ms), (0, Some(60_300)));
    let soon = book.at(60_400 - SOON_MS, wants(1, 10));
    assert_eq!(
        (soon.granted, soon.from_ms),
        (Cost::WRITE.times(10), SOON_MS)
    );
}

/// Tells of a lease that is spent, and asks for so many more.
fn spent(process: u32, lease: u64, spent: u32, writes: u32) -> Exchange {
    Exchange {
        settled: vec![settled(lease, spent, 0)],
        ..wants(process, writes)
    }
}

#[tokio::test]
async fn each_in_the_line_is_told_its_own_turn_and_keeps_it_when_it_tells_what_it_sent() {
    let book = book();
    let first = book.at(0, wants(1, 10));
    assert_eq!(book.at(40, spent(1, first.lease, 10, 0)).lease, 0);
    let mut told = Vec::new();
    for process in 2..6 {
        book.at(50, wants(process, 0));
        told.push(book.at(50, wants(process, 10)).again_ms.unwrap());
    }
    let window = 60_300 + 60_300 / 240;
    let dues = [0, 1, 2, 3].map(|windows| 60_290 + windows * window);
    assert_eq!(told, dues);
    let own = book.at(60_340, wants(2, 10));
    assert_eq!(own.granted, Cost::WRITE.times(10));
    assert!(own.again_ms.is_none());
    // The next comes first, though this one asks again at once.
    let told = book.at(60_380, spent(2, own.lease, 10, 10));
    assert_eq!(told.granted, Cost::NONE);
    let turn = 60_300 + 3 * window;
    assert_eq!(told.again_ms, Some(turn));
}

#[tokio::test]
async fn if_all_in_the_line_have_died_the_last_to_come_finds_out() {
    let book = book();
    let first = book.at(0, wants(1, 10));
    book.at(40, spent(1, first.lease, 10, 0));
    for process in 2..8 {
        book.at(50, wants(process, 0));
        book.at(50, wants(process, 10));
    }
    // One that was not heard of before.
    let told = book.at(61_500, wants(9, 10));
    assert_eq!((told.lease, told.again_ms), (0, Some(COMES_WITHIN_MS)));
    let late = 61_500 + COMES_WITHIN_MS;
    assert_eq!(book.at(late, wants(9, 10)).granted.writes, 10);
}

#[tokio::test]
async fn where_others_come_soon_none_is_granted_more_than_its_share() {
    let book = book();
    let crowd = |process, mut exchange: Exchange| {
        exchange.process = process;
        exchange.rules[0].most = 100;
        exchange
    };
    for process in [1, 2] {
        let lease = book.at(0, crowd(process, wants(process, 50))).lease;
        let told = crowd(process, spent(process, lease, 50, 0));
        assert_eq!(book.at(40, told).leased, Cost::NONE);
    }
    for process in 3..9 {
        let told = book.at(50, crowd(process, wants(process, 50)));
        assert_eq!(told.again_ms, Some(60_290));
    }
    let granted = |process| {
        let told = book.at(60_340, crowd(process, wants(process, 50)));
        told.granted.writes
    };
    // What the others leave is for the first to come.
    let first = 100 - 5 * CHUNK;
    assert_eq!(
        [3, 4, 5, 6, 7, 8].map(granted),
        [first, CHUNK, CHUNK, CHUNK, CHUNK, CHUNK]
    );
}

#[tokio::test]
async fn beyond_a_limit_that_may_not_hold_one_lease_goes_and_says_how_many_of_it_at_once() {
    let book = book();
    let walks = |process| {
        let mut exchange = wants(process, 12);
        exchange.rules[0].walkers = Some(5);
        exchange
    };
    let first = book.at(0, walks(1));
    assert_eq!((first.granted.writes, first.at_once), (10, None));
    assert_eq!(book.at(0, walks(2)).lease, 0);
    book.at(40, spent(1, first.lease, 10, 0));
    let walking = book.at(50, walks(2));
    assert_eq!((walking.granted.writes, walking.at_once), (12, Some(5)));
    let other = book.at(60, walks(1));
    assert_eq!((other.lease, other.or_sooner), (0, true));
}

/// Asks for ten writes, in an exchange that is counted.
fn exchange(number: u64, answered: u64) -> Exchange {
    Exchange {
        number,
        answered,
        ..wants(1, 10)
    }
}

#[tokio::test]
async fn what_a_given_up_exchange_was_granted_comes_back_with_the_next_one() {
    let book = book();
    assert_eq!(book.at(0, exchange(1, 0)).granted.writes, 10);
    let next = book.at(300, exchange(3, 0));
    assert_eq!((next.granted.writes, next.leased.writes), (10, 10));
    // One that was given up before comes after it.
    let late = book.at(310, exchange(2, 0));
    assert_eq!((late.lease, late.leased.writes), (0, 10));
    // What was answered stays.
    assert_eq!(book.at(320, exchange(4, 3)).leased.writes, 10);
}

#[tokio::test]
async fn what_a_given_up_exchange_was_granted_comes_back_even_after_its_end() {
    let book = book();
    book.at(0, exchange(1, 0));
    // It ends within this exchange of another process.
    let other = book.at(2 * LEASE_MS, wants(2, 10));
    assert_eq!((other.lease, other.minute.spent.writes), (0, 10));
    assert_eq!(book.at(3 * LEASE_MS, exchange(2, 0)).granted.writes, 10);
}

#[tokio::test]
async fn what_was_sent_of_a_lease_that_has_ended_counts_as_of_when_it_was_sent() {
    let book = book();
    let lease = book.at(1_000, wants(1, 10)).lease;
    // The ledger hangs, and the process tells late: six were sent at the beginning, and the rest was not.
    let told = Exchange {
        at_ms: 16_000,
        settled: vec![Settled {
            ago_ms: 14_500,
            ..settled(lease, 6, 4)
        }],
        ..wants(1, 10)
    };
    let answer = book.at(16_000, told);
    assert_eq!((answer.minute.spent.writes, answer.granted.writes), (6, 4));
    let rest = book.at(1_500 + 60_300, wants(1, 10));
    assert_eq!(rest.granted.writes, 6);
}

#[tokio::test]
async fn a_refusal_or_a_quota_that_is_told_late_holds_for_no_longer() {
    let late = |told| Exchange {
        at_ms: 19_000,
        ..told
    };
    let closing = Closing {
        wait_ms: 60_000,
        doubled_ms: 1_000,
        reason: WaitReason::SecondaryLimit,
    };
    let refused = Refused {
        lease: 0,
        ago_ms: 18_000,
        closing,
    };
    let told = Exchange {
        refusals: vec![refused],
        ..late(wants(1, 0))
    };
    assert_eq!(book().at(20_000, told).closed_ms, Some(41_000));
    let quota = Quota {
        limit: Some(5_000),
        remaining: 0,
        reset_ms: 30_000,
    };
    let told = Exchange {
        quota: Some(quota),
        ..late(wants(1, 1))
    };
    // 30 s and a second after 19,000.
    assert_eq!(book().at(20_000, told).again_ms, Some(30_000));
}

#[tokio::test]
async fn a_quota_that_is_full_by_the_time_it_is_told_holds_up_nothing() {
    let quota = Quota {
        limit: Some(5_000),
        remaining: 0,
        reset_ms: 1,
    };
    let mut told = Exchange {
        at_ms: 10_000,
        quota: Some(quota),
        ..wants(1, CHUNK + 1)
    };
    told.rules[0].walkers = Some(5);
    let answer = book().at(20_000, told);
    assert_eq!(answer.granted.writes, 10);
    assert_eq!(answer.reason, Some(WaitReason::Pacing));
}

#[tokio::test]
async fn what_is_free_again_is_not_taken_back_from_what_came_after_it() {
    let book = book();
    // It ends at 5,000, and what is left then counts until 65,300.
    let lease = book.at(1_000, wants(1, 10)).lease;
    book.at(6_000, wants(2, 0));
    let late = Settled {
        ago_ms: 65_301 - 5_240,
        ..settled(0, 3, 0)
    };
    let told = Exchange {
        settled: vec![late, settled(lease, 0, 10)],
        ..wants(1, 0)
    };
    assert_eq!(book.at(65_301, told).minute.spent.writes, 3);
}

#[tokio::test]
async fn a_process_that_dies_loses_its_lease() {
    let book = book();
    book.at(0, wants(1, 10));
    assert_eq!(book.at(LEASE_MS - 1, wants(2, 10)).lease, 0);
    let after = book.at(LEASE_MS, wants(2, 10));
    assert_eq!(after.minute.spent, Cost::WRITE.times(10));
    assert_eq!(book.at(LEASE_MS + 60_300, wants(2, 10)).granted.writes, 10);
}

#[tokio::test]
async fn a_refusal_closes_the_gate_for_all_and_one_goes_ahead_to_see() {
    let book = book();
    book.at(0, wants(1, 1));
    let closing = Closing {
        wait_ms: 5_000,
        doubled_ms: 1_000,
        reason: WaitReason::SecondaryLimit,
    };
    let told = Exchange {
        refusals: vec![Refused {
            lease: 1,
            ago_ms: 0,
            closing,
        }],
        settled: vec![settled(1, 0, 1)],
        ..wants(1, 0)
    };
    let answer = book.at(10, told);
    assert_eq!((answer.closed_ms, answer.since), (Some(5_000), 2));
    let other = book.at(1_010, wants(2, 3));
    assert_eq!((other.lease, other.again_ms), (0, Some(4_000)));
    assert_eq!(other.reason, Some(WaitReason::SecondaryLimit));
    let probe = book.at(5_010, wants(2, 3));
    assert_eq!(probe.granted, Cost::WRITE);
    assert_eq!(book.at(5_020, wants(1, 3)).lease, 0);
    let told = Exchange {
        settled: vec![settled(probe.lease, 1, 0)],
        ..wants(2, 3)
    };
    assert_eq!(book.at(5_060, told).granted, Cost::WRITE.times(3));
}

#[tokio::test]
async fn what_is_left_of_the_quota_is_shared() {
    let book = book();
    let quota = Some(Quota {
        limit: Some(5_000),
        remaining: 3,
        reset_ms: 30_000,
    });
    let told = Exchange {
        quota,
        ..wants(1, 2)
    };
    assert_eq!(book.at(0, told).granted.writes, 2);
    let other = book.at(0, wants(2, 2));
    assert_eq!(other.granted.writes, 1);
    assert_eq!(other.reason, Some(WaitReason::PrimaryLimit));
    assert_eq!(book.at(31_000, wants(3, 2)).granted.writes, 2);
}

#[tokio::test]
async fn the_newer_note_stays() {
    let book = book();
    for (version, text) in [(2, "two"), (1, "one")] {
        let text = text.to_owned();
        let note = Some(Note { version, text });
        book.at(
            0,
            Exchange {
                note,
                ..wants(1, 0)
            },
        );
    }
    assert_eq!(book.at(0, wants(1, 0)).note.text, "two");
}

/// The same ledger by another way, with a clock that is set.
struct Set(LedgerInMemory, Arc<std::sync::atomic::AtomicU64>);

impl Ledger for Set {
    fn exchange<'a>(&'a self, identity: Identity, exchange: &'a Exchange) -> LedgerFuture<'a> {
        let now = self.1.load(std::sync::atomic::Ordering::Relaxed);
        Box::pin(std::future::ready(Ok(self
            .0
            .exchange_at(now, identity, exchange))))
    }
}

#[tokio::test]
async fn a_ledger_that_gives_the_same_answers_passes_the_comparison() {
    let clock = Arc::new(std::sync::atomic::AtomicU64::new(7_000_000));
    let ledger = Set(LedgerInMemory::new(0), clock.clone());
    for seed in 1..40 {
        let advance = async |ms| {
            clock.fetch_add(ms, std::sync::atomic::Ordering::Relaxed);
        };
        compare(&ledger, advance, seed, 200).await;
    }
}
