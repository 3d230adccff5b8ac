//! The mount on sockets: everything as in process, in real time. HTTP is spoken by hand, so that nothing but the
//! socket is between.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use octoseal_mock::{Fault, GitHub, Limits, Server};
use serde_json::Value;

use super::ask::{ORG, SECRET, acme, visible};

const LIST: &str = "/orgs/acme/actions/secrets";

fn connect(server: &Server) -> TcpStream {
    let url = server.url();
    let address = url.strip_prefix("http://").expect("plain HTTP");
    let socket = TcpStream::connect(address).expect("a server");
    let patience = Some(Duration::from_secs(10));
    socket.set_read_timeout(patience).expect("a timeout");
    socket
}

/// Sends a request over a connection that stays.
fn ask(mut socket: &TcpStream, method: &str, path: &str, body: &str) {
    let host = socket.peer_addr().expect("a peer");
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: tests\r\nauthorization: Bearer t\r\n"
    );
    let rest = format!(
        "x-twice: 1\r\nx-twice: 2\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all((head + &rest).as_bytes()).expect("sent");
}

/// Reads the head of a reply, and the body as long as the head says or the connection allows.
fn hear(socket: &TcpStream) -> (String, String) {
    let mut socket = BufReader::new(socket);
    let (mut head, mut body) = (String::new(), String::new());
    while !head.ends_with("\r\n\r\n") {
        if socket.read_line(&mut head).expect("text") == 0 {
            return (head, body);
        }
    }
    let length = header(&head, "content-length").map_or(0, |length| length.parse().expect("one"));
    let mut body_bytes = socket.take(length);
    body_bytes.read_to_string(&mut body).expect("text");
    (head, body)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines
        .find(|(line, _)| *line == name)
        .map(|(_, value)| value)
}

/// A request over a connection of its own, and its reply.
fn exchange(server: &Server, method: &str, path: &str, body: &str) -> (String, String) {
    let socket = connect(server);
    ask(&socket, method, path, body);
    hear(&socket)
}

fn list(server: &Server) -> String {
    exchange(server, "GET", LIST, "").0
}

/// Waits for what another thread brings about soon.
fn eventually(happened: impl Fn() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < Duration::from_secs(10), "nothing happens");
        sleep(Duration::from_millis(5));
    }
}

fn sealed(github: &GitHub, value: &[u8]) -> String {
    visible(github, ORG, value, "all").to_string()
}

#[test]
fn a_server_answers_as_the_heart_does() {
    let (github, ..) = acme();
    let server = github.serve();
    let body = sealed(&github, b"over a socket");
    let (created, text) = exchange(&server, "PUT", SECRET, &body);
    assert!(created.starts_with("HTTP/1.1 201 Created\r\n"), "{created}");
    assert_eq!(text, "{}");
    let (updated, text) = exchange(&server, "PUT", &format!("/api/v3{SECRET}"), &body);
    assert!(
        updated.starts_with("HTTP/1.1 204 No Content\r\n"),
        "{updated}"
    );
    assert_eq!(
        (header(&updated, "content-type"), text.as_str()),
        (None, "")
    );
    assert_eq!(
        github.plaintext(ORG, "TOKEN").as_deref(),
        Some(&b"over a socket"[..])
    );
    assert_eq!(github.requests()[0].path, SECRET);
    assert_eq!(
        github.requests()[0]
            .headers
            .get_all("x-twice")
            .iter()
            .count(),
        2
    );
}

#[test]
fn a_server_sends_the_headers_of_the_heart_and_adds_none_but_the_length() {
    let (github, ..) = acme();
    github.inject(Fault::change(|mut reply| {
        reply.headers_mut().clear();
        reply
    }));
    let head = list(&github.serve());
    let names: Vec<_> = head
        .lines()
        .filter_map(|line| Some(line.split_once(": ")?.0))
        .collect();
    assert_eq!(names, ["content-length"]);
}

#[test]
fn links_of_a_server_lead_back_to_it() {
    let (github, ..) = acme();
    for name in ["A", "B"] {
        github.seed(ORG, name, "1");
    }
    let server = github.serve();
    let (page, _) = exchange(&server, "GET", &format!("{LIST}?per_page=1"), "");
    assert!(
        page.contains(&format!("<{}/organizations/", server.url())),
        "{page}"
    );
}

#[test]
fn one_connection_carries_many_requests() {
    let (github, ..) = acme();
    let server = github.serve();
    let socket = connect(&server);
    let body = sealed(&github, b"1");
    for (method, body, status) in [("PUT", &*body, 201), ("PUT", &body, 204), ("GET", "", 200)] {
        ask(&socket, method, SECRET, body);
        let (head, _) = hear(&socket);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
    }
}

