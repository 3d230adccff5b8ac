//! A description that contradicts what is known by hand, or what stores have in common: told by operation, and never
//! overruled in silence.

use crate::support::{Workshop, add_robots, docs, fragment, here, source};
use serde_json::{Value, json};
use xtask::codegen::{self, from_fragment};
use xtask::description::Description;
use xtask::diff::{Breaks, Uses, diff};
use xtask::repairs::{Idle, apply};
use xtask::tree::{Mode, SOURCE};

const PAGED: &str = "/user/codespaces/secrets/{secret_name}/repositories";
const REGISTRIES: &str = "/orgs/{org}/private-registries";
const KEY: &str = "/orgs/{org}/agents/secrets/public-key";

/// What generation says of the fixture with a change.
fn refused(change: impl FnOnce(&mut Value)) -> String {
    let mut description = fragment();
    change(&mut description);
    let files = from_fragment(&description, &source(), &docs(), Idle::Allow);
    format!("{:#}", files.map(drop).unwrap_err())
}

fn query(names: &[&str]) -> Value {
    let each = |name: &&str| json!({ "name": name, "in": "query", "schema": { "type": "string" } });
    names.iter().map(each).collect()
}

#[test]
fn a_list_that_practice_says_is_paged_by_number_and_that_has_cursors_is_refused() {
    let error = refused(|description| {
        let list = &mut description["paths"][PAGED]["get"]["parameters"];
        let more = query(&["after", "before", "per_page"]);
        let more = more.as_array().unwrap().iter().cloned();
        list.as_array_mut().unwrap().extend(more);
    });
    assert!(
        error.contains(
            "`codespaces/list-repositories-for-secret-for-authenticated-user` is in [practice.paged]"
        ) && error.contains("described with `after`"),
        "{error}"
    );
}

#[test]
fn the_list_of_registries_that_is_no_longer_paged_by_number_is_refused() {
    let error = refused(|description| {
        let list = &mut description["paths"][REGISTRIES]["get"]["parameters"];
        *list = query(&["after", "per_page"]);
        let org = json!({ "$ref": "#/components/parameters/org" });
        list.as_array_mut().unwrap().push(org);
    });
    let words = "`private-registries/list-org-private-registries` has no `page`";
    assert!(error.contains(words), "{error}");
}

#[test]
fn a_read_of_a_store_that_gains_a_success_without_json_is_refused() {
    let error = refused(|description| {
        description["paths"][KEY]["get"]["responses"]["204"] = json!({});
    });
    let words = "`agents/get-org-public-key`: its reply 204 brings no JSON";
    assert!(error.contains(words), "{error}");
}

#[test]
fn what_stores_tell_in_different_types_is_read_as_it_comes() {
    let mut description = fragment();
    for (component, kind) in [
        ("organization-dependabot-secret", "integer"),
        ("organization-actions-secret", "string"),
        ("dependabot-secret", "string"),
    ] {
        let schema = &mut description["components"]["schemas"][component]["properties"];
        assert!(schema.is_object(), "{component}");
        schema["note"] = json!({ "type": kind });
    }
    let (repaired, _) = apply(&description, &source()).unwrap();
    let secret = &repaired["components"]["schemas"]["store-secret"]["properties"];
    assert_eq!(secret["note"], json!({}));
    assert_eq!(secret["name"]["type"], "string");
}

#[test]
fn what_several_repairs_refuse_is_told_together() {
    let error = refused(|description| {
        description["paths"][KEY]["get"]["responses"]["204"] = json!({});
        let list = &mut description["paths"][REGISTRIES]["get"]["parameters"];
        *list = json!([{ "$ref": "#/components/parameters/org" }]);
    });
    assert!(error.contains("agents/get-org-public-key"), "{error}");
    assert!(
        error.contains("private-registries/list-org-private-registries"),
        "{error}"
    );
}

#[test]
fn facts_about_what_the_description_does_not_have_are_named() {
    for (before, after, words) in [
        (
            "installation-token = [\"token\"",
            "installation-token = [\"bearer\"",
            "[needed] names `bearer` of `installation-token`",
        ),
        (
            "installation-token = [",
            "installation-tokens = [",
            "[needed] names `expires_at` of `installation-tokens`",
        ),
        (
            "[practice.paged]",
            "[practice.paged]\n\"old/list\" = { seen_in = [] }",
            "[practice.paged] names `old/list`",
        ),
        (
            "\"dependabot/create-or-update-org-secret\" = { before",
            "\"old/update\" = { before = \"2026-03-10\" }\n\"dependabot/create-or-update-org-secret\" = { before",
            "[practice.ids_as_text] names `old/update`",
        ),
    ] {
        let workshop = Workshop::new();
        let text = workshop.tree.read(SOURCE).unwrap();
        assert!(text.contains(before), "{before}");
        workshop.file(SOURCE, text.replace(before, after));
        let files = workshop.snapshot();
        let error = codegen::run(&workshop.tree, Mode::Write, Idle::Refuse).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains(words), "{words}: {error}");
        assert_eq!(workshop.snapshot(), files);
    }
}

