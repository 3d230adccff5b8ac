//! An App's JWT is exchanged for a token of one of its installations.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Installation, Permissions};
use crate::access::Grant;
use crate::answer::reply::{self, Refusal, Reply};
use crate::answer::{Call, State};
use crate::answer::{errors, repositories};
use crate::traffic::identity::Identity;
use crate::when;
use crate::world::place::{Account, Repo};

impl State {
    /// Gives a token of an installation, narrowed to what was asked for.
    pub(super) fn exchange(
        &mut self,
        call: &Call<'_>,
        id: u64,
        installation: &Installation,
    ) -> Result<Reply, Refusal> {
        if installation.suspended {
            return Err(Refusal::new(403, "This installation has been suspended"));
        }
        let body = if call.body.is_empty() {
            Map::new()
        } else {
            errors::json_object(call.body)?
        };
        let repositories = self.narrowed_repositories(&body, installation)?;
        let permissions = narrowed_permissions(&body, installation)?;

        self.apps.issued += 1;
        let asked = call.headers.get("x-github-stateless-s2s-token");
        let stateless = match asked.map(|asked| asked.as_bytes()) {
            Some(b"enabled") => true,
            Some(b"disabled") => false,
            _ => self.apps.issued.is_multiple_of(2),
        };
        let token = if stateless {
            let length = self.settings.stateless_token_length;
            stateless_token(self.apps.issued, installation.app, length)
        } else {
            format!("ghs_{}", letters(self.apps.issued, 36))
        };
        let expires = call.now + self.settings.installation_token_lifetime;
        let mut shown = json!({
            "token": token,
            // Tokens are told in whole seconds; they do not end before that.
            "expires_at": when::iso(expires),
            "permissions": self.shown_permissions(permissions.as_ref()),
            "repository_selection": if repositories.is_some() { "selected" } else { "all" },
        });
        if let Some(ids) = &repositories {
            let known = ids.iter().filter_map(|id| self.world.repository_by_id(*id));
            shown["repositories"] = known
                .map(|repository| repositories::minimal(&self.world, repository, &call.root))
                .collect();
        }
        let grant = Grant {
            identity: Identity::Installation(id),
            permissions,
            owners: Some(BTreeSet::from([installation.owner])),
            repositories,
            integration: true,
            given: call.now,
            valid_from: call.now + self.settings.installation_token_delay,
            expires,
            ..Grant::everything()
        };
        self.access.insert(token, grant);
        Ok(reply::json(StatusCode::CREATED, &shown))
    }

    fn narrowed_repositories(
        &self,
        body: &Map<String, Value>,
        installation: &Installation,
    ) -> Result<Option<BTreeSet<u64>>, Refusal> {
        let refused = || {
            Refusal::new(
                422,
                "There is at least one repository that does not exist or is not accessible to the parent installation.",
            )
        };
        let list = |field: &str| {
            body.get(field)
                .and_then(Value::as_array)
                .map(Vec::as_slice)
                .unwrap_or_default()
        };
        let login = self
            .world
            .owner(&Account::Id(installation.owner))
            .map_or("", |owner| owner.login.as_str());
        let by_name = list("repositories").iter().map(|name| {
            let repo = Repo::Named(
                login.to_owned(),
                name.as_str().unwrap_or_default().to_owned(),
            );
            self.world.repository(&repo).ok()
        });
        let by_id = list("repository_ids")
            .iter()
            .map(|id| self.world.repository_by_id(id.as_u64()?));
        let named: BTreeSet<u64> = by_name
            .chain(by_id)
            .map(|repository| {
                repository
                    .filter(|repository| repository.owner == installation.owner)
                    .map(|r| r.id)
            })
            .collect::<Option<_>>()
            .ok_or_else(refused)?;
        match &installation.repositories {
            _ if named.is_empty() => Ok(installation.repositories.clone()),
            Some(known) if !named.is_subset(known) => Err(refused()),
            _ => Ok(Some(named)),
        }
    }
}

fn narrowed_permissions(
    body: &Map<String, Value>,
    installation: &Installation,
) -> Result<Option<Permissions>, Refusal> {
    let Some(wanted) = body.get("permissions").and_then(Value::as_object) else {
        return Ok(installation.permissions.clone());
    };
    let level = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let wanted: Permissions = wanted
        .iter()
        .map(|(name, value)| (name.clone(), level(value)))
        .collect();
    let granted = |(name, level): (&String, &String)| {
        installation.permissions.as_ref().is_none_or(|known| {
            name == "metadata"
                || known
                    .get(name)
                    .is_some_and(|known| known == level || known == "write")
        })
    };
    if wanted.iter().all(granted) {
        Ok(Some(wanted))
    } else {
        Err(Refusal::new(
            422,
            "The permissions requested are not granted to this installation.",
        ))
    }
}

/// A token of the newer shape: the App's number and something like a JWT.
fn stateless_token(serial: u64, app: u64, length: usize) -> String {
    let start = format!("ghs_{app}_eyJhbGciOiJFUzI1NiJ9.");
    let rest = length.saturating_sub(start.len() + 87).max(36);
    let signature = letters(serial.wrapping_add(1) ^ app, 84);
    format!("{start}{}.-_{signature}", letters(serial, rest))
}

/// So many letters and digits, others for each number.
fn letters(serial: u64, length: usize) -> String {
    let spread = serial.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let all = (0_u64..).flat_map(|round| {
        let turned = spread.rotate_left(round as u32 % 64) ^ round;
        format!("{turned:016x}").into_bytes()
    });
    let mut text = format!("{serial:06}");
    text.extend(all.map(char::from).take(length - text.len()));
    text
}
