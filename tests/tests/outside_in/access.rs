//! Access to a secret is never widened and never lost.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use octoseal::{
    Access, Applied, Error, Visibility, Written,
    registries::PrivateRegistriesScope,
    scope::{OrganizationScope, OrganizationStore},
    secrets::{NewSecret, Outcome},
};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{ACME, acme, client, scope};

#[tokio::test]
async fn each_visibility_is_stored_as_it_is_said() {
    let github = acme();
    let api = github.add_repository("acme", "api");
    let secrets = client(&github).secrets(scope(ACME));
    for visibility in [
        Visibility::Private,
        Visibility::All,
        Visibility::Selected(vec![api]),
    ] {
        let put = secrets.put("ONE", "v").access(visibility.clone());
        put.send().await.unwrap();
        let batch = [NewSecret::new("MANY", "v").access(visibility.clone())];
        let outcome = secrets.put_all(batch).next().await.unwrap();
        assert!(outcome.result.is_ok(), "{outcome}");
        for name in ["ONE", "MANY"] {
            let stored = github.secret(ACME, name).unwrap();
            assert_eq!(stored.visibility.as_deref(), Some(visibility.as_str()));
            let selected = matches!(visibility, Visibility::Selected(_));
            assert_eq!(stored.selected_repository_ids.contains(&api), selected);
        }
    }
}

#[tokio::test]
async fn an_update_without_visibility_keeps_it_in_every_store_of_an_organization() {
    for store in OrganizationStore::ALL {
        for visibility in ["all", "private"] {
            let github = acme();
            let scope = OrganizationScope::new(*store, "acme").unwrap();
            github.seed(&scope, "KEY", "old").visibility(visibility);
            let put = client(&github).secrets(scope.clone()).put("KEY", "new");
            assert_eq!(put.send().await.unwrap().written, Written::Updated);
            let secret = github.secret(&scope, "KEY").unwrap();
            assert_eq!(
                (secret.visibility.as_deref(), secret.value.as_slice()),
                (Some(visibility), &b"new"[..]),
                "{scope}"
            );
        }
    }
}

#[tokio::test]
async fn an_update_without_visibility_keeps_all_selected_repositories_of_every_page() {
    let github = acme();
    let ids: Vec<u64> = (0..230)
        .map(|n| github.add_repository("acme", &format!("repo-{n}")))
        .collect();
    github
        .seed(ACME, "KEY", "old")
        .selected(ids.iter().copied());
    client(&github)
        .create_or_update_org_secret("acme", "KEY")
        .value("new")
        .send()
        .await
        .unwrap();
    let secret = github.secret(ACME, "KEY").unwrap();
    assert_eq!(secret.visibility.as_deref(), Some("selected"));
    assert_eq!(secret.selected_repository_ids, ids.into_iter().collect());
    assert_eq!(secret.value, b"new");
}

/// Scopes whose secrets have selected repositories.
const SELECTING: [&str; 2] = [ACME, "codespaces:user"];

/// A stand-in with a secret that so many repositories may use.
fn selected(scope: &str, repositories: u64) -> (GitHub, BTreeSet<u64>) {
    let github = acme();
    let ids: BTreeSet<u64> = (0..repositories)
        .map(|n| github.add_repository("acme", &format!("repo-{n}")))
        .collect();
    github
        .seed(scope, "KEY", "old")
        .selected(ids.iter().copied());
    (github, ids)
}

/// A list that counts more than it shows.
fn counting(total: u64) -> Fault {
    Fault::change(move |reply| {
        reply.map(|body| {
            let mut page: serde_json::Value = serde_json::from_slice(&body).unwrap();
            page["total_count"] = total.into();
            page.to_string().into()
        })
    })
    .at("/repositories")
}

#[tokio::test]
async fn access_that_cannot_be_read_whole_is_an_error_and_nothing_is_written() {
    for scope in SELECTING {
        for (fault, says) in [
            // Two that the token can't see; one that left the list between two pages.
            (counting(232).always(), "230 of 232"),
            (counting(231), "from 231 to 230"),
            (
                Fault::partial_results(3).at("/repositories").always(),
                "single sign-on",
            ),
        ] {
            let (github, ids) = selected(scope, 230);
            github.inject(fault);
            let secrets = client(&github).secrets(octoseal_tests::scope(scope));
            let error = secrets.put("KEY", "new").send().await.unwrap_err();
            assert!(error.is_unexpected_reply(), "{scope}: {error}");
            assert_eq!(error.applied(), Applied::No);
            assert!(error.to_string().contains(says), "{scope}: {error}");
            let hint = error.hint().unwrap();
            assert!(hint.contains("say which repositories"), "{error}");
            assert!(error.to_string().contains(scope), "{error}");
            assert!(github.requests().iter().all(|r| r.method == "GET"));
            assert_eq!(
                github.secret(scope, "KEY").unwrap().selected_repository_ids,
                ids
            );
        }
    }
}

