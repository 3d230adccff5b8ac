//! The path of a request, as a place.

use std::fmt;
use std::future::ready;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::Request;
use octoseal_api::{Answer, Client as Api, Error as ApiError, TransportError, TransportErrorKind};
use tokio::time::timeout;

use super::OperationCall;
use crate::auth::Audience;
use crate::error::{Error, ErrorKind};
use crate::runtime::{Allowance, Place};
use crate::scope::Owner;

impl<R> OperationCall<R> {
    /// The path of the request, found out by a transport that sends nothing.
    pub(super) async fn place<Fut, T>(
        &self,
        request: impl FnOnce(Api) -> Fut,
        check_query: impl Fn(&str) -> Result<(), String>,
        within: &Allowance,
    ) -> Result<OnPath, Error>
    where
        Fut: Future<Output = Answer<T>>,
    {
        let uri = Arc::new(OnceLock::new());
        let noted = uri.clone();
        let note_uri = move |request: Request<Bytes>| {
            let _ = noted.set(request.uri().clone());
            let why = "it was only asked where it leads";
            ready(Err(TransportError::new(TransportErrorKind::Request, why)))
        };
        let runtime = &self.client.runtime;
        let calling = format!("calling `{}`", self.operation.id);
        let reply = request(runtime.api_over(Arc::new(note_uri), self.operation));
        let reply = timeout(within.left(), reply).await.map_err(|_| {
            let why = "the request was not put together in time";
            Error::new(ErrorKind::Timeout, why).with_action(calling.clone())
        })?;
        let refused = |why: String| Error::input(why).with_action(calling.clone());
        let uri = uri.get().ok_or_else(|| match reply {
            Err(ApiError::InvalidRequest(why)) => refused(why),
            _ => refused("no request is made".to_owned()),
        })?;
        check_query(uri.query().unwrap_or_default()).map_err(refused)?;
        let base = runtime.base.path().trim_end_matches('/');
        let path = uri.path().strip_prefix(base).unwrap_or(uri.path());
        let parameters = parameters(self.operation.path, path);
        let parameters =
            parameters.ok_or_else(|| refused(format!("a name in {path} is empty, `.` or `..`")))?;
        let named = |name: &str| {
            let mut parameters = parameters.iter();
            parameters
                .find(|(each, _)| *each == name)
                .map(|(_, value)| (*value).to_owned())
        };
        // By their position, since the description has several names for these pieces.
        let at = |begin: &str, index: usize| {
            let rest = path.strip_prefix(begin)?;
            rest.split('/').nth(index).map(str::to_owned)
        };
        let owner = match &self.owner {
            Some(owner) => {
                let owner = Owner::new(owner).map_err(|error| error.with_action(calling))?;
                Some(owner.as_str().to_owned())
            }
            None => at("/repos/", 0)
                .or_else(|| at("/orgs/", 0))
                .or_else(|| named("owner")),
        };
        Ok(OnPath {
            path: path.to_owned(),
            repository: at("/repos/", 1)
                .or_else(|| named("repo"))
                .filter(|_| owner.is_some()),
            owner,
        })
    }
}

/// The names and values of a path's parameters; `None` if the path does not match the template.
fn parameters<'a>(template: &'a str, path: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    if template.split('/').count() != path.split('/').count() {
        return None;
    }
    let mut parameters = Vec::new();
    for (wanted, given) in template.split('/').zip(path.split('/')) {
        let name = wanted.strip_prefix('{');
        match name.and_then(|name| name.strip_suffix('}')) {
            Some(name) if !given.is_empty() => parameters.push((name, given)),
            None if wanted == given => {}
            _ => return None,
        }
    }
    Some(parameters)
}

/// A path of the API, as a place.
#[derive(Clone)]
pub(super) struct OnPath {
    path: String,
    owner: Option<String>,
    repository: Option<String>,
}

impl fmt::Display for OnPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

impl Place for OnPath {
    fn audience(&self) -> Audience<'_> {
        Audience::new(self.owner.as_deref(), self.repository.as_deref())
    }

    fn is_scope(&self) -> bool {
        false
    }
}
