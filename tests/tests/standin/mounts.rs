//! The two mounts: inside the process, on tokio's clock, and over a socket.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use futures_util::future::join_all;
use octoseal::Client;
use octoseal::mock::{Fault, GitHub};
use tokio::time::Instant;

use super::ask::{ORG, SECRET, acme, visible};

fn client(github: &GitHub) -> Client {
    Client::builder()
        .token("t0ken")
        .mock(github)
        .build()
        .expect("a client")
}

#[tokio::test(start_paused = true)]
async fn latency_is_tokios_time() {
    let (github, ..) = acme();
    github.seed(ORG, "TOKEN", "1").visibility("all");
    github.latency(Duration::from_secs(5));
    let (before, now) = (Instant::now(), github.now());
    let read = client(&github).get_org_secret("acme", "TOKEN").await;
    read.expect("a secret");
    assert_eq!(before.elapsed().as_secs(), 5);
    assert_eq!((github.now() - now).as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn requests_under_way_are_counted() {
    let (github, ..) = acme();
    github.seed(ORG, "TOKEN", "1").visibility("all");
    github.latency(Duration::from_millis(100));
    let client = client(&github);
    join_all((0..5).map(|_| client.get_org_secret("acme", "TOKEN"))).await;
    assert_eq!(github.most_under_way(), 5);
    github.clear_requests();
    assert_eq!(github.most_under_way(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_was_applied_and_a_hang_was_not() {
    let (github, ..) = acme();
    github.seed(ORG, "A", "1").visibility("all");
    github.seed(ORG, "B", "1").visibility("all");
    github.fault(Fault::lost_reply().on("DELETE").at("/A").always());
    github.fault(Fault::hang().on("DELETE").at("/B").always());
    let client = client(&github);
    for name in ["A", "B"] {
        client
            .delete_org_secret("acme", name)
            .await
            .expect_err("no reply");
    }
    assert_eq!(
        (
            github.secret(ORG, "A").is_some(),
            github.secret(ORG, "B").is_some()
        ),
        (false, true)
    );
}

#[tokio::test(start_paused = true)]
async fn bodies_break_off_or_never_end() {
    let (github, ..) = acme();
    github.seed(ORG, "TOKEN", "1").visibility("all");
    let client = client(&github);
    for fault in [Fault::truncated_body(), Fault::endless_body()] {
        github.fault(fault.always());
        client
            .get_org_secret("acme", "TOKEN")
            .await
            .expect_err("a broken reply");
        github.clear_faults();
    }
    client
        .get_org_secret("acme", "TOKEN")
        .await
        .expect("a whole reply");
}

/// Speaks HTTP by hand, so that nothing but the socket is between.
fn over_socket(url: &str, method: &str, path: &str, body: &str) -> String {
    let address = url.strip_prefix("http://").expect("plain HTTP");
    let mut socket = TcpStream::connect(address).expect("a server");
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nuser-agent: tests\r\nauthorization: Bearer t\r\n"
    );
    let rest = format!(
        "x-twice: 1\r\nx-twice: 2\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all((head + &rest).as_bytes()).expect("sent");
    let mut reply = Vec::new();
    // A connection that breaks ends what there is to read.
    let _ = socket.read_to_end(&mut reply);
    String::from_utf8(reply).expect("text")
}

#[test]
fn a_server_answers_as_the_heart_does() {
    let (github, ..) = acme();
    let server = github.serve();
    let body = visible(&github, ORG, b"over a socket", "all").to_string();
    let created = over_socket(&server.url(), "PUT", SECRET, &body);
    assert!(
        created.starts_with("HTTP/1.1 201 Created\r\n") && created.ends_with("\r\n\r\n{}"),
        "{created}"
    );
    let updated = over_socket(&server.url(), "PUT", &format!("/api/v3{SECRET}"), &body);
    assert!(
        updated.starts_with("HTTP/1.1 204 No Content\r\n") && updated.ends_with("\r\n\r\n"),
        "{updated}"
    );
    assert!(!updated.contains("content-type"));
    assert_eq!(
        github.plaintext(ORG, "TOKEN").as_deref(),
        Some(&b"over a socket"[..])
    );
    assert_eq!(github.requests()[0].path, SECRET);
}

#[test]
fn links_of_a_server_lead_back_to_it() {
    let (github, ..) = acme();
    for name in ["A", "B"] {
        github.seed(ORG, name, "1");
    }
    let server = github.serve();
    let page = over_socket(
        &server.url(),
        "GET",
        "/orgs/acme/actions/secrets?per_page=1",
        "",
    );
    assert!(
        page.contains(&format!("<{}/organizations/", server.url())),
        "{page}"
    );
}

#[test]
fn a_server_takes_the_latency_that_was_set_before_it() {
    let (github, ..) = acme();
    github.latency(Duration::from_millis(50));
    let server = github.serve();
    let began = std::time::Instant::now();
    over_socket(&server.url(), "GET", "/orgs/acme/actions/secrets", "");
    assert!(began.elapsed() >= Duration::from_millis(50));
}

#[test]
fn a_server_that_loses_a_reply_closes_the_connection_and_lives_on() {
    let (github, ..) = acme();
    let server = github.serve();
    github.fault(Fault::lost_reply());
    let body = visible(&github, ORG, b"1", "all").to_string();
    assert_eq!(over_socket(&server.url(), "PUT", SECRET, &body), "");
    assert_eq!(github.plaintext(ORG, "TOKEN").as_deref(), Some(&b"1"[..]));
    assert!(over_socket(&server.url(), "PUT", SECRET, &body).starts_with("HTTP/1.1 204"));
}

#[test]
fn many_servers_can_stand_for_one_github() {
    let (github, ..) = acme();
    let servers: Vec<_> = (0..3).map(|_| github.serve()).collect();
    let body = visible(&github, ORG, b"1", "all").to_string();
    over_socket(&servers[0].url(), "PUT", SECRET, &body);
    assert!(over_socket(&servers[2].url(), "GET", SECRET, "").starts_with("HTTP/1.1 200"));
}
