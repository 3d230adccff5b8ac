//! The heart: from request to response over state, with neither I/O nor a clock of its own.

pub(crate) mod errors;
pub(crate) mod paging;
pub(crate) mod registries;
pub(crate) mod reply;
pub(crate) mod repositories;
pub(crate) mod routes;
pub(crate) mod sealed;
pub(crate) mod secrets;
pub(crate) mod shown;
pub(crate) mod variables;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};

#[cfg(feature = "app")]
use crate::access::installations::Apps;
use crate::access::{Access, Grant, Need, permit};
use crate::answer::reply::{Refusal, Reply};
use crate::answer::routes::Route;
use crate::faults::effect::{Instead, Strike, Twist};
use crate::faults::orders::{Arrival, Faults};
use crate::mount::flights::Flights;
use crate::settings::Settings;
use crate::traffic::identity::Identity;
use crate::traffic::limiter::Limiter;
use crate::traffic::limits::ExceededLimit;
use crate::traffic::recorded::{Log, Recorded};
use crate::when;
use crate::world::keys::{Keys, Vault};
use crate::world::place::{Kind, Place, Scope};
use crate::world::stored::Secrets;
use crate::world::stores::Stores;
use crate::world::{Home, Lost, World};

/// A version goes on for two years once there is another one.
const VERSION_NOTICE: Duration = Duration::from_secs(730 * 24 * 3_600);

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
    pub(crate) flights: Flights,
}

/// Whom a request was counted as, and whether a limit refused it.
#[derive(Default)]
struct Counted {
    identity: Option<Identity>,
    exceeded: Option<ExceededLimit>,
}

/// Whether a method changes anything.
pub(crate) fn writes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

/// A request, taken apart once.
pub(crate) struct Call<'a> {
    pub(crate) now: Duration,
    pub(crate) method: &'a Method,
    /// The raw path, without the prefix of Enterprise Server.
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
    #[cfg(feature = "app")]
    pub(crate) headers: &'a HeaderMap,
    /// What the URLs in replies begin with: the origin that the request came to, and its prefix.
    pub(crate) root: String,
    /// The version of the API that was asked for, or else the usual one.
    pub(crate) version: String,
    /// What is not as it is in what the request is shown.
    pub(crate) twists: &'a [Twist],
}

impl<'a> Call<'a> {
    fn new(
        now: Duration,
        request: &'a Request<Bytes>,
        versions: &[String],
        twists: &'a [Twist],
    ) -> Self {
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
            #[cfg(feature = "app")]
            headers: request.headers(),
            root: format!("{scheme}://{authority}{prefix}"),
            version: asked_version(request.headers(), versions),
            twists,
        }
    }

    pub(crate) fn writes(&self) -> bool {
        writes(self.method)
    }

    /// The instant whose state the request is shown; `None`: as it is now.
    pub(crate) fn as_of(&self) -> Option<Duration> {
        self.twists.iter().find_map(|twist| match twist {
            Twist::Stale(lag) => Some(self.now.saturating_sub(*lag)),
            _ => None,
        })
    }
}

impl State {
    /// What a fault does to a request, which is counted down by it.
    pub(crate) fn strike(
        &mut self,
        now: Duration,
        request: &Request<Bytes>,
        flight: Option<u64>,
    ) -> Strike {
        let scope = self.scope_written_by(request);
        let overlaps = |scope: &String| self.flights.writing_to(scope);
        let (identity, token_age) = self.access.bearer(now, request.headers());
        let strike = self.faults.strike(&Arrival {
            now,
            request,
            identity: identity.as_ref(),
            token_age,
            overlaps: scope.as_ref().is_some_and(overlaps),
        });
        if let Some(scope) = scope.filter(|_| strike.is_worked_on()) {
            self.flights.write(flight, scope);
        }
        strike
    }

    /// Answers a request at an instant.
    pub(crate) fn respond(
        &mut self,
        now: Duration,
        request: &Request<Bytes>,
        strike: Strike,
        flight: Option<u64>,
    ) -> Reply {
        if strike.rotate_key {
            self.rotate_addressed(request);
        }
        let mut counted = Counted::default();
        let mut reply = match strike.instead {
            Some(instead) => self.answer_instead(now, request, instead),
            None if strike.not_applied => reply::no_content(),
            None => self.answer(now, request, &strike.twists, &mut counted),
        };
        for change in &strike.changes {
            reply = change(reply);
        }
        let Counted { identity, exceeded } = counted;
        let identity = identity.or_else(|| self.access.bearer(now, request.headers()).0);
        // Whatever came of it, it is under way until its reply is there.
        if let Some(identity) = &identity
            && exceeded.is_none()
            && self.flights.count(flight, identity)
        {
            self.limiter.begin(identity);
        }
        reply.extensions_mut().insert(strike.delivery);
        let limit = self.settings.remembered_requests;
        self.log.note(limit, || {
            Recorded::new(now, request, &reply, identity, exceeded)
        });
        reply
    }

