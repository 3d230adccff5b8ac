//! GitHub Apps and their installations: what is known of them, and how it is shown.

mod exchange;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use http::Method;
use jsonwebtoken::DecodingKey;
use serde_json::{Value, json};

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

    /// Gives an installation a permission more. Changes nothing if it has every permission.
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
