//! A description that only grew, as GitHub's does every week: nothing breaks. That it compiles, and that `octoseal` is used
//! with it, is part of the proof about a new store.

use crate::support::{fragment, here, source};
use serde_json::{Map, Value, json};
use xtask::codegen::docs::Docs;
use xtask::codegen::from_fragment;
use xtask::description::Description;
use xtask::description::source::Source;
use xtask::diff::{Breaks, Step, Uses, diff};
use xtask::repairs::Idle;
use xtask::tree::{DOCS, FRAGMENT, SOURCE, STORES};

/// Lets every operation take four more optional parameters, every object with properties have one more and every visibility one
/// more value, and gives a piece of paths another name.
pub(crate) fn grow(description: &mut Value) {
    let paths = description["paths"].as_object_mut().unwrap();
    *paths = std::mem::take(paths)
        .into_iter()
        .map(|(path, item)| (path.replace("{secret_name}", "{secret}"), item))
        .collect();
    for operation in paths.values_mut().flat_map(operations) {
        let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
        let kinds = ["string", "integer", "boolean", "array"];
        let more = kinds.map(|kind| {
            let mut schema = json!({ "type": kind });
            if kind == "array" {
                schema["items"] = json!({ "type": "string" });
            }
            json!({ "name": format!("grown_{kind}"), "in": "query", "schema": schema })
        });
        parameters.as_array_mut().unwrap().extend(more);
    }
    enlarge(description);
}

fn operations(item: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let item = item.as_object_mut().unwrap().iter_mut();
    let methods = item.filter(|(key, _)| *key != "parameters");
    methods.map(|(_, operation)| operation.as_object_mut().unwrap())
}

/// Enlarges the objects and visibilities below a node.
fn enlarge(node: &mut Value) {
    match node {
        Value::Object(object) => {
            if object.get("name") == Some(&json!("secret_name")) {
                object.insert("name".to_owned(), json!("secret"));
            }
            if let Some(Value::Object(properties)) = object.get_mut("properties") {
                if let Some(Value::Array(values)) = properties
                    .get_mut("visibility")
                    .and_then(|visibility| visibility.get_mut("enum"))
                {
                    values.push(json!("internal"));
                }
                // A write that replies with an empty object would gain a body.
                if !properties.is_empty() {
                    properties.insert("grown".to_owned(), json!({ "type": "string" }));
                }
            }
            object.values_mut().for_each(enlarge);
        }
        Value::Array(items) => items.iter_mut().for_each(enlarge),
        _ => {}
    }
}

#[test]
fn a_description_that_only_grew_breaks_nobody_and_is_generated() {
    let read = |path| here().read(path).unwrap();
    let live: Value = serde_json::from_str(&read(FRAGMENT)).unwrap();
    let kept = Source::parse(&read(SOURCE)).unwrap();
    let docs = Docs::parse(&read(DOCS)).unwrap();
    let uses = Uses::of(&here()).unwrap();
    for (before, source) in [(live, kept), (fragment(), source())] {
        let mut after = before.clone();
        grow(&mut after);
        from_fragment(&after, &source, &docs, Idle::Refuse).unwrap();
        let [old, new] = [before, after].map(|it| Description::from_value(it).unwrap());
        let report = diff(&old, &new, &source, &uses, "0.1.0").unwrap();
        assert!(report.changed.len() > 500, "{report}");
        assert_eq!(report.worst(), Breaks::Nobody, "{report}");
        for bump in report.bump.values() {
            assert_eq!(bump.step, Step::Compatible, "{report}");
        }
    }
}

#[test]
fn bodies_that_take_more_than_the_dispatch_knows_break_nobody_and_are_generated() {
    let mut after = fragment();
    let registry = &mut after["paths"]["/orgs/{org}/private-registries"]["post"]["requestBody"];
    registry["content"]["application/json"]["schema"]["properties"]["labels"] =
        json!({ "type": "array", "items": { "type": "string" } });
    for (path, more) in [
        ("/orgs/{org}/actions/secrets/{secret_name}", json!(true)),
        ("/orgs/{org}/agents/secrets/{secret_name}", json!({})),
        (
            "/orgs/{org}/codespaces/secrets/{secret_name}",
            json!({ "type": "string" }),
        ),
    ] {
        let body = &mut after["paths"][path]["put"]["requestBody"]["content"];
        body["application/json"]["schema"]["additionalProperties"] = more;
    }
    from_fragment(&after, &source(), &crate::support::docs(), Idle::Refuse).unwrap();
    let [old, new] = [fragment(), after].map(|it| Description::from_value(it).unwrap());
    let uses = Uses::of(&here()).unwrap();
    let report = diff(&old, &new, &source(), &uses, "0.1.0").unwrap();
    assert_eq!(report.changed.len(), 4, "{report}");
    assert_eq!(report.worst(), Breaks::Nobody, "{report}");
    assert!(!report.to_string().contains("required"), "{report}");
}

