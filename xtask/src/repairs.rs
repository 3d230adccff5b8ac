//! Repairs of GitHub's description: what progenitor cannot digest, and what would make a poor
//! client. Each is one named function that says why it is there and counts what it mended.
//!
//! A repair that mends nothing is dead weight, or worse: its fault has moved. So each may have a
//! witness in `openapi/source.toml`, an operation that shows the fault; if that operation is in
//! the description and the repair leaves it as it was, generation fails and names the repair.

mod bodies;
mod document;
mod replies;
pub(crate) mod schemas;
mod stores;
mod walk;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::cut;
use crate::description::Description;
use crate::family;
use crate::source::Source;

pub use schemas::HIDDEN;
pub use stores::{
    KEY_ID, PUBLIC_KEY, REGISTRY, REGISTRY_PAGE, REPOSITORY, REPOSITORY_PAGE, SECRET, SECRET_PAGE,
};

/// One repair.
pub struct Repair {
    /// Its name, as in `[witness]` of `openapi/source.toml`.
    pub name: &'static str,
    /// Why it is needed, in one line.
    pub why: &'static str,
    /// What it mends: the module that holds it.
    room: &'static str,
    run: fn(&mut Value, &Source) -> Result<usize>,
}

macro_rules! repairs {
    ($($module:ident::$name:ident: $why:literal,)*) => {
        /// All repairs, in the order in which they run.
        pub const ALL: &[Repair] = &[$(
            Repair {
                name: stringify!($name),
                why: $why,
                room: stringify!($module),
                run: $module::$name,
            },
        )*];
    };
}

repairs! {
    replies::drop_error_replies: "progenitor takes one reply type; errors then arrive unread, with status and headers",
    replies::drop_empty_object_replies: "201 with `{}` beside 204 without a body is one kind of success, not two",
    replies::keep_one_reply_type: "progenitor takes one reply type over all successes",
    bodies::keep_one_media_type: "progenitor takes one media type a body",
    bodies::unknown_media_types_as_bytes: "progenitor knows four kinds of body",
    schemas::drop_colliding_enums: "progenitor panics on values whose Rust names collide",
    schemas::drop_facets: "no regex, date or URI types, no fallible newtypes around text, and no types that limits choose",
    schemas::drop_defaults: "a default is the server's business: sent by us, PATCH would change what was not named",
    bodies::ids_as_the_server_wants_them: "the description takes ids as numbers and as text, servers take one of them",
    stores::page_every_list: "GitHub pages lists whose description forgets to say so",
    stores::one_shape_per_role: "stores differ in their facts, not in what a secret is",
    stores::key_ids_keep_their_text: "old Enterprise Servers send `key_id` as a number",
    schemas::hide_tokens: "every generated type prints itself, and a token must not",
    replies::open_reply_enums: "one new value of an enum would fail a whole list",
    replies::null_collections_are_absent: "an optional list that comes back as null would fail a whole page",
    replies::open_reply_objects: "one new field of a closed object would fail a whole list",
    bodies::nullable_optional_collections: "an optional list would be left out when empty, and an explicit `[]` means something",
    schemas::rename_components_that_collide: "a component may be called as progenitor calls an inline type",
    schemas::nullable_where_used: "a nullable component becomes a wrapper, and once an infinite type",
    document::api_version: "the generated client tells the API's version, not that of the package",
}

/// What happens when a repair no longer mends its witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// Generation fails: the repair must go.
    Refuse,
    /// Nothing: other times and other servers had other faults.
    Allow,
}

/// Mends `fragment`, and insists that every repair mends its witness.
pub fn repair(fragment: &Value, source: &Source, idle: Idle) -> Result<Value> {
    let mended = apply(fragment, source)?.0;
    if idle == Idle::Refuse {
        let description = Description::from_value(fragment.clone())?;
        for (name, witness) in &source.witness {
            testify(&description, source, name, witness)?;
        }
    }
    Ok(mended)
}

/// Fails if the operation `witness` is there and the repair `name` leaves it as it is.
pub fn testify(
    description: &Description,
    source: &Source,
    name: &str,
    witness: &str,
) -> Result<()> {
    let index = ALL
        .iter()
        .position(|repair| repair.name == name)
        .with_context(|| format!("openapi/source.toml: there is no repair `{name}`"))?;
    let all = description.operations();
    let Some(operation) = all.iter().find(|operation| operation.id == witness) else {
        return Ok(());
    };
    let company = family::scopes(description.value())
        .into_iter()
        .filter(|_| ALL[index].room == "stores")
        .find(|scope| scope.operations.values().any(|each| each.id == witness))
        .map(|scope| scope.operations.into_values().collect());
    let part = company.unwrap_or_else(|| vec![*operation]);
    let part = cut::cut(description, &part, &Default::default())?;
    if apply(&part, source)?.1[index] > 0 {
        return Ok(());
    }
    bail!(
        "repair `{name}` mends nothing in `{witness}` any more: remove the repair, or name another \
         witness in openapi/source.toml (why it was there: {})",
        ALL[index].why
    )
}

/// Mends `fragment` and tells how often each repair did something.
pub fn apply(fragment: &Value, source: &Source) -> Result<(Value, Vec<usize>)> {
    let mut document = fragment.clone();
    let mut counts = Vec::with_capacity(ALL.len());
    for repair in ALL {
        counts.push(
            (repair.run)(&mut document, source)
                .with_context(|| format!("repair `{}`", repair.name))?,
        );
    }
    document::drop_unreached(&mut document);
    Ok((document, counts))
}
