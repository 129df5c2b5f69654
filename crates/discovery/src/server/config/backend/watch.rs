//! Notices that files have changed, by their sizes and times.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
};

/// How deep folders are looked into.
const DEPTH: usize = 8;
/// How many files are looked at.
const FILES: usize = 10_000;

/// A number that is another one when a file below these folders is new, gone or changed. Links are followed, for a folder
/// may be swapped as a whole behind one.
pub(super) fn state(roots: &[PathBuf]) -> u64 {
    let (mut hasher, mut left) = (DefaultHasher::new(), FILES);
    let mut waiting: Vec<(PathBuf, usize)> = roots.iter().map(|root| (root.clone(), 0)).collect();
    while let Some((folder, depth)) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        let mut paths: Vec<PathBuf> =
            entries.flatten().map(|entry| entry.path()).take(left).collect();
        left -= paths.len();
        paths.sort();
        for path in paths {
            let Ok(found) = fs::metadata(&path) else { continue };
            if found.is_dir() && depth < DEPTH {
                waiting.push((path, depth + 1));
                continue;
            }
            (path, found.len(), found.modified().ok()).hash(&mut hasher);
        }
    }
    hasher.finish()
}
