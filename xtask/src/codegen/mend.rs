//! What is changed in the code that progenitor writes.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use proc_macro2::TokenStream;
use quote::ToTokens as _;
use serde_json::Value;
use syn::visit_mut::{VisitMut, visit_arm_mut, visit_expr_mut, visit_impl_item_fn_mut};
use syn::{Arm, Expr, ImplItemFn, Lit, Pat, parse_quote};

use crate::description::operations;
use crate::repairs::components::WITHOUT_BODY;
use crate::rust_names::snake;

/// Lets replies be read by `codegen/src/reply.rs`, which names the field that can't be read, and kinds of success
/// without a body be read as `None` where others have one.
pub(super) fn replies(client: TokenStream, repaired: &Value) -> Result<TokenStream> {
    let mut file: syn::File = syn::parse2(client)?;
    let mut mender = Replies {
        without_body: without_body(repaired),
        method: String::new(),
        none: false,
    };
    mender.visit_file_mut(&mut file);
    let mended = file.into_token_stream();
    if mended.to_string().contains("from_response") {
        bail!("progenitor no longer reads replies as it did: see `mend::replies`");
    }
    Ok(mended)
}

/// The statuses of each method whose replies have no body although others of the same operation have one.
fn without_body(repaired: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let statuses = |responses: &Value| {
        let all = responses.as_object().into_iter().flatten();
        all.filter(|(_, reply)| reply[WITHOUT_BODY] == true)
            .map(|(status, _)| status.clone())
            .collect()
    };
    operations(repaired)
        .into_iter()
        .map(|operation| (snake(operation.id), statuses(&operation.node["responses"])))
        .collect()
}

struct Replies {
    without_body: BTreeMap<String, BTreeSet<String>>,
    /// The method that is visited.
    method: String,
    /// Whether the arm that is visited is for a reply without a body.
    none: bool,
}

impl VisitMut for Replies {
    fn visit_impl_item_fn_mut(&mut self, method: &mut ImplItemFn) {
        self.method = method.sig.ident.to_string();
        visit_impl_item_fn_mut(self, method);
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        let without_body = self.without_body.get(&self.method);
        let status = status(&arm.pat);
        let none = status.is_some_and(|it| without_body.is_some_and(|all| all.contains(&it)));
        let before = std::mem::replace(&mut self.none, none);
        visit_arm_mut(self, arm);
        self.none = before;
    }

    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        let read: Expr = parse_quote!(ResponseValue::from_response(response).await);
        if *expression != read {
            visit_expr_mut(self, expression);
        } else if self.none {
            *expression = parse_quote!(Ok(crate::reply::none(response)));
        } else {
            *expression = parse_quote!(crate::reply::read(response).await);
        }
    }
}

/// The status that an arm is for, if it is for one.
fn status(pattern: &Pat) -> Option<String> {
    let Pat::Lit(literal) = pattern else {
        return None;
    };
    match &literal.lit {
        Lit::Int(number) => Some(number.base10_digits().to_owned()),
        _ => None,
    }
}
