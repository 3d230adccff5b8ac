//! The places themselves, as clients of all kinds ask for them before they ask for secrets.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::access::{Grant, Need};
use crate::answer::reply::{self, Refusal, Reply};
use crate::answer::{Call, State};
use crate::answer::{errors, repositories};
use crate::traffic::identity::Identity;
use crate::world::Home;
use crate::world::place::{Account, Place, Repo};

impl State {
    /// Shows a place by name or number.
    pub(crate) fn show(
        &self,
        call: &Call<'_>,
        grant: &Grant,
        place: &Place,
    ) -> Result<Reply, Refusal> {
        let home = self.locate(call, place)?;
        self.permit(grant, &Need::metadata(), &home)?;
        let shown = match place {
            Place::Organization(account) => self.organization(account, &call.root)?,
            Place::Repository(repo) => {
                let repository = self
                    .world
                    .repository(repo)
                    .map_err(|_| errors::not_found())?;
                repositories::full(&self.world, repository, &call.root)
            }
            Place::Environment(repo, name) => self.environment(repo, name, &call.root)?,
            Place::User => {
                let login = match &grant.identity {
                    Identity::User(login) => login.as_str(),
                    // An App and its installations are no users.
                    _ => return Err(errors::not_accessible_by_integration()),
                };
                repositories::account(login, 1, "User", &call.root)
            }
        };
        Ok(reply::ok(&shown))
    }

    fn organization(&self, account: &Account, root: &str) -> Result<Value, Refusal> {
        let owner = self.world.owner(account).ok_or_else(errors::not_found)?;
        let mut shown = repositories::account(&owner.login, owner.id, "Organization", root);
        let url = format!("{root}/orgs/{}", owner.login);
        shown["repos_url"] = json!(format!("{url}/repos"));
        shown["url"] = json!(url);
        Ok(shown)
    }

    fn environment(&self, repo: &Repo, name: &str, root: &str) -> Result<Value, Refusal> {
        let repository = self
            .world
            .repository(repo)
            .map_err(|_| errors::not_found())?;
        let (owner, repo) = (self.world.owner_of(repository), &repository.name);
        let environment = repository.environment(name).ok_or_else(errors::not_found)?;
        let name = environment.name.as_str();
        let escaped = utf8_percent_encode(name, NON_ALPHANUMERIC);
        Ok(json!({
            "id": repository.id,
            "node_id": format!("EN_{}", repository.id),
            "name": name,
            "url": format!("{root}/repos/{owner}/{repo}/environments/{escaped}"),
            "html_url": format!("https://github.com/{owner}/{repo}/deployments"),
            "protection_rules": protection_rules(&environment.protection),
            "deployment_branch_policy": environment.protection.get("deployment_branch_policy"),
        }))
    }

    /// Makes an environment, or protects one anew: what the request does not say of its protection is gone.
    pub(crate) fn protect(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
        repo: Repo,
        name: String,
    ) -> Result<Reply, Refusal> {
        let home = self.locate(call, &Place::Repository(repo.clone()))?;
        self.permit(grant, &Need::administration(), &home)?;
        self.refuse_archived(call, &home)?;
        let protection = match call.body {
            [] => Map::new(),
            body => errors::json_object(body)?,
        };
        if let Home::Repository(id) = home
            && let Some(repository) = self.world.repository_by_id_mut(id)
        {
            repository.add_environment(&name).protection = protection;
        }
        Ok(reply::ok(&self.environment(&repo, &name, &call.root)?))
    }
}

/// How an environment is protected, as GitHub shows it: a rule for each kind of protection.
fn protection_rules(protection: &Map<String, Value>) -> Vec<Value> {
    let mut rules = Vec::new();
    let said = |field: &str| protection.get(field).filter(|value| !value.is_null());
    if let Some(minutes) = said("wait_timer").filter(|minutes| **minutes != 0) {
        rules.push(json!({ "id": 1, "type": "wait_timer", "wait_timer": minutes }));
    }
    if let Some(reviewers) = said("reviewers") {
        let own = said("prevent_self_review").unwrap_or(&Value::Bool(false));
        rules.push(json!({
            "id": 2, "type": "required_reviewers", "reviewers": reviewers, "prevent_self_review": own,
        }));
    }
    if said("deployment_branch_policy").is_some() {
        rules.push(json!({ "id": 3, "type": "branch_policy" }));
    }
    rules
}
