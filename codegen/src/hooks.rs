//! What every request carries, and how it travels.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use progenitor_client::{ClientHooks, ClientInfo, Error, OperationInfo};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue, USER_AGENT};

use crate::generated::Client;
use crate::journey::Journey;
use crate::operation::Operation;
use crate::transport::{Transport, arriving, outgoing};

const API_VERSION: HeaderName = HeaderName::from_static("x-github-api-version");
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/vnd.github+json");

/// Everything a generated call needs beside its parameters.
#[derive(Clone)]
pub struct Context {
    requests: reqwest::Client,
    transport: Arc<dyn Transport>,
    user_agent: HeaderValue,
    authorization: Option<HeaderValue>,
    api_version: HeaderValue,
    journey: Option<Journey>,
    single: Option<Single>,
}

/// The only operation that may be called, and whether it was.
#[derive(Clone)]
struct Single {
    operation: Operation,
    called: Arc<AtomicBool>,
}

impl Context {
    /// A context without authorization, for the API version that the client was generated for.
    ///
    /// Requests travel by `transport` alone. `requests` puts them together and sends none, so it needs no certificates,
    /// no proxy and no pool; the client of a [`Network`](crate::Network) serves as well.
    pub fn new(
        requests: reqwest::Client,
        transport: Arc<dyn Transport>,
        user_agent: HeaderValue,
    ) -> Self {
        let api_version = HeaderValue::from_static(<Client as ClientInfo<Self>>::api_version());
        Self {
            requests,
            transport,
            user_agent,
            authorization: None,
            api_version,
            journey: None,
            single: None,
        }
    }

    /// The same with a value for `Authorization`, which is marked sensitive in any case.
    pub fn with_authorization(mut self, mut authorization: HeaderValue) -> Self {
        authorization.set_sensitive(true);
        self.authorization = Some(authorization);
        self
    }

    /// The same with another value for `X-GitHub-Api-Version`.
    pub fn with_api_version(mut self, version: HeaderValue) -> Self {
        self.api_version = version;
        self
    }

    /// The same for one request, which tells what becomes of it.
    pub fn with_journey(mut self, journey: Journey) -> Self {
        self.journey = Some(journey);
        self
    }

    /// The same over another transport.
    pub fn with_transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = transport;
        self
    }

    /// The same for one call, of this operation: another one is an [`Error::InvalidRequest`], another call of it an
    /// [`Error::Custom`], and nothing is sent for either.
    pub fn for_one(mut self, operation: Operation) -> Self {
        self.single = Some(Single {
            operation,
            called: Arc::default(),
        });
        self
    }

    /// Whether requests ask for an earlier version of the API. Versions are dates.
    pub(crate) fn asks_before(&self, version: &str) -> bool {
        self.api_version.as_bytes() < version.as_bytes()
    }
}

impl Single {
    /// Admits the first call of the operation. Otherwise says why not; of a second, that something was sent before it.
    // progenitor's error is large.
    #[allow(clippy::result_large_err)]
    fn admit<E>(&self, info: &OperationInfo) -> Result<(), Error<E>> {
        let Operation { id, function, .. } = self.operation;
        if info.operation_id != function {
            let called = info.operation_id;
            let why = format!("`{called}` is called, and `{id}` was said to be");
            return Err(Error::InvalidRequest(why));
        }
        if self.called.swap(true, Ordering::Relaxed) {
            let why = format!("`{id}` is called twice, and was said to be once");
            return Err(Error::Custom(why));
        }
        Ok(())
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("user_agent", &self.user_agent)
            .field("authorization", &self.authorization)
            .field("api_version", &self.api_version)
            .finish_non_exhaustive()
    }
}

/// A client for the API at `base_url`, such as `https://api.github.com`. It costs little: one can be made for each
/// request.
pub fn client(base_url: &str, context: Context) -> Client {
    let requests = context.requests.clone();
    Client::new_with_client(base_url.trim_end_matches('/'), requests, context)
}

impl ClientHooks<Context> for Client {
    async fn pre<E>(
        &self,
        request: &mut reqwest::Request,
        info: &OperationInfo,
    ) -> Result<(), Error<E>> {
        let context = self.inner();
        if let Some(single) = &context.single {
            single.admit(info)?;
        }
        let headers = request.headers_mut();
        headers.insert(ACCEPT, MEDIA_TYPE);
        headers.insert(USER_AGENT, context.user_agent.clone());
        headers.insert(API_VERSION, context.api_version.clone());
        if let Some(authorization) = &context.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        Ok(())
    }

    async fn exec(
        &self,
        request: reqwest::Request,
        _: &OperationInfo,
    ) -> reqwest::Result<reqwest::Response> {
        let Context {
            transport, journey, ..
        } = self.inner();
        if let Some(journey) = journey {
            journey.leads_to(request.url().clone());
        }
        let mut request = outgoing(request).await?;
        if let Some(journey) = journey {
            request.extensions_mut().insert(journey.clone());
        }
        let reply = arriving(transport.send(request).await).await?;
        if let Some(journey) = journey {
            journey.arrived(&reply);
        }
        Ok(reply)
    }
}
