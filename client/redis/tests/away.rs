//! What a store that is away costs: little time, and no call.

use std::sync::Arc;
use std::time::Duration;

use octoseal::limits::{Exchange, Identity, Ledger};
use octoseal::{Client, Visibility};
use octoseal_mock::GitHub;
use octoseal_redis::RedisLedger;
use tokio::net::TcpListener;
use tokio::time::Instant;

/// Stores a secret through a ledger, and says how long that took.
async fn put(ledger: RedisLedger) -> Duration {
    let github = GitHub::new();
    github.add_organization("acme");
    let client = Client::builder()
        .token("any")
        .transport(github.clone())
        .share_limits_through(Arc::new(ledger))
        .build()
        .unwrap();
    let began = Instant::now();
    client
        .create_or_update_org_secret("acme", "KEY")
        .value("value")
        .access(Visibility::Private)
        .send()
        .await
        .unwrap();
    assert!(github.plaintext("actions:org/acme", "KEY").is_some());
    began.elapsed()
}

/// The address of a store whose every connection does as `then` says.
async fn store<F: Future<Output = ()> + Send>(
    then: impl Fn(tokio::net::TcpStream) -> F + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("redis://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            then(socket).await;
        }
    });
    address
}

#[tokio::test]
async fn a_store_that_closes_every_connection_fails_no_put() {
    let address = store(|_| async {}).await;
    put(RedisLedger::new(&address).unwrap()).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_answers_costs_a_put_a_third_of_a_second_at_most() {
    let address = store(|socket| async { std::mem::forget(socket) }).await;
    let taken = put(RedisLedger::new(&address).unwrap()).await;
    assert!(taken <= Duration::from_millis(333), "{taken:?}");
}

#[tokio::test]
async fn an_address_that_is_none_of_redis_is_refused_without_repeating_its_password() {
    for address in [
        "",
        "127.0.0.1",
        "http://user:s3cret@127.0.0.1/",
        "redis://user:s3cret@/x",
        "redis://user:s3cret@host/no-number",
    ] {
        let error = RedisLedger::new(address).unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(!told.contains("s3cret"), "{told}");
    }
    let ledger = RedisLedger::new("redis://user:s3cret@host/").unwrap();
    assert!(!format!("{ledger:?}").contains("s3cret"));
}

#[tokio::test]
async fn an_error_of_the_store_says_what_it_is_without_the_password() {
    let address = store(|_| async {}).await;
    let address = address.replace("redis://", "redis://user:s3cret@");
    let ledger = RedisLedger::new(&address).unwrap();
    let (me, nothing) = (Identity::named("me"), Exchange::default());
    let error = ledger.exchange(me, &nothing).await.unwrap_err();
    let told = format!("{error} {error:?}");
    assert!(!told.contains("s3cret"), "{told}");
}
