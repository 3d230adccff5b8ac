//! Each repair on the smallest description that shows its fault.

use crate::support::{fragment, one_operation};
use serde_json::{Value, json};
use xtask::codegen::{self, progenitor};
use xtask::description::Description;
use xtask::description::source::Source;
use xtask::repairs::{ALL, Idle, apply, check_witness, repair};

fn source() -> Source {
    crate::support::source()
}

/// The repaired description, after making sure that `name` mended it and that what comes out is Rust.
fn mended_by(name: &str, description: &Value) -> Value {
    let (mended, counts) = apply(description, &source()).unwrap();
    let index = ALL.iter().position(|repair| repair.name == name).unwrap();
    assert!(counts[index] > 0, "`{name}` mended nothing");
    codegen::client(&mended).unwrap();
    mended
}

/// The client for a repaired description, as text.
fn rust(repaired: &Value) -> String {
    progenitor::render(codegen::client(repaired).unwrap(), "").unwrap()
}

fn get(responses: Value) -> Value {
    one_operation(
        "/x",
        "get",
        json!({ "operationId": "x", "responses": responses }),
    )
}

fn put(schema: Value) -> Value {
    let body = json!({ "content": { "application/json": { "schema": schema } } });
    one_operation(
        "/x",
        "put",
        json!({ "operationId": "x", "requestBody": body, "responses": { "204": {} } }),
    )
}

fn json_reply(schema: Value) -> Value {
    json!({ "content": { "application/json": { "schema": schema } } })
}

const REPLIES: &str = "/paths/~1x/get/responses";
const BODY: &str = "/paths/~1x/put/requestBody/content/application~1json/schema/properties";

#[test]
fn declared_errors_are_dropped() {
    let text = json_reply(json!({ "type": "string" }));
    let description = get(json!({ "200": text, "404": text, "default": text }));
    let mended = mended_by("drop_error_replies", &description);
    assert_eq!(mended.pointer(REPLIES), Some(&json!({ "200": text })));
}

#[test]
fn an_empty_object_beside_no_body_is_no_body() {
    let description = get(json!({ "201": json_reply(json!({ "type": "object" })), "204": {} }));
    let mended = mended_by("drop_empty_object_replies", &description);
    assert_eq!(
        mended.pointer(REPLIES),
        Some(&json!({ "201": {}, "204": {} }))
    );
}

#[test]
fn a_success_without_a_body_beside_others_is_none() {
    let text = json_reply(json!({ "type": "string" }));
    let description = get(json!({ "200": {}, "201": text, "2XX": text }));
    let code = rust(&mended_by("one_type_over_successes", &description));
    for wanted in [
        "ResponseValue<::std::option::Option<::std::string::String>>",
        "200u16 => Ok(crate::reply::none(response))",
    ] {
        assert!(code.contains(wanted), "{wanted}: {code}");
    }
    let arms = ["201u16", "200..=299"].map(|arm| {
        let read = format!("{arm} => crate::reply::read(response)");
        code.find(&read).unwrap_or_else(|| panic!("{read}: {code}"))
    });
    assert!(arms[0] < arms[1], "the range hides what is in it: {code}");
}

#[test]
fn of_several_kinds_of_success_the_status_tells_which_it_is() {
    let of = |name: &str| json_reply(json!({ "$ref": format!("#/components/schemas/{name}") }));
    let nothing = |mut replies: Value| {
        replies["204"] = json!({});
        replies
    };
    let both = json!({ "201": of("one"), "202": of("other") });
    for replies in [both.clone(), nothing(both)] {
        let optional = replies.get("204").is_some();
        let mut description = get(replies);
        // All that tells them apart may be missing.
        let choice =
            |name: &str| json!({ "type": "object", "properties": { name: { "type": "string" } } });
        description["components"]["schemas"] = json!({ "one": choice("a"), "other": choice("b") });
        let code = rust(&mended_by("one_type_over_successes", &description));
        let code = code.split_whitespace().collect::<String>();
        let (reply, make) = match optional {
            true => (
                "::std::option::Option<types::XReply>",
                "Some(types::XReply::from(reply))",
            ),
            false => ("types::XReply", "types::XReply::from(reply)"),
        };
        assert!(code.contains(&format!("ResponseValue<{reply}>")), "{code}");
        for (status, kind) in [("201", "One"), ("202", "Other")] {
            let read = format!(
                "{status}u16=>{{crate::reply::read_as(response,|reply:types::{kind}|{make}"
            );
            assert!(code.contains(&read), "{read}: {code}");
            assert!(
                code.contains(&format!("impl::std::convert::From<{kind}>forXReply")),
                "{code}"
            );
        }
    }
}

