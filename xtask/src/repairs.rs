//! Repairs of GitHub's description: of what progenitor can't take, and of what would make a poor client. Each is one
//! named function that has a reason, and counts what it mended.
//!
//! A repair that mends nothing is to be removed, or its fault has moved. Each has a witness in `openapi/source.toml`, an
//! operation that shows the fault. If the description has that operation and the repair mends nothing there, generation
//! fails and names the repair.

mod bodies;
mod choices;
pub mod components;
mod document;
mod lenient;
mod replies;
mod schemas;
mod stores;
mod unions;

pub(crate) use replies::{is_json, json_schema};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::description::source::Source;
use crate::description::{Description, cut, family};

/// One repair.
pub struct Repair {
    /// Its name, as in `[witness]` of `openapi/source.toml`.
    pub name: &'static str,
    /// Why it is needed, in one line.
    pub why: &'static str,
    /// The upstream issue about the fault, if there is one: once it is closed, the repair may go.
    pub upstream: Option<&'static str>,
    /// The module that it is in.
    module: &'static str,
    run: fn(&mut Value, &Source) -> Result<usize>,
}

macro_rules! optional {
    () => {
        None
    };
    ($value:literal) => {
        Some($value)
    };
}

macro_rules! repairs {
    ($($module:ident::$name:ident: $why:literal $(, see $upstream:literal)?;)*) => {
        /// All repairs, in the order in which they run.
        pub const ALL: &[Repair] = &[$(
            Repair {
                name: stringify!($name),
                why: $why,
                upstream: optional!($($upstream)?),
                module: stringify!($module),
                run: $module::$name,
            },
        )*];
    };
}

repairs! {
    replies::drop_error_replies: "progenitor takes one reply type; errors then arrive unread, with status and headers",
        see "https://github.com/oxidecomputer/progenitor/issues/344";
    replies::drop_empty_object_replies: "201 with `{}` beside 204 without a body is one kind of success, and `{}` alone says nothing",
        see "https://github.com/oxidecomputer/progenitor/issues/344";
    bodies::keep_one_media_type: "progenitor takes one media type a body",
        see "https://github.com/oxidecomputer/progenitor/issues/76";
    bodies::unknown_media_types_as_bytes: "progenitor knows four kinds of body",
        see "https://github.com/oxidecomputer/progenitor/issues/402";
    choices::drop_choices_of_limits: "a choice that only requires something becomes a type that loses all else";
    choices::choices_are_no_parts: "progenitor takes choices of `anyOf` for parts of one object, which lists are not";
    schemas::drop_colliding_enums: "progenitor panics on values whose Rust names collide",
        see "https://github.com/oxidecomputer/typify/issues/948";
    schemas::drop_facets: "no regex, date or URI types, no fallible newtypes around text, and no types that limits choose";
    schemas::drop_defaults: "a default is the server's business: sent by us, PATCH would change what was not named";
    bodies::ids_as_the_version_wants_them: "some operations took ids as text before a version of the API, and take numbers since",
        see "https://github.com/cli/cli/issues/6934";
    bodies::ids_are_numbers: "the description takes ids as numbers and as text, servers take numbers",
        see "https://github.com/github/rest-api-description/issues/275";
    stores::page_every_list: "GitHub pages lists whose description lacks the parameters";
    stores::one_shape_per_role: "stores differ in their facts, not in what a secret is";
    stores::key_ids_keep_their_text: "old Enterprise Servers send `key_id` as a number",
        see "https://github.com/google/go-github/issues/1836";
    bodies::sealed_values_are_sealed: "plaintext where a sealed value belongs would be sent";
    schemas::hide_tokens: "every generated type prints itself, and a token or secret must not";
    lenient::require_what_is_needed: "a reply may lack any field that the description requires",
        see "https://github.com/github/rest-api-description/issues/4651";
    lenient::open_reply_enums: "one new value of an enum would fail a whole list";
    lenient::null_collections_are_absent: "an optional list that comes back as null would fail a whole page";
    lenient::open_reply_objects: "one new field of a closed object would fail a whole list";
    choices::demanding_choices_first: "the first choice that fits is taken, and loses what it does not know";
    bodies::bodies_take_what_was_cut: "a body may name what is cut from the fragment, as an App's permissions are";
    bodies::null_is_no_absence: "left out, a property stays as it is, and by `null` it is cleared: one `None` can't say both";
    bodies::nullable_optional_collections: "an optional list would be left out when empty, and an explicit `[]` means something";
    replies::one_type_over_successes: "progenitor takes one reply type over all successes",
        see "https://github.com/oxidecomputer/progenitor/issues/950";
    schemas::rename_components_that_collide: "a component may be called as progenitor calls an inline type";
    schemas::nullable_where_used: "a nullable component becomes a wrapper, and once an infinite type";
    document::api_version: "the generated client tells the API's version, not that of the package";
}

