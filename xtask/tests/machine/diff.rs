//! What a diff says of one change each, on real operations: the words, and whom it breaks.

mod cases;
mod effects;
mod generated;

use rayon::prelude::*;

use self::cases::{CASES, Case, PUT, put, schema};
use self::effects::{EFFECTS, READ, READ_ALWAYS, REGISTRY, SHARED, sent, shared};
use self::generated::GENERATED;
use crate::support::{fragment, here};
use serde_json::{Value, json};
use xtask::codegen::from_fragment;
use xtask::description::Description;
use xtask::description::cut::cut;
use xtask::description::source::Source;
use xtask::diff::{Breaks, Report, Step, Uses, diff};
use xtask::repairs::Idle;

fn report(old: impl FnOnce(&mut Value), new: impl FnOnce(&mut Value)) -> Report {
    let (before, after) = (described(old), described(new));
    let parse = |value| Description::from_value(value).unwrap();
    let uses = Uses::of(&here()).unwrap();
    diff(&parse(before), &parse(after), &source(), &uses, "0.1.0").unwrap()
}

fn source() -> Source {
    let mut source = crate::support::source();
    // An operation that a user added, and `octoseal` does not call.
    source
        .operations
        .insert("mine".to_owned(), vec!["mine/do".to_owned()]);
    source
}

/// The vendored fragment and an operation of the user's own, after `change`.
fn described(change: impl FnOnce(&mut Value)) -> Value {
    let mut description = fragment();
    let sort = json!({ "type": "string", "enum": ["up", "down"] });
    let part = |name: &str| json!({ "type": "object", "properties": { name: { "type": "string" } }, "required": [name] });
    let parts = json!({ "allOf": [{ "allOf": [part("x")] }, { "type": "object", "properties": { "y": { "type": "string" } } }] });
    description["paths"]["/mine"] = json!({ "put": {
        "operationId": "mine/do",
        "parameters": [{ "name": "sort", "in": "query", "schema": sort }],
        "requestBody": content(json!({ "type": "object", "properties": {
            "a": { "type": "string" },
            "b": { "type": "string", "enum": ["x", "y"] },
            "count": { "type": "integer" },
            "list": { "type": "array", "items": { "type": "string" } },
            "parts": parts,
        } })),
        "responses": { "200": content(json!({ "type": "object", "properties": {
            "p": { "type": "string", "enum": ["x", "y"] },
            "q": { "type": "integer" },
            "parts": parts,
            "one": { "oneOf": [part("left"), part("right")] },
            "user": { "$ref": "#/components/schemas/basic-error" },
        }, "required": ["q"] })) },
    } });
    change(&mut description);
    description
}

fn content(schema: Value) -> Value {
    json!({ "content": { "application/json": { "schema": schema } } })
}

/// All generated code, if there is any.
fn code(change: impl FnOnce(&mut Value)) -> Option<Vec<String>> {
    let fragment = Description::from_value(described(change)).unwrap();
    let docs = crate::support::docs();
    let cut = cut(&fragment, &fragment.operations(), &Default::default()).unwrap();
    let files = from_fragment(&cut, &source(), &docs, Idle::Allow).ok()?;
    Some(files.into_iter().map(|file| file.text).collect())
}

