//! What is changed in the code that progenitor writes.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, format_ident};
use serde_json::Value;
use syn::visit_mut::{
    VisitMut, visit_arm_mut, visit_expr_match_mut, visit_expr_mut, visit_impl_item_fn_mut,
    visit_path_segment_mut,
};
use syn::{
    Arm, Block, Expr, ExprMatch, ImplItemFn, Item, Lit, Pat, PathArguments, PathSegment, Stmt,
    Type, Visibility, parse_quote,
};

use super::made::{inside, reply_of};
use crate::description::operations;
use crate::description::walk::component_of;
use crate::repairs::components::{KIND, WITHOUT_BODY};
use crate::rust_names::{pascal, snake};

/// Puts this crate's types in place of progenitor's, and reads replies by `codegen/src/reply.rs`, which names the field
/// that can't be read. Where an operation's kinds of success differ, the arm of a status decides what is read: nothing
/// (`None`), or one of several types.
pub(super) fn replies(client: TokenStream, repaired: &Value) -> Result<TokenStream> {
    let mut file: syn::File = syn::parse2(client)?;
    let kinds = operations(repaired)
        .into_iter()
        .map(|operation| (snake(operation.id), kinds(&operation.node["responses"])))
        .filter(|(_, kinds)| !kinds.is_empty())
        .collect();
    let mut mender = Replies {
        kinds,
        method: String::new(),
        reply: None,
        kind: None,
    };
    mender.visit_file_mut(&mut file);
    own_types(&mut file);
    let mended = file.into_token_stream();
    let text = mended.to_string();
    for before in [
        "from_response",
        "UnexpectedResponse",
        "Error < () >",
        "api_version ())",
    ] {
        if text.contains(before) {
            bail!("progenitor no longer writes `{before}` as it did: see `mend::replies`");
        }
    }
    Ok(mended)
}

/// Has the types of this crate that calls give imported in place of progenitor's.
fn own_types(file: &mut syn::File) {
    let is_import = |item: &Item| matches!(item, Item::Use(import) if matches!(import.vis, Visibility::Public(_)));
    file.items.retain(|item| !is_import(item));
    file.items.insert(
        0,
        parse_quote!(
            #[allow(unused_imports)]
            use crate::{Body as ByteStream, ClientInfo, Error, ResponseValue};
        ),
    );
}

/// What a reply is, as its status tells.
#[derive(Clone)]
enum Kind {
    Nothing,
    /// One of several types, by name.
    Of(Ident),
}

/// What the statuses of one operation tell.
fn kinds(responses: &Value) -> BTreeMap<String, Kind> {
    let all = responses.as_object().into_iter().flatten();
    all.filter_map(|(status, reply)| {
        let kind = match reply[KIND]["$ref"].as_str().and_then(component_of) {
            Some((_, name)) => Kind::Of(format_ident!("{}", pascal(name))),
            None if reply[WITHOUT_BODY] == true => Kind::Nothing,
            None => return None,
        };
        Some((status.clone(), kind))
    })
    .collect()
}

struct Replies {
    /// By method and status.
    kinds: BTreeMap<String, BTreeMap<String, Kind>>,
    /// The method that is visited.
    method: String,
    /// What its `ResponseValue` holds.
    reply: Option<Type>,
    /// What the arm that is visited is for, if its status tells.
    kind: Option<Kind>,
}

impl VisitMut for Replies {
    /// No operation has an error that is described.
    fn visit_path_segment_mut(&mut self, segment: &mut PathSegment) {
        if segment.ident == "Error" {
            segment.arguments = PathArguments::None;
        }
        visit_path_segment_mut(self, segment);
    }

    fn visit_impl_item_fn_mut(&mut self, method: &mut ImplItemFn) {
        self.method = method.sig.ident.to_string();
        self.reply = reply_of(&method.sig).cloned();
        drop_own_header(&mut method.block);
        visit_impl_item_fn_mut(self, method);
    }

