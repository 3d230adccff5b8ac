//! Where a request leads, as a place.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Uri};
use octoseal_api::{
    Client as Api, Error as ApiError, ResponseValue, Transport, TransportError, TransportErrorKind,
    TransportFuture,
};

use super::Of;
use crate::auth::Audience;
use crate::error::Error;
use crate::runtime::Place;
use crate::scope::Owner;

impl Of {
    /// Where the request leads, found out by having it made and not sending it.
    pub(super) async fn place<Fut, T>(
        &self,
        request: impl FnOnce(Api) -> Fut,
        check_query: impl Fn(&str) -> Result<(), Error>,
    ) -> Result<OnPath, Error>
    where
        Fut: Future<Output = Result<ResponseValue<T>, ApiError<()>>>,
    {
        let heard = Arc::new(Heard::default());
        let runtime = &self.client.runtime;
        let reply = request(runtime.api_over(heard.clone(), self.operation)).await;
        let id = self.operation.id;
        let asked = heard
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let refused = |why: String| Error::input(why).with_action(format!("calling `{id}`"));
        let asked = asked.ok_or_else(|| match reply {
            Err(ApiError::InvalidRequest(why)) => refused(why),
            _ => refused("no request is made".to_owned()),
        })?;
        check_query(asked.query().unwrap_or_default())?;
        let base = runtime.base.path().trim_end_matches('/');
        let path = asked.path().strip_prefix(base).unwrap_or(asked.path());
        let parameters = parameters(self.operation.path, path);
        let parameters =
            parameters.ok_or_else(|| refused(format!("a name in {path} is empty, `.` or `..`")))?;
        let named = |name: &str| {
            let mut parameters = parameters.iter();
            parameters
                .find(|(each, _)| *each == name)
                .map(|(_, value)| (*value).to_owned())
        };
        let owner = match &self.owner {
            Some(owner) => Some(Owner::new(owner)?.as_str().to_owned()),
            None => named("owner").or_else(|| named("org")),
        };
        Ok(OnPath {
            path: path.to_owned(),
            repository: named("repo").filter(|_| owner.is_some()),
            owner,
        })
    }
}

/// What stands in a path for the parameters of its template, if it is such a path.
fn parameters<'a>(template: &'a str, path: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    let mut parameters = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(parameters),
            (Some(wanted), Some(given)) => {
                match wanted
                    .strip_prefix('{')
                    .and_then(|name| name.strip_suffix('}'))
                {
                    Some(_) if given.is_empty() => return None,
                    Some(name) => parameters.push((name, given)),
                    None if wanted != given => return None,
                    None => {}
                }
            }
            _ => return None,
        }
    }
}

/// A path of the API, as a place.
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

/// Hears what is asked for, and sends nothing.
#[derive(Default)]
struct Heard(Mutex<Option<Uri>>);

impl Transport for Heard {
    fn send(&self, request: Request<Bytes>) -> TransportFuture<'_> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(request.uri().clone());
        let why = "it was only asked where it leads";
        let error = TransportError::new(TransportErrorKind::Request, why);
        Box::pin(std::future::ready(Err(error)))
    }
}
