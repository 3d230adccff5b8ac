//! Batches of puts, deletions and changes of access.

use std::time::Duration;

use futures_util::StreamExt;
use octoseal::{
    Access, Visibility, Written,
    secrets::{Change, NewSecret, Outcome},
};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{ACME, acme, client, scope};

fn writes(github: &GitHub) -> usize {
    let requests = github.requests();
    requests.iter().filter(|it| it.method != "GET").count()
}

fn written(outcomes: &[Outcome]) -> Vec<Written> {
    let written = outcomes
        .iter()
        .map(|it| it.result.as_ref().unwrap().written);
    written.collect()
}

#[tokio::test(start_paused = true)]
async fn puts_sealed_values_deletions_and_changes_of_access_go_in_one_batch() {
    let github = acme();
    let [api, web] = ["api", "web"].map(|name| github.add_repository("acme", name));
    let client = client(&github);
    let secrets = client.secrets(scope(ACME));
    let key = secrets.public_key().await.unwrap();
    let sealed = key.key().seal(b"elsewhere").to_base64();
    github.seed(ACME, "SHARED", "value").selected([api]);
    github.seed(ACME, "OLD", "value");
    let changes = [
        NewSecret::new("NEW", "value")
            .access(Visibility::All)
            .into(),
        NewSecret::sealed("SEALED", sealed, key.key_id())
            .access(Visibility::All)
            .into(),
        Change::access("SHARED", Access::add([web])),
        Change::delete("old"),
    ];
    let mut outcomes: Vec<_> = secrets.change_all(changes).collect().await;
    outcomes.sort_by(|a, b| a.name.cmp(&b.name));
    let expected = [
        Written::Created,
        Written::Created,
        Written::AccessChanged,
        Written::Deleted,
    ];
    assert_eq!(written(&outcomes), expected);
    assert_eq!(github.plaintext(ACME, "SEALED").unwrap(), b"elsewhere");
    assert!(github.secret(ACME, "OLD").is_none());
    let shared = github.secret(ACME, "SHARED").unwrap();
    assert_eq!(shared.selected_repository_ids.len(), 2);
    assert_eq!(outcomes[3].to_string(), "old in actions:org/acme: deleted");
}

#[tokio::test(start_paused = true)]
async fn a_put_and_a_deletion_of_one_name_in_two_spellings_are_made_in_the_order_of_the_input() {
    for latency in [0, 40] {
        let github = acme();
        github.set_latency(Duration::from_millis(latency));
        let secrets = client(&github).secrets(scope("actions:repo/acme/api"));
        let put = |name: &str, value: &str| Change::from(NewSecret::new(name, value));
        let changes = [
            put("key", "one"),
            Change::delete("KEY"),
            put("Key", "two"),
            put("OTHER", "value"),
            Change::delete("other"),
        ];
        let outcomes: Vec<_> = secrets.change_all(changes).collect().await;
        assert!(outcomes.iter().all(|it| it.result.is_ok()));
        let value = github.plaintext("actions:repo/acme/api", "KEY");
        assert_eq!(value.unwrap(), b"two");
        assert!(github.secret("actions:repo/acme/api", "OTHER").is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn two_batches_of_one_client_never_write_to_one_secret_at_the_same_time() {
    let github = acme();
    github.set_latency(Duration::from_millis(40));
    let client = client(&github);
    // What overlaps another write in one scope fails for good.
    let refusal = Fault::reply(422, r#"{"message":"overlapping"}"#);
    github.inject(refusal.at("/KEY").overlapping().always());
    let secrets = client.secrets(scope(ACME));
    let batch = |names: &'static [&'static str]| {
        secrets.put_all(names.iter().map(|name| (*name, "value", Visibility::All)))
    };
    let (one, other) = tokio::join!(
        batch(&["KEY", "key"]).collect::<Vec<_>>(),
        batch(&["Key", "KEY"]).collect::<Vec<_>>()
    );
    for outcome in one.iter().chain(&other) {
        assert!(outcome.result.is_ok(), "{outcome}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_is_what_is_named_and_can_be_asked_first() {
    let github = acme();
    for name in ["KEEP", "OLD", "OLDER"] {
        github.seed(ACME, name, "value");
    }
    let secrets = client(&github).secrets(scope(ACME));
    let none: Vec<Outcome> = secrets.delete_all([""; 0]).collect().await;
    assert!(none.is_empty() && writes(&github) == 0);
    assert!(secrets.would_delete([""; 0]).await.unwrap().is_empty());

    let named = ["old", "OLDER", "NEVER_THERE"];
    let would = secrets.would_delete(named).await.unwrap();
    assert!(would.iter().map(|it| it.name.as_str()).eq(["OLD", "OLDER"]));
    assert_eq!(writes(&github), 0);
    assert!(
        secrets
            .would_delete(["NOT A NAME"])
            .await
            .unwrap_err()
            .is_invalid_input()
    );

    let outcomes: Vec<_> = secrets.delete_all(named).collect().await;
    let missing = outcomes.iter().find(|it| it.result.is_err()).unwrap();
    let error = missing.result.as_ref().unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert!(
        error.to_string().starts_with("deleting NEVER_THERE in "),
        "{error}"
    );
    assert_eq!(outcomes.len(), 3);
    assert!(
        github
            .secrets(ACME)
            .iter()
            .map(|it| it.name.as_str())
            .eq(["KEEP"])
    );
}

#[tokio::test(start_paused = true)]
async fn a_batch_over_many_scopes_deletes_in_each() {
    let github = acme();
    let places = ["actions:repo/acme/api", "dependabot:repo/acme/web"];
    for place in places {
        github.seed(place, "KEY", "value");
    }
    let client = client(&github);
    let changes = places.map(|place| (scope(place), Change::delete("KEY")));
    let outcomes: Vec<_> = client.change_all(changes).collect().await;
    assert_eq!(written(&outcomes), [Written::Deleted; 2]);
    assert!(
        places
            .iter()
            .all(|place| github.secret(place, "KEY").is_none())
    );
}

#[tokio::test(start_paused = true)]
async fn many_changes_of_one_secret_hold_up_no_other_secret() {
    let github = acme();
    github.configure(|settings| settings.count_limits = false);
    github.set_latency(Duration::from_millis(100));
    let pacing = octoseal::limits::Pacing::concurrency_only();
    let client = octoseal_tests::builder(&github).pacing(pacing);
    let secrets = client.build().unwrap().secrets(scope(ACME));
    let one = (0..200).map(|n| ("ONE".to_owned(), format!("{n}"), Visibility::All));
    let others = (0..100).map(|n| (format!("KEY_{n}"), "value".to_owned(), Visibility::All));
    let began = tokio::time::Instant::now();
    let mut batch = secrets.put_all(one.chain(others));
    let (mut others_took, mut outcomes) = (Duration::ZERO, 0);
    while let Some(outcome) = batch.next().await {
        outcome.result.unwrap();
        outcomes += 1;
        if outcome.name != "ONE" {
            others_took = began.elapsed();
        }
    }
    assert_eq!(outcomes, 300);
    assert_eq!(github.plaintext(ACME, "ONE").unwrap(), b"199");
    // One after the other, the 200 take 20 s.
    assert!(others_took < Duration::from_secs(2), "{others_took:?}");
}
