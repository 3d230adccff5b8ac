//! A sweep takes every operation alone: one that fails is told by cause, and the rest go on.

use crate::support::fragment;
use serde_json::json;
use xtask::description::Description;
use xtask::source::Source;
use xtask::sweep::sweep;
use xtask::tree::{SOURCE, Tree};

fn source() -> Source {
    Source::parse(&Tree::here().read(SOURCE).unwrap()).unwrap()
}

#[test]
fn every_operation_that_we_keep_generates_alone() {
    let description = Description::from_value(fragment()).unwrap();
    let sweep = sweep(&description, &source());
    sweep.verdict().unwrap();
    assert_eq!(sweep.operations, 84);
    assert!(
        sweep
            .to_string()
            .starts_with("84 of 84 operations generate")
    );
}

#[test]
fn failures_are_counted_by_cause_and_named_and_the_rest_goes_on() {
    let mut description = fragment();
    for store in ["one", "two"] {
        // A path parameter that the path does not have makes progenitor panic.
        let parameters = ["there", "nowhere"].map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
        description["paths"][format!("/{store}/{{there}}")] = json!({ "get": {
            "operationId": format!("bad/{store}"),
            "parameters": parameters,
            "responses": { "204": {} },
        } });
    }
    let sweep = sweep(&Description::from_value(description).unwrap(), &source());
    assert_eq!(sweep.failures.len(), 1, "{:?}", sweep.failures);
    let (cause, ids) = sweep.failures.first_key_value().unwrap();
    assert!(cause.contains("progenitor panicked"), "{cause}");
    assert_eq!(ids, &["bad/one", "bad/two"]);
    let message = sweep.verdict().unwrap_err().to_string();
    assert_eq!(message, "2 of 86 operations fail");
    assert!(sweep.to_string().contains("84 of 86 operations generate"));
}