#[test]
fn two_stores_of_one_rust_name_are_refused_with_both() {
    let error = refused(|description| {
        add_robots(description);
        let text = description.to_string();
        let other = text
            .replace("/robots/", "/ro-bots/")
            .replace("robots/", "ro-bots/");
        let other: Value = serde_json::from_str(&other).unwrap();
        let text = text
            .replace("/robots/", "/ro_bots/")
            .replace("\"robots/", "\"ro_bots_/");
        *description = serde_json::from_str(&text).unwrap();
        for (path, item) in other["paths"].as_object().unwrap() {
            if path.contains("/ro-bots/") {
                description["paths"][path] = item.clone();
            }
        }
    });
    let words = "`OrganizationStore::RoBots` would be that of the store `ro_bots` and of the store `ro-bots`";
    assert!(error.contains(words), "{error}");
}

#[test]
fn a_sealed_value_is_known_wherever_its_name_says_so() {
    let mut description = fragment();
    let registry = &mut description["paths"][format!("{REGISTRIES}/{{secret_name}}")]["patch"];
    let body = &mut registry["requestBody"]["content"]["application/json"]["schema"];
    body["properties"]["value_encrypted"] = json!({ "type": "string" });
    let (repaired, _) = apply(&description, &source()).unwrap();
    let body = repaired["paths"][format!("{REGISTRIES}/{{secret_name}}")]["patch"].to_string();
    assert!(
        body.contains(r##""value_encrypted":{"$ref":"#/components/schemas/encrypted-value"}"##),
        "{body}"
    );
}

#[test]
fn what_a_description_says_of_all_calls_and_is_not_as_they_are_made_is_refused_and_told() {
    for (key, value, words) in [
        (
            "servers",
            json!([{ "url": "https://eu.api.github.com" }]),
            "`servers` of the description: https://eu.api.github.com, which is not asked",
        ),
        (
            "security",
            json!([{ "key": [] }]),
            "`security` of the description: [{\"key\":[]}], not read",
        ),
    ] {
        let workshop = Workshop::new();
        let mut description = fragment();
        description["servers"] = json!([{ "url": "https://api.github.com" }]);
        description["info"]["version"] = json!("99.0.0");
        workshop.vendor(&description).unwrap();

        description[key] = value;
        let workshop = Workshop::new();
        let before = workshop.snapshot();
        let error = workshop.vendor(&description).map(drop).unwrap_err();
        assert_eq!(format!("{error:#}"), words);
        assert_eq!(workshop.snapshot(), before);
        let parse = |value| Description::from_value(value).unwrap();
        let (old, new) = (parse(fragment()), parse(description));
        let uses = Uses::of(&here()).unwrap();
        let report = diff(&old, &new, &source(), &uses, "0.1.0").unwrap();
        assert_eq!(report.worst(), Breaks::Octoseal);
        assert!(report.to_string().contains(words), "{report}");
    }
}

/// What vendoring a description says that has a change.
fn unvendored(change: impl FnOnce(&mut Value)) -> String {
    let workshop = Workshop::new();
    let mut description = fragment();
    description["info"]["version"] = json!("99.0.0");
    change(&mut description);
    let error = workshop.vendor(&description).map(drop).unwrap_err();
    format!("{error:#}")
}

#[test]
fn a_parameter_that_may_hold_slashes_by_githubs_word_is_refused_by_name() {
    let error = unvendored(|description| {
        description["components"]["parameters"]["secret-name"]["x-multi-segment"] = json!(true);
    });
    let words = "`x-multi-segment` of its parameter \"secret_name\": not read";
    assert!(error.contains(words), "{error}");
    assert!(error.contains("actions/get-org-secret"), "{error}");
}

#[test]
fn all_operations_that_can_not_be_cut_are_named_together() {
    let error = unvendored(|description| {
        let nowhere = json!({ "$ref": "#/components/schemas/nowhere" });
        let content = json!({ "application/json": { "schema": nowhere } });
        description["paths"][KEY]["get"]["responses"]["200"]["content"] = content;
        let list = &mut description["paths"][REGISTRIES]["get"]["parameters"];
        *list = json!([{ "in": "query" }]);
    });
    assert!(error.contains("agents/get-org-public-key"), "{error}");
    assert!(
        error.contains("private-registries/list-org-private-registries"),
        "{error}"
    );
}
