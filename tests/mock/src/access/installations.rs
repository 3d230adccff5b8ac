//! Installations of GitHub Apps: looking them up, and exchanging an App's JWT for a token of one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use http::{Method, StatusCode};
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value, json};

use crate::access::jwt;
use crate::access::{Grant, Need};
use crate::answer::reply::{self, Refusal, Reply};
use crate::answer::routes::AppRoute;
use crate::answer::{Call, State};
use crate::answer::{errors, repositories};
use crate::traffic::identity::Identity;
use crate::when;
use crate::world::Lost;
use crate::world::place::{Account, Repo};

const FIRST_INSTALLATION: u64 = 41_000_001;

type Permissions = BTreeMap<String, String>;

#[derive(Debug, Default)]
pub(crate) struct Apps {
    apps: HashMap<u64, Registered>,
    installations: BTreeMap<u64, Installation>,
    installed: u64,
    issued: u64,
}

#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) client_id: String,
    /// What it may sign with.
    pub(crate) keys: Vec<DecodingKey>,
    /// `None`: every permission.
    pub(crate) permissions: Option<Permissions>,
}

#[derive(Clone, Debug)]
pub(crate) struct Installation {
    pub(crate) app: u64,
    pub(crate) owner: u64,
    pub(crate) permissions: Option<Permissions>,
    /// `None`: every repository of the owner.
    pub(crate) repositories: Option<BTreeSet<u64>>,
    pub(crate) suspended: bool,
    pub(crate) created: Duration,
}

impl Apps {
    pub(crate) fn register(&mut self, id: u64, app: Registered) {
        self.apps.insert(id, app);
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut Registered> {
        self.apps.get_mut(&id)
    }

    pub(crate) fn permissions(&self, id: u64) -> Option<Permissions> {
        self.apps.get(&id)?.permissions.clone()
    }

    pub(crate) fn install(&mut self, installation: Installation) -> u64 {
        let id = FIRST_INSTALLATION + self.installed;
        self.installed += 1;
        self.installations.insert(id, installation);
        id
    }

    pub(crate) fn remove(&mut self, id: u64) -> bool {
        self.installations.remove(&id).is_some()
    }

    pub(crate) fn suspend(&mut self, id: u64, suspended: bool) {
        if let Some(installation) = self.installations.get_mut(&id) {
            installation.suspended = suspended;
        }
    }

    /// Gives an installation a permission more; one that may do everything already has it.
    pub(crate) fn permit(&mut self, id: u64, name: &str, level: &str) -> Option<()> {
        let installation = self.installations.get_mut(&id)?;
        if let Some(permissions) = &mut installation.permissions {
            permissions.insert(name.to_owned(), level.to_owned());
        }
        Some(())
    }

    pub(crate) fn issued(&self) -> u64 {
        self.issued
    }
}

impl State {
    /// Finds out which App is calling.
    pub(crate) fn authenticate_app(
        &self,
        now: Duration,
        headers: &http::HeaderMap,
    ) -> Result<Grant, Refusal> {
        let (token, issuer) = jwt::issuer(headers)?;
        let (id, app) = self
            .apps
            .apps
            .iter()
            .find(|(id, app)| id.to_string() == issuer || app.client_id == issuer)
            .ok_or_else(|| Refusal::new(404, "Integration not found"))?;
        jwt::verify(token, &app.keys, now, self.settings.max_jwt_lifetime)?;
        Ok(Grant {
            identity: Identity::App(*id),
            app: Some(*id),
            ..Grant::everything()
        })
    }

    pub(crate) fn app(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
        route: AppRoute,
    ) -> Result<Reply, Refusal> {
        let app = grant.app.ok_or_else(errors::not_found)?;
        let wanted = match (call.method, &route) {
            (&Method::GET, AppRoute::Itself) => return Ok(self.show_app(app)),
            (&Method::GET, AppRoute::Installation(id))
            | (&Method::POST, AppRoute::AccessTokens(id)) => Some(*id),
            (&Method::GET, AppRoute::OfOrganization(account)) => {
                self.installation_of(app, account, None)?
            }
            (&Method::GET, AppRoute::OfUser(login)) => {
                self.installation_of(app, &Account::Login(login.clone()), None)?
            }
            (&Method::GET, AppRoute::OfRepository(repo)) => {
                self.installation_of_repository(app, repo)?
            }
            _ => None,
        };
        let id = wanted.ok_or_else(errors::not_found)?;
        let installation = self
            .apps
            .installations
            .get(&id)
            .filter(|installation| installation.app == app)
            .cloned();
        let installation = installation.ok_or_else(errors::not_found)?;
        match route {
            AppRoute::AccessTokens(_) => self.exchange(call, id, &installation),
            _ => Ok(reply::ok(&self.show_installation(call, id, &installation))),
        }
    }

