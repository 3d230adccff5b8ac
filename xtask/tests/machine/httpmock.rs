//! progenitor's helpers for httpmock, and what is mended in them.

use crate::support::one_operation;
use quote::{ToTokens as _, quote};
use serde_json::{Value, json};
use syn::parse_quote;
use xtask::codegen::httpmock::{helpers, take_path_values_literally};
use xtask::codegen::progenitor;

#[test]
fn values_of_paths_are_quoted_and_escaped_as_they_travel() {
    let mut file = parse_quote! {
        fn org(self, value: &str) -> Self {
            let re = regex::Regex::new(&format!("^/orgs/{}$", value.to_string())).unwrap();
            Self(self.0.path_matches(re))
        }
    };
    assert_eq!(take_path_values_literally(&mut file).unwrap(), 1);
    let mended = quote!(regex::escape(&progenitor_client::encode_path(
        &value.to_string()
    )));
    let code = file.to_token_stream().to_string();
    assert!(code.contains(&mended.to_string()), "{code}");
}

#[test]
fn values_that_are_written_otherwise_one_day_are_heard_of() {
    let mut file = parse_quote! {
        fn org(self, value: &str) -> String { format!("^/orgs/{}$", regex::escape(value)) }
    };
    let error = take_path_values_literally(&mut file).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("`take_path_values_literally`"),
        "{message}"
    );
}

#[test]
fn a_path_without_parameters_needs_no_mending() {
    let operation = json!({
        "operationId": "stars/count",
        "responses": { "204": { "description": "" } },
    });
    let description = one_operation("/stars", "get", operation);
    let client = progenitor::tokens(&description).unwrap();
    let code = helpers(&description, &client).unwrap();
    assert!(code.contains("fn stars_count<F>"), "{code}");
    assert!(!code.contains("regex::escape"), "{code}");
}

#[test]
fn what_of_a_helper_would_not_compile_is_left_out_by_name_and_the_rest_stays() {
    let json = |schema: Value| json!({ "200": { "description": "", "content": { "application/json": { "schema": schema } } } });
    let query = |schema: Value| json!([{ "name": "sort", "in": "query", "schema": schema }]);
    let object = json!({ "type": "object", "properties": { "p": { "type": "string" } } });
    let null =
        json!({ "type": "object", "nullable": true, "properties": { "p": { "type": "string" } } });
    let list = json!({ "type": "array", "items": { "type": "string" } });
    let union = json!({ "anyOf": [{ "type": "string" }, list] });
    let word = json!({ "type": "string", "enum": ["up", "down"] });
    let mut description = one_operation(
        "/none",
        "get",
        json!({ "operationId": "none", "responses": { "204": { "description": "" } } }),
    );
    for (name, parameters, responses) in [
        ("a/null", json!([]), json(null)),
        ("a/list", query(list.clone()), json(object.clone())),
        ("a/union", query(union), json(object.clone())),
        ("good/word", query(word), json(object.clone())),
        ("good/listed", json!([]), json(list)),
    ] {
        description["paths"][format!("/{name}")] = json!({ "get": {
            "operationId": name, "parameters": parameters, "responses": responses,
        } });
    }
    let client = progenitor::tokens(&description).unwrap();
    let code = helpers(&description, &client).unwrap();
    let gone = ["ANullThen::ok", "AListWhen::sort", "AUnionWhen::sort"];
    for name in gone {
        assert!(
            code.contains(&format!("//! - `{name}`\n")),
            "{name}: {code}"
        );
    }
    assert_eq!(code.matches("//! - `").count(), gone.len(), "{code}");
    assert_eq!(code.matches("pub fn sort<T>(").count(), 1, "{code}");
    for name in [
        "a_null",
        "a_list",
        "a_union",
        "none",
        "good_word",
        "good_listed",
    ] {
        assert_eq!(code.matches(&format!("fn {name}<")).count(), 2, "{name}");
    }
}
