//! A scope at a client: what a handle and a put have in common.

use std::sync::Arc;

use octoseal_api::stores;

use crate::client::Client;
use crate::error::Error;
use crate::runtime::paging::Listed;
use crate::runtime::{Allowance, Call, Effect};
use crate::scope::Scope;

#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(super) client: Client,
    pub(super) scope: Scope,
}

impl Target {
    pub(super) fn new(client: &Client, scope: impl Into<Scope>) -> Self {
        Self {
            client: client.clone(),
            scope: scope.into(),
        }
    }

    pub(super) fn allowance(&self) -> Allowance {
        self.client.runtime.allowance(false)
    }

    pub(super) fn call<'a>(
        &'a self,
        doing: &'static str,
        name: &'a str,
        effect: Effect,
    ) -> Call<'a> {
        Call::new(&self.scope, doing, name, effect)
    }

    pub(super) fn listed(&self, doing: &'static str, name: &str) -> Arc<Listed<Scope>> {
        Arc::new(Listed {
            runtime: self.client.runtime.clone(),
            doing,
            name: name.to_owned(),
            place: self.scope.clone(),
        })
    }

    /// Fails if the scope does not have this, `what` in words.
    pub(super) fn require(&self, role: stores::Role, what: &str) -> Result<(), Error> {
        if self.scope.api().supports(role) {
            return Ok(());
        }
        Err(Error::unsupported(format!("{} has no {what}", self.scope)))
    }
}
