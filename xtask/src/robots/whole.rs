//! `cargo xtask sweep --whole`: generates every operation at once, and compiles the result.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::codegen;
use crate::codegen::docs::Docs;
use crate::description::Description;
use crate::description::cut::cut;
use crate::description::source::Source;
use crate::progress;
use crate::repairs::{self, Idle};
use crate::robots::scratch::Scratch;
use crate::tree::{CLIENT, DOCS, Tree};

/// The result for the whole API.
#[derive(Debug, Clone)]
pub struct Whole {
    /// The number of lines of `generated.rs`.
    pub lines: usize,
    /// The time of cutting, repairing and generating.
    pub generate: Duration,
    /// The time of `cargo check`, dependencies included where they are not compiled yet.
    pub check: Duration,
}

/// Generates every operation of a description at once, and checks the result in a scratch copy.
pub fn whole(
    tree: &Tree,
    description: &Description,
    source: &Source,
    offline: bool,
) -> Result<Whole> {
    let started = Instant::now();
    let all = cut(description, &description.operations(), &Default::default())?;
    let docs = Docs::parse(&tree.read(DOCS)?)?;
    let files = progress::during("generating the whole API", || {
        codegen::from_fragment(&all, source, &docs, Idle::Allow)
    })?;
    let generate = started.elapsed();
    let lines = files
        .iter()
        .find(|file| file.path == CLIENT)
        .map_or(0, |file| file.text.lines().count());
    for (name, witness) in &source.witness {
        repairs::check_witness(description, source, name, witness)?;
    }

    let target = tree.root().join("target");
    let scratch = Scratch::new(
        tree,
        &target.join("whole"),
        &target.join("whole/target"),
        &["codegen"],
    )?
    .offline(offline);
    scratch.write_all(&files)?;
    let started = Instant::now();
    scratch.cargo(&["check", "--package", "octoseal-api", "--all-features"])?;
    Ok(Whole {
        lines,
        generate,
        check: started.elapsed(),
    })
}

impl fmt::Display for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            lines,
            generate,
            check,
        } = self;
        write!(
            f,
            "the whole API: {lines} lines, generated in {:.1} s, checked in {:.1} s",
            generate.as_secs_f64(),
            check.as_secs_f64()
        )
    }
}
