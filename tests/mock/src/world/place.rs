//! Places that hold secrets, as tests and paths name them.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::text::TextError;

/// An organization or user, by login or by number: `Link` headers and redirects use numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    Login(String),
    Id(u64),
}

/// A repository, by name or by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Repo {
    Named(String, String),
    Id(u64),
}

/// Where secrets live, not yet looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Organization(Account),
    Repository(Repo),
    Environment(Repo, String),
    User,
}

/// The four kinds of place. Which stores exist is said per kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Organization,
    Repository,
    Environment,
    User,
}

impl Place {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Organization(_) => Kind::Organization,
            Self::Repository(_) => Kind::Repository,
            Self::Environment(..) => Kind::Environment,
            Self::User => Kind::User,
        }
    }
}

/// A store at a place, as text: `actions:org/acme`, `dependabot:repo/acme/api`, `actions:env/acme/api/prod%2Feu`,
/// `codespaces:user`.
///
/// The variables of a store are a store of their own, `actions/variables`. Stores that GitHub does not have are added by
/// [`GitHub::add_store`](crate::GitHub::add_store).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    pub(crate) store: String,
    pub(crate) place: Place,
}

impl Scope {
    /// Reads what a test gives as a scope.
    ///
    /// # Panics
    /// On anything that is no scope: a test that names one wrongly should hear of it where it does so.
    #[track_caller]
    pub(crate) fn read(scope: impl fmt::Display) -> Self {
        match scope.to_string().parse() {
            Ok(scope) => scope,
            Err(why) => panic!("{why}"),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (store, place) = text.split_once(':')?;
        let pieces: Vec<&str> = place.split('/').collect();
        if store.is_empty() || pieces.iter().any(|piece| piece.is_empty()) {
            return None;
        }
        let place = match pieces.as_slice() {
            ["org", org] => Place::Organization(Account::Login((*org).to_owned())),
            ["repo", owner, repo] => {
                Place::Repository(Repo::Named((*owner).to_owned(), (*repo).to_owned()))
            }
            ["env", owner, repo, environment] => {
                let environment = percent_decode_str(environment).decode_utf8().ok()?;
                Place::Environment(
                    Repo::Named((*owner).to_owned(), (*repo).to_owned()),
                    environment.into_owned(),
                )
            }
            ["user"] => Place::User,
            _ => return None,
        };
        Some(Self {
            store: store.to_owned(),
            place,
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.store)?;
        match &self.place {
            Place::Organization(account) => write!(f, "org/{account}"),
            Place::Repository(repo) => write!(f, "repo/{repo}"),
            Place::Environment(repo, environment) => {
                let environment = utf8_percent_encode(environment, NON_ALPHANUMERIC);
                write!(f, "env/{repo}/{environment}")
            }
            Place::User => f.write_str("user"),
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Login(login) => f.write_str(login),
            Self::Id(id) => id.fmt(f),
        }
    }
}

impl fmt::Display for Repo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(owner, name) => write!(f, "{owner}/{name}"),
            Self::Id(id) => id.fmt(f),
        }
    }
}

impl FromStr for Scope {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let refused = || {
            TextError::new(format!(
                "{text:?} is not a scope: write STORE:org/ORG, STORE:repo/OWNER/REPO, \
                 STORE:env/OWNER/REPO/ENVIRONMENT (a / in it as %2F) or STORE:user"
            ))
        };
        Self::parse(text).ok_or_else(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_string_may_name_a_store_that_nobody_described() {
        let address = Scope::read("robots:org/acme");
        assert_eq!(address.store, "robots");
        assert_eq!(
            address.place,
            Place::Organization(Account::Login("acme".to_owned()))
        );
    }

    #[test]
    fn an_environment_comes_out_of_its_escapes() {
        let address = Scope::read("actions:env/acme/api/prod%2Feu");
        let repo = Repo::Named("acme".to_owned(), "api".to_owned());
        assert_eq!(
            address.place,
            Place::Environment(repo, "prod/eu".to_owned())
        );
    }

    #[test]
    fn what_is_no_scope_is_not_read_as_one() {
        for text in [
            "",
            "actions",
            "actions:",
            "actions:org/",
            "actions:org/a/b",
            ":org/a",
            "actions:repo/a",
            "x:env/a/b",
        ] {
            assert_eq!(Scope::parse(text), None, "{text:?}");
        }
    }
}
