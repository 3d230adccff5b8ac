//! What is generated of each operation: a constant with its path, its cost, and of what it is a list.

use crate::support::{fragment, here};
use serde_json::{Value, json};
use xtask::codegen::docs::Docs;
use xtask::codegen::from_fragment;
use xtask::description::operations;
use xtask::description::source::Source;
use xtask::repairs::Idle;
use xtask::tree::{CLIENT, DOCS, OPERATIONS, SOURCE, STORES};

/// `operations.rs`, without line ends and indents.
fn generated(description: &Value) -> String {
    file(description, OPERATIONS)
}

/// One of the generated files, likewise.
fn file(description: &Value, path: &str) -> String {
    let source = Source::parse(&here().read(SOURCE).unwrap()).unwrap();
    let docs = Docs::parse(&here().read(DOCS).unwrap()).unwrap();
    let files = from_fragment(description, &source, &docs, Idle::Allow).unwrap();
    let file = files.into_iter().find(|file| file.path == path);
    let text = file.unwrap().text;
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A description of lists and writes.
fn lists_and_writes() -> Value {
    let page = |name: &str| json!({ "name": name, "in": "query", "schema": { "type": "integer" } });
    let numbered = json!([page("page"), page("per_page")]);
    let reply = |schema: Value| json!({ "200": { "content": { "application/json": { "schema": schema } } } });
    let stars = json!({ "type": "array", "items": { "$ref": "#/components/schemas/star" } });
    let pages = |properties: Value| json!({ "type": "object", "properties": properties, "required": ["stars"] });
    json!({
        "openapi": "3.0.3",
        "info": { "title": "Test", "version": "1" },
        "paths": {
            "/plain": { "get": { "operationId": "list/plain", "parameters": numbered, "responses": reply(stars.clone()) } },
            "/counted": { "get": {
                "operationId": "list/counted", "parameters": numbered,
                "responses": reply(pages(json!({ "stars": stars, "total_count": { "type": "integer" } }))),
            } },
            "/cursors": { "get": {
                "operationId": "list/cursors", "parameters": [page("after"), page("per_page")],
                "responses": reply(pages(json!({ "stars": stars }))),
            } },
            "/two": { "get": {
                "operationId": "list/two", "parameters": numbered,
                "responses": reply(pages(json!({ "stars": stars, "moons": stars }))),
            } },
            "/comments": { "post": {
                "operationId": "comments/create", "responses": { "204": {} }, "x-github": { "triggersNotification": true },
            } },
            "/stars": { "put": { "operationId": "stars/put", "responses": { "204": {} } } },
        },
        "components": { "schemas": { "star": { "type": "object", "properties": { "id": { "type": "integer" } } } } },
    })
}

#[test]
fn an_operation_costs_a_read_a_write_or_content_by_its_method_and_the_descriptions_mark() {
    let code = generated(&lists_and_writes());
    for (function, method, path, cost) in [
        ("list_plain", "GET", "/plain", "Read"),
        ("stars_put", "PUT", "/stars", "Write"),
        ("comments_create", "POST", "/comments", "Content"),
    ] {
        let wanted = format!(
            "function: \"{function}\", method: \"{method}\", path: \"{path}\", cost: Cost::{cost},"
        );
        assert!(code.contains(&wanted), "{wanted} is not in {code}");
    }
}

#[test]
fn a_list_that_is_paged_by_number_says_of_what_and_its_pages_can_be_read() {
    let code = generated(&lists_and_writes());
    for (path, entries) in [
        ("/plain", "Some(\"plain\")"),
        ("/counted", "Some(\"stars\")"),
        ("/cursors", "None"),
        ("/two", "None"),
    ] {
        let wanted = format!("path: \"{path}\", cost: Cost::Read, entries: {entries},");
        assert!(code.contains(&wanted), "{wanted} is not in {code}");
    }
    assert_eq!(code.matches("impl Paged for").count(), 1, "{code}");
    assert!(
        code.contains("impl Paged for types::ListCountedResponse { type Item = types::Star;"),
        "{code}"
    );
}

#[test]
fn a_total_of_another_type_is_made_whole_or_not_told() {
    for (kind, total) in [
        ("integer", "self.total_count }"),
        ("number", "self.total_count.map(|total| total as i64) }"),
        ("string", "None }"),
    ] {
        let mut description = lists_and_writes();
        let content = &mut description["paths"]["/counted"]["get"]["responses"]["200"]["content"];
        content["application/json"]["schema"]["properties"]["total_count"] =
            json!({ "type": kind });
        let code = generated(&description);
        let wanted = format!("fn total_count(&self) -> Option<i64> {{ {total}");
        assert!(code.contains(&wanted), "{wanted} is not in {code}");
    }
}

#[test]
fn entries_that_are_one_of_several_kinds_are_of_a_generated_type_too() {
    let mut description = lists_and_writes();
    let star =
        |name: &str| json!({ "type": "object", "properties": { name: {} }, "required": [name] });
    description["components"]["schemas"]["star"] =
        json!({ "oneOf": [star("mass"), star("light")] });
    let code = generated(&description);
    assert!(code.contains("type Item = types::Star;"), "{code}");
}

#[test]
fn a_list_that_a_kind_of_success_leaves_out_is_a_list_all_the_same() {
    let mut description = lists_and_writes();
    description["paths"]["/plain"]["get"]["responses"]["204"] = json!({});
    let code = generated(&description);
    let wanted = "path: \"/plain\", cost: Cost::Read, entries: Some(\"plain\"),";
    assert!(code.contains(wanted), "{wanted} is not in {code}");
}

#[test]
fn every_operation_that_is_kept_is_a_constant_and_in_the_list_of_all() {
    let description = fragment();
    let code = generated(&description);
    for operation in operations(&description) {
        assert!(code.contains(&format!("id: \"{}\"", operation.id)));
    }
    let (_, all) = code.split_once("pub const ALL: &[Operation] = &[").unwrap();
    let all = all.split(']').next().unwrap();
    assert_eq!(
        all.split(',')
            .filter(|name| !name.trim().is_empty())
            .count(),
        operations(&description).len()
    );
}

#[test]
fn a_write_to_a_store_that_gains_a_body_is_still_told_by_its_status() {
    let mut description = fragment();
    let item = &mut description["paths"]["/orgs/{org}/actions/secrets/{secret_name}"];
    let told = json!({ "type": "object", "properties": { "name": { "type": "string" } } });
    item["put"]["responses"]["200"] =
        json!({ "content": { "application/json": { "schema": told } } });
    let stores = file(&description, STORES);
    let put = "status_only( self .actions_create_or_update_org_secret(";
    assert!(stores.contains(put), "{stores}");
    assert_eq!(stores.matches("status_only(").count(), 1, "{stores}");
}

#[test]
fn what_each_kind_of_success_brings_is_in_the_words() {
    let mut description = lists_and_writes();
    let replies = &mut description["paths"]["/plain"]["get"]["responses"];
    let star = json!({ "$ref": "#/components/schemas/star" });
    replies["202"] = json!({ "content": { "application/json": { "schema": star } } });
    replies["204"] = json!({});
    let client = file(&description, CLIENT);
    for words in [
        "Status 200 brings `types::ListPlainReply200`.",
        "Status 202 brings `types::Star`.",
        "Status 204 brings nothing, hence `None`",
    ] {
        assert!(client.contains(words), "{words} is not in {client}");
    }
}

#[test]
fn what_may_be_left_out_is_a_struct_of_its_own_and_methods_take_what_is_required() {
    let mut description = lists_and_writes();
    let put = &mut description["paths"]["/stars"]["put"];
    let body = json!({ "type": "object", "required": ["id"], "properties": {
        "id": { "type": "integer" }, "ids": { "type": "array", "items": { "type": "integer" } }, "name": { "type": "string" },
    } });
    put["requestBody"] =
        json!({ "required": true, "content": { "application/json": { "schema": body } } });
    put["parameters"] = json!([
        { "name": "dry", "in": "query", "schema": { "type": "boolean" } },
        { "name": "as", "in": "header", "schema": { "type": "string" } },
        { "name": "where", "in": "query", "required": true, "schema": { "type": "string" } },
    ]);
    let client = file(&description, CLIENT);
    for wanted in [
        "pub async fn stars_put<'a>( &'a self, where_: &'a str, body: &'a types::StarsPutBody, ) ->",
        "self.stars_put_with(where_, body, &options::StarsPut::default()).await",
        "pub async fn stars_put_with<'a>( &'a self, where_: &'a str, body: &'a types::StarsPutBody, options: &'a options::StarsPut, ) ->",
        "#[non_exhaustive] pub struct StarsPut { pub dry: Option<bool>, pub as_: Option<::std::string::String>, }",
        "impl StarsPutBody { /// With what must be in it. pub fn new(id: i64) -> Self { Self { id, ids: None, name: None } } }",
    ] {
        assert!(client.contains(wanted), "{wanted} is not in {client}");
    }
    assert!(!client.contains("comments_create_with"), "{client}");
}
