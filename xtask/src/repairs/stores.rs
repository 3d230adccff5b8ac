//! Repairs of the stores of secrets, recognised by their paths.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::{Map, Value, json};

use super::all_of;
use super::components::{
    KEY_ID, PUBLIC_KEY, REGISTRY, REGISTRY_PAGE, REPOSITORY, REPOSITORY_PAGE, SECRET, SECRET_PAGE,
    kind, needed,
};
use super::replies::json_schema;
use crate::description::Operation;
use crate::description::family::{Place, Role, is_parameter, registries, scopes};
use crate::description::source::Source;
use crate::description::walk::{each_operation, parameters, resolve, values};

/// Adds the parameters of pages to lists of stores that lack them in the description, and are paged by number all the
/// same (`[practice.paged]` in `openapi/source.toml`). Without them GitHub answers with the first thirty entries.
///
/// # Errors
///
/// If another list lacks them: it is no longer paged by number.
pub(super) fn page_every_list(document: &mut Value, source: &Source) -> Result<usize> {
    let (mut lacking, mut errors) = (BTreeMap::new(), Vec::new());
    let before = document.clone();
    for operation in lists(&before) {
        let known: Vec<_> = parameters(&before, &operation).collect();
        let is_query = |each: &Value| each["in"] == "query";
        let is_known = |name: &&str| {
            known
                .iter()
                .any(|each| each["name"] == **name && is_query(each))
        };
        let names = ["page", "per_page"].into_iter();
        let names: Vec<_> = names.filter(|name| !is_known(name)).collect();
        if names.is_empty() {
            continue;
        }
        let cursor = ["after", "before", "cursor"].into_iter().find(is_known);
        let (id, asked) = (operation.id, &source.api.version);
        match (source.practice.paged.get(id), cursor) {
            (Some(_), Some(cursor)) => errors.push(anyhow!(
                "`{id}` is in [practice.paged] of openapi/source.toml, and is described with `{cursor}`: it is no longer \
                 paged by number"
            )),
            (Some(fact), None) if !fact.seen_in.contains(asked) => errors.push(anyhow!(
                "`{id}`: openapi/source.toml says in [practice.paged] that it is paged by number in other versions of \
                 the API than {asked}: see whether it is in this one, and add it to `seen_in`"
            )),
            (Some(_), None) => drop(lacking.insert(id, names)),
            (None, _) => errors.push(anyhow!(
                "`{id}` has no `{}`: a list that is not paged by number is read only in part. If it is, although the \
                 description does not say so, add it to [practice.paged] in openapi/source.toml",
                names.join("` and no `")
            )),
        }
    }
    all_of(errors)?;
    each_operation(document, |id, operation| {
        let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
        let names = lacking.get(id).into_iter().flatten();
        let added = names
            .map(|name| json!({ "name": name, "in": "query", "schema": { "type": "integer" } }));
        if let Some(parameters) = parameters.as_array_mut() {
            parameters.extend(added);
        }
    });
    Ok(lacking.values().map(Vec::len).sum())
}

/// The lists of the family.
fn lists(document: &Value) -> Vec<Operation<'_>> {
    let is_list = |role: &Role| {
        matches!(
            role,
            Role::List | Role::ListRepositories | Role::ListOrganizationSecrets
        )
    };
    let scopes = scopes(document).into_iter();
    let of_scopes = scopes.flat_map(|scope| scope.operations);
    let of_scopes = of_scopes.filter(|(role, _)| is_list(role));
    let of_registries = registries(document).map(|family| family.list);
    let of_scopes = of_scopes.map(|(_, operation)| operation);
    of_scopes.chain(of_registries).collect()
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
        let pieces = operation
            .path
            .split('/')
            .filter(|piece| is_parameter(piece));
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

/// Gives the secrets, keys and repositories of all stores one type each, with the properties of all. The description has
/// other components for each store. What may be written back takes properties that the description lacks, too.
pub(super) fn one_shape_per_role(document: &mut Value, _: &Source) -> Result<usize> {
    let before = document.clone();
    let mut wanted: BTreeMap<&str, Value> = BTreeMap::new();
    let (mut shapes, mut errors) = (Shapes::default(), Vec::new());
    for (operation, shape) in replies(&before) {
        let added = success(&before, operation.node)
            .context("it has no JSON reply")
            .and_then(|reply| shapes.add(shape, &before, reply));
        errors.extend(
            [added, only_json(&before, operation.node)]
                .into_iter()
                .filter_map(|fault| {
                    let error = fault.err()?;
                    Some(error.context(format!("`{}`", operation.id)))
                }),
        );
        let reply = format!("#/components/schemas/{}", shape.reply());
        wanted.insert(operation.id, json!({ "$ref": reply }));
    }
    all_of(errors)?;
    let mut mended = 0;
    each_operation(document, |id, operation| {
        let Some(shape) = wanted.get(id) else { return };
        for reply in values(operation.get_mut("responses")) {
            *reply = json!({ "content": { "application/json": { "schema": shape } } });
            mended += 1;
        }
    });
    shapes.install(document)?;
    Ok(mended)
}

