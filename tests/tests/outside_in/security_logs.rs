//! What is logged at TRACE, by this crate and by everything beneath it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use octoseal::{Access, Client};
use octoseal_tests::{put, scope};
use tracing::Level;
use tracing::subscriber::DefaultGuard;

use crate::security::{PLAINTEXT, TOKEN, assert_clean};
use crate::seeing::capture;
use crate::sockets::quick;
use crate::sockets_raw::{Act, Raw, key, reply};

/// Keeps what is written to it.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    /// Keeps all that this test logs, until the guard is dropped: its runtime has one thread, so what its tasks log
    /// is kept and what other tests log is not.
    pub(crate) fn capture() -> (Self, DefaultGuard) {
        let kept = Self::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_ansi(false)
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
            .with_writer(move || writer.clone())
            .finish();
        (kept, capture(subscriber))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Asserts that what was kept shows neither token nor plaintext, nor what was sealed, which is of no use in a
    /// log and large; and that all these were logging.
    pub(crate) fn assert_clean(&self, sources: &[&str], sent: impl Iterator<Item = String>) {
        let log = self.text();
        for source in sources {
            assert!(log.contains(source), "nothing of {source} was logged");
        }
        assert_clean(&log);
        let sealed: Vec<_> = sent
            .filter_map(|request| {
                Some(request.split_once("\"encrypted_value\":\"")?.1[..20].to_owned())
            })
            .collect();
        assert!(!sealed.is_empty());
        for sealed in sealed {
            assert!(!log.contains(&sealed), "a sealed value was logged");
        }
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn logs_are_clean_at_trace_dependencies_included() {
    let (kept, guard) = Kept::capture();
    let echo = format!("{{\"message\":\"{PLAINTEXT} {TOKEN}\"}}");
    let server = Raw::start(move |n| match n {
        0 => key(),
        1 => Act::Reset,
        2 => reply("500 Oops", &echo),
        3 | 5 => reply("422 Unprocessable Entity", &echo),
        6 => reply("403 Forbidden", &echo),
        7 => reply("429 Too Many Requests\r\nretry-after: 0", &echo),
        8 => Act::Reply("HTTP/1.1 307 There\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n".into()),
        _ => Act::Proper,
    })
    .await;
    let builder = Client::builder().token(TOKEN).base_url(&server.url);
    let client = builder.retry(quick()).build().unwrap();
    for n in 0..4 {
        let _ = put(&client, &format!("KEY_{n}"), PLAINTEXT).await;
    }
    let batch = (0..20).map(|n| (format!("MANY_{n}"), PLAINTEXT, Access::All));
    let outcomes = client.secrets(scope(octoseal_tests::ACME)).put_all(batch);
    assert_eq!(outcomes.count().await, 20);
    let refused = Client::builder()
        .token(TOKEN)
        .base_url("https://api.octoseal.invalid");
    let _ = put(&refused.retry(quick()).build().unwrap(), "KEY", PLAINTEXT).await;
    drop(guard);

    let sources = ["hyper", "TRACE", "octoseal", "DEBUG", "MANY_19", "limited"];
    kept.assert_clean(&sources, server.requests().into_iter());
}
