//! Faults of a description: in an operation that is kept they are named with their place, in others they are passed
//! over and told.

use crate::support::{Workshop, fragment, source};
use serde_json::{Value, json};
use xtask::description::Description;
use xtask::description::left_out::left_out;
use xtask::vendor::Outcome;

fn vendored(change: impl FnOnce(&mut Value)) -> Result<Outcome, String> {
    let workshop = Workshop::new();
    let mut description = fragment();
    change(&mut description);
    let before = workshop.snapshot();
    workshop.vendor(&description).map_err(|error| {
        assert_eq!(workshop.snapshot(), before);
        format!("{error:#}")
    })
}

/// An operation, what is wrong with it, and the words for that.
fn faulty() -> Vec<(&'static str, Value, &'static str)> {
    let schema = |reference: &str| {
        let schema = json!({ "$ref": reference });
        json!({ "200": { "content": { "application/json": { "schema": schema } } } })
    };
    let parameters = |parameter: Value| json!({ "operationId": "x/do", "parameters": [parameter], "responses": {} });
    let replying =
        |reference: &str| json!({ "operationId": "x/do", "responses": schema(reference) });
    vec![
        (
            "/x/{there}",
            json!({ "operationId": "x/do", "responses": {} }),
            "no parameter declares `{there}` of its path",
        ),
        (
            "/x",
            parameters(json!({ "name": "there", "in": "path", "required": true, "schema": {} })),
            "its path has no place for its parameter `there`",
        ),
        (
            "/x",
            parameters(json!({ "name": null, "in": "query", "schema": {} })),
            "a parameter has no name",
        ),
        (
            "/x",
            parameters(json!({ "name": "a" })),
            "its parameter `a` does not say where it stands",
        ),
        (
            "/x",
            replying("#/components/schemas/nowhere"),
            "responses.200.content.application/json.schema refers to `#/components/schemas/nowhere`, which does not exist",
        ),
        (
            "/x",
            replying("#/components/schemas/a~1b"),
            "`#/components/schemas/a~1b`, and no component may have a name that must be escaped",
        ),
        (
            "/x",
            replying("#/components/schemas/environment/properties/name"),
            "`#/components/schemas/environment/properties/name`, which is a part of a component",
        ),
        (
            "/x",
            replying("#/paths/~1app/get"),
            "`#/paths/~1app/get`, which is not a component",
        ),
        (
            "/x",
            json!({ "operationId": "x/do" }),
            "GET /x (`x/do`) has no responses",
        ),
        (
            "/x",
            json!({ "operationId": "1x", "responses": {} }),
            "no Rust method can be called after operation id `1x`",
        ),
        (
            "/x",
            json!({ "responses": {} }),
            "GET /x has no operationId",
        ),
        (
            "/x",
            json!({ "operationId": null, "responses": {} }),
            "GET /x has no operationId",
        ),
    ]
}

#[test]
fn a_fault_in_an_operation_that_is_not_kept_is_told_and_passed_over() {
    for (path, operation, words) in faulty() {
        let outcome = vendored(|description| description["paths"][path]["get"] = operation);
        let told: Vec<_> = outcome
            .unwrap()
            .faults
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(
            told.len() == 1 && told[0].contains(words),
            "{words}: {told:?}"
        );
        assert!(told[0].contains(path), "{told:?}");
    }
    let items = [json!(7), json!({ "$ref": "#/x" }), json!({ "GET": {} })];
    for item in items {
        let outcome = vendored(|description| description["paths"]["/x"] = item);
        let told = outcome.unwrap().faults;
        assert!(
            told.len() == 1 && told[0].what.contains("paths./x"),
            "{told:?}"
        );
    }
    let twice = vendored(|description| {
        for path in ["/x", "/y"] {
            description["paths"][path]["get"] = json!({ "operationId": "x/do", "responses": {} });
        }
    });
    let told = twice.unwrap().faults;
    assert!(
        told[0]
            .what
            .contains("`x/do` is used twice: GET /x and GET /y"),
        "{told:?}"
    );
}

