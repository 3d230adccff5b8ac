//! The family: list, public key, get, put, delete, and the repositories that a secret is shared with. One set of
//! handlers for every store and place; what differs is data. Variables differ in how they are written alone.

use std::collections::BTreeSet;

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::access::{Grant, Need};
use crate::answer::errors;
use crate::answer::paging::{self, Page};
use crate::answer::reply::{self, Refusal, Reply};
use crate::answer::repositories;
use crate::answer::routes::Ask;
use crate::answer::sealed::{self, VISIBILITIES};
use crate::answer::{Call, State};
use crate::settings::RepositoryIds;
use crate::world::Home;
use crate::world::keys::Vault;
use crate::world::place::{Kind, Place};
use crate::world::stored::StoredSecret;
use crate::world::stores;

impl State {
    pub(crate) fn secrets(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
        store: String,
        place: &Place,
        ask: Ask,
    ) -> Result<Reply, Refusal> {
        let kind = place.kind();
        let home = self.locate(call, place)?;
        let known = match ask {
            Ask::OrganizationSecrets => self.stores.lists(&store),
            _ => self.stores.has(&store, kind),
        };
        if !known {
            return Err(errors::not_found());
        }
        self.permit(grant, &Need::of_store(&store, kind, call.writes()), &home)?;
        self.refuse_archived(call, &home)?;
        let vault = (store, home);
        let shared = matches!(kind, Kind::Organization | Kind::User);
        let secret = stores::variables_of(&vault.0).is_none();
        match (call.method.clone(), ask) {
            (Method::GET, Ask::List) => Ok(self.list(call, &vault)),
            (Method::GET, Ask::PublicKey) if secret => Ok(self.public_key(&vault)),
            (Method::GET, Ask::Secret(name)) => {
                let shelf = self.secrets.shown(&vault, call.as_of());
                let secret = shelf
                    .get(&name.to_ascii_uppercase())
                    .ok_or_else(errors::not_found)?;
                Ok(reply::ok(&self.entry(call, &vault, secret)))
            }
            (Method::POST, Ask::List) if !secret => self.create_variable(call, kind, &vault),
            (Method::PATCH, Ask::Secret(name)) if !secret => {
                self.update_variable(call, kind, &vault, &name)
            }
            (Method::PUT, Ask::Secret(name)) if secret => self.put(call, kind, &vault, &name),
            (Method::DELETE, Ask::Secret(name)) => {
                self.secrets
                    .remove(call.now, &vault, &name)
                    .ok_or_else(errors::not_found)?;
                Ok(reply::no_content())
            }
            (Method::GET, Ask::OrganizationSecrets) => self.organization_secrets(call, &vault),
            (Method::GET, Ask::Repositories(name)) if shared => self.selected(call, &vault, &name),
            (Method::PUT, Ask::Repositories(name)) if shared => {
                self.select(call, kind, &vault, &name)
            }
            (Method::PUT, Ask::Repository(name, id)) if shared => {
                let id = self.known_repository(&vault, &id)?;
                self.share(call, &vault, &name, |ids| {
                    ids.insert(id);
                })
            }
            (Method::DELETE, Ask::Repository(name, id)) if shared => {
                let id = self.known_repository(&vault, &id)?;
                self.share(call, &vault, &name, |ids| {
                    ids.remove(&id);
                })
            }
            _ => Err(errors::not_found()),
        }
    }

    pub(crate) fn refuse_archived(&self, call: &Call<'_>, home: &Home) -> Result<(), Refusal> {
        let archived = match home {
            Home::Repository(id) | Home::Environment(id, _) => self
                .world
                .repository_by_id(*id)
                .is_some_and(|repository| repository.archived),
            Home::Organization(_) | Home::User => false,
        };
        if archived && call.writes() {
            Err(errors::archived())
        } else {
            Ok(())
        }
    }

    fn list(&self, call: &Call<'_>, vault: &Vault) -> Reply {
        let url = format!("{}{}", call.root, by_number(vault));
        let shelf = self.secrets.shown(vault, call.as_of());
        let (name, page) = list_of(call, vault);
        page.of(name, shelf.values(), &url, |secret| {
            self.entry(call, vault, secret)
        })
    }

    /// A secret as it is shown; a variable with its value.
    fn entry(&self, call: &Call<'_>, vault: &Vault, secret: &StoredSecret) -> Value {
        let mut shown = secret.to_json(&self.repositories_url(call, vault, &secret.name));
        if stores::variables_of(&vault.0).is_some() {
            shown["value"] = json!(String::from_utf8_lossy(&secret.value));
        }
        shown
    }

    pub(crate) fn public_key(&mut self, vault: &Vault) -> Reply {
        let (id, key) = self.keys.current(vault, self.settings.shared_key_ids);
        let id = match id.parse::<u64>() {
            Ok(number) if self.settings.numeric_key_ids => json!(number),
            _ => json!(id),
        };
        reply::ok(&json!({ "key_id": id, "key": key.to_base64() }))
    }