#[tokio::test]
async fn access_that_cannot_be_read_whole_can_be_said_instead() {
    let (github, _) = selected(ACME, 230);
    github.inject(counting(232).always());
    let put = client(&github).secrets(scope(ACME)).put("KEY", "new");
    put.access(Visibility::Private).send().await.unwrap();
    assert_eq!(github.plaintext(ACME, "KEY").unwrap(), b"new");
}

#[tokio::test]
async fn a_list_of_one_full_page_is_whole_without_a_link() {
    let (github, ids) = selected(ACME, 100);
    client(&github)
        .secrets(scope(ACME))
        .put("KEY", "new")
        .send()
        .await
        .unwrap();
    assert_eq!(
        github.secret(ACME, "KEY").unwrap().selected_repository_ids,
        ids
    );
}

/// The entries of acme's list of secrets, 250 of them, with a fault.
async fn listed(fault: Fault) -> Result<usize, octoseal::Error> {
    let github = acme();
    for n in 0..250 {
        github.seed(ACME, &format!("KEY_{n:03}"), "value");
    }
    github.inject(fault);
    let all = client(&github).secrets(scope(ACME)).list().all().await?;
    Ok(all.len())
}

#[tokio::test]
async fn a_list_that_ends_before_its_count_is_told() {
    for (fault, says) in [
        (Fault::total_count(251).always(), "250 of 251"),
        (Fault::partial_results(1).always(), "single sign-on"),
        (Fault::partial_results(1).after(2), "single sign-on"),
    ] {
        let error = listed(fault).await.unwrap_err();
        assert!(error.is_unexpected_reply(), "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn a_repository_with_an_id_that_can_be_none_is_an_unexpected_reply_and_never_0() {
    for id in [
        serde_json::json!(-1),
        serde_json::json!(0),
        serde_json::json!(1_u64 << 63),
    ] {
        let (github, _) = selected(ACME, 3);
        github.inject(Fault::change(move |reply| {
            reply.map(|body| {
                let mut page: serde_json::Value = serde_json::from_slice(&body).unwrap();
                page["repositories"][1]["id"] = id.clone();
                page.to_string().into()
            })
        }));
        let secrets = client(&github).secrets(scope(ACME));
        let error = secrets
            .selected_repositories("KEY")
            .all()
            .await
            .unwrap_err();
        assert!(error.is_unexpected_reply(), "{error}");
    }
}

#[tokio::test]
async fn a_page_that_is_full_or_short_of_the_count_is_never_the_end() {
    for fault in [
        Fault::without_links(),
        Fault::without_links().and(Fault::total_count(100)),
        Fault::without_links().and(Fault::without_total_count()),
        Fault::short_pages(30),
        Fault::short_pages(30).and(Fault::without_links()),
        Fault::short_pages(1).and(Fault::without_links()),
        Fault::short_pages(30)
            .and(Fault::without_links())
            .and(Fault::without_total_count()),
    ] {
        assert_eq!(listed(fault.always()).await.unwrap(), 250);
    }
    for lying in [0, 100, 230] {
        let (github, ids) = selected(ACME, 230);
        let fault = Fault::without_links().and(Fault::total_count(lying));
        github.inject(fault.at("/repositories").always());
        let put = client(&github).secrets(scope(ACME)).put("KEY", "new");
        put.send().await.unwrap();
        let kept = github.secret(ACME, "KEY").unwrap();
        assert_eq!(kept.selected_repository_ids, ids, "{lying}");
    }
}

#[tokio::test]
async fn a_repository_that_comes_twice_keeps_the_selection_from_being_written_back() {
    let (github, ids) = selected(ACME, 150);
    let first = ids.iter().next().copied();
    github.inject(
        Fault::change(move |reply| {
            reply.map(|body| {
                let mut page: serde_json::Value = serde_json::from_slice(&body).unwrap();
                page["repositories"][0]["id"] = first.into();
                page.to_string().into()
            })
        })
        .at("/repositories")
        .after(1),
    );
    let put = client(&github).secrets(scope(ACME)).put("KEY", "new");
    let error = put.send().await.unwrap_err();
    assert!(error.is_unexpected_reply(), "{error}");
    let kept = github.secret(ACME, "KEY").unwrap();
    assert_eq!(kept.selected_repository_ids, ids);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_becomes_another_repositorys_during_a_wait_selects_that() {
    let github = acme();
    github.add_repository("acme", "api");
    let pacing = octoseal::limits::Pacing::writes_as_content().content_per_minute(1);
    let client = octoseal_tests::builder(&github)
        .pacing(pacing)
        .build()
        .unwrap();
    let secrets = client.secrets(scope(ACME));
    let all = [
        ("WARM", Access::All),
        ("WARMER", Access::All),
        ("KEY", Access::selected(["acme/api"])),
    ];
    let all = all.map(|(name, access)| octoseal::secrets::NewSecret::new(name, "v").access(access));
    let replaced = async {
        tokio::time::sleep(std::time::Duration::from_secs(90)).await;
        github.rename_repository("acme", "api", "old-api");
        github.add_repository("acme", "api")
    };
    let outcomes = futures_util::StreamExt::collect::<Vec<_>>(secrets.put_all(all));
    let (outcomes, id) = tokio::join!(outcomes, replaced);
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
    let selected = github.secret(ACME, "KEY").unwrap().selected_repository_ids;
    assert_eq!(selected.into_iter().collect::<Vec<_>>(), [id]);
}

#[tokio::test]
async fn a_list_that_changes_while_it_is_read_is_told() {
    let deleted = |github: &GitHub| github.delete_secret(ACME, "KEY_000");
    let added = |github: &GitHub| drop(github.seed(ACME, "A_KEY", "value"));
    for fault in [Fault::meanwhile(deleted), Fault::meanwhile(added)] {
        let error = listed(fault.after(1)).await.unwrap_err();
        assert!(error.is_unexpected_reply(), "{error}");
        assert!(error.to_string().contains("changed while"), "{error}");
    }
}

#[tokio::test]
async fn deleting_what_a_list_gives_while_it_is_read_never_ends_as_if_complete() {
    let github = acme();
    for n in 0..250 {
        github.seed(ACME, &format!("KEY_{n:03}"), "value");
    }
    let secrets = client(&github).secrets(scope(ACME));
    let mut list = secrets.list();
    let error = loop {
        match list.try_next().await {
            Ok(Some(secret)) => secrets.delete(&secret.name).await.map(drop).unwrap(),
            Ok(None) => panic!("{} are left", github.secrets(ACME).len()),
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("changed while"), "{error}");
}

#[tokio::test]
async fn a_new_secret_without_visibility_is_an_error_that_asks_for_one_and_sends_nothing() {
    let github = acme();
    let client = client(&github);
    let put = || client.create_or_update_org_secret("acme", "KEY").value("v");
    // The secret, and the key, which tells that the organization is there; then the secret alone.
    for requests in [2, 3] {
        let error = put().send().await.unwrap_err();
        assert!(error.is_invalid_input(), "{error}");
        assert!(error.to_string().contains("visibility"), "{error}");
        assert_eq!(github.request_count(), requests);
    }
    assert!(github.requests().iter().all(|r| r.method == "GET"));
    assert!(github.secret(ACME, "KEY").is_none());
}

#[tokio::test]
async fn kept_access_in_an_organization_that_is_not_there_is_the_organizations_error() {
    let github = acme();
    for put in [
        client(&github)
            .create_or_update_org_secret("acmee", "KEY")
            .value("v"),
        client(&github)
            .create_or_update_org_secret("acmee", "KEY")
            .encrypted_value("c2VhbGVkYm94".repeat(6), "1"),
    ] {
        github.clear_requests();
        let error = put.send().await.unwrap_err();
        assert!(error.is_not_found() && !error.is_invalid_input(), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("actions:org/acmee") && !text.contains("does not exist yet"),
            "{text}"
        );
        assert!(github.request_count() <= 2, "{text}");
        assert!(github.requests().iter().all(|r| r.method == "GET"));
    }
}

#[tokio::test]
async fn a_batch_that_keeps_access_in_an_organization_that_is_not_there_stops_soon() {
    let github = acme();
    let secrets = client(&github).secrets(scope("actions:org/acmee"));
    let batch = (0..1000).map(|n| (format!("KEY_{n}"), "value"));
    let outcomes: Vec<_> = secrets.put_all(batch).collect().await;
    assert_eq!(outcomes.len(), 1000);
    let lost = |outcome: &Outcome| outcome.result.as_ref().is_err_and(Error::is_not_found);
    assert!(outcomes.iter().all(lost));
    assert!(github.request_count() < 200, "{}", github.request_count());
}

#[tokio::test]
async fn an_empty_selection_is_sent_as_an_empty_list() {
    let github = acme();
    let api = github.add_repository("acme", "api");
    github.seed(ACME, "KEY", "old").selected([api]);
    let call = client(&github)
        .create_or_update_org_secret("acme", "KEY")
        .value("new");
    call.access(Visibility::Selected(vec![]))
        .send()
        .await
        .unwrap();
    assert_eq!(
        github.requests().last().unwrap().json()["selected_repository_ids"],
        serde_json::json!([])
    );
    assert!(
        github
            .secret(ACME, "KEY")
            .unwrap()
            .selected_repository_ids
            .is_empty()
    );
}

#[tokio::test]
async fn repositories_are_selected_by_name_too() {
    let github = acme();
    let call = client(&github)
        .create_or_update_org_secret("acme", "KEY")
        .value("new");
    call.access(["acme/api", "acme/web"]).send().await.unwrap();
    let expected = [
        github.add_repository("acme", "api"),
        github.add_repository("acme", "web"),
    ];
    assert_eq!(
        github.secret(ACME, "KEY").unwrap().selected_repository_ids,
        expected.into()
    );
}

#[tokio::test]
async fn unknown_repositories_are_all_named_before_anything_is_written() {
    const NAMES: [&str; 3] = ["acme/api", "acme/nope", "neither"];
    let github = acme();
    let client = client(&github);
    let registries = client.private_registries(PrivateRegistriesScope::new("acme").unwrap());
    let put = client
        .create_or_update_org_secret("acme", "KEY")
        .value("new");
    let secrets = client.secrets(scope(ACME));
    let create = registries.create("npm_registry", "https://npm.example", NAMES);
    let update = registries.update("NPM_REGISTRY_SECRET");
    for error in [
        put.access(NAMES).send().await.unwrap_err(),
        secrets
            .set_selected_repositories("KEY", NAMES)
            .await
            .unwrap_err(),
        create.send().await.unwrap_err(),
        update.access(NAMES).send().await.unwrap_err(),
    ] {
        assert!(error.is_invalid_input());
        let text = error.to_string();
        assert!(
            text.contains("acme/nope") && text.contains("neither") && !text.contains("acme/api"),
            "{text}"
        );
    }
    assert!(github.requests().iter().all(|r| r.method == "GET"));
}

#[tokio::test]
async fn a_visibility_newer_than_this_crate_is_not_guessed_at() {
    let github = acme();
    github.seed(ACME, "KEY", "old").visibility("enterprise");
    let error = client(&github)
        .create_or_update_org_secret("acme", "KEY")
        .value("new")
        .send()
        .await
        .unwrap_err();
    assert!(error.is_invalid_input(), "{error}");
    assert!(
        error.to_string().contains("visibility `enterprise`,"),
        "{error}"
    );
    assert_eq!(github.plaintext(ACME, "KEY").unwrap(), b"old");
}

#[tokio::test]
async fn an_id_that_no_repository_has_is_told_before_anything_is_sent() {
    let github = acme();
    let secrets = client(&github).secrets(scope(ACME));
    for id in [0, u64::MAX] {
        let put = secrets.put("KEY", "value").access([id]);
        for error in [
            put.send().await.unwrap_err(),
            secrets
                .set_selected_repositories("KEY", [id])
                .await
                .unwrap_err(),
            secrets
                .add_selected_repository("KEY", id)
                .await
                .unwrap_err(),
        ] {
            assert!(error.is_invalid_input(), "{error}");
            assert!(
                error.to_string().contains(&format!("found: {id}")),
                "{error}"
            );
        }
    }
    assert_eq!(github.request_count(), 0);
}

#[tokio::test]
async fn ids_that_the_owner_does_not_have_are_named_as_what_may_be_wrong() {
    let github = acme();
    github.seed(ACME, "KEY", "old").visibility("selected");
    let github_client = client(&github);
    let secrets = github_client.secrets(scope(ACME));
    let put = secrets.put("KEY", "value").access([4_000_000_001]);
    let registries = github_client.private_registries(PrivateRegistriesScope::new("acme").unwrap());
    let selected = Visibility::Selected(vec![4_000_000_001]);
    let registry = registries.create("npm_registry", "https://npm.example", selected);
    for error in [
        put.send().await.unwrap_err(),
        secrets
            .set_selected_repositories("KEY", [4_000_000_001])
            .await
            .unwrap_err(),
        registry.send().await.unwrap_err(),
    ] {
        assert!(error.is_validation(), "{error}");
        assert!(error.hint().unwrap().contains("selected by id"), "{error}");
    }
    let put = secrets.put("KEY", "value").access([0; 0]);
    github.inject(
        Fault::reply(422, r#"{"message":"Validation Failed"}"#)
            .at("/secrets/KEY")
            .always(),
    );
    let error = put.send().await.unwrap_err();
    assert!(!error.hint().unwrap().contains("selected by id"), "{error}");
}

#[tokio::test]
async fn a_user_secret_keeps_its_repositories() {
    let github = acme();
    let api = github.add_repository("acme", "api");
    github.seed("codespaces:user", "KEY", "old").selected([api]);
    client(&github)
        .secrets(scope("codespaces:user"))
        .put("KEY", "new")
        .send()
        .await
        .unwrap();
    let secret = github.secret("codespaces:user", "KEY").unwrap();
    assert_eq!(
        (secret.selected_repository_ids, secret.value),
        ([api].into(), b"new".to_vec())
    );
}

#[tokio::test]
async fn a_scope_without_visibility_refuses_one_before_the_wire() {
    let github = acme();
    let secrets = client(&github).secrets(scope("actions:repo/acme/api"));
    let error = secrets
        .put("KEY", "v")
        .access(Visibility::All)
        .send()
        .await
        .unwrap_err();
    assert!(error.is_unsupported(), "{error}");
    let batch = [("KEY", "v", Access::from(Visibility::All))];
    let outcome = secrets.put_all(batch).next().await.unwrap();
    assert!(outcome.result.unwrap_err().is_unsupported());
    assert!(
        secrets
            .set_selected_repositories("KEY", [1])
            .await
            .unwrap_err()
            .is_unsupported()
    );
    assert_eq!(github.request_count(), 0);
}

#[tokio::test]
async fn a_plan_asks_what_a_put_asks_before_it_writes_and_writes_nothing() {
    let github = acme();
    let api = github.add_repository("acme", "api");
    github.seed(ACME, "KEY", "old").selected([api]);
    let secrets = client(&github).secrets(scope(ACME));
    for access in ["keep", "all", "selected:acme/api,1"] {
        let put = secrets
            .put("KEY", "v")
            .access(access.parse::<Access>().unwrap());
        put.plan().await.unwrap();
    }
    for (name, access) in [
        ("NEW", "keep"),
        ("KEY", "selected:acme/none"),
        ("GITHUB_KEY", "all"),
    ] {
        let put = secrets
            .put(name, "v")
            .access(access.parse::<Access>().unwrap());
        let (checked, sent) = (put.plan().await.unwrap_err(), put.send().await.unwrap_err());
        assert!(checked.is_invalid_input(), "{checked}");
        assert_eq!(checked.to_string(), sent.to_string());
    }
    let large = secrets.put("KEY", vec![0; octoseal::secrets::MAX_VALUE_BYTES + 1]);
    assert!(large.plan().await.unwrap_err().is_invalid_input());
    github.inject(Fault::reply(403, "{}").at("/repositories"));
    assert!(secrets.put("KEY", "v").plan().await.is_err());
    assert!(
        github
            .requests()
            .iter()
            .all(|request| request.method == "GET")
    );
    assert_eq!(github.plaintext(ACME, "KEY").unwrap(), b"old");
}

#[tokio::test]
async fn words_of_a_secret_that_are_none_of_githubs_are_not_repeated() {
    let github = acme();
    github.seed(ACME, "KEY", "old").visibility("all");
    github.inject(
        Fault::extra_field("visibility", "ghs_c4narY0c4narY")
            .on("GET")
            .always(),
    );
    let client = octoseal_tests::builder(&github).refuse_unknown_settings();
    let client = client.build().unwrap();
    let put = || client.secrets(scope(ACME)).put("KEY", "new").send();
    let visibility = put().await.unwrap_err();
    github.clear_faults();
    github.inject(
        Fault::extra_field("ghs_c4narY0c4narY", 1)
            .on("GET")
            .always(),
    );
    let setting = put().await.unwrap_err();
    for error in [visibility, setting] {
        let told = format!("{error} {error:?}");
        assert!(
            error.is_invalid_input() && !told.contains("c4nar"),
            "{told}"
        );
    }
}
