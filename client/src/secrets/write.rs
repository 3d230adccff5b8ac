//! Writes to one secret: each waits for the one before it, and is remembered.

use std::fmt::Write as _;
use std::sync::Arc;

use octoseal_api::stores::Role;

use super::put::Put;
use super::target::Target;
use crate::access::{Access, RepositoryRef};
use crate::error::{Applied, Error};
use crate::lookup::{Held, Left, OwnWrite, Selection};
use crate::receipt::{Receipt, Written};
use crate::runtime::{Allowance, Call};
use crate::scope::{Scope, SecretName};

/// The key of a secret among all that are written: the same for names that differ in case, as at GitHub.
pub(super) fn key_of(scope: &Scope, name: &str) -> String {
    let mut key = String::with_capacity(100);
    // Writing to a string does not fail.
    let _ = write!(key, "{scope} {name}");
    key.make_ascii_uppercase();
    key
}

impl Target {
    /// Waits until this client does not write to the secret, and keeps its other writes from it.
    pub(super) async fn hold(
        &self,
        name: &SecretName,
        allowance: &Allowance,
    ) -> Result<Held, Error> {
        let key = key_of(&self.scope, name.as_str());
        let held = self.client.lookup.own_writes.hold(&key, allowance).await;
        held.map_err(|error| error.with_action(format!("waiting for {}", self.name_in_scope(name))))
    }

    pub(super) async fn delete(
        &self,
        name: &SecretName,
        allowance: &Allowance,
    ) -> Result<Receipt, Error> {
        let call = self.call("deleting", name.as_str(), Role::Delete)?;
        let delete = async {
            let mut held = self.hold(name, allowance).await?;
            let request = async |api: octoseal_api::Client| {
                held.leaves();
                api.delete_secret(self.scope.api(), name.as_str()).await
            };
            let answered = self.client.runtime.call(call, allowance, request).await;
            let (scope, name) = (&self.scope, name.as_str());
            let deleted = answered.map(|it| Receipt::new(Written::Deleted, scope, name, &it));
            remember(&mut held, &deleted, |_| Left::Nothing);
            deleted
        };
        self.client.runtime.watch(call, allowance, delete).await
    }

    /// Replaces the repositories that a secret is selected for.
    pub(super) async fn select(
        &self,
        name: &SecretName,
        repositories: &[RepositoryRef],
        allowance: &Allowance,
    ) -> Result<Receipt, Error> {
        let doing = "selecting the repositories of";
        let call = self.call(doing, name.as_str(), Role::SetRepositories)?;
        let select = async {
            let lookup = &self.client.lookup;
            lookup.repository_ids(repositories, allowance).await?;
            let mut held = self.hold(name, allowance).await?;
            let (scope, name) = (&self.scope, name.as_str());
            let write = async |api: octoseal_api::Client, ids: Arc<[i64]>| {
                held.leaves();
                api.set_selected_repositories(scope.api(), name, &ids).await
            };
            let (answered, ids) = lookup.write(call, repositories, allowance, write).await;
            let selected =
                answered.map(|it| Receipt::new(Written::AccessChanged, scope, name, &it));
            remember(&mut held, &selected, |_| Left::Secret {
                visibility: None,
                selection: Selection::of(Some(&ids)),
            });
            selected
        };
        self.client.runtime.watch(call, allowance, select).await
    }

    /// Adds or removes repositories one by one. The receipt is that of the last.
    pub(super) async fn select_each(
        &self,
        name: &SecretName,
        repositories: &[RepositoryRef],
        is_added: bool,
        allowance: &Allowance,
    ) -> Result<Receipt, Error> {
        let call = self.call_for_one(name, is_added)?;
        let select = async {
            let lookup = &self.client.lookup;
            lookup.repository_ids(repositories, allowance).await?;
            let mut held = self.hold(name, allowance).await?;
            let mut receipt = Err(Error::input("no repository is named"));
            for repository in repositories {
                let changed = self.select_one(name, repository, is_added, &mut held, allowance);
                receipt = Ok(changed.await?);
            }
            receipt
        };
        self.client.runtime.watch(call, allowance, select).await
    }

    fn call_for_one<'a>(&'a self, name: &'a SecretName, is_added: bool) -> Result<Call<'a>, Error> {
        let (doing, role) = match is_added {
            true => ("adding a repository to", Role::AddRepository),
            false => ("removing a repository from", Role::RemoveRepository),
        };
        self.call(doing, name.as_str(), role)
    }

    /// Adds or removes one repository of a secret that is held.
    pub(super) async fn select_one(
        &self,
        name: &SecretName,
        repository: &RepositoryRef,
        is_added: bool,
        held: &mut Held,
        allowance: &Allowance,
    ) -> Result<Receipt, Error> {
        let call = self.call_for_one(name, is_added)?;
        let (scope, name) = (&self.scope, name.as_str());
        let write = async |api: octoseal_api::Client, ids: Arc<[i64]>| {
            held.leaves();
            let id = ids[0];
            match is_added {
                true => api.add_selected_repository(scope.api(), name, id).await,
                false => api.remove_selected_repository(scope.api(), name, id).await,
            }
        };
        let lookup = &self.client.lookup;
        let one = std::slice::from_ref(repository);
        let (answered, ids) = lookup.write(call, one, allowance, write).await;
        let changed = answered.map(|it| Receipt::new(Written::AccessChanged, scope, name, &it));
        remember(held, &changed, |before| {
            let (visibility, mut selection) = match before {
                Some(Left::Secret {
                    visibility,
                    selection,
                }) => (visibility, selection),
                Some(Left::Nothing) | None => (None, Selection::default()),
            };
            for &id in &*ids {
                selection.change(id, is_added);
            }
            Left::Secret {
                visibility,
                selection,
            }
        });
        changed
    }

    /// Changes which repositories may use a secret, and not its value.
    pub(super) async fn change_access(
        &self,
        name: &SecretName,
        access: &Access,
        allowance: &Allowance,
    ) -> Result<Receipt, Error> {
        match access {
            Access::Selected(these) => self.select(name, these, allowance).await,
            Access::Add(these) => self.select_each(name, these, true, allowance).await,
            Access::Remove(these) => self.select_each(name, these, false, allowance).await,
            _ => {
                let put = Put::<Scope>::new(Ok(self.clone()), name.to_string());
                let receipt = put.access(access.clone()).send_within(allowance).await?;
                let written = Written::AccessChanged;
                Ok(Receipt { written, ..receipt })
            }
        }
    }
}

/// Remembers how a write left its secret; nothing, if it is not known whether the write was applied.
pub(super) fn remember(
    held: &mut Held,
    written: &Result<Receipt, Error>,
    left: impl FnOnce(Option<Left>) -> Left,
) {
    held.ended();
    match written {
        Ok(receipt) => {
            let before = held.take().filter(OwnWrite::may_lag).map(|own| own.left);
            **held = Some(OwnWrite::new(receipt.at, left(before)));
        }
        Err(error) if error.applied() != Applied::No => **held = None,
        Err(_) => {}
    }
}
