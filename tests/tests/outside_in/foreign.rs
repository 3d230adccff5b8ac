//! Refusals that are not GitHub's, to what is read before something is written: they prove nothing.

use futures_util::StreamExt;
use octoseal::{
    Access, Applied, Error, Receipt, Scope, Visibility,
    registries::{PrivateRegistriesScope, RegistryAuth},
    secrets::NewSecret,
};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{ACME, acme, builder, client, put, scope};

use crate::app::{app, count, installed};

const USER: &str = "codespaces:user";

/// What ingresses, proxies and gateways say of a path that they do not know.
const NOT_THERE: [&str; 3] = [
    "<html><h1>404 Not Found</h1></html>",
    "",
    r#"{"message":"no Route matched with those values"}"#,
];

/// A stand-in that has a secret for two repositories in each of two scopes, one of which tells no visibility.
fn with_selected() -> (GitHub, Vec<u64>) {
    let github = acme();
    let ids = ["api", "web"].map(|name| github.add_repository("acme", name));
    for place in [ACME, USER] {
        github.seed(place, "KEY", "old").selected(ids);
    }
    (github, ids.into())
}

async fn put_over(github: &GitHub, place: &str, access: Access) -> Result<Receipt, Error> {
    let put = client(github).secrets(scope(place)).put("KEY", "new");
    put.access(access).send().await
}

