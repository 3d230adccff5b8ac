//! Reading what GitHub has of a secret, again if that is older than what this client wrote.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::TryStreamExt;
use octoseal_api::stores;
use tokio::time::sleep;

use super::kept::Resolved;
use super::selected::{LISTING, page_of_selected};
use super::target::Target;
use crate::error::{Error, ErrorKind};
use crate::lookup::{Left, OwnWrite};
use crate::runtime::Allowance;
use crate::runtime::paging::{PER_PAGE, pages};
use crate::scope::SecretName;

/// The pause before each further read, after one that is older than this client's own write.
pub(super) const REREAD_PAUSES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// A secret at GitHub.
pub(super) struct Existing {
    pub(super) access: Resolved,
    pub(super) updated_at: Option<SystemTime>,
    /// Names of the settings that this version does not know.
    pub(super) unknown_settings: Vec<String>,
}

impl Target {
    /// Reads a secret, if there is one, and the repositories that it is selected for only `with_selection`. Reads again up
    /// to three times while the reply is older than the client's `own` write.
    pub(super) async fn existing(
        &self,
        name: &SecretName,
        own: Option<&OwnWrite>,
        with_selection: bool,
        allowance: &Allowance,
    ) -> Result<Option<Existing>, Error> {
        let mut pauses = REREAD_PAUSES.iter();
        loop {
            let existing = self.read_existing(name, with_selection, allowance).await?;
            if own.is_none_or(|own| !own.may_lag() || is_as_new(existing.as_ref(), own)) {
                return Ok(existing);
            }
            let pause = pauses.next();
            let Some(pause) = pause.filter(|pause| allowance.has_time_for(**pause)) else {
                let why = format!(
                    "what GitHub tells of {} is not what this client has just written",
                    self.name_in_scope(name)
                );
                return Err(Error::new(ErrorKind::UnexpectedReply, why).with_hint(
                    "the reply is older, or another has changed the secret meanwhile; try again later",
                ));
            };
            allowance.give_back_leave();
            sleep(*pause).await;
        }
    }

    async fn read_existing(
        &self,
        name: &SecretName,
        with_selection: bool,
        allowance: &Allowance,
    ) -> Result<Option<Existing>, Error> {
        let call = self.call("reading", name.as_str(), stores::Role::Get)?;
        let secret = match self.read(call.deciding_a_write(), name, allowance).await {
            Ok(secret) => secret,
            Err(error) if error.is_githubs_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let scope = &self.scope;
        let visibility = scope
            .has_visibility()
            .then(|| secret.visibility.unwrap_or_default());
        let has_selection = match &visibility {
            Some(visibility) => visibility == "selected",
            None => scope.has_selected_repositories(),
        };
        let selected = match has_selection && with_selection {
            true => Some(self.selection(name, allowance).await?),
            false => None,
        };
        let settings = secret
            .extra
            .into_iter()
            .filter(|(_, value)| !value.is_null());
        Ok(Some(Existing {
            access: Resolved {
                visibility,
                selected,
            },
            updated_at: secret.updated_at.as_deref().and_then(instant),
            unknown_settings: settings
                .map(|(name, _)| safe_word(&name).to_owned())
                .collect(),
        }))
    }

    /// The repositories that a secret is selected for: all of them, or an error, since those that are left out when
    /// they are sent again lose the secret.
    async fn selection(&self, name: &SecretName, allowance: &Allowance) -> Result<Vec<i64>, Error> {
        let listed = self.listed(stores::Role::ListRepositories, LISTING, name.as_str())?;
        let listed = Arc::new(listed);
        let (within, page) = (Some(allowance.clone()), page_of_selected::<PER_PAGE>);
        let mut pages = pages(listed.clone(), within, page);
        let mut ids = BTreeSet::new();
        let mut ends = Vec::new();
        while let Some(page) = pages.try_next().await? {
            for repository in &page.items {
                // Entries moved to a later page if one comes twice, and another may have moved to an earlier one.
                if !ids.insert(repository.id) {
                    return Err(changed("a repository came twice"));
                }
            }
            ends.push(page.items.last().map(|last| (ids.len() as i64, last.id)));
        }
        // If an entry left a page after it was read, the next page's first moved onto that page and was not read; a new
        // entry at the end keeps the count the same. So the last entry of each page is read again, but of the last page.
        ends.pop();
        for (number, id) in ends.into_iter().flatten() {
            let (runtime, call) = (&self.client.runtime, listed.call());
            let entry = runtime.call(call, allowance, |api| {
                page_of_selected::<1>(api, listed.clone(), number)
            });
            let entry = entry.await?.into_inner().items;
            // A server that ignores the page's size gives more, which proves nothing.
            if entry.len() < 2 && entry.first().is_none_or(|entry| entry.id != id) {
                return Err(changed("entries moved between its pages"));
            }
        }
        Ok(ids.into_iter().collect())
    }

    /// Fails if the scope is missing or invisible, by asking for its public key: a `404` for a secret does not tell which is
    /// missing.
    pub(super) async fn ensure_scope(&self, allowance: &Allowance) -> Result<(), Error> {
        allowance.give_back_leave();
        let key = self.client.lookup.key(&self.scope, None, allowance).await;
        key.map(drop)
    }
}

/// Whether what was read is as the client's own write left it, or surely newer.
fn is_as_new(existing: Option<&Existing>, own: &OwnWrite) -> bool {
    let is_newer = |existing: &Existing| existing.updated_at > own.at && own.at.is_some();
    match (existing, &own.left) {
        (None, Left::Nothing) => true,
        (None, Left::Secret { .. }) => false,
        (Some(existing), Left::Nothing) => is_newer(existing),
        (
            Some(existing),
            Left::Secret {
                visibility,
                selection,
            },
        ) => {
            let Resolved {
                visibility: word,
                selected,
            } = &existing.access;
            let fits = visibility.is_none() || visibility == word;
            let selected = selected.as_deref();
            fits && selected.is_none_or(|ids| selection.fits(ids)) || is_newer(existing)
        }
    }
}

/// A word of GitHub's, or `…` if it does not have the shape of one: a server may send anything, even the token.
pub(super) fn safe_word(text: &str) -> &str {
    let is_word = text.len() <= 32 && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if is_word { text } else { "…" }
}

pub(super) fn instant(text: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339_weak(text).ok()
}

fn changed(how: &str) -> Error {
    let why = format!("the list changed while it was read: {how}");
    Error::new(ErrorKind::UnexpectedReply, why).with_hint("read it again")
}