#[test]
fn a_success_that_is_not_json_makes_all_of_them_bytes() {
    let binary = json!({ "content": { "application/zip": { "schema": { "type": "string", "format": "binary" } } } });
    let description =
        get(json!({ "200": binary, "202": json_reply(json!({ "type": "object" })), "204": {} }));
    let code = rust(&mended_by("one_type_over_successes", &description));
    assert!(code.contains("ResponseValue<ByteStream>"), "{code}");
    for status in ["200", "202", "204"] {
        assert!(
            code.contains(&format!(
                "{status}u16 => Ok(ResponseValue::stream(response))"
            )),
            "{code}"
        );
    }
}

#[test]
fn of_several_media_types_of_a_body_json_is_kept() {
    let text = json!({ "schema": { "type": "string" } });
    let mut description = put(json!({ "type": "string" }));
    description
        .pointer_mut("/paths/~1x/put/requestBody/content")
        .unwrap()["a/b"] = text;
    let mended = mended_by("keep_one_media_type", &description);
    let content = mended
        .pointer("/paths/~1x/put/requestBody/content")
        .unwrap();
    assert_eq!(
        content.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["application/json"]
    );
}

#[test]
fn a_form_in_parts_travels_as_bytes() {
    let body = json!({ "content": { "multipart/form-data": { "schema": { "type": "object", "properties": { "license": { "type": "string" } } } } } });
    let description = one_operation(
        "/x",
        "post",
        json!({ "operationId": "x", "requestBody": body, "responses": { "204": {} } }),
    );
    let mended = mended_by("unknown_media_types_as_bytes", &description);
    assert!(
        mended
            .pointer("/paths/~1x/post/requestBody/content/application~1octet-stream")
            .is_some()
    );
}

#[test]
fn an_enum_whose_names_collide_becomes_text_and_one_whose_names_can_be_told_apart_stays() {
    let property = |values: Value| json!({ "type": "object", "properties": { "p": { "type": "string", "enum": values } } });
    let mended = mended_by(
        "drop_colliding_enums",
        &put(property(json!(["reactions-+1", "reactions--1", "x"]))),
    );
    assert_eq!(
        mended.pointer(BODY).unwrap()["p"],
        json!({ "type": "string" })
    );
    let values = json!(["created", "-created"]);
    let (kept, _) = apply(&put(property(values.clone())), &source()).unwrap();
    assert_eq!(kept.pointer(BODY).unwrap()["p"]["enum"], values);
    codegen::client(&kept).unwrap();
}

#[test]
fn patterns_lengths_and_formats_are_dropped_and_binary_stays() {
    let property = json!({ "type": "string", "pattern": "^a+$", "minLength": 1, "maxLength": 9, "format": "date-time" });
    let schema = json!({ "type": "object", "properties": { "p": property, "b": { "type": "string", "format": "binary" } } });
    let mended = mended_by("drop_facets", &put(schema));
    assert_eq!(
        mended.pointer(BODY).unwrap()["p"],
        json!({ "type": "string" })
    );
    assert_eq!(mended.pointer(BODY).unwrap()["b"]["format"], "binary");
}

#[test]
fn limits_and_widths_choose_no_types() {
    let limited = json!({ "type": "object", "properties": {
        "page": { "type": "integer", "minimum": 1, "maximum": 100, "format": "int32" },
        "pair": { "type": "array", "items": { "type": "string" }, "minItems": 2, "maxItems": 2, "uniqueItems": true },
    } });
    let plain = json!({ "type": "object", "properties": {
        "page": { "type": "integer" },
        "pair": { "type": "array", "items": { "type": "string" } },
    } });
    let code = |schema| rust(&mended_by("drop_facets", &put(schema)));
    let plain = rust(&apply(&put(plain), &source()).unwrap().0);
    assert_eq!(code(limited), plain);
}

