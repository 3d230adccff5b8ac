//! What a diff says of one change each, on real operations: the words, and whom it breaks.

use crate::support::fragment;
use serde_json::{Value, json};
use xtask::description::Description;
use xtask::diff::{Breaks, Report, Step, Uses, diff};
use xtask::source::Source;
use xtask::tree::{SOURCE, Tree};

fn report(old: impl FnOnce(&mut Value), new: impl FnOnce(&mut Value)) -> Report {
    let mut source = Source::parse(&Tree::here().read(SOURCE).unwrap()).unwrap();
    // An operation that a user added, and `octoseal` does not call.
    source
        .operations
        .insert("mine".to_owned(), vec!["mine/do".to_owned()]);
    let (mut before, mut after) = (fragment(), fragment());
    for description in [&mut before, &mut after] {
        description["paths"]["/mine"] = json!({ "put": {
            "operationId": "mine/do",
            "parameters": [{ "name": "sort", "in": "query", "schema": { "type": "string", "enum": ["up", "down"] } }],
            "requestBody": body(json!({ "type": "object", "properties": {
                "a": { "type": "string" },
                "b": { "type": "string", "enum": ["x", "y"] },
            } })),
            "responses": { "200": reply(json!({ "type": "object", "properties": {
                "p": { "type": "string", "enum": ["x", "y"] },
                "q": { "type": "integer" },
            }, "required": ["q"] })) },
        } });
    }
    old(&mut before);
    new(&mut after);
    let parse = |value| Description::from_value(value).unwrap();
    let uses = Uses::of(&Tree::here()).unwrap();
    diff(&parse(before), &parse(after), &source, &uses, "0.1.0").unwrap()
}

fn body(schema: Value) -> Value {
    json!({ "content": { "application/json": { "schema": schema } } })
}

fn reply(schema: Value) -> Value {
    json!({ "content": { "application/json": { "schema": schema } } })
}

/// One change: what is done to the description, at which place it shows, in which words, and
/// whom it breaks.
type Case = (
    &'static str,
    fn(&mut Value),
    &'static str,
    &'static str,
    Breaks,
);

fn mine(description: &mut Value) -> &mut Value {
    &mut description["paths"]["/mine"]["put"]
}

fn my_body(description: &mut Value) -> &mut Value {
    &mut mine(description)["requestBody"]["content"]["application/json"]["schema"]
}

fn my_reply(description: &mut Value) -> &mut Value {
    &mut mine(description)["responses"]["200"]["content"]["application/json"]["schema"]
}

fn put(description: &mut Value) -> &mut Value {
    let put = &mut description["paths"]["/orgs/{org}/actions/secrets/{secret_name}"]["put"];
    &mut put["requestBody"]["content"]["application/json"]["schema"]
}

fn schema<'a>(description: &'a mut Value, name: &str) -> &'a mut Value {
    &mut description["components"]["schemas"][name]
}

const PUT: &str = "actions/create-or-update-org-secret";
const MINE: &str = "mine/do";