#[test]
fn what_bodies_may_say_null_of_now_is_written_as_before() {
    let mut after = fragment();
    let mut nullable = 0;
    for operation in after["paths"]
        .as_object_mut()
        .unwrap()
        .values_mut()
        .flat_map(operations)
    {
        let Some(body) = operation.get_mut("requestBody") else {
            continue;
        };
        let body = &mut body["content"]["application/json"]["schema"];
        let required = body["required"].clone();
        let required = required.as_array().into_iter().flatten();
        let required: Vec<_> = required.filter_map(Value::as_str).collect();
        let properties = body.get_mut("properties").and_then(Value::as_object_mut);
        for (name, property) in properties.into_iter().flatten() {
            if !required.contains(&name.as_str()) && property.get("$ref").is_none() {
                property["nullable"] = json!(true);
                nullable += 1;
            }
        }
    }
    assert!(nullable > 50);
    let mut source = source();
    source.witness.remove("nullable_optional_collections");
    from_fragment(&after, &source, &crate::support::docs(), Idle::Refuse).unwrap();
    let [old, new] = [fragment(), after].map(|it| Description::from_value(it).unwrap());
    let uses = Uses::of(&here()).unwrap();
    let report = diff(&old, &new, &source, &uses, "0.1.0").unwrap();
    assert_eq!(report.worst(), Breaks::LowLevel, "{report}");
}

#[test]
fn what_one_body_of_registries_says_null_of_is_refused_by_the_other() {
    let mut after = fragment();
    let body = &mut after["paths"]["/orgs/{org}/private-registries"]["post"]["requestBody"];
    body["content"]["application/json"]["schema"]["properties"]["username"]["nullable"] =
        json!(false);
    let files = from_fragment(&after, &source(), &crate::support::docs(), Idle::Refuse).unwrap();
    let stores = files.iter().find(|file| file.path == STORES).unwrap();
    assert!(stores.text.contains("pub username_null: bool"));
    assert!(
        stores
            .text
            .contains(r#"refuse(write.username_null, "username")?;"#)
    );
}

#[test]
fn properties_of_registries_that_would_be_one_field_are_refused_by_name() {
    for name in ["username_null", "Username"] {
        let mut after = fragment();
        let body = &mut after["paths"]["/orgs/{org}/private-registries"]["post"]["requestBody"];
        let properties = &mut body["content"]["application/json"]["schema"]["properties"];
        if name == "Username" {
            properties.as_object_mut().unwrap().remove("username");
        }
        properties[name] = json!({ "type": "string" });
        let docs = crate::support::docs();
        let Err(error) = from_fragment(&after, &source(), &docs, Idle::Refuse) else {
            panic!("{name}: two fields of one name are generated");
        };
        let told = format!("{error:#}");
        let named =
            format!("`{name}` in the body of `private-registries/create-org-private-registry`");
        assert!(told.contains(&named), "{told}");
        assert!(told.contains("the field `username"), "{told}");
        assert!(!told.contains('\n'), "{told}");
    }
}

#[test]
fn what_a_body_requires_may_become_null_and_is_written_as_before() {
    let mut after = fragment();
    let mut nullable = 0;
    for path in [
        "/orgs/{org}/private-registries",
        "/orgs/{org}/actions/secrets/{secret_name}",
    ] {
        let item = after["paths"][path].as_object_mut().unwrap();
        for method in ["post", "put"] {
            let Some(operation) = item.get_mut(method) else {
                continue;
            };
            let body = &mut operation["requestBody"]["content"]["application/json"]["schema"];
            for name in body["required"].as_array().unwrap().clone() {
                body["properties"][name.as_str().unwrap()]["nullable"] = json!(true);
                nullable += 1;
            }
        }
    }
    assert_eq!(nullable, 4);
    let files = from_fragment(&after, &source(), &crate::support::docs(), Idle::Refuse).unwrap();
    let stores = files.iter().find(|file| file.path == STORES).unwrap();
    assert!(stores.text.contains("Some(required("), "{}", stores.text);
    let [old, new] = [fragment(), after].map(|it| Description::from_value(it).unwrap());
    let uses = Uses::of(&here()).unwrap();
    let report = diff(&old, &new, &source(), &uses, "0.1.0").unwrap();
    assert_eq!(report.worst(), Breaks::LowLevel, "{report}");
}