    /// The reply of a fault.
    fn answer_instead(
        &mut self,
        now: Duration,
        request: &Request<Bytes>,
        instead: Instead,
    ) -> Reply {
        let mut reply = instead.reply;
        if let Some(reset_in) = instead.reset_in {
            let reset = (now + reset_in).as_secs();
            let headers = reply.headers_mut();
            headers.entry("x-ratelimit-reset").or_insert(reset.into());
        }
        if instead.foreign {
            reply
        } else {
            self.dress(now, request, reply, None)
        }
    }

    /// The scope that a request writes to, by whatever name, if it writes to one.
    fn scope_written_by(&self, request: &Request<Bytes>) -> Option<String> {
        if !writes(request.method()) {
            return None;
        }
        let route = Route::read(routes::split_prefix(request.uri().path()).1)?;
        let (store, place) = route.scope()?;
        let home = self.world.find(place).ok()?;
        Some(format!("{store} {home:?}"))
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
    fn answer(
        &mut self,
        now: Duration,
        request: &Request<Bytes>,
        twists: &[Twist],
        counted: &mut Counted,
    ) -> Reply {
        if self.settings.enterprise_version.is_some()
            && routes::split_prefix(request.uri().path()).0.is_empty()
        {
            return errors::page_not_found();
        }
        if self.settings.require_user_agent && !request.headers().contains_key(header::USER_AGENT) {
            let why = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.\n";
            return reply::with_body(StatusCode::FORBIDDEN, reply::HTML, why);
        }
        let call = Call::new(now, request, &self.settings.api_versions, twists);
        let route = Route::read(call.path);
        let known = route.as_ref().filter(|route| self.knows(route));
        let documentation = documentation(known);
        let mut grant = None;
        let reply = self
            .admit(now, request, route.as_ref(), &mut grant, counted)
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
        counted: &mut Counted,
    ) -> Result<Grant, Refusal> {
        let headers = request.headers();
        if let Some(sent) = headers.get(API_VERSION) {
            let sent = String::from_utf8_lossy(sent.as_bytes());
            let known = &self.settings.api_versions;
            if !known.iter().any(|version| *version == sent) {
                return Err(errors::unsupported_version(&sent, known));
            }
        }
        let version = asked_version(headers, &self.settings.api_versions);
        if self
            .settings
            .api_version_ends
            .get(&version)
            .is_some_and(|end| *end <= now)
        {
            return Err(errors::ended_version(&version));
        }
        let found = match route {
            #[cfg(feature = "app")]
            Some(Route::App(_)) => self.authenticate_app(now, headers)?,
            _ => self
                .access
                .authenticate(now, headers, self.settings.login_attempts)?,
        };
        *grant = Some(found.clone());
        counted.identity = Some(found.identity.clone());
        let admitted = self.limiter.admit(now, &found.identity, request.method());
        admitted.map_err(|(exceeded, refusal)| {
            counted.exceeded = Some(exceeded);
            refusal
        })?;
        Ok(found)
    }

    fn dispatch(&mut self, call: &Call<'_>, route: Route, grant: &Grant) -> Result<Reply, Refusal> {
        match route {
            Route::Secrets { store, place, ask } => self.secrets(call, grant, store, &place, ask),
            Route::Registries { place, ask } => self.registries(call, grant, &place, ask),
            Route::Place(place) if *call.method == Method::GET => self.show(call, grant, &place),
            Route::Place(Place::Environment(repo, name)) if *call.method == Method::PUT => {
                self.protect(call, grant, repo, name)
            }
            Route::RateLimit if *call.method == Method::GET => {
                if !self.settings.rate_limit_headers {
                    return Err(Refusal::new(404, "Rate limiting is not enabled."));
                }
                let quota = self.limiter.quota(call.now, &grant.identity);
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
        let route = Route::read(routes::split_prefix(request.uri().path()).1);
        let Some((store, place)) = route.as_ref().and_then(Route::scope) else {
            return;
        };
        let scope = Scope {
            store: store.to_owned(),
            place: place.clone(),
        };
        if let Some(vault) = self.find_vault(&scope) {
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
        let version = asked_version(request.headers(), &self.settings.api_versions);
        if let Some(end) = self.settings.api_version_ends.get(&version) {
            let begin = end.saturating_sub(VERSION_NOTICE);
            set("deprecation", when::http(begin).parse().ok());
            set("sunset", when::http(*end).parse().ok());
        }
        if self.settings.rate_limit_headers {
            let identity = grant.map(|grant| grant.identity).unwrap_or_default();
            self.limiter.quota(now, &identity).write(headers);
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

/// The version of the API that a request asks for, or the usual one.
fn asked_version(headers: &HeaderMap, versions: &[String]) -> String {
    let asked = headers.get(API_VERSION);
    let asked = asked.and_then(|version| version.to_str().ok());
    let usual = || versions.first().cloned().unwrap_or_default();
    asked.map_or_else(usual, str::to_owned)
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
            let page = crate::world::stores::collection(store);
            format!("https://docs.github.com/rest/{page}")
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
