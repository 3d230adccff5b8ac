//! Paths by their shapes. A store's name is data, but for two whose paths are unlike the others': private registries,
//! which are no secrets, and Actions, which an environment's paths mean without naming it.

use percent_encoding::percent_decode_str;

use crate::answer::registries;
use crate::world::place::{Account, Place, Repo};

/// What a path asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// One of the family: some store's secrets, or its variables, at some place.
    Secrets {
        store: String,
        place: Place,
        ask: Ask,
    },
    /// Private registries, which are created by POST and updated by PATCH.
    Registries {
        place: Place,
        ask: Ask,
    },
    /// A place itself.
    Place(Place),
    RateLimit,
    App(AppRoute),
}

/// What is asked of a store.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    List,
    PublicKey,
    Secret(String),
    Repositories(String),
    Repository(String, String),
    OrganizationSecrets,
}

/// What is asked about GitHub Apps.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AppRoute {
    Itself,
    Installation(u64),
    OfOrganization(Account),
    OfRepository(Repo),
    OfUser(String),
    AccessTokens(u64),
}

/// The part of every path that Enterprise Server puts before GitHub's.
pub(crate) const ENTERPRISE_PREFIX: &str = "/api/v3";

/// Splits the prefix from a raw path.
pub(crate) fn split_prefix(path: &str) -> (&'static str, &str) {
    match path.strip_prefix(ENTERPRISE_PREFIX) {
        Some(rest) if rest.starts_with('/') => (ENTERPRISE_PREFIX, rest),
        _ => ("", path),
    }
}

impl Route {
    /// The store and the place that it is about, if it is about one.
    pub(crate) fn scope(&self) -> Option<(&str, &Place)> {
        match self {
            Self::Secrets { store, place, .. } => Some((store, place)),
            Self::Registries { place, .. } => Some((registries::STORE, place)),
            _ => None,
        }
    }

    /// Reads a raw path, without prefix or query. Pieces are split before their escapes are read, so that an escaped
    /// slash stays inside its piece and a bare one does not.
    pub(crate) fn read(path: &str) -> Option<Self> {
        let pieces: Vec<String> = path
            .strip_prefix('/')?
            .split('/')
            .map(|piece| {
                percent_decode_str(piece)
                    .decode_utf8()
                    .map(|piece| piece.into_owned())
                    .ok()
            })
            .collect::<Option<_>>()?;
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        if pieces.contains(&"") {
            return None;
        }
        match pieces.as_slice() {
            ["orgs", org, rest @ ..] => {
                Self::in_organization(Account::Login((*org).to_owned()), rest)
            }
            ["organizations", id, rest @ ..] => {
                Self::in_organization(Account::Id(id.parse().ok()?), rest)
            }
            ["repos", owner, repo, rest @ ..] => {
                Self::in_repository(Repo::Named((*owner).to_owned(), (*repo).to_owned()), rest)
            }
            ["repositories", id, rest @ ..] => {
                Self::in_repository(Repo::Id(id.parse().ok()?), rest)
            }
            ["user"] => Some(Self::Place(Place::User)),
            ["user", store, "secrets", rest @ ..] => Self::secrets(store, Place::User, rest),
            ["users", login, "installation"] => {
                Some(Self::App(AppRoute::OfUser((*login).to_owned())))
            }
            ["app"] => Some(Self::App(AppRoute::Itself)),
            ["app", "installations", id] => {
                Some(Self::App(AppRoute::Installation(id.parse().ok()?)))
            }
            ["app", "installations", id, "access_tokens"] => {
                Some(Self::App(AppRoute::AccessTokens(id.parse().ok()?)))
            }
            ["rate_limit"] => Some(Self::RateLimit),
            _ => None,
        }
    }

