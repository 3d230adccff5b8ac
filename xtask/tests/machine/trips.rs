//! Round trips: what is described is written as it was read, and what would be lost is told with its place.

use crate::support::{fragment, one_operation, source};
use serde_json::{Value, json};
use xtask::codegen;
use xtask::description::Description;
use xtask::repairs::{apply, narrowed};
use xtask::robots::sweep::sweep;
use xtask::robots::trips::{Trips, trips};

/// An operation with this reply, or this body.
fn replying(schema: Value) -> Value {
    let reply = json!({ "200": { "content": { "application/json": { "schema": schema } } } });
    one_operation(
        "/x",
        "get",
        json!({ "operationId": "x", "responses": reply }),
    )
}

fn taking(schema: Value) -> Value {
    let body = json!({ "content": { "application/json": { "schema": schema } } });
    let operation = json!({ "operationId": "x", "requestBody": body, "responses": { "204": {} } });
    one_operation("/x", "put", operation)
}

/// The trips through the types that are generated after the repairs.
fn mended(description: &Value) -> Result<Trips, String> {
    let (repaired, _) = apply(description, &source()).unwrap();
    let taken = narrowed(description, &source()).unwrap();
    let client = codegen::client(&repaired).unwrap();
    trips(&taken, &repaired, client).map_err(|error| format!("{error:#}"))
}

/// What would be lost by the types that are generated without a repair.
fn lost(description: &Value) -> String {
    let client = codegen::client(description).unwrap();
    format!("{:#}", trips(description, description, client).unwrap_err())
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({ "type": "object", "required": required, "properties": properties })
}

fn text() -> Value {
    json!({ "type": "string" })
}

