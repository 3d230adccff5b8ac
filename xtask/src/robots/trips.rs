//! Round trips: what the description says of a reply or a body survives being read and written by the generated types.
//!
//! The types are not compiled: their declarations and serde's attributes are interpreted, so that a sweep over thousands
//! of operations takes seconds.

mod samples;
mod through;
mod types;

use anyhow::{Context as _, Result, anyhow};
use proc_macro2::TokenStream;
use serde_json::{Map, Value};
use syn::Type;

use crate::codegen::made::{Made, inside};
use crate::description::walk::{component_of, resolve};
use crate::description::{Operation, operations};
use crate::repairs::components::{KIND, WITHOUT_BODY};
use crate::repairs::json_schema;
use crate::rust_names::{pascal, snake};
use samples::Samples;
use through::through;
use types::{Kind, Types, kind};

/// What went through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trips {
    /// The number of schemas of replies and bodies.
    pub schemas: usize,
    /// The number of values made from them.
    pub values: usize,
}

impl std::ops::AddAssign for Trips {
    fn add_assign(&mut self, other: Self) {
        self.schemas += other.schemas;
        self.values += other.values;
    }
}

/// Takes values of every JSON reply and body of a description through the `client` that was generated from `repaired`.
pub fn trips(description: &Value, repaired: &Value, client: TokenStream) -> Result<Trips> {
    let made = Made::of(client.clone())?;
    let types = Types::of(&syn::parse2(client)?)?;
    let mut samples = Samples::new(description);
    let mut all = Trips::default();
    let mended = operations(repaired);
    for operation in operations(description) {
        let mended = mended.iter().find(|each| each.id == operation.id);
        let mended = mended.with_context(|| format!("`{}` was lost", operation.id))?;
        for traveller in of_operation(description, &operation, mended, &made)? {
            let Traveller {
                what,
                schema,
                kind,
                is_sent,
            } = traveller;
            let values = samples.each(schema, |value| {
                let written = through(&types, &kind, &value)
                    .map_err(|why| anyhow!("{what} can't be read: {why}"))?;
                match difference(&value, &written, is_sent) {
                    None => Ok(()),
                    Some(lost) => Err(anyhow!("{what} loses {lost}")),
                }
            })?;
            all += Trips { schemas: 1, values };
        }
    }
    Ok(all)
}

struct Traveller<'a> {
    /// A name for errors.
    what: String,
    schema: &'a Value,
    /// The generated type.
    kind: Kind,
    /// Whether it is a body: there, `null` says something else than nothing.
    is_sent: bool,
}

/// The JSON replies and the JSON body of an operation.
fn of_operation<'a>(
    description: &'a Value,
    operation: &Operation<'a>,
    mended: &Operation<'_>,
    made: &Made,
) -> Result<Vec<Traveller<'a>>> {
    let method = made.method(&snake(operation.id));
    let method = method.context("it has no generated method")?;
    let mut found = Vec::new();
    for (status, reply) in operation.node["responses"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let after = &mended.node["responses"][status];
        let Some(schema) = json_schema(description, reply) else {
            continue;
        };
        if after.is_null() || after[WITHOUT_BODY] == true || is_bytes(&method.reply) {
            continue;
        }
        let kind = match after[KIND]["$ref"].as_str().and_then(component_of) {
            Some((_, name)) => Kind::Named(pascal(name)),
            None => kind(&method.reply)?,
        };
        if kind != Kind::Nothing {
            found.push(Traveller {
                what: format!("its reply {status}"),
                schema,
                kind,
                is_sent: false,
            });
        }
    }
    let body = resolve(description, &operation.node["requestBody"]);
    if let Some(schema) = json_schema(description, body) {
        let body = method.arguments.iter().find(|(name, _)| name == "body");
        let (_, argument) = body.context("its body is no argument of the generated method")?;
        found.push(Traveller {
            what: "its body".to_owned(),
            schema,
            kind: kind(argument)?,
            is_sent: true,
        });
    }
    Ok(found)
}

fn is_bytes(kind: &Type) -> bool {
    let kind = inside(kind, "Option").unwrap_or(kind);
    matches!(kind, Type::Path(path) if path.path.is_ident("ByteStream"))
}

/// What the second value lacks or has otherwise. Where `nulls` say nothing, a property that is null is as good as none.
fn difference<'a>(one: &'a Value, other: &'a Value, nulls: bool) -> Option<String> {
    let at = |step: &str, found: String| match found.starts_with(['.', '[']) {
        true => format!("{step}{found}"),
        false => format!("{step} ({found})"),
    };
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let mut names: Vec<_> = one.keys().chain(other.keys()).collect();
            names.sort();
            names.dedup();
            names.into_iter().find_map(|name| {
                let said =
                    |it: &'a Map<String, Value>| it.get(name).filter(|it| nulls || !it.is_null());
                let found = match (said(one), said(other)) {
                    (Some(one), Some(other)) => difference(one, other, nulls)?,
                    (None, None) => return None,
                    (one, other) => {
                        let [one, other] = [one, other]
                            .map(|it| it.map_or_else(|| "nothing".to_owned(), Value::to_string));
                        format!("{one} becomes {other}")
                    }
                };
                Some(at(&format!(".{name}"), found))
            })
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let mut pairs = one.iter().zip(other);
            pairs
                .find_map(|(one, other)| difference(one, other, nulls).map(|found| at("[]", found)))
        }
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => None,
        (one, other) if one == other => None,
        (one, other) => Some(format!("{one} becomes {other}")),
    }
}
