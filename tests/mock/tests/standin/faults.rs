//! Faults on order: which requests they strike, and what those suffer.

use std::time::Duration;

use octoseal_mock::{Fault, GitHub};
use serde_json::json;

use super::ask::{ORG, SECRET, acme, bearing, get, put, request, send, send_at, visible};

const LIST: &str = "/orgs/acme/actions/secrets";

fn statuses(github: &GitHub, requests: usize) -> Vec<u16> {
    (0..requests).map(|_| get(github, LIST).status).collect()
}

#[test]
fn a_fault_strikes_once_unless_told_otherwise() {
    let (github, ..) = acme();
    github.inject(Fault::service_unavailable());
    assert_eq!(statuses(&github, 2), [503, 200]);
    github.inject(Fault::unicorn().times(2));
    assert_eq!(statuses(&github, 3), [502, 502, 200]);
    github.inject(Fault::gateway_timeout().after(1));
    assert_eq!(statuses(&github, 3), [200, 504, 200]);
    github.inject(Fault::reply(500, "").always());
    assert_eq!(statuses(&github, 4), [500; 4]);
    github.clear_faults();
    assert_eq!(statuses(&github, 1), [200]);
}

#[test]
fn a_fault_strikes_what_it_fits() {
    let (github, ..) = acme();
    github.inject(
        Fault::service_unavailable()
            .on("PUT")
            .at("/secrets/TOKEN")
            .always(),
    );
    let body = visible(&github, ORG, b"1", "all");
    assert_eq!(get(&github, SECRET).status, 404);
    assert_eq!(
        put(&github, "/orgs/acme/actions/secrets/OTHER", &body).status,
        201
    );
    let struck = put(&github, SECRET, &body);
    assert_eq!(
        (struck.status, struck.message().as_str()),
        (503, "Secrets service unavailable")
    );
    assert_eq!(github.secret(ORG, "TOKEN"), None);
}

#[test]
fn of_two_faults_the_first_ordered_strikes_first() {
    let (github, ..) = acme();
    github.inject(Fault::reply(500, ""));
    github.inject(Fault::reply(502, ""));
    assert_eq!(statuses(&github, 3), [500, 502, 200]);
}

#[test]
fn an_outage_has_a_beginning_and_an_end() {
    let (github, ..) = acme();
    let start = github.now();
    github.inject(
        Fault::service_unavailable()
            .starting_in(Duration::from_secs(10))
            .lasting(Duration::from_secs(60)),
    );
    let at = |seconds| {
        send_at(
            &github,
            start + Duration::from_secs(seconds),
            &request("GET", LIST, None),
        )
        .status
    };
    assert_eq!(
        [at(1), at(11), at(12), at(69), at(71)],
        [200, 503, 503, 503, 200]
    );
    github.inject(Fault::service_unavailable().lasting(Duration::from_secs(5)));
    assert_eq!(statuses(&github, 2), [503, 503]);
}

