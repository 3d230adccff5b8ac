//! progenitor's typed helpers for httpmock, which mock single operations of the low-level client.

mod skip;

use anyhow::{Result, anyhow, bail};
use proc_macro2::TokenStream;
use progenitor::Generator;
use serde_json::Value;
use syn::punctuated::Punctuated;
use syn::visit_mut::VisitMut;
use syn::{Expr, Token, parse_quote};

use crate::codegen::progenitor::{api, catch_panic, in_one_line, render, settings};

/// The helpers for a repaired and documented fragment and the `client` that is generated of it, as formatted text.
///
/// Where progenitor 0.15 and httpmock 0.9 disagree, a method of an operation's helpers is left out, and the file names it.
pub fn helpers(repaired: &Value, client: &TokenStream) -> Result<String> {
    let api = api(repaired)?;
    let tokens = catch_panic(|| Generator::new(&settings()).httpmock(&api, "crate"))
        .map_err(|panic| anyhow!("progenitor panicked over httpmock: {}", in_one_line(&panic)))?
        .map_err(|error| anyhow!("progenitor's httpmock: {}", in_one_line(&error.to_string())))?;
    let mut file = syn::parse2(tokens)?;
    let skipped = skip::skip(&mut file, client)?;
    let taken = take_path_values_literally(&mut file)?;
    let paths = repaired["paths"].as_object();
    if taken == 0
        && skipped.is_empty()
        && paths
            .into_iter()
            .flatten()
            .any(|(path, _)| path.contains('{'))
    {
        bail!("{CHANGED}");
    }
    let mut docs =
        "//! Mocks of single operations, typed: one method of [`MockServerExt`] each.\n".to_owned();
    if !skipped.is_empty() {
        docs.push_str(
            "//!\n//! Without these, because what progenitor writes for them would not compile:\n",
        );
        for name in &skipped {
            docs.push_str(&format!("//! - `{name}`\n"));
        }
    }
    render(quote::quote!(#file), &docs)
}

const CHANGED: &str =
    "progenitor no longer writes path values as they are: see `take_path_values_literally`";

/// Escapes the values of path parameters, which progenitor puts into a regular expression as they are: neither escaped
/// for the URL, as its own client does, nor for the expression. An environment `prod/eu` would never match, and `a.c`
/// would match `abc`. Gives the number of values that were mended.
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