const CASES: &[Case] = &[
    (
        MINE,
        |d| mine(d)["parameters"] = json!([]),
        "query sort",
        "removed",
        Breaks::LowLevel,
    ),
    (
        MINE,
        |d| mine(d)["parameters"][0]["name"] = json!("order"),
        "query order",
        "added",
        Breaks::LowLevel,
    ),
    (
        MINE,
        |d| mine(d)["parameters"][0]["required"] = json!(true),
        "query sort",
        "required now",
        Breaks::LowLevel,
    ),
    (
        MINE,
        |d| mine(d)["parameters"][0]["schema"]["enum"] = json!(["up", "down", "shuffled"]),
        "query sort",
        "value shuffled added",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| mine(d)["parameters"][0]["schema"]["enum"] = json!(["up"]),
        "query sort",
        "value down removed",
        Breaks::LowLevel,
    ),
    (
        MINE,
        |d| mine(d)["parameters"][0]["schema"]["default"] = json!("up"),
        "query sort",
        "default: none becomes up",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| my_body(d)["properties"]["c"] = json!({ "type": "string" }),
        "body.c",
        "added",
        Breaks::LowLevel,
    ),
    (
        MINE,
        |d| my_body(d)["required"] = json!(["a"]),
        "body.a",
        "required now",
        Breaks::LowLevel,
    ),
    (
        MINE,
        |d| my_body(d)["properties"]["a"]["type"] = json!("integer"),
        "body.a",
        "string becomes integer",
        Breaks::LowLevel,
    ),
    (
        MINE,
        |d| my_body(d)["properties"]["a"]["pattern"] = json!("^x$"),
        "body.a",
        "pattern: none becomes ^x$",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| my_body(d)["properties"]["a"]["enum"] = json!(["x"]),
        "body.a",
        "takes only x now",
        Breaks::LowLevel,
    ),
    (
        MINE,
        |d| {
            my_body(d)["properties"]["b"]
                .as_object_mut()
                .unwrap()
                .remove("enum");
        },
        "body.b",
        "takes any value now",
        Breaks::LowLevel,
    ),
    (
        MINE,
        |d| my_reply(d)["properties"]["r"] = json!({ "type": "string" }),
        "reply 200.r",
        "added",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| {
            my_reply(d)["properties"]
                .as_object_mut()
                .unwrap()
                .remove("p");
        },
        "reply 200.p",
        "removed",
        Breaks::LowLevel,
    ),
    (
        MINE,
        |d| my_reply(d)["properties"]["p"]["enum"] = json!(["x"]),
        "reply 200.p",
        "value y removed",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| my_reply(d)["required"] = json!([]),
        "reply 200.q",
        "may be left out now",
        Breaks::LowLevel,
    ),
    (
        MINE,
        |d| my_reply(d)["properties"]["q"]["nullable"] = json!(true),
        "reply 200.q",
        "may be null now",
        Breaks::LowLevel,
    ),
    (
        MINE,
        |d| mine(d)["responses"]["404"] = json!({}),
        "reply 404",
        "added",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| mine(d)["responses"]["204"] = json!({}),
        "reply 204",
        "added",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| mine(d)["deprecated"] = json!(true),
        "call",
        "deprecated: none becomes true",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| {
            let item = d["paths"]["/mine"].take();
            d["paths"].as_object_mut().unwrap().remove("/mine");
            d["paths"]["/yours"] = item;
        },
        "call",
        "PUT /mine becomes PUT /yours",
        Breaks::Nobody,
    ),
    (
        PUT,
        |d| put(d)["required"] = json!(["visibility", "key_id"]),
        "body.key_id",
        "required now",
        Breaks::Octoseal,
    ),
    (
        PUT,
        |d| put(d)["required"] = json!([]),
        "body.visibility",
        "no longer required",
        Breaks::LowLevel,
    ),
    (
        PUT,
        |d| {
            put(d)["properties"]["visibility"]["enum"] =
                json!(["all", "private", "selected", "friends"])
        },
        "body.visibility",
        "value friends added",
        Breaks::Nobody,
    ),
    (
        PUT,
        |d| put(d)["properties"]["visibility"]["enum"] = json!(["all", "private"]),
        "body.visibility",
        "value selected removed",
        Breaks::Octoseal,
    ),
    (
        PUT,
        |d| {
            put(d)["properties"]
                .as_object_mut()
                .unwrap()
                .remove("selected_repository_ids");
        },
        "body.selected_repository_ids",
        "removed",
        Breaks::Octoseal,
    ),
    (
        "actions/get-org-secret",
        |d| {
            schema(d, "organization-actions-secret")["properties"]
                .as_object_mut()
                .unwrap()
                .remove("visibility");
        },
        "reply 200.visibility",
        "removed",
        Breaks::Nobody,
    ),
    (
        "actions/get-org-public-key",
        |d| schema(d, "actions-public-key")["properties"]["key_id"]["type"] = json!("string"),
        "",
        "",
        Breaks::Nobody,
    ),
    (
        "repos/get",
        |d| schema(d, "full-repository")["properties"]["id"]["type"] = json!("string"),
        "reply 200.id",
        "integer becomes string",
        Breaks::Octoseal,
    ),
];

