//! Tokens: the identity that each stands for, and what it permits.

#[cfg(feature = "app")]
pub(crate) mod app;
#[cfg(feature = "app")]
pub(crate) mod installations;
#[cfg(feature = "app")]
pub(crate) mod jwt;
pub(crate) mod token;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use crate::answer::errors;
use crate::answer::registries;
use crate::answer::reply::Refusal;
use crate::traffic::identity::Identity;
use crate::world::place::Kind;

const LOCKED_FOR: Duration = Duration::from_secs(60);

/// What a token may do, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    /// Whose limits its requests count towards.
    pub(crate) identity: Identity,
    /// Scopes of a classic token; `None`: every scope.
    pub(crate) scopes: Option<BTreeSet<String>>,
    /// Permissions of a fine-grained or installation token by name, with `read` or `write`; `None`: every one.
    pub(crate) permissions: Option<BTreeMap<String, String>>,
    /// The numbers of the owners whose places it sees; `None`: all.
    pub(crate) owners: Option<BTreeSet<u64>>,
    /// The repositories it is narrowed to; `None`: all of the owner's.
    pub(crate) repositories: Option<BTreeSet<u64>>,
    /// The App that it is, when it came as a JWT.
    #[cfg(feature = "app")]
    pub(crate) app: Option<u64>,
    /// It belongs to an installation of an App.
    pub(crate) integration: bool,
    /// When it was made known.
    pub(crate) given: Duration,
    pub(crate) valid_from: Duration,
    pub(crate) expires: Duration,
    pub(crate) sso: Option<String>,
}

impl Grant {
    pub(crate) fn everything() -> Self {
        Self {
            identity: Identity::default(),
            scopes: None,
            permissions: None,
            owners: None,
            repositories: None,
            #[cfg(feature = "app")]
            app: None,
            integration: false,
            given: Duration::ZERO,
            valid_from: Duration::ZERO,
            expires: Duration::MAX,
            sso: None,
        }
    }
}

/// What a request needs of its token.
#[derive(Debug)]
pub(crate) struct Need {
    permission: String,
    level: &'static str,
    scope: &'static str,
}

impl Need {
    /// The permission that a store's secrets need at a kind of place. The names follow one rule; Actions, the oldest
    /// store, and places that have a permission of their own are the exceptions.
    pub(crate) fn of_store(store: &str, kind: Kind, writes: bool) -> Self {
        let permission = match (kind, store) {
            (Kind::Environment, _) => "environments".to_owned(),
            (Kind::Organization, store) if store.ends_with("/variables") => {
                format!("organization_{}", store.replace('/', "_"))
            }
            (_, store) if store.ends_with("/variables") => store.replace('/', "_"),
            (Kind::Organization, "actions") => "organization_secrets".to_owned(),
            (Kind::Organization, registries::STORE) => "organization_private_registries".to_owned(),
            (Kind::Organization, store) => format!("organization_{store}_secrets"),
            (Kind::Repository, "actions") => "secrets".to_owned(),
            (Kind::Repository, store) => format!("{store}_secrets"),
            (Kind::User, store) => format!("{store}_user_secrets"),
        };
        let scope = match kind {
            Kind::Organization => "admin:org",
            Kind::Repository | Kind::Environment => "repo",
            Kind::User => "codespace",
        };
        Self {
            permission,
            level: if writes { "write" } else { "read" },
            scope,
        }
    }

    pub(crate) fn metadata() -> Self {
        Self {
            permission: "metadata".to_owned(),
            level: "read",
            scope: "repo",
        }
    }

    pub(crate) fn administration() -> Self {
        Self {
            permission: "administration".to_owned(),
            level: "write",
            scope: "repo",
        }
    }

    #[cfg(feature = "app")]
    pub(crate) fn permission(self) -> String {
        self.permission
    }

    fn met_by(&self, grant: &Grant) -> bool {
        let scope = grant
            .scopes
            .as_ref()
            .is_none_or(|scopes| scopes.contains(self.scope));
        let permission = grant.permissions.as_ref().is_none_or(|permissions| {
            self.permission == "metadata"
                || permissions
                    .get(&self.permission)
                    .is_some_and(|level| level == self.level || level == "write")
        });
        scope && permission
    }

    /// The headers that say what was needed and, for a classic token, what there was.
    pub(crate) fn headers(&self, grant: &Grant) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = vec![(
            "x-accepted-github-permissions",
            format!("{}={}", self.permission, self.level),
        )];
        if let Some(scopes) = &grant.scopes {
            headers.push(("x-accepted-oauth-scopes", self.scope.to_owned()));
            headers.push((
                "x-oauth-scopes",
                scopes.iter().cloned().collect::<Vec<_>>().join(", "),
            ));
        }
        headers
            .into_iter()
            .filter_map(|(name, value)| {
                Some((
                    HeaderName::from_static(name),
                    HeaderValue::from_str(&value).ok()?,
                ))
            })
            .collect()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Access {
    grants: HashMap<String, Grant>,
    /// Whether only tokens that were made known are accepted.
    strict: bool,
    failures: VecDeque<Duration>,
    locked_until: Duration,
}

impl Access {
    pub(crate) fn be_strict(&mut self) {
        self.strict = true;
    }