#[tokio::test(start_paused = true)]
async fn a_404_that_is_not_githubs_is_no_proof_that_a_secret_is_missing_and_its_access_is_kept() {
    let widening = || Access::keep_or(Visibility::All);
    for body in NOT_THERE {
        for (place, access) in [
            (USER, Access::Keep),
            (ACME, Access::Keep),
            (ACME, widening()),
            (ACME, Access::add(["acme/docs"])),
            (USER, Access::remove(["acme/api"])),
        ] {
            let (github, ids) = with_selected();
            let foreign = Fault::foreign_reply(404, body);
            github.inject(foreign.on("GET").at("/secrets/KEY").times(1));
            let error = put_over(&github, place, access).await.unwrap_err();
            assert!(error.is_unexpected_reply(), "{body:?}: {error}");
            assert_eq!(error.applied(), Applied::No, "{body:?}: {error}");
            let there = github.secret(place, "KEY").unwrap();
            let selected: Vec<_> = there.selected_repository_ids.into_iter().collect();
            assert_eq!(selected, ids, "{body:?} in {place}");
            assert_eq!(github.plaintext(place, "KEY").unwrap(), b"old");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_404_that_is_not_githubs_tells_of_no_secret_that_it_is_gone() {
    for body in NOT_THERE {
        let github = acme();
        let client = client(&github);
        let secrets = client.secrets(scope(ACME));
        let receipt = put(&client, "KEY", "old").await.unwrap();
        let foreign = || Fault::foreign_reply(404, body).on("GET").times(1);

        github.inject(foreign());
        let once = secrets.put("KEY", "new").access(Visibility::All);
        let error = once.only_if_missing().send().await.unwrap_err();
        assert!(error.is_unexpected_reply(), "{body:?}: {error}");
        assert_eq!(github.plaintext(ACME, "KEY").unwrap(), b"old");

        github.inject(foreign());
        let error = secrets.exists("KEY").await.unwrap_err();
        assert!(error.is_unexpected_reply(), "{body:?}: {error}");
        github.inject(foreign());
        let error = secrets.compare(&receipt).await.unwrap_err();
        assert!(error.is_unexpected_reply(), "{body:?}: {error}");
        github.inject(foreign());
        let error = secrets.get("KEY").await.unwrap_err();
        assert!(error.is_unexpected_reply(), "{body:?}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_404_that_is_not_githubs_makes_no_environment() {
    for body in NOT_THERE {
        let github = acme();
        github.add_environment("acme", "api", "staging");
        let secrets = client(&github).secrets(scope("actions:env/acme/api/staging"));
        github.inject(Fault::foreign_reply(404, body).on("GET").times(1));
        let error = secrets.ensure_environment().await.unwrap_err();
        assert!(error.is_unexpected_reply(), "{body:?}: {error}");
        let requests = github.requests();
        assert!(requests.iter().all(|it| it.method == "GET"), "{body:?}");
        assert!(secrets.ensure_environment().await.unwrap().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_repository_is_not_called_unknown_for_a_404_that_is_not_githubs() {
    let github = acme();
    github.inject(Fault::foreign_reply(404, "<html>").at("/repos/acme/api"));
    let access = Access::selected(["acme/api"]);
    let error = put_over(&github, ACME, access).await.unwrap_err();
    assert!(error.is_unexpected_reply(), "{error}");
}

/// Refusals by something else than GitHub.
fn refusals() -> [Fault; 5] {
    let away = Fault::foreign_reply(302, "").header("location", "https://login.example/");
    [
        Fault::firewall(),
        Fault::foreign_reply(401, "<html>Log in</html>"),
        Fault::foreign_reply(404, "<html>Not Found</html>"),
        Fault::proxy_authentication(),
        away,
    ]
}

/// How many of 300 secrets of one scope are stored.
async fn stored_of_300(client: &octoseal::Client) -> usize {
    let secret = |n| NewSecret::new(format!("KEY_{n}"), "value").access(Visibility::All);
    let batch = client.secrets(scope(ACME)).put_all((0..300).map(secret));
    let stored = batch.filter(|outcome| std::future::ready(outcome.result.is_ok()));
    stored.count().await
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_keys_request_that_is_not_githubs_costs_one_secret_of_a_batch() {
    for foreign in refusals() {
        let github = acme();
        github.configure(|settings| settings.count_limits = false);
        let pacing = octoseal::limits::Pacing::concurrency_only();
        let client = builder(&github).pacing(pacing).build().unwrap();
        github.inject(foreign.clone().on("GET").times(1));
        assert_eq!(stored_of_300(&client).await, 299, "{foreign:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_an_apps_own_request_that_is_not_githubs_costs_one_secret_of_a_batch() {
    for part in ["/installation", "/access_tokens"] {
        for foreign in refusals() {
            let github = installed();
            github.configure(|settings| settings.count_limits = false);
            let client = octoseal::Client::builder().app(app());
            let client = client.transport(github.clone());
            let pacing = octoseal::limits::Pacing::concurrency_only();
            let client = client.pacing(pacing).build().unwrap();
            github.inject(foreign.clone().at(part).times(1));
            assert_eq!(stored_of_300(&client).await, 299, "{part}: {foreign:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_after_an_apps_request_that_something_else_refused_asks_github_at_once() {
    for foreign in refusals() {
        let github = installed();
        let client = crate::app::client(&github, app());
        github.inject(foreign.clone().at("/access_tokens").times(1));
        let error = put(&client, "KEY", "value").await.unwrap_err();
        assert!(error.is_unexpected_reply(), "{foreign:?}: {error}");
        put(&client, "KEY", "value").await.unwrap();
        assert_eq!(count(&github, "/access_tokens"), 2, "{foreign:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_redirect_that_is_not_githubs_says_where_it_leads() {
    let github = acme();
    let away = Fault::foreign_reply(302, "").header("location", "https://login.example/");
    github.inject(away.on("GET").times(1));
    let secrets = client(&github).secrets("actions:org/acme".parse::<Scope>().unwrap());
    let error = secrets.get("KEY").await.unwrap_err();
    assert!(
        error.is_unexpected_reply() && error.is_redirect(),
        "{error}"
    );
    assert!(error.to_string().contains("login.example/"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn with_a_new_token_of_an_app_too_what_something_else_refused_is_not_created_twice() {
    let github = installed();
    let client = crate::app::client(&github, app());
    // It is carried out, and another answer arrives.
    let refusal = Fault::change(|_| {
        let page = bytes::Bytes::from("<html>Denied</html>");
        http::Response::builder().status(403).body(page).unwrap()
    });
    github.inject(refusal.on("POST").at("/private-registries").times(1));
    let scope = PrivateRegistriesScope::new("acme").unwrap();
    let registries = client.private_registries(scope);
    let create = registries.create("npm_registry", "https://npm.example", Visibility::All);
    let token = "t0ken".into();
    let created = create.auth(RegistryAuth::Token { token }).send().await;
    assert_eq!(created.unwrap_err().applied(), Applied::Unknown);
    assert_eq!(registries.list().all().await.unwrap().len(), 1);
}
