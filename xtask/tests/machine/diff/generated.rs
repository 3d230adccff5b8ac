//! Changes whose effect only the generated code tells: facets, names, parts, and what `octoseal`
//! can't do without.

use serde_json::{Value, json};
use xtask::diff::Breaks;

use super::cases::{Case, MINE, PUT, my_body, my_reply, put, schema};

fn keep(description: &mut Value, name: &str, as_name: &str) {
    let copy = schema(description, name).clone();
    description["components"]["schemas"][as_name] = copy;
}

pub(super) const GENERATED: &[Case] = &[
    (
        "actions/list-org-secrets",
        |d| d["components"]["parameters"]["per-page"]["schema"]["minimum"] = json!(1),
        "query per_page",
        "minimum: none becomes 1",
        Breaks::Nobody,
    ),
    (
        "repos/get",
        |d| schema(d, "full-repository")["properties"]["id"]["format"] = json!("int32"),
        "reply 200.id",
        "format: int64 becomes int32",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| my_body(d)["properties"]["count"]["format"] = json!("int32"),
        "body.count",
        "format: none becomes int32",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| {
            my_body(d)["properties"]["list"]["minItems"] = json!(2);
            my_body(d)["properties"]["list"]["maxItems"] = json!(2);
        },
        "body.list",
        "maxItems: none becomes 2",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| my_body(d)["properties"]["list"]["uniqueItems"] = json!(true),
        "body.list",
        "uniqueItems: none becomes true",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| my_body(d)["additionalProperties"] = json!(false),
        "body",
        "additionalProperties: none becomes false",
        Breaks::LowLevel,
    ),
    (
        "actions/add-selected-repo-to-org-secret",
        |d| {
            let paths = &mut d["paths"];
            let place = "/orgs/{org}/actions/secrets/{secret_name}/repositories/{repository_id}";
            let put = paths[place].as_object_mut().unwrap().remove("put").unwrap();
            paths[place.replace("repositories", "chosen")] = json!({ "put": put });
        },
        "store actions at Organization",
        "loses AddRepository",
        Breaks::Octoseal,
    ),
    (
        "apps/create-installation-access-token",
        |d| {
            schema(d, "installation-token")["properties"]["expires_at"] =
                json!({ "type": "integer" })
        },
        "reply 201.expires_at",
        "string becomes integer",
        Breaks::Octoseal,
    ),
    (
        "apps/create-installation-access-token",
        |d| schema(d, "installation-token")["properties"]["token"]["nullable"] = json!(true),
        "reply 201.token",
        "may be null now",
        Breaks::Octoseal,
    ),
    (
        PUT,
        |d| put(d)["properties"]["encrypted_value"] = json!({ "type": "integer" }),
        "body.encrypted_value",
        "string becomes integer",
        Breaks::Octoseal,
    ),
    (
        "actions/get-org-secret",
        |d| d["components"]["parameters"]["secret-name"]["schema"]["type"] = json!("integer"),
        "path secret_name",
        "string becomes integer",
        Breaks::Octoseal,
    ),
    (
        "codespaces/get-org-public-key",
        |d| {
            let key = schema(d, "codespaces-public-key");
            key["properties"].as_object_mut().unwrap().remove("key");
        },
        "reply 200.key",
        "removed",
        Breaks::Octoseal,
    ),
    (
        "codespaces/get-org-public-key",
        |d| schema(d, "codespaces-public-key")["properties"]["key"]["nullable"] = json!(true),
        "reply 200.key",
        "may be null now",
        Breaks::Octoseal,
    ),
    (
        MINE,
        |d| {
            my_reply(d)["properties"]["parts"]["allOf"][0]["allOf"][0]["properties"]["z"] =
                json!({ "type": "string" })
        },
        "reply 200.parts.z",
        "added",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| my_reply(d)["properties"]["parts"]["required"] = json!(["y"]),
        "reply 200.parts.y",
        "always there now",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| {
            keep(d, "basic-error", "other-user");
            my_reply(d)["properties"]["user"] =
                json!({ "$ref": "#/components/schemas/other-user" });
        },
        "reply 200.user",
        "its type: `basic-error` becomes `other-user`",
        Breaks::LowLevel,
    ),
    (
        MINE,
        |d| {
            let user = schema(d, "basic-error").clone();
            my_reply(d)["properties"]["user"] = user;
        },
        "reply 200.user",
        "its type: `basic-error` becomes written out",
        Breaks::LowLevel,
    ),
    (
        MINE,
        |d| {
            let one = my_reply(d)["properties"]["one"]["oneOf"]
                .as_array_mut()
                .unwrap();
            one.push(json!({ "type": "object", "properties": { "up": { "type": "string" } }, "required": ["up"] }));
        },
        "reply 200.one(2)",
        "added",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| my_body(d)["properties"]["parts"]["allOf"][1]["additionalProperties"] = json!(false),
        "generated code",
        "no longer has `MineDoBodyParts.x: ::std::string::String`",
        Breaks::LowLevel,
    ),
    (
        MINE,
        |d| my_reply(d)["properties"]["p"]["nullable"] = json!(true),
        "reply 200.p",
        "may be null now",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| {
            my_body(d)["properties"]["b"] =
                json!({ "type": "string", "nullable": true, "enum": ["x", "y", null] })
        },
        "body.b",
        "may be null now",
        Breaks::LowLevel,
    ),
    (
        MINE,
        |d| my_body(d)["properties"]["list"]["nullable"] = json!(true),
        "body.list",
        "may be null now",
        Breaks::LowLevel,
    ),
    (
        PUT,
        |d| put(d)["properties"]["key_id"]["nullable"] = json!(true),
        "body.key_id",
        "may be null now",
        Breaks::LowLevel,
    ),
    (
        MINE,
        |d| my_body(d)["properties"]["a"]["maxLength"] = json!(9),
        "body.a",
        "maxLength: none becomes 9",
        Breaks::Nobody,
    ),
    (
        MINE,
        |d| my_body(d)["additionalProperties"] = json!(true),
        "body",
        "additionalProperties: none becomes true",
        Breaks::Nobody,
    ),
    // Beside a change that does break.
    (
        MINE,
        |d| {
            my_reply(d)["properties"]["p"]["nullable"] = json!(true);
            my_reply(d)["required"] = json!([]);
        },
        "reply 200.p",
        "may be null now",
        Breaks::Nobody,
    ),
];
