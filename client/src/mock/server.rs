//! The mount on a socket, for clients in any language.

use std::fmt;

use bytes::Bytes;
use http::{Request, Response};
use httpmock::{HttpMockRequest, HttpMockResponse, MockServer};

use super::faults::{Delivery, Way};
use super::github::GitHub;

/// A stand-in that listens on a port of this machine, until it is dropped. See [`GitHub::serve`].
pub struct Server {
    server: MockServer,
}

impl GitHub {
    /// Listens on a port of 127.0.0.1, over plain HTTP/1.1.
    ///
    /// Do not pause tokio's clock with it: sockets wait in real time, so every timeout would fire at once. Each reply
    /// takes the [latency](GitHub::latency) that is set by now. A reply that a [`Fault`](super::Fault) delays arrives
    /// without the delay, and one that it loses or cuts off closes the connection.
    ///
    /// httpmock, which listens here, keeps at most 25 servers (`HTTPMOCK_MAX_SERVERS` says otherwise): one more waits
    /// until another is dropped.
    pub fn serve(&self) -> Server {
        let server = MockServer::start();
        let github = self.clone();
        let latency = self.state().settings.latency;
        server.mock(|_, then| {
            then.delay(latency)
                .respond_with(move |request| github.answer(request));
        });
        Server { server }
    }

    fn answer(&self, request: &HttpMockRequest) -> HttpMockResponse {
        let Some(request) = read(request) else {
            return HttpMockResponse::builder().status(400).build();
        };
        let reply: Response<Bytes> = self.respond(&request);
        let delivery = reply
            .extensions()
            .get::<Delivery>()
            .copied()
            .unwrap_or_default();
        if delivery.how != Way::Whole {
            // Unwinding ends the task that serves the connection, which closes it; without the panic hook, so that no
            // message appears among those of failing tests.
            std::panic::resume_unwind(Box::new("a fault that closes the connection"));
        }
        reply.into()
    }
}

/// httpmock's own conversion panics on a header that comes twice.
fn read(request: &HttpMockRequest) -> Option<Request<Bytes>> {
    let mut read = Request::builder()
        .method(request.method_str())
        .uri(request.uri_str());
    for (name, value) in request.headers_vec() {
        read = read.header(name, value);
    }
    read.body(request.body_bytes()).ok()
}

impl Server {
    /// The address to give to clients as GitHub's API: `http://127.0.0.1:PORT`. With `/api/v3` after it, it is the
    /// address of an Enterprise Server.
    pub fn url(&self) -> String {
        self.server.base_url()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("url", &self.url()).finish()
    }
}
