//! The files of one commit in memory.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, anyhow, bail};

use super::Plain;
use crate::server::config::source::{self, Document};

/// The largest file, in bytes; larger ones are left out.
const FILE: usize = 8 * 1024 * 1024;
/// All files together, in bytes.
const TOTAL: usize = 64 * 1024 * 1024;
/// How many files a commit may have.
const FILES: usize = 20_000;
/// The largest file of properties, in bytes.
const PROPERTIES: usize = 1024 * 1024;

/// The files of one commit. Links and submodules are left out.
#[derive(Debug)]
pub(crate) struct Snapshot {
    commit: String,
    /// When it was made, in seconds since 1970.
    time: i64,
    files: BTreeMap<String, Arc<Vec<u8>>>,
    parsed: Mutex<HashMap<String, Arc<Vec<Document>>>>,
}

/// Paths and objects of the files in what `git ls-tree -r -z --long` says.
pub(super) fn listed(tree: &[u8]) -> anyhow::Result<Vec<(String, String)>> {
    let (mut files, mut total) = (Vec::new(), 0_usize);
    for entry in tree.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
        // A path that is no text cannot be asked for.
        let Ok(entry) = std::str::from_utf8(entry) else { continue };
        let (about, path) = entry.split_once('\t').context("read the files of a commit")?;
        let mut about = about.split_ascii_whitespace();
        let (mode, _, object) = (about.next(), about.next(), about.next());
        let is_file = mode.is_some_and(|mode| mode.starts_with("100"));
        let size: Option<usize> = about.next().and_then(|size| size.parse().ok());
        let (Some(object), Some(size)) = (object, size) else { continue };
        if !is_file || size > FILE {
            continue;
        }
        total += size;
        files.push((path.to_owned(), object.to_owned()));
        if total > TOTAL || files.len() > FILES {
            bail!(
                "the commit has more than {TOTAL} bytes or {FILES} files; keep configuration in a repository of its own"
            );
        }
    }
    Ok(files)
}

impl Snapshot {
    /// Takes the contents in the order of `listed`, as `git cat-file --batch` writes them.
    pub(super) fn new(
        commit: &str,
        time: i64,
        listed: Vec<(String, String)>,
        mut contents: &[u8],
    ) -> anyhow::Result<Self> {
        let mut files = BTreeMap::new();
        for (path, _) in listed {
            let end =
                contents.iter().position(|byte| *byte == b'\n').context("read a commit's files")?;
            let head = std::str::from_utf8(&contents[..end])?;
            let size: usize = head
                .rsplit(' ')
                .next()
                .unwrap_or_default()
                .parse()
                .context("read a file's size")?;
            let rest = &contents[end + 1..];
            let (bytes, rest) =
                rest.split_at_checked(size).context("a file of the commit was cut")?;
            contents = rest.get(1..).unwrap_or_default();
            files.insert(path, Arc::new(bytes.to_vec()));
        }
        Ok(Snapshot { commit: commit.to_owned(), time, files, parsed: Mutex::default() })
    }

    pub(super) fn commit(&self) -> &str {
        &self.commit
    }

    pub(super) fn plain(&self, path: &str) -> Option<Plain> {
        let bytes = self.files.get(path)?.clone();
        Some(Plain { bytes, modified: self.time })
    }

    pub(in super::super) fn documents(
        &self,
        folder: &str,
        name: &str,
    ) -> anyhow::Result<Option<Arc<Vec<Document>>>> {
        let path = joined(folder, name);
        let Some(bytes) = self.files.get(&path) else { return Ok(None) };
        let parsed = || self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(documents) = parsed().get(&path) {
            return Ok(Some(documents.clone()));
        }
        let commit = &self.commit;
        if bytes.len() > PROPERTIES {
            bail!(
                "the configuration file {path} of commit {commit} is larger than {PROPERTIES} bytes; split it"
            );
        }
        let documents = source::parse(&path, bytes);
        let documents = documents.map_err(|error| anyhow!("{path} of commit {commit}: {error}"))?;
        let documents = Arc::new(documents);
        parsed().insert(path, documents.clone());
        Ok(Some(documents))
    }

    /// The folders that a pattern names; `*` stands for any part of a name.
    pub(super) fn folders(&self, pattern: &str) -> Vec<String> {
        let pattern = pattern.trim_matches('/');
        let mut found: Vec<String> = Vec::new();
        for path in self.files.keys() {
            let mut ends = path.match_indices('/').map(|(at, _)| &path[..at]);
            if let Some(folder) = ends.find(|folder| matches(pattern, folder))
                && found.last().is_none_or(|last| last != folder)
            {
                found.push(folder.to_owned());
            }
        }
        found.dedup();
        found
    }
}

/// A path below a folder of the commit, which is empty for the commit's own.
pub(super) fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn matches(pattern: &str, path: &str) -> bool {
    let (patterns, parts) = (pattern.split('/'), path.split('/'));
    patterns.clone().count() == parts.clone().count()
        && patterns.zip(parts).all(|(pattern, part)| fits(pattern, part))
}

/// Whether a name fits a pattern in which `*` stands for any letters.
fn fits(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_name() {
        for (pattern, path, expected) in [
            ("a", "a", true),
            ("*", "a", true),
            ("*", "a/b", false),
            ("a/*", "a/b", true),
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("*-x-*", "1-x-2", true),
            ("a*a", "a", false),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn links_and_what_is_too_large_are_left_out() {
        let tree = b"100644 blob aa 3\ta.yml\x00120000 blob bb 3\tlink\x00160000 commit cc -\tmodule\x00100755 blob dd 9999999\tbig\x00";
        let listed = listed(tree).unwrap();
        assert_eq!(listed, [("a.yml".to_owned(), "aa".to_owned())]);
        let snapshot = Snapshot::new("c", 1, listed, b"aa blob 3\nx:\n\n").unwrap();
        assert_eq!(*snapshot.plain("a.yml").unwrap().bytes, b"x:\n");
        assert!(Snapshot::new("c", 1, vec![("a".into(), "aa".into())], b"aa blob 30\nx").is_err());
    }
}