#[test]
fn latency_and_a_slow_reply_take_real_time_and_count_once_they_are_said() {
    let ms = Duration::from_millis;
    let (github, ..) = acme();
    let server = github.serve();
    let took = || {
        let began = Instant::now();
        assert!(list(&server).starts_with("HTTP/1.1 200"));
        began.elapsed()
    };
    github.set_latency(ms(60));
    assert!(took() >= ms(60));
    github.inject(Fault::slow(ms(60)));
    assert!(took() >= ms(120));
    github.set_latency(Duration::ZERO);
    github.inject(Fault::slow(ms(60)));
    assert!(took() >= ms(60));
}

#[test]
fn a_server_that_loses_a_reply_closes_the_connection_and_lives_on() {
    let (github, ..) = acme();
    let server = github.serve();
    github.inject(Fault::lost_reply());
    let body = sealed(&github, b"1");
    assert_eq!(exchange(&server, "PUT", SECRET, &body).0, "");
    assert_eq!(github.plaintext(ORG, "TOKEN").as_deref(), Some(&b"1"[..]));
    let (again, _) = exchange(&server, "PUT", SECRET, &body);
    assert!(again.starts_with("HTTP/1.1 204"), "{again}");
}

#[test]
fn a_server_that_hangs_keeps_the_connection_open_and_says_nothing() {
    let (github, ..) = acme();
    let server = github.serve();
    github.inject(Fault::hang());
    let mut hung = connect(&server);
    ask(&hung, "PUT", SECRET, &sealed(&github, b"1"));
    hung.set_read_timeout(Some(Duration::from_millis(80)))
        .expect("a timeout");
    let heard = hung.read(&mut [0]).expect_err("silence");
    assert!(
        matches!(heard.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{heard}"
    );
    assert_eq!(
        (github.request_count(), github.secret(ORG, "TOKEN")),
        (1, None)
    );
    assert!(list(&server).starts_with("HTTP/1.1 200"));
}

#[test]
fn a_truncated_body_is_half_of_what_its_head_promises() {
    let (github, ..) = acme();
    github.seed(ORG, "TOKEN", "1");
    let server = github.serve();
    let (_, whole) = exchange(&server, "GET", LIST, "");
    github.inject(Fault::truncated_body());
    let (head, half) = exchange(&server, "GET", LIST, "");
    assert_eq!(
        header(&head, "content-length"),
        Some(whole.len().to_string().as_str())
    );
    assert_eq!(half, whole[..whole.len() / 2]);
}

#[test]
fn an_endless_body_goes_on_until_the_client_leaves() {
    let (github, ..) = acme();
    let server = github.serve();
    github.inject(Fault::endless_body());
    let socket = connect(&server);
    ask(&socket, "GET", LIST, "");
    let (head, _) = hear(&socket);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let mut much = vec![0; 4 << 20];
    (&socket).read_exact(&mut much).expect("more and more");
    drop(socket);
    assert!(list(&server).starts_with("HTTP/1.1 200"));
}

#[test]
fn requests_under_way_are_counted_and_limited_over_sockets_too() {
    let (github, ..) = acme();
    let server = github.serve();
    let mut limits = Limits::none();
    limits.concurrent = Some(2);
    limits.penalty = Duration::ZERO;
    github.set_limits(limits);
    github.inject(Fault::hang().times(2));
    let hung = [connect(&server), connect(&server)];
    for socket in &hung {
        ask(socket, "GET", LIST, "");
    }
    eventually(|| github.most_under_way() == 2);
    assert!(list(&server).starts_with("HTTP/1.1 403"));
    // A request whose client has left is under way no longer.
    drop(hung);
    eventually(|| list(&server).starts_with("HTTP/1.1 200"));
}

#[test]
fn what_is_no_http_is_refused_and_harms_nobody() {
    let (github, ..) = acme();
    let server = github.serve();
    let mut socket = connect(&server);
    socket
        .write_all(b"\x16\x03\x01 hello\r\n\r\n")
        .expect("sent");
    let mut reply = Vec::new();
    let _ = socket.read_to_end(&mut reply);
    assert!(!reply.starts_with(b"HTTP/1.1 2"));
    assert_eq!(github.request_count(), 0);
    assert!(list(&server).starts_with("HTTP/1.1 200"));
}

#[test]
fn many_servers_can_stand_for_one_github() {
    let (github, ..) = acme();
    let servers: Vec<_> = (0..40).map(|_| github.serve()).collect();
    exchange(&servers[0], "PUT", SECRET, &sealed(&github, b"1"));
    let (seen, body) = exchange(&servers[39], "GET", SECRET, "");
    assert!(seen.starts_with("HTTP/1.1 200"), "{seen}");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(body["name"], "TOKEN");
}

/// In a runtime with a single thread, which waits meanwhile.
#[tokio::test]
async fn a_dropped_server_closes_its_connections_and_its_port() {
    let (github, ..) = acme();
    let server = github.serve();
    github.inject(Fault::hang());
    let mut hung = connect(&server);
    ask(&hung, "GET", LIST, "");
    eventually(|| github.request_count() == 1);
    let address = hung.peer_addr().expect("a peer");
    drop(server);
    match hung.read(&mut [0]) {
        Ok(read) => assert_eq!(read, 0),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    TcpStream::connect(address).expect_err("nobody listens");
}
