//! The docs of generated code: our own words, laid over the fragment's facts.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::description::family::{Place, Role, scopes};
use crate::description::{METHODS, operations};

/// The contents of `openapi/docs.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Docs {
    /// For operations on stores, by role: a sentence with `{store}`, `{place}` and `{page}`.
    #[serde(default)]
    roles: BTreeMap<String, String>,
    /// How a place is called in those sentences.
    #[serde(default)]
    places: BTreeMap<String, String>,
    /// For other operations, by id.
    #[serde(default)]
    operations: BTreeMap<String, String>,
    /// For parameters, by name.
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
        for parameter in document
            .pointer_mut("/components/parameters")
            .and_then(Value::as_object_mut)
            .into_iter()
            .flat_map(|all| all.values_mut())
        {
            self.describe_one(parameter);
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
    pub fn wordless(&self, document: &Value) -> Vec<String> {
        let of_stores: Vec<_> = scopes(document)
            .iter()
            .flat_map(|scope| scope.operations.values().map(|operation| operation.id))
            .collect();
        operations(document)
            .iter()
            .map(|operation| operation.id)
            .filter(|id| !of_stores.contains(id) && !self.operations.contains_key(*id))
            .map(str::to_owned)
            .collect()
    }

    fn words(&self, document: &Value) -> Result<BTreeMap<String, String>> {
        let mut words = BTreeMap::new();
        for operation in operations(document) {
            let facts = format!("GitHub's operation `{}`.", operation.id);
            let own = self.operations.get(operation.id);
            words.insert(
                operation.id.to_owned(),
                own.map_or_else(|| facts.clone(), |own| format!("{own}\n\n{facts}")),
            );
        }
        for scope in scopes(document) {
            for (role, operation) in &scope.operations {
                if self.operations.contains_key(operation.id) {
                    continue;
                }
                let sentence = self.sentence(*role, scope.place, &scope.store)?;
                words.insert(
                    operation.id.to_owned(),
                    format!("{sentence}\n\nGitHub's operation `{}`.", operation.id),
                );
            }
        }
        Ok(words)
    }

    fn sentence(&self, role: Role, place: Place, store: &str) -> Result<String> {
        let (role, place) = (format!("{role:?}"), format!("{place:?}"));
        let Some(template) = self.roles.get(&role) else {
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
            self.describe_one(parameter);
        }
    }

    fn describe_one(&self, parameter: &mut Value) {
        let words = parameter["name"]
            .as_str()
            .and_then(|name| self.parameters.get(name))
            .cloned();
        if let Some(words) = words {
            parameter["description"] = json!(words);
        }
    }
}
