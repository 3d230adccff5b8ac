//! A scope at a client, with its operations by their roles.

use octoseal_api::stores::Role;

use crate::client;
use crate::error::{Error, shown};
use crate::runtime::Call;
use crate::runtime::paging::Listed;
use crate::scope::{Scope, SecretName, is_secret_name};

pub(super) type Target = client::Target<Scope>;

impl Target {
    /// A call of the operation that has this role in the scope. Fails if none has it. Spans, events and errors don't show
    /// text that may be a secret in the place of its name.
    pub(super) fn call<'a>(
        &'a self,
        doing: &'static str,
        name: &'a str,
        role: Role,
    ) -> Result<Call<'a>, Error> {
        Ok(self.call_of(doing, name_to_show(name), self.scope.operation(role)?))
    }

    /// A list by the operation that has this role in the scope. Fails if none has it.
    pub(super) fn listed(
        &self,
        role: Role,
        doing: &'static str,
        name: &str,
    ) -> Result<Listed<Scope>, Error> {
        Ok(self.listed_by(doing, name_to_show(name), self.scope.operation(role)?))
    }

    /// A secret's name and place, for errors.
    pub(super) fn name_in_scope(&self, name: &SecretName) -> String {
        name_in_scope(name.as_str(), &self.scope)
    }
}

/// A name and place, for errors.
pub(super) fn name_in_scope(name: &str, scope: &Scope) -> String {
    if is_secret_name(name) {
        format!("{name} in {scope}")
    } else {
        format!("{} in {scope}", shown(name))
    }
}

/// The name, or nothing if it may be a value in its place.
pub(super) fn name_to_show(name: &str) -> &str {
    if is_secret_name(name) { name } else { "" }
}
