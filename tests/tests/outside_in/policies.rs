//! What is decided by what is there: access that changes it, policies before a write, questions without one.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use octoseal::observe::Event;
use octoseal::{Access, Applied, Client, Error, Visibility, Written};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{ACME, acme, builder, client, put, scope};

fn ids(github: &GitHub, place: &str) -> Vec<u64> {
    let secret = github.secret(place, "KEY").unwrap();
    secret.selected_repository_ids.into_iter().collect()
}

fn writes(github: &GitHub) -> usize {
    let requests = github.requests();
    requests.iter().filter(|it| it.method != "GET").count()
}

async fn with(client: &Client, access: Access) -> Result<Written, Error> {
    let put = client.secrets(scope(ACME)).put("KEY", "new").access(access);
    put.send().await.map(|receipt| receipt.written)
}

#[tokio::test(start_paused = true)]
async fn repositories_are_added_and_taken_with_a_new_value_wherever_they_are_selected() {
    for place in [
        ACME,
        "dependabot:org/acme",
        "codespaces:org/acme",
        "agents:org/acme",
        "codespaces:user",
    ] {
        let github = acme();
        let [api, web, docs] =
            ["api", "web", "docs"].map(|name| github.add_repository("acme", name));
        github.seed(place, "KEY", "old").selected([api, web]);
        let secrets = client(&github).secrets(scope(place));
        let added = secrets.put("KEY", "new").access(Access::add(["acme/docs"]));
        assert_eq!(
            added.send().await.unwrap().written,
            Written::Updated,
            "{place}"
        );
        assert_eq!(ids(&github, place), [api, web, docs], "{place}");
        let removed = secrets.put("KEY", "newer").access(Access::remove([web]));
        removed.send().await.unwrap();
        assert_eq!(ids(&github, place), [api, docs], "{place}");
        assert_eq!(github.plaintext(place, "KEY").unwrap(), b"newer");
        let new = secrets.put("NEW", "value").access(Access::add([api]));
        assert_eq!(
            new.send().await.unwrap().written,
            Written::Created,
            "{place}"
        );
        let new = github.secret(place, "NEW").unwrap();
        assert!(new.selected_repository_ids.into_iter().eq([api]), "{place}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_processes_that_each_add_a_repository_end_with_both() {
    let github = acme();
    github.set_latency(Duration::from_millis(40));
    let [api, web, docs] = ["api", "web", "docs"].map(|name| github.add_repository("acme", name));
    github.seed(ACME, "KEY", "old").selected([docs]);
    let (one, other) = (client(&github), client(&github));
    let (first, second) = tokio::join!(
        with(&one, Access::add([api])),
        with(&other, Access::add([web]))
    );
    first.and(second).unwrap();
    assert_eq!(ids(&github, ACME), [api, web, docs]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_added_to_a_visibility_that_selects_none_and_nothing_is_written() {
    for access in [Access::add([1]), Access::remove([1])] {
        let github = acme();
        github.seed(ACME, "KEY", "old").visibility("private");
        let error = with(&client(&github), access).await.unwrap_err();
        assert!(error.is_invalid_input(), "{error}");
        assert!(error.to_string().contains("private"), "{error}");
        assert_eq!(writes(&github), 0);
    }
    let github = acme();
    let repository = client(&github).secrets(scope("actions:repo/acme/api"));
    let put = repository.put("KEY", "value").access(Access::add([1]));
    assert!(put.send().await.unwrap_err().is_unsupported());
}

#[tokio::test(start_paused = true)]
async fn access_is_kept_or_what_is_said_for_a_new_secret() {
    let github = acme();
    let client = client(&github);
    let access = || Access::keep_or(Visibility::Private);
    let visibility = || github.secret(ACME, "KEY").unwrap().visibility;
    assert_eq!(with(&client, access()).await.unwrap(), Written::Created);
    assert_eq!(visibility().as_deref(), Some("private"));
    github.seed(ACME, "KEY", "old").visibility("all");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(with(&client, access()).await.unwrap(), Written::Updated);
    assert_eq!(visibility().as_deref(), Some("all"));
}

#[tokio::test(start_paused = true)]
async fn a_put_creates_only_or_updates_only_as_it_is_told_in_every_kind_of_scope() {
    for place in [
        ACME,
        "actions:repo/acme/api",
        "codespaces:user",
        "dependabot:repo/acme/api",
    ] {
        let github = acme();
        let secrets = client(&github).secrets(scope(place));
        let put = |value: &str| {
            let put = secrets.put("KEY", value);
            match scope(place).has_visibility() {
                true => put.access(Visibility::All),
                false => put,
            }
        };
        let error = put("one").only_if_exists().send().await.unwrap_err();
        assert!(error.is_not_found(), "{place}: {error}");
        assert_eq!((writes(&github), error.applied()), (0, Applied::No));
        let created = put("two").only_if_missing().send().await.unwrap();
        assert_eq!(created.written, Written::Created);
        let error = put("three").only_if_missing().send().await.unwrap_err();
        assert!(error.is_conflict() && error.status().is_none(), "{error}");
        assert!(error.to_string().contains("exists already"), "{error}");
        assert_eq!((writes(&github), error.applied()), (1, Applied::No));
        let updated = put("four").only_if_exists().send().await.unwrap();
        assert_eq!(updated.written, Written::Updated);
        assert_eq!(github.plaintext(place, "KEY").unwrap(), b"four");
    }
}

#[tokio::test(start_paused = true)]
async fn a_put_that_may_have_created_the_secret_itself_says_so() {
    let github = acme();
    github.inject(Fault::lost_reply().on("PUT"));
    let client = client(&github);
    let put = client.secrets(scope(ACME)).put("KEY", "value");
    let put = put.access(Visibility::All).only_if_missing();
    let error = put.send().await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert_eq!(error.applied(), Applied::Unknown);
}

#[tokio::test(start_paused = true)]
async fn whether_a_secret_exists_and_its_access_would_change_is_told_without_a_write() {
    let github = acme();
    let [api, web] = ["api", "web"].map(|name| github.add_repository("acme", name));
    let client = client(&github);
    let secrets = client.secrets(scope(ACME));
    let plan = async |access: Access| {
        let plan = secrets
            .put("KEY", "value")
            .access(access)
            .plan()
            .await
            .unwrap();
        (plan.exists, plan.changes_access)
    };
    assert!(!secrets.exists("KEY").await.unwrap());
    assert_eq!(plan(Access::All).await, (false, true));
    github.seed(ACME, "KEY", "old").selected([api]);
    assert!(secrets.exists("key").await.unwrap());
    assert_eq!(plan(Access::Keep).await, (true, false));
    assert_eq!(plan(Access::keep_or(Access::All)).await, (true, false));
    assert_eq!(plan(Access::add([api])).await, (true, false));
    assert_eq!(plan(Access::add([web])).await, (true, true));
    assert_eq!(plan(Access::remove([web])).await, (true, false));
    assert_eq!(plan(Access::All).await, (true, true));
    assert_eq!(
        plan(Access::Selected(vec!["acme/api".into()])).await,
        (true, false)
    );
    assert_eq!(writes(&github), 0);
    let gone = client.secrets(scope("actions:org/nobody"));
    assert!(gone.exists("KEY").await.unwrap_err().is_not_found());
}

#[tokio::test(start_paused = true)]
async fn a_setting_that_nobody_here_knows_is_told_once_or_refused_by_name() {
    let github = acme();
    github.inject(
        Fault::extra_field("branches", vec!["main"])
            .on("GET")
            .at("/KEY")
            .always(),
    );
    github.seed(ACME, "KEY", "old").visibility("all");
    github.seed("actions:repo/acme/api", "KEY", "old");
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = told.clone();
    let observer = move |event: &Event| {
        if let Event::UnknownSetting(unknown) = event {
            heard.lock().unwrap().push(unknown.clone());
        }
    };
    let lenient = builder(&github).observer(observer).build().unwrap();
    for _ in 0..3 {
        with(&lenient, Access::Keep).await.unwrap();
    }
    let told = told.lock().unwrap().clone();
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].place.as_str(), told[0].name.as_str()),
        (ACME, "KEY")
    );
    assert_eq!(told[0].setting, "branches");

    github.clear_requests();
    let strict = builder(&github).refuse_unknown_settings().build().unwrap();
    for place in [ACME, "actions:repo/acme/api"] {
        let put = strict.secrets(scope(place)).put("KEY", "new");
        let error = put.send().await.unwrap_err();
        assert!(error.is_invalid_input(), "{error}");
        assert!(error.to_string().contains("branches"), "{error}");
    }
    assert_eq!(writes(&github), 0);
    put(&strict, "KEY", "said").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn access_changes_without_a_value() {
    let github = acme();
    let [api, web, docs] = ["api", "web", "docs"].map(|name| github.add_repository("acme", name));
    github.seed(ACME, "KEY", "value").selected([api]);
    let secrets = client(&github).secrets(scope(ACME));
    let change = async |access: Access| secrets.change_access("key", access).await;
    let receipt = change(Access::add(["acme/web", "acme/docs"]))
        .await
        .unwrap();
    assert_eq!(
        (receipt.written, receipt.attempts),
        (Written::AccessChanged, 2)
    );
    assert_eq!(ids(&github, ACME), [api, web, docs]);
    change(Access::remove([web])).await.unwrap();
    assert_eq!(ids(&github, ACME), [api, docs]);
    change(Access::Selected(vec![web.into()])).await.unwrap();
    assert_eq!(ids(&github, ACME), [web]);
    assert_eq!(github.plaintext(ACME, "KEY").unwrap(), b"value");
    for access in [Access::Keep, Access::add([""; 0])] {
        assert!(change(access).await.unwrap_err().is_invalid_input());
    }
}
