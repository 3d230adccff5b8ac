//! One change each, of what is sent, what comes back, and how it is called.

use serde_json::{Value, json};
use xtask::diff::Breaks;

/// One change: what is done to the description, at which place it shows, in which words, and
/// whom it breaks.
pub(super) type Case = (
    &'static str,
    fn(&mut Value),
    &'static str,
    &'static str,
    Breaks,
);

pub(super) fn mine(description: &mut Value) -> &mut Value {
    &mut description["paths"]["/mine"]["put"]
}

pub(super) fn my_body(description: &mut Value) -> &mut Value {
    &mut mine(description)["requestBody"]["content"]["application/json"]["schema"]
}

pub(super) fn my_reply(description: &mut Value) -> &mut Value {
    &mut mine(description)["responses"]["200"]["content"]["application/json"]["schema"]
}

pub(super) fn put(description: &mut Value) -> &mut Value {
    let put = &mut description["paths"]["/orgs/{org}/actions/secrets/{secret_name}"]["put"];
    &mut put["requestBody"]["content"]["application/json"]["schema"]
}

pub(super) fn schema<'a>(description: &'a mut Value, name: &str) -> &'a mut Value {
    &mut description["components"]["schemas"][name]
}

pub(super) const PUT: &str = "actions/create-or-update-org-secret";
pub(super) const MINE: &str = "mine/do";

pub(super) const CASES: &[Case] = &[
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
        Breaks::Nobody,
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
        Breaks::Nobody,
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
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| my_reply(d)["properties"]["q"]["nullable"] = json!(true),
        "reply 200.q",
        "may be null now",
        Breaks::Nobody,
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
        Breaks::LowLevel,
    ),
    (
        MINE,
        |d| mine(d)["x-github"] = json!({ "triggersNotification": true }),
        "call",
        "creates content: none becomes true",
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
        Breaks::Octoseal,
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
