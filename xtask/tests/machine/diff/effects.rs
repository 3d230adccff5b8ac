//! Changes that are judged by their effect: on code that callers have written, on what is told at run time, and on what
//! is checked by hand.

use serde_json::{Value, json};
use xtask::diff::Breaks;

use super::cases::{Case, MINE, PUT, mine, my_body, my_reply, put, schema};

fn secret(description: &mut Value, method: &str) -> Value {
    description["paths"]["/orgs/{org}/actions/secrets/{secret_name}"][method].take()
}

fn replies(description: &mut Value) -> &mut Value {
    let item = &mut description["paths"]["/orgs/{org}/actions/secrets/{secret_name}"];
    &mut item["put"]["responses"]
}

/// Gives the body and the reply of the user's operation one type.
fn share(description: &mut Value, more: &str) {
    description["components"]["schemas"]["shared"] = json!({ "type": "object", "properties": { "a": { "type": "string" }, more: { "type": "string" } } });
    let shared = json!({ "$ref": "#/components/schemas/shared" });
    my_body(description)["properties"]["shared"] = shared.clone();
    my_reply(description)["properties"]["shared"] = shared;
}

/// What both descriptions of a case have.
pub(super) fn shared(description: &mut Value) {
    share(description, "b");
}

pub(super) const SHARED: &Case = &(
    MINE,
    |d| {
        share(d, "b");
        let shared = &mut d["components"]["schemas"]["shared"];
        shared["properties"]["c"] = json!({ "type": "string" });
    },
    "body.shared.c",
    "added",
    Breaks::Nobody,
);

/// Gives the user's operation a repository in its body, so that what `octoseal` reads of one is as required as described.
pub(super) fn sent(description: &mut Value) {
    let repository = json!({ "$ref": "#/components/schemas/full-repository" });
    my_body(description)["properties"]["repository"] = repository;
}

pub(super) const READ: &Case = &(
    "repos/get",
    |d| schema(d, "full-repository")["required"] = json!(["id", "full_name"]),
    "reply 200.name",
    "may be left out now",
    Breaks::Octoseal,
);

pub(super) const READ_ALWAYS: &Case = &(
    "repos/get",
    |d| schema(d, "full-repository")["required"] = json!(["id", "full_name", "name"]),
    "reply 200.name",
    "always there now",
    Breaks::Octoseal,
);

pub(super) const REGISTRY: &Case = &(
    "private-registries/get-org-private-registry",
    |d| {
        let registry = "org-private-registry-configuration";
        schema(d, registry)["properties"]["created_at"]["nullable"] = json!(true);
    },
    "reply 200.created_at",
    "may be null now",
    Breaks::Nobody,
);

fn elsewhere(description: &mut Value) -> &mut Value {
    &mut description["paths"]["/orgs/{org}/actions/secrets/{secret_name}"]
}

