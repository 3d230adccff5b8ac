//! Faults that change what GitHub shows, and which requests they strike.

use std::time::Duration;

use octoseal_mock::{Fault, GitHub, Identity};
use serde_json::{Value, json};

use super::ask::{
    Answer, ORG, SECRET, acme, bearing, delete, get, put, request, send, send_at, visible,
};

const LIST: &str = "/orgs/acme/actions/secrets";

fn with_secrets(number: usize) -> GitHub {
    let (github, ..) = acme();
    for number in 0..number {
        github
            .seed(ORG, &format!("S{number:03}"), "1")
            .visibility("all");
    }
    github
}

fn names(answer: &Answer) -> usize {
    answer.json()["secrets"].as_array().expect("a list").len()
}

#[test]
fn single_sign_on_hides_entries_and_their_number_and_says_so() {
    let github = with_secrets(10);
    github.inject(Fault::partial_results(4));
    let (short, whole) = (get(&github, LIST), get(&github, LIST));
    assert_eq!(
        (names(&short), &short.json()["total_count"]),
        (6, &json!(6))
    );
    let partial = short.header("x-github-sso").expect("a header");
    assert!(
        partial.starts_with("partial-results; organizations="),
        "{partial}"
    );
    assert_eq!((names(&whole), whole.header("x-github-sso")), (10, None));
}

#[test]
fn pages_come_shorter_than_asked_and_lead_on() {
    let github = with_secrets(10);
    github.inject(Fault::short_pages(4).always());
    let page = get(&github, &format!("{LIST}?per_page=100"));
    assert_eq!((names(&page), &page.json()["total_count"]), (4, &json!(10)));
    assert!(
        page.header("link")
            .expect("links")
            .contains("page=2>; rel=\"next\"")
    );
    assert_eq!(
        names(&get(&github, &format!("{LIST}?per_page=100&page=3"))),
        2
    );
}

#[test]
fn links_can_be_missing_name_another_host_or_lead_nowhere_else() {
    let github = with_secrets(10);
    let page = |fault: Fault| {
        github.inject(fault);
        let answer = get(&github, &format!("{LIST}?per_page=4&page=2"));
        answer.header("link").map(str::to_owned)
    };
    assert_eq!(page(Fault::without_links()), None);
    let elsewhere = page(Fault::links_to("proxy.example:8443")).expect("links");
    assert!(
        elsewhere.contains("<https://proxy.example:8443/organizations/"),
        "{elsewhere}"
    );
    assert!(!elsewhere.contains("api.github.com"), "{elsewhere}");
    let itself = page(Fault::links_to_itself()).expect("links");
    assert!(itself.contains("page=2>; rel=\"next\""), "{itself}");
}

#[test]
fn a_total_can_lie_or_be_missing() {
    let github = with_secrets(3);
    github.inject(Fault::total_count(7));
    github.inject(Fault::without_total_count());
    assert_eq!(get(&github, LIST).json()["total_count"], 7);
    assert_eq!(get(&github, LIST).json().get("total_count"), None);
}

#[test]
fn fields_can_be_missing_null_or_more_in_a_secret_and_in_a_list() {
    let github = with_secrets(1);
    let changed = |fault: Fault| -> [Value; 2] {
        github.inject(fault.times(2));
        let alone = get(&github, &format!("{LIST}/S000")).json();
        [alone, get(&github, LIST).json()["secrets"][0].clone()]
    };
    for shown in changed(Fault::without_field("created_at")) {
        assert!(shown.get("created_at").is_none() && shown["name"] == "S000");
    }
    for shown in changed(Fault::null_field("updated_at")) {
        assert_eq!(shown.get("updated_at"), Some(&Value::Null));
    }
    for shown in changed(Fault::extra_field("branches", json!(["main"]))) {
        assert_eq!(shown["branches"], json!(["main"]));
    }
}

