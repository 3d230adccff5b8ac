//! `cargo xtask sweep`: cuts, repairs and generates every operation of a description, each alone, and takes what is
//! described through the generated types. A user may keep other operations than we do.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

use crate::codegen::progenitor;
use crate::description::cut::cut;
use crate::description::source::Source;
use crate::description::{Description, Operation};
use crate::robots::trips::{self, Trips};
use crate::{codegen, progress, repairs};

/// The result of a sweep.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// The number of operations.
    pub operations: usize,
    /// The ids of operations that failed, by cause.
    pub failures: BTreeMap<String, Vec<String>>,
    /// By repair: the number of operations that it mended.
    pub mended: Vec<(&'static str, usize)>,
    /// What went through the generated types.
    pub trips: Trips,
    /// The time taken.
    pub time: Duration,
}

/// Takes every operation through the machine alone.
pub fn sweep(description: &Description, source: &Source) -> Sweep {
    let started = Instant::now();
    let operations = description.operations();
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} operations, {eta} to go")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(operations.len() as u64).with_style(style);
    let take = |operation: &Operation<'_>| {
        let result = sweep_one(description, operation, source);
        bar.inc(1);
        (operation.id.to_owned(), result)
    };
    let all = || -> Vec<_> { operations.par_iter().map(take).collect() };
    // A bar is drawn on terminals alone.
    let results = match bar.is_hidden() {
        true => progress::during("sweeping", all),
        false => all(),
    };
    bar.finish_and_clear();

    let mut failures: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut mended: Vec<_> = repairs::ALL.iter().map(|repair| (repair.name, 0)).collect();
    let mut trips = Trips::default();
    for (id, result) in results {
        match result {
            Ok((counts, own)) => {
                trips += own;
                for ((_, total), count) in mended.iter_mut().zip(counts) {
                    *total += usize::from(count > 0);
                }
            }
            Err(error) => failures
                .entry(cause(&format!("{error:#}")))
                .or_default()
                .push(id),
        }
    }
    for (name, witness) in &source.witness {
        if let Err(error) = repairs::check_witness(description, source, name, witness) {
            failures.insert(error.to_string(), vec![witness.clone()]);
        }
    }
    Sweep {
        operations: operations.len(),
        failures,
        mended,
        trips,
        time: started.elapsed(),
    }
}

impl Sweep {
    /// Fails if an operation failed, or if there was none.
    pub fn verdict(&self) -> Result<()> {
        if self.operations == 0 {
            bail!("there are no operations to sweep");
        }
        let failed: usize = self.failures.values().map(Vec::len).sum();
        if failed > 0 {
            bail!("{failed} of {} operations fail", self.operations);
        }
        Ok(())
    }
}

impl fmt::Display for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed: usize = self.failures.values().map(Vec::len).sum();
        writeln!(
            f,
            "{} of {} operations generate, in {:.1} s",
            self.operations - failed,
            self.operations,
            self.time.as_secs_f64()
        )?;
        let Trips { schemas, values } = self.trips;
        writeln!(
            f,
            "{values} values of {schemas} replies and bodies are written as they were read"
        )?;
        for (cause, ids) in &self.failures {
            writeln!(f, "{:>5}  {cause}", ids.len())?;
            writeln!(f, "       {}", ids[..ids.len().min(5)].join(", "))?;
        }
        writeln!(f, "repairs, by operations mended:")?;
        for (name, count) in &self.mended {
            writeln!(f, "{count:>5}  {name}")?;
        }
        Ok(())
    }
}

/// One operation through the machine.
fn sweep_one(
    description: &Description,
    operation: &Operation<'_>,
    source: &Source,
) -> Result<(Vec<usize>, Trips)> {
    let work = || -> Result<(Vec<usize>, Trips)> {
        let part = cut(description, &[*operation], &Default::default()).context("cut")?;
        let (repaired, counts) = repairs::apply(&part, source)?;
        codegen::names::check(&repaired)?;
        let client = codegen::client(&repaired)?;
        let taken = repairs::narrowed(&part, source)?;
        let trips = trips::trips(&taken, &repaired, client)?;
        Ok((counts, trips))
    };
    progenitor::catch_panic(work)
        .map_err(|panic| anyhow::anyhow!("the machine panicked: {panic}"))?
}

/// An error's first line without names, so that operations with the same fault count together.
fn cause(message: &str) -> String {
    // What is named by operation says the same of others behind that.
    let message = match message.split_once("): ") {
        Some((place, what)) if place.contains("` (") => what,
        _ => message,
    };
    let line: String = message
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(110)
        .collect();
    match line.find(['`', '"', '{']) {
        Some(at) if at > 24 => line[..at].trim_end().to_owned(),
        _ => line,
    }
}
