//! Collisions of Rust names: two names of the description that become one, or one that the generated client has itself.
//! Errors name both sides. (Components are renamed by a repair instead.)

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use serde_json::{Map, Value, json};

use crate::description::family;
use crate::description::walk::{Use, each_schema, parameters, resolve};
use crate::description::{Operation, operations};
use crate::repairs::all_of;
use crate::rust_names::{pascal, snake};

use super::{dispatch, optional};

/// The methods that the client has beside those of operations, or that generated code calls on it.
const CLIENT_METHODS: [&str; 9] = [
    "api_version",
    "baseurl",
    "client",
    "exec",
    "inner",
    "new",
    "new_with_client",
    "post",
    "pre",
];
/// The list of all operations, beside the constants of single ones.
const CONSTANT_OF_ALL: &str = "all";
/// Local variables of generated methods, which no argument may be called.
const METHOD_VARIABLES: [&str; 1] = ["header_map"];

/// Fails if names collide, and tells all that do.
pub(crate) fn check(repaired: &Value) -> Result<()> {
    let mut errors = Vec::new();
    let (mut methods, mut options) = (Names::default(), Names::default());
    for name in CLIENT_METHODS.into_iter().chain([CONSTANT_OF_ALL]) {
        methods.taken(name, "what the generated client has itself");
    }
    for name in dispatch::methods() {
        methods.taken(&name, "what the dispatch over stores has");
    }
    for operation in operations(repaired) {
        errors.extend(
            methods
                .add(operation.id)
                .map(|why| anyhow!("the method {why}")),
        );
        if parameters(repaired, &operation).any(|each| each["required"] != true) {
            let (method, by) = (snake(operation.id), format!("`{}`", operation.id));
            let twin = methods.claim(optional::twin(&method), format!("the twin of {by}"));
            errors.extend(twin.map(|why| anyhow!("the method {why}")));
            let kind = options.claim(optional::options(&method), by);
            errors.extend(kind.map(|why| anyhow!("the type of options {why}")));
        }
        let own = arguments(repaired, &operation).into_iter();
        errors.extend(own.map(|why| anyhow!("`{}`: the argument {why}", operation.id)));
    }
    let mut stores = Names::default();
    for scope in family::scopes(repaired) {
        let variant = format!("{:?}Store::{}", scope.place, pascal(&scope.store));
        let store = stores.claim(variant, format!("the store `{}`", scope.store));
        errors.extend(store.map(anyhow::Error::msg));
    }
    for (place, mut piece) in pieces(repaired) {
        each_schema(&mut piece, |_: Use, schema| {
            let own = fields(schema).into_iter();
            errors.extend(own.map(|why| anyhow!("{place}: the field {why}")));
        });
    }
    all_of(errors)
}

/// A description's operations, what paths have beside them, and its components: one document for each, under its name.
fn pieces(document: &Value) -> Vec<(String, Value)> {
    let of_operations = operations(document).into_iter().map(|operation| {
        let item = json!({ operation.method: operation.node });
        (
            format!("`{}`", operation.id),
            json!({ "paths": { operation.path: item } }),
        )
    });
    let paths = document["paths"].as_object().into_iter().flatten();
    let of_paths = paths.map(|(path, item)| {
        let item = json!({ "parameters": item["parameters"] });
        (format!("`{path}`"), json!({ "paths": { path: item } }))
    });
    let kinds = document["components"].as_object().into_iter().flatten();
    let of_components = kinds.flat_map(|(kind, all)| {
        all.as_object()
            .into_iter()
            .flatten()
            .map(move |(name, node)| {
                let place = format!("`components.{kind}.{name}`");
                (place, json!({ "components": { kind: { name: node } } }))
            })
    });
    of_operations.chain(of_paths).chain(of_components).collect()
}

/// The arguments of an operation's method that have one name.
fn arguments(repaired: &Value, operation: &Operation<'_>) -> Vec<String> {
    let mut names = Names::default();
    for name in METHOD_VARIABLES {
        names.taken(name, "what the generated method has itself");
    }
    if resolve(repaired, &operation.node["requestBody"]).is_object() {
        names.taken("body", "its body");
    }
    let own = parameters(repaired, operation).filter_map(|each| each["name"].as_str());
    own.filter_map(|name| names.add(name)).collect()
}

/// The fields of an object that have one name.
fn fields(schema: &Map<String, Value>) -> Vec<String> {
    let mut names = Names::default();
    if dispatch::takes_more(schema) {
        names.taken(dispatch::EXTRA, "what holds all other properties");
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    let own = properties.into_iter().flatten().map(|(name, _)| name);
    own.filter_map(|name| names.add(name)).collect()
}

/// Rust names, each with what has it.
#[derive(Default)]
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    fn taken(&mut self, name: &str, by: &str) {
        self.0.insert(name.to_owned(), by.to_owned());
    }

    /// Takes the Rust name of a name, or says what else has it.
    fn add(&mut self, name: &str) -> Option<String> {
        self.claim(snake(name), format!("`{name}`"))
    }

    /// Takes a Rust name for something, or says what else has it.
    pub(super) fn claim(&mut self, rust: String, by: String) -> Option<String> {
        match self.0.get(&rust) {
            Some(other) => Some(format!("`{rust}` would be that of {by} and of {other}")),
            None => {
                self.0.insert(rust, by);
                None
            }
        }
    }
}
