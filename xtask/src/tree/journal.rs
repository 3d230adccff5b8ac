//! Writing several files as one: all of them are staged in a journal, which is then carried out.
//!
//! A program that is killed before the journal is complete has changed nothing, and the next one throws the journal
//! away. A program that is killed later has moved some of the files, and the next one moves the rest.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::{File, MANIFEST, Tree};

/// The journal's folder, in the workspace's own so that files can be moved into place. Git ignores it.
pub(crate) const JOURNAL: &str = ".xtask-journal";

/// The paths of the files, line by line. With this file the journal is complete.
const LIST: &str = "list";

/// Files that are written and not in their places yet.
#[derive(Debug)]
pub struct Staged {
    root: PathBuf,
    paths: Vec<String>,
    /// Keeps others that write to this workspace waiting.
    _lock: Option<std::fs::File>,
}

/// What became of the writing that another run was killed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovered {
    /// The rest of these files was written.
    Finished(Vec<String>),
    /// None of the files had been written, and what was staged is gone.
    TakenBack,
}

impl Tree {
    /// Writes `files` into the journal. Nothing else changes, whether or not this succeeds.
    pub fn stage(&self, files: &[&File]) -> Result<Staged> {
        let lock = self.lock();
        let journal = self.root().join(JOURNAL);
        let staged = write_journal(&journal, self.root(), files);
        if staged.is_err() {
            std::fs::remove_dir_all(&journal).ok();
        }
        staged.with_context(|| format!("cannot write {JOURNAL}; nothing was changed"))?;
        Ok(Staged {
            root: self.root().to_owned(),
            paths: files.iter().map(|file| file.path.to_owned()).collect(),
            _lock: lock,
        })
    }

    /// Finishes or takes back what a run left that was killed while it wrote.
    pub fn recover(&self) -> Result<Option<Recovered>> {
        let journal = self.root().join(JOURNAL);
        if !journal.is_dir() {
            return Ok(None);
        }
        let lock = self.lock();
        // Another run may have been at work, and has ended.
        if !journal.is_dir() {
            return Ok(None);
        }
        let Ok(list) = std::fs::read_to_string(journal.join(LIST)) else {
            remove(&journal)?;
            return Ok(Some(Recovered::TakenBack));
        };
        let paths: Vec<_> = list.lines().map(str::to_owned).collect();
        let staged = Staged {
            root: self.root().to_owned(),
            paths: paths.clone(),
            _lock: lock,
        };
        staged.finish()?;
        Ok(Some(Recovered::Finished(paths)))
    }

    /// Waits for others that write to this workspace.
    fn lock(&self) -> Option<std::fs::File> {
        let file = std::fs::File::open(self.root().join(MANIFEST)).ok()?;
        file.lock().ok()?;
        Some(file)
    }
}

impl Staged {
    /// Moves the files to their places. If one can't be moved, those that were are as before.
    pub fn finish(self) -> Result<()> {
        let journal = self.root.join(JOURNAL);
        for (index, path) in self.paths.iter().enumerate() {
            let new = journal.join(new(index));
            // A killed run moved it already.
            if !new.exists() {
                continue;
            }
            if let Err(error) = std::fs::rename(&new, self.root.join(path)) {
                self.take_back(&journal, index);
                return Err(error)
                    .with_context(|| format!("cannot write {path}; nothing was changed"));
            }
        }
        remove(&journal)
    }

    /// Puts the first `moved` files back as they were.
    fn take_back(&self, journal: &Path, moved: usize) {
        for (index, path) in self.paths[..moved].iter().enumerate() {
            let (old, place) = (journal.join(old(index)), self.root.join(path));
            if old.exists() {
                std::fs::rename(old, place).ok();
            } else {
                std::fs::remove_file(place).ok();
            }
        }
        std::fs::remove_dir_all(journal).ok();
    }
}

fn write_journal(journal: &Path, root: &Path, files: &[&File]) -> Result<()> {
    std::fs::create_dir_all(journal)?;
    let mut list = String::new();
    for (index, file) in files.iter().enumerate() {
        let place = root.join(file.path);
        if place.is_file() {
            std::fs::copy(&place, journal.join(old(index)))?;
        }
        write_through(&journal.join(new(index)), &file.text)?;
        list.push_str(file.path);
        list.push('\n');
    }
    let incomplete = journal.join("incomplete");
    write_through(&incomplete, &list)?;
    Ok(std::fs::rename(incomplete, journal.join(LIST))?)
}

/// Writes a file to the disk, not only to memory.
fn write_through(path: &Path, text: &str) -> Result<()> {
    let mut file = std::fs::File::create(path)?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    Ok(file.sync_all()?)
}

/// Removes the journal, the list last: a run that is killed meanwhile has written all files, and the list says so.
fn remove(journal: &Path) -> Result<()> {
    let removed = || {
        for entry in std::fs::read_dir(journal)? {
            let path = entry?.path();
            if !path.ends_with(LIST) {
                std::fs::remove_file(path)?;
            }
        }
        std::fs::remove_dir_all(journal)
    };
    removed().with_context(|| format!("cannot remove {JOURNAL}"))
}

fn new(index: usize) -> String {
    format!("{index}.new")
}

fn old(index: usize) -> String {
    format!("{index}.old")
}
