//! Access as it is sent: as the caller said, or as it is.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use octoseal_api::stores;

use super::selected::{LISTING, page_of_selected};
use super::target::Target;
use crate::access::{Access, RepositoryRef};
use crate::error::Error;
use crate::runtime::Allowance;
use crate::runtime::paging::whole_pages;
use crate::scope::SecretName;

/// Access as it travels.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    pub(super) visibility: Option<String>,
    pub(super) selected: Option<Vec<i64>>,
}

impl Target {
    /// Turns what the caller said of access into what is sent, reading what is to be kept.
    pub(super) async fn resolve(
        &self,
        access: Access,
        name: &SecretName,
        allowance: &Allowance,
    ) -> Result<Resolved, Error> {
        let (visibility, selected) = (
            self.scope.has_visibility(),
            self.scope.has_selected_repositories(),
        );
        let storing = |error: Error| error.with_action(format!("storing {name} in {}", self.scope));
        match access {
            Access::Keep if visibility => {
                let kept = self.kept_visibility(name, allowance).await;
                kept.map_err(storing)
            }
            Access::Keep if selected => {
                let kept = self.kept_selection(name, allowance).await;
                kept.map_err(storing)
            }
            Access::Keep => Ok(Resolved::default()),
            Access::All | Access::Private if !visibility => Err(Error::unsupported(format!(
                "{} has no visibility",
                self.scope
            ))),
            Access::Selected(_) if !selected => Err(Error::unsupported(format!(
                "{} has no selected repositories",
                self.scope
            ))),
            Access::All | Access::Private => Ok(Resolved {
                visibility: Some(access.to_string()),
                selected: None,
            }),
            Access::Selected(repositories) => self.selected(repositories, allowance).await,
        }
    }

    /// Whether access that is kept has to be read.
    pub(super) fn reads(&self, access: &Access) -> bool {
        let has_any = self.scope.has_visibility() || self.scope.has_selected_repositories();
        *access == Access::Keep && has_any
    }

    async fn selected(
        &self,
        repositories: Vec<RepositoryRef>,
        allowance: &Allowance,
    ) -> Result<Resolved, Error> {
        let ids = self
            .client
            .lookup
            .repository_ids(&repositories, allowance)
            .await?;
        let visibility = self.scope.has_visibility().then(|| "selected".to_owned());
        Ok(Resolved {
            visibility,
            selected: Some(ids),
        })
    }

    /// An organization secret's visibility as it is, with all its repositories.
    async fn kept_visibility(
        &self,
        name: &SecretName,
        allowance: &Allowance,
    ) -> Result<Resolved, Error> {
        let existing = match self.get(name, allowance).await {
            Ok(existing) => existing,
            Err(error) if error.is_not_found() => {
                // Only the secret is missing if the scope has a key; otherwise the scope's own error says more.
                allowance.give_back_leave();
                self.client.lookup.key(&self.scope, None, allowance).await?;
                return Err(Error::input(format!(
                    "{name} does not exist yet in {} and has no visibility to keep",
                    self.scope
                ))
                .with_hint("say which repositories may use it: visibility all, private or selected")
                .with_source(error));
            }
            Err(error) => return Err(error),
        };
        match existing.visibility.as_deref() {
            Some("selected") => {
                let ids = self.selection(name, allowance).await?;
                Ok(Resolved { visibility: existing.visibility, selected: Some(ids) })
            }
            Some("all" | "private") => Ok(Resolved { visibility: existing.visibility, selected: None }),
            other => Err(Error::input(format!(
                "{name} in {} has the visibility {:?}, which this version does not know how to keep",
                self.scope,
                other.unwrap_or_default()
            ))
            .with_hint("say the visibility")),
        }
    }

    /// A user secret's repositories as they are; none if it is new.
    async fn kept_selection(
        &self,
        name: &SecretName,
        allowance: &Allowance,
    ) -> Result<Resolved, Error> {
        match self.get(name, allowance).await {
            Ok(_) => Ok(Resolved {
                visibility: None,
                selected: Some(self.selection(name, allowance).await?),
            }),
            Err(error) if error.is_not_found() => Ok(Resolved::default()),
            Err(error) => Err(error),
        }
    }

    /// The repositories that a secret is selected for: all of them, or an error, since those that are left out when
    /// they are sent again lose the secret.
    async fn selection(&self, name: &SecretName, allowance: &Allowance) -> Result<Vec<i64>, Error> {
        let name = name.as_str();
        let listed = self.listed(stores::Role::ListRepositories, LISTING, name)?;
        let within = Some(allowance.clone());
        let mut pages = whole_pages(listed, within, page_of_selected);
        let mut ids = BTreeSet::new();
        let unread = |error: Error| {
            if !error.is_unexpected_reply() {
                return error;
            }
            error.with_further_hint(
                "nothing was written; say which repositories may use the secret, and they need not \
                 be read",
            )
        };
        while let Some(page) = pages.try_next().await.map_err(unread)? {
            ids.extend(page.items.into_iter().map(|repository| repository.id));
        }
        Ok(ids.into_iter().collect())
    }
}
