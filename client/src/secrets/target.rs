//! A scope at a client: what a handle and a put have in common.

use std::sync::Arc;
use std::time::Duration;

use futures_core::Stream;
use futures_util::TryStreamExt;
use octoseal_api::stores::Role;

use crate::client::Client;
use crate::error::Error;
use crate::runtime::paging::Listed;
use crate::runtime::{Allowance, Call, RetryPolicy};
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

    pub(super) fn deadline(mut self, deadline: Duration) -> Self {
        self.client = self.client.deadline(deadline);
        self
    }

    pub(super) fn retry(mut self, policy: RetryPolicy) -> Self {
        self.client = self.client.retry(policy);
        self
    }

    pub(super) fn allowance(&self) -> Allowance {
        self.client.allowance()
    }

    /// A call of the operation that has this role in the scope. Fails if it has none.
    pub(super) fn call<'a>(
        &'a self,
        doing: &'static str,
        name: &'a str,
        role: Role,
    ) -> Result<Call<'a>, Error> {
        Ok(Call::new(
            &self.scope,
            doing,
            name,
            self.scope.operation(role)?,
        ))
    }

    /// Collects a whole list within the time of one call, which is watched as one.
    pub(super) async fn collect<T, L>(
        &self,
        call: Call<'_>,
        list: impl FnOnce(Allowance) -> L,
    ) -> Result<Vec<T>, Error>
    where
        L: Stream<Item = Result<T, Error>>,
    {
        let allowance = self.allowance();
        let all = list(allowance.clone()).try_collect();
        self.client.runtime.watch(call, &allowance, all).await
    }

    pub(super) fn listed(
        &self,
        role: Role,
        doing: &'static str,
        name: &str,
    ) -> Result<Arc<Listed<Scope>>, Error> {
        Ok(Arc::new(Listed {
            runtime: self.client.runtime.clone(),
            terms: self.client.terms.clone(),
            doing,
            name: name.to_owned(),
            place: self.scope.clone(),
            operation: self.scope.operation(role)?,
        }))
    }
}
