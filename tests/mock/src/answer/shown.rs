//! The places themselves, as clients of all kinds ask for them before they ask for secrets.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::access::{Grant, Need};
use crate::answer::reply::{self, Refusal, Reply};
use crate::answer::{Call, State};
use crate::answer::{errors, repositories};
use crate::traffic::identity::Identity;
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
        let escaped = utf8_percent_encode(name, NON_ALPHANUMERIC);
        Ok(json!({
            "id": repository.id,
            "node_id": format!("EN_{}", repository.id),
            "name": name,
            "url": format!("{root}/repos/{owner}/{repo}/environments/{escaped}"),
            "html_url": format!("https://github.com/{owner}/{repo}/deployments"),
            "protection_rules": [],
            "deployment_branch_policy": null,
        }))
    }
}
