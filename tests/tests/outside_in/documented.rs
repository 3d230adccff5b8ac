//! The documented method and its eight siblings.

use futures_util::TryStreamExt;
use octoseal::{SecretValue, Visibility, Written};
use octoseal_tests::{ACME, acme, client, over_sockets, put, scope};

#[tokio::test]
async fn a_new_secret_is_created_and_opens_to_the_value() {
    let github = acme();
    let receipt = put(&client(&github), "DEPLOY_KEY", "s3cret").await.unwrap();
    assert_eq!(receipt.written, Written::Created);
    assert_eq!(github.plaintext(ACME, "DEPLOY_KEY").unwrap(), b"s3cret");
}

#[tokio::test]
async fn a_second_put_updates() {
    let github = acme();
    let client = client(&github);
    put(&client, "DEPLOY_KEY", "old").await.unwrap();
    assert_eq!(
        put(&client, "deploy_key", "new").await.unwrap().written,
        Written::Updated
    );
    assert_eq!(github.plaintext(ACME, "DEPLOY_KEY").unwrap(), b"new");
    assert_eq!(github.secrets(ACME).len(), 1);
}

#[tokio::test]
async fn values_arrive_byte_for_byte() {
    let github = acme();
    let client = client(&github);
    let values: [SecretValue; 6] = [
        "".into(),
        " \n padded \r\n".into(),
        "schlüssel 🔑".into(),
        vec![0, 255, 13, 10, 0].into(),
        vec![b'x'; octoseal::secrets::MAX_VALUE_BYTES].into(),
        b"\xff\xfe".into(),
    ];
    let expected: [&[u8]; 6] = [
        b"",
        b" \n padded \r\n",
        "schlüssel 🔑".as_bytes(),
        &[0, 255, 13, 10, 0],
        &[b'x'; 49_152],
        b"\xff\xfe",
    ];
    for (value, expected) in values.into_iter().zip(expected) {
        let put = client
            .create_or_update_org_secret("acme", "ANY")
            .value(value);
        put.visibility(Visibility::All).send().await.unwrap();
        assert_eq!(github.plaintext(ACME, "ANY").unwrap(), expected);
    }
}

#[tokio::test]
async fn the_body_has_the_six_documented_parameters() {
    let github = acme();
    let ids = [
        github.add_repository("acme", "api"),
        github.add_repository("acme", "web"),
    ];
    client(&github)
        .create_or_update_org_secret("acme", "DEPLOY_KEY")
        .value("s3cret")
        .visibility(Visibility::Selected(ids.to_vec()))
        .send()
        .await
        .unwrap();
    let requests = github.requests();
    let request = requests.last().unwrap();
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("PUT", "/orgs/acme/actions/secrets/DEPLOY_KEY")
    );
    let body = request.json();
    let fields: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(
        fields,
        [
            "encrypted_value",
            "key_id",
            "selected_repository_ids",
            "visibility"
        ]
    );
    assert_eq!(body["visibility"], "selected");
    assert_eq!(body["selected_repository_ids"], serde_json::json!(ids));
}

#[tokio::test]
async fn a_box_sealed_elsewhere_is_sent_as_it_is() {
    let github = acme();
    let client = client(&github);
    let key = client.get_org_public_key("acme").await.unwrap();
    let sealed = key.key().seal(b"sealed elsewhere").to_base64();
    client
        .create_or_update_org_secret("acme", "DEPLOY_KEY")
        .encrypted_value(&sealed, key.key_id())
        .visibility(Visibility::All)
        .send()
        .await
        .unwrap();
    assert_eq!(
        github.plaintext(ACME, "DEPLOY_KEY").unwrap(),
        b"sealed elsewhere"
    );
    assert_eq!(
        github.requests().last().unwrap().json()["encrypted_value"],
        sealed
    );
}

#[tokio::test]
async fn a_call_without_a_value_sends_none_and_changes_the_visibility_alone() {
    let github = acme();
    github.configure(|settings| settings.value_optional = true);
    github
        .seed(ACME, "DEPLOY_KEY", "kept")
        .visibility("private");
    let client = client(&github);
    let call = client
        .create_or_update_org_secret("acme", "DEPLOY_KEY")
        .visibility(Visibility::All);
    assert_eq!(call.send().await.unwrap().written, Written::Updated);
    let body = github.requests().last().unwrap().json();
    assert_eq!(body, serde_json::json!({ "visibility": "all" }));
    assert_eq!(github.plaintext(ACME, "DEPLOY_KEY").unwrap(), b"kept");
}

#[tokio::test]
async fn github_decides_about_a_call_without_a_value() {
    let github = acme();
    let client = client(&github);
    let call = client
        .create_or_update_org_secret("acme", "DEPLOY_KEY")
        .visibility(Visibility::All);
    let error = call.send().await.unwrap_err();
    assert!(error.is_validation(), "{error}");
    assert!(error.message().unwrap().ends_with("supplied"), "{error}");
}

