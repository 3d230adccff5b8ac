//! Private registries: created by POST under a name that GitHub chooses, updated by PATCH, with a sealed value or none.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::access::{Grant, Need};
use crate::answer::errors;
use crate::answer::paging::Page;
use crate::answer::reply::{self, Refusal, Reply};
use crate::answer::routes::Ask;
use crate::answer::sealed::{self, VISIBILITIES};
use crate::answer::{Call, State};
use crate::settings::RepositoryIds;
use crate::when;
use crate::world::Home;
use crate::world::keys::Vault;
use crate::world::place::Place;
use crate::world::stored::StoredSecret;

pub(crate) const STORE: &str = "private-registries";

/// The kinds of registry, as far as the description lists them.
fn types() -> &'static [&'static str] {
    octoseal_api::stores::registries::REGISTRY_TYPE
}

/// How a registry is logged in to, and which fields each way needs. The first two need a sealed value.
const AUTHS: [(&str, &[&str]); 7] = [
    ("token", &[]),
    ("username_password", &["username"]),
    ("oidc_azure", &["tenant_id", "client_id"]),
    (
        "oidc_aws",
        &[
            "aws_region",
            "account_id",
            "role_name",
            "domain",
            "domain_owner",
        ],
    ),
    ("oidc_jfrog", &["jfrog_oidc_provider_name"]),
    (
        "oidc_cloudsmith",
        &["namespace", "service_slug", "audience"],
    ),
    ("oidc_gcp", &["workload_identity_provider"]),
];

/// What is shown of a registry beside its name, times and visibility.
const SHOWN: [&str; 20] = [
    "registry_type",
    "auth_type",
    "url",
    "username",
    "replaces_base",
    "tenant_id",
    "client_id",
    "aws_region",
    "account_id",
    "role_name",
    "domain",
    "domain_owner",
    "jfrog_oidc_provider_name",
    "audience",
    "identity_mapping_name",
    "namespace",
    "service_slug",
    "api_host",
    "workload_identity_provider",
    "service_account",
];

impl State {
    pub(crate) fn registries(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
        place: &Place,
        ask: Ask,
    ) -> Result<Reply, Refusal> {
        let home = self.locate(call, place)?;
        if !self.stores.has(STORE, place.kind()) {
            return Err(errors::not_found());
        }
        self.permit(
            grant,
            &Need::of_store(STORE, place.kind(), call.writes()),
            &home,
        )?;
        let vault = (STORE.to_owned(), home);
        match (call.method.clone(), ask) {
            (Method::GET, Ask::List) => Ok(self.list_registries(call, &vault)),
            (Method::POST, Ask::List) => self.create_registry(call, &vault),
            (Method::GET, Ask::PublicKey) => Ok(self.public_key(&vault)),
            (Method::GET, Ask::Secret(name)) => {
                let shelf = self.secrets.shown(&vault, call.as_of());
                let registry = shelf
                    .get(&name.to_ascii_uppercase())
                    .ok_or_else(errors::not_found)?;
                Ok(reply::ok(&show(registry, true)))
            }
            (Method::PATCH, Ask::Secret(name)) => self.update_registry(call, &vault, &name),
            (Method::DELETE, Ask::Secret(name)) => {
                self.secrets
                    .remove(call.now, &vault, &name)
                    .ok_or_else(errors::not_found)?;
                Ok(reply::no_content())
            }
            _ => Err(errors::not_found()),
        }
    }

    fn list_registries(&self, call: &Call<'_>, vault: &Vault) -> Reply {
        let Home::Organization(id) = vault.1 else {
            return reply::no_content();
        };
        let url = format!("{}/organizations/{id}/{STORE}", call.root);
        let shelf = self.secrets.shown(vault, call.as_of());
        Page::read(call).of("configurations", shelf.values(), &url, |registry| {
            show(registry, false)
        })
    }

