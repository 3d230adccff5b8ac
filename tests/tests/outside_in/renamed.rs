//! Names of repositories that become another repository's while a call waits, and look-ups by leave that is held.

use std::time::Duration;

use futures_util::StreamExt;
use octoseal::{
    Access, Client, Error, Visibility,
    limits::Pacing,
    registries::{PrivateRegistriesScope, RegistryAuth},
    secrets::{Change, NewSecret},
};
use octoseal_mock::GitHub;
use octoseal_tests::{ACME, acme, builder, put, scope};
use tokio::time::{Instant, sleep};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn once_a_minute() -> Pacing {
    Pacing::writes_as_content().content_per_minute(1)
}

/// A stand-in with a secret for one repository, and a client that writes once a minute and has just done it.
async fn busy(pacing: Pacing) -> (GitHub, Client) {
    let github = acme();
    let docs = github.add_repository("acme", "docs");
    github.seed(ACME, "KEY", "old").selected([docs]);
    let client = builder(&github).pacing(pacing).build().unwrap();
    put(&client, "WARM", "value").await.unwrap();
    (github, client)
}

/// Makes a call that writes two minutes later, and lets `acme/api` become another repository meanwhile, whose id it gives.
async fn replaced_during<T>(
    github: &GitHub,
    client: &Client,
    call: impl Future<Output = Result<T, Error>>,
) -> u64 {
    let began = Instant::now();
    let replaced = async {
        sleep(seconds(90)).await;
        github.rename_repository("acme", "api", "old-api");
        github.add_repository("acme", "api")
    };
    let before = put(client, "WARMER", "value");
    let (before, called, id) = tokio::join!(before, call, replaced);
    before.unwrap();
    assert!(called.is_ok(), "{}", called.err().unwrap());
    assert!(began.elapsed() >= seconds(119), "{:?}", began.elapsed());
    id
}

fn selected(github: &GitHub) -> Vec<u64> {
    let secret = github.secret(ACME, "KEY").unwrap();
    secret.selected_repository_ids.into_iter().collect()
}

#[tokio::test(start_paused = true)]
async fn a_name_that_becomes_anothers_during_a_wait_selects_that_also_without_a_put() {
    let (github, client) = busy(once_a_minute()).await;
    let secrets = client.secrets(scope(ACME));
    let set = secrets.set_selected_repositories("KEY", ["acme/api"]);
    let id = replaced_during(&github, &client, set).await;
    assert_eq!(selected(&github), [id]);

    let (github, client) = busy(once_a_minute()).await;
    let secrets = client.secrets(scope(ACME));
    let add = secrets.add_selected_repository("KEY", "acme/api");
    let id = replaced_during(&github, &client, add).await;
    assert!(selected(&github).contains(&id), "{:?}", selected(&github));

    for access in [Access::selected(["acme/api"]), Access::add(["acme/api"])] {
        let (github, client) = busy(once_a_minute()).await;
        let change = Change::access("KEY", access);
        let mut batch = client.secrets(scope(ACME)).change_all([change]);
        let changed = async { batch.next().await.unwrap().result };
        let id = replaced_during(&github, &client, changed).await;
        assert!(selected(&github).contains(&id), "{:?}", selected(&github));
    }
}

fn token() -> RegistryAuth {
    let token = "t0ken".into();
    RegistryAuth::Token { token }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_becomes_anothers_during_a_wait_is_the_one_that_a_registry_is_for() {
    let (github, client) = busy(once_a_minute()).await;
    let registries = client.private_registries(PrivateRegistriesScope::new("acme").unwrap());
    let access = Access::selected(["acme/api"]);
    let create = registries.create("npm_registry", "https://npm.example", access);
    let create = create.auth(token());
    let id = replaced_during(&github, &client, create.send()).await;
    let listed = registries.list().all().await.unwrap();
    let name = &listed[0].name;
    let ids = registries.get(name).await.unwrap().selected_repository_ids;
    assert_eq!(ids, [id]);

    let (github, client) = busy(once_a_minute()).await;
    let registries = client.private_registries(PrivateRegistriesScope::new("acme").unwrap());
    sleep(seconds(60)).await;
    let create = registries.create("npm_registry", "https://npm.example", Visibility::All);
    let name = create.auth(token()).send().await.unwrap().registry.name;
    let update = registries.update(&name).access(["acme/api"]);
    let id = replaced_during(&github, &client, update.send()).await;
    let ids = registries.get(&name).await.unwrap().selected_repository_ids;
    assert_eq!(ids, [id]);
}

#[tokio::test(start_paused = true)]
async fn names_that_are_looked_up_again_after_a_wait_do_not_wait_for_the_leave_that_the_write_has()
{
    let (_github, client) = busy(once_a_minute().concurrent(1)).await;
    let secrets = client.secrets(scope(ACME));
    let began = Instant::now();
    let all = [
        ("WARMER", Access::All),
        ("KEY", Access::selected(["acme/api", "acme/web"])),
    ];
    let all = all.map(|(name, access)| NewSecret::new(name, "v").access(access));
    let outcomes: Vec<_> = secrets.put_all(all).collect().await;
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
    assert!(began.elapsed() < seconds(125), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_write_with_leave_does_not_keep_it_while_it_waits_for_the_look_up_of_another_call() {
    let (github, client) = busy(once_a_minute().concurrent(1)).await;
    github.set_latency(seconds(1));
    let secrets = client.secrets(scope(ACME));
    let began = Instant::now();
    let before = put(&client, "WARMER", "value");
    let names = ["acme/docs", "acme/api", "acme/web"];
    let write = secrets.put("KEY", "new").access(names).send();
    // Begins to look up the second name while the write looks up the first.
    let other = async {
        let write_began = || {
            let requests = github.requests();
            requests
                .iter()
                .filter(|it| it.path.ends_with("/docs"))
                .count()
                == 2
        };
        while !write_began() {
            sleep(Duration::from_millis(50)).await;
        }
        let dependabot = client.secrets(scope("dependabot:org/acme"));
        dependabot
            .put("OTHER", "v")
            .access(["acme/web"])
            .send()
            .await
    };
    let (before, written, other) = tokio::join!(before, write, other);
    before.and(written).and(other).unwrap();
    // The other is written a minute after the write.
    assert!(began.elapsed() < seconds(205), "{:?}", began.elapsed());
}