#[test]
fn pages_of_html_are_html() {
    let (github, ..) = acme();
    github.inject(Fault::unicorn());
    github.inject(Fault::captive_portal());
    let (unicorn, portal) = (get(&github, LIST), get(&github, LIST));
    assert_eq!(
        (unicorn.status, unicorn.header("content-type")),
        (502, Some("text/html; charset=utf-8"))
    );
    assert!(unicorn.text.contains("Unicorn!"));
    assert_eq!(
        (portal.status, portal.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
}

#[test]
fn a_secondary_limit_has_plenty_left_and_says_when_to_come_back_only_if_told_to() {
    let (github, ..) = acme();
    github.inject(Fault::secondary_limit());
    github.inject(Fault::secondary_limit().header("retry-after", "30"));
    let (silent, spoken) = (get(&github, LIST), get(&github, LIST));
    for answer in [&silent, &spoken] {
        assert_eq!(answer.status, 403);
        assert!(
            answer
                .message()
                .starts_with("You have exceeded a secondary rate limit")
        );
        let page = answer.json()["documentation_url"]
            .as_str()
            .expect("a page")
            .to_owned();
        assert!(page.ends_with("#about-secondary-rate-limits"));
        assert!(
            answer
                .header("x-ratelimit-remaining")
                .expect("a number")
                .parse::<u32>()
                .expect("a number")
                > 1_000
        );
    }
    assert_eq!(
        (silent.header("retry-after"), spoken.header("retry-after")),
        (None, Some("30"))
    );
}

#[test]
fn a_primary_limit_says_when_it_ends() {
    let (github, ..) = acme();
    github.inject(Fault::primary_limit(Duration::from_secs(120)));
    let now = github.now();
    let answer = send_at(&github, now, &request("GET", LIST, None));
    assert_eq!(
        (answer.status, answer.header("x-ratelimit-remaining")),
        (403, Some("0"))
    );
    assert_eq!(
        answer.header("x-ratelimit-reset"),
        Some((now.as_secs() + 120).to_string().as_str())
    );
}

#[test]
fn a_key_can_rotate_between_get_and_put() {
    let (github, ..) = acme();
    github.inject(Fault::rotated_key().on("PUT"));
    let body = visible(&github, ORG, b"1", "all");
    assert_eq!(put(&github, SECRET, &body).status, 422);
    assert_eq!(
        put(&github, SECRET, &visible(&github, ORG, b"1", "all")).status,
        201
    );
}

#[test]
fn a_public_key_can_be_no_key() {
    let (github, ..) = acme();
    github.inject(Fault::public_key("1", "not base64"));
    assert_eq!(get(&github, LIST).status, 200);
    let path = format!("{LIST}/public-key");
    assert_eq!(
        get(&github, &path).json(),
        json!({ "key_id": "1", "key": "not base64" })
    );
    assert_ne!(get(&github, &path).json()["key"], "not base64");
}

#[test]
fn a_reply_can_be_changed_on_its_way() {
    let (github, ..) = acme();
    github.inject(Fault::change(|mut reply| {
        reply.headers_mut().insert(
            "link",
            "<https://evil.example/>; rel=\"next\""
                .parse()
                .expect("a header's value"),
        );
        reply.headers_mut().remove("date");
        reply
    }));
    let answer = get(&github, LIST);
    assert_eq!(
        answer.header("link"),
        Some("<https://evil.example/>; rel=\"next\"")
    );
    assert_eq!((answer.status, answer.header("date")), (200, None));
}

#[test]
fn a_redirect_can_lead_anywhere() {
    let (github, ..) = acme();
    github.inject(Fault::reply(307, "").header("location", "https://evil.example/"));
    let answer = get(&github, LIST);
    assert_eq!(
        (answer.status, answer.header("location")),
        (307, Some("https://evil.example/"))
    );
}

#[test]
fn a_fault_is_pending_until_it_has_struck_as_often_as_ordered() {
    let (github, ..) = acme();
    let pending = || github.pending_faults().len();
    assert_eq!(pending(), 0);
    github.inject(Fault::unicorn().times(2).after(1));
    let seen: Vec<usize> = (0..3)
        .map(|_| {
            get(&github, LIST);
            pending()
        })
        .collect();
    assert_eq!(seen, [1, 1, 0]);
    // What strikes always is done with its first strike, though it goes on.
    github.inject(Fault::unicorn().always());
    assert_eq!(pending(), 1);
    assert_eq!((statuses(&github, 2), pending()), (vec![502, 502], 0));
}

#[test]
fn a_fault_that_fits_nothing_stays_pending_and_says_what_it_was() {
    let (github, ..) = acme();
    github.inject(Fault::reply(500, "").at("/dependabto/").always());
    github.inject(Fault::unicorn().lasting(Duration::from_secs(5)).on("PUT"));
    let later = github.now() + Duration::from_secs(60);
    assert_eq!(
        send_at(&github, later, &request("GET", LIST, None)).status,
        200
    );
    let pending = format!("{:?}", github.pending_faults());
    assert!(
        pending.contains("/dependabto/") && pending.contains("PUT"),
        "{pending}"
    );
    github.clear_faults();
    assert!(github.pending_faults().is_empty());
}

#[test]
fn a_primary_limit_takes_headers_as_any_reply_does() {
    let (github, ..) = acme();
    let limit = Fault::primary_limit(Duration::from_secs(120)).header("x-ratelimit-reset", "soon");
    github.inject(limit.header("retry-after", "7"));
    let answer = get(&github, LIST);
    assert_eq!(answer.header("x-ratelimit-reset"), Some("soon"));
    assert_eq!(answer.header("retry-after"), Some("7"));
}

#[test]
#[should_panic(expected = "sends no reply of its own")]
fn a_header_for_a_fault_without_a_reply_is_a_mistake() {
    let _ = Fault::rotated_key().header("retry-after", "7");
}

#[test]
fn requests_are_recorded_struck_or_not() {
    let (github, ..) = acme();
    github.inject(Fault::service_unavailable());
    get(&github, &format!("{LIST}?page=2"));
    put(&github, SECRET, &visible(&github, ORG, b"1", "all"));
    let requests = github.requests();
    assert_eq!(
        (requests[0].status, requests[0].query.as_deref()),
        (503, Some("page=2"))
    );
    assert_eq!(
        (requests[1].method.as_str(), requests[1].path.as_str()),
        ("PUT", SECRET)
    );
    assert_eq!(requests[1].json()["visibility"], "all");
    assert!(requests[1].headers["authorization"].is_sensitive());
    github.clear_requests();
    assert_eq!((github.requests().len(), github.request_count()), (0, 0));
}

#[test]
fn recording_is_bounded_and_can_be_turned_off() {
    let (github, ..) = acme();
    github.configure(|settings| settings.remembered_requests = 3);
    for page in 0..10 {
        get(&github, &format!("{LIST}?page={page}"));
    }
    let kept: Vec<_> = github
        .requests()
        .into_iter()
        .filter_map(|request| request.query)
        .collect();
    assert_eq!(kept, ["page=7", "page=8", "page=9"]);
    assert_eq!(github.request_count(), 10);
    github.clear_requests();
    github.configure(|settings| settings.remembered_requests = 0);
    get(&github, LIST);
    assert_eq!((github.requests().len(), github.request_count()), (0, 1));
}

#[test]
fn nothing_prints_a_token_or_a_value() {
    let (github, ..) = acme();
    let token = github.add_token("canary-token");
    let seeded = github.seed(ORG, "TOKEN", "canary-value");
    let body = json!({ "encrypted_value": "canary-body" });
    send(
        &github,
        &bearing("canary-token", request("PUT", SECRET, Some(&body))),
    );
    let printed = format!(
        "{token:?} {seeded:?} {github:?} {:?} {:?} {:?}",
        github.requests(),
        github.secret(ORG, "TOKEN"),
        Fault::reply(200, "canary-reply"),
    );
    assert!(!printed.contains("canary"), "{printed}");
}
