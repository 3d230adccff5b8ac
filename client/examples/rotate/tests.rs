//! What a rotation promises.

use std::sync::Arc;
use std::time::Duration;

use octoseal::Stored;
use octoseal::mock::Recorded;
use tokio::time::Instant;

use super::*;

fn client(stand_in: &GitHub) -> Client {
    let builder = Client::builder().token("a-token").mock(stand_in);
    builder.build().unwrap()
}

async fn rotate_key(
    stand_in: &GitHub,
    scopes: &BTreeMap<Scope, Access>,
    issuer: &impl Issuer,
) -> Result<Vec<String>, BoxError> {
    rotate(&client(stand_in), "DEPLOY_KEY", scopes, issuer).await
}

fn unconfirmed(rotated: Result<Vec<String>, BoxError>) -> Unconfirmed {
    *rotated.unwrap_err().downcast().unwrap()
}

fn everywhere(stand_in: &GitHub, value: &str) -> bool {
    SCOPES
        .iter()
        .all(|scope| stand_in.plaintext(scope, "DEPLOY_KEY").as_deref() == Some(value.as_bytes()))
}

fn refusal() -> Fault {
    Fault::reply(403, "{}").at("/dependabot/").on("PUT")
}

#[tokio::test(start_paused = true)]
async fn the_old_credential_is_revoked_once_every_store_has_the_new_one() {
    struct Watching(GitHub, Fake);
    impl Issuer for Watching {
        async fn valid(&self) -> Result<Vec<String>, BoxError> {
            self.1.valid().await
        }
        async fn issue(&self) -> Result<Credential, BoxError> {
            self.1.issue().await
        }
        async fn revoke(&self, id: &str) -> Result<(), BoxError> {
            assert!(
                everywhere(&self.0, "credential 2"),
                "{id} is revoked too early"
            );
            self.1.revoke(id).await
        }
    }
    let (stand_in, scopes, issuer) = stand_in();
    let issuer = Watching(stand_in.clone(), issuer);
    let revoked = rotate_key(&stand_in, &scopes, &issuer).await.unwrap();
    assert_eq!(revoked, ["1"]);
    assert_eq!(issuer.1.ids(), [2]);
    assert!(everywhere(&stand_in, "credential 2"));
}

#[tokio::test(start_paused = true)]
async fn the_old_credential_stays_valid_when_one_store_fails() {
    let (stand_in, scopes, issuer) = stand_in();
    stand_in.fault(refusal());
    let left = unconfirmed(rotate_key(&stand_in, &scopes, &issuer).await);
    assert_eq!(issuer.ids(), [1, 2]);
    assert_eq!(left.open, BTreeSet::from([SCOPES[2].parse().unwrap()]));
    assert!(left.errors[0].is_permission());
    let message = left.to_string();
    assert!(
        message.contains("dependabot:repo/acme/api; still valid: 1;"),
        "{message}"
    );
    assert_eq!(
        stand_in.plaintext(SCOPES[2], "DEPLOY_KEY").unwrap(),
        b"credential 1"
    );
}