    fn visit_expr_match_mut(&mut self, choice: &mut ExprMatch) {
        // progenitor writes the range of all successes before single ones, which would then never be met.
        choice.arms.sort_by_key(|arm| match arm.pat {
            Pat::Lit(_) => 0,
            Pat::Range(_) => 1,
            _ => 2,
        });
        visit_expr_match_mut(self, choice);
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        let kinds = self.kinds.get(&self.method);
        let kind = kinds.and_then(|kinds| kinds.get(&status(&arm.pat)?));
        let before = std::mem::replace(&mut self.kind, kind.cloned());
        visit_arm_mut(self, arm);
        self.kind = before;
    }

    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        if let Some(response) = what_is_empty(expression) {
            *expression = parse_quote!(crate::reply::empty(#response).await);
            return;
        }
        if let Some(response) = argument(expression, parse_quote!(Error::UnexpectedResponse)) {
            *expression = parse_quote!(Error::unexpected(#response));
            return;
        }
        let Some(response) = what_is_read(expression) else {
            visit_expr_mut(self, expression);
            return;
        };
        *expression = match &self.kind {
            None => parse_quote!(crate::reply::read(#response).await),
            Some(Kind::Nothing) => parse_quote!(Ok(crate::reply::none(#response))),
            Some(Kind::Of(kind)) => {
                let reply = self.reply.as_ref();
                match reply.map(|reply| (reply, inside(reply, "Option"))) {
                    Some((_, Some(reply))) => {
                        parse_quote!(crate::reply::read_as(#response, |reply: types::#kind| Some(#reply::from(reply))).await)
                    }
                    Some((reply, None)) => {
                        parse_quote!(crate::reply::read_as(#response, |reply: types::#kind| #reply::from(reply)).await)
                    }
                    None => return,
                }
            }
        };
    }
}

/// Removes from a method progenitor's own header, which GitHub does not know, and the map of headers if nothing else is
/// in it.
fn drop_own_header(method: &mut Block) {
    let has = |statement: &Stmt, code: &str| statement.to_token_stream().to_string().contains(code);
    method
        .stmts
        .retain(|it| !has(it, "from_static (Self :: api_version ())"));
    if method.stmts.iter().any(|it| has(it, "header_map . append")) {
        return;
    }
    method.stmts.retain(|it| !has(it, "let mut header_map ="));
    RemoveHeaderMap.visit_block_mut(method);
}

/// Removes the calls `.headers(header_map)`.
struct RemoveHeaderMap;

impl VisitMut for RemoveHeaderMap {
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        visit_expr_mut(self, expression);
        if let Expr::MethodCall(call) = expression
            && call.method == "headers"
            && matches!(call.args.first(), Some(Expr::Path(map)) if map.path.is_ident("header_map"))
        {
            *expression = (*call.receiver).clone();
        }
    }
}

/// The variable of which `ResponseValue::from_response(response).await` reads.
fn what_is_read(expression: &Expr) -> Option<Ident> {
    let Expr::Await(read) = expression else {
        return None;
    };
    argument(&read.base, parse_quote!(ResponseValue::from_response))
}

/// The variable of `Ok(ResponseValue::empty(response))`.
fn what_is_empty(expression: &Expr) -> Option<Ident> {
    let Expr::Call(ok) = expression else {
        return None;
    };
    let wanted: Expr = parse_quote!(Ok);
    let inner = ok.args.first().filter(|_| *ok.func == wanted)?;
    argument(inner, parse_quote!(ResponseValue::empty))
}

/// The variable that a function is called with. Where a parameter is called `response`, the response has another name.
fn argument(call: &Expr, function: Expr) -> Option<Ident> {
    let Expr::Call(call) = call else {
        return None;
    };
    match call.args.first() {
        Some(Expr::Path(variable)) if *call.func == function => variable.path.get_ident().cloned(),
        _ => None,
    }
}

/// The status that an arm is for, as the description writes it, if it is for one, or the range of all successes.
fn status(pattern: &Pat) -> Option<String> {
    match pattern {
        Pat::Lit(literal) => match &literal.lit {
            Lit::Int(number) => Some(number.base10_digits().to_owned()),
            _ => None,
        },
        Pat::Range(_) => Some("2XX".to_owned()),
        _ => None,
    }
}
