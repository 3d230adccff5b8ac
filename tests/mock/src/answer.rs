//! The heart: from request to response over state, with neither I/O nor a clock of its own.

mod call;
mod dressed;
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

use std::time::Duration;

use bytes::Bytes;
use http::header;
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

use crate::world::keys::{Keys, Vault};
use crate::world::place::{Kind, Place, Scope};
use crate::world::stored::Secrets;
use crate::world::stores::Stores;
use crate::world::{Home, Lost, World};
pub(crate) use call::Call;
use call::asked_version;
use dressed::API_VERSION;

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

    /// Whether this server has the route's store. Paths of other stores are answered as unknown paths are.
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