pub(super) const EFFECTS: &[Case] = &[
    (
        "repos/get",
        |d| {
            let item = &mut d["paths"]["/repos/{owner}/{repo}"];
            item["head"] = item.as_object_mut().unwrap().remove("get").unwrap();
        },
        "call",
        "GET /repos/{owner}/{repo} becomes HEAD /repos/{owner}/{repo}",
        Breaks::Octoseal,
    ),
    (
        "apps/create-installation-access-token",
        |d| {
            let post =
                &mut d["paths"]["/app/installations/{installation_id}/access_tokens"]["post"];
            let schema = &mut post["requestBody"]["content"]["application/json"]["schema"];
            let schema = std::mem::replace(schema, json!({ "$ref": "#/components/schemas/asked" }));
            d["components"]["schemas"]["asked"] = schema;
        },
        "body",
        "its type: written out becomes `asked`",
        Breaks::Octoseal,
    ),
    (
        "actions/list-org-variables",
        |d| {
            let get = &mut d["paths"]["/orgs/{org}/actions/variables"]["get"];
            let page = &mut get["responses"]["200"]["content"]["application/json"]["schema"];
            page["properties"]["hints"] = json!({ "type": "array", "items": { "type": "string" } });
        },
        "reply 200.hints",
        "added",
        Breaks::Nobody,
    ),
    (
        "repos/get",
        |d| d["paths"]["/repos/{owner}/{repo}"]["get"]["responses"]["202"] = json!({}),
        "reply 202",
        "added",
        Breaks::Octoseal,
    ),
    (
        "repos/get",
        |d| {
            let responses = &mut d["paths"]["/repos/{owner}/{repo}"]["get"]["responses"];
            responses["203"] = responses["200"].take();
            responses.as_object_mut().unwrap().remove("200");
        },
        "reply 200",
        "removed",
        Breaks::Nobody,
    ),
    (
        "actions/delete-org-secret",
        |d| {
            let body = json!({ "application/json": { "schema": { "type": "object", "properties": { "z": {} } } } });
            elsewhere(d)["delete"]["responses"]["200"] = json!({ "content": body });
        },
        "reply 200",
        "added",
        Breaks::LowLevel,
    ),
    (
        "actions/get-org-public-key",
        |d| {
            let get = &mut d["paths"]["/orgs/{org}/actions/secrets/public-key"]["get"];
            let schema = &mut get["responses"]["200"]["content"]["application/json"]["schema"];
            *schema = json!({ "nullable": true, "allOf": [schema.take()] });
        },
        "reply 200",
        "may be null now",
        Breaks::Octoseal,
    ),
    (
        MINE,
        |d| mine(d)["responses"]["x-more"] = json!({ "any": "thing" }),
        "",
        "",
        Breaks::Nobody,
    ),
    (
        // Called in documentation alone.
        "actions/get-org-variable",
        |d| {
            let value = json!({ "type": "integer" });
            schema(d, "organization-actions-variable")["properties"]["value"] = value;
        },
        "reply 200.value",
        "string becomes integer",
        Breaks::LowLevel,
    ),
    (
        "repos/get",
        |d| schema(d, "full-repository")["required"] = json!(["id", "full_name"]),
        "reply 200.name",
        "may be left out now",
        Breaks::Nobody,
    ),
    (
        "repos/get",
        |d| schema(d, "full-repository")["required"] = json!(["name", "full_name"]),
        "reply 200.id",
        "may be left out now",
        Breaks::Octoseal,
    ),
    (
        "apps/create-installation-access-token",
        |d| {
            let token = "#/components/schemas/installation-token";
            let parent = json!({ "nullable": true, "allOf": [{ "$ref": token }] });
            d["components"]["schemas"]["installation-token"]["properties"]["parent"] = parent;
        },
        "reply 201.parent",
        "added",
        Breaks::Nobody,
    ),
    (
        "actions/list-org-secrets",
        |d| {
            let list = &mut d["paths"]["/orgs/{org}/actions/secrets"]["get"]["responses"]["200"];
            list["content"]["application/json"]["schema"]["required"] = json!(["secrets"]);
        },
        "reply 200.total_count",
        "may be left out now",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| mine(d)["responses"] = json!({ "404": {} }),
        "replies",
        "no success is left",
        Breaks::LowLevel,
    ),
    (
        PUT,
        |d| *replies(d) = json!({ "404": {} }),
        "replies",
        "no success is left",
        Breaks::Octoseal,
    ),
    (
        PUT,
        |d| {
            let created = replies(d)["201"].take();
            *replies(d) = json!({ "200": created, "204": {} });
        },
        "reply 200",
        "added",
        Breaks::Octoseal,
    ),
    (
        PUT,
        |d| *replies(d) = json!({ "2XX": {} }),
        "reply 2XX",
        "added",
        Breaks::Octoseal,
    ),
    (
        PUT,
        |d| *replies(d) = json!({ "201": {} }),
        "reply 204",
        "removed",
        Breaks::Octoseal,
    ),
    (
        "actions/get-org-secret",
        |d| d["components"]["parameters"]["secret-name"]["schema"]["maxLength"] = json!(50),
        "path secret_name",
        "maxLength: none becomes 50; octoseal checks this by hand",
        Breaks::Octoseal,
    ),
    (
        "actions/get-org-secret",
        |d| d["components"]["parameters"]["org"]["schema"]["pattern"] = json!("^[a-z]+$"),
        "path org",
        "pattern: none becomes ^[a-z]+$; octoseal checks this by hand",
        Breaks::Octoseal,
    ),
    (
        "actions/list-org-secrets",
        |d| d["components"]["parameters"]["per-page"]["name"] = json!("page_size"),
        "query per_page",
        "removed",
        Breaks::Octoseal,
    ),
    (
        "codespaces/list-org-secrets",
        |d| d["components"]["parameters"]["page"]["name"] = json!("after"),
        "query page",
        "removed",
        Breaks::Octoseal,
    ),
    (
        PUT,
        |d| elsewhere(d)["put"]["servers"] = json!([{ "url": "https://uploads.github.com" }]),
        "call",
        "`servers`: none becomes [{\"url\":\"https://uploads.github.com\"}]; not read",
        Breaks::Octoseal,
    ),
    (
        PUT,
        |d| elsewhere(d)["servers"] = json!([{ "url": "https://uploads.github.com" }]),
        "call",
        "`servers` of its path: none becomes [{\"url\":\"https://uploads.github.com\"}]; not read",
        Breaks::Octoseal,
    ),
    (
        MINE,
        |d| mine(d)["parameters"][0]["style"] = json!("spaceDelimited"),
        "call",
        "`style` of its parameter `sort`: none becomes \"spaceDelimited\"; not read",
        Breaks::LowLevel,
    ),
    (
        "actions/list-org-secrets",
        |d| d["components"]["parameters"]["per-page"]["schema"]["maximum"] = json!(50),
        "query per_page",
        "maximum: none becomes 50; octoseal checks this by hand",
        Breaks::Octoseal,
    ),
    (
        "actions/list-org-secrets",
        |d| d["components"]["parameters"]["per-page"]["schema"]["maximum"] = json!(100),
        "query per_page",
        "maximum: none becomes 100",
        Breaks::Nobody,
    ),
    (
        "actions/get-org-secret",
        |d| {
            let get = secret(d, "get");
            let text = get.to_string().replace("secret-name", "the-name");
            let parameter = json!({ "name": "name", "in": "path", "required": true, "schema": { "type": "string" } });
            d["components"]["parameters"]["the-name"] = parameter;
            let paths = d["paths"].as_object_mut().unwrap();
            let item = paths["/orgs/{org}/actions/secrets/{secret_name}"].as_object_mut();
            item.unwrap().remove("get");
            paths.insert(
                "/orgs/{org}/actions/secrets/{name}".to_owned(),
                json!({ "get": serde_json::from_str::<Value>(&text).unwrap() }),
            );
        },
        "path secret_name",
        "is called name now",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| my_body(d)["properties"]["b"]["enum"] = json!([]),
        "body.b",
        "takes any value now",
        Breaks::LowLevel,
    ),
    (
        PUT,
        |d| put(d)["properties"]["visibility"]["enum"] = json!([]),
        "body.visibility",
        "takes any value now",
        Breaks::LowLevel,
    ),
    (
        MINE,
        |d| my_body(d)["properties"]["a"]["deprecated"] = json!(true),
        "body.a",
        "deprecated: none becomes true",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| mine(d)["parameters"][0]["deprecated"] = json!(true),
        "query sort",
        "deprecated: none becomes true",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| my_body(d)["properties"]["b"]["enum"] = json!(["x", "y", "z"]),
        "body.b",
        "value z added",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| {
            my_reply(d)["properties"]["user"] =
                json!({ "type": "object", "properties": { "x": {} } })
        },
        "reply 200.user",
        "its type: `basic-error` becomes written out",
        Breaks::LowLevel,
    ),
];
