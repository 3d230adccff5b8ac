//! What is rotated, and every check that can be made of it before there is a new credential.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::path::{Path, PathBuf};

use futures_util::{StreamExt, stream};
use octoseal::{Access, Client, Error, Scope, scope::SecretName, sealing::ScopeKey};
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::BoxError;

/// How many scopes are asked at once.
const ASKED_AT_ONCE: usize = 10;

/// What is rotated. A scope or access that can't be, a scope said twice and an unknown field are refused as it is read.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) name: SecretName,
    #[serde(deserialize_with = "distinct")]
    pub(crate) scopes: BTreeMap<Scope, Access>,
    /// A program that is called with `list`, `issue` or `revoke ID`.
    pub(crate) issuer: PathBuf,
    /// Where a rotation that is not finished is kept for the next run.
    pub(crate) state: Option<PathBuf>,
}

impl Config {
    pub(crate) fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text))
    }

    /// The state beside the configuration, unless it says another place.
    pub(crate) fn state(&self, config: &Path) -> PathBuf {
        let beside = || config.with_extension("state.json");
        self.state.clone().unwrap_or_else(beside)
    }

    /// Asks of every scope what can be asked without writing: whether it is there and its key can be sealed to, whether
    /// what is to be kept of access can be read, and whether the repositories are there. Only a write tells whether
    /// the token may write.
    pub(crate) async fn check(
        &self,
        github: &Client,
    ) -> Result<BTreeMap<Scope, ScopeKey>, BoxError> {
        let mut asked = stream::iter(&self.scopes)
            .map(|(scope, access)| async move {
                (scope.clone(), self.check_one(github, scope, access).await)
            })
            .buffered(ASKED_AT_ONCE);
        let (mut keys, mut refused) = (BTreeMap::new(), Vec::new());
        while let Some((scope, asked)) = asked.next().await {
            match asked {
                Ok(key) => drop(keys.insert(scope, key)),
                Err(error) => {
                    refused.push(format!("{scope}: {error}"));
                    if !about_one_scope(&error) {
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

/// Whether another scope may well answer otherwise.
pub(crate) fn about_one_scope(error: &Error) -> bool {
    error.is_not_found()
        || error.is_permission()
        || error.is_public_key()
        || error.is_invalid_input()
}

/// Reads scopes with their access, each once: GitHub reads names without regard to case.
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
                let place = scope.to_string().to_lowercase();
                let fits = match access {
                    Access::All | Access::Private => scope.has_visibility(),
                    Access::Selected(_) => scope.has_selected_repositories(),
                    _ => true,
                };
                if !fits {
                    let why = format!("{scope} has no access {access}; write keep");
                    return Err(de::Error::custom(why));
                }
                match scopes.entry(place) {
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
