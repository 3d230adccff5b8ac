//! Any operation of the low-level client, called with the client's tokens, limits, retries and errors.

use std::time::Duration;

use futures_util::TryStreamExt;
use octoseal::api::operations::{self, Cost, Operation};
use octoseal::api::{options, types};
use octoseal::{Applied, Client, Error, operation::Reply};
use octoseal_mock::{Fault, GitHub};
use octoseal_tests::{acme, client};
use serde_json::json;
use tokio::time::Instant;

use crate::app;

const REGION: &str = "REGION";

fn new_variable(name: &str, value: &str) -> types::ActionsCreateOrgVariableBody {
    let body = json!({ "name": name, "value": value, "visibility": "all" });
    serde_json::from_value(body).unwrap()
}

async fn create(client: &Client, name: &str) -> Result<Reply<()>, Error> {
    let body = new_variable(name, "eu");
    let operation = operations::ACTIONS_CREATE_ORG_VARIABLE;
    let call = client.call(operation, async |api| {
        api.actions_create_org_variable("acme", &body).await
    });
    call.send().await
}

async fn read(client: &Client, name: &str) -> Result<String, Error> {
    let operation = operations::ACTIONS_GET_ORG_VARIABLE;
    let call = client.call(operation, async |api| {
        api.actions_get_org_variable("acme", name).await
    });
    Ok(call.send().await?.value.value)
}

async fn update(client: &Client, value: &str) -> Result<Reply<()>, Error> {
    let body = serde_json::from_value(json!({ "value": value })).unwrap();
    let operation = operations::ACTIONS_UPDATE_ORG_VARIABLE;
    let call = client.call(operation, async |api| {
        api.actions_update_org_variable("acme", REGION, &body).await
    });
    call.send().await
}

