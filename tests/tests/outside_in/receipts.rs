//! What a write gives for an audit.

use std::time::{Duration, SystemTime};

use octoseal::{
    Receipt, Visibility, Written,
    registries::{PrivateRegistriesScope, RegistryAuth},
};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{ACME, acme, client, put, scope};

const REGISTRIES: &str = "private-registries:org/acme";

/// The stand-in's time in whole seconds, as its `Date` header says it.
fn now(github: &GitHub) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(github.now().as_secs())
}

/// Written now, at the first attempt, in the last request that the stand-in got.
#[track_caller]
fn assert_told(receipt: &Receipt, github: &GitHub, written: Written, place: &str) {
    assert_eq!((receipt.written, receipt.place.as_str()), (written, place));
    assert_eq!((receipt.attempts, receipt.at), (1, Some(now(github))));
    assert!(receipt.request_id.is_some());
    let path = github.requests().last().unwrap().path.clone();
    let of_it = path.contains(&format!("/{}", receipt.name));
    assert!(of_it || written == Written::Created, "{path}");
    let stores = matches!(written, Written::Created | Written::Updated);
    let key_id = stores.then(|| github.public_key(place).0);
    assert_eq!(receipt.key_id, key_id);
}

#[tokio::test(start_paused = true)]
async fn every_write_of_a_secret_tells_what_was_done_where_when_and_under_which_request() {
    let github = acme();
    let client = client(&github);
    let secrets = client.secrets(scope(ACME));
    let told = |receipt: &Receipt, written| assert_told(receipt, &github, written, ACME);

    told(&put(&client, "KEY", "one").await.unwrap(), Written::Created);
    told(&put(&client, "KEY", "two").await.unwrap(), Written::Updated);
    let kept = secrets.put("KEY", "three").send().await.unwrap();
    told(&kept, Written::Updated);
    let selected = secrets.put("KEY", "four").access(["acme/api"]);
    told(&selected.send().await.unwrap(), Written::Updated);

    let set = secrets.set_selected_repositories("KEY", ["acme/web"]);
    told(&set.await.unwrap(), Written::AccessChanged);
    let add = secrets.add_selected_repository("KEY", "acme/api");
    told(&add.await.unwrap(), Written::AccessChanged);
    let remove = client.remove_selected_repo_from_org_secret("acme", "KEY", "acme/api");
    told(&remove.await.unwrap(), Written::AccessChanged);
    told(&secrets.delete("KEY").await.unwrap(), Written::Deleted);

    let mut outcomes = secrets.put_all([("BATCH", "value", Visibility::All)]);
    let outcome = outcomes.next().await.unwrap();
    told(&outcome.result.unwrap(), Written::Created);
}

#[tokio::test(start_paused = true)]
async fn every_write_of_a_private_registry_tells_it_too() {
    let github = acme();
    let registries =
        client(&github).private_registries(PrivateRegistriesScope::new("acme").unwrap());
    let told = |receipt: &Receipt, written| assert_told(receipt, &github, written, REGISTRIES);
    let token = || RegistryAuth::Token {
        token: "t0ken".into(),
    };
    let create = registries.create("npm_registry", "https://npm.example", Visibility::All);
    let created = create.auth(token()).send().await.unwrap();
    told(&created.receipt, Written::Created);
    let name = created.registry.name;
    assert_eq!(created.receipt.name, name);
    let update = registries.update(&name).auth(token());
    told(&update.send().await.unwrap(), Written::Updated);
    told(&registries.delete(&name).await.unwrap(), Written::Deleted);
}

#[tokio::test(start_paused = true)]
async fn a_receipt_counts_the_requests_that_had_to_be_repeated_and_tells_the_key_used_last() {
    let github = acme();
    let client = client(&github);
    github.inject(Fault::lost_reply().on("PUT"));
    let receipt = put(&client, "KEY", "value").await.unwrap();
    assert_eq!((receipt.attempts, receipt.written), (2, Written::Updated));

    let before = receipt.key_id;
    github.rotate_key(ACME);
    let receipt = put(&client, "KEY", "value").await.unwrap();
    assert_eq!(receipt.attempts, 2);
    assert_ne!(receipt.key_id, before);
    assert_eq!(receipt.key_id.unwrap(), github.public_key(ACME).0);
}

#[tokio::test(start_paused = true)]
async fn a_receipt_is_stored_and_read_again_and_holds_no_value() {
    let github = acme();
    let receipt = put(&client(&github), "KEY", "s3cret").await.unwrap();
    let text = serde_json::to_string(&receipt).unwrap();
    assert!(!text.contains("s3cret"), "{text}");
    assert_eq!(serde_json::from_str::<Receipt>(&text).unwrap(), receipt);

    let fields: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(fields["written"], "created");
    assert_eq!(fields["place"], ACME);
    let updated_at = client(&github).secrets(scope(ACME)).get("KEY").await;
    assert_eq!(fields["at"], updated_at.unwrap().updated_at);
    assert_eq!(receipt.to_string(), "created");

    let mut fields = fields;
    fields["at"] = serde_json::Value::Null;
    let without_time: Receipt = serde_json::from_value(fields).unwrap();
    assert_eq!(without_time.at, None);
}