    fn create_registry(&mut self, call: &Call<'_>, vault: &Vault) -> Result<Reply, Refusal> {
        let body = errors::json_object(call.body)?;
        let missing: Vec<&str> = ["registry_type", "url", "visibility"]
            .into_iter()
            .filter(|field| !body.contains_key(*field))
            .collect();
        if !missing.is_empty() {
            return Err(errors::missing(&missing));
        }
        let kind = sealed::one_of(&body, "registry_type", types())?.unwrap_or_default();
        let mut registry = StoredSecret::new(&self.registry_name(vault, &kind), call.now);
        self.fill_registry(vault, &mut registry, &body)?;

        let auth = registry
            .fields
            .get("auth_type")
            .and_then(Value::as_str)
            .unwrap_or("token")
            .to_owned();
        let needed = AUTHS
            .iter()
            .find(|(name, _)| *name == auth)
            .map_or(&[][..], |(_, needed)| *needed);
        let sealed_needed: &[&str] = if auth.starts_with("oidc_") {
            &[]
        } else {
            &["encrypted_value", "key_id"]
        };
        let missing: Vec<&str> = needed
            .iter()
            .chain(sealed_needed)
            .copied()
            .filter(|field| !body.contains_key(*field))
            .collect();
        if !missing.is_empty() {
            return Err(errors::missing(&missing));
        }
        registry.fields.insert("auth_type".to_owned(), json!(auth));
        registry
            .fields
            .entry("replaces_base")
            .or_insert(json!(false));
        let shown = show(&registry, true);
        if self.settings.keep_secrets {
            self.secrets.insert(call.now, vault, registry);
        }
        Ok(reply::json(StatusCode::CREATED, &shown))
    }

    fn update_registry(
        &mut self,
        call: &Call<'_>,
        vault: &Vault,
        name: &str,
    ) -> Result<Reply, Refusal> {
        let body = errors::json_object(call.body)?;
        let mut registry = self
            .secrets
            .get(vault, name)
            .ok_or_else(errors::not_found)?
            .clone();
        let sent = body.get("auth_type");
        if sent.is_some() && sent != registry.fields.get("auth_type") {
            return Err(errors::invalid("\"auth_type\" can't be changed."));
        }
        self.fill_registry(vault, &mut registry, &body)?;
        registry.updated_at = call.now;
        self.secrets.insert(call.now, vault, registry);
        Ok(reply::no_content())
    }

    /// Takes over what a body says about a registry, its sealed value included.
    fn fill_registry(
        &mut self,
        vault: &Vault,
        registry: &mut StoredSecret,
        body: &Map<String, Value>,
    ) -> Result<(), Refusal> {
        let auths: Vec<&str> = AUTHS.iter().map(|(name, _)| *name).collect();
        sealed::one_of(body, "auth_type", &auths)?;
        sealed::one_of(body, "registry_type", types())?;
        for field in &SHOWN {
            if let Some(value) = body.get(*field) {
                let fits = match *field {
                    "replaces_base" => value.is_boolean(),
                    "username" => value.is_string() || value.is_null(),
                    _ => value.is_string(),
                };
                if !fits {
                    return Err(errors::wrong_type(
                        &format!("properties/{field}"),
                        value,
                        "of the right type",
                    ));
                }
                registry.fields.insert((*field).to_owned(), value.clone());
            }
        }
        if let Some(visibility) = sealed::one_of(body, "visibility", &VISIBILITIES)? {
            registry.visibility = Some(visibility);
            registry.selected_repository_ids.clear();
        }
        if let Some(ids) = sealed::repository_ids(body, RepositoryIds::Integers)? {
            registry.selected_repository_ids =
                self.accept_repositories(vault, registry, Some(ids))?;
        }
        if body.contains_key("encrypted_value") || body.contains_key("key_id") {
            let auth = body
                .get("auth_type")
                .or(registry.fields.get("auth_type"))
                .and_then(Value::as_str);
            if auth.is_some_and(|auth| auth.starts_with("oidc_")) {
                return Err(errors::invalid(
                    "\"encrypted_value\" should be left out for OIDC.",
                ));
            }
            registry.value = self.open(vault, body)?;
        }
        Ok(())
    }

    /// The name that GitHub gives a registry: after its type, numbered when there are several.
    fn registry_name(&self, vault: &Vault, kind: &str) -> String {
        let name = format!("{}_SECRET", kind.to_ascii_uppercase());
        let mut candidate = name.clone();
        let mut number = 1;
        while self.secrets.get(vault, &candidate).is_some() {
            number += 1;
            candidate = format!("{name}_{number}");
        }
        candidate
    }
}

/// A registry as GitHub shows it; its repositories only where it is shown alone.
fn show(registry: &StoredSecret, alone: bool) -> Value {
    let mut shown = registry.fields.clone();
    shown.insert("name".to_owned(), json!(registry.name));
    shown.insert("visibility".to_owned(), json!(registry.visibility));
    shown.insert(
        "created_at".to_owned(),
        json!(when::iso(registry.created_at)),
    );
    shown.insert(
        "updated_at".to_owned(),
        json!(when::iso(registry.updated_at)),
    );
    if alone && registry.is_selected() {
        shown.insert(
            "selected_repository_ids".to_owned(),
            json!(registry.selected_repository_ids),
        );
    }
    Value::Object(shown)
}