#[test]
fn a_fault_in_an_operation_that_is_kept_is_named_with_its_place_and_changes_nothing() {
    for (path, mut operation, words) in faulty() {
        let id = operation["operationId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let place = if path.contains('{') {
            "/app/{there}"
        } else {
            "/app"
        };
        let error = vendored(|description| {
            let kept = description["paths"]["/app"]["get"].take();
            description["paths"].as_object_mut().unwrap().remove("/app");
            if id == "x/do" {
                operation["operationId"] = kept["operationId"].clone();
            }
            description["paths"][place]["get"] = operation;
        })
        .unwrap_err();
        let words = words
            .replace("/x", "/app")
            .replace("x/do", "apps/get-authenticated");
        assert!(error.contains(&words), "{words}: {error}");
        assert!(error.contains("apps/get-authenticated"), "{error}");
    }
}

#[test]
fn a_fact_that_is_not_read_is_refused_by_name_in_what_is_kept_and_passed_over_elsewhere() {
    let kept = "/orgs/{org}/actions/secrets/{secret_name}";
    let sort = |how: &str, value: Value| {
        let mut sort = json!({ "name": "sort", "in": "query", "schema": {} });
        sort[how] = value;
        move |item: &mut Value| {
            item["put"]["parameters"]
                .as_array_mut()
                .unwrap()
                .push(sort.clone())
        }
    };
    let elsewhere = json!([{ "url": "https://uploads.github.com" }]);
    type Change = Box<dyn Fn(&mut Value)>;
    let body = "/put/requestBody/content/application~1json";
    let at = |place: String, key: &'static str, value: Value| -> Change {
        Box::new(move |item| item.pointer_mut(&place).unwrap()[key] = value.clone())
    };
    let unread: [(&str, Change); 8] = [
        (
            "`servers` of its path",
            at(String::new(), "servers", elsewhere.clone()),
        ),
        ("`servers`", at("/put".to_owned(), "servers", elsewhere)),
        ("`security`", at("/put".to_owned(), "security", json!([]))),
        ("`callbacks`", at("/put".to_owned(), "callbacks", json!({}))),
        (
            "`style` of its parameter `sort`",
            Box::new(sort("style", json!("pipeDelimited"))),
        ),
        (
            "`explode` of its parameter `sort`",
            Box::new(sort("explode", json!(false))),
        ),
        (
            "`encoding` of its body",
            at(body.to_owned(), "encoding", json!({})),
        ),
        (
            "`discriminator` of `key_id`, of its body",
            at(
                format!("{body}/schema/properties/key_id"),
                "discriminator",
                json!({}),
            ),
        ),
    ];
    for (words, change) in unread {
        let error = vendored(|description| change(&mut description["paths"][kept])).unwrap_err();
        let operation = format!("`actions/create-or-update-org-secret` (PUT {kept}): ");
        assert!(
            error.contains(&format!("{operation}{words}: not read")),
            "{words}: {error}"
        );
        vendored(|description| {
            let mut item = json!({ "put": description["paths"][kept]["put"] });
            item["put"]["operationId"] = json!("x/do");
            item["put"]["parameters"] = json!([]);
            change(&mut item);
            description["paths"]["/x"] = item;
        })
        .unwrap();
    }
    // What holds in any case may be said.
    for usual in [sort("style", json!("form")), sort("explode", json!(true))] {
        vendored(|description| usual(&mut description["paths"][kept])).unwrap();
    }
}