#[test]
fn each_change_is_told_where_it_is_and_breaks_whom_it_breaks() {
    let unchanged = code(few);
    assert!(unchanged.is_some());
    let all: Vec<_> = CASES.iter().chain(GENERATED).chain(EFFECTS).collect();
    let wrong: Vec<_> = all
        .par_iter()
        .filter_map(|case| fault(case, few, &unchanged))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_field_more_breaks_neither_those_who_write_the_type_nor_those_who_read_it() {
    let before = |description: &mut Value| {
        few(description);
        shared(description);
    };
    let unchanged = code(before);
    assert_eq!(fault(SHARED, before, &unchanged), None);
}

#[test]
fn a_field_that_octoseal_reads_breaks_it_where_its_type_tells_whether_it_may_be_left_out() {
    let before = |description: &mut Value| {
        few(description);
        sent(description);
    };
    assert_eq!(fault(READ, before, &code(before)), None);
    let before = |description: &mut Value| {
        few(description);
        sent(description);
        schema(description, "full-repository")["required"] = json!(["id", "full_name"]);
    };
    assert_eq!(fault(READ_ALWAYS, before, &code(before)), None);
}

#[test]
fn a_field_of_a_registry_that_octoseal_can_do_without_breaks_nobody_when_it_may_be_null() {
    let before = |_: &mut Value| {};
    assert_eq!(fault(REGISTRY, before, &code(before)), None);
}

/// Leaves the operations that the cases are about, so that generating them takes no time.
fn few(description: &mut Value) {
    let kept = [
        "/mine",
        "/orgs/{org}/actions/",
        "/orgs/{org}/codespaces/",
        "/app",
        "/repos/{owner}/{repo}",
    ];
    let deeper = "/repos/{owner}/{repo}/";
    let paths = description["paths"].as_object_mut().unwrap();
    paths.retain(|path, _| {
        !path.starts_with(deeper) && kept.iter().any(|kept| path.starts_with(kept))
    });
}

/// What is wrong with the report of one change, beside the code that is generated from it.
fn fault(
    (operation, change, place, what, breaks): &Case,
    before: fn(&mut Value),
    unchanged: &Option<Vec<String>>,
) -> Option<String> {
    let changed = |description: &mut Value| {
        before(description);
        change(description);
    };
    let report = report(before, changed);
    let found: Vec<_> = report
        .changed
        .iter()
        .filter(|each| each.operation == *operation)
        .collect();
    let told = found
        .iter()
        .find(|each| each.position == *place && each.what == *what);
    let step = |name: &str| report.bump[name].step;
    let worst = report.changed.iter().map(|each| each.breaks).max();
    let low_level = step("octoseal-api");
    let identical = code(changed) == *unchanged;
    let faults = [
        (place.is_empty() != found.is_empty(), "is told or not"),
        (told.is_none() && !place.is_empty(), "is told otherwise"),
        (
            told.is_some_and(|told| told.breaks != *breaks),
            "breaks others",
        ),
        (
            (low_level == Step::Breaking) != (worst >= Some(Breaks::LowLevel)),
            "bumps octoseal-api wrongly",
        ),
        (
            (step("octoseal") == Step::Breaking) != (worst == Some(Breaks::Octoseal)),
            "bumps octoseal wrongly",
        ),
        (
            low_level == Step::None && !identical,
            "bumps nothing, but the code differs",
        ),
        // Where the code is the same, only what GitHub no longer sends can break anybody.
        (
            identical && low_level != Step::None && *breaks != Breaks::Octoseal,
            "bumps, but the code is the same",
        ),
    ];
    let wrong: Vec<_> = faults
        .iter()
        .filter(|fault| fault.0)
        .map(|fault| fault.1)
        .collect();
    (!wrong.is_empty()).then(|| format!("{operation} {place} {what}: {wrong:?} in {found:#?}"))
}

#[test]
fn a_path_whose_pieces_swap_places_breaks_those_who_pass_them_by_position() {
    let at = |path: &'static str| {
        move |description: &mut Value| {
            let paths = description["paths"].as_object_mut().unwrap();
            let mut item = paths.remove("/mine").unwrap();
            let piece = |name: &str| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } });
            item["put"]["parameters"] = json!([piece("a"), piece("b")]);
            paths.insert(path.to_owned(), item);
        }
    };
    let verdicts = |report: Report| -> Vec<_> {
        let changed = report.changed.into_iter();
        changed.map(|each| (each.position, each.breaks)).collect()
    };
    let swapped = report(at("/mine/{a}/{b}"), at("/mine/{b}/{a}"));
    assert_eq!(verdicts(swapped), [("call".to_owned(), Breaks::LowLevel)]);
    let moved = report(at("/mine/{a}/{b}"), at("/yours/{a}/{b}"));
    assert_eq!(verdicts(moved), [("call".to_owned(), Breaks::Nobody)]);
}

