//! Rotations against a stand-in, with an issuer in memory.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use octoseal::{Applied, Scope};
use octoseal_mock::Recorded;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::*;
use crate::issuer::Credential;
use crate::rotation::Unconfirmed;

mod asked;
mod between;
mod odd;
#[cfg(unix)]
mod program;
mod stops;

/// A path for a file that is removed on drop.
struct Place(PathBuf);

impl Place {
    fn new(test: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = format!("octoseal-rotate-{}-{number}-{test}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn state(&self) -> PathBuf {
        self.0.join("state.json")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A stand-in with credential 1 in three stores, an issuer that allows two, and a place for the state.
struct World {
    stand_in: GitHub,
    config: Config,
    issuer: Fake,
    place: Place,
}

impl World {
    fn new(test: &str) -> Self {
        let (stand_in, config) = stand_in().unwrap();
        let (issuer, place) = (Fake::new(2), Place::new(test));
        Self {
            stand_in,
            config,
            issuer,
            place,
        }
    }

    fn client(&self) -> Client {
        Client::builder()
            .token("a-token")
            .transport(self.stand_in.clone())
            .build()
            .unwrap()
    }

    async fn rotate(&self) -> Result<(), BoxError> {
        self.rotate_with(&self.issuer).await
    }

    async fn rotate_with(&self, issuer: &impl Issuer) -> Result<(), BoxError> {
        rotate(&self.client(), &self.config, issuer, self.place.state()).await
    }

    async fn unconfirmed(&self) -> Unconfirmed {
        *self.rotate().await.unwrap_err().downcast().unwrap()
    }

    async fn error(&self) -> String {
        self.rotate().await.unwrap_err().to_string()
    }

    fn configure(&mut self, scope: &str, access: &str) {
        self.config
            .scopes
            .insert(scope.parse().unwrap(), access.parse().unwrap());
    }

    /// The credentials that the stores have, in the order of the scopes.
    fn stored(&self) -> Vec<u32> {
        let plaintext = |scope| {
            self.stand_in
                .plaintext(scope, "DEPLOY_KEY")
                .unwrap_or_default()
        };
        let number = |scope| {
            String::from_utf8(plaintext(scope))
                .unwrap()
                .strip_prefix("credential ")?
                .parse()
                .ok()
        };
        self.config
            .scopes
            .keys()
            .map(|scope| number(scope).unwrap_or(0))
            .collect()
    }

    fn puts(&self) -> usize {
        let requests = self.stand_in.requests();
        requests
            .iter()
            .filter(|request| request.method == "PUT")
            .count()
    }
}

const ORG: &str = "actions:org/acme";
const DEPENDABOT: &str = "dependabot:repo/acme/api";

fn refusal() -> Fault {
    refusal_at("/dependabot/")
}

fn refusal_at(place: &str) -> Fault {
    Fault::reply(
        403,
        r#"{"message": "Must have admin rights to Repository."}"#,
    )
    .at(place)
    .on("PUT")
}

#[tokio::test(start_paused = true)]
async fn the_old_credential_is_revoked_once_every_store_has_the_new_one() {
    struct Watching<'a>(&'a World);
    impl Issuer for Watching<'_> {
        async fn valid(&self) -> Result<Vec<String>, BoxError> {
            self.0.issuer.valid().await
        }
        async fn issue(&self) -> Result<Credential, BoxError> {
            self.0.issuer.issue().await
        }
        async fn revoke(&self, id: &str) -> Result<(), BoxError> {
            assert_eq!(self.0.stored(), [2, 2, 2], "{id} is revoked too early");
            self.0.issuer.revoke(id).await
        }
    }
    let world = World::new("once");
    world.rotate_with(&Watching(&world)).await.unwrap();
    assert_eq!(world.issuer.ids(), [2]);
    assert_eq!(world.stored(), [2, 2, 2]);
    world.rotate().await.unwrap();
    assert_eq!(
        (world.issuer.ids(), world.stored()),
        (vec![3], vec![3, 3, 3])
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_leaves_the_old_credential_valid_and_the_next_run_makes_no_third() {
    let world = World::new("fails");
    world.stand_in.inject(refusal().times(2));
    for _ in 0..2 {
        let left = world.unconfirmed().await;
        assert_eq!(world.issuer.ids(), [1, 2]);
        assert_eq!(left.open, BTreeSet::from([DEPENDABOT.parse().unwrap()]));
        assert!(left.errors[0].is_permission());
        let message = left.to_string();
        assert!(
            message.starts_with("2 is not confirmed by dependabot:repo/acme/api; still valid: 1;"),
            "{message}"
        );
        let old = world.stand_in.plaintext(DEPENDABOT, "DEPLOY_KEY").unwrap();
        assert_eq!(old, b"credential 1");
    }
    assert_eq!(
        world.puts(),
        4,
        "the stores that have it are not written again"
    );
    world.rotate().await.unwrap();
    assert_eq!(
        (world.issuer.ids(), world.stored()),
        (vec![2], vec![2, 2, 2])
    );
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_is_not_known_is_no_confirmation() {
    let world = World::new("unknown");
    world
        .stand_in
        .inject(Fault::lost_reply().at("/orgs/").on("PUT").always());
    let left = world.unconfirmed().await;
    assert_eq!(left.errors[0].applied(), Applied::Unknown);
    assert_eq!(
        world.stored(),
        [2, 2, 2],
        "it was stored, and no reply said so"
    );
    assert_eq!(left.open, BTreeSet::from([ORG.parse().unwrap()]));
    assert_eq!(world.issuer.ids(), [1, 2]);
    world.stand_in.clear_faults();
    world.rotate().await.unwrap();
    assert_eq!(world.issuer.ids(), [2]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_for_seconds_is_waited_for() {
    let world = World::new("away");
    let away = Fault::service_unavailable().at("/dependabot/").on("PUT");
    world.stand_in.inject(away.lasting(Duration::from_secs(5)));
    world.rotate().await.unwrap();
    assert_eq!(world.issuer.ids(), [2]);
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_waited_out_and_told_once() {
    let world = World::new("limit");
    let limit = Fault::secondary_limit().header("retry-after", "60");
    let limit = limit.on("PUT").lasting(Duration::from_secs(1));
    world.stand_in.inject(limit);
    let told = Arc::new(Mutex::new(Vec::new()));
    let lines = told.clone();
    let builder = Client::builder()
        .token("a-token")
        .transport(world.stand_in.clone());
    let github = builder
        .observer(move |event| lines.lock().unwrap().extend(common::wait_in_words(event)))
        .build()
        .unwrap();
    let started = Instant::now();
    let rotated = rotate(&github, &world.config, &world.issuer, world.place.state()).await;
    rotated.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(60));
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains(" s for GitHub's secondary rate limit"),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn neither_requests_nor_state_hold_the_value_and_access_is_kept() {
    let world = World::new("clear");
    let api = world.stand_in.add_repository("acme", "api");
    world
        .stand_in
        .seed(ORG, "DEPLOY_KEY", "credential 1")
        .selected([api]);
    world.stand_in.inject(refusal());
    world.unconfirmed().await;
    let state = std::fs::read_to_string(world.place.state()).unwrap();
    assert!(
        state.contains("\"2\"") && !state.contains("credential"),
        "{state}"
    );
    world.rotate().await.unwrap();
    let kept = world.stand_in.secret(ORG, "DEPLOY_KEY").unwrap();
    assert_eq!(kept.visibility.as_deref(), Some("selected"));
    assert!(kept.selected_repository_ids.contains(&api));
    let clear = |request: &Recorded| request.json().to_string().contains("credential");
    assert!(!world.stand_in.requests().iter().any(clear));
}

#[tokio::test(start_paused = true)]
async fn access_is_what_the_configuration_says_of_each_scope() {
    let mut world = World::new("access");
    let api = world.stand_in.add_repository("acme", "api");
    world.configure(ORG, "selected:acme/api");
    world.stand_in.inject(refusal_at("/orgs/"));
    world.unconfirmed().await;
    world.rotate().await.unwrap();
    let stored = world.stand_in.secret(ORG, "DEPLOY_KEY").unwrap();
    assert_eq!(stored.visibility.as_deref(), Some("selected"));
    assert_eq!(stored.selected_repository_ids, [api].into());
}
