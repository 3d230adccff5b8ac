//! Any operation of GitHub's is one line in `openapi/source.toml` away, documented.

use crate::support::{Workshop, add_robots, fragment, here};
use serde_json::json;
use xtask::codegen::docs::Docs;
use xtask::description::source::Source;
use xtask::repairs::Idle;
use xtask::tree::{CLIENT, DOCS, FRAGMENT, Mode, SOURCE};
use xtask::{codegen, description};

#[test]
fn an_operation_added_to_the_list_is_in_the_client_with_a_documented_method() {
    for entry in ["licenses/get", "tag:licenses", "/licenses/*"] {
        let workshop = Workshop::new();
        let mut description = fragment();
        description["paths"]["/licenses/{license}"] = json!({ "get": {
            "operationId": "licenses/get",
            "tags": ["licenses"],
            "parameters": [{ "name": "license", "in": "path", "required": true, "schema": { "type": "string" } }],
            "responses": {
                "200": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/license" } } } },
                "404": {},
            },
        } });
        description["components"]["schemas"]["license"] = json!({ "type": "object", "properties": { "key": { "type": "string", "format": "uri" } } });
        workshop.edit(
            SOURCE,
            "[operations]\n",
            &format!("[operations]\nonly-in-this-test = [\"{entry}\"]\n"),
        );
        workshop.vendor(&description).unwrap();
        codegen::run(&workshop.tree, Mode::Write, Idle::Refuse).unwrap();
        let wordless = codegen::wordless(&workshop.tree).unwrap();
        assert!(wordless.contains(&"licenses/get".to_owned()));
        let client = workshop.tree.read(CLIENT).unwrap();
        let (before, method) = client.split_once("pub async fn licenses_get<'a>(").unwrap();
        let docs = &before[before.rfind("/**").unwrap()..];
        assert!(docs.contains("GitHub's operation `licenses/get`"), "{docs}");
        assert!(
            docs.contains("Sends a `GET` request to `/licenses/{license}`"),
            "{docs}"
        );
        assert!(method.contains("Result<ResponseValue<types::License>, Error>"));
    }
}

/// The groups of `source.toml` whose operations must have words, beside those of stores. A group that a user adds needs
/// none.
const OURS: [&str; 9] = [
    "private-registries-organization",
    "actions-organization-variables",
    "actions-repository-variables",
    "actions-environment-variables",
    "agents-organization-variables",
    "agents-repository-variables",
    "repositories",
    "environments",
    "apps",
];

#[test]
fn every_operation_of_stores_and_of_our_own_groups_has_words() {
    let tree = here();
    let source = Source::parse(&tree.read(SOURCE).unwrap()).unwrap();
    let docs = Docs::parse(&tree.read(DOCS).unwrap()).unwrap();
    let mut document = fragment();
    let wordless = docs.wordless(&document).unwrap();
    for group in OURS {
        for id in &source.operations[group] {
            assert!(!wordless.contains(id), "`{id}` has no words in {DOCS}");
        }
    }
    docs.apply(&mut document).unwrap();
    for operation in description::operations(&document) {
        let words = operation.node["summary"].as_str().unwrap();
        let made_of_facts = words.starts_with("GitHub's operation");
        let expected = wordless.iter().any(|id| id == operation.id);
        assert_eq!(made_of_facts, expected, "{}: {words}", operation.id);
        assert!(!words.contains(['{', '}']), "{words}");
    }
}

#[test]
fn words_for_an_operation_that_is_not_kept_are_found() {
    let tree = here();
    let text = tree.read(DOCS).unwrap();
    let docs = Docs::parse(&text).unwrap();
    let kept = serde_json::from_str(&tree.read(FRAGMENT).unwrap()).unwrap();
    assert_eq!(docs.idle(&kept), Vec::<String>::new());
    let more = text.replace("[operations]\n", "[operations]\n\"old/one\" = \"Gone.\"\n");
    assert_eq!(Docs::parse(&more).unwrap().idle(&kept), ["old/one"]);
}

#[test]
fn operations_on_variables_have_the_words_of_what_they_do_whatever_the_store() {
    let docs = Docs::parse(&here().read(DOCS).unwrap()).unwrap();
    let mut document = fragment();
    add_robots(&mut document);
    let paths = document["paths"].as_object_mut().unwrap();
    let variables = paths["/orgs/{org}/actions/variables"].clone();
    let mut robots: serde_json::Value =
        serde_json::from_str(&variables.to_string().replace("actions/", "robots/")).unwrap();
    robots["get"]["tags"] = json!(["robots"]);
    paths.insert("/orgs/{org}/robots/variables".to_owned(), robots);
    docs.apply(&mut document).unwrap();
    let words = |path: &str, method: &str| {
        let text = document["paths"][path][method]["summary"].as_str().unwrap();
        text.split("\n\n").next().unwrap().to_owned()
    };
    let list = "One page of the `robots` variables of an organization, with their values.";
    assert_eq!(words("/orgs/{org}/robots/variables", "get"), list);
    let environment = "/repos/{owner}/{repo}/environments/{environment_name}/variables/{name}";
    assert_eq!(
        words(environment, "delete"),
        "Removes a `actions` variable of a repository's environment."
    );
}
