//! Pieces of paths that only have another name: arguments go by position.

use super::change::{Breaks, Change};
use super::flat::{Area, Flat};

type Flats = (Flat, Flat);

/// The pieces of an operation's path that are called otherwise, one change each. In `after`, they get their old names.
pub(super) fn renamed(id: &str, before: &Flats, after: &mut Flats) -> Vec<Change> {
    let (Some(old), Some(new)) = (call(&before.0), call(&after.0)) else {
        return vec![];
    };
    let old: Vec<_> = old.split('/').collect();
    let new: Vec<_> = new.split('/').collect();
    let pairs: Vec<_> = old.iter().zip(&new).collect();
    // Where anything else differs, the call has moved, and pieces that swap places are passed wrongly.
    let alike =
        |(old, new): &(&&str, &&str)| old == new || (piece(old).is_some() && piece(new).is_some());
    if old.len() != new.len() || !pairs.iter().all(alike) {
        return vec![];
    }
    let renamed: Vec<(String, String)> = pairs
        .iter()
        .filter(|(before, after)| !new.contains(before) && !old.contains(after))
        .filter_map(|(old, new)| Some((piece(old)?.to_owned(), piece(new)?.to_owned())))
        .collect();
    for flat in [&mut after.0, &mut after.1] {
        for (old, new) in &renamed {
            rename(flat, old, new);
        }
    }
    let told = renamed.into_iter();
    told.map(|(old, new)| Change {
        operation: id.to_owned(),
        position: format!("path {old}"),
        what: format!("is called {new} now"),
        breaks: Breaks::Nobody,
    })
    .collect()
}

fn call(flat: &Flat) -> Option<String> {
    let fact = flat.get(&(Area::Call, vec![]))?;
    Some(fact.kind.clone())
}

fn piece(text: &str) -> Option<&str> {
    text.strip_prefix('{')?.strip_suffix('}')
}

fn rename(flat: &mut Flat, old: &str, new: &str) {
    let of_piece =
        |area: &Area| matches!(area, Area::Parameter(kind, name) if kind == "path" && name == new);
    let positions: Vec<_> = flat
        .keys()
        .filter(|(area, _)| of_piece(area))
        .cloned()
        .collect();
    for position in positions {
        if let Some(fact) = flat.remove(&position) {
            let area = Area::Parameter("path".to_owned(), old.to_owned());
            flat.insert((area, position.1), fact);
        }
    }
    if let Some(fact) = flat.get_mut(&(Area::Call, vec![])) {
        let (old, new) = (format!("{{{old}}}"), format!("{{{new}}}"));
        fact.kind = fact.kind.replace(&new, &old);
    }
}
