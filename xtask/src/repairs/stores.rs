//! Repairs of the stores of secrets, recognised by their paths.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};

use super::all_of;
use super::components::{
    KEY_ID, PUBLIC_KEY, REGISTRY, REGISTRY_PAGE, REPOSITORY, REPOSITORY_PAGE, SECRET, SECRET_PAGE,
};
use super::replies::json_schema;
use crate::description::Operation;
use crate::description::family::{Place, Role, hole, registries, scopes};
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

/// Calls the pieces of the family's paths alike, whatever the description calls them: helpers for mocks are named after
/// them.
pub(super) fn call_pieces_alike(document: &mut Value) {
    let before = document.clone();
    let mut all: Vec<(Operation<'_>, &[&str])> = Vec::new();
    for scope in scopes(&before) {
        let holder: &[&str] = match scope.place {
            Place::Organization => &["org", "secret_name", "repository_id"],
            Place::Repository => &["owner", "repo", "secret_name"],
            Place::Environment => &["owner", "repo", "environment_name", "secret_name"],
            Place::User => &["secret_name", "repository_id"],
        };
        all.extend(scope.operations.into_values().map(|each| (each, holder)));
    }
    if let Some(family) = registries(&before) {
        let names: &[&str] = &["org", "secret_name"];
        all.extend(family.operations().map(|each| (each, names)));
    }
    for (operation, names) in all {
        let pieces = operation.path.split('/').filter(|piece| hole(piece));
        let pieces = pieces.map(|piece| &piece[1..piece.len() - 1]);
        let renamed: BTreeMap<_, _> = pieces
            .zip(names)
            .filter(|(theirs, ours)| theirs != *ours)
            .map(|(theirs, ours)| (theirs.to_owned(), (*ours).to_owned()))
            .collect();
        // What has two of our names in one path is left alone, and told when it is generated.
        if !renamed.is_empty()
            && !renamed
                .keys()
                .any(|theirs| names.contains(&theirs.as_str()))
        {
            rename_pieces(document, &before, &operation, &renamed);
        }
    }
}

/// Moves an operation to the path with other names in it.
fn rename_pieces(
    document: &mut Value,
    before: &Value,
    operation: &Operation<'_>,
    renamed: &BTreeMap<String, String>,
) {
    let lists = [operation.item, operation.node].map(|holder| holder["parameters"].as_array());
    let parameters: Vec<_> = lists
        .into_iter()
        .flatten()
        .flatten()
        .map(|parameter| {
            let mut own = resolve(before, parameter).clone();
            match own["name"].as_str().and_then(|name| renamed.get(name)) {
                Some(new) if own["in"] == "path" => {
                    own["name"] = json!(new);
                    own
                }
                _ => parameter.clone(),
            }
        })
        .collect();
    let mut path = operation.path.to_owned();
    for (theirs, ours) in renamed {
        path = path.replace(&format!("{{{theirs}}}"), &format!("{{{ours}}}"));
    }
    let paths = &mut document["paths"];
    let mut node = paths[operation.path][operation.method].take();
    node["parameters"] = json!(parameters);
    if let Some(item) = paths[operation.path].as_object_mut() {
        item.remove(operation.method);
    }
    paths[path][operation.method] = node;
}

/// Gives the secrets, keys and repositories of all stores one type each, with the properties of all (required if all
/// require it). The description has other components for each store.
pub(super) fn one_shape_per_role(document: &mut Value, _: &Source) -> Result<usize> {
    let before = document.clone();
    let mut wanted: BTreeMap<String, Value> = BTreeMap::new();
    let (mut shapes, mut errors) = (Shapes::default(), Vec::new());
    for (operation, shape) in shaped(&before) {
        match shapes.add_reply(&before, &operation, shape) {
            Ok(reply) => {
                let reference = format!("#/components/schemas/{reply}");
                wanted.insert(operation.id.to_owned(), json!({ "$ref": reference }));
            }
            Err(error) => errors.push(error.context(format!("`{}`", operation.id))),
        }
    }
    all_of(errors)?;

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

/// The operations that reply in shapes of the family's.
fn shaped(document: &Value) -> Vec<(Operation<'_>, &'static str)> {
    let mut found = Vec::new();
    for scope in scopes(document) {
        for (role, operation) in scope.operations {
            let shape = match role {
                Role::Get => SECRET,
                Role::PublicKey => PUBLIC_KEY,
                Role::List | Role::ListOrganizationSecrets => SECRET_PAGE,
                Role::ListRepositories => REPOSITORY_PAGE,
                _ => continue,
            };
            found.push((operation, shape));
        }
    }
    if let Some(family) = registries(document) {
        found.extend([
            (family.list, REGISTRY_PAGE),
            (family.get, REGISTRY),
            (family.create, REGISTRY),
            (family.public_key, PUBLIC_KEY),
        ]);
    }
    found
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
    /// Adds what an operation replies, and gives the component that its reply becomes.
    fn add_reply(
        &mut self,
        document: &Value,
        operation: &Operation<'_>,
        shape: &'static str,
    ) -> Result<&'static str> {
        let reply = success(document, operation.node).context("it has no JSON reply")?;
        let (item, schema) = match shape {
            SECRET_PAGE => (SECRET, items(document, reply, "secrets")?),
            REPOSITORY_PAGE => (REPOSITORY, items(document, reply, "repositories")?),
            REGISTRY_PAGE => (REGISTRY, items(document, reply, "configurations")?),
            shape => (shape, reply),
        };
        self.add(item, document, schema)?;
        Ok(shape)
    }

    fn add(&mut self, name: &'static str, document: &Value, schema: &Value) -> Result<()> {
        let Some((properties, required)) = object(document, schema) else {
            bail!("a {name} is not an object");
        };
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
            shape.properties.entry(property).or_insert(node);
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
    let mut parts = Vec::new();
    parts_of(document, page, &mut parts);
    let property = |name: &str| {
        let mut found = parts.iter().filter_map(|part| part["properties"].get(name));
        found.next()
    };
    let is = |name: &str, kind: &str| property(name).is_some_and(|it| it["type"] == kind);
    match property(name).filter(|_| is("total_count", "integer") && is(name, "array")) {
        Some(list) => Ok(&list["items"]),
        None => bail!("its page is not `total_count` and `{name}`"),
    }
}

/// The properties of an object and those that it requires, through references and parts.
fn object(document: &Value, schema: &Value) -> Option<(Map<String, Value>, BTreeSet<String>)> {
    let mut parts = Vec::new();
    parts_of(document, schema, &mut parts);
    let (mut properties, mut required) = (Map::new(), BTreeSet::new());
    for part in &parts {
        for (name, property) in part["properties"].as_object().into_iter().flatten() {
            properties.insert(name.clone(), property.clone());
        }
        let names = part["required"].as_array().into_iter().flatten();
        required.extend(names.filter_map(Value::as_str).map(str::to_owned));
    }
    (!properties.is_empty()).then_some((properties, required))
}

/// A schema and the parts that all of it consists of.
fn parts_of<'a>(document: &'a Value, schema: &'a Value, found: &mut Vec<&'a Value>) {
    let schema = resolve(document, schema);
    found.push(schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        parts_of(document, part, found);
    }
}
