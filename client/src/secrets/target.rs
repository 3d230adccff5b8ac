//! A scope at a client, with its operations by their roles.

use octoseal_api::stores::Role;

use crate::client;
use crate::error::Error;
use crate::runtime::Call;
use crate::runtime::paging::Listed;
use crate::scope::{Scope, is_secret_name};

pub(super) type Target = client::Target<Scope>;

impl Target {
    /// A call of the operation that has this role in the scope. Fails if none has it. Text that is no name may be a value
    /// in its place: spans, events and errors don't show it.
    pub(super) fn call<'a>(
        &'a self,
        doing: &'static str,
        name: &'a str,
        role: Role,
    ) -> Result<Call<'a>, Error> {
        let name = if is_secret_name(name) { name } else { "" };
        Ok(self.call_of(doing, name, self.scope.operation(role)?))
    }

    /// A list by the operation that has this role in the scope. Fails if none has it.
    pub(super) fn listed(
        &self,
        role: Role,
        doing: &'static str,
        name: &str,
    ) -> Result<Listed<Scope>, Error> {
        Ok(self.listed_by(doing, name, self.scope.operation(role)?))
    }
}
