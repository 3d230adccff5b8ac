//! progenitor's helpers for httpmock, and what is mended in them.

use crate::support::one_operation;
use quote::{ToTokens as _, quote};
use serde_json::json;
use syn::parse_quote;
use xtask::httpmock::{helpers, take_path_values_literally};

#[test]
fn values_of_paths_are_quoted_and_escaped_as_they_travel() {
    let mut file = parse_quote! {
        fn org(self, value: &str) -> Self {
            let re = regex::Regex::new(&format!("^/orgs/{}$", value.to_string())).unwrap();
            Self(self.0.path_matches(re))
        }
    };
    assert_eq!(take_path_values_literally(&mut file).unwrap(), 1);
    let mended = quote!(regex::escape(&progenitor_client::encode_path(
        &value.to_string()
    )));
    let code = file.to_token_stream().to_string();
    assert!(code.contains(&mended.to_string()), "{code}");
}

#[test]
fn values_that_are_written_otherwise_one_day_are_heard_of() {
    let mut file = parse_quote! {
        fn org(self, value: &str) -> String { format!("^/orgs/{}$", regex::escape(value)) }
    };
    let error = take_path_values_literally(&mut file).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("`take_path_values_literally`"),
        "{message}"
    );
}

#[test]
fn a_path_without_parameters_needs_no_mending() {
    let operation = json!({
        "operationId": "stars/count",
        "responses": { "204": { "description": "" } },
    });
    let code = helpers(&one_operation("/stars", "get", operation)).unwrap();
    assert!(code.contains("fn stars_count<F>"), "{code}");
    assert!(!code.contains("regex::escape"), "{code}");
}
