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
use xtask::tree::{DOCS, FRAGMENT, SOURCE};

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
