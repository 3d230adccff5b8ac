//! Compares the ledger in the store at an address with the one in memory: `compare_ledgers redis://127.0.0.1:6379/`.

use octoseal::limits::{Exchange, Identity, Ledger};
use octoseal_redis::RedisLedger;
use octoseal_tests::ledger::compare;
use redis::Script;
use redis::aio::MultiplexedConnection;

const SEEDS: u64 = 10;
const STEPS: usize = 200;
const HOUR_MS: u64 = 3_600_000;

/// Sets a field of all pages with a prefix to so much more: of what is ahead of the store's clock, time goes on; of what
/// it was last, it has gone back.
const MORE: &str = "
    for _, key in ipairs(redis.call('KEYS', ARGV[1] .. ':*')) do
        local page = cmsgpack.unpack(redis.call('GET', key))
        page[ARGV[2]] = page[ARGV[2]] + ARGV[3]
        redis.call('SET', key, cmsgpack.pack(page))
    end";

struct Store {
    connection: MultiplexedConnection,
    prefix: String,
    more: Script,
}

impl Store {
    async fn more(&self, field: &str, ms: u64) {
        let mut call = self.more.arg(&self.prefix);
        call.arg(field).arg(ms);
        let done = call.invoke_async(&mut self.connection.clone()).await;
        let () = done.expect("a store that is there");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let address = std::env::args().nth(1).expect("compare_ledgers ADDRESS");
    let ledger = RedisLedger::new(&address).expect("an address of Redis");
    let client = redis::Client::open(address).expect("an address of Redis");
    let store = Store {
        connection: client
            .get_multiplexed_async_connection()
            .await
            .expect("a store that is there"),
        prefix: format!("compared-{}", std::process::id()),
        more: Script::new(MORE),
    };
    let ledger = ledger.prefix(&store.prefix);
    for seed in 1..=SEEDS {
        compare(
            &ledger,
            async |ms| store.more("ahead", ms).await,
            seed,
            STEPS,
        )
        .await;
    }
    println!("{} exchanges answered alike", SEEDS * STEPS as u64);

    let (me, nothing) = (Identity::named("me"), Exchange::default());
    let before = ledger.exchange(me, &nothing).await.expect("there").now_ms;
    store.more("now", HOUR_MS).await;
    for _ in 0..2 {
        let after = ledger.exchange(me, &nothing).await.expect("there").now_ms;
        let gone_on = after - before - HOUR_MS;
        assert!(gone_on < 10_000, "{gone_on} ms");
    }
    println!("where the store's clock goes back, the ledger's goes on");
}
