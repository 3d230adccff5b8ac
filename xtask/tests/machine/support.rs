//! A workshop: what the machine reads and writes, in a folder of its own, from a description that stays as it is.

#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use serde_json::{Value, json};
use tempfile::TempDir;
use xtask::codegen;
use xtask::codegen::docs::Docs;
use xtask::description::source::Source;
use xtask::repairs::Idle;
use xtask::tree::{DOCS, FRAGMENT, GENERATED, README, SOURCE, Tree, VENDORED};
use xtask::vendor;
use xtask::vendor::fetch::Wanted;

/// Every file that the machine reads or writes.
pub(crate) fn files() -> impl Iterator<Item = &'static str> {
    [DOCS].into_iter().chain(VENDORED).chain(GENERATED)
}

/// The workspace that the tests belong to. Its description is another one after every refresh: only what must hold over
/// any description is tested there.
pub(crate) fn here() -> Tree {
    Tree::here().unwrap()
}

/// A description of 2026, and what was kept of it.
const FIXTURE: [(&str, &str); 4] = [
    (FRAGMENT, include_str!("fixture/github.json")),
    (SOURCE, include_str!("fixture/source.toml")),
    (DOCS, include_str!("fixture/docs.toml")),
    (
        README,
        "# Octoseal\n\n<!-- stores:begin -->\n<!-- stores:end -->\n",
    ),
];

/// A workspace of the fixture, generated, that a test may spoil.
pub(crate) struct Workshop {
    folder: TempDir,
    pub(crate) tree: Tree,
}

impl Workshop {
    /// A copy of the fixture and what is generated from it.
    pub(crate) fn new() -> Self {
        static GENERATED: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
            let workshop = Workshop::of(&FIXTURE);
            let files = codegen::files(&workshop.tree, Idle::Refuse).unwrap();
            let files = files.into_iter();
            let fragment = vendor::pretty(&fragment()).unwrap();
            files
                .map(|file| (file.path.to_owned(), file.text))
                .chain([(FRAGMENT.to_owned(), fragment)])
                .collect()
        });
        let workshop = Self::of(&FIXTURE);
        for (path, text) in GENERATED.iter() {
            workshop.place(path, text);
        }
        workshop
    }

    fn of(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tree = Tree::at(folder.path());
        let workshop = Self { folder, tree };
        for (path, text) in files {
            workshop.place(path, text);
        }
        workshop
    }

    fn place(&self, path: &str, text: &str) {
        let place = self.folder.path().join(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, text).unwrap();
    }

    /// Vendors a description as version 99.0.0, as a refresh does.
    pub(crate) fn vendor(&self, description: &Value) -> anyhow::Result<vendor::Outcome> {
        let file = self.file("description.json", description.to_string());
        let options = vendor::Options {
            wanted: wanted(file, "99.0.0"),
            ..vendor::Options::default()
        };
        vendor::run(&self.tree, &options)
    }

    /// Writes a file beside the tree.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Removes a file.
    pub(crate) fn remove(&self, path: &str) {
        std::fs::remove_file(self.folder.path().join(path)).unwrap();
    }

    /// Replaces a piece of one of the tree's files, which must be there.
    pub(crate) fn edit(&self, file: &str, old: &str, new: &str) {
        let text = self.tree.read(file).unwrap();
        assert!(text.contains(old), "{file} has no {old:?}");
        std::fs::write(self.tree.root().join(file), text.replacen(old, new, 1)).unwrap();
    }

    /// All files as they are now.
    pub(crate) fn snapshot(&self) -> BTreeMap<&'static str, String> {
        files()
            .map(|file| (file, self.tree.read(file).unwrap()))
            .collect()
    }
}

/// A file as a version of the description.
pub(crate) fn wanted(file: PathBuf, version: &str) -> Wanted {
    Wanted {
        from: Some(file),
        version: Some(version.to_owned()),
        offline: true,
        ..Wanted::default()
    }
}

/// The fixture's fragment, which is a description like any other.
pub(crate) fn fragment() -> Value {
    serde_json::from_str(FIXTURE[0].1).unwrap()
}

/// What the fixture keeps.
pub(crate) fn source() -> Source {
    Source::parse(FIXTURE[1].1).unwrap()
}

/// The fixture's words.
pub(crate) fn docs() -> Docs {
    Docs::parse(FIXTURE[2].1).unwrap()
}

/// A description of one operation.
pub(crate) fn one_operation(path: &str, method: &str, operation: Value) -> Value {
    json!({
        "openapi": "3.0.3",
        "info": { "title": "Test", "version": "1" },
        "paths": { path: { method: operation } },
    })
}

/// Gives a description a store of `robots` at organizations and repositories: that of `agents` under another name.
pub(crate) fn add_robots(description: &mut Value) {
    let paths = description["paths"].as_object_mut().unwrap();
    let like = |text: &str| text.replace("agents", "robots");
    let robots: Vec<_> = paths
        .iter()
        .filter(|(path, _)| path.contains("/agents/") && path.contains("secrets"))
        .map(|(path, item)| {
            (
                like(path),
                serde_json::from_str(&like(&item.to_string())).unwrap(),
            )
        })
        .collect();
    assert_eq!(robots.len(), 9);
    paths.extend(robots);
}
