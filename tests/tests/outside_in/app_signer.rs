//! An App whose private key lies elsewhere: something else signs, and everything around it works as before.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use octoseal::{
    Client, Visibility,
    app::{App, AppKey, SignatureFuture, Signer},
    secrets::NewSecret,
};
use octoseal_mock::GitHub;
use octoseal_tests::{acme, put, rsa, scope};
use tokio::time::{Instant, advance, timeout};

use crate::app::{ID, client, count, installed};

/// What a signer does when it is asked the first time, the second time and so on; then it signs.
#[derive(Clone, Copy)]
enum Does {
    Fail,
    Hang,
    Panic,
    PanicAtOnce,
    Give(&'static [u8]),
}

/// A signer that takes 300 ms.
struct Elsewhere {
    key: AppKey,
    asked: AtomicUsize,
    first: &'static [Does],
}

fn elsewhere(first: &'static [Does]) -> Arc<Elsewhere> {
    Arc::new(Elsewhere {
        key: AppKey::from_pem(rsa::pkcs1_pem()).unwrap(),
        asked: AtomicUsize::new(0),
        first,
    })
}

impl Elsewhere {
    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Signer for Elsewhere {
    fn sign<'a>(&'a self, message: &'a [u8]) -> SignatureFuture<'a> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let does = self.first.get(asked).copied();
        if let Some(Does::PanicAtOnce) = does {
            panic!("the signer's own fault");
        }
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            match does {
                None => self.key.sign(message).await,
                Some(Does::Fail) => Err("the module is locked".into()),
                Some(Does::Hang) => std::future::pending().await,
                Some(Does::Panic | Does::PanicAtOnce) => panic!("the signer's own fault"),
                Some(Does::Give(bytes)) => Ok(bytes.to_vec()),
            }
        })
    }
}

fn app(signer: &Arc<Elsewhere>) -> App {
    App::new(ID.to_string(), signer.clone())
}

#[tokio::test(start_paused = true)]
async fn a_key_that_lies_elsewhere_signs_once_for_all_callers_and_again_after_seven_minutes() {
    let github = GitHub::new();
    let registered = github.add_app(ID).public_key(&rsa::public_pem());
    for number in 0..20 {
        registered.install(&format!("org-{number}"));
    }
    let signer = elsewhere(&[]);
    let client = client(&github, app(&signer));
    let batch = |name: &'static str| {
        let secret = move |number| {
            let secret = NewSecret::new(name, "value").access(Visibility::Private);
            (scope(&format!("actions:org/org-{number}")), secret)
        };
        client.put_all((0..20).map(secret)).collect::<Vec<_>>()
    };
    assert!(batch("ONE").await.iter().all(|it| it.result.is_ok()));
    assert_eq!(signer.asked(), 1);
    advance(Duration::from_secs(3590)).await;
    assert!(batch("TWO").await.iter().all(|it| it.result.is_ok()));
    assert_eq!(signer.asked(), 2);
    assert!(github.requests().iter().all(|it| it.status != 401));
}

