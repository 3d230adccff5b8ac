//! A scope at a client, which handles, puts and calls are made of.

use std::time::Duration;

use octoseal_api::operations::Operation;

use super::Client;
use crate::runtime::paging::Listed;
use crate::runtime::{Allowance, Call, Place, RetryPolicy};

#[derive(Clone, Debug)]
pub(crate) struct Target<S> {
    pub(crate) client: Client,
    pub(crate) scope: S,
}

impl<S> Target<S> {
    pub(crate) fn new(client: &Client, scope: impl Into<S>) -> Self {
        Self {
            client: client.clone(),
            scope: scope.into(),
        }
    }

    pub(crate) fn deadline(mut self, deadline: Duration) -> Self {
        self.client = self.client.deadline(deadline);
        self
    }

    pub(crate) fn retry(mut self, policy: RetryPolicy) -> Self {
        self.client = self.client.retry(policy);
        self
    }

    pub(crate) fn allowance(&self) -> Allowance {
        self.client.allowance()
    }
}

impl<S: Place + Clone> Target<S> {
    pub(crate) fn call_of<'a>(
        &'a self,
        doing: &'static str,
        name: &'a str,
        operation: Operation,
    ) -> Call<'a> {
        Call::new(&self.scope, doing, name, operation)
    }

    pub(crate) fn listed_by(
        &self,
        doing: &'static str,
        name: &str,
        operation: Operation,
    ) -> Listed<S> {
        Listed {
            runtime: self.client.runtime.clone(),
            terms: self.client.terms.clone(),
            doing,
            name: name.to_owned(),
            place: self.scope.clone(),
            operation,
        }
    }
}
