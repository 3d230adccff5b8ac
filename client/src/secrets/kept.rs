//! The access that a write sends: what the caller said, or what GitHub has, with changes.

use std::collections::BTreeSet;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::StatusCode;

use super::existing::{Existing, safe_word};
use super::target::{Target, name_to_show};
use crate::access::{Access, RepositoryRef};
use crate::error::{Error, ErrorKind, Told};
use crate::lookup::OwnWrite;
use crate::runtime::Allowance;
use crate::scope::SecretName;

const HINT_FOR_UNREADABLE_ACCESS: &str =
    "nothing was written; say which repositories may use the secret, and they need not be read";

/// Access as requests and replies have it, with repositories by id.
#[derive(Clone, Debug, Default)]
pub(super) struct Resolved {
    pub(super) visibility: Option<String>,
    pub(super) selected: Option<Vec<i64>>,
}

impl Resolved {
    /// Whether the same repositories may use the secret after `sent`, of which the fields that are `None` change nothing.
    pub(super) fn is_same(&self, sent: &Self) -> bool {
        let ids = |ids: &[i64]| ids.iter().copied().collect::<BTreeSet<_>>();
        let has = self.selected.as_deref().unwrap_or_default();
        let is_same_list = |sent: &Vec<i64>| ids(sent) == ids(has);
        let is_same_word = sent.visibility.is_none() || sent.visibility == self.visibility;
        is_same_word && sent.selected.as_ref().is_none_or(is_same_list)
    }
}

/// The access that the caller wants, with all repositories looked up.
#[derive(Debug)]
pub(super) enum Wanted {
    /// This, whatever the secret has.
    Known(Resolved),
    /// What the secret has, with a change.
    Kept(Changed),
}

/// Whether a put depends on the secret's existence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum When {
    #[default]
    Always,
    /// Only if there is no such secret.
    Missing,
    /// Only if there is one.
    Existing,
}

/// The changes of access that is kept; none by default.
#[derive(Debug, Default)]
pub(super) struct Changed {
    pub(super) added: Vec<i64>,
    pub(super) removed: Vec<i64>,
    /// For a secret that does not exist yet.
    new: Option<Resolved>,
}