#[tokio::test(start_paused = true)]
async fn a_second_run_completes_what_the_first_one_left() {
    let (stand_in, scopes, issuer) = stand_in();
    stand_in.fault(refusal());
    unconfirmed(rotate_key(&stand_in, &scopes, &issuer).await);
    let revoked = rotate_key(&stand_in, &scopes, &issuer).await.unwrap();
    assert_eq!(revoked, ["1", "2"], "that of the first run too");
    assert_eq!(issuer.ids(), [3]);
    assert!(everywhere(&stand_in, "credential 3"));
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_nobody_knows_is_no_confirmation() {
    let (stand_in, scopes, issuer) = stand_in();
    stand_in.fault(Fault::lost_reply().at("/orgs/").on("PUT").always());
    let left = unconfirmed(rotate_key(&stand_in, &scopes, &issuer).await);
    assert_eq!(left.errors[0].stored(), Stored::Unknown);
    assert!(
        everywhere(&stand_in, "credential 2"),
        "it was stored, and nobody heard of it"
    );
    assert_eq!(left.open, BTreeSet::from([SCOPES[1].parse().unwrap()]));
    assert_eq!(issuer.ids(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_for_seconds_is_waited_for() {
    let (stand_in, scopes, issuer) = stand_in();
    let away = Fault::service_unavailable().at("/dependabot/");
    stand_in.fault(away.lasting(Duration::from_secs(5)));
    rotate_key(&stand_in, &scopes, &issuer).await.unwrap();
    assert_eq!(issuer.ids(), [2]);
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_waited_out_and_told_once() {
    let (stand_in, scopes, issuer) = stand_in();
    let limit = Fault::secondary_limit().header("retry-after", "60");
    stand_in.fault(limit.on("PUT").times(3));
    let (waits, told) = (common::Waits::default(), Arc::new(Mutex::new(Vec::new())));
    let lines = told.clone();
    let builder = Client::builder().token("a-token").mock(&stand_in);
    let github = builder
        .on_wait(move |wait| lines.lock().unwrap().extend(waits.news(wait)))
        .build()
        .unwrap();
    let started = Instant::now();
    let rotated = rotate(&github, "DEPLOY_KEY", &scopes, &issuer).await;
    assert_eq!(rotated.unwrap(), ["1"]);
    assert!(started.elapsed() >= Duration::from_secs(60));
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains(" s for GitHub's secondary rate limit"),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_new_credential_nothing_is_stored_and_nothing_revoked() {
    struct Odd(Option<&'static str>);
    impl Issuer for Odd {
        async fn valid(&self) -> Result<Vec<String>, BoxError> {
            Ok(vec!["1".to_owned()])
        }
        async fn issue(&self) -> Result<Credential, BoxError> {
            let (id, value) = (self.0.ok_or("the issuer is away")?.to_owned(), "x".into());
            Ok(Credential { id, value })
        }
        async fn revoke(&self, id: &str) -> Result<(), BoxError> {
            panic!("{id} is revoked")
        }
    }
    let (stand_in, scopes, _) = stand_in();
    for issuer in [Odd(None), Odd(Some("1"))] {
        assert!(rotate_key(&stand_in, &scopes, &issuer).await.is_err());
    }
    assert_eq!(stand_in.request_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn without_a_store_no_credential_is_made() {
    let (stand_in, _, issuer) = stand_in();
    let rotated = rotate_key(&stand_in, &BTreeMap::new(), &issuer).await;
    assert!(rotated.is_err());
    assert_eq!(issuer.ids(), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_revocation_that_fails_is_made_up_for_by_the_next_run() {
    struct Failing(Fake);
    impl Issuer for Failing {
        async fn valid(&self) -> Result<Vec<String>, BoxError> {
            self.0.valid().await
        }
        async fn issue(&self) -> Result<Credential, BoxError> {
            self.0.issue().await
        }
        async fn revoke(&self, _: &str) -> Result<(), BoxError> {
            Err("the issuer is away".into())
        }
    }
    let (stand_in, scopes, issuer) = stand_in();
    let failing = Failing(issuer);
    assert!(rotate_key(&stand_in, &scopes, &failing).await.is_err());
    assert!(everywhere(&stand_in, "credential 2"));
    assert_eq!(
        rotate_key(&stand_in, &scopes, &failing.0).await.unwrap(),
        ["1", "2"]
    );
    assert_eq!(failing.0.ids(), [3]);
}

#[tokio::test(start_paused = true)]
async fn no_store_is_told_the_value_in_the_clear_and_access_is_kept() {
    let (stand_in, scopes, issuer) = stand_in();
    let api = stand_in.repository("acme", "api");
    stand_in
        .seed(SCOPES[1], "DEPLOY_KEY", "credential 1")
        .selected([api]);
    rotate_key(&stand_in, &scopes, &issuer).await.unwrap();
    let kept = stand_in.secret(SCOPES[1], "DEPLOY_KEY").unwrap();
    assert_eq!(kept.visibility.as_deref(), Some("selected"));
    assert!(kept.selected_repository_ids.contains(&api));
    let clear = |request: &Recorded| request.json().to_string().contains("credential");
    assert!(!stand_in.requests().iter().any(clear));
}

#[tokio::test(start_paused = true)]
async fn access_is_what_the_configuration_says_of_each_scope() {
    let (stand_in, mut scopes, issuer) = stand_in();
    let api = stand_in.repository("acme", "api");
    scopes.insert(
        SCOPES[1].parse().unwrap(),
        "selected:acme/api".parse().unwrap(),
    );
    rotate_key(&stand_in, &scopes, &issuer).await.unwrap();
    let stored = stand_in.secret(SCOPES[1], "DEPLOY_KEY").unwrap();
    assert_eq!(stored.visibility.as_deref(), Some("selected"));
    assert_eq!(stored.selected_repository_ids, [api].into());
}

#[test]
fn a_configuration_with_a_scope_or_an_access_that_cannot_be_is_refused_and_names_it() {
    let config = |scope: &str, access: &str| {
        let text = format!(
            r#"{{"name": "A", "scopes": {{"{scope}": "{access}"}}, "issuer": "./issuer.sh"}}"#
        );
        serde_json::from_str::<Config>(&text)
    };
    assert_eq!(config("codespaces:user", "keep").unwrap().scopes.len(), 1);
    for (scope, access, named) in [
        ("dependabot:user", "keep", "dependabot"),
        ("actions:org/acme", "public", "public"),
    ] {
        let message = config(scope, access).err().unwrap().to_string();
        assert!(message.contains(named), "{message}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_that_issues_gives_id_and_value_and_its_failure_is_ours() {
    let folder = std::env::temp_dir().join(format!("octoseal-rotate-{}", std::process::id()));
    let script = "#!/bin/sh\ncase $1 in\nlist) printf '6\\n7\\n';;\nissue) printf '8\\ntwo\\nlines\\n';;\n*) exit 3;;\nesac\n";
    let path = folder.join("issuer.sh");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(&path, script).unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let program = Program(path);
    let (valid, issued) = (
        program.valid().await.unwrap(),
        program.issue().await.unwrap(),
    );
    let refused = program.revoke("6").await.unwrap_err().to_string();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(valid, ["6", "7"]);
    assert_eq!(
        (issued.id.as_str(), issued.value.len()),
        ("8", "two\nlines\n".len())
    );
    assert!(
        refused.contains("`revoke`") && refused.contains('3'),
        "{refused}"
    );
}