/// What a reply of the family is.
#[derive(Clone, Copy)]
enum Shape {
    /// One thing.
    One(&'static str),
    /// A page of things: their component, that of the page, and the property that holds them.
    Page(&'static str, &'static str, &'static str),
}

const SECRETS: Shape = Shape::Page(SECRET, SECRET_PAGE, "secrets");
const REPOSITORIES: Shape = Shape::Page(REPOSITORY, REPOSITORY_PAGE, "repositories");
const REGISTRIES: Shape = Shape::Page(REGISTRY, REGISTRY_PAGE, "configurations");

impl Shape {
    fn reply(self) -> &'static str {
        match self {
            Self::One(reply) | Self::Page(_, reply, _) => reply,
        }
    }
}

/// The operations of the family that reply with something.
fn replies(document: &Value) -> Vec<(Operation<'_>, Shape)> {
    let mut found = Vec::new();
    for scope in scopes(document) {
        for (role, operation) in scope.operations {
            let shape = match role {
                Role::Get => Shape::One(SECRET),
                Role::PublicKey => Shape::One(PUBLIC_KEY),
                Role::List | Role::ListOrganizationSecrets => SECRETS,
                Role::ListRepositories => REPOSITORIES,
                _ => continue,
            };
            found.push((operation, shape));
        }
    }
    if let Some(family) = registries(document) {
        found.extend([
            (family.list, REGISTRIES),
            (family.get, Shape::One(REGISTRY)),
            (family.create, Shape::One(REGISTRY)),
            (family.public_key, Shape::One(PUBLIC_KEY)),
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
struct Shapes {
    /// The properties, by component.
    things: BTreeMap<&'static str, Map<String, Value>>,
    /// The component of their things and the property that holds them, by component.
    pages: BTreeMap<&'static str, (&'static str, &'static str)>,
}

impl Shapes {
    fn add(&mut self, shape: Shape, document: &Value, reply: &Value) -> Result<()> {
        let (name, schema) = match shape {
            Shape::One(name) => (name, reply),
            Shape::Page(name, page, list) => {
                self.pages.insert(page, (name, list));
                (name, items(document, reply, list)?)
            }
        };
        let Some(properties) = properties(document, schema) else {
            bail!("a {name} is not an object");
        };
        // Each store must tell them itself: its values are sealed with its own key.
        let needed = needed(name);
        if let Some(lost) = needed.iter().find(|each| !properties.contains_key(**each)) {
            bail!("no `{lost}` in its {name}");
        }
        let known = self.things.entry(name).or_default();
        for (property, mut node) in properties {
            if let Some(wanted) = kind(name, &property) {
                node = resolve(document, &node).clone();
                let is_needed = needed.contains(&property.as_str());
                if node["type"] != wanted || (is_needed && node["nullable"] == true) {
                    bail!("`{property}` of its {name} is {node}, and is read as type `{wanted}`");
                }
            }
            match known.get(&property) {
                // What stores tell in different types is read as it comes.
                Some(other) if type_of(document, other) != type_of(document, &node) => {
                    known.insert(property, json!({}));
                }
                Some(_) => {}
                None => {
                    known.insert(property, node);
                }
            }
        }
        Ok(())
    }

    fn install(self, document: &mut Value) -> Result<()> {
        let schemas = &mut document["components"]["schemas"];
        for (name, properties) in self.things {
            let mut schema =
                json!({ "type": "object", "properties": properties, "required": needed(name) });
            if [SECRET, REGISTRY].contains(&name) {
                schema["additionalProperties"] = json!({});
            }
            schemas[name] = schema;
        }
        for (page, (name, list)) in self.pages {
            let items = json!({ "$ref": format!("#/components/schemas/{name}") });
            schemas[page] = json!({
                "type": "object",
                "properties": {
                    "total_count": { "type": "integer" },
                    list: { "type": "array", "items": items },
                },
                "required": ["total_count", list],
            });
        }
        Ok(())
    }
}

/// What a property is, and its items if it is a list.
fn type_of<'a>(document: &'a Value, schema: &'a Value) -> [&'a Value; 2] {
    let schema = resolve(document, schema);
    [
        &schema["type"],
        &resolve(document, &schema["items"])["type"],
    ]
}

/// The schema of an operation's JSON reply.
fn success<'a>(document: &'a Value, operation: &'a Value) -> Option<&'a Value> {
    operation["responses"]
        .as_object()?
        .values()
        .find_map(|reply| json_schema(document, reply))
}

/// Fails if a success of an operation brings anything else than JSON: it would be read as JSON.
fn only_json(document: &Value, operation: &Value) -> Result<()> {
    let replies = operation["responses"].as_object().into_iter().flatten();
    let mut others = replies.filter(|(_, reply)| json_schema(document, reply).is_none());
    match others.next() {
        Some((status, _)) => {
            bail!("its reply {status} brings no JSON, which is read of each of its successes")
        }
        None => Ok(()),
    }
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

/// The properties of an object, through references and parts.
fn properties(document: &Value, schema: &Value) -> Option<Map<String, Value>> {
    let mut parts = Vec::new();
    parts_of(document, schema, &mut parts);
    let own = parts
        .iter()
        .filter_map(|part| part["properties"].as_object());
    let all: Map<_, _> = own
        .flatten()
        .map(|(name, node)| (name.clone(), node.clone()))
        .collect();
    (!all.is_empty()).then_some(all)
}

/// A schema and the parts that all of it consists of.
fn parts_of<'a>(document: &'a Value, schema: &'a Value, found: &mut Vec<&'a Value>) {
    let schema = resolve(document, schema);
    found.push(schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        parts_of(document, part, found);
    }
}
