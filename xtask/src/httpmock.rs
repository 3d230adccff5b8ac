//! progenitor's typed helpers for httpmock: single operations of the low-level client, mocked.

use anyhow::{Result, anyhow, bail};
use progenitor::Generator;
use serde_json::Value;
use syn::punctuated::Punctuated;
use syn::visit_mut::VisitMut;
use syn::{Expr, Token, parse_quote};

use crate::generate::{api, quietly, render, settings};

/// The helpers for a repaired and documented fragment, as formatted text.
///
/// progenitor 0.15 and httpmock 0.9 agree over every operation that we keep. Over the whole API, 37 places do not
/// compile: bodies that may be null, and parameters of the query that are lists or unions. Should one of them come
/// into the fragment, the tests of `codegen/`, which turn the feature on, are the first to say so.
pub fn helpers(repaired: &Value) -> Result<String> {
    let api = api(repaired)?;
    let tokens = quietly(|| Generator::new(&settings()).httpmock(&api, "crate"))
        .map_err(|panic| anyhow!("progenitor panicked over httpmock: {panic}"))?
        .map_err(|error| anyhow!("progenitor's httpmock: {error}"))?;
    let mut file = syn::parse2(tokens)?;
    let taken = take_path_values_literally(&mut file)?;
    let paths = repaired["paths"].as_object();
    if taken == 0
        && paths
            .into_iter()
            .flatten()
            .any(|(path, _)| path.contains('{'))
    {
        bail!("{CHANGED}");
    }
    render(
        quote::quote!(#file),
        "//! Mocks of single operations, typed: one method of [`MockServerExt`] each.\n",
    )
}

const CHANGED: &str =
    "progenitor no longer writes path values as they are: see `take_path_values_literally`";

/// progenitor puts the value of a path's parameter into a regular expression as it is: neither escaped as its own
/// client escapes it for the way, nor quoted. An environment `prod/eu` would never match, and `a.c` would match
/// `abc`. Gives the number of values that are mended.
pub fn take_path_values_literally(file: &mut syn::File) -> Result<usize> {
    let mut values = Values(Ok(0));
    values.visit_file_mut(file);
    values.0
}

struct Values(Result<usize>);

impl VisitMut for Values {
    fn visit_macro_mut(&mut self, call: &mut syn::Macro) {
        // Every `format!` in this code makes a pattern of a path.
        if let Ok(taken) = &mut self.0
            && call.path.is_ident("format")
        {
            match literally(call) {
                Ok(()) => *taken += 1,
                Err(error) => self.0 = Err(error),
            }
        }
    }
}

fn literally(call: &mut syn::Macro) -> Result<()> {
    let mut arguments = call.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated)?;
    let plain: Expr = parse_quote!(value.to_string());
    match arguments.last_mut() {
        Some(value) if *value == plain => {
            *value = parse_quote!(regex::escape(&progenitor_client::encode_path(&#plain)));
        }
        _ => bail!("{CHANGED}"),
    }
    call.tokens = quote::quote!(#arguments);
    Ok(())
}
