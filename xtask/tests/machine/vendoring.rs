//! Vendoring: what it keeps, what it refuses, and that a refusal changes nothing.

use std::path::PathBuf;

use crate::support::{Workshop, add_robots, fragment, source, wanted};
use serde_json::{Value, json};
use xtask::description::operations;
use xtask::description::source::{Source, with_package};
use xtask::repairs::Idle;
use xtask::tree::{FRAGMENT, Mode, SOURCE};
use xtask::vendor::fetch::Wanted;
use xtask::vendor::{Options, run};

fn from(path: PathBuf) -> Options {
    Options {
        wanted: wanted(path, "0.0.0-test"),
        ..Options::default()
    }
}

/// The message of a refusal, after making sure that nothing was written.
fn refusal(workshop: &Workshop, options: &Options) -> String {
    let before = workshop.snapshot();
    let error = run(&workshop.tree, options).expect_err("it must be refused");
    assert_eq!(workshop.snapshot(), before, "the tree changed");
    format!("{error:#}")
}

fn refused(bytes: impl AsRef<[u8]>) -> String {
    let workshop = Workshop::new();
    let file = workshop.file("description.json", bytes);
    refusal(&workshop, &from(file))
}

fn refused_json(change: impl FnOnce(&mut Value)) -> String {
    let mut description = fragment();
    change(&mut description);
    refused(description.to_string())
}

#[test]
fn cutting_what_was_cut_changes_nothing() {
    let workshop = Workshop::new();
    let before = workshop.snapshot();
    let file = workshop.file("description.json", &before[FRAGMENT]);
    let outcome = run(&workshop.tree, &from(file)).unwrap();
    assert_eq!(workshop.snapshot()[FRAGMENT], before[FRAGMENT]);
    assert_eq!(outcome.changed, [SOURCE], "the pin moved, and nothing else");
}

#[test]
fn prose_is_dropped_and_properties_that_are_called_like_prose_are_kept() {
    let workshop = Workshop::new();
    let mut description = fragment();
    let operation = &mut description["paths"]["/orgs/{org}/actions/secrets"]["get"];
    operation["description"] = json!("Words of GitHub's.");
    operation["x-github"] = json!({ "category": "actions" });
    let secret = &mut description["components"]["schemas"]["organization-actions-secret"];
    secret["properties"]["description"] = json!({ "type": "string", "example": "An example." });
    let file = workshop.file("description.json", description.to_string());
    run(&workshop.tree, &from(file)).unwrap();
    let kept: Value = serde_json::from_str(&workshop.tree.read(FRAGMENT).unwrap()).unwrap();
    let mut expected = fragment();
    expected["components"]["schemas"]["organization-actions-secret"]["properties"]["description"] =
        json!({ "type": "string" });
    assert_eq!(kept, expected);
}

#[test]
fn a_file_of_another_digest_than_the_pinned_one_is_refused() {
    let workshop = Workshop::new();
    let file = workshop.file("description.json", fragment().to_string());
    let message = refusal(
        &workshop,
        &Options {
            wanted: Wanted {
                from: Some(file),
                ..Wanted::default()
            },
            ..Options::default()
        },
    );
    assert!(
        message.contains("sha256") && message.contains("is pinned"),
        "{message}"
    );
    assert!(
        message.contains("--version"),
        "it tells how the pin moves: {message}"
    );
}

#[test]
fn the_pin_moves_with_the_version_and_the_rest_of_the_file_stays() {
    let workshop = Workshop::new();
    let text = workshop.tree.read(SOURCE).unwrap();
    let mut package = Source::parse(&text).unwrap().package;
    package.integrity = "sha512-pinned".to_owned();
    workshop.file(SOURCE, with_package(&text, &package).unwrap());
    let before = workshop.snapshot();
    let file = workshop.file("description.json", fragment().to_string());
    run(&workshop.tree, &from(file)).unwrap();
    let (old, new) = (&before[SOURCE], &workshop.snapshot()[SOURCE]);
    let changed: Vec<_> = old
        .lines()
        .zip(new.lines())
        .filter(|(old, new)| old != new)
        .map(|(_, new)| new)
        .collect();
    assert_eq!(old.lines().count(), new.lines().count());
    assert_eq!(
        changed.len(),
        3,
        "version, integrity and sha256: {changed:?}"
    );
    assert_eq!(changed[0], "version = \"0.0.0-test\"");
    assert_eq!(
        changed[1], "integrity = \"\"",
        "no archive was read that the file could come from"
    );
}