#[tokio::test]
async fn a_list_comes_whole_over_all_its_pages() {
    let github = acme();
    for number in 0..250 {
        github
            .seed(ACME, &format!("NAME_{number:03}"), "value")
            .visibility("all");
    }
    let client = client(&github);
    let collected = client.list_org_secrets("acme").await.unwrap();
    let names: Vec<String> = collected.iter().map(|secret| secret.name.clone()).collect();
    assert_eq!(
        names,
        (0..250)
            .map(|number| format!("NAME_{number:03}"))
            .collect::<Vec<_>>()
    );
    assert_eq!(github.request_count(), 3);
    let secrets = client.secrets(scope(ACME));
    let streamed: Vec<_> = secrets.list().try_collect().await.unwrap();
    assert_eq!(streamed, collected);
}

#[tokio::test]
async fn get_tells_everything_but_the_value() {
    let github = acme();
    github
        .seed(ACME, "DEPLOY_KEY", "s3cret")
        .visibility("private");
    let secret = client(&github)
        .get_org_secret("acme", "DEPLOY_KEY")
        .await
        .unwrap();
    assert_eq!(secret.name, "DEPLOY_KEY");
    assert_eq!(secret.visibility.as_deref(), Some("private"));
    assert!(secret.created_at.ends_with('Z') && secret.updated_at.ends_with('Z'));
}

#[tokio::test]
async fn delete_removes_and_a_second_delete_is_not_found() {
    let github = acme();
    github.seed(ACME, "DEPLOY_KEY", "s3cret").visibility("all");
    let client = client(&github);
    client
        .delete_org_secret("acme", "DEPLOY_KEY")
        .await
        .unwrap();
    assert!(github.secret(ACME, "DEPLOY_KEY").is_none());
    assert!(
        client
            .delete_org_secret("acme", "DEPLOY_KEY")
            .await
            .unwrap_err()
            .is_not_found()
    );
}

#[tokio::test]
async fn selected_repositories_are_listed_set_added_and_removed() {
    let github = acme();
    let (api, web) = (
        github.add_repository("acme", "api"),
        github.add_repository("acme", "web"),
    );
    github.seed(ACME, "DEPLOY_KEY", "s3cret").selected([api]);
    let client = client(&github);
    let names = async || -> Vec<String> {
        let repositories = client
            .list_selected_repos_for_org_secret("acme", "DEPLOY_KEY")
            .await
            .unwrap();
        repositories
            .into_iter()
            .map(|repository| repository.full_name)
            .collect()
    };
    assert_eq!(names().await, ["acme/api"]);
    client
        .add_selected_repo_to_org_secret("acme", "DEPLOY_KEY", web)
        .await
        .unwrap();
    assert_eq!(names().await, ["acme/api", "acme/web"]);
    client
        .remove_selected_repo_from_org_secret("acme", "DEPLOY_KEY", "acme/api")
        .await
        .unwrap();
    assert_eq!(names().await, ["acme/web"]);
    client
        .set_selected_repos_for_org_secret("acme", "DEPLOY_KEY", ["acme/docs", "acme/api"])
        .await
        .unwrap();
    assert_eq!(names().await, ["acme/api", "acme/docs"]);
    client
        .set_selected_repos_for_org_secret("acme", "DEPLOY_KEY", Vec::<u64>::new())
        .await
        .unwrap();
    assert!(names().await.is_empty());
}

#[tokio::test]
async fn the_same_journey_works_over_sockets() {
    let github = acme();
    let server = github.serve();
    let client = over_sockets(&server.url());
    assert_eq!(
        put(&client, "DEPLOY_KEY", "one").await.unwrap().written,
        Written::Created
    );
    assert_eq!(
        put(&client, "DEPLOY_KEY", "two").await.unwrap().written,
        Written::Updated
    );
    assert_eq!(github.plaintext(ACME, "DEPLOY_KEY").unwrap(), b"two");
    assert_eq!(client.list_org_secrets("acme").await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_enterprise_base_url_keeps_its_path() {
    let github = acme();
    let server = github.serve();
    let client = over_sockets(&format!("{}/api/v3", server.url()));
    put(&client, "DEPLOY_KEY", "value").await.unwrap();
    assert_eq!(github.plaintext(ACME, "DEPLOY_KEY").unwrap(), b"value");
}

#[tokio::test]
async fn n_puts_into_one_scope_cost_n_and_one_requests() {
    let github = acme();
    let client = client(&github);
    for number in 0..20 {
        put(&client, &format!("NAME_{number}"), "value")
            .await
            .unwrap();
    }
    assert_eq!(github.request_count(), 21);
}

#[tokio::test]
async fn every_request_carries_the_headers_github_asks_for() {
    let github = acme();
    put(&client(&github), "DEPLOY_KEY", "value").await.unwrap();
    for request in github.requests() {
        let header = |name: &str| {
            request
                .headers
                .get(name)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(header("accept"), "application/vnd.github+json");
        assert_eq!(header("x-github-api-version"), "2022-11-28");
        assert_eq!(header("authorization"), "Bearer test-token");
        assert!(header("user-agent").starts_with("octoseal/"));
        assert!(request.headers.get("api-version").is_none());
    }
}