/// Whether a repair must mend something in its witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// It must, or generation fails.
    Refuse,
    /// It need not: the descriptions of other times and other servers have other faults.
    Allow,
}

/// Applies all repairs to `fragment`, and fails if one mends nothing in its witness (unless that is allowed).
pub fn repair(fragment: &Value, source: &Source, idle: Idle) -> Result<Value> {
    let mended = apply(fragment, source)?.0;
    if idle == Idle::Refuse {
        check_witnesses(fragment, source)?;
    }
    Ok(mended)
}

/// Fails if a repair mends nothing in its witness. Whatever else is wrong with the fragment is to be told before: an
/// operation that is not understood shows no fault.
pub fn check_witnesses(fragment: &Value, source: &Source) -> Result<()> {
    let description = Description::from_value(fragment.clone())?;
    let witnesses = source.witness.iter();
    let errors = witnesses
        .filter_map(|(name, witness)| check_witness(&description, source, name, witness).err());
    all_of(errors.collect())
}

/// One error that tells all of them, if there are any.
pub fn all_of(errors: Vec<anyhow::Error>) -> Result<()> {
    let mut told: Vec<_> = errors.iter().map(|error| format!("{error:#}")).collect();
    told.dedup();
    match told.as_slice() {
        [] => Ok(()),
        [one] => bail!("{one}"),
        many => bail!("{} faults:\n{}", many.len(), many.join("\n")),
    }
}

/// Fails if the description has the operation `witness` and the repair `name` mends nothing there.
pub fn check_witness(
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
    // Stores are recognised by several operations together.
    let scope = family::scopes(description.value())
        .into_iter()
        .filter(|_| ALL[index].module == "stores")
        .find(|scope| scope.operations.values().any(|each| each.id == witness))
        .map(|scope| scope.operations.into_values().collect());
    if ALL[index].module == "stores" && scope.is_none() && !of_registries(description, witness) {
        bail!(
            "`{witness}` ({} {}) belongs to no store any more: a store is a collection at a place of the family with a \
             public key and a `PUT` that takes a sealed value",
            operation.method.to_uppercase(),
            operation.path
        );
    }
    let part = scope.unwrap_or_else(|| vec![*operation]);
    let part = cut::cut(description, &part, &Default::default())?;
    if apply(&part, source)?.1[index] > 0 {
        return Ok(());
    }
    let Repair { why, upstream, .. } = &ALL[index];
    let upstream = upstream.map(|link| format!(", {link}")).unwrap_or_default();
    bail!(
        "repair `{name}` mends nothing in `{witness}` any more: remove the repair, or the entry of [practice] \
         that it follows, or name another witness in openapi/source.toml (why it was there: {why}{upstream})"
    )
}

fn of_registries(description: &Description, id: &str) -> bool {
    let registries = family::registries(description.value());
    registries.is_some_and(|all| all.operations().iter().any(|each| each.id == id))
}

/// The repairs that take less than the description says, because servers do.
const NARROWING: [&str; 2] = ["ids_as_the_version_wants_them", "ids_are_numbers"];

/// A fragment that says what servers take, where the description says more.
pub fn narrowed(fragment: &Value, source: &Source) -> Result<Value> {
    let mut document = fragment.clone();
    for repair in ALL.iter().filter(|it| NARROWING.contains(&it.name)) {
        (repair.run)(&mut document, source)?;
    }
    Ok(document)
}

/// Applies all repairs to `fragment`, and counts what each mended. What several refuse is told together.
pub fn apply(fragment: &Value, source: &Source) -> Result<(Value, Vec<usize>)> {
    let mut document = fragment.clone();
    schemas::make_room_for_ours(&mut document);
    stores::call_pieces_alike(&mut document);
    let (mut counts, mut errors) = (Vec::with_capacity(ALL.len()), Vec::new());
    for repair in ALL {
        let mended = (repair.run)(&mut document, source);
        match mended.with_context(|| format!("repair `{}`", repair.name)) {
            Ok(mended) => counts.push(mended),
            Err(error) => errors.push(error),
        }
    }
    all_of(errors)?;
    document::drop_unreached(&mut document);
    Ok((document, counts))
}