#[test]
fn openapi_3_1_is_told_in_one_line_with_what_was_found_and_what_is_read() {
    for version in ["3.1.0", "3.2.0", "4.0"] {
        let error = vendored(|description| description["openapi"] = json!(version)).unwrap_err();
        assert!(
            error.contains(&format!(
                "OpenAPI {version} is not understood: 3.0 is read today"
            )),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    let architecture = crate::support::here().read("ARCHITECTURE.md").unwrap();
    assert!(architecture.contains("## OpenAPI 3.1"));
}

/// The collections told as new, by path.
fn news(description: Value) -> Vec<(String, bool, usize)> {
    let description = Description::from_value(description).unwrap();
    let kept = source();
    let kept = kept.entries().collect();
    left_out(description.value(), &kept)
        .into_iter()
        .map(|left| (left.collection, left.sealed, left.ids.len()))
        .collect()
}

/// A collection of two operations: its key, and its write with this body.
fn collection(description: &mut Value, path: &str, body: Value) {
    let pieces = path.split('/').filter_map(|piece| piece.strip_prefix('{'));
    let parameters: Vec<_> = pieces
        .map(|name| json!({ "name": name.trim_end_matches('}'), "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    let mut more = parameters.clone();
    more.push(
        json!({ "name": "name", "in": "path", "required": true, "schema": { "type": "string" } }),
    );
    description["paths"][format!("{path}/public-key")] = json!({ "get": {
        "operationId": "robots/get-key", "parameters": parameters, "responses": { "200": {} },
    } });
    description["paths"][format!("{path}/{{name}}")] = json!({ "put": {
        "operationId": "robots/put", "parameters": more, "requestBody": body, "responses": { "204": {} },
    } });
}

#[test]
fn stores_of_any_shape_are_told_whatever_leads_to_their_sealed_values() {
    let object =
        json!({ "type": "object", "properties": { "encrypted_value": { "type": "string" } } });
    let body = |kind: &str, schema: Value| json!({ "content": { kind: { "schema": schema } } });
    let referred = json!({ "$ref": "#/components/schemas/sealed" });
    let bodies = [
        body("application/json", object.clone()),
        body("application/vnd.github+json", object.clone()),
        body("application/json; charset=utf-8", object.clone()),
        body("application/json", referred.clone()),
        body(
            "application/json",
            json!({ "allOf": [{ "type": "object" }, referred] }),
        ),
        body(
            "application/json",
            json!({ "oneOf": [{ "type": "object" }, object.clone()] }),
        ),
        body(
            "application/json",
            json!({ "type": "array", "items": object.clone() }),
        ),
        json!({ "$ref": "#/components/requestBodies/sealed" }),
    ];
    let paths = [
        "/repos/{owner}/{repo}/environments/{environment_name}/robots/secrets",
        "/repos/{owner}/{repo}/robots/environments/{environment_name}/secrets",
        "/enterprises/{enterprise}/robots/secrets",
        "/enterprises/{enterprise}/robot-registries",
    ];
    for path in paths {
        for body in &bodies {
            let mut description = fragment();
            description["components"]["schemas"]["sealed"] = object.clone();
            description["components"]["requestBodies"]["sealed"] =
                json!({ "content": { "application/json": { "schema": object } } });
            collection(&mut description, path, body.clone());
            assert_eq!(news(description), [(path.to_owned(), true, 2)], "{body}");
        }
    }
}

#[test]
fn a_key_alone_is_told_by_its_path_or_by_what_it_replies() {
    let mut description = fragment();
    let key = json!({ "type": "object", "properties": { "key_id": { "type": "string" }, "key": { "type": "string" } } });
    let reply = json!({ "200": { "content": { "application/json": { "schema": key } } } });
    description["paths"]["/robots/sealing-key"]["get"] =
        json!({ "operationId": "robots/key", "responses": reply });
    description["paths"]["/gadgets/public-key"]["get"] =
        json!({ "operationId": "gadgets/key", "responses": { "200": {} } });
    assert_eq!(
        news(description),
        [
            ("/gadgets".to_owned(), true, 1),
            ("/robots".to_owned(), true, 1)
        ]
    );
}

#[test]
fn of_the_fixture_itself_nothing_is_new() {
    assert_eq!(news(fragment()), []);
}

#[test]
fn a_piece_of_a_path_may_hold_several_parameters() {
    let parameter = |name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } });
    let outcome = vendored(|description| {
        description["paths"]["/compare/{base}...{head}"]["get"] = json!({
            "operationId": "x/compare",
            "parameters": [parameter("base"), parameter("head")],
            "responses": { "204": {} },
        });
    });
    assert_eq!(outcome.unwrap().faults, []);
}
