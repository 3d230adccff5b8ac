//! What the dispatch takes the generated client for, and what that is: where they differ, the operation is named before
//! anything is written.

use crate::support::{Workshop, docs, fragment, here, source};
use rayon::prelude::*;
use serde_json::{Value, json};
use xtask::codegen::{self, from_fragment};
use xtask::description::Description;
use xtask::diff::{Breaks, Uses, diff};
use xtask::repairs::Idle;
use xtask::tree::{FRAGMENT, Mode};

const PUT: &str = "/orgs/{org}/actions/secrets/{secret_name}";
const IDS: &str = "/orgs/{org}/actions/secrets/{secret_name}/repositories";
const REGISTRY: &str = "/orgs/{org}/private-registries/{secret_name}";

fn parameter<'a>(description: &'a mut Value, name: &str) -> &'a mut Value {
    &mut description["components"]["parameters"][name]["schema"]
}

fn body<'a>(description: &'a mut Value, path: &str, method: &str) -> &'a mut Value {
    let body = &mut description["paths"][path][method]["requestBody"];
    &mut body["content"]["application/json"]["schema"]
}

/// A change after which the dispatch would not compile, the operation that it is in, and what is told of it.
type Case = (fn(&mut Value), &'static str, &'static str);

const CASES: &[Case] = &[
    (
        |d| parameter(d, "page")["type"] = json!("string"),
        "actions/list-org-secrets",
        "the argument `page` is `Option<String>` in the generated client, and `Option<i64>` in the dispatch",
    ),
    (
        |d| parameter(d, "per-page")["type"] = json!("number"),
        "dependabot/list-repo-secrets",
        "the argument `per_page` is `Option<f64>`",
    ),
    (
        |d| parameter(d, "org")["type"] = json!("integer"),
        "actions/get-org-public-key",
        "the argument `org` is `i64` in the generated client, and `&str` in the dispatch",
    ),
    (
        |d| parameter(d, "secret-name")["enum"] = json!(["A", "B"]),
        "actions/delete-org-secret",
        "the argument `secret_name` is",
    ),
    (
        |d| {
            let list =
                d["paths"][format!("{IDS}/{{repository_id}}")]["put"]["parameters"].as_array_mut();
            for parameter in list
                .unwrap()
                .iter_mut()
                .filter(|each| each["name"] == "repository_id")
            {
                parameter["schema"]["type"] = json!("string");
            }
        },
        "actions/add-selected-repo-to-org-secret",
        "the argument `repository_id` is `&str` in the generated client, and `i64` in the dispatch",
    ),
    (
        |d| body(d, PUT, "put")["properties"]["visibility"] = json!({ "type": "boolean" }),
        "actions/create-or-update-org-secret",
        "`visibility` of its body: is of a type that the dispatch does not know",
    ),
    (
        |d| body(d, PUT, "put")["properties"]["key_id"] = json!({ "type": "integer" }),
        "actions/create-or-update-org-secret",
        "`key_id` of its body: is of a type that the dispatch does not know",
    ),
    (
        |d| {
            body(d, IDS, "put")["properties"]["more"] = json!({ "type": "string" });
            body(d, IDS, "put")["required"] = json!(["selected_repository_ids", "more"]);
        },
        "actions/set-selected-repos-for-org-secret",
        "its body requires `more`, of which the dispatch knows nothing",
    ),
    (
        |d| body(d, PUT, "put")["required"] = json!(["visibility", "unknown"]),
        "actions/create-or-update-org-secret",
        "`unknown` of its body is not written by the dispatch",
    ),
    (
        |d| {
            let schema = body(d, PUT, "put").take();
            d["components"]["schemas"]["written"] = schema;
            *body(d, PUT, "put") = json!({ "$ref": "#/components/schemas/written" });
        },
        "actions/create-or-update-org-secret",
        "it takes a sealed value, and not as stores do",
    ),
    (
        |d| {
            let schema = body(d, REGISTRY, "patch").take();
            d["components"]["schemas"]["written"] = schema;
            *body(d, REGISTRY, "patch") = json!({ "$ref": "#/components/schemas/written" });
        },
        "private-registries/update-org-private-registry",
        "it takes a sealed value, and not as private registries do",
    ),
    (
        |d| {
            let update = &mut d["paths"][REGISTRY]["patch"];
            let body = update["requestBody"].take();
            update["requestBody"] = json!({ "$ref": "#/components/requestBodies/written" });
            d["components"]["requestBodies"] = json!({ "written": body });
        },
        "private-registries/update-org-private-registry",
        "it takes a sealed value, and not as private registries do",
    ),
    (
        |d| body(d, REGISTRY, "patch")["properties"]["username"] = json!({ "type": "boolean" }),
        "private-registries/update-org-private-registry",
        "in the body of `private-registries/create-org-private-registry`, and {\"type\":\"boolean\"} in that of",
    ),
    (
        |d| {
            let since = json!({ "name": "since", "in": "query", "required": true, "schema": { "type": "string" } });
            let list = &mut d["paths"]["/orgs/{org}/private-registries"]["get"];
            list["parameters"].as_array_mut().unwrap().push(since);
        },
        "private-registries/list-org-private-registries",
        "it requires `since`, of which the dispatch knows nothing",
    ),
    (
        |d| {
            d["components"]["schemas"]["dependabot-secret"]["properties"]["created_at"] =
                json!({ "type": "integer" })
        },
        "dependabot/get-repo-secret",
        "`created_at` of its store-secret",
    ),
    (
        |d| {
            d["components"]["schemas"]["actions-public-key"]["properties"]["key"]["nullable"] =
                json!(true)
        },
        "actions/get-org-public-key",
        "`key` of its store-public-key",
    ),
];

#[test]
fn what_the_dispatch_could_not_call_is_told_with_its_operation() {
    for (change, operation, words) in CASES {
        let mut description = fragment();
        change(&mut description);
        assert_ne!(description, fragment(), "{words} changes nothing");
        let refused = from_fragment(&description, &source(), &docs(), Idle::Allow);
        let told = format!("{:#}", refused.map(drop).expect_err(words));
        let mut lines = told.lines();
        assert!(
            lines.any(|line| line.contains(&format!("`{operation}`")) && line.contains(words)),
            "{operation}, {words}: {told}"
        );
    }
}

#[test]
fn a_change_that_the_dispatch_could_not_follow_breaks_the_public_crate() {
    let uses = Uses::of(&here()).unwrap();
    let parse = |description| Description::from_value(description).unwrap();
    let wrong: Vec<_> = CASES
        .par_iter()
        .filter_map(|(change, operation, words)| {
            let mut description = fragment();
            change(&mut description);
            let (old, new) = (parse(fragment()), parse(description));
            let report = diff(&old, &new, &source(), &uses, "0.1.0").unwrap();
            (report.worst() != Breaks::Octoseal).then(|| format!("{operation}, {words}: {report}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_written_where_the_dispatch_and_the_client_differ() {
    let workshop = Workshop::new();
    let mut description = fragment();
    parameter(&mut description, "page")["type"] = json!("string");
    workshop.file(FRAGMENT, description.to_string());
    let before = workshop.snapshot();
    codegen::run(&workshop.tree, Mode::Write, Idle::Allow).unwrap_err();
    assert_eq!(workshop.snapshot(), before);
}
