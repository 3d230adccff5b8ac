//! Repairs of the stores of secrets, recognised by their paths.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};

use super::components::{
    KEY_ID, PUBLIC_KEY, REGISTRY, REGISTRY_PAGE, REPOSITORY, REPOSITORY_PAGE, SECRET, SECRET_PAGE,
};
use super::replies::json_schema;
use crate::description::family::{Role, registries, scopes};
use crate::description::source::Source;
use crate::description::walk::{each_operation, resolve};

/// Adds the parameters of pages to lists of stores that lack them in the description. Without them GitHub answers with
/// the first thirty entries.
pub(super) fn page_every_list(document: &mut Value, _: &Source) -> Result<usize> {
    let lists: BTreeSet<_> = scopes(document)
        .iter()
        .flat_map(|scope| &scope.operations)
        .filter(|(role, _)| {
            matches!(
                role,
                Role::List | Role::ListRepositories | Role::ListOrganizationSecrets
            )
        })
        .map(|(_, operation)| operation.id.to_owned())
        .collect();
    let before = document.clone();
    let mut mended = 0;
    each_operation(document, |id, operation| {
        if !lists.contains(id) {
            return;
        }
        let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
        let Some(parameters) = parameters.as_array_mut() else {
            return;
        };
        for name in ["page", "per_page"] {
            if !parameters
                .iter()
                .any(|each| resolve(&before, each)["name"] == name)
            {
                parameters
                    .push(json!({ "name": name, "in": "query", "schema": { "type": "integer" } }));
                mended += 1;
            }
        }
    });
    Ok(mended)
}

/// Gives the secrets, keys and repositories of all stores one type each, with the properties of all (required if all
/// require it). The description has other components for each store.
pub(super) fn one_shape_per_role(document: &mut Value, _: &Source) -> Result<usize> {
    let before = document.clone();
    let mut wanted: BTreeMap<String, Value> = BTreeMap::new();
    let mut shapes = Shapes::default();
    for scope in scopes(&before) {
        for (role, operation) in &scope.operations {
            let here = || format!("`{}`", operation.id);
            let reply = || {
                success(&before, operation.node)
                    .with_context(|| format!("{} has no JSON reply", here()))
            };
            let page = match role {
                Role::Get => {
                    shapes.add(SECRET, &before, reply()?)?;
                    SECRET
                }
                Role::PublicKey => {
                    shapes
                        .add(PUBLIC_KEY, &before, reply()?)
                        .with_context(here)?;
                    PUBLIC_KEY
                }
                Role::List | Role::ListOrganizationSecrets => {
                    shapes.add(
                        SECRET,
                        &before,
                        items(&before, reply()?, "secrets").with_context(here)?,
                    )?;
                    SECRET_PAGE
                }
                Role::ListRepositories => {
                    shapes.add(
                        REPOSITORY,
                        &before,
                        items(&before, reply()?, "repositories").with_context(here)?,
                    )?;
                    REPOSITORY_PAGE
                }
                _ => continue,
            };
            wanted.insert(
                operation.id.to_owned(),
                json!({ "$ref": format!("#/components/schemas/{page}") }),
            );
        }
    }
    if let Some(family) = registries(&before) {
        for (operation, shape) in [
            (family.list, REGISTRY_PAGE),
            (family.get, REGISTRY),
            (family.create, REGISTRY),
            (family.public_key, PUBLIC_KEY),
        ] {
            let reply = success(&before, operation.node)
                .with_context(|| format!("`{}` has no JSON reply", operation.id))?;
            match shape {
                REGISTRY_PAGE => {
                    shapes.add(REGISTRY, &before, items(&before, reply, "configurations")?)?
                }
                shape => shapes
                    .add(shape, &before, reply)
                    .with_context(|| format!("`{}`", operation.id))?,
            }
            wanted.insert(
                operation.id.to_owned(),
                json!({ "$ref": format!("#/components/schemas/{shape}") }),
            );
        }
    }

    let mut mended = 0;
    each_operation(document, |id, operation| {
        let Some(shape) = wanted.get(id) else { return };
        for reply in operation
            .get_mut("responses")
            .and_then(Value::as_object_mut)
            .into_iter()
            .flat_map(Map::values_mut)
        {
            *reply = json!({ "content": { "application/json": { "schema": shape } } });
            mended += 1;
        }
    });
    shapes.install(document)?;
    Ok(mended)
}

