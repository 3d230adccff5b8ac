//! What `vendor` and `codegen` refuse, `diff` tells beforehand: in the same words, and as breaking.

use crate::support::{Workshop, fragment, here, source};
use rayon::prelude::*;
use serde_json::{Value, json};
use xtask::codegen;
use xtask::description::Description;
use xtask::diff::{Breaks, Uses, diff};
use xtask::repairs::Idle;
use xtask::tree::Mode;

/// Why a description is refused, if it is: vendored and generated as a refresh does it.
fn refused(description: &Value) -> Option<String> {
    let workshop = Workshop::new();
    let vendored = workshop.vendor(description);
    let generated = vendored.and_then(|_| codegen::run(&workshop.tree, Mode::Write, Idle::Refuse));
    generated.err().map(|error| format!("{error:#}"))
}

fn renamed(description: &mut Value, from: &str, to: &str) {
    let schemas = description["components"]["schemas"]
        .as_object_mut()
        .unwrap();
    let schema = schemas.remove(from).unwrap();
    schemas.insert(to.to_owned(), schema);
    let reference = |name| format!("\"#/components/schemas/{name}\"");
    let text = description.to_string();
    let text = text.replace(&reference(from), &reference(to));
    *description = serde_json::from_str(&text).unwrap();
}

fn schema<'a>(description: &'a mut Value, name: &str) -> &'a mut Value {
    &mut description["components"]["schemas"][name]
}

fn forget(schema: &mut Value, property: &str) {
    let properties = schema["properties"].as_object_mut().unwrap();
    properties.remove(property).unwrap();
}

fn parameter(description: &mut Value, parameter: Value) {
    let list = &mut description["paths"]["/repos/{owner}/{repo}/actions/variables"]["get"];
    list["parameters"].as_array_mut().unwrap().push(parameter);
}

fn header(description: &mut Value, schema: Value) {
    let header = json!({ "name": "X-Labels", "in": "header", "schema": schema });
    parameter(description, header);
}

const NOT_PLAIN: &str = "its parameter `X-Labels` is part of the path, or a header, and not always text, a number or a boolean";

