//! What a rotation promises.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use octoseal::mock::Recorded;
use octoseal::{Scope, Stored};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::*;
use crate::issuer::Credential;
use crate::rotation::Unconfirmed;

#[cfg(unix)]
mod program;
mod stops;

/// A path for a file that goes with this.
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
            .mock(&self.stand_in)
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
    Fault::reply(403, "{}").at("/dependabot/").on("PUT")
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
    world.stand_in.fault(refusal().times(2));
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
        .fault(Fault::lost_reply().at("/orgs/").on("PUT").always());
    let left = world.unconfirmed().await;
    assert_eq!(left.errors[0].stored(), Stored::Unknown);
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
    world.stand_in.fault(away.lasting(Duration::from_secs(5)));
    world.rotate().await.unwrap();
    assert_eq!(world.issuer.ids(), [2]);
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_waited_out_and_told_once() {
    let world = World::new("limit");
    let limit = Fault::secondary_limit().header("retry-after", "60");
    world.stand_in.fault(limit.on("PUT").times(3));
    let (waits, told) = (common::Waits::default(), Arc::new(Mutex::new(Vec::new())));
    let lines = told.clone();
    let builder = Client::builder().token("a-token").mock(&world.stand_in);
    let github = builder
        .on_wait(move |wait| lines.lock().unwrap().extend(waits.news(wait)))
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

/// An issuer that gives, lists and revokes what a test says.
struct Odd<'a> {
    fake: &'a Fake,
    issue: fn(Credential) -> Result<Credential, BoxError>,
    list: fn(Vec<String>) -> Vec<String>,
    revoke: bool,
}

impl<'a> Odd<'a> {
    fn new(fake: &'a Fake) -> Self {
        Self {
            fake,
            issue: Ok,
            list: |ids| ids,
            revoke: true,
        }
    }
}

impl Issuer for Odd<'_> {
    async fn valid(&self) -> Result<Vec<String>, BoxError> {
        Ok((self.list)(self.fake.valid().await?))
    }
    async fn issue(&self) -> Result<Credential, BoxError> {
        (self.issue)(self.fake.issue().await?)
    }
    async fn revoke(&self, id: &str) -> Result<(), BoxError> {
        match self.revoke {
            true => self.fake.revoke(id).await,
            false => Err("the issuer is away".into()),
        }
    }
}

