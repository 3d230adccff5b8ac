//! HTTP/2 servers that end a connection or a stream, and send something of the request back with that.

use std::sync::Arc;
use std::time::Duration;

use octoseal::{Client, Error, limits::Pacing};
use octoseal_tests::put;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::server::TlsStream;

use crate::security::{TOKEN, assert_clean};
use crate::sockets::hasty;
use crate::sockets_tls::Authority;

const PREFACE_BYTES: usize = 24;
const FRAME_HEAD_BYTES: usize = 9;

/// The types of frames, by RFC 9113.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    let head = [0, 0, length, kind, flags, 0, 0, 0, stream];
    [&head[..], payload].concat()
}

/// A goodbye that leaves out streams after `last`, with a text.
fn goodbye(last: u8, code: u8, text: &str) -> Vec<u8> {
    let payload = [&[0, 0, 0, last, 0, 0, 0, code], text.as_bytes()].concat();
    frame(GOAWAY, 0, 0, &payload)
}

/// The head of a reply with status 200, and a byte of its body.
fn half_a_reply() -> Vec<u8> {
    const END_HEADERS: u8 = 4;
    const STATUS_200: u8 = 0x88;
    let head = frame(HEADERS, END_HEADERS, 1, &[STATUS_200]);
    [head, frame(DATA, 0, 1, b"{")].concat()
}

/// Answers the first request of a connection with these frames.
async fn answer(stream: &mut TlsStream<TcpStream>, frames: &[u8]) -> std::io::Result<()> {
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
    let mut read = vec![0; PREFACE_BYTES];
    stream.read_exact(&mut read).await?;
    loop {
        let mut head = [0; FRAME_HEAD_BYTES];
        stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        read.resize(usize::try_from(length).unwrap(), 0);
        stream.read_exact(&mut read).await?;
        if head[3] == HEADERS {
            break;
        }
    }
    stream.write_all(frames).await?;
    // Until the client has gone.
    while stream.read(&mut [0; 1024]).await? > 0 {}
    Ok(())
}

/// The error of a put at a server that answers with these frames, and all that it tells.
async fn refused_with(frames: Vec<u8>) -> (Error, String) {
    let authority = Authority::new();
    let mut config = authority.config("localhost", 2090, WebPkiClientVerifier::no_client_auth());
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, frames) = (acceptor.clone(), frames.clone());
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await.unwrap();
                let _ = answer(&mut stream, &frames).await;
            });
        }
    });
    let client = Client::builder()
        .token(TOKEN)
        .root_certificates(authority.pem())
        .base_url(format!("https://localhost:{port}"))
        .pacing(Pacing::concurrency_only())
        .retry(hasty().attempts(1).attempt_timeout(Duration::from_secs(2)))
        .build()
        .unwrap();
    let error = put(&client, "KEY", "value").await.unwrap_err();
    let mut told = format!("{error}\n{error:?}\n{error:#?}");
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        told += &format!("\n{error}\n{error:?}\n{error:#?}");
        cause = error.source();
    }
    (error, told)
}

#[tokio::test]
async fn what_a_server_says_as_it_ends_a_connection_is_not_passed_on() {
    const NO_ERROR: u8 = 0;
    const ENHANCE_YOUR_CALM: u8 = 11;
    for code in [NO_ERROR, ENHANCE_YOUR_CALM] {
        for frames in [
            goodbye(0, code, TOKEN),
            goodbye(1, code, &format!("(b\"x\") \" {TOKEN}")),
            [half_a_reply(), goodbye(1, code, TOKEN)].concat(),
            [half_a_reply(), goodbye(0, code, TOKEN)].concat(),
        ] {
            let (_, told) = refused_with(frames).await;
            assert_clean(&told);
        }
    }
    let (_, told) = refused_with(goodbye(0, ENHANCE_YOUR_CALM, TOKEN)).await;
    assert!(told.contains("excessive load"), "{told}");
}

#[tokio::test]
async fn a_stream_that_is_reset_says_why_and_nothing_of_the_request() {
    const INTERNAL_ERROR: [u8; 4] = [0, 0, 0, 2];
    let reset = frame(RST_STREAM, 0, 1, &INTERNAL_ERROR);
    for frames in [reset.clone(), [half_a_reply(), reset].concat()] {
        let (error, told) = refused_with(frames).await;
        assert!(error.is_transport(), "{told}");
        assert!(told.contains("internal error"), "{told}");
        assert_clean(&told);
    }
}
