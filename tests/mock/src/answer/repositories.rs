//! Repositories as GitHub shows them.

use serde_json::{Map, Value, json};

use crate::world::{Repository, World};

/// The addresses that a shown repository carries: what each is called, and what comes after the repository's own.
const URLS: [(&str, &str); 36] = [
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    (
        "notifications_url",
        "/notifications{?since,all,participating}",
    ),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
];

/// An organization or user inside another object.
pub(crate) fn account(login: &str, id: u64, kind: &str, root: &str) -> Value {
    json!({
        "login": login,
        "id": id,
        "node_id": format!("O_{id}"),
        "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"),
        "gravatar_id": "",
        "url": format!("{root}/users/{login}"),
        "html_url": format!("https://github.com/{login}"),
        "repos_url": format!("{root}/users/{login}/repos"),
        "type": kind,
        "site_admin": false,
    })
}

/// A repository in a list.
pub(crate) fn minimal(world: &World, repository: &Repository, root: &str) -> Value {
    let (login, name) = (world.owner_of(repository), repository.name.as_str());
    let url = format!("{root}/repos/{login}/{name}");
    let mut shown = Map::from_iter([
        ("id".to_owned(), json!(repository.id)),
        ("node_id".to_owned(), json!(format!("R_{}", repository.id))),
        ("name".to_owned(), json!(name)),
        ("full_name".to_owned(), json!(format!("{login}/{name}"))),
        (
            "owner".to_owned(),
            account(login, repository.owner, "Organization", root),
        ),
        ("private".to_owned(), json!(repository.private)),
        (
            "html_url".to_owned(),
            json!(format!("https://github.com/{login}/{name}")),
        ),
        ("description".to_owned(), Value::Null),
        ("fork".to_owned(), json!(false)),
    ]);
    shown.extend(
        URLS.iter()
            .map(|(name, rest)| ((*name).to_owned(), json!(format!("{url}{rest}")))),
    );
    shown.insert("url".to_owned(), json!(url));
    Value::Object(shown)
}

/// A repository asked for by name.
pub(crate) fn full(world: &World, repository: &Repository, root: &str) -> Value {
    let mut shown = minimal(world, repository, root);
    shown["archived"] = json!(repository.archived);
    shown["disabled"] = json!(false);
    shown["visibility"] = json!(if repository.private {
        "private"
    } else {
        "public"
    });
    shown["default_branch"] = json!("main");
    shown["permissions"] =
        json!({ "admin": true, "maintain": true, "push": true, "triage": true, "pull": true });
    shown
}