    fn put(
        &mut self,
        call: &Call<'_>,
        kind: Kind,
        vault: &Vault,
        name: &str,
    ) -> Result<Reply, Refusal> {
        let body = errors::json_object(call.body)?;
        let existing = self.secrets.get(vault, name);
        let old = existing.cloned();

        let has_value = body.contains_key("encrypted_value");
        let value_needed = match kind {
            // A user's secret needs its key_id alone once it exists, as GitHub's description has it.
            Kind::User => old.is_none(),
            _ => !(self.settings.value_optional && old.is_some()),
        };
        let key_needed = has_value || value_needed || kind == Kind::User;
        let needed = [
            ("encrypted_value", value_needed),
            ("key_id", key_needed),
            ("visibility", kind == Kind::Organization),
        ];
        let missing: Vec<&str> = needed
            .iter()
            .filter(|(name, needed)| *needed && !body.contains_key(*name))
            .map(|(name, _)| *name)
            .collect();
        if !missing.is_empty() {
            return Err(errors::missing(&missing));
        }
        sealed::check_name(name, &self.settings)?;

        let mut secret = old
            .clone()
            .unwrap_or_else(|| StoredSecret::new(name, call.now));
        secret.updated_at = call.now;
        if matches!(kind, Kind::Organization | Kind::User) {
            let style = self.repository_ids(&vault.0, kind, &call.version);
            let ids = sealed::repository_ids(&body, style)?;
            secret.visibility = Some(match kind {
                Kind::User => "selected".to_owned(),
                _ => sealed::one_of(&body, "visibility", &VISIBILITIES)?.unwrap_or_default(),
            });
            secret.selected_repository_ids = self.accept_repositories(vault, &secret, ids)?;
        }
        if has_value {
            secret.value = self.open(vault, &body)?;
        }
        let limit = match kind {
            Kind::Organization => self.stores.most_in_organization(&vault.0),
            _ => 100,
        };
        if old.is_none() && self.settings.count_limits && self.secrets.of(vault).len() >= limit {
            return Err(errors::too_many(limit));
        }
        if self.settings.keep_secrets {
            self.secrets.insert(call.now, vault, secret);
        }
        Ok(if old.is_none() {
            reply::created()
        } else {
            reply::no_content()
        })
    }

    /// Opens the sealed value of a request.
    pub(crate) fn open(
        &mut self,
        vault: &Vault,
        body: &Map<String, Value>,
    ) -> Result<Vec<u8>, Refusal> {
        let (key_id, sealed) = sealed::read(body)?;
        let settings = &self.settings;
        let value = self
            .keys
            .open(
                vault,
                &key_id,
                &sealed,
                settings.shared_key_ids,
                settings.stale_keys,
            )
            .ok_or_else(errors::improperly_encrypted)?;
        if value.len() > settings.max_value {
            return Err(errors::too_large(settings.max_value));
        }
        Ok(value)
    }

    /// The repositories that a secret is to have, from those that were asked for.
    pub(crate) fn accept_repositories(
        &self,
        vault: &Vault,
        secret: &StoredSecret,
        ids: Option<Vec<u64>>,
    ) -> Result<BTreeSet<u64>, Refusal> {
        let ids = ids.unwrap_or_default();
        if !secret.is_selected() {
            return match ids.is_empty() || !self.settings.refuse_unused_repository_ids {
                true => Ok(BTreeSet::new()),
                false => Err(errors::ids_without_selected()),
            };
        }
        let (known, unknown): (Vec<u64>, Vec<u64>) =
            ids.into_iter().partition(|id| self.owns(vault, *id));
        if !unknown.is_empty() && self.settings.refuse_unknown_repositories {
            return Err(errors::unknown_repositories(&unknown));
        }
        Ok(known.into_iter().collect())
    }

    fn owns(&self, vault: &Vault, id: u64) -> bool {
        let repository = self.world.repository_by_id(id);
        match self.world.owner_id(&vault.1) {
            Some(owner) => repository.is_some_and(|repository| repository.owner == owner),
            None => repository.is_some(),
        }
    }

    fn known_repository(&self, vault: &Vault, id: &str) -> Result<u64, Refusal> {
        id.parse()
            .ok()
            .filter(|id| self.owns(vault, *id))
            .ok_or_else(errors::not_found)
    }

    pub(crate) fn repository_ids(&self, store: &str, kind: Kind, version: &str) -> RepositoryIds {
        match self.settings.repository_ids.get(store) {
            Some(RepositoryIds::ByVersion) if version < "2026-03-10" => RepositoryIds::Strings,
            Some(RepositoryIds::ByVersion) => RepositoryIds::Integers,
            Some(style) => *style,
            None if kind == Kind::User => RepositoryIds::Either,
            None => RepositoryIds::Integers,
        }
    }