#[tokio::test(start_paused = true)]
async fn a_variable_is_created_read_updated_and_deleted() {
    let client = client(&acme());
    let created = create(&client, REGION).await.unwrap();
    assert_eq!((created.status, created.attempts), (201, 1));
    assert!(created.request_id.is_some() && created.server_time.is_some());
    assert_eq!(read(&client, REGION).await.unwrap(), "eu");
    assert_eq!(update(&client, "us").await.unwrap().status, 204);
    assert_eq!(read(&client, REGION).await.unwrap(), "us");
    let delete = async || {
        let operation = operations::ACTIONS_DELETE_ORG_VARIABLE;
        let call = client.call(operation, async |api| {
            api.actions_delete_org_variable("acme", REGION).await
        });
        call.send().await
    };
    delete().await.unwrap();
    let error = delete().await.unwrap_err();
    assert!(error.is_not_found());
    let text = error.to_string();
    let begin = "DELETE /orgs/acme/actions/variables/REGION: ";
    assert!(text.starts_with(begin), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_list_of_any_operation_is_read_page_after_page() {
    let github = acme();
    let client = client(&github);
    for n in 0..130 {
        create(&client, &format!("V_{n}")).await.unwrap();
    }
    github.clear_requests();
    let list = || {
        client.list(
            operations::ACTIONS_LIST_ORG_VARIABLES,
            |api, page| async move {
                let mut options = options::ActionsListOrgVariables::default();
                (options.page, options.per_page) = (Some(page.number), Some(page.per_page));
                api.actions_list_org_variables_with("acme", &options).await
            },
        )
    };
    let all = list().all().await.unwrap();
    assert_eq!(all.len(), 130);
    assert!(github.request_count() >= 2);
    let streamed: Vec<_> = list().entries().try_collect().await.unwrap();
    assert_eq!(streamed.len(), 130);
    github.inject(Fault::reply(500, "{}").after(1).always());
    let failed = list().all().await.unwrap_err();
    assert!(failed.is_server_error(), "{failed}");
    github.clear_faults();
    let unmarked = Fault::without_links().and(Fault::without_total_count());
    github.inject(unmarked.always());
    assert_eq!(list().all().await.unwrap().len(), 130);
}

#[tokio::test(start_paused = true)]
async fn a_list_whose_request_asks_for_another_page_is_refused_unsent() {
    let github = acme();
    let client = client(&github);
    let operation = operations::ACTIONS_LIST_ORG_VARIABLES;
    let list = client.list(operation, |api, _| async move {
        api.actions_list_org_variables("acme").await
    });
    let error = list.all().await.unwrap_err();
    assert!(error.is_invalid_input() && error.is_untried(), "{error}");
    let single = operations::ACTIONS_GET_ORG_VARIABLE;
    let list = client.list(single, |api, page| async move {
        let mut options = options::ActionsListOrgVariables::default();
        (options.page, options.per_page) = (Some(page.number), Some(page.per_page));
        api.actions_list_org_variables_with("acme", &options).await
    });
    let error = list.all().await.unwrap_err();
    assert!(error.to_string().contains("no list"), "{error}");
    assert_eq!(github.request_count(), 0);
}

/// Calls with an operation that costs what a description might say, and tells how long that takes.
async fn paced_as(cost: Cost, calls: usize) -> Duration {
    let github = acme();
    let client = client(&github);
    let mut operation = operations::ACTIONS_UPDATE_ORG_VARIABLE;
    operation.cost = cost;
    create(&client, REGION).await.unwrap();
    let body = serde_json::from_value(json!({ "value": "us" })).unwrap();
    let began = Instant::now();
    for _ in 0..calls {
        let call = client.call(operation, async |api| {
            api.actions_update_org_variable("acme", REGION, &body).await
        });
        call.send().await.unwrap();
    }
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn the_mark_of_an_operation_sets_its_pace() {
    let minute = Duration::from_secs(60);
    // 900 points a minute: as many reads, 180 writes, of which 80 may be content.
    assert!(paced_as(Cost::Read, 200).await < minute);
    assert!(paced_as(Cost::Write, 170).await < minute);
    assert!(paced_as(Cost::Write, 190).await >= minute);
    assert!(paced_as(Cost::Content, 90).await >= minute);
}

#[tokio::test(start_paused = true)]
async fn what_is_called_is_what_was_said_or_nothing_is_sent() {
    let github = acme();
    let client = client(&github);
    let said: Operation = operations::ACTIONS_GET_ORG_VARIABLE;
    let other = client.call(said, async |api| {
        api.actions_delete_org_variable("acme", REGION).await
    });
    let error = other.send().await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("actions_delete_org_variable"), "{text}");
    assert!(text.contains("actions/get-org-variable"), "{text}");
    assert!(error.is_invalid_input() && error.is_untried(), "{text}");

    let none = client.call(said, async |_| {
        Err::<octoseal::api::ResponseValue<()>, _>(octoseal::api::Error::InvalidRequest(
            "no".to_owned(),
        ))
    });
    let error = none.send().await.unwrap_err();
    assert!(error.is_invalid_input(), "{error}");
    for name in [".", "..", ""] {
        let error = read(&client, name).await.unwrap_err();
        assert!(error.is_invalid_input() && error.is_untried(), "{error}");
    }
    assert_eq!(github.request_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_call_makes_one_request() {
    let github = acme();
    let client = client(&github);
    create(&client, REGION).await.unwrap();
    github.clear_requests();
    let twice = client.call(operations::ACTIONS_GET_ORG_VARIABLE, async |api| {
        api.actions_get_org_variable("acme", REGION).await?;
        api.actions_get_org_variable("acme", REGION).await
    });
    let error = twice.send().await.unwrap_err();
    assert!(error.to_string().contains("twice"), "{error}");
    assert_eq!(github.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_closure_that_fails_after_its_write_was_sent_is_not_told_as_nothing_done() {
    let github = acme();
    let client = client(&github);
    let body = new_variable(REGION, "eu");
    github.inject(Fault::lost_reply().on("POST").times(1));
    let operation = operations::ACTIONS_CREATE_ORG_VARIABLE;
    let own = client.call(operation, async |api| {
        let made = api.actions_create_org_variable("acme", &body).await;
        made.map_err(|_| octoseal::api::Error::Custom("not made".into()))
    });
    let error = own.send().await.unwrap_err();
    assert_eq!(error.applied(), Applied::Unknown, "{error}");

    github.inject(Fault::lost_reply().on("PATCH").times(1));
    let body = serde_json::from_value(json!({ "value": "us" })).unwrap();
    let operation = operations::ACTIONS_UPDATE_ORG_VARIABLE;
    let twice = client.call(operation, async |api| {
        let first = api.actions_update_org_variable("acme", REGION, &body).await;
        match first {
            Err(_) => api.actions_update_org_variable("acme", REGION, &body).await,
            made => made,
        }
    });
    let error = twice.send().await.unwrap_err();
    assert_eq!(error.applied(), Applied::Unknown, "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_keeps_a_request_from_being_put_together_ends_by_the_deadline() {
    let client = client(&acme()).deadline(Duration::from_secs(5));
    let began = Instant::now();
    let never = client.call(operations::ACTIONS_GET_ORG_VARIABLE, async |api| {
        std::future::pending::<()>().await;
        api.actions_get_org_variable("acme", REGION).await
    });
    let error = never.send().await.unwrap_err();
    assert_eq!(error.kind(), octoseal::ErrorKind::Timeout, "{error}");
    assert_eq!(error.applied(), Applied::No);
    assert_eq!(began.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_post_is_not_repeated_after_it_may_have_been_carried_out_and_the_rest_is() {
    let github = acme();
    let client = client(&github);
    github.inject(Fault::server_error().on("POST").times(1));
    let error = create(&client, REGION).await.unwrap_err();
    assert!(error.is_server_error());
    assert_eq!((error.attempts(), error.applied()), (1, Applied::Unknown));
    create(&client, REGION).await.unwrap();
    github.inject(Fault::server_error().on("PATCH").times(2));
    assert_eq!(update(&client, "us").await.unwrap().attempts, 3);
}

#[tokio::test(start_paused = true)]
async fn the_path_says_whose_token_is_wanted() {
    let github = app::installed();
    let client = app::client(&github, app::app());
    create(&client, REGION).await.unwrap();
    assert_eq!(app::count(&github, "/orgs/acme/installation"), 1);
    let list = client.list(
        operations::ACTIONS_LIST_REPO_VARIABLES,
        |api, page| async move {
            let mut options = options::ActionsListRepoVariables::default();
            (options.page, options.per_page) = (Some(page.number), Some(page.per_page));
            api.actions_list_repo_variables_with("acme", "api", &options)
                .await
        },
    );
    assert_eq!(list.all().await.unwrap().len(), 0);
    let other = client.call(operations::ACTIONS_GET_ORG_VARIABLE, async |api| {
        api.actions_get_org_variable("acme", REGION).await
    });
    let error = other.owned_by("elsewhere").send().await.unwrap_err();
    assert!(error.to_string().contains("elsewhere"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn whose_token_is_wanted_does_not_hang_on_what_pieces_of_a_path_are_called() {
    let github = app::installed();
    let mut operation = operations::REPOS_GET;
    operation.path = "/repos/{holder}/{name}";
    let client = app::client(&github, app::app());
    let call = client.call(operation, async |api| api.repos_get("acme", "api").await);
    call.send().await.unwrap();
    let mut operation = operations::ACTIONS_LIST_ORG_VARIABLES;
    operation.path = "/orgs/{organization}/actions/variables";
    let client = app::client(&github, app::app());
    let call = client.call(operation, async |api| {
        api.actions_list_org_variables("acme").await
    });
    call.send().await.unwrap();
    assert_eq!(app::count(&github, "/orgs/acme/installation"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_of_any_operation_can_run_as_a_task() {
    let client = client(&acme());
    let names = ["ONE".to_owned(), "TWO".to_owned()];
    let tasks = names.map(|name| {
        let client = client.clone();
        tokio::spawn(async move {
            create(&client, &name).await?;
            let operation = operations::ACTIONS_GET_ORG_VARIABLE;
            let call = client.call(operation, async |api| {
                api.actions_get_org_variable("acme", &name).await
            });
            Ok::<_, Error>(call.send().await?.value.name)
        })
    });
    for (task, name) in tasks.into_iter().zip(["ONE", "TWO"]) {
        assert_eq!(task.await.unwrap().unwrap(), name);
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_any_operation_holds_neither_token_nor_value() {
    let github: GitHub = acme();
    let client = client(&github);
    let echo = r#"{"message":"hunter2-hunter2 is no value, said test-token"}"#;
    github.inject(Fault::reply(422, echo).on("POST").times(1));
    let body = new_variable(REGION, "hunter2-hunter2");
    let call = client.call(operations::ACTIONS_CREATE_ORG_VARIABLE, async |api| {
        api.actions_create_org_variable("acme", &body).await
    });
    let error = call.send().await.unwrap_err();
    assert!(error.is_validation());
    let told = format!("{error} {error:?}");
    assert!(
        !told.contains("hunter2") && !told.contains("test-token"),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_variable_of_an_environment_is_reached_by_a_name_with_a_slash() {
    let github = acme();
    github.add_environment("acme", "api", "prod/eu");
    let client = client(&github);
    let body = serde_json::from_value(json!({ "name": REGION, "value": "eu" })).unwrap();
    let operation = operations::ACTIONS_CREATE_ENVIRONMENT_VARIABLE;
    let call = client.call(operation, async |api| {
        api.actions_create_environment_variable("acme", "api", "prod/eu", &body)
            .await
    });
    call.send().await.unwrap();
    let operation = operations::ACTIONS_LIST_ENVIRONMENT_VARIABLES;
    let list = client.list(operation, |api, page| async move {
        let mut options = options::ActionsListEnvironmentVariables::default();
        (options.page, options.per_page) = (Some(page.number), Some(page.per_page));
        api.actions_list_environment_variables_with("acme", "api", "prod/eu", &options)
            .await
    });
    let names: Vec<_> = list.all().await.unwrap();
    assert_eq!(names[0].value, "eu");
}

#[test]
fn plain_text_is_no_sealed_value_in_any_body_that_has_one() {
    use octoseal::api::stores::registries::Write;
    let bodies = [
        serde_json::from_value::<types::ActionsCreateOrUpdateOrgSecretBody>(
            json!({ "encrypted_value": "hunter2", "key_id": "1", "visibility": "all" }),
        )
        .err(),
        serde_json::from_value::<types::PrivateRegistriesUpdateOrgPrivateRegistryBody>(
            json!({ "encrypted_value": "hunter2", "key_id": "1" }),
        )
        .err(),
    ];
    for refusal in bodies {
        let text = refusal.unwrap().to_string();
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert_eq!(
        Write::default().encrypted_value,
        None::<octoseal::api::EncryptedValue>
    );
}