/// A change, and words of what is refused. Of what is not, none.
type Case = (fn(&mut Value), &'static str);

const CASES: &[Case] = &[
    (
        |d| {
            *schema(d, "actions-variable") =
                json!({ "type": "object", "additionalProperties": { "type": "string" } });
        },
        "[needed] names `name` of `actions-variable`",
    ),
    (
        |d| {
            let parts = [
                schema(d, "actions-variable").take(),
                json!({ "type": "object" }),
            ];
            *schema(d, "actions-variable") = json!({ "allOf": parts });
        },
        "",
    ),
    (
        |d| {
            let mut part = schema(d, "actions-variable").take();
            part["properties"].as_object_mut().unwrap().remove("value");
            *schema(d, "actions-variable") = json!({ "allOf": [part, { "type": "object" }] });
        },
        "[needed] names `value` of `actions-variable`",
    ),
    (
        |d| renamed(d, "organization-actions-variable", "org-variable"),
        "[needed] names `name` of `organization-actions-variable`",
    ),
    (
        |d| renamed(d, "installation-token", "token-of-an-installation"),
        "[needed] names `expires_at` of `installation-token`",
    ),
    (
        |d| {
            let variable = schema(d, "actions-variable");
            variable["properties"]["content"] = variable["properties"]["value"].take();
            forget(variable, "value");
        },
        "[needed] names `value` of `actions-variable`",
    ),
    (
        |d| forget(schema(d, "minimal-repository"), "full_name"),
        "`minimal-repository` is projected in openapi/source.toml to `full_name`",
    ),
    (
        |d| schema(d, "empty-object")["properties"] = json!({ "id": { "type": "integer" } }),
        "repair `drop_empty_object_replies` mends nothing",
    ),
    (
        |d| d["components"]["parameters"]["org"]["x-multi-segment"] = json!(true),
        "`x-multi-segment` of its parameter \"org\"",
    ),
    (
        |d| {
            let path = "/orgs/{org}/agents/variables/{name}";
            d["paths"][path]["servers"] = json!([{ "url": "https://else.where" }]);
        },
        "`servers` of its path: not read",
    ),
    (
        |d| {
            let variables = "/repos/{owner}/{repo}/actions/variables";
            d["paths"][variables]["get"]["responses"]["200"]["content"] =
                json!({ "application/json": {} });
        },
        "`actions/list-repo-variables` (GET /repos/{owner}/{repo}/actions/variables): its reply 200 in \
         `application/json` has no schema",
    ),
    (
        |d| {
            let variables = "/repos/{owner}/{repo}/actions/variables";
            d["paths"][variables]["post"]["requestBody"]["content"] =
                json!({ "application/json": {} });
        },
        "`actions/create-repo-variable` (POST /repos/{owner}/{repo}/actions/variables): its body in \
         `application/json` has no schema",
    ),
    (
        |d| {
            parameter(
                d,
                json!({ "name": "who", "in": "cookie", "schema": { "type": "string" } }),
            )
        },
        "`actions/list-repo-variables` (GET /repos/{owner}/{repo}/actions/variables): its parameter `who` is a \
         cookie",
    ),
    (
        |d| parameter(d, json!({ "name": "since", "in": "query" })),
        "`actions/list-repo-variables` (GET /repos/{owner}/{repo}/actions/variables): its parameter `since` has no \
         schema",
    ),
    (
        |d| header(d, json!({ "type": "array", "items": { "type": "string" } })),
        NOT_PLAIN,
    ),
    (
        |d| header(d, json!({ "type": "string", "nullable": true })),
        NOT_PLAIN,
    ),
    (
        |d| {
            header(
                d,
                json!({ "oneOf": [{ "type": "string" }, { "type": "object" }] }),
            )
        },
        NOT_PLAIN,
    ),
    (
        |d| d["components"]["parameters"]["variable-name"]["schema"]["nullable"] = json!(true),
        "its parameter `name` is part of the path, or a header, and not always text",
    ),
    (
        |d| {
            header(
                d,
                json!({ "oneOf": [{ "type": "string" }, { "type": "integer" }] }),
            )
        },
        "",
    ),
    (
        |d| {
            header(
                d,
                json!({ "allOf": [{ "type": "string" }, { "maxLength": 5 }] }),
            )
        },
        "",
    ),
    (
        |d| {
            let name = &mut d["components"]["parameters"]["variable-name"]["schema"];
            *name = json!({ "allOf": [{ "pattern": "^[A-Z]" }, { "allOf": [name.take()] }] });
        },
        "",
    ),
    (
        |d| {
            header(
                d,
                json!({ "type": "string", "anyOf": [{ "pattern": "^a" }, { "pattern": "^b" }] }),
            )
        },
        "",
    ),
    (
        |d| header(d, json!({ "allOf": [{ "maxLength": 5 }, {}] })),
        NOT_PLAIN,
    ),
    (
        |d| {
            header(
                d,
                json!({ "allOf": [{ "type": "string" }, { "oneOf": [{ "type": "object" }] }] }),
            )
        },
        NOT_PLAIN,
    ),
    (
        |d| d["components"]["parameters"]["variable-name"]["required"] = json!(false),
        "its parameter `name` is part of the path, and not required",
    ),
    (|d| renamed(d, "actions-secret", "secret-of-actions"), ""),
    (
        |d| schema(d, "actions-variable")["properties"]["more"] = json!({ "type": "string" }),
        "",
    ),
];

#[test]
fn what_is_refused_on_the_way_is_told_by_the_comparison_and_breaks_all() {
    let uses = Uses::of(&here()).unwrap();
    CASES.par_iter().for_each(|(change, words)| {
        let mut description = fragment();
        change(&mut description);
        assert_ne!(description, fragment(), "{words} changes nothing");
        let refused = refused(&description);
        let [old, new] = [fragment(), description].map(|it| Description::from_value(it).unwrap());
        let report = diff(&old, &new, &source(), &uses, "0.1.0").unwrap();
        let told = report.to_string();
        match refused {
            None => {
                assert_eq!(*words, "", "not refused: {told}");
                assert!(!told.contains("cannot be generated"), "{told}");
            }
            Some(why) => {
                assert!(!words.is_empty() && why.contains(words), "{words}: {why}");
                assert!(
                    told.contains("cannot be generated") && told.contains(words),
                    "{words}: {told}"
                );
                assert_eq!(report.worst(), Breaks::Octoseal, "{words}: {told}");
            }
        }
    });
}