#[test]
fn each_change_is_told_where_it_is_and_breaks_whom_it_breaks() {
    for (operation, change, place, what, breaks) in CASES {
        let report = report(|_| {}, change);
        let found: Vec<_> = report
            .changed
            .iter()
            .filter(|each| each.operation == *operation)
            .collect();
        if place.is_empty() {
            assert!(found.is_empty(), "{operation}: {found:?}");
            continue;
        }
        let told = found
            .iter()
            .find(|each| each.place == *place && each.what == *what);
        let told = told.unwrap_or_else(|| panic!("{operation} {place} {what}: {found:?}"));
        assert_eq!(told.breaks, *breaks, "{operation} {place}: {what}");
        let step = |name: &str| report.bump[name].step;
        let worst = report.changed.iter().map(|each| each.breaks).max().unwrap();
        assert_eq!(
            step("octoseal-api") == Step::Breaking,
            worst >= Breaks::LowLevel,
            "{operation} {place}"
        );
        assert_eq!(
            step("octoseal") == Step::Breaking,
            worst == Breaks::Octoseal,
            "{operation} {place}"
        );
    }
}

#[test]
fn nothing_changed_is_no_new_version() {
    let report = report(|_| {}, |_| {});
    assert!(report.changed.is_empty() && report.added.is_empty() && report.removed.is_empty());
    assert!(
        report
            .bump
            .values()
            .all(|bump| bump.step == Step::None && bump.to == "0.1.0")
    );
    assert!(
        report
            .to_string()
            .contains("nothing that we keep has changed")
    );
}

#[test]
fn a_store_that_goes_breaks_octoseal_and_one_that_comes_breaks_nobody() {
    let without = |description: &mut Value| {
        description["paths"]
            .as_object_mut()
            .unwrap()
            .retain(|path, _| !path.contains("/agents/"));
    };
    let gone = report(|_| {}, without);
    assert_eq!(
        gone.stores_removed,
        ["agents at Organization", "agents at Repository"]
    );
    assert_eq!(gone.removed.len(), 15);
    assert!(
        gone.removed
            .iter()
            .all(|each| each.breaks == Breaks::Octoseal)
    );
    assert_eq!(gone.bump["octoseal"].to, "0.2.0");

    let come = report(without, |_| {});
    assert_eq!(come.stores_added, gone.stores_removed);
    assert_eq!(come.added.len(), 15);
    assert_eq!(
        (
            come.bump["octoseal"].step,
            come.bump["octoseal"].to.as_str()
        ),
        (Step::Compatible, "0.1.1")
    );
}

#[test]
fn an_operation_that_octoseal_does_not_call_breaks_only_the_low_level_crate_when_it_goes() {
    let report = report(
        |_| {},
        |description| {
            description["paths"]
                .as_object_mut()
                .unwrap()
                .remove("/mine");
        },
    );
    assert_eq!(report.removed[0].breaks, Breaks::LowLevel);
    assert_eq!(report.bump["octoseal"].step, Step::None);
    assert_eq!(report.bump["octoseal-api"].to, "0.2.0");
}

#[test]
fn a_report_reads_as_text_as_a_pull_request_and_as_json() {
    let report = report(
        |_| {},
        |description| put(description)["required"] = json!(["visibility", "key_id"]),
    );
    assert!(report.to_string().contains("\nBreaks callers of octoseal (1)\n  actions/create-or-update-org-secret body.key_id: required now\n"), "{report}");
    let markdown = report.markdown();
    assert!(markdown.contains("### Breaks callers of octoseal (1)\n\n- `actions/create-or-update-org-secret` body.key_id: required now\n"), "{markdown}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(
        json["changed"][0],
        json!({ "operation": PUT, "place": "body.key_id", "what": "required now", "breaks": "octoseal" })
    );
    assert_eq!(
        json["bump"]["octoseal"],
        json!({ "step": "breaking", "from": "0.1.0", "to": "0.2.0" })
    );
}
