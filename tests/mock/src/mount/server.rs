//! The mount on a socket, for clients in any language.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::sync::oneshot;

use crate::github::GitHub;
use crate::mount::delivery::{Arriving, delivery_of};

/// A stand-in that listens on a port of this machine, until it is dropped. See [`GitHub::serve`].
pub struct Server {
    address: SocketAddr,
    /// The thread ends once the sender is gone. `None` only while this is dropped.
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

type Failure = Box<dyn Error + Send + Sync>;

impl GitHub {
    /// Listens on a port of 127.0.0.1, over plain HTTP/1.1, on a thread of its own: the caller needs no runtime.
    ///
    /// Everything takes place as in process, [faults](crate::Fault) and [latency](GitHub::set_latency) included, except
    /// that time is the machine's. Do not pause tokio's clock with it: sockets wait in real time, so every timeout
    /// would fire at once.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use octoseal_mock::{Fault, GitHub};
    ///
    /// let github = GitHub::new();
    /// let server = github.serve();
    /// println!("point any client to {}", server.url());
    ///
    /// // Faults can be ordered while it runs: this reply is held up, and the connection of the next one ends.
    /// github.inject(Fault::slow(Duration::from_millis(200)));
    /// github.inject(Fault::lost_reply());
    /// ```
    ///
    /// # Panics
    /// When the machine has no port or no thread left.
    pub fn serve(&self) -> Server {
        self.serve_on(0).expect("a free port and a thread")
    }

    /// [`serve`](Self::serve) on a port of your choice; 0 is any that is free.
    ///
    /// # Errors
    /// When the port is taken, or the machine has none or no thread left.
    pub fn serve_on(&self, port: u16) -> io::Result<Server> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let github = self.clone();
        let serve = move || {
            runtime.spawn(listen(github, listener));
            // With the runtime go its tasks, and with them every connection.
            let _ = runtime.block_on(stopped);
        };
        let thread = thread::Builder::new().name("stand-in GitHub".to_owned());
        Ok(Server {
            address,
            running: Some((stop, thread.spawn(serve)?)),
        })
    }
}

async fn listen(github: GitHub, listener: std::net::TcpListener) {
    let listener = TcpListener::from_std(listener).expect("a socket that does not block");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(converse(github.clone(), stream))),
            // Too many open files, say: some will be closed.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// Serves a connection until one of the two ends it.
async fn converse(github: GitHub, stream: TcpStream) {
    // Or else a body in two pieces waits for the peer's delayed acknowledgement of the first.
    let _ = stream.set_nodelay(true);
    let Ok((stream, beside)) = twice(stream) else {
        return;
    };
    let service = service_fn(|request| answer(&github, &beside, request));
    // What the connection ended with is told to the peer alone, by its end.
    let _ = http1::Builder::new()
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// A connection for hyper, and the same to write beside it what hyper does not send.
fn twice(stream: TcpStream) -> io::Result<(TcpStream, TcpStream)> {
    let stream = stream.into_std()?;
    let beside = TcpStream::from_std(stream.try_clone()?)?;
    Ok((TcpStream::from_std(stream)?, beside))
}

/// Sends interim replies. hyper has read the whole request and sent nothing of the reply yet, so nothing is between.
async fn send_interim(beside: &TcpStream, number: u32) -> io::Result<()> {
    const REPLY: &[u8] = b"HTTP/1.1 103 Early Hints\r\n\r\n";
    for _ in 0..number {
        let mut left = REPLY;
        while !left.is_empty() {
            beside.writable().await?;
            match beside.try_write(left) {
                Ok(sent) => left = &left[sent..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// An error ends the connection.
async fn answer(
    github: &GitHub,
    beside: &TcpStream,
    request: Request<Incoming>,
) -> Result<Response<impl Body<Data = Bytes, Error = Failure> + use<>>, Failure> {
    let flight = github.flight();
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let request = Request::from_parts(head, body);
    let reply = github.deliver(&request, &flight).await;
    let reply = reply.ok_or("a fault lost the reply")?;
    send_interim(beside, delivery_of(&reply).interim).await?;
    Ok(reply.map(send))
}

fn send(body: Arriving) -> impl Body<Data = Bytes, Error = Failure> {
    match body {
        Arriving::Whole(body) => Either::Left(Full::new(body)),
        Arriving::Pieces(pieces) => Either::Right(pieces),
    }
}

impl Server {
    /// The address to give to clients as GitHub's API: `http://127.0.0.1:PORT`. With `/api/v3` after it, it is the
    /// address of an Enterprise Server.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    /// Closes every connection, and returns once nothing is answered any more.
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("url", &self.url()).finish()
    }
}
