//! progenitor's typed helpers for httpmock: single operations of the low-level client, mocked.

use anyhow::{Result, anyhow, bail};
use progenitor::Generator;
use serde_json::Value;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::visit_mut::VisitMut;
use syn::{Expr, Token, parse_quote};

use crate::generate::{api, quietly, render, settings};

/// The helpers for a repaired and documented fragment, as formatted text.
pub fn helpers(repaired: &Value) -> Result<String> {
    let api = api(repaired)?;
    let tokens = quietly(|| Generator::new(&settings()).httpmock(&api, "crate"))
        .map_err(|panic| anyhow!("progenitor panicked over httpmock: {panic}"))?
        .map_err(|error| anyhow!("progenitor's httpmock: {error}"))?;
    let mut file = syn::parse2(tokens)?;
    take_path_values_literally(&mut file)?;
    render(
        quote::quote!(#file),
        "//! Mocks of single operations, typed: one method of [`MockServerExt`] each.\n",
    )
}

/// progenitor puts the value of a path's parameter into a regular expression as it is: neither escaped as its own
/// client escapes it on the way, nor quoted. An environment `prod/eu` would never match, and `a.c` would match
/// `abc`.
pub fn take_path_values_literally(file: &mut syn::File) -> Result<()> {
    struct Values(Result<()>);
    impl VisitMut for Values {
        fn visit_macro_mut(&mut self, call: &mut syn::Macro) {
            if call.path.is_ident("format") {
                let done = literally(call);
                self.0 = std::mem::replace(&mut self.0, Ok(())).and(done);
            }
        }
    }
    fn literally(call: &mut syn::Macro) -> Result<()> {
        let parse = Punctuated::<Expr, Token![,]>::parse_terminated;
        let mut arguments = parse.parse2(call.tokens.clone())?;
        let plain: Expr = parse_quote!(value.to_string());
        match arguments.last_mut() {
            Some(value) if *value == plain => {
                *value = parse_quote!(regex::escape(&progenitor_client::encode_path(&#plain)));
            }
            _ => bail!(
                "progenitor no longer writes path values as they are: see `take_path_values_literally`"
            ),
        }
        call.tokens = quote::quote!(#arguments);
        Ok(())
    }
    let mut values = Values(Ok(()));
    values.visit_file_mut(file);
    values.0
}