#[tokio::test(start_paused = true)]
async fn what_it_signs_is_corrected_by_the_servers_clock_once() {
    let github = installed();
    github.configure(|settings| settings.clock_ahead = 3 * 3600);
    let signer = elsewhere(&[]);
    put(&client(&github, app(&signer)), "KEY", "value")
        .await
        .unwrap();
    assert_eq!(signer.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn tokens_are_narrowed_and_kept_as_with_a_key_in_memory() {
    let github = installed();
    let signer = elsewhere(&[]);
    let narrowed = app(&signer).permission("organization_secrets", "write");
    let client = client(&github, narrowed);
    put(&client, "ONE", "value").await.unwrap();
    put(&client, "TWO", "value").await.unwrap();
    assert_eq!(count(&github, "/access_tokens"), 1);
    assert_eq!(signer.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_signer_that_fails_or_panics_is_named_sends_nothing_and_is_asked_again_by_the_next_call()
{
    let failures = [
        (&[Does::Fail] as &[Does], "gave no signature"),
        (&[Does::Panic], "panicked"),
    ];
    for (first, words) in failures {
        let github = installed();
        let signer = elsewhere(first);
        let client = client(&github, app(&signer));
        let (one, other) = tokio::join!(put(&client, "ONE", "v"), put(&client, "OTHER", "v"));
        for error in [one.unwrap_err(), other.unwrap_err()] {
            assert!(error.is_token_source(), "{error}");
            assert!(error.to_string().contains("the App's signer"), "{error}");
            assert!(error.to_string().contains(words), "{error}");
            assert_eq!(error.applied(), octoseal::Applied::No);
        }
        assert_eq!((github.request_count(), signer.asked()), (0, 1));
        put(&client, "KEY", "value").await.unwrap();
        assert_eq!(signer.asked(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_signer_that_panics_before_it_gives_a_future_is_an_error_too() {
    let github = installed();
    let client = client(&github, app(&elsewhere(&[Does::PanicAtOnce])));
    let error = put(&client, "KEY", "value").await.unwrap_err();
    assert!(error.is_token_source(), "{error}");
    put(&client, "KEY", "value").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_signer_says_of_its_failure_is_the_source_of_the_error() {
    let github = installed();
    let signer = elsewhere(&[Does::Fail]);
    let error = put(&client(&github, app(&signer)), "KEY", "value").await;
    let error = error.unwrap_err();
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "the module is locked");
}

#[tokio::test(start_paused = true)]
async fn a_signer_that_never_answers_ends_a_call_by_its_time_and_does_not_hold_up_the_next() {
    let github = installed();
    let signer = elsewhere(&[Does::Hang]);
    let client = client(&github, app(&signer));
    let began = Instant::now();
    let error = put(&client, "KEY", "value").await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(error.to_string().contains("the App's signer"), "{error}");
    assert_eq!(began.elapsed().as_secs(), 28);
    assert_eq!(github.request_count(), 0);
    put(&client, "KEY", "value").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_is_not_polled_holds_up_no_other_that_waits_for_the_signature() {
    let github = installed();
    let signer = elsewhere(&[]);
    let client = client(&github, app(&signer));
    let mut idle = Box::pin(put(&client, "IDLE", "value"));
    assert!(timeout(Duration::from_millis(1), &mut idle).await.is_err());
    put(&client, "KEY", "value").await.unwrap();
    assert_eq!(signer.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_signature_is_told_before_anything_is_sent() {
    for (garbage, words) in [
        (b"" as &[u8], "0 bytes"),
        (&[0x9c; 64], "64 bytes"),
        (&[0x9c; 5000], "5000 bytes"),
        (b"vault:v1:SGVsbG8=", "text"),
        (&[b'A'; 344], "text"),
    ] {
        let github = installed();
        let key = AppKey::from_pem(rsa::pkcs1_pem()).unwrap();
        let signer = Arc::new(Elsewhere {
            key,
            asked: AtomicUsize::new(0),
            first: Box::leak(Box::new([Does::Give(garbage)])),
        });
        let error = put(&client(&github, app(&signer)), "KEY", "value").await;
        let error = error.unwrap_err();
        assert!(error.is_token_source(), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(github.request_count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_signature_by_another_key_is_refused_once_and_the_hint_speaks_of_the_key() {
    let github = acme();
    let registered = github.add_app(ID);
    registered
        .public_key(&rsa::public_pem_of(&rsa::another_pair()))
        .install("acme");
    let signer = elsewhere(&[]);
    let client = Client::builder().app(app(&signer));
    let client = client.transport(github.clone()).build().unwrap();
    let error = put(&client, "KEY", "value").await.unwrap_err();
    assert!(error.is_unauthorized(), "{error}");
    assert!(error.hint().unwrap().contains("its keys"), "{error}");
    assert_eq!(github.request_count(), 1);
}
