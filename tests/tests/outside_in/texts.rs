//! Names, repositories and access as text and as arguments.

use octoseal::{
    Access, RepositoryRef, Visibility,
    scope::{EnvironmentName, Owner, RepositoryName, RepositoryScope, RepositoryStore, SecretName},
};
use octoseal_tests::{ACME, acme, client, scope};
use proptest::prelude::*;
use serde_json::json;

#[tokio::test]
async fn a_checked_name_is_taken_wherever_a_name_is() {
    let github = acme();
    let (owner, repository) = (
        Owner::new("acme").unwrap(),
        RepositoryName::new("api").unwrap(),
    );
    let name = SecretName::new("DEPLOY_KEY").unwrap();
    let at = RepositoryScope::new(RepositoryStore::Actions, &owner, repository).unwrap();
    let secrets = client(&github).secrets(at);
    secrets.put(&name, "value").send().await.unwrap();
    assert_eq!(secrets.get(name.as_ref()).await.unwrap().name, "DEPLOY_KEY");
    assert_eq!(String::from(name), "DEPLOY_KEY");
}

#[tokio::test]
async fn borrowed_strings_and_lists_are_ordinary_arguments() {
    let github = acme();
    let (value, bytes) = ("from a string".to_owned(), b"from bytes".to_vec());
    let names = vec!["acme/api".to_owned(), "acme/web".to_owned()];
    let ids: Vec<u64> = vec![github.add_repository("acme", "docs")];
    let secrets = client(&github).secrets(scope(ACME));
    let put = secrets.put("KEY", &value).access(&names);
    put.send().await.unwrap();
    let stored = github.secret(ACME, "KEY").unwrap();
    assert_eq!(stored.value, value.as_bytes());
    assert_eq!(stored.selected_repository_ids.len(), 2);
    secrets.put("KEY", &bytes).send().await.unwrap();
    assert_eq!(github.plaintext(ACME, "KEY").unwrap(), bytes);
    let selections = [
        secrets.set_selected_repositories("KEY", &ids).await,
        secrets
            .set_selected_repositories("KEY", &["acme/docs"])
            .await,
        secrets
            .set_selected_repositories("KEY", &[RepositoryRef::from("acme/docs")])
            .await,
    ];
    assert!(selections.iter().all(Result::is_ok), "{selections:?}");
    let stored = github.secret(ACME, "KEY").unwrap();
    assert_eq!(stored.selected_repository_ids, ids.into_iter().collect());
}

#[tokio::test]
async fn no_repository_is_said_by_a_name() {
    let github = acme();
    let api = github.add_repository("acme", "api");
    let secrets = client(&github).secrets(scope(ACME));
    for round in 0..2 {
        github.seed(ACME, "KEY", "value").selected([api]);
        let none = RepositoryRef::NONE;
        match round {
            0 => secrets
                .set_selected_repositories("KEY", none)
                .await
                .map(drop),
            _ => {
                let put = secrets.put("KEY", "value").access(none);
                put.send().await.map(drop)
            }
        }
        .unwrap();
        let stored = github.secret(ACME, "KEY").unwrap();
        assert_eq!(stored.visibility.as_deref(), Some("selected"));
        assert!(stored.selected_repository_ids.is_empty());
    }
}

#[tokio::test]
async fn digits_are_an_id_however_they_are_given() {
    let github = acme();
    let api = github.add_repository("acme", "api");
    let secrets = client(&github).secrets(scope(ACME));
    let put = secrets.put("KEY", "value").access([api.to_string()]);
    put.send().await.unwrap();
    let stored = github.secret(ACME, "KEY").unwrap();
    assert_eq!(stored.selected_repository_ids, [api].into());
}

