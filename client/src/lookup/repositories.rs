//! Repositories by name: GitHub selects them by id alone.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};

use crate::access::RepositoryRef;
use crate::auth::token::Audience;
use crate::client::Client;
use crate::error::Error;
use crate::lookup::memory::Wanted;
use crate::runtime::call::{Call, Effect};
use crate::runtime::retry::Allowance;
use crate::scope::names::{Owner, RepositoryName, full_name};

/// How many repositories of one call are looked up at once.
const LOOKED_UP_AT_ONCE: usize = 10;

/// How long a repository's id is remembered by its name. Long enough for the members of a batch; short, since a name
/// can be given to another repository.
const KNOWN_BY_NAME: Duration = Duration::from_secs(60);

impl Client {
    /// The ids of repositories, looking up those given by name. All names that can't be found are reported in
    /// one error.
    pub(crate) async fn repository_ids(
        &self,
        repositories: &[RepositoryRef],
        allowance: &Allowance,
    ) -> Result<Vec<i64>, Error> {
        let lookups: Vec<_> = repositories
            .iter()
            .map(|repository| self.repository_id(repository, allowance).boxed())
            .collect();
        let found: Vec<_> = stream::iter(lookups)
            .buffered(LOOKED_UP_AT_ONCE)
            .collect()
            .await;
        let mut ids = Vec::with_capacity(repositories.len());
        let mut unknown = Vec::new();
        for (repository, found) in repositories.iter().zip(found) {
            match found {
                Ok(id) => ids.push(id),
                Err(error) if error.is_not_found() || error.is_invalid_input() => {
                    unknown.push(match repository {
                        RepositoryRef::Id(id) => id.to_string(),
                        RepositoryRef::Name(name) => format!("{name:?}"),
                    });
                }
                Err(error) => return Err(error),
            }
        }
        if unknown.is_empty() {
            return Ok(ids);
        }
        Err(Error::input(format!("these repositories were not found: {}", unknown.join(", ")))
            .with_hint("give them as owner/name; they may be missing or invisible to this token; nothing was written"))
    }

    async fn repository_id(
        &self,
        repository: &RepositoryRef,
        allowance: &Allowance,
    ) -> Result<i64, Error> {
        let name = match repository {
            RepositoryRef::Id(id) => {
                return i64::try_from(*id)
                    .map_err(|_| Error::input("a repository's id is below 2^63"));
            }
            RepositoryRef::Name(name) => name,
        };
        let (owner, repo) = full_name(name)?;
        let wanted = Wanted {
            what: format!("the repository {owner}/{repo}"),
            fresh: KNOWN_BY_NAME,
            refused: None,
        };
        let fetch = || {
            let (client, allowance) = (self.clone(), allowance.clone());
            let (owner, repo) = (owner.clone(), repo.clone());
            async move { client.look_up(owner, repo, &allowance).await }
        };
        let found = self.remembered(&self.inner.repositories, wanted, allowance, fetch);
        Ok(*found.await?)
    }

    async fn look_up(
        &self,
        owner: Owner,
        repo: RepositoryName,
        allowance: &Allowance,
    ) -> Result<i64, Error> {
        let (owner, repo) = (owner.as_str(), repo.as_str());
        let call = Call {
            doing: "looking up the repository",
            name: "",
            place: &format!("{owner}/{repo}"),
            effect: Effect::Read,
            audience: Audience {
                owner: Some(owner),
                repository: Some(repo),
            },
            about_scope: false,
        };
        let run = |api: octoseal_api::Client| async move { api.repos_get(owner, repo).await };
        Ok(self.call(call, allowance, run).await?.into_inner().id)
    }
}
