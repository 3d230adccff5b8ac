//! The heart: from request to response over state, with neither I/O nor a clock of its own.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};

use crate::access::{Access, Grant, Need, permit};
use crate::delivery::Delivery;
use crate::faults::{Faults, Strike};
#[cfg(feature = "app")]
use crate::installations::Apps;
use crate::keys::{Keys, Vault};
use crate::limits::Limiter;
use crate::place::{Kind, Place, Scope};
use crate::recorded::Log;
use crate::reply::{self, Refusal, Reply};
use crate::routes::{self, Route};
use crate::settings::Settings;
use crate::stored::Secrets;
use crate::stores::Stores;
use crate::world::{Home, Lost, World};
use crate::{errors, registries, when};

const API_VERSION: HeaderName = HeaderName::from_static("x-github-api-version");

/// Everything the stand-in knows.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) world: World,
    pub(crate) stores: Stores,
    pub(crate) keys: Keys,
    pub(crate) secrets: Secrets,
    pub(crate) access: Access,
    pub(crate) limiter: Limiter,
    pub(crate) faults: Faults,
    pub(crate) log: Log,
    #[cfg(feature = "app")]
    pub(crate) apps: Apps,
    /// Requests under way, as the mounts count them.
    pub(crate) under_way: u32,
    pub(crate) most_under_way: u32,
}

/// A request, taken apart once.
pub(crate) struct Call<'a> {
    pub(crate) now: Duration,
    pub(crate) method: &'a Method,
    /// The raw path, without the prefix of Enterprise Server.
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
    /// What the URLs in replies begin with: the origin that the request came to, and its prefix.
    pub(crate) root: String,
    /// The version of the API that was asked for, or else the usual one.
    pub(crate) version: String,
}

impl<'a> Call<'a> {
    fn new(now: Duration, request: &'a Request<Bytes>, versions: &[String]) -> Self {
        let asked = request.headers().get(API_VERSION);
        let asked = asked.and_then(|version| version.to_str().ok());
        let usual = || versions.first().cloned().unwrap_or_default();
        let uri = request.uri();
        let (prefix, path) = routes::split_prefix(uri.path());
        let host = request
            .headers()
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let authority = uri
            .authority()
            .map(|authority| authority.as_str())
            .or(host)
            .unwrap_or("api.github.com");
        let scheme = uri
            .scheme_str()
            .unwrap_or(if host.is_some() { "http" } else { "https" });
        Self {
            now,
            method: request.method(),
            path,
            query: uri.query().unwrap_or_default(),
            body: request.body(),
            root: format!("{scheme}://{authority}{prefix}"),
            version: asked.map_or_else(usual, str::to_owned),
        }
    }

    pub(crate) fn writes(&self) -> bool {
        !matches!(*self.method, Method::GET | Method::HEAD)
    }
}

impl State {
    /// Answers a request at an instant.
    pub(crate) fn respond(&mut self, now: Duration, request: &Request<Bytes>) -> Reply {
        let strike = self.faults.strike(now, request);
        let mut reply = match strike {
            None => self.answer(now, request),
            Some(Strike::Instead(reply)) => self.dress(now, request, reply, None),
            Some(Strike::RotateKey) => {
                self.rotate_addressed(request);
                self.answer(now, request)
            }
            Some(Strike::Changed(change)) => change(self.answer(now, request)),
            Some(Strike::Delivery {
                applied: true,
                delivery,
            }) => {
                let mut reply = self.answer(now, request);
                reply.extensions_mut().insert(delivery);
                reply
            }
            Some(Strike::Delivery {
                applied: false,
                delivery,
            }) => {
                let mut reply = reply::no_content();
                reply.extensions_mut().insert(delivery);
                reply
            }
        };
        if reply.extensions().get::<Delivery>().is_none() {
            reply.extensions_mut().insert(Delivery::default());
        }
        self.log.note(
            self.settings.remembered_requests,
            now,
            request,
            reply.status().as_u16(),
        );
        reply
    }

    /// Whether this server has the route's store. To one that it lacks, it answers as to any path it does not know.
    fn knows(&self, route: &Route) -> bool {
        match route {
            Route::Secrets { store, place, .. } => self.stores.has(store, place.kind()),
            Route::Registries { place, .. } => self.stores.has(registries::STORE, place.kind()),
            _ => true,
        }
    }

