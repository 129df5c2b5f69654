//! The data folder: one program at a time, of a version that it knows.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use futures_util::future::try_join_all;
use identity::Issuer;

/// The version of the folder's layout that this program writes.
const LAYOUT: u32 = 1;
const VERSION_FILE: &str = "VERSION";
/// The version file while it is being written.
const UNFINISHED: &str = "VERSION.part";
const LOCK_FILE: &str = "LOCK";
/// The databases that the parts keep in it.
const DATABASES: [&str; 6] =
    ["broker.db", "store.db", "alert.db", "gateway.db", "registry.db", "identity.db"];

/// The folder of the development identity provider's key.
pub(crate) const KEYS: &str = "keys";

/// A data folder that is ours until this is dropped.
pub(crate) struct Folder {
    path: PathBuf,
    lock: File,
}

impl Folder {
    /// Takes the folder, creating it when missing.
    ///
    /// # Errors
    /// When another program has it, a newer version wrote it, something in it is damaged, or it is something else; it is
    /// left alone then.
    pub(crate) async fn open(path: &Path) -> anyhow::Result<Self> {
        check(path)?;
        fs::create_dir_all(path)
            .with_context(|| format!("create the data folder {}", path.display()))?;
        let mut folder = Folder { path: path.to_owned(), lock: lock(path)? };
        // Nobody else writes now. All files are looked at before any is written to.
        let databases = DATABASES.map(|name| folder.join(name));
        try_join_all(databases.iter().map(|database| database::check(database))).await?;
        Issuer::check(&folder.join(KEYS))?;
        folder.sign().with_context(|| format!("write to the data folder {}", path.display()))?;
        Ok(folder)
    }

    /// Says whose it is, and which version its layout has.
    fn sign(&mut self) -> std::io::Result<()> {
        self.lock.set_len(0)?;
        self.lock.seek(SeekFrom::Start(0))?;
        writeln!(self.lock, "{}", std::process::id())?;
        let (version, unfinished) = (self.join(VERSION_FILE), self.join(UNFINISHED));
        if version.exists() {
            return Ok(());
        }
        // Whole or not there, also after a power failure: what follows is of no use without it.
        let mut file = File::create(&unfinished)?;
        writeln!(file, "milena {LAYOUT}")?;
        file.sync_all()?;
        fs::rename(&unfinished, &version)?;
        File::open(&self.path)?.sync_all()
    }

    /// A file or folder in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Looks without touching anything.
fn check(path: &Path) -> anyhow::Result<()> {
    let name = path.display();
    let mut entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("read the data folder {name}")),
    };
    let version = path.join(VERSION_FILE);
    if !version.exists() {
        let ours =
            |entry: fs::DirEntry| entry.file_name() == LOCK_FILE || entry.file_name() == UNFINISHED;
        let foreign = entries.any(|entry| entry.is_ok_and(|entry| !ours(entry)));
        ensure!(
            !foreign,
            "{name} is no data folder of this program: it has files but no {VERSION_FILE}; name an empty or new one with --data-dir"
        );
        return Ok(());
    }
    let text = fs::read(&version).with_context(|| format!("read {}", version.display()))?;
    let text = String::from_utf8_lossy(&text);
    match text.trim().strip_prefix("milena ").and_then(|number| number.parse::<u32>().ok()) {
        Some(found) if found <= LAYOUT => Ok(()),
        Some(found) => bail!(
            "the data folder {name} has layout version {found}, this program knows version {LAYOUT}; use the newer program"
        ),
        None => bail!(
            "the data folder {name} is damaged: {VERSION_FILE} does not name a version; restore a copy, or start afresh with another --data-dir"
        ),
    }
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let file = path.join(LOCK_FILE);
    let name = file.display();
    let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&file);
    let mut lock = open.with_context(|| format!("open {name}"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            lock.read_to_string(&mut owner).with_context(|| format!("read {name}"))?;
            let owner = match owner.trim() {
                "" => "which is just starting".to_owned(),
                id => format!("process {id}"),
            };
            bail!(
                "the data folder {} is in use by another milena, {owner}; stop it or name another folder with --data-dir",
                path.display()
            );
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("lock {name}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_program_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/data");
        let first = Folder::open(&path).await.unwrap();
        let error = Folder::open(&path).await.err().unwrap().to_string();
        assert!(error.contains(&format!("process {};", std::process::id())), "{error}");
        drop(first);
        Folder::open(&path).await.unwrap();
    }

    async fn check(files: &[(&str, &str)], expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let error = Folder::open(folder.path()).await.err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
        let mut left: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(
            left,
            files.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            "it is left alone"
        );
    }

    #[tokio::test]
    async fn what_it_does_not_know_it_leaves_alone() {
        check(&[("VERSION", "milena 2\n")], "layout version 2, this program knows version 1").await;
        check(&[("VERSION", "garbage")], "is damaged").await;
        check(&[("VERSION", "")], "is damaged").await;
        check(&[("thesis.txt", "x")], "is no data folder of this program").await;
        check(
            &[("LOCK", ""), ("VERSION", "milena 1\n"), ("store.db", "garbage")],
            "store.db is damaged",
        )
        .await;
    }

    #[tokio::test]
    async fn a_start_that_was_interrupted_is_no_damage() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("LOCK"), "").unwrap();
        std::fs::write(folder.path().join("VERSION.part"), "mil").unwrap();
        drop(Folder::open(folder.path()).await.unwrap());
        assert_eq!(std::fs::read_to_string(folder.path().join("VERSION")).unwrap(), "milena 1\n");
    }
}
