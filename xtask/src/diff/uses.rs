//! What `octoseal` uses of the low-level crate, by a search of its sources.

use anyhow::{Context as _, Result};

use crate::rust_names::{pascal, snake};
use crate::tree::Tree;

/// The sources of `octoseal`, in which names of the low-level crate are searched.
#[derive(Debug, Clone, Default)]
pub struct Uses(String);

impl Uses {
    /// Reads the sources of `client/`, without comments: what documentation shows is not what the crate uses.
    pub fn of(tree: &Tree) -> Result<Self> {
        let mut text = String::new();
        let mut open = vec![tree.root().join("client/src")];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(&folder)
                .with_context(|| format!("cannot read {}", folder.display()))?
            {
                let path = entry?.path();
                if path.is_dir() {
                    open.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let source = std::fs::read_to_string(&path)?;
                    let code = source.lines().map(str::trim_start);
                    let code = code.filter(|line| !line.starts_with("//"));
                    code.for_each(|line| text.extend([" ", line, "\n"]));
                }
            }
        }
        Ok(Self(text))
    }

    /// Whether an operation is called by name.
    pub(super) fn calls(&self, id: &str) -> bool {
        self.0.contains(&format!(".{}(", snake(id)))
    }

    /// Whether a field of a body is written anywhere: by name in a struct, or as a key.
    pub(super) fn writes(&self, name: &str) -> bool {
        ["\"{}\"", " {}:", ".{} ="]
            .iter()
            .any(|form| self.0.contains(&form.replace("{}", name)))
    }

    /// Whether a field of this name is read anywhere.
    pub(super) fn reads(&self, name: &str) -> bool {
        let read = format!(".{}", snake(name));
        self.0
            .match_indices(&read)
            .filter_map(|(at, _)| self.0[at + read.len()..].chars().next())
            .any(|next| !next.is_alphanumeric() && !matches!(next, '_' | '('))
    }

    /// Whether the type of a component is named anywhere.
    pub(super) fn names(&self, component: &str) -> bool {
        let named = format!("types::{}", pascal(component));
        self.0
            .match_indices(&named)
            .any(|(at, _)| !self.0[at + named.len()..].starts_with(char::is_alphanumeric))
    }
}
