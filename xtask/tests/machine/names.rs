//! Names that differ in the description and would be one in Rust: refused with both, or told apart by a repair.

use std::collections::BTreeSet;

use crate::support::{docs, fragment, here, source};
use serde_json::{Value, json};
use syn::visit_mut::VisitMut;
use xtask::codegen::{self, from_fragment, progenitor};
use xtask::description::{Description, operations};
use xtask::diff::{Breaks, Uses, diff};
use xtask::repairs::{Idle, apply};
use xtask::robots::sweep::sweep;

fn described(paths: Value, schemas: Value) -> Value {
    json!({
        "openapi": "3.0.3",
        "info": { "title": "Test", "version": "1" },
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

fn operation(id: &str, parameters: &[&str], body: Option<Value>) -> Value {
    let query =
        |name: &&str| json!({ "name": name, "in": "query", "schema": { "type": "string" } });
    let parameters: Vec<_> = parameters.iter().map(query).collect();
    let mut operation =
        json!({ "operationId": id, "parameters": parameters, "responses": { "204": {} } });
    if let Some(schema) = body {
        let body = json!({ "content": { "application/json": { "schema": schema } } });
        operation["requestBody"] = body;
    }
    json!({ "post": operation })
}

fn object(names: &[&str]) -> Value {
    let properties = names
        .iter()
        .map(|name| ((*name).to_owned(), json!({ "type": "string" })));
    json!({ "type": "object", "properties": Value::Object(properties.collect()) })
}

/// What generation says of a description, which a sweep fails, too.
fn refused(description: Value) -> String {
    let error = from_fragment(&description, &source(), &docs(), Idle::Allow);
    let error = format!("{:#}", error.map(drop).unwrap_err());
    let sweep = sweep(&Description::from_value(description).unwrap(), &source());
    assert!(sweep.verdict().is_err(), "sweeps: {error}");
    error
}

#[test]
fn parameters_and_properties_of_one_rust_name_are_refused_with_both() {
    let mut open = object(&["extra"]);
    open["additionalProperties"] = json!({ "type": "string" });
    for (operation, words) in [
        (
            operation("x", &["foo-bar", "foo_bar"], None),
            "`x`: the argument `foo_bar` would be that of `foo_bar` and of `foo-bar`",
        ),
        (
            operation("x", &["body"], Some(object(&["a"]))),
            "`x`: the argument `body` would be that of `body` and of its body",
        ),
        (
            operation("x", &["header-map"], None),
            "`header-map` and of what the generated method has itself",
        ),
        (
            operation("x", &[], Some(object(&["foo-bar", "fooBar"]))),
            "`x`: the field `foo_bar` would be that of `fooBar` and of `foo-bar`",
        ),
        (
            operation("x", &[], Some(open)),
            "`extra` and of what holds all other properties",
        ),
    ] {
        let error = refused(described(json!({ "/x": operation }), json!({})));
        assert!(error.contains(words), "{words}: {error}");
    }
}

#[test]
fn properties_of_one_rust_name_in_a_component_are_refused_with_its_name() {
    let mut description = fragment();
    let properties = &mut description["components"]["schemas"]["actions-variable"]["properties"];
    for name in ["foo-bar", "fooBar"] {
        properties[name] = json!({ "type": "string" });
    }
    let error = from_fragment(&description, &source(), &docs(), Idle::Allow);
    let error = format!("{:#}", error.map(drop).unwrap_err());
    let words = "`components.schemas.actions-variable`: the field `foo_bar` would be that of `fooBar` and of `foo-bar`";
    assert_eq!(error, words);
}

#[test]
fn operations_named_as_each_other_are_refused_with_both() {
    let both =
        json!({ "/x": operation("x/do-it", &[], None), "/y": operation("x/do_it", &[], None) });
    let error = from_fragment(&described(both, json!({})), &source(), &docs(), Idle::Allow);
    let error = format!("{:#}", error.map(drop).unwrap_err());
    assert!(
        error.contains("`x_do_it` would be that of `x/do_it` and of `x/do-it`"),
        "{error}"
    );
}

#[test]
fn an_operation_named_as_what_takes_the_options_of_another_is_refused_with_both() {
    for (ids, words) in [
        (
            ["x/do-it", "x/do-it-with"],
            "`x_do_it_with` would be that of `x/do-it-with` and of the twin of `x/do-it`",
        ),
        (
            ["x/a1-2", "x/a-12"],
            "the type of options `XA12` would be that of `x/a-12` and of `x/a1-2`",
        ),
    ] {
        let paths = json!({
            "/x": operation(ids[0], &["sort"], None),
            "/y": operation(ids[1], &["sort"], None),
        });
        let description = described(paths, json!({}));
        let error = from_fragment(&description, &source(), &docs(), Idle::Allow);
        let error = format!("{:#}", error.map(drop).unwrap_err());
        assert!(error.contains(words), "{words}: {error}");
    }
}

/// What generated code calls on its client, and what the client has beside the methods of operations.
#[derive(Default)]
struct Used(BTreeSet<String>);

impl VisitMut for Used {
    fn visit_impl_item_fn_mut(&mut self, method: &mut syn::ImplItemFn) {
        self.0.insert(method.sig.ident.to_string());
        syn::visit_mut::visit_impl_item_fn_mut(self, method);
    }

    fn visit_expr_method_call_mut(&mut self, call: &mut syn::ExprMethodCall) {
        if matches!(call.receiver.as_ref(), syn::Expr::Path(it) if it.path.is_ident("self")) {
            self.0.insert(call.method.to_string());
        }
        syn::visit_mut::visit_expr_method_call_mut(self, call);
    }
}

#[test]
fn an_operation_named_as_what_the_client_has_itself_is_refused_with_that() {
    let description = described(json!({ "/x": operation("x", &[], None) }), json!({}));
    let (repaired, _) = apply(&description, &source()).unwrap();
    let mut client: syn::File = syn::parse2(codegen::client(&repaired).unwrap()).unwrap();
    let mut used = Used::default();
    for item in &mut client.items {
        if let syn::Item::Impl(item) = item {
            used.visit_item_impl_mut(item);
        }
    }
    let stores = from_fragment(&fragment(), &source(), &docs(), Idle::Allow).unwrap();
    let stores = stores
        .iter()
        .find(|file| file.path.ends_with("stores.rs"))
        .unwrap();
    let mut stores = syn::parse_file(&stores.text).unwrap();
    let mut of_stores = Used::default();
    of_stores.visit_file_mut(&mut stores);
    let ours = of_stores
        .0
        .into_iter()
        .filter(|name| name.contains("secret") || name.contains("registr"));
    let theirs: BTreeSet<_> = operations(&fragment())
        .iter()
        .map(|it| it.id.replace(['/', '-'], "_"))
        .flat_map(|name| [format!("{name}_with"), name])
        .collect();
    used.0.extend(ours.filter(|name| !theirs.contains(name)));
    used.0.extend(["all".to_owned(), "api-version".to_owned()]);
    used.0.remove("x");
    assert!(used.0.len() > 15, "{:?}", used.0);
    for name in used.0 {
        let description = described(json!({ "/x": operation(&name, &[], None) }), json!({}));
        let error = refused(description);
        assert!(
            error.contains(&format!("that of `{name}` and of what the ")),
            "{name}: {error}"
        );
    }
}

#[test]
fn components_of_one_rust_name_and_those_named_as_a_body_or_as_rusts_own_have_types_of_their_own() {
    let names = [
        "foo-bar",
        "foo_bar",
        "x-do-body",
        "x-do-body-inner",
        "ok",
        "some",
        "none",
        "err",
        "string",
    ];
    let reference = |name: &&str| {
        (
            (*name).to_owned(),
            json!({ "$ref": format!("#/components/schemas/{name}") }),
        )
    };
    let mut body = json!({ "type": "object", "properties": Value::Object(names.iter().map(reference).collect()) });
    body["properties"]["inner"] = object(&["a"]);
    // One name each, as fields.
    body["properties"]
        .as_object_mut()
        .unwrap()
        .remove("foo_bar");
    body["properties"]["other"] = reference(&"foo_bar").1;
    let schemas = names
        .iter()
        .map(|name| ((*name).to_owned(), object(&[name])));
    let description = described(
        json!({ "/x": operation("x/do", &["url", "request", "response", "result"], Some(body)) }),
        Value::Object(schemas.collect()),
    );
    let sweep = sweep(
        &Description::from_value(description.clone()).unwrap(),
        &source(),
    );
    sweep.verdict().unwrap_or_else(|_| panic!("{sweep}"));
    let (repaired, counts) = apply(&description, &source()).unwrap();
    assert!(counts.iter().sum::<usize>() >= 6, "{counts:?}");
    let code = progenitor::render(codegen::client(&repaired).unwrap(), "").unwrap();
    let mut types = BTreeSet::new();
    for line in code.lines() {
        let line = line.trim();
        if let Some(name) = line
            .strip_prefix("pub struct ")
            .or(line.strip_prefix("pub enum "))
        {
            let name = name.split([' ', '(', '{', ';']).next().unwrap();
            assert!(types.insert(name.to_owned()), "{name} twice");
            assert!(!["Ok", "Some", "None", "Err"].contains(&name), "{name}");
        }
    }
    assert!(types.len() > names.len(), "{types:?}");
}

#[test]
fn names_that_are_refused_are_told_by_a_comparison_as_what_cannot_be_generated() {
    let mut description = fragment();
    let list = &mut description["paths"]["/orgs/{org}/actions/variables"]["get"]["parameters"];
    let own = json!({ "name": "header-map", "in": "query", "schema": { "type": "string" } });
    list.as_array_mut().unwrap().push(own);
    let parse = |value| Description::from_value(value).unwrap();
    let (old, new) = (parse(fragment()), parse(description));
    let report = diff(&old, &new, &source(), &Uses::of(&here()).unwrap(), "0.1.0").unwrap();
    assert_eq!(report.worst(), Breaks::Octoseal, "{report}");
    let words = "cannot be generated: `actions/list-org-variables`: the argument `header_map`";
    assert!(report.to_string().contains(words), "{report}");
}
