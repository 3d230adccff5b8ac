//! The docs of generated code: our own words, laid over the fragment's facts.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::description::family::{Place, Standing, scopes, standing};
use crate::description::walk::component_of;
use crate::description::{METHODS, Operation, operations};
use crate::repairs::components::{KIND, WITHOUT_BODY};
use crate::rust_names::pascal;

/// The contents of `openapi/docs.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Docs {
    /// For operations on stores, by role: a sentence with `{store}` and `{place}`.
    #[serde(default)]
    roles: BTreeMap<String, String>,
    /// For operations on variables, likewise.
    #[serde(default)]
    variables: BTreeMap<String, String>,
    /// How a place is called in those sentences.
    #[serde(default)]
    places: BTreeMap<String, String>,
    /// For other operations, by id.
    #[serde(default)]
    operations: BTreeMap<String, String>,
    /// For parameters, by the name of their component or their own.
    #[serde(default)]
    parameters: BTreeMap<String, String>,
}

impl Docs {
    /// Reads `docs.toml`.
    pub fn parse(text: &str) -> Result<Self> {
        toml_edit::de::from_str(text).context("openapi/docs.toml")
    }

    /// Writes the words into a repaired fragment. An operation without words gets a sentence made of its facts.
    pub fn apply(&self, document: &mut Value) -> Result<()> {
        let words = self.words(document)?;
        for item in document["paths"]
            .as_object_mut()
            .into_iter()
            .flat_map(|paths| paths.values_mut())
        {
            for method in METHODS {
                let Some(operation) = item.get_mut(method) else {
                    continue;
                };
                let id = operation["operationId"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                operation["summary"] = json!(words[&id]);
                self.describe(operation.get_mut("parameters"));
            }
            self.describe(item.get_mut("parameters"));
        }
        let components = document.pointer_mut("/components/parameters");
        for (component, parameter) in components
            .and_then(Value::as_object_mut)
            .into_iter()
            .flatten()
        {
            self.describe_one(parameter, Some(component));
        }
        Ok(())
    }

    /// The operations that have words here and are not in `document`.
    pub fn idle(&self, document: &Value) -> Vec<String> {
        let kept: Vec<_> = operations(document)
            .iter()
            .map(|operation| operation.id)
            .collect();
        let ids = self.operations.keys();
        ids.filter(|id| !kept.contains(&id.as_str()))
            .cloned()
            .collect()
    }

    /// The operations in `document` that have no words here.
    pub fn wordless(&self, document: &Value) -> Result<Vec<String>> {
        let sentences = self.sentences(document)?;
        let ids = operations(document).into_iter().map(|each| each.id);
        Ok(ids
            .filter(|id| !sentences.contains_key(*id))
            .map(str::to_owned)
            .collect())
    }

    /// The docs of each operation, by id.
    fn words(&self, document: &Value) -> Result<BTreeMap<String, String>> {
        let sentences = self.sentences(document)?;
        let docs = operations(document).into_iter().map(|operation| {
            let mut facts = format!("GitHub's operation `{}`.", operation.id);
            facts.extend(kinds(&operation.node["responses"]));
            let words = match sentences.get(operation.id) {
                Some(sentence) => format!("{sentence}\n\n{facts}"),
                None => facts,
            };
            (operation.id.to_owned(), words)
        });
        Ok(docs.collect())
    }

    /// The sentences that operations have here, by id: their own, or that of what they do.
    fn sentences<'a>(&self, document: &'a Value) -> Result<BTreeMap<&'a str, String>> {
        let mut found = BTreeMap::new();
        for scope in scopes(document) {
            for (role, operation) in &scope.operations {
                let role = format!("{role:?}");
                let words = self.fill(&self.roles, &role, scope.place, &scope.store)?;
                found.insert(operation.id, words);
            }
        }
        for operation in operations(document) {
            if let Some(standing) = standing(&operation)
                && let Some(role) = role_of_variables(&operation, &standing)
            {
                let words = self.fill(&self.variables, role, standing.place, standing.store)?;
                found.insert(operation.id, words);
            }
            if let Some(own) = self.operations.get(operation.id) {
                found.insert(operation.id, own.clone());
            }
        }
        Ok(found)
    }

    fn fill(
        &self,
        templates: &BTreeMap<String, String>,
        role: &str,
        place: Place,
        store: &str,
    ) -> Result<String> {
        let place = format!("{place:?}");
        let Some(template) = templates.get(role) else {
            bail!("openapi/docs.toml has no words for the role {role}")
        };
        let Some(place) = self.places.get(&place) else {
            bail!("openapi/docs.toml has no words for the place {place}")
        };
        Ok(template.replace("{store}", store).replace("{place}", place))
    }

    fn describe(&self, parameters: Option<&mut Value>) {
        for parameter in parameters
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            self.describe_one(parameter, None);
        }
    }

    fn describe_one(&self, parameter: &mut Value, component: Option<&str>) {
        let own = component.and_then(|component| self.parameters.get(component));
        let words = own.or_else(|| self.parameters.get(parameter["name"].as_str()?));
        if let Some(words) = words.cloned() {
            parameter["description"] = json!(words);
        }
    }
}

/// What each status brings, where a reply is one of several kinds.
fn kinds(responses: &Value) -> Vec<String> {
    let all = responses.as_object().into_iter().flatten();
    all.filter_map(|(status, reply)| {
        let kind = reply[KIND]["$ref"].as_str().and_then(component_of);
        match kind {
            Some((_, name)) => Some(format!(
                " Status {status} brings `types::{}`.",
                pascal(name)
            )),
            None if reply[WITHOUT_BODY] == true => {
                Some(format!(" Status {status} brings nothing, hence `None`."))
            }
            None => None,
        }
    })
    .collect()
}

/// What an operation on variables does, as a key of `[variables]`.
fn role_of_variables(operation: &Operation<'_>, standing: &Standing<'_>) -> Option<&'static str> {
    let tail = standing.tail.as_slice();
    Some(match (standing.thing, operation.method, tail) {
        ("organization-variables", "get", []) => "ListOrganizationVariables",
        ("variables", "get", []) => "List",
        ("variables", "post", []) => "Create",
        ("variables", "get", [_]) => "Get",
        ("variables", "patch", [_]) => "Update",
        ("variables", "delete", [_]) => "Delete",
        ("variables", "get", [_, "repositories"]) => "ListRepositories",
        ("variables", "put", [_, "repositories"]) => "SetRepositories",
        ("variables", "put", [_, "repositories", _]) => "AddRepository",
        ("variables", "delete", [_, "repositories", _]) => "RemoveRepository",
        _ => return None,
    })
}
