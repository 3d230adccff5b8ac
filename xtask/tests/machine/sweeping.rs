//! A sweep takes every operation alone: one that fails is told by cause, and the rest go on.

use crate::support::fragment;
use serde_json::json;
use xtask::description::source::Source;
use xtask::description::{Description, operations};
use xtask::robots::sweep::sweep;

fn source() -> Source {
    crate::support::source()
}

#[test]
fn every_operation_that_we_keep_generates_alone() {
    let description = Description::from_value(fragment()).unwrap();
    let kept = description.operations().len();
    let sweep = sweep(&description, &source());
    sweep.verdict().unwrap();
    assert_eq!(sweep.operations, kept);
    assert!(
        sweep
            .to_string()
            .starts_with(&format!("{kept} of {kept} operations generate"))
    );
}

#[test]
fn failures_are_counted_by_cause_and_named_and_the_rest_goes_on() {
    let mut description = fragment();
    let kept = operations(&description).len();
    for store in ["one", "two"] {
        // A path parameter that the path does not have.
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
    assert!(cause.contains("has no place for its parameter"), "{cause}");
    assert_eq!(ids, &["bad/one", "bad/two"]);
    let message = sweep.verdict().unwrap_err().to_string();
    let all = kept + 2;
    assert_eq!(message, format!("2 of {all} operations fail"));
    assert!(
        sweep
            .to_string()
            .contains(&format!("{kept} of {all} operations generate"))
    );
}

#[test]
fn a_sweep_of_nothing_is_no_success() {
    let nothing = json!({ "openapi": "3.0.3", "paths": {} });
    let sweep = sweep(&Description::from_value(nothing).unwrap(), &source());
    let message = sweep.verdict().unwrap_err().to_string();
    assert!(message.contains("no operations"), "{message}");
}
