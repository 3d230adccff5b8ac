//! README's table of stores and scopes.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::description::family::{Place, registries, scopes};

/// The line before the table.
pub const BEGIN: &str = "<!-- stores:begin -->";
/// The line after it.
pub const END: &str = "<!-- stores:end -->";

/// The table: a row for each store, a column for each place; in a cell the scope as text and its number of operations.
pub fn table(fragment: &Value) -> String {
    let mut rows: BTreeMap<String, BTreeMap<Place, String>> = BTreeMap::new();
    let mut total = 0;
    let mut add = |store: &str, place: Place, operations: usize| {
        total += operations;
        let cell = format!("`{store}:{}` ({operations})", pattern(place));
        rows.entry(store.to_owned())
            .or_default()
            .insert(place, cell);
    };
    for scope in scopes(fragment) {
        add(&scope.store, scope.place, scope.operations.len());
    }
    if let Some(family) = registries(fragment) {
        add(&family.store, Place::Organization, 6);
    }
    let mut text = String::from(
        "| store | organization | repository | environment | user |\n|---|---|---|---|---|\n",
    );
    for (store, cells) in &rows {
        let cells: Vec<_> = Place::ALL
            .iter()
            .map(|place| cells.get(place).map_or("", String::as_str))
            .collect();
        text.push_str(&format!("| {store} | {} |\n", cells.join(" | ")));
    }
    text.push_str(&format!(
        "\nIn brackets: GitHub's operations, {total} in all.\n"
    ));
    text
}

/// `text` with the table between its two lines.
pub fn fill(text: &str, fragment: &Value) -> Result<String> {
    let parts = text
        .split_once(BEGIN)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = parts else {
        bail!("README.md has no `{BEGIN}` and `{END}` to put the table between")
    };
    Ok(format!("{before}{BEGIN}\n{}{END}{after}", table(fragment)))
}

fn pattern(place: Place) -> &'static str {
    match place {
        Place::Organization => "org/ORG",
        Place::Repository => "repo/OWNER/REPO",
        Place::Environment => "env/OWNER/REPO/ENV",
        Place::User => "user",
    }
}
