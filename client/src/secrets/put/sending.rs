//! The sending of a put.

use std::sync::Mutex;

use octoseal_api::stores;
use reqwest::StatusCode;

use super::{Content, Put};
use crate::access::Access;
use crate::error::{Applied, Error};
use crate::lookup::{Held, Left, Sealed, Selection, hint_at_repositories};
use crate::receipt::{Receipt, Written};
use crate::runtime::{Allowance, lock};
use crate::scope::{AnyScope, SecretName};
use crate::secrets::kept::{Resolved, Wanted, When};
use crate::secrets::target::Target;
use crate::secrets::write::remember;

impl<S: AnyScope, N> Put<S, N> {
    /// Sends the put as a call of the public API.
    pub(in crate::secrets) async fn send_as_call(
        &self,
        allowance: &Allowance,
    ) -> Result<Receipt, Error> {
        let target = self.target.as_ref().map_err(Error::clone)?;
        let call = target.call("storing", &self.name, stores::Role::Put)?;
        let sent = self.send_within(allowance);
        target.client.runtime.watch(call, allowance, sent).await
    }

    pub(in crate::secrets) async fn send_within(
        &self,
        allowance: &Allowance,
    ) -> Result<Receipt, Error> {
        let target = self.target.as_ref().map_err(Error::clone)?;
        let name = SecretName::new(&self.name)?;
        target.check_content(&self.content, &self.access, &name)?;
        let wanted = target.wanted(&self.access, allowance).await?;
        let mut held = target.hold(&name, allowance).await?;
        let write = Write {
            target,
            name: &name,
            access: &self.access,
            wanted: &wanted,
            when: self.when,
            held: &held,
            allowance,
        };
        let write = |sealed| write.send(sealed);
        let sent = match &self.content {
            Content::None => write(None).await,
            Content::Sealed(sealed) => write(Some(sealed.clone())).await,
            Content::Plain(value) => {
                let (lookup, write) = (&target.client.lookup, |sealed| write(Some(sealed)));
                lookup
                    .seal_and_write(&target.scope, value, allowance, write)
                    .await
            }
        };
        let (sent, access) = match sent {
            Ok((receipt, access)) => (Ok(receipt), access),
            Err(error) => (Err(error), Resolved::default()),
        };
        remember(&mut held, &sent, |_| Left::Secret {
            selection: Selection::of(access.selected.as_deref()),
            visibility: access.visibility,
        });
        let receipt = sent?;
        if receipt.written == Written::Updated {
            target
                .change_each(&name, &self.access, &mut held, allowance)
                .await?;
        }
        Ok(receipt)
    }
}

impl Target {
    /// Checks that the value is not too large, and that there is one where GitHub's description requires it or nothing
    /// else would be written.
    pub(super) fn check_content(
        &self,
        content: &Content,
        access: &Access,
        name: &SecretName,
    ) -> Result<(), Error> {
        let says_all = matches!(access, Access::All | Access::Private | Access::Selected(_));
        let needs_value = self.scope.api().requires_value() || !says_all;
        match content {
            Content::Plain(value) => value.check(),
            Content::Sealed(sealed) => sealed.checked().map(drop),
            Content::None if needs_value => Err(Error::input(format!(
                "there is nothing to store: {} needs a `value`",
                self.name_in_scope(name)
            ))),
            Content::None => Ok(()),
        }
        .map_err(|error| self.storing(name, error))
    }

    /// Adds and removes each repository once more by GitHub's operation for one repository, if the scope has it: the
    /// change is then not lost if another put has just written the list that it read before this one.
    async fn change_each(
        &self,
        name: &SecretName,
        access: &Access,
        held: &mut Held,
        allowance: &Allowance,
    ) -> Result<(), Error> {
        let stored = |error: Error| {
            error.with_applied(Applied::Yes).with_further_hint(
                "the value is stored, and its repositories as they were read, with the change",
            )
        };
        let (repositories, is_added) = match access {
            Access::Add(these) => (these, true),
            Access::Remove(these) => (these, false),
            _ => return Ok(()),
        };
        if !self.scope.api().supports(stores::Role::AddRepository) {
            return Ok(());
        }
        for repository in repositories {
            let changed = self.select_one(name, repository, is_added, held, allowance);
            changed.await.map_err(stored)?;
        }
        Ok(())
    }
}

/// A put whose secret is held, so that this client writes nothing else to it.
struct Write<'a> {
    target: &'a Target,
    name: &'a SecretName,
    access: &'a Access,
    wanted: &'a Wanted,
    when: When,
    held: &'a Held,
    allowance: &'a Allowance,
}

impl Write<'_> {
    /// Sends the put, and gives the receipt and the access that was sent. The secret is read directly before, if
    /// something of its access is kept or its existence decides.
    async fn send(&self, sealed: Option<Sealed>) -> Result<(Receipt, Resolved), Error> {
        let Self {
            target,
            name,
            allowance,
            ..
        } = *self;
        let encrypted_value = sealed.as_ref().map(Sealed::checked).transpose()?;
        let (sealed, encrypted_value) = (sealed.as_ref(), encrypted_value.as_ref());
        let last = Mutex::new(Resolved::default());
        let send = async |api: octoseal_api::Client, access: Resolved| {
            let body = stores::Put {
                encrypted_value,
                key_id: sealed.map(|sealed| sealed.key_id.as_str()),
                visibility: access.visibility.as_deref(),
                selected_repository_ids: access.selected.as_deref(),
            };
            self.held.leaves();
            let sent = api
                .put_secret(target.scope.api(), name.as_str(), &body)
                .await;
            *lock(&last) = access;
            sent
        };
        let call = target.call("storing", name.as_str(), stores::Role::Put)?;
        let runtime = &target.client.runtime;
        let answered = match (self.wanted, self.when) {
            (Wanted::Known(access), When::Always) if !self.access.has_names() => {
                let request = |api| send(api, access.clone());
                runtime.call(call, allowance, request).await
            }
            _ => {
                let read = || async {
                    // A name that was looked up before a long wait may be another repository's by now.
                    let wanted = target.wanted(self.access, allowance).await?;
                    let own = self.held.as_ref();
                    let access = target.resolve(&wanted, self.when, name, own, allowance);
                    access.await
                };
                runtime.read_and_write(call, allowance, read, &send).await
            }
        };
        let access = std::mem::take(&mut *lock(&last));
        let selected = access.selected.as_deref();
        let answered = answered.map_err(|error| hint_at_repositories(error, selected))?;
        let written = match answered.reply.status() {
            StatusCode::CREATED => Written::Created,
            _ => Written::Updated,
        };
        let receipt = Receipt {
            key_id: sealed.map(|sealed| sealed.key_id.clone()),
            ..Receipt::new(written, &target.scope, name.as_str(), &answered)
        };
        Ok((receipt, access))
    }
}