#[test]
fn a_default_is_not_sent_unless_named() {
    let schema = json!({ "type": "object", "properties": { "replaces_base": { "type": "boolean", "default": false } } });
    let mended = mended_by("drop_defaults", &put(schema));
    let code = rust(&mended);
    assert!(
        code.contains("pub replaces_base: ::std::option::Option<bool>"),
        "{code}"
    );
}

/// The items of the list of ids in the body that stores an organization's secret.
fn ids<'a>(store: &str, description: &'a Value) -> &'a Value {
    let path = format!("/orgs/{{org}}/{store}/secrets/{{secret_name}}");
    let body = &description["paths"][path]["put"]["requestBody"];
    let schema = &body["content"]["application/json"]["schema"];
    &schema["properties"]["selected_repository_ids"]["items"]
}

/// The fragment in which ids that may be numbers or text are of one kind.
fn fragment_with_ids_of(kind: &str) -> Value {
    let one = format!(r#"{{"type":"{kind}"}}"#);
    let (number, word) = (r#"{"type":"integer"}"#, r#"{"type":"string"}"#);
    let text = fragment().to_string();
    let text = text.replace(&format!(r#"{{"anyOf":[{number},{word}]}}"#), &one);
    let text = text.replace(&format!(r#"{{"anyOf":[{word},{number}]}}"#), &one);
    serde_json::from_str(&text).unwrap()
}

/// `source.toml`, with another version of the API.
fn source_for(version: &str) -> Source {
    let text = include_str!("fixture/source.toml");
    let asked = format!("version = \"{}\"", source().api.version);
    let text = text.replace(&asked, &format!("version = \"{version}\""));
    let mut source = Source::parse(&text).unwrap();
    for fact in source.practice.paged.values_mut() {
        fact.seen_in.insert(version.to_owned());
    }
    source
}

#[test]
fn ids_that_may_be_either_are_numbers_and_where_they_were_text_once_they_can_be_both() {
    let mended = mended_by("ids_are_numbers", &fragment());
    assert_eq!(*ids("actions", &mended), json!({ "type": "integer" }));
    let mended = mended_by("ids_as_the_version_wants_them", &fragment());
    let both = json!({ "$ref": "#/components/schemas/repository-id" });
    assert_eq!(*ids("dependabot", &mended), both);
    assert!(rust(&mended).contains("crate::text::RepositoryId"));
}

#[test]
fn a_description_that_contradicts_what_practice_says_of_its_version_is_refused() {
    let (old, new) = ("2022-11-28", "2026-03-10");
    for (kind, version, holds) in [
        ("integer", old, false),
        ("string", old, true),
        ("integer", new, true),
        ("string", new, false),
    ] {
        let result = apply(&fragment_with_ids_of(kind), &source_for(version));
        match result {
            Ok((mended, _)) => {
                assert!(holds, "{kind} alone under {version} is accepted");
                let both = json!({ "$ref": "#/components/schemas/repository-id" });
                assert_eq!(*ids("dependabot", &mended), both);
            }
            Err(error) => {
                let told = format!("{error:#}");
                assert!(!holds, "{told}");
                let id = "`dependabot/create-or-update-org-secret`";
                assert!(told.contains(id) && told.contains("2026-03-10"), "{told}");
                assert!(told.contains("move `version` in [api]"), "{told}");
            }
        }
    }
}

#[test]
fn once_the_version_has_moved_the_spelling_of_earlier_versions_is_still_there() {
    // What is left to do is to remove the repair of what was ambiguous.
    let (fragment, source) = (fragment_with_ids_of("integer"), source_for("2026-03-10"));
    let told = format!(
        "{:#}",
        repair(&fragment, &source, Idle::Refuse).unwrap_err()
    );
    assert!(told.contains("`ids_are_numbers` mends nothing"), "{told}");
    let mended = repair(&fragment, &source, Idle::Allow).unwrap();
    let code = xtask::codegen::dispatch::stores(&mended).unwrap();
    assert!(code.contains(r#"repository_ids(self, ids, "2026-03-10")"#));
}

#[test]
fn a_list_that_forgets_its_pages_gets_them() {
    let mended = mended_by("page_every_list", &fragment());
    let parameters = &mended["paths"]["/user/codespaces/secrets/{secret_name}/repositories"]["get"]
        ["parameters"];
    assert!(
        parameters
            .as_array()
            .unwrap()
            .iter()
            .any(|parameter| parameter["name"] == "per_page")
    );
}

#[test]
fn a_list_that_is_no_longer_paged_by_number_is_refused_by_name() {
    for (old, gone) in [("page", "page"), ("per-page", "per_page")] {
        let mut description = fragment();
        description["components"]["parameters"][old]["name"] = json!("after");
        let refused = format!(
            "{:#}",
            apply(&description, &source()).map(drop).unwrap_err()
        );
        for id in ["actions/list-org-secrets", "dependabot/list-repo-secrets"] {
            assert!(
                refused.contains(&format!("`{id}` has no `{gone}`")),
                "{refused}"
            );
        }
        assert!(refused.contains("[practice.paged]"), "{refused}");
    }
}

#[test]
fn a_list_that_practice_says_is_paged_says_it_of_versions_in_which_it_was_seen() {
    let mut source = source();
    source.api.version = "2027-01-01".to_owned();
    let refused = apply(&fragment(), &source).map(drop).unwrap_err();
    let refused = format!("{refused:#}");
    assert!(
        refused.contains("seen_in") && refused.contains("2027-01-01"),
        "{refused}"
    );
}

#[test]
fn secrets_of_all_stores_have_one_shape_that_requires_a_name_and_takes_what_is_new() {
    let mended = mended_by("one_shape_per_role", &fragment());
    let secret = &mended["components"]["schemas"]["store-secret"];
    assert_eq!(secret["required"], json!(["name"]));
    assert_eq!(secret["additionalProperties"], json!({}));
    assert!(secret["properties"]["visibility"].is_object());
    let reply = |path: &str| mended["paths"][path]["get"]["responses"]["200"].clone();
    assert_eq!(
        reply("/orgs/{org}/agents/secrets"),
        reply("/user/codespaces/secrets")
    );
}

#[test]
fn a_store_whose_page_is_shaped_otherwise_is_refused_by_name() {
    let text = fragment().to_string().replace(
        r#""required":["total_count","secrets"]"#,
        r#""required":["secrets"]"#,
    );
    let mut description: Value = serde_json::from_str(&text).unwrap();
    let page = description.pointer_mut("/paths/~1orgs~1{org}~1agents~1secrets/get/responses/200/content/application~1json/schema/properties").unwrap();
    let list = page["secrets"].take();
    *page = json!({ "total_count": { "type": "integer" }, "items": list });
    let message = format!("{:#}", apply(&description, &source()).unwrap_err());
    assert!(
        message.contains("`agents/list-org-secrets`") && message.contains("`secrets`"),
        "{message}"
    );
}

#[test]
fn of_a_reply_only_what_is_needed_is_required_and_of_a_page_its_entries() {
    let thing = json!({ "type": "object", "properties": { "id": { "type": "integer" }, "name": { "type": "string" } }, "required": ["id", "name"] });
    let page = json!({ "type": "object", "required": ["total_count", "things"], "properties": {
        "total_count": { "type": "integer" },
        "things": { "type": "array", "items": { "$ref": "#/components/schemas/full-repository" } },
    } });
    let mut description = get(json!({ "200": json_reply(page) }));
    description["components"] = json!({ "schemas": { "full-repository": thing } });
    let code = rust(&mended_by("require_what_is_needed", &description));
    for wanted in [
        "pub things: ::std::vec::Vec<FullRepository>",
        "pub total_count: ::std::option::Option<i64>",
        "pub id: i64",
        "pub name: ::std::option::Option<::std::string::String>",
    ] {
        assert!(code.contains(wanted), "{wanted} is not in {code}");
    }
}

#[test]
fn what_tells_the_choices_of_a_union_apart_and_what_bodies_require_stays_required() {
    let choice = |word: &str, required: &str| {
        let mut choice = json!({ "type": "object", "required": ["type", required], "properties": {
            "type": { "type": "string", "enum": [word] },
        } });
        choice["properties"][required] = json!({ "type": "string", "enum": ["a", "b"] });
        choice
    };
    let union = json!({ "oneOf": [choice("left", "l"), choice("right", "r")] });
    let sent = json!({ "type": "object", "properties": { "name": { "type": "string" } }, "required": ["name"] });
    let both = json!({ "type": "object", "properties": {
        "union": union, "sent": { "$ref": "#/components/schemas/sent" },
    }, "required": ["union", "sent"] });
    let mut description = get(json!({ "200": json_reply(both) }));
    let body = json_reply(json!({ "$ref": "#/components/schemas/sent" }));
    description["paths"]["/y"] =
        json!({ "put": { "operationId": "y", "requestBody": body, "responses": { "204": {} } } });
    description["components"] = json!({ "schemas": { "sent": sent } });
    let mended = mended_by("require_what_is_needed", &description);
    assert_eq!(
        mended["components"]["schemas"]["sent"]["required"],
        json!(["name"])
    );
    let reply = &mended.pointer(REPLIES).unwrap()["200"]["content"]["application/json"]["schema"];
    assert_eq!(reply["required"], json!([]));
    let left = &reply["properties"]["union"]["oneOf"][0];
    assert_eq!(left["required"], json!(["type", "l"]));
    assert_eq!(left["properties"]["type"]["enum"], json!(["left"]));
    // What tells nothing apart is open here, too.
    assert!(left["properties"]["l"].get("enum").is_none(), "{left}");
    assert!(!mended.to_string().contains("x-"), "{mended}");
}

#[test]
fn a_token_or_secret_in_a_reply_is_hidden_and_what_is_said_of_one_is_not() {
    let secrets = ["token", "temp_clone_token", "client_secret", "pem"];
    let others = ["token_name", "secret_type", "secrets", "key"];
    let properties = secrets.iter().chain(&others);
    let properties = properties.map(|name| ((*name).to_owned(), json!({ "type": "string" })));
    let properties: serde_json::Map<_, _> = properties.collect();
    let schema = json!({ "type": "object", "properties": properties, "required": secrets });
    let mended = mended_by("hide_tokens", &get(json!({ "200": json_reply(schema) })));
    let code = rust(&mended);
    for name in secrets {
        let hidden = format!("pub {name}: ::std::option::Option<crate::text::Hidden>");
        assert!(code.contains(&hidden), "{name}: {code}");
    }
    for name in others {
        let text = format!("pub {name}: ::std::option::Option<::std::string::String>");
        assert!(code.contains(&text), "{name}: {code}");
    }
}

#[test]
fn enums_of_replies_are_open_and_those_of_requests_closed() {
    let schema = json!({ "type": "object", "properties": { "visibility": { "type": "string", "enum": ["all", "private"] } } });
    let mended = mended_by(
        "open_reply_enums",
        &get(json!({ "200": json_reply(schema.clone()) })),
    );
    assert!(!mended.to_string().contains("enum"));
    let (kept, _) = apply(&put(schema), &source()).unwrap();
    assert!(kept.to_string().contains("enum"));
}

#[test]
fn objects_of_replies_take_fields_that_come_later_and_those_of_requests_do_not() {
    let closed = json!({ "type": "object", "properties": { "p": { "type": "string" } }, "additionalProperties": false });
    let mut description =
        get(json!({ "200": json_reply(json!({ "$ref": "#/components/schemas/outer" })) }));
    description["components"] = json!({ "schemas": {
        "outer": { "type": "object", "properties": { "inner": closed }, "additionalProperties": false },
    } });
    let mended = mended_by("open_reply_objects", &description);
    let code = rust(&mended);
    assert!(code.contains("pub struct OuterInner"), "{code}");
    assert!(!code.contains("deny_unknown_fields"), "{code}");

    let (kept, counts) = apply(&put(closed), &source()).unwrap();
    let index = ALL
        .iter()
        .position(|each| each.name == "open_reply_objects");
    assert_eq!(counts[index.unwrap()], 0);
    assert!(kept.to_string().contains("additionalProperties"));
}

#[test]
fn a_choice_of_a_union_stays_closed_and_what_is_inside_it_opens() {
    let object = |property: &str, schema: Value| json!({ "type": "object", "properties": { property: schema }, "additionalProperties": false });
    let empty = json!({ "type": "object", "additionalProperties": false });
    let choices = json!({ "anyOf": [{ "$ref": "#/components/schemas/nothing" }, object("some", object("p", json!({ "type": "string" })))] });
    let mut description = get(json!({ "200": json_reply(choices) }));
    description["components"] = json!({ "schemas": { "nothing": empty } });
    let mended = mended_by("open_reply_objects", &description);
    assert_eq!(mended["components"]["schemas"]["nothing"], empty);
    let schema = &mended.pointer(REPLIES).unwrap()["200"]["content"]["application/json"]["schema"];
    let some = &schema["anyOf"][1];
    assert_eq!(some["additionalProperties"], false);
    assert!(
        some["properties"]["some"]
            .get("additionalProperties")
            .is_none()
    );
    assert!(!mended.to_string().contains("x-"), "{mended}");
}

#[test]
fn a_body_takes_what_was_cut_from_the_fragment_and_what_the_description_lacks() {
    let mended = mended_by("bodies_take_what_was_cut", &fragment());
    let code = rust(&mended);
    let (_, permissions) = code.split_once("pub struct AppPermissions {").unwrap();
    let fields = permissions.split('}').next().unwrap();
    assert!(fields.contains("pub extra: ::serde_json::Map<"), "{fields}");
    let (_, reply) = code.split_once("pub struct FullRepository {").unwrap();
    assert!(!reply.split('}').next().unwrap().contains("extra"));
}

#[test]
fn an_optional_list_of_a_body_can_be_sent_empty() {
    let list = json!({ "type": "array", "items": { "type": "integer" } });
    let schema = json!({ "type": "object", "properties": { "ids": list, "all": list }, "required": ["all"] });
    let mended = mended_by("nullable_optional_collections", &put(schema));
    let code = rust(&mended);
    assert!(
        code.contains("pub ids: ::std::option::Option<::std::vec::Vec<i64>>"),
        "{code}"
    );
    assert!(code.contains("pub all: ::std::vec::Vec<i64>"), "{code}");
}

#[test]
fn a_list_or_map_of_a_reply_may_be_null_wherever_it_stands() {
    let list = json!({ "type": "array", "items": { "type": "integer" } });
    let map = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let schema = json!({ "type": "object", "properties": { "ids": list, "labels": map } });
    let mut component =
        get(json!({ "200": json_reply(json!({ "$ref": "#/components/schemas/thing" })) }));
    component["components"] = json!({ "schemas": { "thing": schema } });
    for description in [get(json!({ "200": json_reply(schema) })), component] {
        let mended = mended_by("null_collections_are_absent", &description);
        let code = rust(&mended).replace(char::is_whitespace, "");
        for wanted in [
            "pubids:::std::option::Option<::std::vec::Vec<i64>>",
            "publabels:::std::option::Option<::std::collections::BTreeMap<",
        ] {
            assert!(code.contains(wanted), "{wanted} is not in {code}");
        }
    }
}

#[test]
fn a_nullable_component_is_null_where_it_is_used() {
    let mut description =
        get(json!({ "200": json_reply(json!({ "$ref": "#/components/schemas/outer" })) }));
    description["components"] = json!({ "schemas": {
        "outer": { "type": "object", "properties": { "user": { "$ref": "#/components/schemas/nullable-user" } }, "required": ["user"] },
        "nullable-user": { "type": "object", "nullable": true, "properties": { "boss": { "$ref": "#/components/schemas/nullable-user" } } },
    } });
    let mended = mended_by("nullable_where_used", &description);
    let code = rust(&mended);
    assert!(
        code.contains("pub user: ::std::option::Option<::std::boxed::Box<NullableUser>>"),
        "{code}"
    );
    assert!(
        code.contains("pub boss: ::std::option::Option<::std::boxed::Box<NullableUser>>"),
        "{code}"
    );
}

#[test]
fn a_component_called_like_an_inline_type_gives_way() {
    let conditions = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
    let mut description =
        get(json!({ "200": json_reply(json!({ "$ref": "#/components/schemas/ruleset" })) }));
    description["components"] = json!({ "schemas": {
        "ruleset": { "type": "object", "properties": { "conditions": conditions, "other": { "$ref": "#/components/schemas/ruleset-conditions" } } },
        "ruleset-conditions": conditions,
    } });
    let mended = mended_by("rename_components_that_collide", &description);
    let code = rust(&mended);
    assert_eq!(code.matches("pub struct RulesetConditions {").count(), 1);
    assert!(
        code.contains("pub other: ::std::option::Option<RulesetConditionsComponent>"),
        "{code}"
    );
}

#[test]
fn the_version_of_the_rest_api_takes_the_place_of_the_packages() {
    let mended = mended_by("api_version", &get(json!({ "204": {} })));
    assert_eq!(mended["info"]["version"], source().api.version);
}

#[test]
fn a_repair_that_no_longer_mends_its_witness_fails_by_name() {
    let mut description = fragment();
    let replies = &mut description["paths"]["/orgs/{org}/codespaces/secrets/{secret_name}"]["delete"]
        ["responses"];
    *replies = json!({ "204": {} });
    let refused = repair(&description, &source(), Idle::Refuse);
    let message = format!("{:#}", refused.map(drop).unwrap_err());
    assert!(
        message.contains("`drop_error_replies` mends nothing in `codespaces/delete-org-secret`")
            && message.contains("oxidecomputer/progenitor/issues/344"),
        "{message}"
    );
    repair(&description, &source(), Idle::Allow).unwrap();
}

#[test]
fn a_repair_whose_witness_is_not_in_the_fragment_is_not_asked() {
    let description = Description::from_value(get(json!({ "204": {} }))).unwrap();
    check_witness(
        &description,
        &source(),
        "drop_error_replies",
        "codespaces/delete-org-secret",
    )
    .unwrap();
    let message = check_witness(&description, &source(), "mend_the_world", "x")
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("there is no repair `mend_the_world`"),
        "{message}"
    );
}

#[test]
fn every_repair_has_a_witness_and_a_reason() {
    for repair in ALL {
        assert!(
            source().witness.contains_key(repair.name),
            "`{}` has no witness",
            repair.name
        );
        assert!(!repair.why.is_empty());
    }
}

#[test]
fn repairs_name_the_upstream_issue_that_makes_them_needless_once_it_is_closed() {
    let links = Vec::from_iter(ALL.iter().filter_map(|repair| repair.upstream));
    assert!(links.len() > 5, "{links:?}");
    for link in links {
        let path = link.strip_prefix("https://github.com/").unwrap();
        let pieces: Vec<_> = path.split('/').collect();
        let [_, _, "issues", number] = pieces[..] else {
            panic!("{link} is no issue")
        };
        number.parse::<u32>().unwrap();
    }
}

#[test]
fn what_progenitor_cannot_digest_is_an_error_that_names_the_operation() {
    // A path parameter that the path does not have makes progenitor panic.
    let parameter = json!({ "name": "nowhere", "in": "path", "required": true, "schema": { "type": "string" } });
    let other =
        json!({ "name": "there", "in": "path", "required": true, "schema": { "type": "string" } });
    let description = one_operation(
        "/{there}",
        "get",
        json!({ "operationId": "bad/one", "parameters": [parameter, other], "responses": { "204": {} } }),
    );
    let message = format!("{:#}", progenitor::client(&description).unwrap_err());
    assert!(
        message.contains("cannot generate `bad/one`") && message.contains("progenitor panicked"),
        "{message}"
    );
}
