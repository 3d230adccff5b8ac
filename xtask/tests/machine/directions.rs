//! The rooms of the sources, and which rooms each may know.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::here;
use syn::visit_mut::{VisitMut, visit_item_mod_mut, visit_path_mut};
use syn::{ItemMod, ItemUse, UseTree};

/// A room and the rooms that it may know, all of which stand above it: there is no circle.
type Room = (&'static str, &'static [&'static str]);

const XTASK: &[Room] = &[
    ("progress", &[]),
    ("tree", &[]),
    ("rust_names", &[]),
    ("description", &["rust_names"]),
    ("vendor", &["description", "progress", "tree"]),
    ("repairs", &["description", "rust_names"]),
    ("codegen", &["description", "repairs", "rust_names", "tree"]),
    (
        "diff",
        &["codegen", "description", "repairs", "rust_names", "tree"],
    ),
    (
        "robots",
        &[
            "codegen",
            "description",
            "progress",
            "repairs",
            "rust_names",
            "tree",
            "vendor",
        ],
    ),
    (
        "refresh",
        &[
            "codegen",
            "description",
            "diff",
            "progress",
            "repairs",
            "robots",
            "tree",
            "vendor",
        ],
    ),
    (
        "commands",
        &[
            "codegen",
            "description",
            "diff",
            "progress",
            "refresh",
            "repairs",
            "robots",
            "tree",
            "vendor",
        ],
    ),
];

const CLIENT: &[Room] = &[
    ("error", &[]),
    ("limits", &[]),
    ("value", &["error"]),
    ("scope", &["error"]),
    ("access", &["error", "scope"]),
    ("auth", &["error", "limits"]),
    ("wire", &["error", "limits"]),
    ("runtime", &["auth", "error", "limits"]),
    (
        "lookup",
        &[
            "access", "auth", "error", "limits", "runtime", "scope", "value",
        ],
    ),
    ("app", &["auth", "error", "limits", "lookup", "runtime"]),
    ("client", &["lookup", "runtime", "wire"]),
    ("receipt", &["error", "runtime"]),
    (
        "operation",
        &["auth", "client", "error", "runtime", "scope"],
    ),
    (
        "secrets",
        &[
            "access", "client", "error", "limits", "lookup", "receipt", "runtime", "scope", "value",
        ],
    ),
    (
        "registries",
        &[
            "access", "auth", "client", "error", "lookup", "receipt", "runtime", "scope", "value",
        ],
    ),
    (
        "documented",
        &[
            "access", "client", "error", "lookup", "receipt", "scope", "secrets",
        ],
    ),
    (
        "builder",
        &[
            "app", "auth", "client", "error", "limits", "runtime", "wire",
        ],
    ),
    ("guide", &[]),
    ("transport", &[]),
    ("observe", &["runtime"]),
];

#[test]
fn the_rooms_of_the_public_crate_know_only_rooms_above_them() {
    let breaches = breaches(&here().root().join("client/src"), CLIENT);
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn limits_know_no_http() {
    let http = ["http", "hyper", "octoseal_api", "reqwest"];
    let src = here().root().join("client/src");
    for file in files(&src) {
        let path = file.strip_prefix(&src).unwrap();
        if !path.starts_with("limits") && path != Path::new("limits.rs") {
            continue;
        }
        let known = paths(&file).into_iter().map(|(_, mut path)| path.remove(0));
        let known: Vec<_> = known
            .filter(|first| http.contains(&first.as_str()))
            .collect();
        assert!(known.is_empty(), "{} knows {known:?}", path.display());
    }
}

#[test]
fn crypto_low_level_client_and_stand_in_know_no_package_above_them() {
    let stand_in: &[&str] = &["octoseal-api", "octoseal-sealing"];
    for (folder, below) in [
        ("sealing", &[][..]),
        ("codegen", &[]),
        ("tests/mock", stand_in),
    ] {
        let manifest = here().read(&format!("{folder}/Cargo.toml")).unwrap();
        let manifest: toml_edit::DocumentMut = manifest.parse().unwrap();
        for table in ["dependencies", "build-dependencies"] {
            let known = manifest.get(table).and_then(|table| table.as_table_like());
            for (name, _) in known.into_iter().flat_map(|table| table.iter()) {
                let own = manifest["package"]["name"].as_str() == Some(name);
                let fits = !name.starts_with("octoseal") || own || below.contains(&name);
                assert!(fits, "{folder} knows {name} by its {table}");
            }
        }
    }
}

#[test]
fn the_machines_rooms_know_only_rooms_above_them() {
    let breaches = breaches(&here().root().join("xtask/src"), XTASK);
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn a_file_that_knows_a_room_it_may_not_is_named_with_the_room() {
    let rooms: &[Room] = &[("low", &[]), ("high", &["low"])];
    for (file, text, expected) in [
        ("high.rs", "use crate::low::Thing;", None),
        (
            "high/deep.rs",
            "use super::other; use self::inner::X;",
            None,
        ),
        ("low.rs", "//! See [`crate::high`].", None),
        (
            "low.rs",
            "use crate::{low::a, high::b};",
            Some("low.rs knows `high`"),
        ),
        (
            "low/deep.rs",
            "fn f() { crate::high::b() }",
            Some("low/deep.rs knows `high`"),
        ),
        (
            "low/deep.rs",
            "use super::super::high;",
            Some("low/deep.rs knows `high`"),
        ),
        ("low.rs", "use crate::Thing;", Some("low.rs knows `Thing`")),
        (
            "lost.rs",
            "",
            Some("lost.rs is in a room that is not listed"),
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        let found = breaches(folder.path(), rooms);
        assert_eq!(
            found,
            Vec::from_iter(expected.map(str::to_owned)),
            "{file}: {text}"
        );
    }
}

/// Every use of a room by a file that may not know it, below `src`.
pub(crate) fn breaches(src: &Path, rooms: &[Room]) -> Vec<String> {
    for (index, (room, known)) in rooms.iter().enumerate() {
        let above: Vec<_> = rooms[..index].iter().map(|(room, _)| room).collect();
        let below = known.iter().find(|each| !above.contains(each));
        assert!(
            below.is_none(),
            "{room} would know {below:?}, which is not above it"
        );
    }
    let mut found = Vec::new();
    for file in files(src) {
        let path = file.strip_prefix(src).unwrap();
        let module: Vec<_> = path
            .with_extension("")
            .iter()
            .map(|piece| piece.to_str().unwrap().to_owned())
            .collect();
        let room = module[0].as_str();
        if path == Path::new("lib.rs") || path == Path::new("main.rs") {
            continue;
        }
        let Some((_, known)) = rooms.iter().find(|(each, _)| *each == room) else {
            found.push(format!(
                "{} is in a room that is not listed",
                path.display()
            ));
            continue;
        };
        for other in rooms_named(&file, &module) {
            // What is no room is a name that the root gives on, past the direction.
            if other != room && !known.contains(&other.as_str()) {
                found.push(format!("{} knows `{other}`", path.display()));
            }
        }
    }
    found
}

/// The first pieces of all paths below the crate that the code of a file names.
fn rooms_named(file: &Path, module: &[String]) -> BTreeSet<String> {
    let first = |(depth, path): &(usize, Vec<String>)| {
        let supers = path.iter().take_while(|piece| *piece == "super").count();
        match path[0].as_str() {
            "crate" => path.get(1).cloned(),
            "super" if supers >= module.len() + depth => path.get(supers).cloned(),
            _ => None,
        }
    };
    paths(file).iter().filter_map(first).collect()
}

/// All paths in the code of a file, with how many modules deep they are in it.
fn paths(file: &Path) -> Vec<(usize, Vec<String>)> {
    let text = std::fs::read_to_string(file).unwrap();
    let mut code = syn::parse_file(&text).unwrap();
    let mut paths = Paths::default();
    paths.visit_file_mut(&mut code);
    paths.found
}

#[derive(Default)]
struct Paths {
    depth: usize,
    found: Vec<(usize, Vec<String>)>,
}

impl VisitMut for Paths {
    fn visit_item_mod_mut(&mut self, module: &mut ItemMod) {
        self.depth += 1;
        visit_item_mod_mut(self, module);
        self.depth -= 1;
    }

    fn visit_item_use_mut(&mut self, item: &mut ItemUse) {
        self.tree(&item.tree, &mut Vec::new());
    }

    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        let pieces = path.segments.iter();
        let pieces = pieces.map(|piece| piece.ident.to_string()).collect();
        self.found.push((self.depth, pieces));
        visit_path_mut(self, path);
    }
}

impl Paths {
    fn tree(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.tree(&path.tree, before);
                before.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(tree, before);
                }
            }
            UseTree::Name(name) => self.end(before, name.ident.to_string()),
            UseTree::Rename(name) => self.end(before, name.ident.to_string()),
            UseTree::Glob(_) => self.end(before, "*".to_owned()),
        }
    }

    fn end(&mut self, before: &[String], last: String) {
        self.found.push((self.depth, [before, &[last]].concat()));
    }
}

/// Every Rust file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}
