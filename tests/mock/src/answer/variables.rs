//! Variables: what is unlike secrets in how they are written. A variable is created by POST and updated by PATCH, with its
//! value in clear.

use serde_json::{Map, Value};

use crate::answer::errors;
use crate::answer::reply::{self, Refusal, Reply};
use crate::answer::sealed::{self, VISIBILITIES};
use crate::answer::{Call, State};
use crate::world::keys::Vault;
use crate::world::place::Kind;
use crate::world::stored::StoredSecret;

impl State {
    pub(crate) fn create_variable(
        &mut self,
        call: &Call<'_>,
        kind: Kind,
        vault: &Vault,
    ) -> Result<Reply, Refusal> {
        let body = errors::json_object(call.body)?;
        let needed = ["name", "value", "visibility"];
        let needed = &needed[..if kind == Kind::Organization { 3 } else { 2 }];
        let lacks = |field: &&str| !body.contains_key(*field);
        let missing: Vec<&str> = needed.iter().copied().filter(lacks).collect();
        if !missing.is_empty() {
            return Err(errors::missing(&missing));
        }
        let name = sealed::string(&body, "name")?.unwrap_or_default();
        self.check_variable_name(vault, &name)?;
        let limit = match kind {
            Kind::Organization => 1_000,
            Kind::Repository => 500,
            Kind::Environment | Kind::User => 100,
        };
        if self.settings.count_limits && self.secrets.of(vault).len() >= limit {
            return Err(errors::too_many(limit));
        }
        let mut variable = StoredSecret::new(&name, call.now);
        self.describe_variable(call, kind, vault, &body, &mut variable)?;
        if self.settings.keep_secrets {
            self.secrets.insert(call.now, vault, variable);
        }
        Ok(reply::created())
    }

    pub(crate) fn update_variable(
        &mut self,
        call: &Call<'_>,
        kind: Kind,
        vault: &Vault,
        name: &str,
    ) -> Result<Reply, Refusal> {
        let body = errors::json_object(call.body)?;
        let known = self.secrets.get(vault, name).cloned();
        let mut variable = known.ok_or_else(errors::not_found)?;
        let renamed = sealed::string(&body, "name")?.map(|new| new.to_ascii_uppercase());
        let renamed = renamed.filter(|new| *new != variable.name);
        if let Some(new) = &renamed {
            self.check_variable_name(vault, new)?;
            variable.name.clone_from(new);
        }
        variable.updated_at = call.now;
        self.describe_variable(call, kind, vault, &body, &mut variable)?;
        if renamed.is_some() {
            self.secrets.remove(call.now, vault, name);
        }
        self.secrets.insert(call.now, vault, variable);
        Ok(reply::no_content())
    }

    /// Refuses a name that no variable may have, or that another one has.
    fn check_variable_name(&self, vault: &Vault, name: &str) -> Result<(), Refusal> {
        sealed::check_name(name, &self.settings).map_err(|refusal| Refusal {
            message: refusal.message.replace("Secret", "Variable"),
            ..refusal
        })?;
        match self.secrets.get(vault, name) {
            Some(_) => Err(errors::variable_exists()),
            None => Ok(()),
        }
    }

    /// Takes over what a body says of a variable, and leaves the rest as it was.
    fn describe_variable(
        &self,
        call: &Call<'_>,
        kind: Kind,
        vault: &Vault,
        body: &Map<String, Value>,
        variable: &mut StoredSecret,
    ) -> Result<(), Refusal> {
        if let Some(value) = sealed::string(body, "value")? {
            if value.len() > self.settings.max_value {
                return Err(errors::too_large(self.settings.max_value));
            }
            variable.value = value.into_bytes();
        }
        if kind != Kind::Organization {
            return Ok(());
        }
        let visibility = sealed::one_of(body, "visibility", &VISIBILITIES)?;
        let ids = sealed::repository_ids(body, self.repository_ids(&vault.0, kind, &call.version))?;
        if visibility.is_some() || ids.is_some() {
            variable.visibility = visibility.or(variable.visibility.take());
            variable.selected_repository_ids = self.accept_repositories(vault, variable, ids)?;
        }
        Ok(())
    }
}
