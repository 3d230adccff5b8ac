//! How requests travel: the seam between the calls and the network.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use reqwest::{ResponseBuilderExt as _, Url};

use crate::journey::Journey;

/// Any error that can move between threads.
type BoxError = Box<dyn StdError + Send + Sync>;

/// What [`Transport::send`] gives: the head of a reply, whose body may still be on its way.
pub type TransportFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Response<Body>, TransportError>> + Send + 'a>>;

/// How a finished request travels, and its reply comes back: over a network, to a stand-in in this process, to a
/// recording, or through another transport that it goes on to.
///
/// The request is complete: its URI is absolute, and its headers are those that GitHub gets. `Authorization` is marked
/// [sensitive](http::HeaderValue::is_sensitive), so that no `Debug` shows it; keep the mark where a header is copied.
/// A redirect is a reply like any other and not to be followed, and a request that failed is not to be repeated:
/// that is decided above.
///
/// A function from a request to a future is a transport, and so is an `Arc` or a `Box` of one:
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use octoseal_api::Transport;
///
/// let nothing_there = |request: Request<Bytes>| async move {
///     Response::builder().status(404).body(format!("no {}", request.uri()).into()).map_err(Into::into)
/// };
/// let _: &dyn Transport = &nothing_there;
/// ```
pub trait Transport: Send + Sync {
    /// Sends a request and waits for the head of its reply.
    ///
    /// # Errors
    /// [`TransportError`], which says whether the request may have been carried out. A reply with whatever status is
    /// none.
    fn send(&self, request: Request<Bytes>) -> TransportFuture<'_>;
}

impl<F, Sent> Transport for F
where
    F: Fn(Request<Bytes>) -> Sent + Send + Sync,
    Sent: Future<Output = Result<Response<Body>, TransportError>> + Send + 'static,
{
    fn send(&self, request: Request<Bytes>) -> TransportFuture<'_> {
        Box::pin(self(request))
    }
}

impl Transport for Arc<dyn Transport> {
    fn send(&self, request: Request<Bytes>) -> TransportFuture<'_> {
        self.as_ref().send(request)
    }
}

impl Transport for Box<dyn Transport> {
    fn send(&self, request: Request<Bytes>) -> TransportFuture<'_> {
        self.as_ref().send(request)
    }
}

/// Over the network, by a [`reqwest::Client`]. Turn off that client's redirects and its own retries: one layer decides.
#[derive(Clone, Debug)]
pub struct Network(reqwest::Client);

impl Network {
    /// A transport that sends by this client.
    pub fn new(client: reqwest::Client) -> Self {
        Self(client)
    }
}

impl Transport for Network {
    fn send(&self, request: Request<Bytes>) -> TransportFuture<'_> {
        Box::pin(async move {
            let journey = request.extensions().get::<Journey>().cloned();
            let has_body = !request.body().is_empty();
            let request = request_of(request, journey.as_ref()).map_err(transport_error)?;
            match self.0.execute(request).await {
                Ok(reply) => Ok(body_of(reply)),
                Err(error) => {
                    let error = transport_error(error);
                    let waited = journey.is_some_and(|journey| journey.since().is_none());
                    // Without a body, the head alone may have sufficed.
                    Err(if waited && has_body {
                        error.unsent()
                    } else {
                        error
                    })
                }
            }
        })
    }
}

fn request_of(
    request: Request<Bytes>,
    journey: Option<&Journey>,
) -> reqwest::Result<reqwest::Request> {
    let Some(journey) = journey else {
        return reqwest::Request::try_from(request);
    };
    let has_none = request.method().is_safe() && request.body().is_empty();
    let request = request.map(|body| match has_none {
        true => reqwest::Body::wrap(journey.without_body()),
        false => reqwest::Body::wrap(journey.of(body)),
    });
    // To parse the address anew takes longer than the rest.
    let Some(address) = journey.address().filter(|it| request.uri() == it.as_str()) else {
        return reqwest::Request::try_from(request);
    };
    let (head, body) = request.into_parts();
    let mut request = reqwest::Request::new(head.method, address.clone());
    *request.headers_mut() = head.headers;
    *request.version_mut() = head.version;
    *request.body_mut() = Some(body);
    Ok(request)
}

/// The body of a reply: whole, or in pieces that arrive one by one.
///
/// It is made from bytes or text, or [wraps](Self::wrap) any body in the sense of the crate `http_body`. It is one
/// itself, so that what works on such bodies works on this.
#[derive(Debug, Default)]
pub struct Body(reqwest::Body);

impl Body {
    /// A body that arrives in pieces, without end if need be, or breaks off with an error.
    pub fn wrap<B>(body: B) -> Self
    where
        B: HttpBody + Send + Sync + 'static,
        B::Data: Into<Bytes>,
        B::Error: Into<BoxError>,
    {
        Self(reqwest::Body::wrap(body))
    }

    /// All of it, however long it is.
    ///
    /// # Errors
    /// [`TransportError`] where it breaks off.
    pub async fn bytes(self) -> Result<Bytes, TransportError> {
        Ok(self.collect().await?.to_bytes())
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(bytes.into())
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self(text.into())
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let frame = Pin::new(&mut self.0).poll_frame(context);
        frame.map_err(transport_error)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

/// No reply came. A call whose transport says so gives an [`Error::NoReply`](crate::Error::NoReply) with it.
///
/// It prints what failed; why is its [source](StdError::source).
#[derive(Clone)]
pub struct TransportError {
    kind: TransportErrorKind,
    may_have_been_sent: bool,
    source: Arc<dyn StdError + Send + Sync>,
}

/// What failed on the way, which decides whether it is worth another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The request can't be sent as it is, now or later. Nothing was sent.
    Request,
    /// No connection came about: the name, the server or a proxy did not answer in time, or refused. Nothing was sent.
    Connect,
    /// The server's certificate is not to be trusted, now or later. Nothing was sent.
    Certificate,
    /// There was a connection, and no reply in time. The request may have been carried out.
    Timeout,
    /// There was a connection, and it broke. The request may have been carried out.
    Broken,
}

impl TransportError {
    /// An error of a kind, and why: an error, or a text. What a server said as it ended an HTTP/2 connection is left
    /// out: it may be what was sent.
    pub fn new(kind: TransportErrorKind, why: impl Into<BoxError>) -> Self {
        use TransportErrorKind::{Broken, Timeout};
        Self {
            kind,
            may_have_been_sent: matches!(kind, Timeout | Broken),
            source: without_debug_data(why.into()),
        }
    }