#[test]
fn the_words_that_tell_the_rules_of_a_ruleset_apart_stay_and_each_keeps_its_parameters() {
    let rule = |word: &str, more: Value| {
        let mut properties = json!({ "type": { "type": "string", "enum": [word] } });
        properties
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        object(&["type"], properties)
    };
    let parameters = object(&["size"], json!({ "size": { "type": "integer" } }));
    let choices = [
        rule("creation", json!({})),
        rule("max_file_size", json!({ "parameters": parameters })),
    ];
    let described = replying(json!({ "type": "array", "items": { "oneOf": choices } }));
    let open = described.to_string().replace(r#""enum":["creation"],"#, "");
    let told = lost(&serde_json::from_str(&open).unwrap());
    assert!(told.contains("its reply 200 loses [].parameters"), "{told}");
    assert_eq!(mended(&described).unwrap().schemas, 1);
}

#[test]
fn a_choice_that_requires_less_comes_after_those_whose_values_it_would_take() {
    let all = json!({ "action": text(), "issue": text(), "comment": text() });
    let choices = [
        object(
            &["action", "issue"],
            json!({ "action": text(), "issue": text(), "label": text() }),
        ),
        object(&["action", "issue", "comment"], all),
    ];
    let described = taking(json!({ "oneOf": choices }));
    assert_eq!(
        lost(&described),
        "its body loses .comment (\"some text\" becomes nothing)"
    );
    mended(&described).unwrap();
}

#[test]
fn of_choices_that_each_take_what_is_meant_for_the_other_the_first_keeps_what_it_does_not_know() {
    let choices = [
        object(
            &["id"],
            json!({ "id": text(), "wait_timer": { "type": "integer" } }),
        ),
        object(
            &["id"],
            json!({ "id": text(), "reviewers": { "type": "array", "items": text() } }),
        ),
    ];
    let described = taking(json!({ "oneOf": choices }));
    assert!(lost(&described).contains("loses .reviewers"));
    mended(&described).unwrap();
}

#[test]
fn a_choice_of_lists_is_no_object() {
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let lists = ["user", "star"].map(|name| json!({ "type": "array", "items": reference(name) }));
    let mut described = replying(json!({ "anyOf": lists }));
    let star = json!({ "starred_at": text(), "user": reference("user") });
    described["components"]["schemas"] = json!({
        "user": object(&["login"], json!({ "login": text() })),
        "star": object(&["starred_at", "user"], star),
    });
    assert!(
        lost(&described).contains("a list is no object"),
        "{}",
        lost(&described)
    );
    mended(&described).unwrap();
}

#[test]
fn what_two_parts_of_an_object_have_is_written_once() {
    let conditions = |name: &str| object(&[], json!({ "ref_name": text(), name: text() }));
    let described = replying(json!({ "anyOf": [conditions("a"), conditions("b")] }));
    assert!(
        lost(&described).contains("`ref_name` is written twice"),
        "{}",
        lost(&described)
    );
    mended(&described).unwrap();
}

#[test]
fn choices_that_only_limit_an_object_leave_it_whole() {
    let limits = [
        json!([{ "required": ["state"] }, { "required": ["assignees"] }]),
        json!([{ "required": ["state"], "properties": { "state": { "enum": ["a"] } }, "additionalProperties": true }]),
    ];
    for limits in limits {
        for key in ["anyOf", "oneOf"] {
            let assignees = json!({ "type": "array", "items": text() });
            let mut schema = object(&[], json!({ "state": text(), "assignees": assignees }));
            schema[key] = limits.clone();
            let described = taking(schema);
            assert!(
                lost(&described).contains("its body"),
                "{}",
                lost(&described)
            );
            mended(&described).unwrap();
        }
    }
}

#[test]
fn an_empty_list_or_object_of_a_body_is_sent_wherever_it_stands() {
    let list = json!({ "type": "array", "items": text() });
    let free = json!({ "type": "object", "properties": {}, "additionalProperties": true });
    let inner = object(&[], json!({ "languages": list, "envelope": free }));
    let mut described = taking(json!({ "$ref": "#/components/schemas/setup" }));
    described["components"]["schemas"]["setup"] = object(&[], json!({ "inner": inner }));
    assert!(
        lost(&described).contains("its body loses .inner"),
        "{}",
        lost(&described)
    );
    mended(&described).unwrap();
}

#[test]
fn every_choice_value_and_absence_is_made_and_a_type_that_stands_in_itself_ends() {
    let mut node = object(
        &["kind"],
        json!({
            "kind": { "type": "string", "enum": ["a", "b", "c"] },
            "size": { "type": "integer", "nullable": true },
            "next": { "$ref": "#/components/schemas/node" },
            "all": { "type": "array", "items": { "$ref": "#/components/schemas/node" } },
        }),
    );
    node["additionalProperties"] = json!(false);
    let mut described = taking(json!({ "$ref": "#/components/schemas/node" }));
    described["components"]["schemas"]["node"] = node;
    let trips = mended(&described).unwrap();
    assert!((4..100).contains(&trips.values), "{trips:?}");
}

#[test]
fn a_sweep_counts_a_loss_as_a_failure_and_says_what_went_through() {
    // A number beyond what an `i64` holds is described, and can't be read.
    let described =
        replying(json!({ "type": "integer", "enum": [18_446_744_073_709_551_615_u64] }));
    let sweep_of = |described| sweep(&Description::from_value(described).unwrap(), &source());
    let failed = sweep_of(described);
    assert_eq!(failed.failures.len(), 1, "{failed}");
    assert!(failed.verdict().is_err());
    let passed = sweep_of(replying(object(&[], json!({ "a": text() }))));
    passed.verdict().unwrap();
    assert_eq!(
        passed.trips,
        Trips {
            schemas: 1,
            values: 2
        }
    );
    assert!(
        passed
            .to_string()
            .contains("2 values of 1 replies and bodies are written as they were read")
    );
}

#[test]
fn what_is_kept_makes_its_round_trips_through_the_types_of_all_stores_together() {
    let description = fragment();
    let trips = mended(&description).unwrap();
    assert!(trips.schemas > 60 && trips.values > 200, "{trips:?}");
}

#[test]
fn a_component_that_is_called_like_bytes_goes_through_as_any_other() {
    for name in ["byte-stream", "zip-byte-stream"] {
        let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
        let mut described = replying(reference);
        described["components"]["schemas"][name] = object(&["size"], json!({ "size": text() }));
        assert_eq!(mended(&described).unwrap().schemas, 1, "{name}");
    }
}

#[test]
fn a_body_that_says_null_is_sent_with_it_and_without_what_it_leaves_out() {
    let nullable = |schema: Value| {
        let mut schema = schema;
        schema["nullable"] = json!(true);
        schema
    };
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let closed = json!({ "type": "string", "enum": ["open", "closed"] });
    let inner = object(
        &[],
        json!({ "depth": nullable(json!({ "type": "integer" })) }),
    );
    let properties = json!({
        "text": nullable(text()),
        "choice": nullable(closed),
        "list": nullable(json!({ "type": "array", "items": text() })),
        "map": nullable(json!({ "type": "object", "additionalProperties": text() })),
        "object": nullable(inner.clone()),
        "component": reference("nothing-or-more"),
        "parts": { "nullable": true, "allOf": [reference("more")] },
        "one": nullable(json!({ "oneOf": [text(), { "type": "integer" }] })),
        "any": { "anyOf": [text(), nullable(json!({ "type": "integer" }))] },
        "encrypted_value": nullable(text()),
        "plain": text(),
    });
    let components = json!({ "nothing-or-more": nullable(inner.clone()), "more": inner });
    let whole = |schema: Value| {
        let mut described = taking(schema);
        described["components"]["schemas"] = components.clone();
        described
    };
    let all = whole(object(&[], properties.clone()));
    assert!(
        lost(&all).ends_with("(null becomes nothing)"),
        "{}",
        lost(&all)
    );
    mended(&all).unwrap();

    // In choices, in parts, in lists, and in components.
    let of = |properties: &Value| object(&["plain"], properties.clone());
    let more = object(
        &["other"],
        json!({ "other": nullable(text()), "wish": nullable(text()) }),
    );
    mended(&whole(json!({ "oneOf": [of(&properties), more.clone()] }))).unwrap();
    mended(&whole(json!({ "allOf": [of(&properties), more.clone()] }))).unwrap();
    mended(&whole(json!({ "type": "array", "items": of(&properties) }))).unwrap();
    let mut component = whole(reference("body"));
    component["components"]["schemas"]["body"] = of(&properties);
    mended(&component).unwrap();
}