#[test]
fn text_that_is_no_access_is_refused_and_says_what_is() {
    for text in [
        "",
        "none",
        "All",
        "selected",
        "selected:,",
        "selected:acme/api,",
        "selected:acme/api, acme/web",
        "selected:api",
        "selected:acme/../x",
        "selected:99999999999999999999",
        "selected:+1",
        "selected:-1",
        "private:acme/api",
    ] {
        let error = text.parse::<Access>().unwrap_err();
        assert!(error.is_invalid_input(), "{text:?}: {error}");
    }
    let error = "public\n".parse::<Access>().unwrap_err().to_string();
    assert!(
        error.contains(r#""public\n""#) && error.contains("keep, all, private"),
        "{error}"
    );
    let error = "selected:acme/api,web"
        .parse::<Access>()
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(r#""web""#) && error.contains("owner/name"),
        "{error}"
    );
}

#[test]
fn a_configuration_with_a_name_or_an_access_that_cannot_be_is_refused_as_it_is_read() {
    let read = |access: &str| serde_json::from_value::<Access>(json!(access));
    assert_eq!(read("keep").unwrap(), Access::Keep);
    for wrong in [
        "keep-or:keep",
        "keep-or:",
        "add:api",
        "remove",
        "all:",
        "selected:a/b,",
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    assert!(
        read("everyone")
            .unwrap_err()
            .to_string()
            .contains("everyone")
    );
    assert!(serde_json::from_value::<SecretName>(json!("DEPLOY_KEY")).is_ok());
    assert!(serde_json::from_value::<SecretName>(json!("GITHUB_TOKEN")).is_err());
    assert!(serde_json::from_value::<RepositoryRef>(json!("acme")).is_err());
    let number = serde_json::from_value::<RepositoryRef>(json!(1_296_269)).unwrap();
    assert_eq!(number, RepositoryRef::Id(1_296_269));
    for wrong in [json!(-1), json!(1.5), json!(null), json!(["acme/api"])] {
        let error = serde_json::from_value::<RepositoryRef>(wrong).unwrap_err();
        assert!(error.to_string().contains("owner/name"), "{error}");
    }
    assert!(SecretName::try_from("A-B").is_err());
    assert!(Owner::try_from("a/b".to_owned()).is_err());
}

/// That a value is the same after being text, and after being JSON, which is that text.
macro_rules! comes_back {
    ($kind:ty, $value:expr) => {
        let value: &$kind = $value;
        let text = value.to_string();
        prop_assert_eq!(&text.parse::<$kind>().unwrap(), value);
        let json = serde_json::to_value(value).unwrap();
        prop_assert_eq!(&json, &json!(text));
        prop_assert_eq!(&serde_json::from_value::<$kind>(json).unwrap(), value);
    };
}

fn repository() -> impl Strategy<Value = RepositoryRef> {
    prop_oneof![
        any::<u64>().prop_map(RepositoryRef::Id),
        "[A-Za-z0-9_-]{1,9}/[A-Za-z0-9_-][A-Za-z0-9._-]{0,9}".prop_map(RepositoryRef::Name),
    ]
}

#[test]
fn a_repository_whose_name_looks_like_a_token_is_a_repository() {
    for text in [
        "eyJones/api",
        "acme/ghp_tools",
        "acme/highs_solver",
        "a/-----",
    ] {
        let repository: RepositoryRef = text.parse().unwrap();
        assert_eq!(repository.to_string(), text);
    }
    assert!(format!("{:?}", RepositoryRef::from("acme/highs_solver")).contains("highs_solver"));
}

proptest! {
    #[test]
    fn access_and_repositories_are_one_text_both_ways(
        repositories in proptest::collection::vec(repository(), 0..5),
    ) {
        for repository in &repositories {
            comes_back!(RepositoryRef, repository);
        }
        let ids = repositories.iter().filter_map(|repository| match repository {
            RepositoryRef::Id(id) => Some(*id),
            _ => None,
        });
        for visibility in [Visibility::All, Visibility::Private, Visibility::Selected(ids.collect())] {
            comes_back!(Visibility, &visibility);
        }
        let selected = Access::Selected(repositories.clone());
        let changes = [Access::add(&repositories), Access::remove(&repositories)];
        for access in [Access::Keep, Access::All, Access::Private, selected].into_iter().chain(changes) {
            comes_back!(Access, &access);
            let new = matches!(access, Access::All | Access::Private | Access::Selected(_));
            let kept = Access::keep_or(access).to_string();
            prop_assert_eq!(kept.parse::<Access>().is_ok(), new || kept == "keep");
        }
    }

    #[test]
    fn names_are_one_text_both_ways(text in "[A-Za-z_][A-Za-z0-9_]{0,20}", environment in "[^\\p{Cc}\\\\]{3,20}") {
        prop_assume!(!text.to_ascii_uppercase().starts_with("GITHUB_"));
        comes_back!(SecretName, &SecretName::new(&text).unwrap());
        comes_back!(Owner, &Owner::new(&text).unwrap());
        comes_back!(RepositoryName, &RepositoryName::new(&text).unwrap());
        comes_back!(EnvironmentName, &EnvironmentName::new(environment).unwrap());
    }

    /// Whatever is read from a configuration, what is accepted means one thing only.
    #[test]
    fn what_is_accepted_is_written_the_same_way_again(text in "(selected:)?[0-9a-z/,.:-]{0,12}") {
        if let Ok(access) = text.parse::<Access>() {
            comes_back!(Access, &access);
        }
    }
}

#[test]
fn a_visibility_that_needs_a_look_up_or_a_read_is_refused_with_what_takes_it() {
    for text in ["keep", "selected:acme/api", "selected", "internal", ""] {
        let error = text.parse::<Visibility>().unwrap_err();
        assert!(
            error.is_invalid_input() && error.to_string().contains("Access"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_a_list_gives_can_be_handed_on_and_written_down() {
    let github = acme();
    let client = client(&github);
    let secrets = client.secrets(scope(ACME));
    let value = octoseal::SecretValue::from(std::borrow::Cow::from("v"));
    let put = secrets.put("KEY", &value).access(["acme/api", "acme/web"]);
    put.send().await.unwrap();
    let selected = secrets.selected_repositories("KEY").all().await.unwrap();
    secrets
        .put("OTHER", &value)
        .access(&selected)
        .send()
        .await
        .unwrap();
    let ids = |name| github.secret(ACME, name).unwrap().selected_repository_ids;
    assert_eq!(ids("KEY"), ids("OTHER"));
    let written = serde_json::to_value(secrets.get("KEY").await.unwrap()).unwrap();
    assert_eq!(
        (&written["name"], &written["visibility"]),
        (&json!("KEY"), &json!("selected"))
    );
}