    fn in_organization(account: Account, rest: &[&str]) -> Option<Self> {
        match rest {
            [] => Some(Self::Place(Place::Organization(account))),
            ["installation"] => Some(Self::App(AppRoute::OfOrganization(account))),
            [registries::STORE, rest @ ..] => {
                let ask = Ask::read(rest)
                    .filter(|ask| !matches!(ask, Ask::Repositories(_) | Ask::Repository(..)))?;
                Some(Self::Registries {
                    place: Place::Organization(account),
                    ask,
                })
            }
            [store, what @ ("secrets" | "variables"), rest @ ..] => {
                Self::secrets(&store_of(store, what)?, Place::Organization(account), rest)
            }
            _ => None,
        }
    }

    fn in_repository(repo: Repo, rest: &[&str]) -> Option<Self> {
        match rest {
            [] => Some(Self::Place(Place::Repository(repo))),
            ["environments", environment] => Some(Self::Place(Place::Environment(
                repo,
                (*environment).to_owned(),
            ))),
            ["installation"] => Some(Self::App(AppRoute::OfRepository(repo))),
            [
                "environments",
                environment,
                what @ ("secrets" | "variables"),
                rest @ ..,
            ] => {
                // An environment's paths name no store: its secrets are those of Actions.
                Self::secrets(
                    &store_of("actions", what)?,
                    Place::Environment(repo, (*environment).to_owned()),
                    rest,
                )
            }
            [
                store,
                list @ ("organization-secrets" | "organization-variables"),
            ] => {
                let store = store_of(store, list.trim_start_matches("organization-"))?;
                Some(Self::Secrets {
                    store,
                    place: Place::Repository(repo),
                    ask: Ask::OrganizationSecrets,
                })
            }
            [store, what @ ("secrets" | "variables"), rest @ ..] => {
                Self::secrets(&store_of(store, what)?, Place::Repository(repo), rest)
            }
            _ => None,
        }
    }

    fn secrets(store: &str, place: Place, rest: &[&str]) -> Option<Self> {
        Some(Self::Secrets {
            store: store.to_owned(),
            place,
            ask: Ask::read(rest)?,
        })
    }
}

/// The store that a path means, which may be that of another one's variables.
fn store_of(store: &str, what: &str) -> Option<String> {
    let store = Some(store).filter(|store| !store.contains('/'))?;
    Some(match what {
        "variables" => format!("{store}/variables"),
        _ => store.to_owned(),
    })
}

impl Ask {
    fn read(rest: &[&str]) -> Option<Self> {
        match rest {
            [] => Some(Self::List),
            ["public-key"] => Some(Self::PublicKey),
            [name] => Some(Self::Secret((*name).to_owned())),
            [name, "repositories"] => Some(Self::Repositories((*name).to_owned())),
            [name, "repositories", id] => {
                Some(Self::Repository((*name).to_owned(), (*id).to_owned()))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_slash_stays_in_its_piece_and_a_bare_one_finds_nothing() {
        let repo = Repo::Named("acme".to_owned(), "api".to_owned());
        let wanted = Route::Secrets {
            store: "actions".to_owned(),
            place: Place::Environment(repo, "prod/eu".to_owned()),
            ask: Ask::PublicKey,
        };
        assert_eq!(
            Route::read("/repos/acme/api/environments/prod%2Feu/secrets/public-key"),
            Some(wanted)
        );
        assert_eq!(
            Route::read("/repos/acme/api/environments/prod/eu/secrets/public-key"),
            None
        );
    }

    #[test]
    fn an_empty_piece_finds_nothing() {
        assert_eq!(Route::read("/orgs//actions/secrets"), None);
        assert_eq!(Route::read("/orgs/acme/actions/secrets/"), None);
    }

    #[test]
    fn the_prefix_of_enterprise_server_is_split_off() {
        assert_eq!(split_prefix("/api/v3/orgs/acme"), ("/api/v3", "/orgs/acme"));
        assert_eq!(
            split_prefix("/api/v30/orgs/acme"),
            ("", "/api/v30/orgs/acme")
        );
    }
}