#[test]
fn files_that_are_no_description_are_refused_by_name_of_what_is_wrong() {
    let whole = fragment().to_string();
    for (bytes, expected) in [
        ("", "the file is empty"),
        ("[1, 2]", "not a JSON object"),
        ("{]", "not JSON"),
        ("{}", "no `openapi`"),
        ("openapi: 3.0.3\ninfo:\n  title: x\n", "this is YAML"),
        ("# words\n---\nswagger: '2.0'\n", "this is YAML"),
        (
            r#"{"openapi":"3.1.0","paths":{}}"#,
            "OpenAPI 3.1.0 is not understood",
        ),
        (
            r#"{"swagger":"2.0","paths":{}}"#,
            "Swagger 2.0 is not understood",
        ),
        (r#"{"openapi":"3.0.3"}"#, "`paths` is missing"),
        (
            r#"{"openapi":"3.0.3","paths":{"/x":7}}"#,
            "paths./x is not an object",
        ),
        (
            r##"{"openapi":"3.0.3","paths":{"/x":{"$ref":"#/y"}}}"##,
            "paths./x has `$ref`",
        ),
        (
            r#"{"openapi":"3.0.3","paths":{"/x":{"GET":{}}}}"#,
            "paths./x has `GET`",
        ),
        (
            r#"{"openapi":"3.0.3","paths":{"/x":{"get":{}}}}"#,
            "GET /x has no operationId",
        ),
        (
            r#"{"openapi":"3.0.3","paths":{"/x":{"get":{"operationId":"a"}}}}"#,
            "GET /x (`a`) has no responses",
        ),
        (&whole[..whole.len() / 2], "truncated"),
    ] {
        let message = refused(bytes);
        assert!(message.contains(expected), "{expected}: {message}");
        assert!(
            message.contains("description.json"),
            "it names the file: {message}"
        );
    }
}

#[test]
fn a_file_of_200_megabytes_is_refused_unread() {
    let workshop = Workshop::new();
    let path = workshop.file("description.json", "{");
    std::fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(200 << 20)
        .unwrap();
    let message = refusal(&workshop, &from(path));
    assert!(message.contains("200 MB"), "{message}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let workshop = Workshop::new();
    let message = refusal(&workshop, &from(PathBuf::from("nowhere.json")));
    assert!(message.contains("cannot read nowhere.json"), "{message}");
}

#[test]
fn a_kept_operation_that_is_gone_is_named_with_what_comes_nearest_or_with_its_new_id() {
    let moved = refused_json(|description| {
        let paths = description["paths"].as_object_mut().unwrap();
        let mut item = paths["/orgs/{org}/actions/secrets"].clone();
        item["get"]["operationId"] = json!("actions/list-organization-secrets");
        paths.remove("/orgs/{org}/actions/secrets");
        paths.insert("/organizations/{org}/actions/secrets".to_owned(), item);
    });
    assert!(
        moved.contains("`actions/list-org-secrets`; nearest: "),
        "{moved}"
    );
    assert!(
        moved.contains("actions/list-organization-secrets"),
        "{moved}"
    );
    let renamed = refused_json(|description| {
        description["paths"]["/orgs/{org}/actions/secrets"]["get"]["operationId"] =
            json!("actions/list-organization-secrets");
    });
    assert!(
        renamed
            .contains("`actions/list-org-secrets`: is `actions/list-organization-secrets` there"),
        "{renamed}"
    );
}

#[test]
fn an_entry_that_names_nothing_is_told_what_comes_nearest_of_its_kind() {
    for (entry, nearest) in [
        ("tag:dependbot", "tag:dependabot"),
        ("/orgs/{org}/action/*", "/orgs/{org}/actions/"),
        ("listOrgSecrets", "actions/list-org-secrets"),
        (
            "actions/createOrUpdateOrgSecret",
            "actions/create-or-update-org-secret",
        ),
    ] {
        let workshop = Workshop::new();
        let list = format!("[operations]\nonly-in-this-test = [\"{entry}\"]\n");
        workshop.edit(SOURCE, "[operations]\n", &list);
        let file = workshop.file("description.json", fragment().to_string());
        let message = refusal(&workshop, &from(file));
        assert!(
            message.contains(&format!("`{entry}`; nearest: {nearest}")),
            "{message}"
        );
    }
}

#[test]
fn two_operations_that_would_be_one_method_are_refused_only_where_both_are_kept() {
    let mut description = fragment();
    description["paths"]["/mine"] =
        json!({ "get": { "operationId": "repos-get", "responses": { "204": {} } } });
    let (workshop, more) = (Workshop::new(), Workshop::new());
    let file = workshop.file("description.json", description.to_string());
    run(&workshop.tree, &from(file.clone())).unwrap();
    more.edit(SOURCE, "\"repos/get\"", "\"repos/get\", \"repos-get\"");
    let message = refusal(&more, &from(file));
    assert!(
        message.contains("`repos/get`")
            && message.contains("`repos-get`")
            && message.contains("the method `repos_get`"),
        "{message}"
    );
}

#[test]
fn a_reference_to_nowhere_is_named_with_its_place() {
    let message = refused_json(|description| {
        description["components"]["schemas"]["actions-secret"]["properties"]["name"] =
            json!({ "$ref": "#/components/schemas/nowhere" });
    });
    assert!(
        message.contains("components.schemas.actions-secret.properties.name refers to"),
        "{message}"
    );
    assert!(
        message.contains("`#/components/schemas/nowhere`, which does not exist"),
        "{message}"
    );
}

#[test]
fn components_that_only_lead_to_each_other_are_refused() {
    let message = refused_json(|description| {
        let schemas = &mut description["components"]["schemas"];
        schemas["actions-secret"] = json!({ "$ref": "#/components/schemas/two" });
        schemas["two"] = json!({ "$ref": "#/components/schemas/actions-secret" });
    });
    assert!(message.contains("go round in a circle"), "{message}");
}

#[test]
fn a_component_that_is_a_part_of_itself_is_refused() {
    let message = refused_json(|description| {
        let schemas = &mut description["components"]["schemas"];
        schemas["actions-secret"] = json!({ "allOf": [{ "$ref": "#/components/schemas/two" }] });
        schemas["two"] = json!({ "oneOf": [{ "$ref": "#/components/schemas/actions-secret" }] });
    });
    assert!(
        message.contains("go round in a circle: actions-secret -> two -> actions-secret"),
        "{message}"
    );
}

#[test]
fn an_operation_id_that_is_used_twice_is_named_with_both_places() {
    let message = refused_json(|description| {
        description["paths"]["/orgs/{org}/agents/secrets"]["get"]["operationId"] =
            json!("actions/list-org-secrets");
    });
    assert!(
        message.contains("`actions/list-org-secrets` is used twice"),
        "{message}"
    );
    assert!(
        message.contains("GET /orgs/{org}/actions/secrets and GET /orgs/{org}/agents/secrets"),
        "{message}"
    );
}

#[test]
fn a_projection_onto_a_property_that_is_gone_is_refused() {
    let message = refused_json(|description| {
        description["components"]["schemas"]["minimal-repository"]["properties"]
            .as_object_mut()
            .unwrap()
            .remove("full_name");
    });
    assert!(
        message.contains("`minimal-repository`") && message.contains("`full_name`"),
        "{message}"
    );
}

#[test]
fn what_is_missing_is_listed_and_the_rest_kept_when_allowed() {
    let workshop = Workshop::new();
    let mut description = fragment();
    description["paths"]
        .as_object_mut()
        .unwrap()
        .retain(|path, _| !path.contains("agents"));
    let file = workshop.file("description.json", description.to_string());
    let options = Options {
        allow_missing: true,
        ..from(file)
    };
    let (whole, kept) = (fragment(), operations(&description).len());
    let outcome = run(&workshop.tree, &options).unwrap();
    assert_eq!(outcome.operations, kept);
    assert_eq!(outcome.missing.len(), operations(&whole).len() - kept);
    assert!(outcome.missing.len() > 10);
    assert!(
        workshop.tree.read(SOURCE).unwrap().contains("missing = ["),
        "the pin says that it is not whole"
    );
}

#[test]
fn comparing_names_the_file_and_the_command_and_writes_nothing() {
    let workshop = Workshop::new();
    let mut description = fragment();
    description["paths"]["/user/codespaces/secrets"]["get"]["deprecated"] = json!(true);
    let file = workshop.file("description.json", description.to_string());
    let message = refusal(
        &workshop,
        &Options {
            check: true,
            ..from(file)
        },
    );
    assert!(
        message.contains(FRAGMENT) && message.contains("run `cargo xtask vendor`"),
        "{message}"
    );
}

#[test]
fn tags_and_paths_are_entries_like_ids() {
    let workshop = Workshop::new();
    workshop.edit(SOURCE, "apps = [", "more = [\"tag:agents\", \"/orgs/{org}/dependabot/*\", \"/user/codespaces/secrets\"]\napps = [");
    let text = workshop.tree.read(SOURCE).unwrap();
    let dropped = text.lines().filter(|line| {
        !["    \"agents/", "    \"dependabot/"]
            .iter()
            .any(|start| line.starts_with(start))
    });
    workshop.file(SOURCE, dropped.collect::<Vec<_>>().join("\n"));
    let file = workshop.file("description.json", fragment().to_string());
    let outcome = run(&workshop.tree, &from(file)).unwrap();
    assert_eq!(
        outcome.operations,
        operations(&fragment()).len() - 5,
        "all but Dependabot's of repositories"
    );
}

#[test]
fn families_and_siblings_that_the_list_leaves_out_are_told_but_for_those_it_skips_on_purpose() {
    let workshop = Workshop::new();
    let mut description = fragment();
    add_robots(&mut description);
    for thing in ["variables", "flags"] {
        let path = format!("/orgs/{{org}}/robots/{thing}/{{name}}");
        let id = format!("robots/update-org-{thing}");
        description["paths"][path] =
            json!({ "patch": { "operationId": id, "responses": { "204": {} } } });
    }
    workshop.edit(
        SOURCE,
        "[left_out]\n",
        "[left_out]\nflags = [\"/orgs/{org}/robots/flags\"]\n",
    );
    let file = workshop.file("description.json", description.to_string());
    let outcome = run(&workshop.tree, &from(file)).unwrap();
    let told: Vec<_> = outcome
        .left_out
        .iter()
        .map(|left| (left.collection.as_str(), left.sealed, left.ids.len()))
        .collect();
    assert_eq!(
        told,
        [
            ("/orgs/{org}/robots/secrets", true, 9),
            ("/repos/{owner}/{repo}/robots/secrets", true, 6),
            ("/orgs/{org}/robots/variables", false, 1),
        ]
    );
}

#[test]
fn a_list_that_says_the_same_twice_or_what_nobody_understands_is_refused() {
    let workshop = Workshop::new();
    workshop.edit(SOURCE, "\"repos/get\"", "\"repos/get\", \"repos/get\"");
    let message = refusal(&workshop, &Options::default());
    assert!(message.contains("keeps `repos/get` twice"), "{message}");
    let workshop = Workshop::new();
    workshop.edit(SOURCE, "[practice.", "[practise.");
    let message = refusal(&workshop, &Options::default());
    assert!(
        message.contains("openapi/source.toml") && message.contains("practise"),
        "{message}"
    );
}

#[test]
fn of_githubs_extensions_the_mark_of_content_is_kept_and_nothing_else() {
    let workshop = Workshop::new();
    let mut description = fragment();
    let paths = &mut description["paths"];
    let marked = |mark: bool| json!({ "category": "x", "triggersNotification": mark });
    paths["/orgs/{org}/actions/secrets"]["get"]["x-github"] = marked(true);
    paths["/orgs/{org}/agents/secrets"]["get"]["x-github"] = marked(false);
    let file = workshop.file("description.json", description.to_string());
    run(&workshop.tree, &from(file)).unwrap();
    let kept: Value = serde_json::from_str(&workshop.tree.read(FRAGMENT).unwrap()).unwrap();
    let mut expected = fragment();
    expected["paths"]["/orgs/{org}/actions/secrets"]["get"]["x-github"] =
        json!({ "triggersNotification": true });
    assert_eq!(kept, expected);
}

#[test]
fn another_edition_is_pinned_by_its_file_and_what_it_lacks_is_said_once() {
    let workshop = Workshop::new();
    let mut description = fragment();
    let paths = description["paths"].as_object_mut().unwrap();
    paths.retain(|path, _| !path.contains("agents") && !path.contains("codespaces"));
    let file = workshop.file("ghes.json", description.to_string());
    let edition = |allow_missing| Options {
        wanted: Wanted {
            from: Some(file.clone()),
            file: Some("generated/ghes-3.19.json".to_owned()),
            offline: true,
            ..Wanted::default()
        },
        allow_missing,
        check: false,
    };
    let version = source().package.version;
    assert!(refusal(&workshop, &edition(false)).contains("`--allow-missing`"));
    run(&workshop.tree, &edition(true)).unwrap();
    let pin = Source::parse(&workshop.tree.read(SOURCE).unwrap())
        .unwrap()
        .package;
    assert_eq!(
        (pin.file.as_str(), pin.version),
        ("generated/ghes-3.19.json", version)
    );
    // What is pinned to be missing is accepted from now on, and nothing more.
    run(&workshop.tree, &edition(false)).unwrap();
    xtask::codegen::run(&workshop.tree, Mode::Write, Idle::Refuse).unwrap();
    let paths = description["paths"].as_object_mut().unwrap();
    paths.retain(|path, _| !path.contains("dependabot"));
    let less = workshop.file("less.json", description.to_string());
    let mut options = edition(false);
    options.wanted.from = Some(less);
    options.wanted.version = Some("99.0.0".to_owned());
    let told = refusal(&workshop, &options);
    assert!(
        told.contains("dependabot/list-org-secrets") && !told.contains("agents/"),
        "{told}"
    );
}
