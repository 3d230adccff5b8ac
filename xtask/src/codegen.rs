//! `cargo xtask codegen`: generates the low-level client from the fragment.

pub mod dispatch;
pub mod docs;
pub mod growth;
pub mod httpmock;
mod limits;
pub(crate) mod made;
mod mend;
pub(crate) mod names;
pub(crate) mod nulls;
pub mod operations;
pub(crate) mod optional;
pub mod progenitor;
pub mod readme;

use anyhow::Result;
use proc_macro2::TokenStream;
use serde_json::Value;

use crate::codegen::docs::Docs;
use crate::codegen::made::Made;
use crate::description::Description;
use crate::description::source::Source;
use crate::description::unread;
use crate::repairs;
use crate::repairs::Idle;
use crate::tree::{
    CLIENT, DOCS, FRAGMENT, File, HTTPMOCK, Mode, OPERATIONS, README, SOURCE, STORES, Tree,
};

/// The command that mends stale generated code.
pub const COMMAND: &str = "cargo xtask codegen";

/// Writes or compares the generated files, and gives the paths of those that differed.
pub fn run(tree: &Tree, mode: Mode, idle: Idle) -> Result<Vec<&'static str>> {
    tree.apply(&files(tree, idle)?, mode)
}

/// The generated files for the tree's fragment.
pub fn files(tree: &Tree, idle: Idle) -> Result<Vec<File>> {
    let source = Source::parse(&tree.read(SOURCE)?)?;
    let docs = Docs::parse(&tree.read(DOCS)?)?;
    // Only the descriptions of other servers and other times lack operations, and those have other faults.
    let idle = if source.package.missing.is_empty() {
        idle
    } else {
        Idle::Allow
    };
    let fragment = Description::parse(tree.read(FRAGMENT)?.as_bytes(), FRAGMENT)?.whole()?;
    unread::refuse(fragment.value())?;
    if idle == Idle::Refuse {
        source.check_facts(fragment.value())?;
    }
    let mut files = from_fragment(fragment.value(), &source, &docs, idle)?;
    files.push(File {
        path: README,
        text: readme::fill(&tree.read(README)?, fragment.value())?,
    });
    Ok(files)
}

/// The operations of the tree's fragment that have no words of ours.
pub fn wordless(tree: &Tree) -> Result<Vec<String>> {
    let fragment = Description::parse(tree.read(FRAGMENT)?.as_bytes(), FRAGMENT)?.whole()?;
    Docs::parse(&tree.read(DOCS)?)?.wordless(fragment.value())
}

/// The low-level client for a repaired fragment: progenitor's code, mended.
pub fn client(repaired: &Value) -> Result<TokenStream> {
    mend::replies(progenitor::client(repaired)?, repaired)
}

/// The generated code for a fragment.
pub fn from_fragment(
    fragment: &Value,
    source: &Source,
    docs: &Docs,
    idle: Idle,
) -> Result<Vec<File>> {
    let (mut repaired, _) = repairs::apply(fragment, source)?;
    docs.apply(&mut repaired)?;
    let files = from_repaired(&repaired)?;
    if idle == Idle::Refuse {
        repairs::check_witnesses(fragment, source)?;
    }
    Ok(files)
}

/// The generated code for a repaired fragment. All that is refused is told together.
pub(crate) fn from_repaired(repaired: &Value) -> Result<Vec<File>> {
    let stores = dispatch::dispatch(repaired);
    let client = client(repaired);
    let client = client.and_then(|client| Ok((Made::of(client.clone())?, client)));
    let mut errors = Vec::from_iter(names::check(repaired).err());
    let mut files = Vec::new();
    match stores {
        Ok(dispatch) => {
            if let Ok((made, _)) = &client {
                errors.extend(dispatch.check(made).err());
            }
            files.push(File {
                path: STORES,
                text: dispatch.text,
            });
        }
        Err(error) => errors.push(error),
    }
    match client.and_then(|(made, client)| of_client(client, &made, repaired)) {
        Ok(more) => files.extend(more),
        Err(error) => errors.push(error),
    }
    repairs::all_of(errors)?;
    Ok(files)
}

/// The files that are made of progenitor's client.
fn of_client(client: TokenStream, made: &Made, repaired: &Value) -> Result<[File; 3]> {
    let mocks = httpmock::helpers(repaired, &client)?;
    Ok([
        File {
            path: CLIENT,
            text: progenitor::render(growth::marked(client)?, progenitor::DOCS)?,
        },
        File {
            path: OPERATIONS,
            text: operations::text(repaired, made)?,
        },
        File {
            path: HTTPMOCK,
            text: mocks,
        },
    ])
}
