//! Calls as the App itself: which installation an owner has, and a token for it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use octoseal_api::operations::{self, Operation};
use octoseal_api::{Answer, Permission, types};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::App;
use super::described::typed;
use super::jwt::Jwt;
use super::kept::Purpose;
use crate::auth::{Audience, Token};
use crate::error::{Error, ErrorKind, Reach};
use crate::limits::Gate;
use crate::runtime::{Allowance, Call, Place, Runtime, Tokens, headers};

/// Makes calls with the App's own JWT.
pub(super) struct AppCalls {
    pub(super) app: App,
    runtime: Arc<Runtime>,
}

impl AppCalls {
    /// Calls by the runtime that `runtime` makes of the App's JWTs.
    pub(super) fn new(app: App, runtime: impl FnOnce(Arc<dyn Tokens>) -> Arc<Runtime>) -> Self {
        let jwt = Jwt::new(app.id.clone(), app.signer.clone());
        let runtime = runtime(Arc::new(jwt));
        Self { app, runtime }
    }

    pub(super) fn gate(&self) -> Gate<'_> {
        self.runtime.gate(Audience::new(None, None))
    }

    /// The id of the installation at an owner that has access to the repository, if one is given.
    pub(super) async fn find_installation(
        &self,
        owner: &str,
        repository: Option<&str>,
        allowance: &Allowance,
    ) -> Result<u64, Error> {
        let Some(repository) = repository else {
            let operation = operations::APPS_GET_ORG_INSTALLATION;
            let request =
                async |api: octoseal_api::Client| api.apps_get_org_installation(owner).await;
            return self.find_by(operation, owner, allowance, request).await;
        };
        let operation = operations::APPS_GET_REPO_INSTALLATION;
        let request = async |api: octoseal_api::Client| {
            api.apps_get_repo_installation(owner, repository).await
        };
        match self.find_by(operation, owner, allowance, request).await {
            // The installation may lack this repository and have others of the owner, whose calls wait for this answer
            // too. This operation finds those of organizations as well as of users.
            Err(error) if error.is_githubs_not_found() => {
                let operation = operations::APPS_GET_USER_INSTALLATION;
                let request =
                    async |api: octoseal_api::Client| api.apps_get_user_installation(owner).await;
                self.find_by(operation, owner, allowance, request).await
            }
            result => result,
        }
    }

    async fn find_by<F, Fut>(
        &self,
        operation: Operation,
        owner: &str,
        allowance: &Allowance,
        request: F,
    ) -> Result<u64, Error>
    where
        F: Fn(octoseal_api::Client) -> Fut,
        Fut: Future<Output = Answer<types::Installation>>,
    {
        let place = Subject(&owner);
        let call = Call::new(&place, "finding the App's installation for", "", operation);
        let found = self.runtime.call(call, allowance, request).await;
        let found = found.map_err(with_app_hint)?;
        let id = u64::try_from(found.into_inner().id);
        id.map_err(|_| unusable("the installation's id is negative"))
    }

    /// Makes a token, and says how long it lives.
    pub(super) async fn make_token(
        &self,
        purpose: &Purpose,
        allowance: &Allowance,
    ) -> Result<(Token, Duration), Error> {
        // Boxed, since this future holds several of them.
        let make = |permissions| {
            self.make_token_with(permissions, purpose, allowance)
                .boxed()
        };
        let Some(permission) = &purpose.permission else {
            return make(self.app.permissions.clone()).await;
        };
        let at = |level: &str| make(Map::from_iter([(permission.clone(), level.into())]));
        if Permission::is_only_read(permission) {
            return at("read").await;
        }
        match at("write").await {
            // The installation may have leave to read only.
            Err(error) if error.status() == Some(422) => match at("read").await {
                Err(second) if second.status() == Some(422) => Err(error),
                result => result,
            },
            result => result,
        }
    }

    async fn make_token_with(
        &self,
        permissions: Map<String, Value>,
        purpose: &Purpose,
        allowance: &Allowance,
    ) -> Result<(Token, Duration), Error> {
        let mut body = Map::new();
        if !permissions.is_empty() {
            body.insert("permissions".to_owned(), json!(permissions));
        }
        let repositories = match &purpose.repository {
            Some(repository) => std::slice::from_ref(repository),
            None => &self.app.repositories,
        };
        if !repositories.is_empty() {
            body.insert("repositories".to_owned(), json!(repositories));
        }
        // First by themselves, so that an error names the permission that the description lacks.
        typed::<types::AppPermissions>(&permissions)?;
        let body: types::AppsCreateInstallationAccessTokenBody = typed(&body)?;
        let id = purpose.installation;
        let place = Subject(&id);
        let call = Call::new(
            &place,
            "making a token for the App's installation",
            "",
            operations::APPS_CREATE_INSTALLATION_ACCESS_TOKEN,
        )
        .repeatable();
        let request = async |api: octoseal_api::Client| {
            api.apps_create_installation_access_token(id as i64, &body)
                .await
        };
        let answered = self.runtime.call(call, allowance, request).await;
        let reply = answered.map_err(with_app_hint)?.reply;
        // Both times are the server's, so that this machine's clock does not matter.
        let now = headers::date(reply.headers()).unwrap_or_else(SystemTime::now);
        let made = reply.into_inner();
        let expires = instant(&made.expires_at);
        let expires = expires.ok_or_else(|| unusable("the token's `expires_at` is not a time"))?;
        let life = expires.duration_since(now).unwrap_or_default();
        if life.is_zero() {
            let why = "the token's `expires_at` is past by the server's own clock";
            return Err(unusable(why));
        }
        Ok((Token::new(made.token.expose())?, life))
    }
}

/// A time with an offset from UTC, or in UTC without one; a blank may stand for its `T`.
fn instant(text: &str) -> Option<SystemTime> {
    let text = text.trim().replacen(' ', "T", 1);
    let read = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    read(&text)
        .or_else(|| read(&format!("{text}Z")))
        .map(SystemTime::from)
}

/// The error of a reply that has the operation's form and can't be used: another attempt would give the same.
fn unusable(why: &str) -> Error {
    Error::new(ErrorKind::UnexpectedReply, why).with_reach(Reach::Scope)
}

/// Adds what to try after GitHub refused the App itself.
fn with_app_hint(error: Error) -> Error {
    let says = |words: &str| error.message().is_some_and(|it| it.contains(words));
    let hint = if error.is_unauthorized() {
        "check the App's id and that the key is one of its keys, none of which may have been deleted"
    } else if error.is_githubs_not_found() && says("Integration not found") {
        "check the App's id, and that the address is that of the server where the App is registered"
    } else if error.is_githubs_not_found() {
        "install the App there, and give it access to the repository; an installation that was removed and made again \
         has another id"
    } else if error.is_permission() && says("suspended") {
        "the installation is suspended; whoever suspended it, its owner or the App's, can lift that in the settings"
    } else if error.is_permission() {
        "the App may not do this; see its settings and those of its installation"
    } else if error.is_validation() {
        let hint = "tokens are narrowed to a permission that the owner has not granted to the App, or to a repository that \
                    the installation does not reach; grant it, or leave out `permission` or `repository`";
        return error.into_permission().with_hint(hint);
    } else {
        return error;
    };
    error.with_hint(hint)
}

/// An owner or an installation, as the place of a call with the App's own token.
struct Subject<'a>(&'a (dyn fmt::Display + Send + Sync));

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Place for Subject<'_> {
    fn audience(&self) -> Audience<'_> {
        Audience::new(None, None)
    }

    fn is_scope(&self) -> bool {
        false
    }
}
