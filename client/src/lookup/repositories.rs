//! The ids of repositories by name, since GitHub selects them by id alone.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use octoseal_api::Answer;
use octoseal_api::operations::REPOS_GET;

use super::Lookup;
use super::memory::Wanted;
use crate::access::{RepositoryRef, has_names};
use crate::auth::Audience;
use crate::error::{Error, shown};
use crate::runtime::{Allowance, Answered, Call, Place, Runtime, lock};
use crate::scope::{Owner, RepositoryName, full_name};

/// Repositories of one call that are looked up at once, unless it has leave already, by which they go one by one.
const LOOKUPS_AT_ONCE: usize = 10;

/// How long a repository's id is used again: long enough for the members of a batch, and short, since a name can be given
/// to another repository.
const ID_FRESH_FOR: Duration = Duration::from_secs(60);

impl Lookup {
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
        let at_once = match allowance.lends() {
            true => 1,
            false => LOOKUPS_AT_ONCE,
        };
        let found = stream::iter(lookups).buffered(at_once);
        let found: Vec<_> = found.collect().await;
        let mut ids = Vec::with_capacity(repositories.len());
        let mut unknown = Vec::new();
        for (repository, found) in repositories.iter().zip(found) {
            match found {
                Ok(id) => ids.push(id),
                Err(error) if error.is_githubs_not_found() || error.is_invalid_input() => {
                    unknown.push(match repository {
                        RepositoryRef::Id(id) => id.to_string(),
                        RepositoryRef::Name(name) => shown(name),
                    });
                }
                Err(error) => return Err(error),
            }
        }
        if unknown.is_empty() {
            return Ok(ids);
        }
        Err(Error::input(format!("these repositories were not found: {}", unknown.join(", ")))
            .with_hint(
                "give them as owner/name, or by ids, which are above 0; they may be missing or invisible to this token; \
                 nothing was written",
            ))
    }

    /// Makes a write with the ids of repositories, and gives those that were sent last. Names are looked up again before
    /// each attempt if that was longer ago than [`ID_FRESH_FOR`]: during a long wait one may become another repository's.
    pub(crate) async fn write<T, F, Fut>(
        &self,
        call: Call<'_>,
        repositories: &[RepositoryRef],
        allowance: &Allowance,
        write: F,
    ) -> (Result<Answered<T>, Error>, Arc<[i64]>)
    where
        F: Fn(octoseal_api::Client, Arc<[i64]>) -> Fut,
        Fut: Future<Output = Answer<T>>,
    {
        let last: Mutex<Arc<[i64]>> = Mutex::default();
        let look_up = || async {
            let ids = self.repository_ids(repositories, allowance).await?;
            *lock(&last) = ids.into();
            Ok(lock(&last).clone())
        };
        let answered = match has_names(repositories) {
            true => {
                let runtime = &self.runtime;
                runtime
                    .read_and_write(call, allowance, look_up, write)
                    .await
            }
            false => match look_up().await {
                Ok(ids) => {
                    let request = |api| write(api, ids.clone());
                    self.runtime.call(call, allowance, request).await
                }
                Err(error) => Err(error),
            },
        };
        let ids = std::mem::take(&mut *lock(&last));
        let answered = answered.map_err(|error| hint_at_repositories(error, Some(&ids)));
        (answered, ids)
    }

    async fn repository_id(
        &self,
        repository: &RepositoryRef,
        allowance: &Allowance,
    ) -> Result<i64, Error> {
        let name = match repository {
            RepositoryRef::Id(id) => {
                let id = i64::try_from(*id).ok().filter(|id| *id > 0);
                return id.ok_or_else(|| Error::input("a repository's id is between 1 and 2^63"));
            }
            RepositoryRef::Name(name) => name,
        };
        let (owner, name) = full_name(name)?;
        let repository = ByName { owner, name };
        let wanted = Wanted {
            what: format!("the repository {repository}"),
            fresh_for: ID_FRESH_FOR,
            refused: None,
        };
        let fetch = || {
            let (runtime, allowance) = (self.runtime.clone(), allowance.clone());
            let repository = repository.clone();
            async move { repository.id(&runtime, &allowance).await }
        };
        let limits = self.runtime.gate(repository.audience());
        let id = self.repository_ids.get(limits, wanted, allowance, fetch);
        Ok(*id.await?)
    }
}

/// Adds to the error of a write that the selected repositories may be the cause, unless GitHub says another: it does not
/// name those that it does not know.
pub(crate) fn hint_at_repositories(error: Error, ids: Option<&[i64]>) -> Error {
    let says_why = error.message().is_some_and(|it| it != "Validation Failed");
    if !error.is_validation() || says_why || ids.is_none_or(<[i64]>::is_empty) {
        return error;
    }
    error.with_hint(
        "perhaps the owner does not have all of the repositories that were selected by id; one that is given as \
         owner/name is looked up before anything is written",
    )
}

/// A repository to be looked up.
#[derive(Clone)]
struct ByName {
    owner: Owner,
    name: RepositoryName,
}

impl ByName {
    async fn id(&self, runtime: &Runtime, allowance: &Allowance) -> Result<i64, Error> {
        let call = Call::new(self, "looking up the repository", "", REPOS_GET);
        let (owner, name) = (self.owner.as_str(), self.name.as_str());
        let request = |api: octoseal_api::Client| async move { api.repos_get(owner, name).await };
        let found = runtime.call(call, allowance, request).await?;
        Ok(found.into_inner().id)
    }
}

impl fmt::Display for ByName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

impl Place for ByName {
    fn audience(&self) -> Audience<'_> {
        Audience::new(Some(self.owner.as_str()), Some(self.name.as_str()))
    }

    fn is_scope(&self) -> bool {
        false
    }
}
