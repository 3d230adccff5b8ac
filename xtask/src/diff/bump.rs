//! The version that follows.

use serde::Serialize;

/// The version of a crate that follows by semver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bump {
    /// How large a step it is.
    pub step: Step,
    /// The version now.
    pub from: String,
    /// The version after.
    pub to: String,
}

/// How large a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Nothing that a caller sees changed.
    None,
    /// Only additions.
    Compatible,
    /// Callers' code must change.
    Breaking,
}

/// The version after a step. Before 1.0, the second number tells what breaks.
pub(super) fn bumped(version: &str, step: Step) -> Bump {
    let numbers: Vec<u64> = version
        .split('.')
        .map(|number| number.parse().unwrap_or_default())
        .collect();
    let at = |index: usize| numbers.get(index).copied().unwrap_or_default();
    let to = match (step, at(0)) {
        (Step::None, _) => version.to_owned(),
        (Step::Breaking, 0) => format!("0.{}.0", at(1) + 1),
        (Step::Compatible, 0) => format!("0.{}.{}", at(1), at(2) + 1),
        (Step::Breaking, major) => format!("{}.0.0", major + 1),
        (Step::Compatible, major) => format!("{major}.{}.0", at(1) + 1),
    };
    Bump {
        step,
        from: version.to_owned(),
        to,
    }
}