    /// The same for a request that surely was not carried out, though there was a connection.
    pub fn unsent(mut self) -> Self {
        self.may_have_been_sent = false;
        self
    }

    /// What failed.
    pub fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    /// Whether the server may have got the request, and carried it out.
    pub fn may_have_been_sent(&self) -> bool {
        self.may_have_been_sent
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            TransportErrorKind::Request => "the request can't be sent",
            TransportErrorKind::Connect => "no connection",
            TransportErrorKind::Certificate => "the server's certificate is not trusted",
            TransportErrorKind::Timeout => "no reply in time",
            TransportErrorKind::Broken => "the connection broke",
        })
    }
}

impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportError")
            .field("kind", &self.kind)
            .field("may_have_been_sent", &self.may_have_been_sent)
            .field("source", &self.source)
            .finish()
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}

/// How h2 begins the debug data of a `GOAWAY` frame in its errors, which are of types that it alone names.
const DEBUG_DATA: &str = " (b\"";

/// An error, or the texts of it and its causes if they hold debug data, up to that.
fn without_debug_data(error: BoxError) -> Arc<dyn StdError + Send + Sync> {
    let first: &(dyn StdError + 'static) = &*error;
    let texts: Vec<String> = std::iter::successors(Some(first), |&error| cause(error))
        .map(ToString::to_string)
        .collect();
    if !texts.iter().any(|text| text.contains(DEBUG_DATA)) {
        return error.into();
    }
    let mut told = None;
    for text in texts.iter().rev() {
        let (text, _) = text.split_once(DEBUG_DATA).unwrap_or((text, ""));
        let (text, cause) = (text.to_owned(), told.map(Box::new));
        told = Some(InWords { text, cause });
    }
    match told {
        Some(told) => Arc::new(told),
        None => error.into(),
    }
}

/// The source of an I/O error skips the error that it wraps.
fn cause<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e (dyn StdError + 'static)> {
    let wrapped = error.downcast_ref::<std::io::Error>();
    match wrapped.and_then(std::io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

/// The text of an error, and those of its causes.
#[derive(Debug)]
struct InWords {
    text: String,
    cause: Option<Box<InWords>>,
}

impl fmt::Display for InWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for InWords {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

/// What can't be built can't be sent.
impl From<http::Error> for TransportError {
    fn from(error: http::Error) -> Self {
        Self::new(TransportErrorKind::Request, error)
    }
}

/// What the transport said, or what an error of reqwest's own means.
pub(crate) fn transport_error(error: reqwest::Error) -> TransportError {
    let mut causes = std::iter::successors(error.source(), |&error| error.source());
    if let Some(said) = causes.find_map(|error| error.downcast_ref::<TransportError>()) {
        return said.clone();
    }
    let kind = if error.is_connect() {
        TransportErrorKind::Connect
    } else if error.is_builder() {
        TransportErrorKind::Request
    } else if error.is_timeout() {
        TransportErrorKind::Timeout
    } else {
        TransportErrorKind::Broken
    };
    // An address holds names, which do not belong into a cause that is logged.
    TransportError::new(kind, error.without_url())
}

/// reqwest's reply as one in types of ours.
pub(crate) fn body_of(reply: reqwest::Response) -> Response<Body> {
    Response::<reqwest::Body>::from(reply).map(Body)
}

/// reqwest's request in `http` types, for any transport. Its body is in memory from here on.
pub(crate) async fn outgoing(mut request: reqwest::Request) -> reqwest::Result<Request<Bytes>> {
    let body = match request.body_mut().take() {
        Some(body) => body.collect().await?.to_bytes(),
        None => Bytes::new(),
    };
    Ok(Request::<reqwest::Body>::try_from(request)?.map(|_| body))
}

/// The address of replies, which generated code does not read.
static NOWHERE: LazyLock<Url> =
    LazyLock::new(|| Url::parse("http://nowhere.invalid").expect("an address"));

/// What a transport gave, as generated code wants it.
///
/// The only way to an error of reqwest with a cause of ours leads through a body that breaks off with it.
pub(crate) async fn arriving(
    reply: Result<Response<Body>, TransportError>,
) -> reqwest::Result<reqwest::Response> {
    match reply {
        Ok(mut reply) => {
            // reqwest wants each reply to have an address, and would parse one for it.
            let address = Response::builder().url(NOWHERE.clone()).body(());
            let (address, ()) = address.unwrap_or_default().into_parts();
            reply.extensions_mut().extend(address.extensions);
            Ok(reply.map(|body| body.0).into())
        }
        Err(error) => {
            let none = reqwest::Body::wrap(Nothing(Some(error)));
            none.collect().await.map(|_| Response::new("").into())
        }
    }
}

/// A body that is nothing but an error.
struct Nothing(Option<TransportError>);

impl HttpBody for Nothing {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        Poll::Ready(self.0.take().map(Err))
    }
}