#[test]
fn a_read_after_a_write_can_show_the_state_before_it() {
    let github = with_secrets(1);
    let start = github.now();
    let at = |seconds: u64, method: &str, path: &str, body: Option<&Value>| {
        send_at(
            &github,
            start + Duration::from_secs(seconds),
            &request(method, path, body),
        )
    };
    let path = format!("{LIST}/S000");
    let body = visible(&github, ORG, b"2", "private");
    assert_eq!(at(10, "PUT", &path, Some(&body)).status, 204);
    assert_eq!(at(11, "PUT", SECRET, Some(&body)).status, 201);
    github.inject(Fault::stale_read(Duration::from_secs(5)).always());
    assert_eq!(at(12, "GET", &path, None).json()["visibility"], "all");
    assert_eq!(at(12, "GET", SECRET, None).status, 404);
    assert_eq!(at(12, "GET", LIST, None).json()["total_count"], 1);
    assert_eq!(at(16, "GET", &path, None).json()["visibility"], "private");
    assert_eq!(at(17, "GET", LIST, None).json()["total_count"], 2);
}

#[test]
fn a_list_can_change_between_two_of_its_pages() {
    let github = with_secrets(6);
    let gone = |github: &GitHub| github.delete_secret(ORG, "S000");
    github.inject(Fault::meanwhile(gone).at("/secrets").after(1));
    let page = |number: u8| get(&github, &format!("{LIST}?per_page=3&page={number}")).json();
    let (first, second) = (page(1), page(2));
    assert_eq!(
        (&first["total_count"], &second["total_count"]),
        (&json!(6), &json!(5))
    );
    // S003 moved to the first page after that had been read.
    assert_eq!(second["secrets"][0]["name"], "S004");
}

#[test]
fn effects_of_several_faults_come_together() {
    let github = with_secrets(10);
    github.inject(
        Fault::short_pages(4)
            .and(Fault::without_links())
            .and(Fault::total_count(4)),
    );
    let page = get(&github, LIST);
    assert_eq!((names(&page), page.header("link")), (4, None));
    assert_eq!(page.json()["total_count"], 4);
}

#[test]
fn a_fault_can_strike_one_identity_alone() {
    let (github, ..) = acme();
    github.add_token("one").user("mona");
    github.add_token("two").user("hubot");
    github.inject(
        Fault::service_unavailable()
            .by(Identity::user("mona"))
            .always(),
    );
    let by = |token: &str| send(&github, &bearing(token, request("GET", LIST, None))).status;
    assert_eq!((by("one"), by("two")), (503, 200));
}

#[test]
fn a_token_can_be_unknown_in_its_first_moments() {
    for (fault, status) in [
        (Fault::bad_credentials(), 401),
        (Fault::forbidden(), 403),
        (Fault::not_found(), 404),
    ] {
        let (github, ..) = acme();
        github.add_token("fresh");
        github.inject(
            fault
                .with_token_younger_than(Duration::from_secs(2))
                .always(),
        );
        let start = github.now();
        let asked = bearing("fresh", request("GET", LIST, None));
        let at = |seconds| send_at(&github, start + Duration::from_secs(seconds), &asked).status;
        assert_eq!([at(1), at(3)], [status, 200]);
    }
}

#[test]
fn a_request_without_its_token_meets_the_limit_of_its_address() {
    let (github, ..) = acme();
    github.inject(Fault::anonymous_limit());
    let refused = get(&github, LIST);
    assert_eq!(
        (refused.status, refused.header("x-ratelimit-limit")),
        (403, Some("60"))
    );
    assert!(
        refused
            .message()
            .contains("Authenticated requests get a higher rate limit")
    );
}

#[test]
fn what_is_not_from_github_has_no_request_id() {
    let (github, ..) = acme();
    let faults = [
        (Fault::firewall(), 403),
        (Fault::proxy_authentication(), 407),
        (Fault::captive_portal(), 200),
        (Fault::foreign_reply(201, "ok"), 201),
        (Fault::foreign_reply(204, ""), 204),
        (Fault::foreign_reply(403, ""), 403),
    ];
    for (fault, status) in faults {
        github.inject(fault);
        let answer = put(&github, SECRET, &visible(&github, ORG, b"1", "all"));
        assert_eq!(
            (answer.status, answer.header("x-github-request-id")),
            (status, None)
        );
    }
    assert_eq!(github.secret(ORG, "TOKEN"), None);
    github.inject(Fault::limit_page());
    let page = delete(&github, SECRET);
    assert!(page.status == 429 && page.text.contains("Whoa there!"));
    assert!(page.header("x-github-request-id").is_some());
}