/// Gives `key_id` a hand-written type that takes text and numbers, and keeps a number's digits as they came.
pub(super) fn key_ids_keep_their_text(document: &mut Value, _: &Source) -> Result<usize> {
    let place = document["components"]["schemas"]
        .get_mut(PUBLIC_KEY)
        .and_then(|key| key["properties"].get_mut("key_id"));
    let Some(place) = place else { return Ok(0) };
    if place["type"] != "string" {
        bail!("`key_id` is no longer text but {place}");
    }
    *place = json!({ "$ref": format!("#/components/schemas/{KEY_ID}") });
    document["components"]["schemas"][KEY_ID] = json!({ "type": "string" });
    Ok(1)
}

/// The types of the family's replies, as they are gathered from the stores.
#[derive(Default)]
struct Shapes(BTreeMap<&'static str, Shape>);

#[derive(Default)]
struct Shape {
    properties: Map<String, Value>,
    required: Option<BTreeSet<String>>,
}

impl Shapes {
    fn add(&mut self, name: &'static str, document: &Value, schema: &Value) -> Result<()> {
        let schema = resolve(document, schema);
        let properties = schema["properties"]
            .as_object()
            .with_context(|| format!("a {name} is not an object"))?;
        let required: BTreeSet<_> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        // What another store tells is of no use to this one: its values are sealed with its own.
        let own: &[&str] = match name {
            PUBLIC_KEY => &["key_id", "key"],
            _ => &[],
        };
        if let Some(lost) = own.iter().find(|each| !properties.contains_key(**each)) {
            bail!("no `{lost}` in its {name}");
        }
        let shape = self.0.entry(name).or_default();
        for (property, node) in properties {
            shape
                .properties
                .entry(property)
                .or_insert_with(|| node.clone());
        }
        shape.required = Some(match shape.required.take() {
            None => required,
            Some(already) => already.intersection(&required).cloned().collect(),
        });
        Ok(())
    }

    fn install(self, document: &mut Value) -> Result<()> {
        for (name, shape) in self.0 {
            let needed: &[&str] = match name {
                SECRET | REGISTRY => &["name"],
                PUBLIC_KEY => &[],
                _ => &["id"],
            };
            if let Some(lost) = needed
                .iter()
                .find(|each| !shape.properties.contains_key(**each))
            {
                bail!("no `{lost}` in the {name} of this description");
            }
            let page = match name {
                SECRET => Some((SECRET_PAGE, "secrets")),
                REPOSITORY => Some((REPOSITORY_PAGE, "repositories")),
                REGISTRY => Some((REGISTRY_PAGE, "configurations")),
                _ => None,
            };
            let schemas = &mut document["components"]["schemas"];
            for new in [Some(name), page.map(|page| page.0)].into_iter().flatten() {
                if schemas.get(new).is_some() {
                    bail!("the description has a component `{new}` of its own now; rename ours");
                }
            }
            schemas[name] = json!({ "type": "object", "properties": shape.properties, "required": shape.required });
            if let Some((page, items)) = page {
                schemas[page] = json!({
                    "type": "object",
                    "properties": {
                        "total_count": { "type": "integer" },
                        items: { "type": "array", "items": { "$ref": format!("#/components/schemas/{name}") } },
                    },
                    "required": ["total_count", items],
                });
            }
        }
        Ok(())
    }
}

/// The schema of an operation's JSON reply.
fn success<'a>(document: &'a Value, operation: &'a Value) -> Option<&'a Value> {
    operation["responses"]
        .as_object()?
        .values()
        .find_map(|reply| json_schema(document, reply))
}

/// The items of a page: the list called `name` beside `total_count`.
fn items<'a>(document: &'a Value, page: &'a Value, name: &str) -> Result<&'a Value> {
    let properties = &resolve(document, page)["properties"];
    if properties["total_count"]["type"] != "integer" || properties[name]["type"] != "array" {
        bail!("its page is not `total_count` and `{name}`");
    }
    Ok(&properties[name]["items"])
}
