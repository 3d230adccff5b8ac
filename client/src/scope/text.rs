//! Scopes as text.

use std::fmt;
use std::str::FromStr;

use octoseal_api::stores::NOT_STORES;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::as_text;
use super::{
    EnvironmentScope, EnvironmentStore, OrganizationScope, OrganizationStore, RepositoryScope,
    RepositoryStore, Scope, UserScope, UserStore,
};
use crate::error::{Error, shown};

/// The characters to escape in an environment's name, so that it is one piece of a scope's text.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b'%')
    .add(b'/')
    .add(b' ')
    .add(b'"')
    .add(b':')
    .add(b'?')
    .add(b'#');

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(s) => s.fmt(f),
            Self::Repository(s) => s.fmt(f),
            Self::Environment(s) => s.fmt(f),
            Self::User(s) => s.fmt(f),
        }
    }
}

impl fmt::Display for OrganizationScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:org/{}", self.store.as_str(), self.org)
    }
}

impl fmt::Display for RepositoryScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:repo/{}/{}",
            self.store.as_str(),
            self.owner,
            self.repo
        )
    }
}

impl fmt::Display for EnvironmentScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let environment = utf8_percent_encode(self.environment.as_str(), ESCAPED);
        write!(
            f,
            "{}:env/{}/{}/{environment}",
            self.store.as_str(),
            self.owner,
            self.repo
        )
    }
}

impl fmt::Display for UserScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:user", self.store.as_str())
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |why: &str| Error::input(format!("{} is not a scope: {why}", shown(text)));
        let (store, place) = text.split_once(':').ok_or_else(|| {
            refuse("write STORE:org/ORG, STORE:repo/OWNER/REPO, STORE:env/OWNER/REPO/ENVIRONMENT or STORE:user")
        })?;
        if NOT_STORES.contains(&store) {
            return Err(refuse(
                "private registries are created with more than a value; parse a PrivateRegistriesScope",
            ));
        }
        // A store by its name, among those of a kind of place.
        macro_rules! store {
            ($kind:literal, $stores:ident) => {
                store.parse::<$stores>().map_err(|_| {
                    let known: Vec<&str> = $stores::ALL.iter().map(|it| it.as_str()).collect();
                    refuse(&format!("{} has these stores: {}", $kind, known.join(", ")))
                })?
            };
        }
        let pieces: Vec<&str> = place.split('/').collect();
        Ok(match pieces.as_slice() {
            ["org", org] => {
                let store = store!("an organization", OrganizationStore);
                OrganizationScope::new(store, *org)?.into()
            }
            ["repo", owner, repo] => {
                let store = store!("a repository", RepositoryStore);
                RepositoryScope::new(store, *owner, *repo)?.into()
            }
            ["env", owner, repo, environment] => {
                let environment = percent_decode_str(environment)
                    .decode_utf8()
                    .map_err(|_| refuse("the environment's escapes are not UTF-8"))?;
                let store = store!("an environment", EnvironmentStore);
                EnvironmentScope::new(store, *owner, *repo, environment)?.into()
            }
            ["user"] => UserScope::new(store!("a user", UserStore)).into(),
            _ => {
                return Err(refuse(
                    "after the colon comes org/ORG, repo/OWNER/REPO, env/OWNER/REPO/ENVIRONMENT (a / in it as %2F) or user",
                ));
            }
        })
    }
}

/// Conversions of the typed scopes to and from [`Scope`] and text.
macro_rules! kinds {
    ($($name:ident => $variant:ident),*) => {$(
        impl From<$name> for Scope {
            fn from(scope: $name) -> Self {
                Self::$variant(scope)
            }
        }

        impl TryFrom<Scope> for $name {
            type Error = Error;

            fn try_from(scope: Scope) -> Result<Self, Error> {
                match scope {
                    Scope::$variant(scope) => Ok(scope),
                    other => Err(Error::input(format!("{other} is not {}", stringify!($name)))),
                }
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                text.parse::<Scope>()?.try_into()
            }
        }

        strings!($name);
    )*};
}

macro_rules! strings {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        as_text!($name);
    };
}

kinds!(
    OrganizationScope => Organization,
    RepositoryScope => Repository,
    EnvironmentScope => Environment,
    UserScope => User
);
strings!(Scope);
