//! The limits that GitHub documents, when they are enforced.

use std::time::Duration;

use octoseal_mock::{GitHub, Limits};

use super::ask::{Answer, acme, bearing, request, send_at};

const LIST: &str = "/orgs/acme/actions/secrets";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Sends a request `after` the beginning.
struct At {
    github: GitHub,
    start: Duration,
}

impl At {
    fn new(change: impl FnOnce(&mut Limits)) -> Self {
        let (github, ..) = acme();
        let mut limits = Limits::none();
        change(&mut limits);
        github.set_limits(limits);
        Self {
            start: github.now(),
            github,
        }
    }

    fn send(&self, after: Duration, method: &str) -> Answer {
        // A write that is refused for its body counts like any other.
        send_at(
            &self.github,
            self.start + after,
            &request(method, LIST, None),
        )
    }

    fn admitted(&self, after: Duration, method: &str) -> bool {
        self.send(after, method).status != 403
    }
}

#[test]
fn without_limits_nothing_is_refused_and_the_counters_never_run_out() {
    let (github, ..) = acme();
    for _ in 0..6_000 {
        let answer = send_at(&github, github.now(), &request("GET", LIST, None));
        assert_eq!(answer.status, 200);
        assert_ne!(answer.header("x-ratelimit-remaining"), Some("0"));
    }
}

#[test]
fn a_minute_has_room_for_so_much_content_wherever_the_minute_begins() {
    let at = At::new(|limits| limits.content_a_minute = Some(80));
    assert!((0..40).all(|_| at.admitted(seconds(0), "PUT")));
    assert!((0..40).all(|_| at.admitted(seconds(50), "PUT")));
    // Sixty seconds after the first forty there is room for forty more.
    assert!((0..40).all(|_| at.admitted(seconds(60), "PUT")));
    let refused = at.send(seconds(61), "PUT");
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (403, Some("60"))
    );
    assert!(
        refused
            .message()
            .starts_with("You have exceeded a secondary rate limit")
    );
    assert_eq!(at.github.refusals(), 1);
}

#[test]
fn deleting_and_reading_create_no_content() {
    let at = At::new(|limits| limits.content_an_hour = Some(1));
    assert!((0..10).all(|_| at.admitted(seconds(0), "DELETE") && at.admitted(seconds(0), "GET")));
    assert!(at.admitted(seconds(0), "POST"));
    assert!(!at.admitted(seconds(1), "PATCH"));
}

#[test]
fn a_write_costs_five_points_and_a_read_one() {
    let at = At::new(|limits| limits.points_a_minute = Some(900));
    assert!((0..179).all(|_| at.admitted(seconds(0), "DELETE")));
    assert!((0..5).all(|_| at.admitted(seconds(0), "GET")));
    assert!(!at.admitted(seconds(0), "GET"));
}

#[test]
fn after_a_refusal_everything_is_refused_until_the_penalty_is_over() {
    let at = At::new(|limits| limits.content_a_minute = Some(1));
    assert!(at.admitted(seconds(0), "PUT"));
    assert!(!at.admitted(seconds(10), "PUT"));
    let refused = at.send(seconds(40), "GET");
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (403, Some("30"))
    );
    assert!(at.admitted(seconds(70), "GET"));
    assert_eq!(at.github.refusals(), 2);
}

#[test]
fn a_refusal_can_be_429_and_can_keep_the_time_to_itself() {
    let at = At::new(|limits| {
        limits.content_a_minute = Some(0);
        limits.status = 429;
        limits.retry_after = false;
    });
    let refused = at.send(seconds(0), "PUT");
    assert_eq!((refused.status, refused.header("retry-after")), (429, None));
}

#[test]
fn the_primary_limit_begins_anew_an_hour_after_its_first_request() {
    let at = At::new(|limits| limits.requests_an_hour = Some(3));
    let left: Vec<_> = (0..3)
        .map(|second| {
            at.send(seconds(second), "GET")
                .header("x-ratelimit-remaining")
                .map(str::to_owned)
        })
        .collect();
    assert_eq!(
        left,
        [
            Some("2".to_owned()),
            Some("1".to_owned()),
            Some("0".to_owned())
        ]
    );
    let refused = at.send(seconds(1_800), "GET");
    assert!(refused.message().starts_with("API rate limit exceeded"));
    assert_eq!(
        (refused.status, refused.header("x-ratelimit-remaining")),
        (403, Some("0"))
    );
    let reset = (at.start + seconds(3_600)).as_secs().to_string();
    assert_eq!(refused.header("x-ratelimit-reset"), Some(reset.as_str()));
    assert_eq!(refused.header("retry-after"), None);
    assert!(at.admitted(seconds(3_600), "GET"));
}

#[test]
fn writes_can_be_made_to_keep_their_distance() {
    let at = At::new(|limits| limits.between_writes = Some(seconds(1)));
    assert!(at.admitted(seconds(0), "PUT"));
    assert!(at.admitted(Duration::from_millis(500), "GET"));
    assert!(at.admitted(seconds(1), "PUT"));
    assert!(!at.admitted(Duration::from_millis(1_999), "DELETE"));
}

#[test]
fn tokens_of_one_user_share_their_limits_and_other_users_do_not() {
    let at = At::new(|limits| limits.requests_an_hour = Some(1));
    at.github.add_token("one");
    at.github.add_token("two");
    at.github.add_token("other").user("hubot");
    let by = |token: &str| {
        let request = bearing(token, request("GET", LIST, None));
        send_at(&at.github, at.start, &request).status
    };
    assert_eq!((by("one"), by("two"), by("other")), (200, 403, 200));
}

#[test]
fn ten_thousand_writes_under_every_limit_take_no_time_to_count() {
    let (github, ..) = acme();
    let mut limits = Limits::documented();
    limits.requests_an_hour = None;
    github.set_limits(limits);
    let start = github.now();
    let began = std::time::Instant::now();
    // The best schedule: bursts of eighty a minute until the hour's five hundred are spent.
    for number in 0..10_000_u64 {
        let (hour, in_hour) = (number / 500, number % 500);
        let at = start + seconds(hour * 3_600 + (in_hour / 80) * 60);
        assert_ne!(
            send_at(&github, at, &request("PUT", LIST, None)).status,
            403,
            "write {number}"
        );
    }
    assert_eq!(github.refusals(), 0);
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "took {:?}",
        began.elapsed()
    );
}