fn value(value: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(value.to_vec())
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_cannot_be_stored_is_revoked_and_the_old_one_stays_everywhere() {
    let world = World::new("odd-values");
    let issues: [fn(Credential) -> Result<Credential, BoxError>; 5] = [
        |made| {
            Ok(Credential {
                value: value(b""),
                ..made
            })
        },
        |made| {
            Ok(Credential {
                value: value(b" \n\t"),
                ..made
            })
        },
        |made| {
            Ok(Credential {
                value: value(b"\nx"),
                ..made
            })
        },
        |made| {
            Ok(Credential {
                value: value(b"\r\nx"),
                ..made
            })
        },
        |made| {
            Ok(Credential {
                value: value(&[b'x'; 49_153]),
                ..made
            })
        },
    ];
    for issue in issues {
        let issuer = Odd {
            issue,
            ..Odd::new(&world.issuer)
        };
        let error = world.rotate_with(&issuer).await.unwrap_err().to_string();
        assert!(
            error.contains("value") && error.contains("nothing was stored"),
            "{error}"
        );
        assert_eq!(
            (world.issuer.ids(), world.stored(), world.puts()),
            (vec![1], vec![1, 1, 1], 0)
        );
    }
    world.rotate().await.unwrap();
    assert_eq!(world.issuer.ids().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_id_of_a_new_credential_stores_nothing_and_is_not_shown() {
    let issues: [fn(Credential) -> Result<Credential, BoxError>; 4] = [
        |made| {
            Ok(Credential {
                id: "Making c4nary".to_owned(),
                ..made
            })
        },
        |made| {
            Ok(Credential {
                id: "c4nary".to_owned(),
                ..made
            })
        },
        |made| {
            Ok(Credential {
                id: String::new(),
                ..made
            })
        },
        |made| {
            Ok(Credential {
                id: "1".to_owned(),
                ..made
            })
        },
    ];
    for issue in issues {
        let world = World::new("odd-ids");
        let issuer = Odd {
            issue,
            ..Odd::new(&world.issuer)
        };
        let error = world.rotate_with(&issuer).await.unwrap_err().to_string();
        assert!(
            error.ends_with("revoke by hand what it has made: 2"),
            "{error}"
        );
        assert!(!error.contains("c4nary"), "{error}");
        let state = std::fs::read_to_string(world.place.state()).unwrap();
        assert!(!state.contains("c4nary"), "{state}");
        assert_eq!(
            (world.issuer.ids(), world.stored(), world.puts()),
            (vec![1, 2], vec![1, 1, 1], 0)
        );
        // The issuer has been mended since, and allows no third; the next run names the one to revoke as well.
        let error = world.error().await;
        assert!(
            error.contains("revoke 2, made for a run that was stopped"),
            "{error}"
        );
        world.issuer.revoke("2").await.unwrap();
        world.rotate().await.unwrap();
        assert_eq!(
            (world.issuer.ids(), world.stored()),
            (vec![3], vec![3, 3, 3])
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_holds_what_is_no_id_stops_before_there_is_a_new_credential() {
    let world = World::new("odd-lists");
    let lists: [fn(Vec<String>) -> Vec<String>; 3] = [
        |ids| [ids, vec![String::new()]].concat(),
        |ids| [vec!["All credentials:".to_owned()], ids].concat(),
        |_| vec!["1\t2".to_owned()],
    ];
    for list in lists {
        let issuer = Odd {
            list,
            ..Odd::new(&world.issuer)
        };
        let error = world.rotate_with(&issuer).await.unwrap_err().to_string();
        assert!(error.contains("no id"), "{error}");
        assert_eq!(
            (world.issuer.ids(), world.stand_in.request_count()),
            (vec![1], 0)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_may_take_its_time_to_list_what_it_has_made_or_list_nothing_at_first() {
    struct Late<'a>(&'a Fake, Mutex<u32>, fn(u32) -> bool);
    impl Issuer for Late<'_> {
        async fn valid(&self) -> Result<Vec<String>, BoxError> {
            let (mut asked, ids) = (self.1.lock().unwrap(), self.0.ids());
            *asked += 1;
            let hidden = ids
                .iter()
                .filter(|&&id| id == 2 || *asked == 1)
                .map(u32::to_string);
            let hidden: Vec<String> = hidden.filter(|_| (self.2)(*asked)).collect();
            Ok(ids
                .iter()
                .map(u32::to_string)
                .filter(|id| !hidden.contains(id))
                .collect())
        }
        async fn issue(&self) -> Result<Credential, BoxError> {
            self.0.issue().await
        }
        async fn revoke(&self, id: &str) -> Result<(), BoxError> {
            self.0.revoke(id).await
        }
    }
    let late: [fn(u32) -> bool; 2] = [|asked| (2..6).contains(&asked), |asked| asked == 1];
    for late in late {
        let world = World::new("late");
        world
            .rotate_with(&Late(&world.issuer, Mutex::new(0), late))
            .await
            .unwrap();
        assert_eq!(
            (world.issuer.ids(), world.stored()),
            (vec![2], vec![2, 2, 2])
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_fails_leaves_all_as_it_was() {
    let world = World::new("issuer");
    let issuer = Odd {
        issue: |_| Err("the issuer is away".into()),
        ..Odd::new(&world.issuer)
    };
    let error = world.rotate_with(&issuer).await.unwrap_err().to_string();
    assert!(
        error.starts_with("the issuer is away; valid: 1;"),
        "{error}"
    );
    assert_eq!((world.stored(), world.puts()), (vec![1, 1, 1], 0));
}

#[tokio::test(start_paused = true)]
async fn a_revocation_that_fails_is_made_up_for_by_the_next_run() {
    let world = World::new("revocation");
    let issuer = Odd {
        revoke: false,
        ..Odd::new(&world.issuer)
    };
    let error = world.rotate_with(&issuer).await.unwrap_err().to_string();
    assert!(
        error.starts_with("every store has 2; not revoked: 1 (the issuer is away)"),
        "{error}"
    );
    assert_eq!(
        (world.issuer.ids(), world.stored()),
        (vec![1, 2], vec![2, 2, 2])
    );
    let puts = world.puts();
    world.rotate().await.unwrap();
    assert_eq!(
        (world.issuer.ids(), world.stored(), world.puts()),
        (vec![2], vec![2, 2, 2], puts)
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_that_changes_in_between_costs_one_more_credential_or_a_revocation_by_hand() {
    for most in [3, 2] {
        let mut world = World::new("key");
        world.issuer = Fake::new(most);
        world.stand_in.fault(refusal());
        world.unconfirmed().await;
        world.stand_in.rotate_key(DEPENDABOT);
        if most == 2 {
            for _ in 0..2 {
                let error = world.error().await;
                let by_hand = "revoke 2, which then works no longer in actions:org/acme, actions:env/acme/api/prod until";
                assert!(
                    error.contains("allows 2") && error.contains(by_hand),
                    "{error}"
                );
                assert_eq!(
                    (world.issuer.ids(), world.stored()),
                    (vec![1, 2], vec![2, 1, 2])
                );
            }
            world.issuer.revoke("2").await.unwrap();
        }
        world.rotate().await.unwrap();
        assert_eq!(
            (world.issuer.ids(), world.stored()),
            (vec![3], vec![3, 3, 3])
        );
    }
}

#[tokio::test(start_paused = true)]
async fn scopes_may_come_into_the_configuration_and_leave_it_in_between() {
    let mut world = World::new("scopes");
    world.issuer = Fake::new(3);
    world.stand_in.fault(refusal());
    world.unconfirmed().await;
    world
        .stand_in
        .seed("actions:repo/acme/web", "DEPLOY_KEY", "credential 1");
    world.configure("actions:repo/acme/web", "keep");
    world.rotate().await.unwrap();
    assert_eq!((world.issuer.ids(), world.stored()), (vec![3], vec![3; 4]));

    world.stand_in.fault(refusal().always());
    world.unconfirmed().await;
    world
        .config
        .scopes
        .remove(&DEPENDABOT.parse::<Scope>().unwrap());
    world.rotate().await.unwrap();
    assert_eq!((world.issuer.ids(), world.stored()), (vec![4], vec![4; 3]));
}

#[tokio::test(start_paused = true)]
async fn a_new_credential_that_is_revoked_in_between_goes_into_no_other_store() {
    let world = World::new("revoked");
    world.stand_in.fault(refusal());
    world.unconfirmed().await;
    world.issuer.revoke("2").await.unwrap();
    world.rotate().await.unwrap();
    assert_eq!(
        (world.issuer.ids(), world.stored()),
        (vec![3], vec![3, 3, 3])
    );
}

#[tokio::test(start_paused = true)]
async fn a_state_that_cannot_be_written_or_is_not_of_this_secret_stops_before_there_is_a_new_credential()
 {
    let world = World::new("state");
    let other = r#"{"name": "OTHER"}"#;
    for (content, said) in [
        (Some(other), "is about OTHER"),
        (Some("{"), "EOF"),
        (None, "state.json"),
    ] {
        match content {
            Some(content) => std::fs::write(world.place.state(), content).unwrap(),
            None => {
                std::fs::remove_file(world.place.state()).unwrap();
                std::fs::create_dir(world.place.0.join("state.new")).unwrap();
            }
        }
        let error = world.error().await;
        assert!(
            error.contains(said) && error.contains("state.json"),
            "{error}"
        );
        assert_eq!((world.issuer.ids(), world.puts()), (vec![1], 0));
    }
}

#[tokio::test(start_paused = true)]
async fn what_can_be_asked_of_the_stores_is_asked_before_there_is_a_new_credential() {
    let faults = [
        Fault::reply(404, r#"{"message": "Not Found"}"#).at("/dependabot/"),
        Fault::reply(
            403,
            r#"{"message": "Resource not accessible by integration"}"#,
        )
        .at("/environments/"),
        Fault::reply(401, r#"{"message": "Bad credentials"}"#),
        Fault::public_key("1", "AAAA"),
        Fault::reply(404, r#"{"message": "Not Found"}"#)
            .at("/orgs/acme/actions/secrets/DEPLOY_KEY"),
        Fault::reply(404, r#"{"message": "Not Found"}"#).at("/repositories"),
    ];
    for fault in faults {
        let world = World::new("asked");
        world
            .stand_in
            .seed(ORG, "DEPLOY_KEY", "credential 1")
            .selected([]);
        world.stand_in.fault(fault.always());
        let error = world.error().await;
        assert!(error.starts_with("nothing was begun: "), "{error}");
        assert_eq!((world.issuer.ids(), world.puts()), (vec![1], 0), "{error}");
        assert!(world.stand_in.pending_faults().is_empty(), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn all_stores_that_refuse_are_named_at_once_and_a_refused_token_is_not_sent_on() {
    let mut world = World::new("all");
    for repository in 0..40 {
        world.configure(&format!("actions:repo/acme/none-{repository}"), "keep");
    }
    let error = world.error().await;
    assert_eq!(
        error.matches("actions:repo/acme/none-").count() / 2,
        40,
        "{error}"
    );
    world.stand_in.clear_requests();
    world.stand_in.revoke("a-token");
    let error = world.error().await;
    assert!(error.contains("401"), "{error}");
    assert!(
        world.stand_in.request_count() <= 11,
        "{}",
        world.stand_in.request_count()
    );
    assert_eq!(world.issuer.ids(), [1]);
}

#[tokio::test(start_paused = true)]
async fn neither_requests_nor_state_hold_the_value_and_access_is_kept() {
    let world = World::new("clear");
    let api = world.stand_in.repository("acme", "api");
    world
        .stand_in
        .seed(ORG, "DEPLOY_KEY", "credential 1")
        .selected([api]);
    world.stand_in.fault(refusal());
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
    let api = world.stand_in.repository("acme", "api");
    world.configure(ORG, "selected:acme/api");
    world
        .stand_in
        .fault(Fault::reply(403, "{}").at("/orgs/").on("PUT"));
    world.unconfirmed().await;
    world.rotate().await.unwrap();
    let stored = world.stand_in.secret(ORG, "DEPLOY_KEY").unwrap();
    assert_eq!(stored.visibility.as_deref(), Some("selected"));
    assert_eq!(stored.selected_repository_ids, [api].into());
}

#[test]
fn a_configuration_that_cannot_be_is_refused_and_names_what() {
    let config = |name: &str, scopes: &str, more: &str| {
        let text = format!(
            r#"{{"name": "{name}", "scopes": {{{scopes}}}, "issuer": "./issuer.sh"{more}}}"#
        );
        Config::parse(text.as_bytes()).map_err(|error| error.to_string())
    };
    let user = r#""codespaces:user": "selected:acme/api", "actions:env/acme/api/a%2Fb": "keep""#;
    assert_eq!(
        config("A", user, r#", "state": "here""#)
            .unwrap()
            .scopes
            .len(),
        2
    );
    let keep = r#""actions:org/acme": "keep""#;
    for (name, scopes, more, named) in [
        ("A", r#""dependabot:user": "keep""#, "", "dependabot"),
        ("A", r#""actions:org/acme": "public""#, "", "public"),
        ("A", r#""actions:repo/acme/api": "private""#, "", "private"),
        (
            "A",
            r#""actions:env/acme/api/prod": "selected:1""#,
            "",
            "selected:1",
        ),
        ("A", r#""codespaces:user": "all""#, "", "all"),
        (
            "A",
            r#""actions:org/acme": "keep", "actions:org/acme": "all""#,
            "",
            "actions:org/acme is there twice",
        ),
        (
            "A",
            r#""actions:repo/acme/api": "keep", "actions:repo/ACME/Api": "keep""#,
            "",
            "actions:repo/ACME/Api",
        ),
        (
            "A",
            r#""actions:env/a/b/x%2Fy": "keep", "actions:env/a/b/%78%2fY": "keep""#,
            "",
            "twice",
        ),
        ("A", "", "", "no scopes"),
        ("GITHUB_A", keep, "", "GITHUB_"),
        ("A-B", keep, "", "A-B"),
        ("", keep, "", "empty"),
        ("A", keep, r#", "scope": {}"#, "scope"),
        ("A", keep, r#", "acces": "keep""#, "acces"),
        ("A", keep, r#", "name": "B""#, "name"),
    ] {
        let message = config(name, scopes, more).err().unwrap();
        assert!(message.contains(named), "{scopes}{more}: {message}");
    }
    let text = format!(
        "\u{feff}{{\"name\": \"A\", \"scopes\": {{{keep}}}, \"issuer\": \"./issuer.sh\"}}\r\n"
    );
    assert!(Config::parse(text.as_bytes()).is_ok());
}