    fn installation_of(
        &self,
        app: u64,
        account: &Account,
        repository: Option<u64>,
    ) -> Result<Option<u64>, Refusal> {
        let owner = self.world.owner(account).ok_or_else(errors::not_found)?.id;
        let fits = |installation: &Installation| {
            let sees = |id: u64| {
                installation
                    .repositories
                    .as_ref()
                    .is_none_or(|known| known.contains(&id))
            };
            installation.app == app && installation.owner == owner && repository.is_none_or(sees)
        };
        Ok(self
            .apps
            .installations
            .iter()
            .find(|(_, installation)| fits(installation))
            .map(|(id, _)| *id))
    }

    fn installation_of_repository(&self, app: u64, repo: &Repo) -> Result<Option<u64>, Refusal> {
        let repository = self.world.repository(repo).map_err(|lost| match lost {
            Lost::Missing | Lost::Moved(_) => errors::not_found(),
        })?;
        self.installation_of(app, &Account::Id(repository.owner), Some(repository.id))
    }

    /// Gives a token of an installation, narrowed to what was asked for.
    fn exchange(
        &mut self,
        call: &Call<'_>,
        id: u64,
        installation: &Installation,
    ) -> Result<Reply, Refusal> {
        if installation.suspended {
            return Err(Refusal::new(403, "This installation has been suspended"));
        }
        let body = if call.body.is_empty() {
            Map::new()
        } else {
            errors::json_object(call.body)?
        };
        let repositories = self.narrowed_repositories(&body, installation)?;
        let permissions = narrowed_permissions(&body, installation)?;

        self.apps.issued += 1;
        let asked = call.headers.get("x-github-stateless-s2s-token");
        let stateless = match asked.map(|asked| asked.as_bytes()) {
            Some(b"enabled") => true,
            Some(b"disabled") => false,
            _ => self.apps.issued.is_multiple_of(2),
        };
        let token = if stateless {
            let length = self.settings.stateless_token_length;
            stateless_token(self.apps.issued, installation.app, length)
        } else {
            format!("ghs_{}", letters(self.apps.issued, 36))
        };
        let expires = call.now + self.settings.installation_token_lifetime;
        let mut shown = json!({
            "token": token,
            // Tokens are told in whole seconds; they do not end before that.
            "expires_at": when::iso(expires),
            "permissions": self.shown_permissions(permissions.as_ref()),
            "repository_selection": if repositories.is_some() { "selected" } else { "all" },
        });
        if let Some(ids) = &repositories {
            let known = ids.iter().filter_map(|id| self.world.repository_by_id(*id));
            shown["repositories"] = known
                .map(|repository| repositories::minimal(&self.world, repository, &call.root))
                .collect();
        }
        let grant = Grant {
            identity: Identity::Installation(id),
            permissions,
            owners: Some(BTreeSet::from([installation.owner])),
            repositories,
            integration: true,
            given: call.now,
            valid_from: call.now + self.settings.installation_token_delay,
            expires,
            ..Grant::everything()
        };
        self.access.insert(token, grant);
        Ok(reply::json(StatusCode::CREATED, &shown))
    }

    fn narrowed_repositories(
        &self,
        body: &Map<String, Value>,
        installation: &Installation,
    ) -> Result<Option<BTreeSet<u64>>, Refusal> {
        let refused = || {
            Refusal::new(
                422,
                "There is at least one repository that does not exist or is not accessible to the parent installation.",
            )
        };
        let list = |field: &str| {
            body.get(field)
                .and_then(Value::as_array)
                .map(Vec::as_slice)
                .unwrap_or_default()
        };
        let login = self
            .world
            .owner(&Account::Id(installation.owner))
            .map_or("", |owner| owner.login.as_str());
        let by_name = list("repositories").iter().map(|name| {
            let repo = Repo::Named(
                login.to_owned(),
                name.as_str().unwrap_or_default().to_owned(),
            );
            self.world.repository(&repo).ok()
        });
        let by_id = list("repository_ids")
            .iter()
            .map(|id| self.world.repository_by_id(id.as_u64()?));
        let named: BTreeSet<u64> = by_name
            .chain(by_id)
            .map(|repository| {
                repository
                    .filter(|repository| repository.owner == installation.owner)
                    .map(|r| r.id)
            })
            .collect::<Option<_>>()
            .ok_or_else(refused)?;
        match &installation.repositories {
            _ if named.is_empty() => Ok(installation.repositories.clone()),
            Some(known) if !named.is_subset(known) => Err(refused()),
            _ => Ok(Some(named)),
        }
    }

