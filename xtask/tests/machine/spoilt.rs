//! Whatever is wrong with a description, the answer is an error or code, never a panic.

use crate::support::fragment;
use std::collections::BTreeSet;

use rayon::prelude::*;
use serde_json::{Value, json};
use xtask::codegen::from_fragment;
use xtask::codegen::progenitor::catch_panic;
use xtask::description::cut::cut;
use xtask::description::{Description, faults};
use xtask::repairs::Idle;

/// A generator of numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// Every place in a document, as JSON pointers.
fn places(node: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match node {
        Value::Object(object) => {
            for (key, value) in object {
                places(
                    value,
                    &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")),
                    found,
                );
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                places(value, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// The organization's Actions secrets and the private registries: small, and all kinds of shapes.
fn small() -> Value {
    let whole = Description::from_value(fragment()).unwrap();
    let operations: Vec<_> = whole
        .operations()
        .into_iter()
        .filter(|operation| {
            operation.path.starts_with("/orgs/{org}/actions") || operation.path.contains("private")
        })
        .collect();
    cut(&whole, &operations, &Default::default()).unwrap()
}

#[test]
fn a_description_spoilt_at_any_place_is_an_error_or_code_and_never_a_panic() {
    let (source, docs) = (crate::support::source(), crate::support::docs());
    let whole = small();
    let mut all = Vec::new();
    places(&whole, "", &mut all);
    let spoils = [
        json!(null),
        json!(7),
        json!("x"),
        json!([]),
        json!({}),
        json!([null]),
        json!({ "$ref": "x" }),
        json!({ "$ref": "#/components/schemas/actions-secret" }),
        json!("string"),
        json!(true),
        json!({ "x": 1 }),
    ];
    let mut dice = Dice(0x0c70_5ea1);
    let (mut errors, mut passed) = (0, 0);
    for _ in 0..120 {
        let place = &all[dice.below(all.len())];
        let spoil = &spoils[dice.below(spoils.len())];
        let mut spoilt = whole.clone();
        *spoilt.pointer_mut(place).unwrap() = spoil.clone();
        let result = catch_panic(|| {
            let description = Description::from_value(spoilt)?;
            let fragment = cut(&description, &description.operations(), &Default::default())?;
            from_fragment(&fragment, &source, &docs, Idle::Allow)
        });
        match result {
            Ok(Ok(_)) => passed += 1,
            Ok(Err(_)) => errors += 1,
            Err(panic) => panic!("{spoil} at {place}: {panic}"),
        }
    }
    assert!(
        errors > 20 && passed > 20,
        "{errors} errors, {passed} passed"
    );
}

#[test]
fn a_store_whose_write_takes_no_sealed_value_or_no_key_id_is_an_error_that_names_it() {
    let (source, docs) = (crate::support::source(), crate::support::docs());
    let writes = [
        ("/orgs/{org}/actions/secrets/{secret_name}", "put"),
        ("/orgs/{org}/private-registries", "post"),
        ("/orgs/{org}/private-registries/{secret_name}", "patch"),
    ];
    for ((path, method), lost) in writes
        .into_iter()
        .flat_map(|write| ["encrypted_value", "key_id"].map(|lost| (write, lost)))
    {
        let mut spoilt = small();
        let operation = &mut spoilt["paths"][path][method];
        let id = operation["operationId"].as_str().unwrap().to_owned();
        let schema = &mut operation["requestBody"]["content"]["application/json"]["schema"];
        let properties = schema["properties"].as_object_mut().unwrap();
        properties.remove(lost).unwrap();
        let required = schema.get_mut("required").and_then(Value::as_array_mut);
        required
            .into_iter()
            .for_each(|all| all.retain(|name| name != lost));
        let error = from_fragment(&spoilt, &source, &docs, Idle::Allow).unwrap_err();
        let told = format!("{error:#}");
        assert!(told.contains(&id) && told.contains(lost), "{told}");
    }
}

#[test]
fn a_store_whose_own_key_cannot_be_read_is_an_error_that_names_it_whatever_others_tell() {
    let (source, docs) = (crate::support::source(), crate::support::docs());
    let path = "/orgs/{org}/private-registries/public-key";
    for lost in ["key", "key_id"] {
        let mut spoilt = small();
        let operation = &mut spoilt["paths"][path]["get"];
        let schema = &mut operation["responses"]["200"]["content"]["application/json"]["schema"];
        schema["properties"]
            .as_object_mut()
            .unwrap()
            .remove(lost)
            .unwrap();
        let error = from_fragment(&spoilt, &source, &docs, Idle::Allow).unwrap_err();
        let told = format!("{error:#}");
        assert!(
            told.contains("private-registries/get-org-public-key")
                && told.contains(&format!("no `{lost}`")),
            "{told}"
        );
    }
}

#[test]
fn an_operation_id_that_no_method_can_be_called_after_is_refused_with_its_place() {
    for id in ["", "+", "1a", "type"] {
        for (path, method) in [
            ("/orgs/{org}/actions/secrets", "get"),
            ("/orgs/{org}/private-registries", "post"),
        ] {
            let mut spoilt = small();
            spoilt["paths"][path][method]["operationId"] = json!(id);
            let error = Description::from_value(spoilt).unwrap_err().to_string();
            let place = format!("{} {path}", method.to_uppercase());
            assert!(
                error.contains(&place) && error.contains(&format!("`{id}`")),
                "{error}"
            );
        }
    }
}

/// Changes one place of a document in its structure, as an editor's slip or another generator would.
fn restructure(document: &mut Value, places: &[String], dice: &mut Dice) -> String {
    const NAMES: [&str; 9] = ["3d", "", "a b", "type", "self", "ß", "x~y/z", "A-b", "a_B"];
    let place = &places[dice.below(places.len())];
    let donor = document.pointer(&places[dice.below(places.len())]).cloned();
    let Some(node) = document.pointer_mut(place) else {
        return place.clone();
    };
    let old = node.take();
    let kind = dice.below(12);
    *node = match (kind, old) {
        (0, Value::Object(mut object)) if !object.is_empty() => {
            let key = object.keys().nth(dice.below(object.len())).unwrap().clone();
            object.remove(&key);
            Value::Object(object)
        }
        (1, Value::Object(mut object)) if !object.is_empty() => {
            let key = object.keys().nth(dice.below(object.len())).unwrap().clone();
            let value = object.remove(&key).unwrap();
            object.insert(NAMES[dice.below(NAMES.len())].to_owned(), value);
            Value::Object(object)
        }
        (2, Value::Object(mut object)) if !object.is_empty() => {
            let key = object.keys().nth(dice.below(object.len())).unwrap().clone();
            let value = object[&key].clone();
            object.insert(NAMES[dice.below(NAMES.len())].to_owned(), value);
            Value::Object(object)
        }
        (3, old) => json!({ "allOf": [old] }),
        (4, old) => json!({ "oneOf": [old, { "type": "string" }] }),
        (5, old) => json!({ "type": "array", "items": old }),
        (6, _) => donor.unwrap_or_default(),
        (7, Value::Object(mut object)) => {
            object.insert("nullable".to_owned(), json!(true));
            object.insert(
                "enum".to_owned(),
                [json!([]), json!([null]), json!(["a", "A"])][dice.below(3)].clone(),
            );
            Value::Object(object)
        }
        (8, Value::Array(mut items)) => {
            items.extend(items.clone());
            Value::Array(items)
        }
        (9, Value::String(text)) => json!(format!("{text}\n{}", NAMES[dice.below(NAMES.len())])),
        (10, _) => {
            json!({ "$ref": format!("#/components/schemas/{}", NAMES[dice.below(NAMES.len())]) })
        }
        (11, Value::Object(mut object)) => {
            object.insert("required".to_owned(), json!(["nowhere"]));
            object.insert("deprecated".to_owned(), json!(true));
            Value::Object(object)
        }
        (_, old) => old,
    };
    format!("change {kind} at {place}")
}

#[test]
fn a_description_whose_structure_changes_anywhere_is_code_or_lines_that_say_where() {
    const ROUNDS: usize = 60;
    let (source, docs) = (crate::support::source(), crate::support::docs());
    let whole = small();
    let mut all = Vec::new();
    places(&whole, "", &mut all);
    let rounds = std::env::var("SPOILT_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let mut dice = Dice(0x5eed_0c70);
    let spoilt: Vec<_> = (0..rounds.unwrap_or(ROUNDS))
        .map(|_| {
            let mut document = whole.clone();
            let told: Vec<_> = (0..1 + dice.below(2))
                .map(|_| restructure(&mut document, &all, &mut dice))
                .collect();
            (told.join(", "), document)
        })
        .collect();
    let wrong: Vec<_> = spoilt
        .par_iter()
        .filter_map(|(what, document)| {
            let result = catch_panic(|| {
                let text = document.to_string();
                let description = Description::parse(text.as_bytes(), "spoilt.json")?;
                let kept = description.operations();
                faults::beside(description.value(), &BTreeSet::new());
                let fragment = cut(&description, &kept, &Default::default())?;
                from_fragment(&fragment, &source, &docs, Idle::Refuse)
            });
            match result {
                Ok(Ok(_)) => None,
                Ok(Err(error)) => {
                    unclear(&format!("{error:#}")).map(|why| format!("{what}: {why}"))
                }
                Err(panic) => Some(format!("{what}: panics: {panic}")),
            }
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Why an error is no clear line, if it is none: it is long, or names neither an operation nor a place.
fn unclear(error: &str) -> Option<String> {
    const LONGEST_CHARS: usize = 700;
    let long = error
        .lines()
        .find(|line| line.chars().count() > LONGEST_CHARS);
    let named = ["`", "paths", "components.", "spoilt.json"];
    let nowhere = !named.iter().any(|place| error.contains(place));
    let many = error.lines().count() > 1 && !error.contains(" faults:\n");
    (long.is_some() || nowhere || many).then(|| error.to_owned())
}
