//! Lists and their pages.

use octoseal_mock::GitHub;

use super::ask::{acme, get};

fn names(answer: &super::ask::Answer) -> Vec<String> {
    let list = answer.json();
    let secrets = list["secrets"].as_array().expect("a list");
    secrets
        .iter()
        .map(|secret| secret["name"].as_str().expect("a name").to_owned())
        .collect()
}

fn with_secrets(count: usize) -> GitHub {
    let github = GitHub::new();
    for number in 0..count {
        github
            .seed("actions:org/acme", &format!("SECRET_{number:04}"), "value")
            .visibility("all");
    }
    github
}

#[test]
fn a_page_has_thirty_unless_told_otherwise_and_never_more_than_a_hundred() {
    let github = with_secrets(250);
    assert_eq!(names(&get(&github, "/orgs/acme/actions/secrets")).len(), 30);
    assert_eq!(
        names(&get(&github, "/orgs/acme/actions/secrets?per_page=7")).len(),
        7
    );
    assert_eq!(
        names(&get(&github, "/orgs/acme/actions/secrets?per_page=1000")).len(),
        100
    );
    assert_eq!(
        names(&get(
            &github,
            "/orgs/acme/actions/secrets?per_page=0&page=0"
        ))
        .len(),
        30
    );
    assert_eq!(
        names(&get(
            &github,
            "/orgs/acme/actions/secrets?per_page=100&page=3"
        ))
        .len(),
        50
    );
    assert_eq!(
        get(&github, "/orgs/acme/actions/secrets?page=99").json()["total_count"],
        250
    );
}

#[test]
fn links_lead_through_every_page_by_number() {
    let github = with_secrets(250);
    let mut path = "/orgs/acme/actions/secrets?per_page=100".to_owned();
    let mut found = Vec::new();
    loop {
        let answer = get(&github, &path);
        found.extend(names(&answer));
        let link = answer.header("link").expect("more than one page");
        let next = link.split(", ").find(|link| link.ends_with("rel=\"next\""));
        let Some(next) = next else {
            assert!(
                link.contains("rel=\"first\"")
                    && link.contains("rel=\"prev\"")
                    && !link.contains("rel=\"last\"")
            );
            break;
        };
        let url = next.split(['<', '>']).nth(1).expect("an address");
        path = url
            .strip_prefix("https://api.github.com")
            .expect("the same host")
            .to_owned();
        assert!(path.starts_with("/organizations/"), "{path}");
    }
    assert_eq!(found.len(), 250);
    assert!(found.is_sorted());
}

#[test]
fn what_fits_on_one_page_has_no_link() {
    let github = with_secrets(30);
    assert_eq!(
        get(&github, "/orgs/acme/actions/secrets").header("link"),
        None
    );
    assert_eq!(
        get(&github, "/orgs/acme/agents/secrets").json()["total_count"],
        0
    );
}

#[test]
fn links_keep_the_prefix_of_an_enterprise_server() {
    let github = with_secrets(40);
    let answer = get(&github, "/api/v3/orgs/acme/actions/secrets");
    assert!(
        answer
            .header("link")
            .expect("two pages")
            .contains("<https://api.github.com/api/v3/organizations/")
    );
}

#[test]
fn selected_repositories_have_pages_too() {
    let github = GitHub::new();
    let ids: Vec<u64> = (0..45)
        .map(|number| github.add_repository("acme", &format!("repo-{number}")))
        .collect();
    github.seed("actions:org/acme", "TOKEN", "1").selected(ids);
    let answer = get(
        &github,
        "/orgs/acme/actions/secrets/TOKEN/repositories?per_page=40&page=2",
    );
    assert_eq!(
        answer.json()["repositories"]
            .as_array()
            .expect("a list")
            .len(),
        5
    );
    assert!(
        answer
            .header("link")
            .expect("two pages")
            .contains("rel=\"prev\"")
    );
}

#[test]
fn a_repository_lists_the_organization_secrets_that_it_sees() {
    let (github, api, web) = acme();
    github.set_private("acme", "web", false);
    github
        .seed("actions:org/acme", "EVERYBODYS", "1")
        .visibility("all");
    github
        .seed("actions:org/acme", "PRIVATE_ONES", "1")
        .visibility("private");
    github
        .seed("actions:org/acme", "ONLY_API", "1")
        .selected([api]);
    github
        .seed("actions:org/acme", "ONLY_WEB", "1")
        .selected([web]);
    assert_eq!(
        names(&get(
            &github,
            "/repos/acme/api/actions/organization-secrets"
        )),
        ["EVERYBODYS", "ONLY_API", "PRIVATE_ONES"]
    );
    assert_eq!(
        names(&get(
            &github,
            "/repos/acme/web/actions/organization-secrets"
        )),
        ["EVERYBODYS", "ONLY_WEB"]
    );
    // Dependabot has no such list.
    assert_eq!(
        get(&github, "/repos/acme/api/dependabot/organization-secrets").status,
        404
    );
}