    /// Changes the repositories that a secret is shared with.
    fn share(
        &mut self,
        call: &Call<'_>,
        vault: &Vault,
        name: &str,
        change: impl FnOnce(&mut BTreeSet<u64>),
    ) -> Result<Reply, Refusal> {
        let secret = self.secrets.get(vault, name);
        if !secret.ok_or_else(errors::not_found)?.is_selected() {
            return Err(errors::not_selected());
        }
        self.secrets.change(call.now, vault, name, |secret| {
            change(&mut secret.selected_repository_ids);
        });
        Ok(reply::no_content())
    }

    fn selected(&self, call: &Call<'_>, vault: &Vault, name: &str) -> Result<Reply, Refusal> {
        let shelf = self.secrets.shown(vault, call.as_of());
        let secret = shelf
            .get(&name.to_ascii_uppercase())
            .ok_or_else(errors::not_found)?;
        let url = format!(
            "{}{}/{}/repositories",
            call.root,
            by_number(vault),
            secret.name
        );
        let selected: Vec<_> = secret
            .selected_repository_ids
            .iter()
            .filter_map(|id| self.world.repository_by_id(*id))
            .collect();
        Ok(
            Page::read(call).of("repositories", selected.into_iter(), &url, |repository| {
                repositories::minimal(&self.world, repository, &call.root)
            }),
        )
    }

    fn select(
        &mut self,
        call: &Call<'_>,
        kind: Kind,
        vault: &Vault,
        name: &str,
    ) -> Result<Reply, Refusal> {
        let body = errors::json_object(call.body)?;
        // Here the description asks for integers of every store, so a store that wants strings takes both.
        let style = match self.repository_ids(&vault.0, kind, &call.version) {
            RepositoryIds::Integers => RepositoryIds::Integers,
            _ => RepositoryIds::Either,
        };
        let ids = sealed::repository_ids(&body, style)?
            .ok_or_else(|| errors::missing(&["selected_repository_ids"]))?;
        let secret = self.secrets.get(vault, name);
        let secret = secret.ok_or_else(errors::not_found)?;
        let ids = match secret.is_selected() {
            true => self.accept_repositories(vault, secret, Some(ids))?,
            false => return Err(errors::not_selected()),
        };
        self.share(call, vault, name, |selected| *selected = ids)
    }

    /// The organization's secrets that a repository sees.
    fn organization_secrets(&self, call: &Call<'_>, vault: &Vault) -> Result<Reply, Refusal> {
        let Home::Repository(id) = vault.1 else {
            return Err(errors::not_found());
        };
        let repository = self
            .world
            .repository_by_id(id)
            .ok_or_else(errors::not_found)?;
        let organization = (vault.0.clone(), Home::Organization(repository.owner));
        let shelf = self.secrets.shown(&organization, call.as_of());
        let seen: Vec<_> = shelf
            .values()
            .filter(|secret| match secret.visibility.as_deref() {
                Some("all") => true,
                Some("private") => repository.private,
                _ => secret.selected_repository_ids.contains(&id),
            })
            .collect();
        let (name, page) = list_of(call, vault);
        let store = stores::variables_of(&vault.0).unwrap_or(&vault.0);
        let url = format!(
            "{}/repositories/{id}/{store}/organization-{name}",
            call.root
        );
        Ok(page.of(name, seen.into_iter(), &url, |secret| {
            self.entry(call, &organization, secret)
        }))
    }

    fn repositories_url(&self, call: &Call<'_>, (store, home): &Vault, name: &str) -> String {
        let place = match home {
            Home::Organization(id) => {
                let owner = self.world.owner(&crate::world::place::Account::Id(*id));
                format!("/orgs/{}", owner.map_or("", |owner| owner.login.as_str()))
            }
            _ => "/user".to_owned(),
        };
        let list = stores::collection(store);
        format!("{}{place}/{list}/{name}/repositories", call.root)
    }
}

/// What a list of secrets or variables is called, and which page of it was asked for.
fn list_of<'a>(call: &Call<'a>, vault: &Vault) -> (&'static str, Page<'a>) {
    match stores::variables_of(&vault.0) {
        None => ("secrets", Page::read(call)),
        Some(_) => ("variables", Page::sized(call, paging::VARIABLES)),
    }
}

/// The path of a scope's list as `Link` headers have it: by number.
fn by_number((store, home): &Vault) -> String {
    let list = stores::collection(store);
    match home {
        Home::Organization(id) => format!("/organizations/{id}/{list}"),
        Home::Repository(id) => format!("/repositories/{id}/{list}"),
        Home::Environment(id, environment) => {
            let environment = utf8_percent_encode(environment, NON_ALPHANUMERIC);
            let list = list.rsplit('/').next().unwrap_or_default();
            format!("/repositories/{id}/environments/{environment}/{list}")
        }
        Home::User => format!("/user/{list}"),
    }
}
