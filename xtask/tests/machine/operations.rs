//! What is generated of each operation: a constant with its path, its cost, and of what it is a list.

use crate::support::{fragment, here};
use serde_json::{Value, json};
use xtask::codegen::docs::Docs;
use xtask::codegen::from_fragment;
use xtask::description::operations;
use xtask::description::source::Source;
use xtask::repairs::Idle;
use xtask::tree::{DOCS, OPERATIONS, SOURCE};

/// `operations.rs`, without line ends and indents.
fn generated(description: &Value) -> String {
    let source = Source::parse(&here().read(SOURCE).unwrap()).unwrap();
    let docs = Docs::parse(&here().read(DOCS).unwrap()).unwrap();
    let files = from_fragment(description, &source, &docs, Idle::Allow).unwrap();
    let file = files.into_iter().find(|file| file.path == OPERATIONS);
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
