//! The data folder: one program at a time, of a version that it knows.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};

/// The version of the folder's layout that this program writes.
const LAYOUT: u32 = 1;
const VERSION_FILE: &str = "VERSION";
const LOCK_FILE: &str = "LOCK";

/// A data folder that is ours until this is dropped.
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Takes the folder, creating it when missing.
    ///
    /// # Errors
    /// When another program has it, a newer version wrote it, or it is something else; it is left alone then.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        check(path)?;
        std::fs::create_dir_all(path).with_context(|| format!("create the data folder {name}"))?;
        let lock = lock(path)?;
        let version = path.join(VERSION_FILE);
        if !version.exists() {
            std::fs::write(&version, format!("milena {LAYOUT}\n")).with_context(|| format!("write {}", version.display()))?;
        }
        Ok(Folder { path: path.to_owned(), _lock: lock })
    }

    /// A file or folder in it.
    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Looks without touching anything.
fn check(path: &Path) -> anyhow::Result<()> {
    let name = path.display();
    let mut entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("read the data folder {name}")),
    };
    let version = path.join(VERSION_FILE);
    if !version.exists() {
        let foreign = entries.any(|entry| entry.is_ok_and(|entry| entry.file_name() != LOCK_FILE));
        ensure!(!foreign, "{name} is no data folder of this program: it has files but no {VERSION_FILE}; name an empty or new one with --data-dir");
        return Ok(());
    }
    let text = std::fs::read_to_string(&version).with_context(|| format!("read {}", version.display()))?;
    match text.trim().strip_prefix("milena ").and_then(|number| number.parse::<u32>().ok()) {
        Some(found) if found <= LAYOUT => Ok(()),
        Some(found) => bail!("the data folder {name} has layout version {found}, this program knows version {LAYOUT}; use the newer program"),
        None => bail!("the data folder {name} is damaged: {VERSION_FILE} does not name a version; restore a copy, or start afresh with another --data-dir"),
    }
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let file = path.join(LOCK_FILE);
    let name = file.display();
    let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&file);
    let mut lock = open.with_context(|| format!("open {name}"))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            lock.read_to_string(&mut owner).with_context(|| format!("read {name}"))?;
            bail!("the data folder {} is in use by another milena, process {}; stop it or name another folder with --data-dir", path.display(), owner.trim());
        }
        Err(TryLockError::Error(error)) => return Err(error).with_context(|| format!("lock {name}")),
    }
    let written = lock.set_len(0).and_then(|()| lock.seek(SeekFrom::Start(0))).and_then(|_| writeln!(lock, "{}", std::process::id()));
    written.with_context(|| format!("write {name}"))?;
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_program_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/data");
        let first = Folder::open(&path).unwrap();
        let error = Folder::open(&path).err().unwrap().to_string();
        assert!(error.contains(&format!("process {};", std::process::id())), "{error}");
        drop(first);
        Folder::open(&path).unwrap();
    }

    fn check(files: &[(&str, &str)], expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let error = Folder::open(folder.path()).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
        let mut left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, files.iter().map(|(name, _)| *name).collect::<Vec<_>>(), "it is left alone");
    }

    #[test]
    fn what_it_does_not_know_it_leaves_alone() {
        check(&[("VERSION", "milena 2\n")], "layout version 2, this program knows version 1");
        check(&[("VERSION", "garbage")], "is damaged");
        check(&[("thesis.txt", "x")], "is no data folder of this program");
    }
}