    /// Answers a request that no fault has struck.
    fn answer(&mut self, now: Duration, request: &Request<Bytes>) -> Reply {
        if self.settings.require_user_agent && !request.headers().contains_key(header::USER_AGENT) {
            let why = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.\n";
            return reply::with_body(StatusCode::FORBIDDEN, reply::HTML, why);
        }
        let call = Call::new(now, request, &self.settings.api_versions);
        let route = Route::read(call.path);
        let known = route.as_ref().filter(|route| self.knows(route));
        let documentation = documentation(known);
        let mut grant = None;
        let reply = self
            .admit(now, request, route.as_ref(), &mut grant)
            .and_then(|grant| self.dispatch(&call, route.ok_or_else(errors::not_found)?, &grant))
            .unwrap_or_else(|refusal| {
                let page = refusal.documentation.unwrap_or(&documentation);
                let page = of_version(page, self.settings.enterprise_version.as_deref());
                refusal.into_reply(&page)
            });
        self.dress(now, request, reply, grant)
    }

    /// What comes before any path is looked at: version, token, limits. Leaves the grant for the headers.
    fn admit(
        &mut self,
        now: Duration,
        request: &Request<Bytes>,
        route: Option<&Route>,
        grant: &mut Option<Grant>,
    ) -> Result<Grant, Refusal> {
        let headers = request.headers();
        if let Some(sent) = headers.get(API_VERSION) {
            let sent = String::from_utf8_lossy(sent.as_bytes());
            let known = &self.settings.api_versions;
            if !known.iter().any(|version| *version == sent) {
                return Err(errors::unsupported_version(&sent, known));
            }
        }
        let found = match route {
            #[cfg(feature = "app")]
            Some(Route::App(_)) => self.authenticate_app(now, headers)?,
            _ => self
                .access
                .authenticate(now, headers, self.settings.login_attempts)?,
        };
        *grant = Some(found.clone());
        self.limiter
            .admit(now, &found.caller, request.method(), self.under_way)?;
        Ok(found)
    }

    fn dispatch(&mut self, call: &Call<'_>, route: Route, grant: &Grant) -> Result<Reply, Refusal> {
        match route {
            Route::Secrets { store, place, ask } => self.secrets(call, grant, store, &place, ask),
            Route::Registries { place, ask } => self.registries(call, grant, &place, ask),
            Route::Place(place) if *call.method == Method::GET => self.show(call, grant, &place),
            Route::RateLimit if *call.method == Method::GET => {
                if !self.settings.rate_limit_headers {
                    return Err(Refusal::new(404, "Rate limiting is not enabled."));
                }
                let quota = self.limiter.quota(call.now, &grant.caller);
                let core = serde_json::json!({
                    "limit": quota.limit, "remaining": quota.remaining, "used": quota.used, "reset": quota.reset,
                });
                Ok(reply::ok(
                    &serde_json::json!({ "resources": { "core": core }, "rate": core }),
                ))
            }
            #[cfg(feature = "app")]
            Route::App(route) => self.app(call, grant, route),
            _ => Err(errors::not_found()),
        }
    }

    /// Finds a place, or says that it has moved.
    pub(crate) fn locate(&self, call: &Call<'_>, place: &Place) -> Result<Home, Refusal> {
        self.world.find(place).map_err(|lost| match lost {
            Lost::Missing => errors::not_found(),
            Lost::Moved(id) => {
                let rest = call
                    .path
                    .splitn(5, '/')
                    .nth(4)
                    .map(|rest| format!("/{rest}"))
                    .unwrap_or_default();
                let query = if call.query.is_empty() {
                    String::new()
                } else {
                    format!("?{}", call.query)
                };
                let url = format!("{}/repositories/{id}{rest}{query}", call.root);
                let status = if *call.method == Method::GET {
                    301
                } else {
                    307
                };
                Refusal::new(status, "Moved Permanently")
                    .with("url", &url)
                    .header("location", &url)
            }
        })
    }

    pub(crate) fn permit(&self, grant: &Grant, need: &Need, home: &Home) -> Result<(), Refusal> {
        let repository = match home {
            Home::Repository(id) | Home::Environment(id, _) => Some(*id),
            Home::Organization(_) | Home::User => None,
        };
        permit(grant, need, self.world.owner_id(home), repository)
    }

