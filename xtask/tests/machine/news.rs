//! What a diff says of operations that we do not keep: what is new, and what only changed its name.

use crate::support::{add_robots, fragment, here};
use serde_json::{Value, json};
use xtask::description::Description;
use xtask::diff::{Report, Uses, diff};

fn report(change: impl FnOnce(&mut Value)) -> Report {
    report_where("", change)
}

/// The report where `source.toml` leaves this collection out on purpose.
fn report_where(left_out: &str, change: impl FnOnce(&mut Value)) -> Report {
    let mut source = crate::support::source();
    if !left_out.is_empty() {
        let collections = [left_out.to_owned()].into();
        source.left_out.insert("mine".to_owned(), collections);
    }
    let mut after = fragment();
    change(&mut after);
    let parse = |value| Description::from_value(value).unwrap();
    let uses = Uses::of(&here()).unwrap();
    diff(&parse(fragment()), &parse(after), &source, &uses, "0.1.0").unwrap()
}

/// A collection of variables, which is no store whatever it stands beside.
fn add_variables(description: &mut Value, store: &str) {
    let path = format!("/orgs/{{org}}/{store}/variables/{{name}}");
    description["paths"][path] = json!({ "patch": {
        "operationId": format!("{store}/update-org-variable"), "responses": { "204": {} },
    } });
}

#[test]
fn a_store_that_nobody_keeps_yet_and_what_is_beside_it_have_sections_of_their_own() {
    let report = report(|description| {
        add_robots(description);
        add_variables(description, "robots");
    });
    let told = report.to_string();
    assert!(
        told.contains("\nNew at stores, and not kept (2)\n  the list of operations leaves out 9 of /orgs/{org}/robots/secrets"),
        "{told}"
    );
    assert!(
        told.contains("\nNew beside our stores, and not kept (1)\n  the list of operations leaves out 1 of /orgs/{org}/robots/variables"),
        "{told}"
    );
    assert!(
        report
            .markdown()
            .contains("### New at stores, and not kept (2)\n\n- ")
    );
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(
        json["left_out"][0]["collection"],
        "/orgs/{org}/robots/secrets"
    );
}

#[test]
fn what_is_left_out_on_purpose_is_not_told_every_week() {
    let variables = |description: &mut Value| add_variables(description, "dependabot");
    assert_eq!(report(variables).left_out.len(), 1);
    let report = report_where("/orgs/{org}/dependabot/variables", variables);
    assert!(report.left_out.is_empty(), "{report}");
}

#[test]
fn an_operation_under_another_id_is_renamed_and_one_that_is_gone_is_removed() {
    let report = report(|description| {
        let paths = &mut description["paths"];
        paths["/orgs/{org}/actions/secrets"]["get"]["operationId"] = json!("actions/list-secrets");
        paths
            .as_object_mut()
            .unwrap()
            .remove("/user/codespaces/secrets");
    });
    let told: Vec<_> = report
        .removed
        .iter()
        .map(|change| (change.operation.as_str(), change.what.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "actions/list-org-secrets",
                "renamed to actions/list-secrets"
            ),
            ("codespaces/list-secrets-for-authenticated-user", "removed"),
        ]
    );
    let others: Vec<_> = report
        .changed
        .iter()
        .filter(|change| change.operation.starts_with("actions/"))
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn every_operation_of_a_store_under_another_id_is_one_line_each() {
    let report = report(|description| {
        let text = description["paths"].to_string();
        let renamed = text.replace("\"agents/", "\"robots/");
        description["paths"] = serde_json::from_str(&renamed).unwrap();
    });
    assert!(
        report
            .removed
            .iter()
            .all(|each| each.what.starts_with("renamed to robots/"))
    );
    assert!(
        report.changed.is_empty() && report.added.is_empty(),
        "{report}"
    );
    assert!(
        report.losses.is_none() && report.stores_removed.is_empty(),
        "{report}"
    );
}