#[test]
fn an_operation_that_is_marked_or_unmarked_as_content_is_told_and_followed_by_a_new_version() {
    let mark = |description: &mut Value| {
        let put = &mut description["paths"]["/orgs/{org}/actions/secrets/{secret_name}"]["put"];
        put["x-github"] = json!({ "triggersNotification": true });
    };
    let nothing = |_: &mut Value| {};
    for (report, what) in [
        (report(nothing, mark), "creates content: none becomes true"),
        (report(mark, nothing), "creates content: true becomes none"),
    ] {
        let told: Vec<_> = report
            .changed
            .iter()
            .map(|each| each.what.as_str())
            .collect();
        assert_eq!(told, [what]);
        assert_eq!(report.changed[0].operation, PUT);
        for bump in report.bump.values() {
            assert_eq!(bump.step, Step::Compatible);
        }
    }
}

#[test]
fn nothing_changed_is_no_new_version() {
    let report = report(|_| {}, |_| {});
    assert!(report.changed.is_empty() && report.added.is_empty() && report.removed.is_empty());
    assert!(
        report
            .bump
            .values()
            .all(|bump| bump.step == Step::None && bump.to == "0.1.0")
    );
    assert!(
        report
            .to_string()
            .contains("nothing that we keep has changed")
    );
}

#[test]
fn a_store_that_goes_breaks_octoseal_and_one_that_comes_breaks_nobody() {
    let without = |description: &mut Value| {
        description["paths"]
            .as_object_mut()
            .unwrap()
            .retain(|path, _| !path.contains("/agents/"));
    };
    let gone = report(|_| {}, without);
    assert_eq!(
        gone.stores_removed,
        ["agents at Organization", "agents at Repository"]
    );
    let of_the_store = |id: &str| id.contains("secret") || id.contains("public-key");
    assert!(gone.removed.len() > 10);
    assert!(
        gone.removed
            .iter()
            .filter(|each| of_the_store(&each.operation))
            .all(|each| each.breaks == Breaks::Octoseal)
    );
    assert_eq!(gone.bump["octoseal"].to, "0.2.0");

    let come = report(without, |_| {});
    assert_eq!(come.stores_added, gone.stores_removed);
    assert_eq!(come.added.len(), gone.removed.len());
    assert_eq!(
        (
            come.bump["octoseal"].step,
            come.bump["octoseal"].to.as_str()
        ),
        (Step::Compatible, "0.1.1")
    );
}

#[test]
fn an_operation_that_octoseal_does_not_call_breaks_only_the_low_level_crate_when_it_goes() {
    let report = report(
        |_| {},
        |description| {
            description["paths"]
                .as_object_mut()
                .unwrap()
                .remove("/mine");
        },
    );
    assert_eq!(report.removed[0].breaks, Breaks::LowLevel);
    assert_eq!(report.bump["octoseal"].step, Step::None);
    assert_eq!(report.bump["octoseal-api"].to, "0.2.0");
}

#[test]
fn another_type_of_what_octoseal_needs_breaks_it_even_if_it_is_not_read_by_name() {
    let mut source = source();
    let needed = source.needed.get_mut("installation-token").unwrap();
    needed.insert("single_file".to_owned());
    let described = |kind: &str| {
        let mut description = described(few);
        let token = schema(&mut description, "installation-token");
        token["properties"]["single_file"]["type"] = json!(kind);
        Description::from_value(description).unwrap()
    };
    let (before, after) = (described("string"), described("integer"));
    let uses = Uses::of(&here()).unwrap();
    let report = diff(&before, &after, &source, &uses, "0.1.0").unwrap();
    let told = report.changed.iter();
    let told: Vec<_> = told.map(|each| (each.what.as_str(), each.breaks)).collect();
    assert_eq!(told, [("string becomes integer", Breaks::Octoseal)]);
}

#[test]
fn a_report_reads_as_text_as_a_pull_request_and_as_json() {
    let report = report(
        |_| {},
        |description| put(description)["required"] = json!(["visibility", "key_id"]),
    );
    assert!(report.to_string().contains("\nBreaks callers of octoseal (1)\n  actions/create-or-update-org-secret body.key_id: required now\n"), "{report}");
    let markdown = report.markdown();
    assert!(markdown.contains("### Breaks callers of octoseal (1)\n\n- `actions/create-or-update-org-secret` body.key_id: required now\n"), "{markdown}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(
        json["changed"][0],
        json!({ "operation": PUT, "position": "body.key_id", "what": "required now", "breaks": "octoseal" })
    );
    assert_eq!(
        json["bump"]["octoseal"],
        json!({ "step": "breaking", "from": "0.1.0", "to": "0.2.0" })
    );
}