    fn show_app(&self, id: u64) -> Reply {
        let client_id = self.apps.apps.get(&id).map(|app| app.client_id.as_str());
        reply::ok(&json!({
            "id": id,
            "client_id": client_id,
            "slug": format!("app-{id}"),
            "name": format!("App {id}"),
            "permissions": self.shown_permissions(self.apps.permissions(id).as_ref()),
            "events": [],
        }))
    }

    fn show_installation(&self, call: &Call<'_>, id: u64, installation: &Installation) -> Value {
        let login = self
            .world
            .owner(&Account::Id(installation.owner))
            .map_or("", |owner| owner.login.as_str());
        let root = &call.root;
        let suspended_at = installation
            .suspended
            .then(|| when::iso(installation.created));
        json!({
            "id": id,
            "account": repositories::account(login, installation.owner, "Organization", root),
            "repository_selection": if installation.repositories.is_some() { "selected" } else { "all" },
            "access_tokens_url": format!("{root}/app/installations/{id}/access_tokens"),
            "repositories_url": format!("{root}/installation/repositories"),
            "html_url": format!("https://github.com/organizations/{login}/settings/installations/{id}"),
            "app_id": installation.app,
            "app_slug": format!("app-{}", installation.app),
            "target_id": installation.owner,
            "target_type": "Organization",
            "permissions": self.shown_permissions(installation.permissions.as_ref()),
            "events": [],
            "created_at": when::iso(installation.created),
            "updated_at": when::iso(installation.created),
            "single_file_name": null,
            "has_multiple_single_files": false,
            "single_file_paths": [],
            "suspended_by": null,
            "suspended_at": suspended_at,
        })
    }

    /// Permissions by name; where every one is meant, those of all stores.
    fn shown_permissions(&self, permissions: Option<&Permissions>) -> Value {
        match permissions {
            Some(permissions) => json!(permissions),
            None => {
                let every = self
                    .stores
                    .iter()
                    .map(|(store, kind)| Need::of_store(store, kind, true).permission());
                let mut every: Permissions = every.map(|name| (name, "write".to_owned())).collect();
                every.insert("metadata".to_owned(), "read".to_owned());
                json!(every)
            }
        }
    }
}

fn narrowed_permissions(
    body: &Map<String, Value>,
    installation: &Installation,
) -> Result<Option<Permissions>, Refusal> {
    let Some(wanted) = body.get("permissions").and_then(Value::as_object) else {
        return Ok(installation.permissions.clone());
    };
    let level = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let wanted: Permissions = wanted
        .iter()
        .map(|(name, value)| (name.clone(), level(value)))
        .collect();
    let granted = |(name, level): (&String, &String)| {
        installation.permissions.as_ref().is_none_or(|known| {
            name == "metadata"
                || known
                    .get(name)
                    .is_some_and(|known| known == level || known == "write")
        })
    };
    if wanted.iter().all(granted) {
        Ok(Some(wanted))
    } else {
        Err(Refusal::new(
            422,
            "The permissions requested are not granted to this installation.",
        ))
    }
}

/// A token of the newer shape: the App's number and something like a JWT.
fn stateless_token(serial: u64, app: u64, length: usize) -> String {
    let start = format!("ghs_{app}_eyJhbGciOiJFUzI1NiJ9.");
    let rest = length.saturating_sub(start.len() + 87).max(36);
    let signature = letters(serial.wrapping_add(1) ^ app, 84);
    format!("{start}{}.-_{signature}", letters(serial, rest))
}

/// So many letters and digits, others for each number.
fn letters(serial: u64, length: usize) -> String {
    let spread = serial.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let all = (0_u64..).flat_map(|round| {
        let turned = spread.rotate_left(round as u32 % 64) ^ round;
        format!("{turned:016x}").into_bytes()
    });
    let mut text = format!("{serial:06}");
    text.extend(all.map(char::from).take(length - text.len()));
    text
}
