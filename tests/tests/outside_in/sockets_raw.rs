//! A server below HTTP: it does to a connection what no proper server would, and a tap that keeps every byte.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What to do with a request once it is read.
#[derive(Clone)]
pub(crate) enum Act {
    /// Breaks the connection off, by a reset.
    Reset,
    /// Closes the connection properly, without a word.
    Close,
    /// Sends this and goes on.
    Reply(String),
    /// Answers as GitHub would: with a key or with 201.
    Proper,
    /// Sends this and closes.
    Partial(String),
    /// Says nothing for ever.
    Hang,
    /// Sends the head of a reply, then a byte now and then.
    Drip,
}

/// A reply with a body.
pub(crate) fn reply(status: &str, body: &str) -> Act {
    let length = body.len();
    Act::Reply(format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    ))
}

/// A reply to the request for a public key.
pub(crate) fn key() -> Act {
    let key = octoseal_sealing::SecretKey::generate().public_key();
    reply(
        "200 OK",
        &format!(r#"{{"key_id":"1","key":"{}"}}"#, key.to_base64()),
    )
}

/// A server that treats the n-th request, from 0, as `acts` says.
pub(crate) struct Raw {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl Raw {
    pub(crate) async fn start(acts: impl Fn(usize) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self {
            url,
            requests: Arc::default(),
            connections: Arc::default(),
        };
        let (requests, connections) = (server.requests.clone(), server.connections.clone());
        let acts = Arc::new(acts);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (requests, acts) = (requests.clone(), acts.clone());
                tokio::spawn(async move {
                    let _ = treat(stream, &requests, &*acts).await;
                });
            }
        });
        server
    }

    /// The requests that came, head and body as text.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn treat(
    mut stream: TcpStream,
    requests: &Mutex<Vec<String>>,
    acts: &(dyn Fn(usize) -> Act + Send + Sync),
) -> std::io::Result<()> {
    while let Some(request) = read(&mut stream).await? {
        let proper = match request.starts_with("GET ") {
            true => key(),
            false => reply("201 Created", "{}"),
        };
        let number = {
            let mut requests = requests.lock().unwrap();
            requests.push(request);
            requests.len() - 1
        };
        let act = match acts(number) {
            Act::Proper => proper,
            act => act,
        };
        match act {
            Act::Proper => unreachable!("it has become a reply"),
            Act::Reset => return stream.set_zero_linger(),
            Act::Close => return Ok(()),
            Act::Reply(reply) => stream.write_all(reply.as_bytes()).await?,
            Act::Partial(reply) => return stream.write_all(reply.as_bytes()).await,
            Act::Hang => std::future::pending().await,
            Act::Drip => {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n")
                    .await?;
                loop {
                    stream.write_all(b" ").await?;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }
    Ok(())
}

/// Reads one request; `None` at the end of the connection.
async fn read(stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length = length.map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return Ok(Some(String::from_utf8_lossy(&request).into_owned()));
            }
        }
        match stream.read(&mut piece).await? {
            0 => return Ok(None),
            n => request.extend_from_slice(&piece[..n]),
        }
    }
}

/// Stands between client and server and keeps every byte of both directions.
pub(crate) struct Tap {
    pub(crate) url: String,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Tap {
    pub(crate) async fn start(server: &str) -> Self {
        let server = server.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let bytes: Arc<Mutex<Vec<u8>>> = Arc::default();
        let kept = bytes.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (upstream, kept) = (TcpStream::connect(&server).await.unwrap(), kept.clone());
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = upstream.into_split();
                tokio::spawn(copy(from_client, to_server, kept.clone()));
                tokio::spawn(copy(from_server, to_client, kept));
            }
        });
        Self { url, bytes }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().unwrap().clone()
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    kept: Arc<Mutex<Vec<u8>>>,
) {
    let mut piece = [0; 16 * 1024];
    while let Ok(n @ 1..) = from.read(&mut piece).await {
        kept.lock().unwrap().extend_from_slice(&piece[..n]);
        if to.write_all(&piece[..n]).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}