impl Target {
    /// Looks up the repositories, and refuses what the scope does not have.
    pub(super) fn wanted<'a>(
        &'a self,
        access: &'a Access,
        allowance: &'a Allowance,
    ) -> BoxFuture<'a, Result<Wanted, Error>> {
        let scope = &self.scope;
        let lacks = move |what| Err(Error::unsupported(format!("{scope} has no {what}")));
        let (visibility, selected) = (scope.has_visibility(), scope.has_selected_repositories());
        async move {
            let word = || Resolved {
                visibility: Some(access.to_string()),
                selected: None,
            };
            Ok(match access {
                Access::Keep
                    if visibility || selected || self.client.lookup.refuses_unknown_settings() =>
                {
                    Wanted::Kept(Changed::default())
                }
                Access::Keep => Wanted::Known(Resolved::default()),
                Access::KeepOr(new) => {
                    let new = match self.wanted(new, allowance).await? {
                        Wanted::Known(new) => Some(new),
                        Wanted::Kept(changed) => changed.new,
                    };
                    let kept = Changed::default();
                    Wanted::Kept(Changed { new, ..kept })
                }
                Access::All | Access::Private if !visibility => return lacks("visibility"),
                Access::All | Access::Private => Wanted::Known(word()),
                _ if !selected => return lacks("selected repositories"),
                Access::Selected(these) => Wanted::Known(self.selected(these, allowance).await?),
                Access::Add(these) => {
                    let new = self.selected(these, allowance).await?;
                    Wanted::Kept(Changed {
                        added: new.selected.clone().unwrap_or_default(),
                        removed: Vec::new(),
                        new: Some(new),
                    })
                }
                Access::Remove(these) => {
                    let ids = self.selected(these, allowance).await?.selected;
                    let removed = ids.unwrap_or_default();
                    let kept = Changed::default();
                    Wanted::Kept(Changed { removed, ..kept })
                }
            })
        }
        .boxed()
    }

    async fn selected(
        &self,
        repositories: &[RepositoryRef],
        allowance: &Allowance,
    ) -> Result<Resolved, Error> {
        let lookup = &self.client.lookup;
        let ids = lookup.repository_ids(repositories, allowance).await?;
        let visibility = self.scope.has_visibility().then(|| "selected".to_owned());
        Ok(Resolved {
            visibility,
            selected: Some(ids),
        })
    }

    /// The access to send. Reads the secret if it keeps something of its access, or if its existence decides. `own` is what
    /// this client last wrote to it.
    pub(super) async fn resolve(
        &self,
        wanted: &Wanted,
        when: When,
        name: &SecretName,
        own: Option<&OwnWrite>,
        allowance: &Allowance,
    ) -> Result<Resolved, Error> {
        let keeps = match wanted {
            Wanted::Known(access) if when == When::Always => return Ok(access.clone()),
            Wanted::Known(_) => false,
            Wanted::Kept(_) => true,
        };
        let existing = self.existing(name, own, keeps, allowance).await;
        let existing = existing.map_err(|error| {
            let error = match keeps && error.is_unexpected_reply() {
                true => error.with_further_hint(HINT_FOR_UNREADABLE_ACCESS),
                false => error,
            };
            self.storing(name, error)
        })?;
        self.access_over(wanted, when, name, existing.as_ref(), allowance)
            .await
    }

    /// The access to send for a secret that was read. Fails if its existence is not as `when` demands.
    pub(super) async fn access_over(
        &self,
        wanted: &Wanted,
        when: When,
        name: &SecretName,
        existing: Option<&Existing>,
        allowance: &Allowance,
    ) -> Result<Resolved, Error> {
        match (when, existing) {
            (When::Missing, Some(_)) => {
                let why = format!("{} exists already", self.name_in_scope(name));
                return Err(self.storing(name, Error::new(ErrorKind::Conflict, why)));
            }
            (When::Existing, None) => {
                self.ensure_scope(allowance).await?;
                let why = format!("{} does not exist", self.name_in_scope(name));
                let told = Told {
                    status: Some(StatusCode::NOT_FOUND),
                    ..Told::default()
                };
                let missing = Error::new(ErrorKind::NotFound, why).with_told(told);
                return Err(self.storing(name, missing));
            }
            _ => {}
        }
        match (wanted, existing) {
            (Wanted::Known(access), _) => Ok(access.clone()),
            (Wanted::Kept(changed), Some(existing)) => {
                self.check_unknown_settings(name, existing)?;
                self.apply(changed, name, existing.access.clone())
            }
            (Wanted::Kept(changed), None) => self.new_access(changed, name, allowance).await,
        }
    }

    pub(super) fn storing(&self, name: &SecretName, error: Error) -> Error {
        error.with_action(format!("storing {}", self.name_in_scope(name)))
    }

    /// Fails for settings that this version does not know, since a write may reset them, or tells the observer of them.
    fn check_unknown_settings(&self, name: &SecretName, existing: &Existing) -> Result<(), Error> {
        let (lookup, settings) = (&self.client.lookup, &existing.unknown_settings);
        if lookup.refuses_unknown_settings() && !settings.is_empty() {
            let settings = settings.join(", ");
            let why = format!(
                "{} has settings that this version does not know and a write may reset: {settings}",
                self.name_in_scope(name)
            );
            let hint = "use a newer version of this library, or set the secret by hand";
            return Err(self.storing(name, Error::input(why).with_hint(hint)));
        }
        for setting in settings {
            if lookup.note_told_setting(setting) {
                let runtime = &self.client.runtime;
                let name = name_to_show(name.as_str());
                runtime.tell_unknown_setting(&self.scope, name, setting);
            }
        }
        Ok(())
    }

    async fn new_access(
        &self,
        changed: &Changed,
        name: &SecretName,
        allowance: &Allowance,
    ) -> Result<Resolved, Error> {
        if let Some(new) = &changed.new {
            return Ok(new.clone());
        }
        if !self.scope.has_visibility() {
            return Ok(Resolved::default());
        }
        self.ensure_scope(allowance).await?;
        let why = format!(
            "{} does not exist yet and has no visibility to keep",
            self.name_in_scope(name)
        );
        let hint = "say which repositories may use it: visibility all, private or selected";
        Err(self.storing(name, Error::input(why).with_hint(hint)))
    }

    fn apply(
        &self,
        changed: &Changed,
        name: &SecretName,
        mut access: Resolved,
    ) -> Result<Resolved, Error> {
        let Changed { added, removed, .. } = changed;
        if let Some(visibility) = &access.visibility
            && !matches!(visibility.as_str(), "all" | "private" | "selected")
        {
            let why = format!(
                "{} has the visibility `{}`, which this version does not know how to keep",
                self.name_in_scope(name),
                safe_word(visibility)
            );
            return Err(self.storing(name, Error::input(why).with_hint("say the visibility")));
        }
        if added.is_empty() && removed.is_empty() {
            return Ok(access);
        }
        let Some(ids) = &mut access.selected else {
            let why = format!(
                "{} has the visibility {}, to which no repository can be added and from which none can be taken",
                self.name_in_scope(name),
                safe_word(&access.visibility.unwrap_or_default())
            );
            let hint = "select all repositories that may use it";
            return Err(self.storing(name, Error::input(why).with_hint(hint)));
        };
        ids.retain(|id| !removed.contains(id));
        ids.extend(added);
        ids.sort_unstable();
        ids.dedup();
        Ok(access)
    }
}
