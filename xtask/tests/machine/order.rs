//! Which of several errors is told: what is wrong with an operation before what follows from that.

use crate::support::{docs, fragment, source};
use serde_json::{Value, json};
use xtask::codegen::from_fragment;
use xtask::description::Description;
use xtask::description::cut::cut;
use xtask::description::family::scopes;
use xtask::repairs::Idle;

const PUT: &str = "actions/create-or-update-org-secret";
const ONE: &str = "/orgs/{org}/actions/secrets/{secret_name}";

fn error(change: impl FnOnce(&mut Value)) -> String {
    let mut description = fragment();
    change(&mut description);
    let description = Description::from_value(description).unwrap();
    let operations = description.operations();
    let cut = cut(&description, &operations, &Default::default()).unwrap();
    let refused = from_fragment(&cut, &source(), &docs(), Idle::Refuse);
    format!("{:#}", refused.map(drop).unwrap_err())
}

fn properties<'a>(description: &'a mut Value, path: &str, method: &str) -> &'a mut Value {
    let body = &mut description["paths"][path][method]["requestBody"];
    &mut body["content"]["application/json"]["schema"]["properties"]
}

fn rename(properties: &mut Value, old: &str, new: &str) {
    let properties = properties.as_object_mut().unwrap();
    let property = properties.remove(old).unwrap();
    properties.insert(new.to_owned(), property);
}

#[test]
fn an_operation_that_is_not_understood_is_told_and_no_repair_speaks_of_it() {
    let changes: [fn(&mut Value); 6] = [
        |d| rename(properties(d, ONE, "put"), "encrypted_value", "boxed_value"),
        |d| {
            let put = d["paths"][ONE].as_object_mut().unwrap().remove("put");
            d["paths"][ONE]["post"] = put.unwrap();
        },
        |d| {
            let put = d["paths"][ONE].as_object_mut().unwrap().remove("put");
            d["paths"]["/organizations/{org}/secrets/{secret_name}"] = json!({ "put": put });
        },
        |d| {
            let put = &mut d["paths"][ONE]["put"];
            let content = put["requestBody"]["content"].as_object_mut().unwrap();
            let json = content.remove("application/json").unwrap();
            content.insert("application/vnd.github+json".to_owned(), json);
        },
        |d| {
            let put = &mut d["paths"][ONE]["put"]["requestBody"]["content"]["application/json"];
            let schema = put["schema"].take();
            put["schema"] = json!({ "allOf": [schema] });
        },
        |d| {
            let properties = properties(d, ONE, "put");
            properties["visibility"] = json!({ "type": "object" });
        },
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let told = error(change);
        assert!(told.contains(PUT), "{index}: {told}");
        assert!(!told.contains("remove the repair"), "{index}: {told}");
    }
}

#[test]
fn a_witness_that_belongs_to_no_store_any_more_says_so() {
    let told = error(|description| {
        let text = description["paths"].to_string();
        let moved = text.replace("/orgs/{org}/actions/", "/organizations/{org}/actions/");
        description["paths"] = serde_json::from_str(&moved).unwrap();
    });
    assert!(
        told.contains("`actions/list-org-secrets` (GET /organizations/{org}/actions/secrets) belongs to no store any more"),
        "{told}"
    );
    assert!(!told.contains("remove the repair"), "{told}");
}

#[test]
fn everything_that_keeps_the_dispatch_from_being_generated_is_told_at_once() {
    let stores = ["actions", "agents", "dependabot"];
    let told = error(|description| {
        for store in stores {
            let path = format!("/orgs/{{org}}/{store}/secrets/{{secret_name}}");
            rename(
                properties(description, &path, "put"),
                "encrypted_value",
                "boxed_value",
            );
        }
    });
    assert!(told.starts_with("3 faults:"), "{told}");
    for store in stores {
        let id = format!("`{store}/create-or-update-org-secret` (PUT /orgs/");
        assert!(told.contains(&id), "{told}");
    }
    let told = error(|description| {
        for store in stores {
            let path = format!("/orgs/{{org}}/{store}/secrets");
            let reply = &mut description["paths"][path]["get"]["responses"]["200"];
            let page = &mut reply["content"]["application/json"]["schema"]["properties"];
            rename(page, "secrets", "things");
        }
    });
    for store in stores {
        assert!(
            told.contains(&format!("`{store}/list-org-secrets`")),
            "{told}"
        );
    }
}

#[test]
fn names_that_are_no_rust_names_are_generated_all_the_same() {
    let changes: [fn(&mut Value); 4] = [
        |d| {
            let schemas = &mut d["components"]["schemas"];
            schemas["actions-secret"]["properties"]["3d"] = json!({ "type": "string" });
            schemas["actions-secret"]["properties"]["type"] = json!({ "type": "string" });
        },
        |d| properties(d, ONE, "put")["3d"] = json!({ "type": "string" }),
        |d| {
            let text = d["paths"].to_string().replace("/agents/", "/3d-robots/");
            d["paths"] = serde_json::from_str(&text).unwrap();
        },
        // GitHub takes the names of our own components.
        |d| {
            let text = d.to_string();
            let text = text.replace("schemas/actions-secret\"", "schemas/store_secret\"");
            *d = serde_json::from_str(&text).unwrap();
            let schemas = d["components"]["schemas"].as_object_mut().unwrap();
            let secret = schemas.remove("actions-secret").unwrap();
            schemas.insert("store_secret".to_owned(), secret);
            for ours in ["hidden-text", "key-id", "store-public-key"] {
                schemas.insert(ours.to_owned(), json!({ "type": "integer" }));
            }
            let properties = &mut schemas["full-repository"]["properties"];
            properties["id"] = json!({ "$ref": "#/components/schemas/key-id" });
        },
    ];
    for change in changes {
        let mut description = fragment();
        change(&mut description);
        let description = Description::from_value(description).unwrap();
        let operations = description.operations();
        let cut = cut(&description, &operations, &Default::default()).unwrap();
        from_fragment(&cut, &source(), &docs(), Idle::Allow).unwrap();
    }
}

#[test]
fn the_stores_are_the_same_whatever_tags_operations_have() {
    let names = |description: &Value| -> Vec<_> {
        let scopes = scopes(description);
        scopes
            .into_iter()
            .map(|scope| (scope.place, scope.store))
            .collect()
    };
    let mut description = fragment();
    let before = names(&description);
    let paths = description["paths"].as_object_mut().unwrap();
    for (index, operation) in paths
        .values_mut()
        .flat_map(|item| item.as_object_mut().unwrap().values_mut())
        .filter(|operation| operation.is_object())
        .enumerate()
    {
        let tags = [
            json!([]),
            json!(["other"]),
            json!(["new", "actions"]),
            json!(null),
        ];
        operation["tags"] = tags[index % tags.len()].clone();
    }
    assert_eq!(names(&description), before);
}