    pub(crate) fn grant(&mut self, now: Duration, token: &str) -> &mut Grant {
        let new = || Grant {
            given: now,
            ..Grant::everything()
        };
        self.grants.entry(token.to_owned()).or_insert_with(new)
    }

    #[cfg(feature = "app")]
    pub(crate) fn insert(&mut self, token: String, grant: Grant) {
        self.grants.insert(token, grant);
    }

    /// Ends a token, known or not: it is answered with 401 from now on.
    pub(crate) fn revoke(&mut self, now: Duration, token: &str) {
        self.grant(now, token).expires = Duration::ZERO;
    }

    /// Ends every token of an App's installations.
    #[cfg(feature = "app")]
    pub(crate) fn expire_integrations(&mut self) {
        self.grants
            .values_mut()
            .filter(|grant| grant.integration)
            .for_each(|grant| grant.expires = Duration::ZERO);
    }

    /// Ends every token of one identity.
    #[cfg(feature = "app")]
    pub(crate) fn expire_all_of(&mut self, identity: &Identity) {
        self.grants
            .values_mut()
            .filter(|grant| grant.identity == *identity)
            .for_each(|grant| grant.expires = Duration::ZERO);
    }

    /// Whose token a request carries, valid or not, and how long ago it was given.
    pub(crate) fn bearer(
        &self,
        now: Duration,
        headers: &HeaderMap,
    ) -> (Option<Identity>, Option<Duration>) {
        let Some(token) = bearer(headers) else {
            return (None, None);
        };
        match self.grants.get(token) {
            Some(grant) => (
                Some(grant.identity.clone()),
                Some(now.saturating_sub(grant.given)),
            ),
            None => ((!self.strict).then(Identity::default), None),
        }
    }

    /// What the request's token permits. `attempts` is how many bad tokens a minute are answered with 401.
    pub(crate) fn authenticate(
        &mut self,
        now: Duration,
        headers: &HeaderMap,
        attempts: u32,
    ) -> Result<Grant, Refusal> {
        if now < self.locked_until {
            return Err(errors::locked_out());
        }
        let Some(token) = bearer(headers) else {
            return Err(if headers.contains_key(AUTHORIZATION) {
                self.failed(now, attempts)
            } else {
                errors::requires_authentication()
            });
        };
        match self.grants.get(token) {
            Some(grant) if grant.valid_from <= now && now < grant.expires => Ok(grant.clone()),
            None if !self.strict => Ok(Grant::everything()),
            _ => Err(self.failed(now, attempts)),
        }
    }

    pub(crate) fn failed(&mut self, now: Duration, attempts: u32) -> Refusal {
        self.failures.push_back(now);
        while self
            .failures
            .front()
            .is_some_and(|at| *at + LOCKED_FOR <= now)
        {
            self.failures.pop_front();
        }
        if attempts > 0 && self.failures.len() >= attempts as usize {
            self.locked_until = now + LOCKED_FOR;
            self.failures.clear();
        }
        errors::bad_credentials()
    }
}

/// The token of a request; GitHub takes `Bearer` and the older `token` alike.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
    (known && !token.is_empty()).then_some(token)
}

/// Refuses what the token can't see with 404, and what it sees but may not touch with 403.
pub(crate) fn permit(
    grant: &Grant,
    need: &Need,
    owner: Option<u64>,
    repository: Option<u64>,
) -> Result<(), Refusal> {
    let sees = |known: &Option<BTreeSet<u64>>, id: Option<u64>| {
        id.zip(known.as_ref())
            .is_none_or(|(id, known)| known.contains(&id))
    };
    if !sees(&grant.owners, owner) || !sees(&grant.repositories, repository) {
        return Err(errors::not_found());
    }
    if let Some(url) = grant.sso.as_deref().filter(|_| owner.is_some()) {
        return Err(
            Refusal::new(403, "Resource protected by organization SAML enforcement.")
                .header("x-github-sso", format!("required; url={url}")),
        );
    }
    if need.met_by(grant) {
        return Ok(());
    }
    let message = match (grant.integration, &grant.permissions) {
        (true, _) => "Resource not accessible by integration",
        (false, Some(_)) => "Resource not accessible by personal access token",
        (false, None) => "Must have admin rights to Repository.",
    };
    Err(Refusal {
        headers: need.headers(grant),
        ..Refusal::new(403, message)
    })
}
