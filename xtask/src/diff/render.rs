//! A report as text, and as the body of a pull request.

use std::fmt;

use super::{Breaks, Change, Report, Step};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.heading(), self.sentence())?;
        if let Some(losses) = &self.losses {
            writeln!(f, "{losses}")?;
        }
        for (title, lines) in self.sections(false) {
            writeln!(f, "\n{title}")?;
            lines.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
        }
        Ok(())
    }
}

impl Report {
    /// The body of a pull request.
    pub fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n", self.heading());
        if let Some(losses) = &self.losses {
            text.push_str(&format!("**{losses}**\n\n"));
        }
        text.push_str(&format!("{}\n", self.sentence()));
        for (title, lines) in self.sections(true) {
            text.push_str(&format!("\n### {title}\n\n"));
            for line in lines {
                text.push_str(&format!("- {line}\n"));
            }
        }
        text
    }

    /// The first line of a commit.
    pub fn heading(&self) -> String {
        format!("GitHub's description {} to {}", self.old, self.new)
    }

    fn sentence(&self) -> String {
        let Self {
            added,
            removed,
            changed,
            ..
        } = self;
        if added.is_empty() && removed.is_empty() && changed.is_empty() {
            return "nothing that we keep has changed.".to_owned();
        }
        let operations: std::collections::BTreeSet<_> =
            changed.iter().map(|change| &change.operation).collect();
        format!(
            "{} operations added, {} removed, {} changed ({} changes).",
            added.len(),
            removed.len(),
            operations.len(),
            changed.len()
        )
    }

    fn sections(&self, marked: bool) -> Vec<(String, Vec<String>)> {
        let code = |text: &str| {
            if marked {
                format!("`{text}`")
            } else {
                text.to_owned()
            }
        };
        let line = |change: &Change| {
            format!(
                "{} {}: {}",
                code(&change.operation),
                change.position,
                change.what
            )
        };
        let all = || self.removed.iter().chain(&self.changed);
        let breaking = |whom: Breaks| {
            all()
                .filter(|change| change.breaks == whom)
                .map(line)
                .collect::<Vec<_>>()
        };
        let left_out = |sealed: bool| {
            self.left_out
                .iter()
                .filter(|left| left.sealed == sealed)
                .map(ToString::to_string)
                .collect()
        };
        let versions = self.bump.iter().map(|(name, bump)| {
            let step = match bump.step {
                Step::None => "unchanged",
                Step::Compatible => "compatible",
                Step::Breaking => "breaking",
            };
            format!("{}: {step}, {} to {}", code(name), bump.from, bump.to)
        });
        let sections = vec![
            ("Versions that follow", versions.collect()),
            ("Stores added", self.stores_added.clone()),
            ("Stores removed", self.stores_removed.clone()),
            ("Breaks callers of octoseal", breaking(Breaks::Octoseal)),
            (
                "Breaks callers of octoseal-api only, which is octoseal::api",
                breaking(Breaks::LowLevel),
            ),
            (
                "Operations added",
                self.added.iter().map(|id| code(id)).collect(),
            ),
            ("Breaks nobody", breaking(Breaks::Nobody)),
            ("New at stores, and not kept", left_out(true)),
            ("New beside our stores, and not kept", left_out(false)),
            (
                "Not understood, and not kept",
                self.faults.iter().map(ToString::to_string).collect(),
            ),
        ];
        sections
            .into_iter()
            .filter(|(_, lines)| !lines.is_empty())
            .map(|(title, lines)| (format!("{title} ({})", lines.len()), lines))
            .collect()
    }
}
