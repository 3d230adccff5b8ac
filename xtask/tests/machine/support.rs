//! A workshop: a copy of what the machine reads and writes, in a folder of its own.

#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;
use xtask::tree::{DOCS, FRAGMENT, GENERATED, Tree, VENDORED};

/// Every file that the machine reads or writes.
pub(crate) fn files() -> impl Iterator<Item = &'static str> {
    [DOCS].into_iter().chain(VENDORED).chain(GENERATED)
}

/// The workspace that the tests belong to.
pub(crate) fn here() -> Tree {
    Tree::here().unwrap()
}

/// A copy of the machine's files that a test may spoil.
pub(crate) struct Workshop {
    folder: TempDir,
    pub(crate) tree: Tree,
}

impl Workshop {
    /// A copy of the workspace's own files.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (here, tree) = (here(), Tree::at(folder.path()));
        for file in files() {
            let place = folder.path().join(file);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(place, here.read(file).unwrap()).unwrap();
        }
        Self { folder, tree }
    }

    /// Writes a file beside the tree.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
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

/// The vendored fragment, which is a description like any other.
pub(crate) fn fragment() -> Value {
    serde_json::from_str(&here().read(FRAGMENT).unwrap()).unwrap()
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