    /// The vault that a scope names, which comes into being if need be.
    pub(crate) fn vault(&mut self, scope: &Scope) -> Option<Vault> {
        self.world.add(&scope.place);
        self.find_vault(scope)
    }

    pub(crate) fn find_vault(&self, scope: &Scope) -> Option<Vault> {
        Some((scope.store.clone(), self.world.find(&scope.place).ok()?))
    }

    /// Replaces the key of the scope that a request is about, if it is about one.
    fn rotate_addressed(&mut self, request: &Request<Bytes>) {
        let (store, place) = match Route::read(routes::split_prefix(request.uri().path()).1) {
            Some(Route::Secrets { store, place, .. }) => (store, place),
            Some(Route::Registries { place, .. }) => (registries::STORE.to_owned(), place),
            _ => return,
        };
        if let Some(vault) = self.find_vault(&Scope { store, place }) {
            self.keys.rotate(&vault, self.settings.shared_key_ids);
        }
    }

    /// Adds what every reply carries.
    fn dress(
        &self,
        now: Duration,
        request: &Request<Bytes>,
        mut reply: Reply,
        grant: Option<Grant>,
    ) -> Reply {
        let serial = self.log.total() + 1;
        let version = request
            .headers()
            .get(API_VERSION)
            .cloned()
            .filter(|_| reply.status() != StatusCode::BAD_REQUEST);
        let usual = self
            .settings
            .api_versions
            .first()
            .and_then(|version| version.parse().ok());
        let etag = (reply.status() == StatusCode::OK).then(|| etag(reply.body()));
        let headers = reply.headers_mut();
        let mut set = |name: &'static str, value: Option<HeaderValue>| {
            if let Some(value) = value {
                headers.entry(name).or_insert(value);
            }
        };
        set("date", when::http(now).parse().ok());
        set("server", Some(HeaderValue::from_static("github.com")));
        set(
            "x-github-media-type",
            Some(HeaderValue::from_static("github.v3; format=json")),
        );
        set(
            "x-github-request-id",
            format!("0C70:{serial:06X}:{:08X}", now.as_secs())
                .parse()
                .ok(),
        );
        set("x-github-api-version-selected", version.or(usual));
        set(
            "x-github-enterprise-version",
            self.settings
                .enterprise_version
                .as_ref()
                .and_then(|version| format!("enterprise-server@{version}").parse().ok()),
        );
        set("etag", etag.clone());
        if self.settings.rate_limit_headers {
            let caller = grant.as_ref().map_or("", |grant| grant.caller.as_str());
            self.limiter.quota(now, caller).write(headers);
        }
        let known = request.headers().get(header::IF_NONE_MATCH);
        if *request.method() == Method::GET && known.is_some() && known == etag.as_ref() {
            *reply.status_mut() = StatusCode::NOT_MODIFIED;
            reply.headers_mut().remove(header::CONTENT_TYPE);
            *reply.body_mut() = Bytes::new();
        }
        reply
    }
}

fn etag(body: &Bytes) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    let half = format!("{:016x}", hasher.finish());
    HeaderValue::from_str(&format!("W/\"{half}{half}{half}{half}\""))
        .unwrap_or(HeaderValue::from_static("W/\"\""))
}

/// The page that GitHub's errors point to.
fn documentation(route: Option<&Route>) -> String {
    match route {
        Some(Route::Secrets { store, .. }) => {
            format!("https://docs.github.com/rest/{store}/secrets")
        }
        Some(Route::Registries { .. }) => {
            "https://docs.github.com/rest/private-registries/organization-configurations".to_owned()
        }
        Some(Route::Place(place)) => {
            let page = match place.kind() {
                Kind::Organization => "orgs/orgs",
                Kind::Repository => "repos/repos",
                Kind::Environment => "deployments/environments",
                Kind::User => "users/users",
            };
            format!("https://docs.github.com/rest/{page}")
        }
        Some(Route::App(_)) => "https://docs.github.com/rest/apps/apps".to_owned(),
        _ => "https://docs.github.com/rest".to_owned(),
    }
}

/// The page as an Enterprise Server names it, which has a documentation for each of its releases.
fn of_version(page: &str, version: Option<&str>) -> String {
    let Some(version) = version else {
        return page.to_owned();
    };
    let release: Vec<&str> = version.split('.').take(2).collect();
    let docs = format!("docs.github.com/enterprise-server@{}/", release.join("."));
    page.replacen("docs.github.com/", &docs, 1)
}
