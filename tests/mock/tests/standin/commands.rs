//! What can be said to the stand-in as text.

use octoseal_mock::{Fault, GitHub, Scope};

use super::ask::{ORG, SECRET, bearing, get, put, request, send, visible, with};

const LIST: &str = "/orgs/acme/actions/secrets";

fn told(lines: &[&str]) -> GitHub {
    let github = GitHub::new();
    for line in lines {
        assert_eq!(github.run(line).as_deref(), Ok("ok"), "{line}");
    }
    github
}

#[test]
fn what_exists_can_be_said_in_text() {
    let github = told(&[
        "organization globex",
        "repository acme/api",
        "environment acme/web/prod%2Feu",
        "secret actions:org/acme TOKEN  two words ",
    ]);
    for path in [
        "/orgs/globex",
        "/repos/acme/api",
        "/repos/acme/web/environments/prod%2Feu",
        SECRET,
    ] {
        assert_eq!(get(&github, path).status, 200, "{path}");
    }
    assert_eq!(
        github.plaintext(ORG, "TOKEN").as_deref(),
        Some(&b"two words"[..])
    );
}

#[test]
fn a_plaintext_is_asked_for_in_text() {
    let github = told(&["secret actions:org/acme TOKEN v1"]);
    let ask = |line: &str| github.run(line).expect("an answer");
    assert_eq!(ask("plaintext actions:org/acme TOKEN"), "7631");
    assert_eq!(ask("plaintext actions:org/acme OTHER"), "none");
    assert_eq!(ask("plaintext actions:org/nobody TOKEN"), "none");
}

#[test]
fn tokens_limits_and_latency_are_set_in_text() {
    let github = told(&[
        "organization acme",
        "token good",
        "limits documented",
        "latency 0ms",
    ]);
    let by = |token: &str| send(&github, &bearing(token, request("GET", LIST, None))).status;
    assert_eq!((by("good"), by("bad")), (200, 401));
    assert_eq!(github.run("revoke good").as_deref(), Ok("ok"));
    assert_eq!(by("good"), 401);
    assert_eq!(github.run("requests").as_deref(), Ok("3"));
    assert_eq!(github.run("refusals").as_deref(), Ok("0"));
}

#[test]
fn variables_are_seeded_and_versions_end_in_text() {
    let github = told(&[
        "secret actions/variables:org/acme COLOUR blue",
        "api-version-ends 2022-11-28 0s",
    ]);
    let path = "/orgs/acme/actions/variables/COLOUR";
    assert_eq!(get(&github, path).status, 410);
    let newer = with(
        "x-github-api-version",
        "2026-03-10",
        request("GET", path, None),
    );
    assert_eq!(send(&github, &newer).json()["value"], "blue");
    assert!(github.run("api-version-ends 2022-11-28 soon").is_err());
}

#[test]
fn a_fault_in_text_does_what_its_method_does() {
    let github = told(&[
        "organization acme",
        "fault unicorn on=GET at=/secrets times=2",
        "fault reply 422 after=1 header=x-why:because on=PUT body={\"message\": \"no, thanks\"}",
    ]);
    let statuses: Vec<u16> = (0..3).map(|_| get(&github, LIST).status).collect();
    assert_eq!(statuses, [502, 502, 200]);
    let body = visible(&github, ORG, b"1", "all");
    assert_eq!(put(&github, SECRET, &body).status, 201);
    let refused = put(&github, SECRET, &body);
    assert_eq!(
        (refused.status, refused.header("x-why")),
        (422, Some("because"))
    );
    assert_eq!(refused.message(), "no, thanks");
}

#[test]
fn every_fault_has_a_name() {
    for text in [
        "reply 500",
        "secondary-limit header=retry-after:30",
        "primary-limit 10m",
        "service-unavailable lasting=30s starting-in=10s",
        "unicorn",
        "gateway-timeout",
        "captive-portal",
        "public-key 1 AAAA",
        "rotated-key",
        "slow 200ms",
        "lost-reply",
        "hang",
        "truncated-body",
        "endless-body always",
    ] {
        text.parse::<Fault>()
            .unwrap_or_else(|why| panic!("{text}: {why}"));
    }
}

#[test]
fn what_can_not_be_read_is_refused_with_the_reason_and_changes_nothing() {
    for (line, why) in [
        ("", "no such command"),
        ("fly", "no such command"),
        ("organization", "a name is missing"),
        ("organization two words", "not one name"),
        ("repository acme", "is not OWNER/NAME"),
        ("repository acme/", "is not OWNER/NAME"),
        ("environment acme/api", "is not OWNER/NAME/ENV"),
        ("secret TOKEN value", "is not a scope"),
        ("secret actions:org/acme", "a name is missing"),
        (
            "limits some",
            "does not begin with documented, content or none",
        ),
        ("latency 5", "is not a time"),
        ("latency 99999999999999999h", "is not a time"),
        ("fault unicorns", "no fault called \"unicorns\""),
        ("fault reply", "needs a status"),
        ("fault reply 1000", "is not a status"),
        ("fault slow", "needs a time"),
        ("fault unicorn twice", "can't be said of a fault"),
        ("fault unicorn times=two", "is not a number"),
        ("fault unicorn on=G=T", "is not a method"),
        ("fault unicorn with=hat", "no with="),
        ("fault slow 1s header=a:b", "a reply of their own"),
        ("fault unicorn header=a", "is not a header"),
        ("fault unicorn body=hello", "body= is for reply"),
        ("plaintext TOKEN", "is not a scope"),
    ] {
        let github = GitHub::new();
        let refused = github.run(line).expect_err(line).to_string();
        assert!(refused.contains(why), "{line}: {refused}");
        assert!(github.pending_faults().is_empty());
        assert_eq!(get(&github, "/orgs/acme").status, 404, "{line}");
    }
}

#[test]
fn a_scope_is_read_from_text() {
    assert!("actions:org/acme".parse::<Scope>().is_ok());
    let refused = "acme".parse::<Scope>().expect_err("no scope").to_string();
    assert!(refused.contains("STORE:org/ORG"), "{refused}");
}
