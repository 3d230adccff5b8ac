//! The configuration, and the checks of it before a new credential is made.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::path::{Path, PathBuf};

use futures_util::{StreamExt, stream};
use octoseal::{Access, Client, Error, Scope, scope::SecretName, sealing::ScopeKey};
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::BoxError;

/// Scopes that are checked at once.
const CHECKS_AT_ONCE: usize = 10;

/// The configuration. Reading it fails for a scope or an access that can't be, a scope that is there twice, and an unknown
/// field.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) name: SecretName,
    #[serde(deserialize_with = "distinct")]
    pub(crate) scopes: BTreeMap<Scope, Access>,
    /// A program that is called with `list`, `issue` or `revoke ID`.
    pub(crate) issuer: PathBuf,
    /// The file of the state, if it is not beside the configuration.
    pub(crate) state: Option<PathBuf>,
}

impl Config {
    pub(crate) fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text))
    }

    /// The file of the state.
    pub(crate) fn state(&self, config: &Path) -> PathBuf {
        let beside = || config.with_extension("state.json");
        self.state.clone().unwrap_or_else(beside)
    }

    /// Checks every scope without writing, and gives their keys: whether the scope is there and its key can be sealed to,
    /// whether access that is to be kept can be read, and whether the repositories are there. Only a write tells whether the
    /// token may write.
    pub(crate) async fn check(
        &self,
        github: &Client,
    ) -> Result<BTreeMap<Scope, ScopeKey>, BoxError> {
        let mut asked = stream::iter(&self.scopes)
            .map(|(scope, access)| async move {
                (scope.clone(), self.check_one(github, scope, access).await)
            })
            .buffered(CHECKS_AT_ONCE);
        let (mut keys, mut refused) = (BTreeMap::new(), Vec::new());
        while let Some((scope, asked)) = asked.next().await {
            match asked {
                Ok(key) => drop(keys.insert(scope, key)),
                Err(error) => {
                    refused.push(format!("{scope}: {error}"));
                    if !is_of_one_scope(&error) {
                        break;
                    }
                }
            }
        }
        match refused.is_empty() {
            true => Ok(keys),
            false => Err(format!("nothing was begun: {}", refused.join("; ")).into()),
        }
    }

    async fn check_one(
        &self,
        github: &Client,
        scope: &Scope,
        access: &Access,
    ) -> Result<ScopeKey, Error> {
        let secrets = github.secrets(scope.clone());
        let key = secrets.public_key().await?;
        let put = secrets
            .put(&self.name, "not known yet")
            .access(access.clone());
        put.plan().await?;
        Ok(key)
    }
}

/// Whether another scope may not have this error.
pub(crate) fn is_of_one_scope(error: &Error) -> bool {
    error.is_not_found()
        || error.is_permission()
        || error.is_public_key()
        || error.is_invalid_input()
}

/// Reads scopes with their access, and refuses a scope that is there twice, in whatever case.
fn distinct<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<Scope, Access>, D::Error> {
    struct Distinct;

    impl<'de> Visitor<'de> for Distinct {
        type Value = BTreeMap<Scope, Access>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("scopes with their access")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut scopes = BTreeMap::new();
            while let Some((scope, access)) = map.next_entry::<Scope, Access>()? {
                let key = scope.to_string().to_lowercase();
                let fits = match access {
                    Access::All | Access::Private => scope.has_visibility(),
                    Access::Selected(_) => scope.has_selected_repositories(),
                    _ => true,
                };
                if !fits {
                    let why = format!("{scope} has no access {access}; write keep");
                    return Err(de::Error::custom(why));
                }
                match scopes.entry(key) {
                    Entry::Vacant(entry) => drop(entry.insert((scope, access))),
                    Entry::Occupied(_) => {
                        return Err(de::Error::custom(format!("{scope} is there twice")));
                    }
                }
            }
            if scopes.is_empty() {
                let why = "no scopes: the new credential would be nowhere, and the old one gone";
                return Err(de::Error::custom(why));
            }
            Ok(scopes.into_values().collect())
        }
    }

    deserializer.deserialize_map(Distinct)
}
